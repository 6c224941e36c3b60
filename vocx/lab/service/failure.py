"""Errors as data, so that they can be raised again in another process, and as one line of a log."""

from __future__ import annotations

import traceback
from pathlib import Path

import msgspec

from vocx import errors
from vocx.errors import LabError, RecordingError, VocxError


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why something did not work, so that the caller can raise it: a class of ``vocx.errors``
    by name, its text, and the bad line of a recording."""

    error: str
    text: str
    line: int | None = None


def to_failure(error: Exception) -> Failure:
    """An exception as data; what is not ours becomes a ``LabError``."""
    if isinstance(error, RecordingError):
        return Failure(error="RecordingError", text=str(error), line=error.line)
    if isinstance(error, VocxError):
        return Failure(error=type(error).__name__, text=str(error))
    return Failure(error=LabError.__name__, text=f"{type(error).__name__}: {error}")


def from_failure(reason: Failure) -> Exception:
    """The exception that :func:`to_failure` described."""
    kind = getattr(errors, reason.error, errors.LabError)
    if kind is RecordingError:
        return RecordingError(reason.text, line=reason.line)
    made = kind(reason.text)
    assert isinstance(made, Exception)
    return made


def one_line(error: BaseException) -> str:
    """An exception in one line, with the place where it was raised."""
    places = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(places[-1].filename).name}:{places[-1].lineno})" if places else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"
