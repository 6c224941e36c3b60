"""A folder for this user alone, which goes with the process that made it.

One that was killed cannot take its folder away. So each holds a lock in its folder, and whoever
makes the next one removes those whose lock is free: the kernel frees it with the last process that
had it. A process id would not do, as the number may belong to another by then.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

PREFIX = "vocx-lab-"
LOCK = "lock"
YOUNG_S = 60.0
"""A folder so young may not have its lock yet: it is left alone."""


class PrivateFolder:
    """A new folder under the system's temporary one; :meth:`remove` it."""

    def __init__(self) -> None:
        sweep(Path(tempfile.gettempdir()))
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._owner = os.getpid()
        self._lock = os.open(self.path / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        with suppress(OSError):
            lock(self._lock)

    def write(self, name: str, text: str) -> Path:
        """A file in it. Written once: another thread may be reading it at this moment."""
        path = self.path / name
        if not path.exists() or path.read_text(encoding="ascii") != text:
            path.write_text(text, encoding="ascii")
        return path

    def remove(self) -> None:
        """Take it away with all that is in it; a fork leaves it to the process that made it."""
        if self._owner == os.getpid():
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)


def sweep(parent: Path) -> None:
    """Remove the folders of those of this user's processes that were killed."""
    if sys.platform == "win32":
        return
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            found = folder.lstat()
            ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
            if not ours or time.time() - found.st_mtime < YOUNG_S:
                continue
            descriptor = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
            try:
                lock(descriptor)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)


def lock(descriptor: int) -> None:
    """Lock a file for this process and its forks, or ``OSError`` if another one has it."""
    if sys.platform == "win32":
        raise OSError("only POSIX frees a lock with the process that had it")
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
