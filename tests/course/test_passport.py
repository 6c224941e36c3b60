"""The passport: its code, its file, and several kernels that write it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vocx import course
from vocx.course import catalogue, passport
from vocx.errors import BadInput

Done = Callable[[int, int], str]

passports = st.builds(
    passport.Passport,
    lessons=st.sets(st.sampled_from([one.id for one in catalogue.LESSONS])).map(sorted),
    checks=st.sets(st.sampled_from(catalogue.CHECKS)).map(sorted),
    predictions=st.dictionaries(
        st.sampled_from(
            [f"{one.id}.{n}" for one in catalogue.LESSONS for n in (1, 2) if not one.exam]
        ),
        st.sampled_from("abcdefg"),
    ),
    choices=st.dictionaries(
        st.sampled_from(list(catalogue.STRATEGIES)), st.sampled_from(list(catalogue.PROTOCOLS))
    ),
    quiz=st.booleans(),
)


@given(passports)
def test_resume_code_holds_everything(found: passport.Passport) -> None:
    """39 characters, there and back, whatever the case."""
    code = found.code()
    back = passport.Passport.from_code(code.lower().replace("-", " "))
    assert len(code) == 39
    assert (sorted(back.lessons), sorted(back.checks)) == (found.lessons, found.checks)
    assert (back.predictions, back.choices) == (found.predictions, found.choices)
    assert back.quiz is found.quiz


@given(passports, st.integers(0, 31), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_misread_code_is_refused(found: passport.Passport, place: int, letter: str) -> None:
    """One wrong character is noticed (but for one case in 65,000)."""
    code = found.code().replace("-", "")
    wrong = code[:place] + letter + code[place + 1 :]
    if wrong != code:
        with pytest.raises(BadInput, match="no resume code"):
            passport.Passport.from_code(wrong)


def test_passport_survives_and_merges(passport_file: Path, done: Done) -> None:
    """Two notebooks write one file; neither loses what the other did."""
    passport.save(passport.Passport(lessons=["00"]))
    passport_file.write_text('{"lessons": ["02"], "checks": ["02.1"]}')
    assert sorted(passport.save(passport.Passport()).lessons) == ["00", "02"]
    assert course.progress() == done(2, 1)


def test_a_newer_answer_of_another_kernel_stays(passport_file: Path) -> None:
    """What this kernel wrote long ago is not written again over what another one wrote since."""
    passport.save(passport.Passport(predictions={"02.1": "a"}, choices={"dca": "ws"}))
    passport_file.write_text('{"predictions": {"02.1": "b"}, "choices": {"dca": "rest"}}')
    whole = passport.save(passport.Passport(lessons=["02"]))
    assert (whole.predictions, whole.choices) == ({"02.1": "b"}, {"dca": "rest"})
    assert passport.load() == whole


WRITER = """
import sys
from vocx.course import passport
for number in range(30):
    passport.save(passport.Passport(predictions={f"{sys.argv[1]}.{number}": "a"}))
"""


def test_kernels_that_save_at_once_lose_nothing(passport_file: Path) -> None:
    """Reading, merging and writing is one step for all kernels."""
    names = ("00", "01", "02")
    kernels = [subprocess.Popen([sys.executable, "-c", WRITER, name]) for name in names]
    assert [one.wait(30) for one in kernels] == [0, 0, 0]
    assert len(passport.load().predictions) == 90
    assert [one.name for one in passport_file.parent.iterdir() if one.is_file()] == [
        passport_file.name
    ]


def test_unreadable_passport_is_set_aside(
    passport_file: Path, capsys: pytest.CaptureFixture[str], done: Done
) -> None:
    """A damaged file is kept under another name and a new one begun."""
    passport_file.write_text("{oops")
    assert course.progress() == done(0, 0)
    assert passport_file.with_suffix(".unreadable").exists()
    assert "unreadable" in capsys.readouterr().out


def test_place_of_the_passport(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the notebooks where there are some, else in the user's data folder."""
    monkeypatch.delenv("VOCX_PASSPORT")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    assert passport.path().name == "passport.json"
    (tmp_path / "00_start_here.ipynb").touch()
    assert passport.path() == tmp_path / passport.FILE


def test_read_only_place_keeps_progress_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be written the lesson goes on."""
    monkeypatch.setenv("VOCX_PASSPORT", os.devnull + "/passport.json")
    assert passport.save(passport.Passport(checks=["00.1"])).checks == ["00.1"]
    assert passport.save(passport.Passport(checks=["02.1"])).checks == ["00.1", "02.1"]


def test_resume_restores(capsys: pytest.CaptureFixture[str], done: Done) -> None:
    """A code from another machine adds to what is here."""
    course.resume(passport.Passport(lessons=["00", "02"], checks=["02.1"]).code())
    assert done(2, 1) in capsys.readouterr().out


def test_a_page_to_print(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Lessons, exercises, predictions that were right, exam, quiz, choices and the code."""
    known = passport.Passport(
        lessons=["00"],
        checks=["00.1", "exam.book"],
        predictions={"00.1": "b", "05.1": "a"},
        choices={"dca": "rest"},
        quiz=True,
    )
    passport.save(known)
    course.passport_page(tmp_path / "mine.html")
    said = capsys.readouterr().out
    assert re.search("^ +lesson +ended +exercise +predicted$", said, re.MULTILINE)
    assert re.search("yes +passed +1 of 1", said) and "0 of 1" in said
    assert "Predictions: 1 of 2" in said
    assert "1 of 10 tasks: book" in said and "Final quiz: passed" in said and "ask (REST)" in said
    assert known.code() in said and known.code() in (tmp_path / "mine.html").read_text()
