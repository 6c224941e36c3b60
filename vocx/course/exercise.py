"""What an exercise is: its task, its hint, and the function that judges an answer."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import TYPE_CHECKING

import msgspec

from vocx.course.answer_runner import Trial
from vocx.errors import NotReady

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.lab import Lab


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One exercise's judge.

    Attributes
    ----------
    id : str
        ``"03.1"``: lesson and number.
    task : str
        What is to be written, in one line.
    hint : str
        Shown on the third failure.
    judge : callable
        Takes the :class:`~vocx.course.answer_runner.Trial` and the lesson's exchange (``None``
        before one was begun), returns a sentence for a right answer and raises
        :class:`~vocx.course.answer_runner.Wrong` for a wrong one. Judges behaviour, not text.
    call_s : float or None
        Longest single call of the answer; ``None``: as long as of most.
    """

    id: str
    task: str
    hint: str
    judge: Callable[[Trial, Exchange | None], str]
    call_s: float | None = None

    @property
    def name(self) -> str:
        """What the function is called in the lesson: as the judge calls it."""
        return next(iter(signature(self.judge).parameters))


def in_lab(exchange: Exchange | None) -> tuple[Exchange, Lab]:
    """The exchange of a lesson, and its lab.

    Raises
    ------
    NotReady
        No lesson was begun in a lab.
    """
    if exchange is None or exchange.lab is None:
        raise NotReady("this check runs in the lesson's lab: run the first cell of the lesson")
    return exchange, exchange.lab
