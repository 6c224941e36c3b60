"""What is printed reaches whatever stdout is: a page that is closed early, a full disk, ASCII."""

from __future__ import annotations

import codecs
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from vocx.errors import VocxError

_ASCII = {"±": "+-", "–": "-", "…": "...", "×": "x", "≥": ">=", "≤": "<=", "→": "->", "\u00a0": " "}


def run(command: Callable[[], object]) -> NoReturn:
    """Run a command and end the process as shells expect.

    A typed error is a line or two on stderr and code 1. A reader that has seen enough
    (``| head``) ends it quietly with 141, as it ends other programs (128 and the number of
    SIGPIPE). An output that cannot be written is one line and code 1. Letters that a terminal
    does not have are written with those that it has.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="vocx.ascii")
    code: str | int | None = 0
    try:
        try:
            command()
        except SystemExit as ended:  # typer takes a closed pipe for an end with code 1
            code = ended.code
            if isinstance(ended.__context__, BrokenPipeError):
                raise ended.__context__ from None
        sys.stdout.flush()
    except VocxError as error:
        print(f"vocx: {error}", file=sys.stderr)
        code = 1
    except BrokenPipeError:
        _let_go()
        code = 128 + signal.SIGPIPE
    except OSError as error:
        _let_go()
        print(f"vocx: {error.filename or 'the output'}: {error.strerror}", file=sys.stderr)
        code = 1
    sys.exit(code)


def _let_go() -> None:
    """Let what is left in stdout's buffer go nowhere: Python would try again at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    return "".join(_ASCII.get(letter, "?") for letter in letters), error.end


codecs.register_error("vocx.ascii", _replaced)
