"""What a lesson shows: short errors and links. IPython is only touched where it runs."""

from __future__ import annotations

import sys
import sysconfig
import textwrap
import threading
import traceback
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from types import TracebackType
from typing import Any

from vocx.errors import VocxError, optional_parts
from vocx.text import WIDE

MOST_LINES = 8
_PACKAGE = str(Path(__file__).resolve().parents[1])
_OTHERS = (_PACKAGE, sysconfig.get_path("stdlib"), str(Path(threading.__file__).parent))
"""Where no line of a learner stands: vocx, and Python itself, by either name of its folder."""


def shell() -> Any | None:
    """The running IPython shell, or ``None``."""
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    return get_ipython()


def in_notebook() -> bool:
    """Whether a front end can show widgets: a Jupyter kernel, not a terminal."""
    return hasattr(shell(), "kernel")


def install(advise: Callable[[NameError], list[str]] = lambda error: []) -> None:
    """Show errors of vocx and interrupts in a few lines; Python's own errors stay as they are.

    Parameters
    ----------
    advise : callable
        What to do about a name that is not there, in lines; an empty list shows Python's error.
    """
    ip = shell()
    if ip is None:
        return

    def show(
        ip: Any,
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
        tb_offset: int | None = None,
    ) -> list[str]:
        lines = advise(error) if isinstance(error, NameError) else brief(error, trace)
        if not lines:
            lines = ip.InteractiveTB.structured_traceback(kind, error, trace, tb_offset=tb_offset)
        ip._showtraceback(kind, error, lines)
        return lines

    ip.set_custom_exc((VocxError, KeyboardInterrupt, NameError), show)


def brief(error: BaseException, trace: TracebackType | None) -> list[str]:
    """An error in at most 8 lines: its class and text, and the line of yours that met it."""
    text: list[str] = []
    said = "Interrupted." if isinstance(error, KeyboardInterrupt) else ""
    for paragraph in (said or f"{type(error).__name__}: {error}").splitlines():
        text += textwrap.wrap(paragraph, WIDE, break_on_hyphens=False) or [""]
    where = _yours(trace)
    room = MOST_LINES - len(where)
    if len(text) > room:
        text = [*text[: room - 1], "..."]
    return [*text, *where]


def _yours(trace: TracebackType | None) -> list[str]:
    """The last line outside vocx, the libraries below it and Python's own."""
    frames = traceback.extract_tb(trace)
    mine = [frame for frame in frames if not frame.filename.startswith(_OTHERS)]
    own = [frame for frame in mine if "site-packages" not in frame.filename]
    if not own:
        return []
    frame = own[-1]
    line = f"  in line {frame.lineno} of your cell" + (f": {frame.line}" if frame.line else "")
    return [line if len(line) <= WIDE else f"{line[: WIDE - 3]}..."]


def callback(act: Callable[[Any], str], tell: Callable[[str], object]) -> Callable[[Any], None]:
    """What a widget calls on a change: what ``act`` says of it is told. An exception in there would
    vanish: it is told instead."""

    def called(change: Any) -> None:
        try:
            text = act(change)
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
        tell(text)

    return called


def link(text: str, href: str) -> None:
    """A line with a link; as text where there is no notebook."""
    plain = f"{text}: {href}"
    if not in_notebook():
        print(plain)
        return
    html = f'<p><a href="{escape(href)}">{escape(text)}</a></p>'
    put({"text/html": html, "text/plain": plain})


def put(bundle: Mapping[str, Any]) -> None:
    """Show one output by MIME type in the running cell."""
    with optional_parts():
        from IPython import display as page

    show: Any = page.display
    show(dict(bundle), raw=True)
