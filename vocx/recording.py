"""Recorded sessions: the file format, a reader and a writer.

A recording is gzip; each line is ``<local receive time, ns since the epoch> <JSON>\\n``. The JSON
is one inbound frame, byte for byte as it came: of a combined stream
(``{"stream":"btcusdt@trade","data":{...}}``), or the body of one REST ``depth`` reply
(``{"lastUpdateId":...}``), which a local book starts from. The format is that of the public data
samples of nkaz001/hftbacktest. Several files are read as one session, in the order given.

The writer closes a gzip member per block, so that whatever happens to the process, everything
up to the last block can be read; a finished recording gets its name only at the end.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from vocx.errors import BadInput, RecordingError
from vocx.timing import stamp_ns

BLOCK = 256 * 1024
"""Bytes of lines that are compressed and flushed together."""
MAGIC = b"\x1f\x8b"
LONGEST_LINE = 64 * 2**20
"""Bytes of a line that are read: a small file may hold a line without end."""


class Line(NamedTuple):
    """One line of a recording and where it stands: file, and number counted from 1."""

    file: str
    number: int
    text: bytes


def split(line: Line) -> tuple[int, bytes]:
    """Receive time in nanoseconds, and the JSON text of one line.

    A stamp of other recorders in seconds, milliseconds or microseconds is told by its digits; one
    of less than ten is nanoseconds from where the recording begins.

    Raises
    ------
    RecordingError
        With the line's number, when it is not a number, a space and an object, and when the
        number is no moment.
    """
    stamp, _, payload = line.text.partition(b" ")
    if not (stamp.isdigit() and len(stamp) < 20 and payload[:1] == b"{"):
        raise bad_line(line, 'it does not read "<nanoseconds> {...}"')
    count = int(stamp)
    arrived_ns = count if count < 10**9 else stamp_ns(count)
    if arrived_ns is None:
        raise bad_line(
            line,
            f"{stamp.decode()} is no time since 2001 in seconds, milliseconds, microseconds or "
            "nanoseconds (10, 13, 16 or 19 digits)",
        )
    return arrived_ns, payload.rstrip()


def bad_line(line: Line, why: str) -> RecordingError:
    """The error for one corrupt line."""
    return RecordingError(
        f"{line.file}, line {line.number}: {why}. Play the rest with skip_bad=True "
        "(--skip-bad on the command line)",
        line=line.number,
    )


def read(paths: Sequence[Path], *, skip_bad: bool = False) -> Iterator[Line]:
    """The lines of all files, one after the other.

    Where the compression of a damaged file breaks off, ``skip_bad`` gives an empty line, which
    counts as a bad one, and goes on with the next file instead of raising.

    Raises
    ------
    RecordingError
        For a missing or unreadable file, one that is no gzip, and one that breaks off.
    """
    for path in paths:
        yield from _read_file(Path(path), skip_bad)


def _read_file(path: Path, skip_bad: bool) -> Iterator[Line]:
    name, number = str(path), 0
    try:
        with path.open("rb") as raw:
            if raw.read(2) != MAGIC:
                raise RecordingError(f"{path} is not a gzip file; recordings are, as *.gz")
            raw.seek(0)
            with gzip.open(raw) as unpacked:
                lines = iter(
                    partial(io.BufferedReader(unpacked, 1 << 17).readline, LONGEST_LINE), b""
                )
                for number, text in enumerate(lines, 1):
                    if len(text) == LONGEST_LINE:
                        raise zlib.error(f"a line of more than {LONGEST_LINE:,} bytes")
                    yield Line(name, number, text)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        where = Line(str(path), number + 1, b"")
        if skip_bad:
            yield where
        else:
            raise bad_line(where, f"the compressed file is damaged here ({error})") from error
    except FileNotFoundError as error:
        raise RecordingError(f"there is no recording {path}") from error
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror or error}") from error


class Writer:
    """Writes a recording block by block; the file gets its name when it is complete.

    Until :meth:`close` the lines are in ``<path>.part``, which can be read as it is. Where the
    disk is full, what was written before is kept under the recording's name.

    Parameters
    ----------
    path : Path
        Where the recording shall be; usually ``*.gz``. A link is followed.
    overwrite : bool
        False refuses a path that exists, and one where an earlier recording was cut off.

    Raises
    ------
    BadInput
        The file exists, its folder does not, it is no regular file (a device, a pipe), or it
        cannot be written there.
    """

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        self.path, self.part = check_path(path, overwrite=overwrite)
        try:
            self._file = self.part.open("wb", buffering=0)
        except (OSError, ValueError) as error:
            raise _unwritable(path, error) from error
        self.lines = 0
        self._block: list[bytes] = []
        self._waiting = self._written = self._kept = 0

    def write(self, arrived_ns: int, payload: bytes) -> None:
        """One frame. A frame with a line break in it cannot be a line and is joined."""
        if b"\n" in payload or b"\r" in payload:
            payload = payload.replace(b"\r", b" ").replace(b"\n", b" ")
        line = b"%d %s\n" % (arrived_ns, payload)
        self._block.append(line)
        self._waiting += len(line)
        self.lines += 1
        if self._waiting >= BLOCK:
            self.flush()

    def flush(self) -> None:
        """Compress what waits and hand it to the system: from here on it survives a crash.

        Raises
        ------
        RecordingError
            It cannot be written (the disk is full). The recording is ended; what was written
            before is kept, and the text says where.
        """
        if self._block:
            self._append(gzip.compress(b"".join(self._block), 6, mtime=0))
            self._kept += len(self._block)
            self._block.clear()
            self._waiting = 0

    def _append(self, packed: bytes) -> None:
        """All of it, or nothing: half a block could not be read."""
        try:
            left = memoryview(packed)
            while left:
                left = left[self._file.write(left) :]
            self._written += len(packed)
        except OSError as error:
            raise self._cut_off(error) from error

    def _cut_off(self, error: OSError) -> RecordingError:
        """End at the last whole block."""
        lost, self.lines = self.lines - self._kept, self._kept
        self._block.clear()
        why = f"{self.path} cannot be written on: {error.strerror or error}"
        with suppress(OSError):
            self._file.truncate(self._written)
        if not self._kept:
            self.discard()
            return RecordingError(f"{why}. Nothing is kept")
        self._file.close()
        self.part.replace(self.path)
        return RecordingError(
            f"{why}. The first {self._kept:,} lines are kept there, the last {lost:,} are lost"
        )

    def close(self) -> Path:
        """Finish: the recording now stands under its own name."""
        if not self._file.closed:
            self.flush()
            if not self.lines:
                self._append(gzip.compress(b"", mtime=0))
            self._file.close()
            self.part.replace(self.path)
        return self.path

    def discard(self) -> None:
        """Leave nothing behind."""
        self._file.close()
        self.part.unlink(missing_ok=True)

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None and not self.lines:
            self.discard()
        self.close()


def check_path(path: Path, *, overwrite: bool = False) -> tuple[Path, Path]:
    """The file that a recording at this path becomes, and the one in which it grows; nothing is
    opened.

    Raises
    ------
    BadInput
        As :class:`Writer`: something stands there that it would cost somebody.
    """
    try:
        target = _target(Path(path))
        part = target.parent / f"{target.name}.part"
        for one in (target, part):
            if one.exists() and not one.is_file():
                raise BadInput(f"{one} is no regular file; give the path of one, such as x.gz")
        if target.exists() and not overwrite:
            raise BadInput(f"{target} exists; choose another name or write overwrite=True")
        if part.exists() and not overwrite:
            raise BadInput(
                f"{part} is there: a recording that was cut off, or that still runs; it can "
                "be played as it is. Choose another name or write overwrite=True"
            )
        if not target.parent.is_dir():
            folder = target.parent
            raise BadInput(f"there is no folder {folder}; make it, or give another path")
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from error
    return target, part


def _unwritable(path: Path, error: Exception) -> BadInput:
    why = getattr(error, "strerror", None) or error
    return BadInput(f"{path} cannot be written: {why}")


def _target(path: Path) -> Path:
    """Where a link points: to replace the link would leave the file behind it as it was."""
    if not path.is_symlink():
        return path
    try:
        target = path.resolve()
        circle = target.is_symlink()  # from Python 3.13 on
    except RuntimeError:  # until then
        circle = True
    if circle:
        raise BadInput(f"{path} cannot be followed: links in a circle")
    return target
