"""Waiting for a state of the lab or of a stream, which comes when it comes, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def wait_for(
    find: Callable[[], Found | None], seconds: float, *, every_s: float = 0.02
) -> Found | None:
    """What ``find`` gives as soon as that is something (true, a fact, a list that is not empty);
    what it gave last when the seconds are over. It is asked at least once."""
    until = time.monotonic() + seconds
    while not (found := find()) and time.monotonic() < until:
        time.sleep(every_s)
    return found
