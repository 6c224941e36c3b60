"""OKX's status: by REST, on its channel, and as news where that changes."""

from __future__ import annotations

from collections.abc import Callable

from vocx.lab.dialects.shared.accounts import AccountGateway
from vocx.lab.dialects.shared.numbers import NS_PER_S, milliseconds

Row = dict[str, str]


class SystemStatus:
    """Maintenance is a fault that the lab's owner switches on: ``overloaded``.

    Parameters
    ----------
    maintained : callable
        Whether that is on.
    gateway : AccountGateway
        Knows how the clock is set.
    """

    def __init__(self, maintained: Callable[[], bool], gateway: AccountGateway) -> None:
        self._maintained = maintained
        self._gateway = gateway
        self._published: Row | None = None

    def rows(self, now_ns: int) -> list[Row]:
        """Of ``system/status`` and of the ``status`` channel: an hour from now, while it is on."""
        if not self._maintained():
            return []
        begin_ns = now_ns + self._gateway.skew_ns
        return [
            {
                "title": "Maintenance",
                "state": "ongoing",
                "begin": milliseconds(begin_ns),
                "end": milliseconds(begin_ns + 3_600 * NS_PER_S),
                "preOpenBegin": "",
                "href": "",
                "serviceType": "5",
                "system": "unified",
                "scheDesc": "",
                "maintType": "1",
                "env": "1",
            }
        ]

    @property
    def changed(self) -> bool:
        """Whether a maintenance has begun or is over that :meth:`news` has not told."""
        return self._maintained() != (self._published is not None)

    def news(self, now_ns: int) -> Row:
        """The maintenance that has begun, or that is over sooner than was said."""
        before, self._published = self._published, next(iter(self.rows(now_ns)), None)
        if self._published is not None:
            return self._published
        assert before is not None
        return {**before, "state": "completed", "end": milliseconds(now_ns + self._gateway.skew_ns)}
