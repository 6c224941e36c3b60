"""What was opened belongs to the process that opened it."""

from __future__ import annotations

import os
import signal
import warnings

import pytest

from vocx.net import PerProcess

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def test_it_is_made_once_and_taken_once() -> None:
    """Two askers get the same; what was taken is made anew."""
    made = PerProcess(object)
    first = made.get()
    assert made.get() is first and made.take() is first and made.take() is None
    assert made.get() is not first


def test_a_child_makes_its_own_even_where_the_lock_was_held() -> None:
    """After a fork the parent's is left alone; a lock that another thread held holds nobody."""
    made = PerProcess(lambda: os.getpid())
    assert made.get() == os.getpid()
    with made._lock, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
        if child == 0:
            signal.alarm(5)  # a lock that is held for ever ends the child, and fails the test
            os._exit(0 if made.get() == os.getpid() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert made.get() == os.getpid()
