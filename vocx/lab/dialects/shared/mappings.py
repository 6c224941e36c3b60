"""Mappings that forget: the latest so many keys, and what is due when."""

from __future__ import annotations

from typing import TypeVar

from vocx.lab.dialects.shared.numbers import NEVER_NS

K = TypeVar("K")
V = TypeVar("V")


class Latest(dict[K, V]):
    """A dict in which the key that was set first makes room for the one after the ``most``-th.

    Parameters
    ----------
    most : int
        How many keys it has at most.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        if len(self) > self.most:
            del self[next(iter(self))]


class Deadlines(dict[K, int]):
    """When each key is due, in nanoseconds."""

    @property
    def next_ns(self) -> int:
        """When the first of them is."""
        return min(self.values(), default=NEVER_NS)

    def pop_due(self, now_ns: int) -> list[K]:
        """Forget those whose time has come, in the order in which they came."""
        due = [key for key, at_ns in self.items() if at_ns <= now_ns]
        for key in due:
            del self[key]
        return due
