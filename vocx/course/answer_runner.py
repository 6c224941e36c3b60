"""Running a learner's function so that nothing it does can hang the kernel.

It runs in a thread of its own while the caller waits with a deadline for each call. A call that
takes too long is ended from outside (an exception raised *in* that thread reaches any loop of
Python code); one that sits in a C call, such as a long sleep, is left behind as a daemon. The
input it hung on is remembered, and so is what every call returned.
"""

from __future__ import annotations

import ctypes
import io
import reprlib
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout
from math import isfinite
from types import GeneratorType
from typing import Any

from vocx.facts import Fact

CALL_S = 2.0
"""Longest single call."""
ALL_S = 30.0
"""Longest check."""


class Wrong(Exception):
    """An answer is not right: on which input, what was seen, what was expected, and why."""

    def __init__(self, why: str, *, given: str = "", seen: str = "", expected: str = "") -> None:
        super().__init__(why)
        self.why, self.given, self.seen, self.expected = why, given, seen, expected


class _TimeUp(BaseException):
    """Raised inside the learner's thread; no ``except Exception`` stops it."""


class _CapturedOutput(io.TextIOBase):
    """Standard output that keeps what one thread says: print in place of return is told so."""

    def __init__(self, out: Any) -> None:
        self._out, self._thread = out, threading.get_ident()
        self.said = ""

    def write(self, text: str) -> int:
        if threading.get_ident() == self._thread and len(self.said) < 1_000:
            self.said += text
        return int(self._out.write(text))

    def flush(self) -> None:
        self._out.flush()


class Trial:
    """A learner's function under observation: call it like the function.

    Attributes
    ----------
    name : str
        Its name.
    calls : int
        Calls that returned.
    returned_something : bool
        Whether any call gave anything else than ``None`` or ``...``.
    unwritten : bool
        Whether it raised ``NotImplementedError``.
    printed : str
        The last that a call printed.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name = getattr(function, "__name__", "your function")
        self.calls = 0
        self.returned_something = False
        self.unwritten = False
        self.printed = ""
        self.current: str | None = None
        self.began = 0.0

    def __call__(self, *arguments: Any) -> Any:
        shown = f"{self.name}({', '.join(short(argument) for argument in arguments)})"
        self.began, self.current = time.monotonic(), shown
        try:
            with redirect_stdout(_CapturedOutput(sys.stdout)) as heard:
                value = self.function(*arguments)
                if isinstance(value, GeneratorType):
                    value = list(value)
            self.printed = heard.said.strip() or self.printed
        except NotImplementedError:
            self.unwritten = True
            raise Wrong("it is not written yet", given=shown) from None
        except Exception as error:
            self.returned_something = True
            raise Wrong(
                f"your function raised {type(error).__name__}{_line(error, self.function)}",
                given=shown,
                seen=f"{type(error).__name__}: {error}",
            ) from error
        self.current = None
        self.calls += 1
        if value is not None and value is not Ellipsis:
            self.returned_something = True
        return value


def short(value: Any, most: int = 90) -> str:
    """A repr that fits on a line; of a fact, only what it says about the market."""
    if isinstance(value, Fact):
        said = {name: getattr(value, name) for name in value.__struct_fields__}
        words = [
            f"{name}={content}"
            for name, content in said.items()
            if content is not None and name != "http" and not name.endswith("_ns")
        ]
        return f"{type(value).__name__}({', '.join(words)})"
    cut = reprlib.Repr()
    cut.maxlist = cut.maxtuple = 4
    cut.maxstring = cut.maxother = cut.maxlong = most
    text = cut.repr(value)
    return text if len(text) <= most else text[: most - 3] + "..."


def is_number(value: object) -> bool:
    """Whether it is a finite number: no text, no bool, and not "not a number", which is neither
    too small nor too large."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def milliseconds(value: Any, given: str) -> float:
    """An answer as a number of milliseconds.

    Raises
    ------
    Wrong
        It is none.
    """
    if not is_number(value):
        raise Wrong(
            "a number of milliseconds is wanted",
            given=given,
            seen=short(value),
            expected="a number",
        )
    return float(value)


def _line(error: Exception, function: Callable[..., Any]) -> str:
    code = getattr(function, "__code__", None)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if code is not None and frame.filename == code.co_filename and frame.lineno:
            return f" in its line {frame.lineno - code.co_firstlineno + 1}"
    return ""


def observe(
    judge: Callable[[Trial], str], trial: Trial, *, call_s: float = CALL_S, all_s: float = ALL_S
) -> str:
    """What ``judge`` says of the trial, within the deadlines.

    Raises
    ------
    Wrong
        From the judge, or because a call did not come back.
    KeyboardInterrupt
        When the kernel was interrupted; the learner's call is ended too.
    """
    outcome: list[str | BaseException] = []

    def run() -> None:
        try:
            outcome.append(judge(trial))
        except _TimeUp:
            pass
        except BaseException as error:  # handed to the caller's thread
            outcome.append(error)

    thread = threading.Thread(target=run, name="vocx-check", daemon=True)
    began = time.monotonic()
    try:
        thread.start()
        while thread.is_alive():
            thread.join(0.02)
            now = time.monotonic()
            stuck = trial.current is not None and now - trial.began > call_s
            if thread.is_alive() and (stuck or now - began > all_s):
                raise _hung(trial, call_s if stuck else all_s, ended=_end(thread))
    except KeyboardInterrupt:
        _end(thread)
        raise
    (found,) = outcome or [Wrong("the check did not finish")]
    if isinstance(found, BaseException):
        raise found
    return found


def _hung(trial: Trial, seconds: float, *, ended: bool) -> Wrong:
    after = "" if ended else "; it sits in a call that cannot be ended: restart the kernel"
    return Wrong(
        f"your function did not come back within {seconds:g} s and was stopped{after}",
        given=trial.current or f"call {trial.calls} of {trial.name}",
        seen="nothing: it still ran",
        expected="an answer",
    )


def _end(thread: threading.Thread, within_s: float = 1.0) -> bool:
    """Raise in the thread until it is gone; False when it cannot be reached."""
    until = time.monotonic() + within_s
    while thread.is_alive() and thread.ident is not None and time.monotonic() < until:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(_TimeUp)
        )
        thread.join(0.05)
    return not thread.is_alive()
