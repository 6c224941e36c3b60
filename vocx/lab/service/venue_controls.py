"""What the owner of a lab may set at its exchange: limits, faults, the clock.

Each is one command on the control port; what changes something can be used with ``with`` where it
should end with a block.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

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
        """Set what is named (``more``: what the venue's meter has besides); what then holds."""
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
        answer: dict[str, Any] = self._lab.control("limits", **without_none(**arguments))
        return answer


class Faults(list[dict[str, Any]]):
    """The faults in force when it was asked for, oldest first.

    ``with lab.fault("silence"): ...`` switches that one off at the end of the block.
    """

    def __init__(self, lab: Controlled, active: list[dict[str, Any]]) -> None:
        super().__init__(active)
        self._lab = lab

    def __enter__(self) -> Faults:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(BadInput, LabDied):  # it is over already, or everything is
            self.off(self[-1]["id"])

    def off(self, which: int | str = "all", *, venue: str | None = None) -> Any:
        """Switch one off by id or name, or all of them; what is left in force."""
        return self._lab.control("fault", off=which, **without_none(venue=venue))


class Skew:
    """A clock that was set, with what was there before.

    ``with lab.skew(5): ...`` puts the clock back at the end of the block; without ``with`` it
    stays. ``seconds`` is what holds since it was set.
    """

    def __init__(self, lab: Controlled, seconds: float | None, venue: str | None) -> None:
        self._lab, self._venue = lab, venue
        self._before = float(lab.control("skew", **without_none(venue=venue))["seconds"])
        now = lab.control("skew", **without_none(seconds=seconds, venue=venue))
        self.seconds = float(now["seconds"])

    def __enter__(self) -> Skew:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(LabDied):
            self._lab.control("skew", seconds=self._before, **without_none(venue=self._venue))

    def __repr__(self) -> str:
        if not self.seconds:
            return "the exchange's clock is right"
        way = "ahead of" if self.seconds > 0 else "behind"
        return f"the exchange's clock is {abs(self.seconds):g} s {way} this machine's"
