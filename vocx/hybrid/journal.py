"""The journal of orders: what this program means to do, on disk before it leaves.

One JSON object a line, appended, and synced to the disk *before* an order is sent: a program that
is killed between sending and hearing can name every order that it may have placed. The rules:

* The first line says whose journal it is: venue, place and account (a digest of the key, never
  the key). Another account's journal is refused.
* One process at a time: the file is locked while it is open, and a fork may not write it.
* A last line that was cut off by a crash is put aside; nothing was sent on its account, because
  sending waits for the sync. A damaged line anywhere else is an error that names it.
* It only grows, by about 300 bytes an order; :attr:`Journal.path` may be moved away when no order
  of it is open.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from vocx.errors import JournalError

VERSION = 1


def account_digest(key: str) -> str:
    """Tells accounts apart without telling the key."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


class Journal:
    """An open journal. Safe to use from several threads of one process.

    Parameters
    ----------
    path : path
        The file; made when it is not there, with its folder.
    venue, place, account : str
        Whose orders these are: venue's name, ``"lab"``, ``"testnet"`` or ``"real"`` (or a URL),
        and :func:`account_digest` of the key.

    Attributes
    ----------
    records : list of dict
        What was in it when it was opened, oldest first, without the first line.
    torn : int
        Bytes of a last line that a crash had cut off; they were moved to ``<path>.torn``.

    Raises
    ------
    JournalError
        It is open in another process, belongs to another account, or is damaged.
    """

    def __init__(self, path: str | Path, *, venue: str, place: str, account: str) -> None:
        self.path = Path(path)
        self.records: list[dict[str, Any]] = []
        self.torn = 0
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._owner = {"venue": venue, "place": place, "account": account}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise JournalError(f"the journal {self.path} cannot be opened: {error}") from error
        try:
            self._take()
        except BaseException:
            os.close(self._file)
            raise

    def _take(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise JournalError(
                f"the journal {self.path} is in use by another client: stop that one, or name "
                "another file"
            ) from None
        content = self.path.read_bytes()
        whole, newline, torn = content.rpartition(b"\n")
        if torn:
            self._put_aside(torn, len(whole) + len(newline))
        lines = whole.split(b"\n") if newline else []
        for number, line in enumerate(lines, 1):
            self._read(line, number)
        if not lines:
            self._append({"journal": VERSION, **self._owner})

    def _put_aside(self, torn: bytes, length: int) -> None:
        self.torn = len(torn)
        with open(f"{self.path}.torn", "ab") as aside:
            aside.write(torn + b"\n")
        os.ftruncate(self._file, length)
        os.fsync(self._file)

    def _read(self, line: bytes, number: int) -> None:
        try:
            record = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise JournalError(
                f"{self.path}, line {number}: not readable ({error}). Mend or move the file; the "
                "orders that it names may be open",
            ) from None
        if not isinstance(record, dict):
            raise JournalError(f"{self.path}, line {number}: not a record")
        if number > 1:
            self.records.append(record)
            return
        if record.get("journal") != VERSION:
            raise JournalError(f"{self.path} is no journal of version {VERSION}")
        theirs = {name: record.get(name) for name in self._owner}
        if theirs != self._owner:
            said = ", ".join(f"{name} {theirs[name]}" for name in theirs)
            mine = ", ".join(f"{name} {self._owner[name]}" for name in self._owner)
            raise JournalError(
                f"the journal {self.path} belongs to {said}, not to {mine}: name another file"
            )

    def write(self, record: dict[str, Any], *, sync: bool = True) -> None:
        """Append one record; with ``sync`` it is on the disk when this returns.

        Raises
        ------
        JournalError
            It could not be written: then nothing must be sent.
        """
        with self._lock:
            self._append(record, sync)

    def _append(self, record: dict[str, Any], sync: bool = True) -> None:
        if os.getpid() != self._process:
            raise JournalError(
                f"the journal {self.path} belongs to the process that opened it, not to its "
                "fork: open another file there"
            )
        line = msgspec.json.encode(record) + b"\n"
        try:
            before = os.fstat(self._file).st_size
            written = os.write(self._file, line)
            if written != len(line):
                os.ftruncate(self._file, before)
                raise OSError(f"only {written} of {len(line)} bytes were written")
            if sync:
                os.fdatasync(self._file)
        except OSError as error:
            raise JournalError(f"the journal {self.path} cannot be written: {error}") from error

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.records)

    def close(self) -> None:
        """Give the file free. Idempotent."""
        with self._lock:
            if self._file >= 0 and os.getpid() == self._process:
                os.close(self._file)
            self._file = -1

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Journal {self.path}, {len(self.records)} records when opened>"
