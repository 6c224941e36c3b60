"""Errors in a few lines that point at the learner's own."""

from __future__ import annotations

import signal
import threading

import pytest

from vocx.course import display
from vocx.errors import BookOutOfSync


def test_errors_are_short_and_point_home() -> None:
    """At most 8 lines, whatever the text; the last names the learner's line."""
    try:
        raise BookOutOfSync("line one\n" + "word " * 400, reason="gap")
    except BookOutOfSync as error:
        lines = display.brief(error, error.__traceback__)
    assert lines[0] == "BookOutOfSync: line one" and len(lines) == 8
    assert "of your cell: raise BookOutOfSync" in lines[-1]


def test_kernel_shows_short_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPython prints a typed error or an interrupt in few lines and Python's own as ever."""
    from IPython.core.interactiveshell import InteractiveShell

    ip = InteractiveShell()
    seen: list[list[str]] = []
    ip._showtraceback = lambda kind, error, lines: seen.append(lines)
    monkeypatch.setattr(display, "shell", lambda: ip)
    display.install()
    result = ip.run_cell("from vocx import venues\nvenues.get('binanse')")
    assert type(result.error_in_exec).__name__ == "UnknownVenue"
    assert seen[0][0].startswith("UnknownVenue: vocx has no venue")
    assert seen[0][-1] == "  in line 2 of your cell: venues.get('binanse')" and len(seen[0]) <= 8
    ip.run_cell("1/0")
    assert "ZeroDivisionError" in "".join(seen[1]) and "of your cell" not in "".join(seen[1])
    ip.run_cell("raise KeyboardInterrupt")
    assert seen[2] == ["Interrupted.", "  in line 1 of your cell: raise KeyboardInterrupt"]


def test_an_interrupt_inside_python_names_the_line_that_called() -> None:
    """Waiting happens in ``threading`` and the like; their lines are none of the learner's."""
    event = threading.Event()
    here = threading.get_ident()
    threading.Timer(0.05, signal.pthread_kill, [here, signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt) as caught:
        event.wait(10)
    assert display.brief(caught.value, caught.tb)[-1].endswith("of your cell: event.wait(10)")
