"""Streams by name: starting a name that runs stops its predecessor, so a re-run cell leaves
nothing behind. ``running()`` lists them, ``stop_all()`` ends them, and so does the interpreter."""

from __future__ import annotations

import atexit
import os
import threading
from typing import Any, Protocol

from vocx.call_forms import says_its_form
from vocx.stream.backoff import ConnectBudget
from vocx.stream.stats import StreamStats
from vocx.text import text_table


class RunningStream(Protocol):
    """What is registered: a :class:`vocx.stream.Stream`."""

    name: str
    venue: Any
    lab: Any

    @property
    def state(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def age_ms(self) -> float | None: ...
    @property
    def stats(self) -> StreamStats: ...
    def tell_stop(self) -> None: ...
    def stop(self) -> None: ...


_lock = threading.Lock()
_streams: dict[str, RunningStream] = {}
_budgets: dict[str, ConnectBudget] = {}


def register(stream: RunningStream) -> RunningStream | None:
    """Put it under its name; its predecessor, which the caller must stop, if there was one."""
    with _lock:
        before = _streams.get(stream.name)
        _streams[stream.name] = stream
        return before if before is not stream else None


def forget(stream: RunningStream) -> None:
    """It was stopped: no longer listed."""
    with _lock:
        if _streams.get(stream.name) is stream:
            del _streams[stream.name]


def host_budget(host: str) -> ConnectBudget:
    """The budget of reconnects that all streams to one host share: 60 in 5 minutes."""
    with _lock:
        return _budgets.setdefault(host, ConnectBudget([(60, 300.0)]))


class Running(list[RunningStream]):
    """The streams that run. Prints as a table."""

    def table(self) -> str:
        """Name, state, age of the data, messages a second, reconnects."""
        if not self:
            return "no stream is running"
        head = ("name", "state", "age ms", "per s", "reconnects")
        rows = []
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
        return text_table(head, rows, left=2)

    def __repr__(self) -> str:
        return self.table()


@says_its_form
def running() -> Running:
    """The streams of this process that were started and not stopped."""
    with _lock:
        return Running(_streams.values())


@says_its_form
def stop_all() -> None:
    """Stop every stream. At most about 2 s: all are told first, then waited for."""
    found = running()
    for stream in found:
        stream.tell_stop()
    for stream in found:
        stream.stop()


def _in_child() -> None:
    """Threads and connections stay with the parent: in a forked child no stream runs."""
    global _lock
    _lock = threading.Lock()
    _streams.clear()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_in_child)
atexit.register(stop_all)
