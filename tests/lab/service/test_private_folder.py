"""The folder of a lab's certificate: whose it is, and who takes it away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from vocx.lab.service.private_folder import PREFIX, YOUNG_S, PrivateFolder


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder of the test's own, for children, too."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield tmp_path
    tempfile.tempdir = None


def aged(path: Path) -> Path:
    """As if it had been made long ago."""
    old = path.stat().st_mtime - YOUNG_S - 1
    os.utime(path, (old, old))
    return path


def test_it_is_this_users_and_goes_again(temporary: Path) -> None:
    """Nobody else may read it; what is removed is gone with all that is in it."""
    folder = PrivateFolder()
    folder.write("a", "text")
    assert folder.path.parent == temporary and folder.path.stat().st_mode & 0o077 == 0
    folder.remove()
    assert list(temporary.iterdir()) == []


def test_what_is_read_is_not_written_again() -> None:
    """Every call over TLS asks for the certificate's path, from any thread."""
    folder = PrivateFolder()
    before = folder.write("a", "first").stat().st_mtime_ns
    assert folder.write("a", "first").stat().st_mtime_ns == before
    assert folder.write("a", "second").read_text() == "second"
    folder.remove()


def test_the_next_one_sweeps_after_the_killed(temporary: Path) -> None:
    """A lab that was killed leaves a folder; the one that lives keeps its own, however old."""
    code = (
        "import sys; from vocx.lab.service.private_folder import PrivateFolder\n"
        "print(PrivateFolder().path, flush=True); sys.stdin.read()"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe) as other:
        assert other.stdout is not None
        theirs = aged(Path(os.fsdecode(other.stdout.readline().strip())))
        PrivateFolder().remove()
        assert theirs.exists()
        other.send_signal(signal.SIGKILL)
        other.wait(5)
    PrivateFolder().remove()
    assert not theirs.exists()


def test_what_is_not_ours_stays(temporary: Path) -> None:
    """A young folder may not have its lock yet; a link may lead anywhere."""
    young, target = temporary / f"{PREFIX}young", temporary / "target"
    young.mkdir()
    aged(target.mkdir() or target)
    (temporary / f"{PREFIX}link").symlink_to(target)
    PrivateFolder().remove()
    assert young.exists() and list(target.iterdir()) == []
    aged(young)
    PrivateFolder().remove()
    assert not young.exists()


def test_a_fork_leaves_it(temporary: Path) -> None:
    """The child of a process that has one does not take it away."""
    folder = PrivateFolder()
    pid = os.fork()
    if pid == 0:
        try:
            folder.remove()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert folder.path.exists()
    folder.remove()
