"""Bybit's dead-man switch (disconnect cancel all, documentation V5, 2026-07-24).

A user sets a window; when the last private socket that has ``dcp.spot`` is gone for so long, all
orders of the user are cancelled. Sockets without that topic neither arm it nor keep it from firing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vocx.lab.dialects.bybit.wire import bad_parameter, text, whole
from vocx.lab.dialects.shared.mappings import Deadlines
from vocx.lab.dialects.shared.numbers import NS_PER_S

WINDOW_S = 10
"""Unless another is set."""


class DeadManSwitch:
    """The windows and deadlines of all owners.

    Parameters
    ----------
    guarded : callable
        Whether an owner has a socket with the topic.
    """

    def __init__(self, guarded: Callable[[str], bool]) -> None:
        self._guarded = guarded
        self._windows: dict[str, int] = {}
        self.deadlines: Deadlines[str] = Deadlines()

    def set(self, owner: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """``product`` SPOT, ``timeWindow`` 3 to 300 seconds."""
        if text(given, "product", "SPOT") not in ("SPOT", "UNIFIED"):
            raise bad_parameter("product is invalid")
        window_s = whole(given, "timeWindow", 0)
        if not 3 <= window_s <= 300:
            raise bad_parameter("timeWindow is 3 to 300")
        self._windows[owner] = window_s
        return {}

    def left(self, owner: str, now_ns: int) -> None:
        """A socket with the topic is gone."""
        if owner in self._windows and not self._guarded(owner):
            self.deadlines[owner] = now_ns + self._windows[owner] * NS_PER_S

    def due(self, now_ns: int) -> list[str]:
        """The owners whose orders are to be cancelled now."""
        return [one for one in self.deadlines.pop_due(now_ns) if not self._guarded(one)]
