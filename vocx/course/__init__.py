"""The course: what the notebooks are made of besides the helpers themselves.

>>> from vocx import course
>>> lab, binance = course.begin("03")       # first cell: re-runnable, the only set-up
>>> course.predict("03.1", "We lose one message ...", ["healed", "worse"])
>>> course.freshness(asked=binance, pushed=tape)       # a lesson's own instrument
>>> course.verdict("03.1")                            # in the cell of the experiment
>>> course.check("03.1", decide)                      # right, wrong, or not answered yet
>>> course.export(client, "my_bot.py")                # what you built, as a script with a test
>>> course.end("03")                                  # last cell: stops everything
>>> course.quiz(seed=5).answer("kept", 80, measured)  # the final quiz: say it, then measure it
>>> course.exam(seed=11).hand_in("book", keep)        # the practical exam: ten tasks

Progress is kept in a passport (a small file beside the notebooks) and in a resume code.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vocx.course.export import export
from vocx.course.final_quiz import Quiz, quiz
from vocx.course.grading import Result, check
from vocx.course.passport_page import passport_page
from vocx.course.practical_exam import Exam, exam
from vocx.course.predictions import Prediction, choices, predict, verdict
from vocx.course.session import begin, end, progress, resume
from vocx.errors import optional_parts

if TYPE_CHECKING:
    from vocx.course.instruments.board_view import board
    from vocx.course.instruments.compare_view import compare
    from vocx.course.instruments.freshness_view import freshness
    from vocx.course.instruments.frontier_view import frontier
    from vocx.course.instruments.signature_view import signature

_INSTRUMENTS = ("board", "compare", "freshness", "frontier", "signature")
"""Loaded when they are first looked at: they need what only notebooks have."""

__all__ = [
    "Exam",
    "Prediction",
    "Quiz",
    "Result",
    "begin",
    "board",
    "check",
    "choices",
    "compare",
    "end",
    "exam",
    "export",
    "freshness",
    "frontier",
    "passport_page",
    "predict",
    "progress",
    "quiz",
    "resume",
    "signature",
    "verdict",
]


def __getattr__(name: str) -> Any:
    if name not in _INSTRUMENTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with optional_parts():
        value = getattr(import_module(f"{__name__}.instruments.{name}_view"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
