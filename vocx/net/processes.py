"""What belongs to one process: after a fork the child opens its own.

A forked child inherits sockets, and two processes that write to one connection mix their bytes;
it inherits locks too, maybe held by a thread that it does not have. So both are made anew.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Renewable(Protocol):
    """Something with a lock or a connection that a forked child must not share."""

    def renew(self) -> None:
        """Make anew what belongs to one process."""


_owners: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renew_after_fork(owner: Renewable) -> None:
    """Call :meth:`Renewable.renew` of this object now, and in every child that is forked from
    here as long as it lives."""
    owner.renew()
    _owners.add(owner)


def _in_child() -> None:
    for owner in list(_owners):
        owner.renew()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_in_child)


class PerProcess(Generic[T]):
    """Something that is made when it is first wanted, once in each process.

    Parameters
    ----------
    make : callable
        Makes it. What a parent made is left alone in the child, not closed: the parent uses it.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        renew_after_fork(self)

    def renew(self) -> None:
        """Forget what was made."""
        self._lock = threading.Lock()
        self._made: T | None = None

    def get(self) -> T:
        """This process's own."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def take(self) -> T | None:
        """What was made, to be closed; ``None`` when nothing was."""
        with self._lock:
            made, self._made = self._made, None
            return made
