"""Streams by name: starting a name that runs stops its predecessor, so a re-run cell leaves
nothing behind. ``running()`` lists them, ``stop_all()`` ends them, and so does the interpreter."""

from __future__ import annotations

import atexit
import threading
from typing import TYPE_CHECKING

from vocx.stream.backoff import DialBudget

if TYPE_CHECKING:
    from vocx.stream.stream import Stream

_lock = threading.Lock()
_streams: dict[str, Stream] = {}
_budgets: dict[str, DialBudget] = {}


def register(stream: Stream) -> Stream | None:
    """Put it under its name; its predecessor, which the caller must stop, if there was one."""
    with _lock:
        before = _streams.get(stream.name)
        _streams[stream.name] = stream
        return before if before is not stream else None


def forget(stream: Stream) -> None:
    """It was stopped: no longer listed."""
    with _lock:
        if _streams.get(stream.name) is stream:
            del _streams[stream.name]


def host_budget(host: str) -> DialBudget:
    """The budget of re-dials that all streams to one host share: 60 in 5 minutes."""
    with _lock:
        return _budgets.setdefault(host, DialBudget([(60, 300.0)]))


class Running(list["Stream"]):
    """The streams that run. Prints as a table."""

    def table(self) -> str:
        """Name, state, age of the data, messages a second, reconnects."""
        if not self:
            return "no stream is running"
        head = ("name", "state", "age ms", "per s", "reconnects")
        rows = [head]
        for stream in self:
            stats = stream.stats
            age = stream.age_ms
            rows.append(
                (
                    stream.name,
                    stream.state,
                    "unknown" if age is None else f"{age:.0f}",
                    f"{stats.per_second:.1f}",
                    str(stats.reconnects),
                )
            )
        widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if column < 2 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        )

    def __repr__(self) -> str:
        return self.table()


def running() -> Running:
    """The streams of this process that were started and not stopped."""
    with _lock:
        return Running(_streams.values())


def stop_all() -> None:
    """Stop every stream. At most about 2 s: all are told first, then waited for."""
    found = running()
    for stream in found:
        stream.tell_stop()
    for stream in found:
        stream.stop()


atexit.register(stop_all)
