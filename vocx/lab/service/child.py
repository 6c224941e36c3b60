"""Starting the lab's process and knowing whether it lives.

Each line here was paid for: its own session, because an interrupt goes to the whole group and
would end a plain child; a pipe as standard input, because its end is the one signal that also
comes when the kernel is killed; ``-P``, because a ``random.py`` beside the notebook must not
become a module of the lab; an unlinked file as its log, because a pipe that nobody empties
blocks the writer.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec

import vocx
from vocx.errors import LabDied, LabError
from vocx.lab.service.config import Config, Ready
from vocx.lab.service.failure import Failure, from_failure

READY_S = 20.0
"""How long a start may take on a very busy machine; about half a second is usual."""
STOP_S = 2.0
LAST_LINES = 20


class ChildProcess:
    """One lab process, started by this one."""

    def __init__(self, process: subprocess.Popen[bytes], log: IO[bytes], ready: Ready) -> None:
        self.ready = ready
        self._process = process
        self._log = log
        self._owner = os.getpid()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def owned(self) -> bool:
        """False in a fork of the process that started it: it may use the lab, not end it."""
        return os.getpid() == self._owner

    @property
    def alive(self) -> bool:
        if self.owned:
            return self._process.poll() is None
        try:
            os.kill(self.pid, 0)
        except OSError:
            return False
        return True

    def exit_report(self) -> str:
        """How it ended, with its last words."""
        code = self._process.poll() if self.owned else None
        how = "" if code is None else f" (exit code {code})" if code >= 0 else f" (signal {-code})"
        words = last_lines(self._log)
        return how + (f"; its last lines:\n{words}" if words else "")

    def stop(self) -> None:
        """End it: its input first, then more firmly. At most about two seconds."""
        if not self.owned:
            return
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        with suppress(OSError):
            process.stdin.close()
        with suppress(OSError):
            process.stdout.close()
        try:
            process.wait(STOP_S / 2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_S)
        self._log.close()


def spawn(config: Config) -> ChildProcess:
    """Start a lab and wait until it listens.

    Raises
    ------
    LabConflict, RecordingError, UnknownSymbol
        What it said about the configuration.
    LabDied
        When it ended without a word; its last lines are in the text.
    """
    log = tempfile.TemporaryFile("w+b")
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "vocx.lab.service.process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=append_only(log),
        env=environment(),
        start_new_session=True,
        bufsize=0,
    )
    try:
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.write(msgspec.json.encode(config) + b"\n")
        ready = read_ready(process, log)
    except BaseException:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, log):
            if pipe is not None:
                pipe.close()
        raise
    return ChildProcess(process, log, ready)


def read_ready(process: subprocess.Popen[bytes], log: IO[bytes]) -> Ready:
    """The first line that the process says."""
    assert process.stdout is not None
    deadline_s = time.monotonic() + READY_S
    line = b""
    while not line.endswith(b"\n"):
        left_s = deadline_s - time.monotonic()
        if left_s <= 0 or not readable(process.stdout, left_s):
            raise LabError(
                f"the lab was not ready within {READY_S:.0f} s; is the machine overloaded? "
                "Try again with vocx.lab.open()"
            )
        piece = os.read(process.stdout.fileno(), 65536)
        if not piece:
            process.wait(STOP_S)
            words = last_lines(log)
            raise LabDied(f"the lab ended while it started; its last lines:\n{words}")
        line += piece
    said: Ready | Failure
    if b'"error"' in line[:10]:
        said = msgspec.json.decode(line, type=Failure)
        raise from_failure(said)
    said = msgspec.json.decode(line, type=Ready)
    return said


def readable(pipe: IO[bytes], seconds: float) -> bool:
    """Whether something (or the end) comes within so many seconds."""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        return bool(selector.select(seconds))


def append_only(log: IO[bytes]) -> int:
    """The log as a descriptor that always writes at the end, so that it can be emptied."""
    import fcntl

    number = log.fileno()
    fcntl.fcntl(number, fcntl.F_SETFL, fcntl.fcntl(number, fcntl.F_GETFL) | os.O_APPEND)
    return number


def last_lines(log: IO[bytes]) -> str:
    """The end of the log."""
    if log.closed:
        return ""
    size = os.fstat(log.fileno()).st_size
    tail = os.pread(log.fileno(), 4096, max(0, size - 4096))
    return "\n".join(tail.decode(errors="replace").splitlines()[-LAST_LINES:])


def environment() -> dict[str, str]:
    """Ours, with the folder of this vocx where the child would not find it by itself."""
    folder = str(Path(vocx.__file__).resolve().parents[1])
    env = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    if Path(folder).name not in ("site-packages", "dist-packages"):
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, env.get("PYTHONPATH")]))
    return env
