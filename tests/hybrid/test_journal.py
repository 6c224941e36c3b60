"""The journal: on disk before anything leaves, one owner, and a crash loses no order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vocx.errors import JournalError
from vocx.hybrid.journal import Journal, account_digest

OWNER = {"venue": "binance", "place": "lab", "account": account_digest("key")}


def opened(path: Path, **changed: str) -> Journal:
    return Journal(path, **{**OWNER, **changed})


def test_it_remembers_in_order(tmp_path: Path) -> None:
    """What was written comes back, and the key is not in it."""
    with opened(tmp_path / "deep" / "j") as journal:
        for number in range(3):
            journal.write({"do": "place", "id": f"a{number}"})
    with opened(tmp_path / "deep" / "j") as again:
        assert [one["id"] for one in again] == ["a0", "a1", "a2"]
    assert b'"key"' not in (tmp_path / "deep" / "j").read_bytes()
    assert (tmp_path / "deep" / "j").stat().st_mode & 0o077 == 0


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """A second client on the same file is refused in words; after the first it may."""
    first = opened(tmp_path / "j")
    with pytest.raises(JournalError, match="in use by another client"):
        opened(tmp_path / "j")
    first.close()
    first.close()
    opened(tmp_path / "j").close()


@pytest.mark.parametrize("changed", [{"venue": "okx"}, {"place": "real"}, {"account": "other"}])
def test_another_account_is_refused(tmp_path: Path, changed: dict[str, str]) -> None:
    """A journal belongs to one venue, place and account."""
    opened(tmp_path / "j").close()
    with pytest.raises(JournalError, match="belongs to"):
        opened(tmp_path / "j", **changed)


@pytest.mark.parametrize("torn", [b'{"do":"pla', b"\xff\xfe", b'{"do":"place","id":"z"}'])
def test_a_torn_last_line_is_survived(tmp_path: Path, torn: bytes) -> None:
    """What a crash cut off was not sent: it is put aside, and the next line begins anew."""
    with opened(tmp_path / "j") as journal:
        journal.write({"id": "a"})
    with open(tmp_path / "j", "ab") as file:
        file.write(torn)
    with opened(tmp_path / "j") as journal:
        assert journal.torn == len(torn) and [one["id"] for one in journal] == ["a"]
        journal.write({"id": "b"})
    with opened(tmp_path / "j") as journal:
        assert [one["id"] for one in journal] == ["a", "b"] and journal.torn == 0
    assert (tmp_path / "j.torn").read_bytes() == torn + b"\n"


def test_damage_elsewhere_names_its_line(tmp_path: Path) -> None:
    """A damaged line may hide an open order: nobody goes on without a look."""
    with opened(tmp_path / "j") as journal:
        journal.write({"id": "a"})
        journal.write({"id": "b"})
    lines = (tmp_path / "j").read_bytes().split(b"\n")
    (tmp_path / "j").write_bytes(b"\n".join([lines[0], b"{broken", *lines[2:]]))
    with pytest.raises(JournalError, match="line 2"):
        opened(tmp_path / "j")


def test_a_fork_may_not_write(tmp_path: Path) -> None:
    """The journal belongs to the process that opened it."""
    with opened(tmp_path / "j") as journal:
        pid = os.fork()
        if not pid:
            try:
                journal.write({"id": "child"})
            except JournalError:
                os._exit(7)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
        journal.write({"id": "parent"})


def test_a_full_disk_is_said_and_leaves_no_half_line(tmp_path: Path, monkeypatch) -> None:
    """What cannot be written whole is an error, so that nothing is sent on its account."""
    with opened(tmp_path / "j") as journal:
        real = os.write
        monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:5]))
        with pytest.raises(JournalError, match="cannot be written"):
            journal.write({"id": "a"})
        monkeypatch.undo()
        journal.write({"id": "b"})
    with opened(tmp_path / "j") as journal:
        assert [one["id"] for one in journal] == ["b"]
