"""What the owner of a lab may set at its exchange: limits, faults, the clock.

Each is one command on the control port; what changes something can be used with ``with`` where it
should end with a block. Without ``venue`` it is for every venue of the lab, and in a lab with
several the answer is a mapping by venue.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from vocx.call_forms import methods_say_their_form
from vocx.errors import BadInput, LabDied, LabError
from vocx.lab.network import Controlled
from vocx.lab.service.control_client import ControlClient


def without_none(**arguments: Any) -> dict[str, Any]:
    """The arguments that were said."""
    return {name: value for name, value in arguments.items() if value is not None}


class HasControlPort(Controlled, Protocol):
    """A lab's handle, which can also open a control connection of its own."""

    def control_client(self) -> ControlClient:
        """A connection to the control port that belongs to the caller, who closes it."""

    def control_on(self, client: ControlClient, op: str, **arguments: Any) -> Any:
        """One call over such a connection."""


def venue_command(lab: Controlled, op: str, venue: str | None = None, **arguments: Any) -> Any:
    """One command for a venue, or for all; the answer of the only one as it is, else by venue."""
    answer = lab.control(op, **without_none(venue=venue, **arguments))
    return next(iter(answer.values())) if venue is None and len(answer) == 1 else answer


@methods_say_their_form
class Limits:
    """``lab.limits(scale=10)`` makes the venue's windows and bans ten times shorter,
    ``lab.limits(off=True)`` takes them away, ``lab.limits.advance(60)`` lets a minute pass."""

    def __init__(self, lab: HasControlPort) -> None:
        self._lab = lab

    def __call__(
        self,
        *,
        scale: float | None = None,
        off: bool | None = None,
        venue: str | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Set what is named (``more``: what a venue's limits have besides); what then holds."""
        return self._set(scale=scale, off=off, venue=venue, **more)

    def advance(self, by: float | str = "window", *, venue: str | None = None) -> dict[str, Any]:
        """Let the windows move on by so many seconds, or to the next one, past every ban."""
        return self._set(advance=by, venue=venue)

    @contextmanager
    def paused(self, *, venue: str | None = None) -> Iterator[None]:
        """Neither count nor refuse within the block, for anybody; what was used and bans stay.

        Several may pause at once, from several programs: the limits come back when the last one
        has ended, or died.
        """
        client = self._lab.control_client()
        try:
            self._lab.control_on(client, "limits.pause", **without_none(venue=venue))
            yield
        finally:
            with suppress(LabError):  # the lab is gone, and its limits with it
                self._lab.control_on(client, "limits.resume")
            client.close()

    @property
    def state(self) -> dict[str, Any]:
        """What is in force, and what every address has used."""
        return self._set()

    def _set(self, **arguments: Any) -> dict[str, Any]:
        answer: dict[str, Any] = venue_command(self._lab, "limits", **arguments)
        return answer


@methods_say_their_form
class Faults(list[dict[str, Any]]):
    """The faults in force when it was asked for, by venue, oldest first.

    ``with lab.fault("silence"): ...`` switches that one off at the end of the block.
    """

    def __init__(self, lab: Controlled, venue: str | None = None, **arguments: Any) -> None:
        answer = lab.control("fault", **without_none(venue=venue), **arguments)
        by_venue = answer if venue is None else {venue: answer}
        super().__init__({"venue": one, **fault} for one in by_venue for fault in by_venue[one])
        self._lab = lab
        self._newest = [(one, faults[-1]["id"]) for one, faults in by_venue.items() if faults]

    def __enter__(self) -> Faults:
        return self

    def __exit__(self, *_: object) -> None:
        for venue, number in self._newest:
            with suppress(BadInput, LabDied):  # it is over already, or everything is
                self.off(number, venue=venue)

    def off(self, which: int | str = "all", *, venue: str | None = None) -> Faults:
        """Switch one off by id (in a lab with several venues: of a ``venue``) or name, or all of
        them; what is left in force."""
        return Faults(self._lab, venue, off=which)


class Skew:
    """A clock that was set, with what was there before.

    ``with lab.skew(5): ...`` puts the clock back at the end of the block; without ``with`` it
    stays.

    Attributes
    ----------
    by_venue : dict
        Seconds ahead since it was set, by venue.
    """

    def __init__(self, lab: Controlled, seconds: float | None, venue: str | None) -> None:
        self._lab, self._venue = lab, venue
        self._before = self._set(None)
        self.by_venue = self._set(seconds)

    def _set(self, seconds: float | None) -> dict[str, float]:
        """By venue, what holds afterwards."""
        answer = self._lab.control("skew", **without_none(seconds=seconds, venue=self._venue))
        by_venue = answer if self._venue is None else {self._venue: answer}
        return {venue: float(one["seconds"]) for venue, one in by_venue.items()}

    @property
    def seconds(self) -> float:
        """Seconds ahead, where all the venues' clocks agree."""
        found = set(self.by_venue.values())
        if len(found) > 1:
            raise BadInput(f"the clocks differ: {self}; see by_venue, or name one with venue=")
        return found.pop()

    def __enter__(self) -> Skew:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(LabDied):
            for venue, seconds in self._before.items():
                self._lab.control("skew", seconds=seconds, venue=venue)

    def __repr__(self) -> str:
        if len(set(self.by_venue.values())) > 1:
            return "; ".join(f"{venue}: {_ahead(one)}" for venue, one in self.by_venue.items())
        return f"the exchange's clock {_ahead(self.seconds)}"


def _ahead(seconds: float) -> str:
    if not seconds:
        return "is right"
    return f"is {abs(seconds):g} s {'ahead of' if seconds > 0 else 'behind'} this machine's"
