"""The course machinery: checks with three states, predictions, the passport, short errors."""

from __future__ import annotations

import _thread
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from answers import lesson00, lesson01, lesson02, lesson03, lesson04, lesson05, lesson05b
from hypothesis import given
from hypothesis import strategies as st

from vocx import course
from vocx.course import (
    answer_runner,
    catalogue,
    display,
    other_kernels,
    passport,
    predictions,
    session,
)
from vocx.course.checks import ALL
from vocx.course.grading import judge
from vocx.errors import BadInput, BookOutOfSync, NotReady, VocxError
from vocx.exchange import Exchange

ANSWERS: dict[str, ModuleType] = {
    "00.1": lesson00,
    "01.1": lesson01,
    "02.1": lesson02,
    "03.1": lesson03,
    "04.1": lesson04,
    "05.1": lesson05,
    "05b.1": lesson05b,
}


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Each test has a passport of its own, and slow answers are given up soon."""
    file = tmp_path / "passport.json"
    monkeypatch.setenv("VOCX_PASSPORT", str(file))
    monkeypatch.setattr(other_kernels, "folder", lambda: tmp_path / "other_kernels")
    monkeypatch.setattr(answer_runner.observe, "__kwdefaults__", {"call_s": 0.3, "all_s": 20.0})
    yield file
    other_kernels.leave()
    passport.forget()


def done(lessons: int, checks: int) -> str:
    """Progress as text: so many of those there are."""
    ready = len(catalogue.ready())
    return f"{lessons} of {ready} lessons, {checks} of {len(ALL)} checks"


def judged(check: str, answer: Any, *says: str) -> Any:
    """Parameters of a test; the answers of one check share a lab, and may have a worker."""
    group = pytest.mark.xdist_group(f"answers {check}")
    return pytest.param(check, answer, *says, id=f"{check}-{answer.__name__}", marks=group)


def answers(name: str) -> list[Any]:
    return [judged(check, getattr(module, name)) for check, module in ANSWERS.items()]


WRONG = [
    judged(check, answer, says)
    for check, module in ANSWERS.items()
    for answer, says in module.WRONG.items()
]


def test_every_check_has_answers() -> None:
    """No check without a blank, a right and a wrong answer; each has its place in the code."""
    assert ALL.keys() == ANSWERS.keys() <= set(catalogue.CHECKS)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        *answers("right"),
        judged("01.1", lesson01.careful),
        judged("02.1", lesson02.generator),
        judged("02.1", lesson02.as_text),
        judged("03.1", lesson03.reapplies_the_last),
        judged("04.1", lesson04.in_another_order),
        judged("05.1", lesson05.sampled),
        judged("05b.1", lesson05b.whole_milliseconds),
    ],
)
def test_right_answers_pass(name: str, answer: Callable[..., Any], exchange: Exchange) -> None:
    """Behaviour is judged, not style; the verdict says what was seen."""
    result = judge(ALL[name], answer, exchange)
    assert result and result.state == "right", result.text


@pytest.mark.parametrize(("name", "answer"), [*answers("blank"), ("03", None), ("03", ...)])
def test_blanks_are_not_answered_yet(name: str, answer: Any) -> None:
    """What the notebook ships with is neither right nor wrong, and costs no try."""
    result = course.check(name, answer)
    assert result.state == "not answered yet" and not result
    assert passport.load().failures == {}


@pytest.mark.parametrize(("name", "answer", "says"), WRONG)
def test_wrong_answers_learn_why(
    name: str, answer: Callable[..., Any], says: str, exchange: Exchange
) -> None:
    """The text is about this mistake, with what was seen and expected, in at most 8 lines."""
    result = judge(ALL[name], answer, exchange)
    assert result.state == "wrong" and says in result.text, result.text
    assert result.text.count("\n") < 8 and "seen:" in result.text


def test_before_a_lesson_begins_a_check_says_what_to_run() -> None:
    """A check that needs the lesson's lab names the cell that opens it; others judge without."""
    with pytest.raises(NotReady, match="run the first cell"):
        judge(ALL["05.1"], lesson05.right, None)
    assert judge(ALL["04.1"], lesson04.right, None).state == "right"


def test_hint_opens_on_the_third_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """Twice only the reason; then the hint; a pass closes it again."""
    texts = [course.check("03", lesson03.strict).text for _ in range(3)]
    assert ["Hint:" in text for text in texts] == [False, False, True]
    assert course.check("03", lesson03.right)
    assert passport.load().failures == {} and course.progress() == done(0, 1)
    assert capsys.readouterr().out.count("✗ 03.1") == 3


def test_value_instead_of_function() -> None:
    """``check("03", decide(1, 2, 3))`` says what to write."""
    assert "without brackets" in course.check("03", "apply").text


def test_hanging_call_is_named_and_ended() -> None:
    """A loop is ended from outside and its input is told; no thread stays behind."""
    result = judge(ALL["03.1"], lesson03.hangs, None)
    assert "input:    hangs(50093239" in result.text
    assert not [one for one in threading.enumerate() if one.name == "vocx-check"]


def test_facts_are_shown_by_what_they_say() -> None:
    """The input line shows prices, not stamps and bytes."""
    text = judge(ALL["00.1"], lambda quote, tick: [][0], None).text
    assert "Quote(symbol=BTC/USDT, bid=61700.10, bid_quantity=1, ask=61700.17" in text


def stubborn(book_id: int, U: int, u: int) -> None:
    while True:
        try:
            while True:
                pass
        except Exception:
            pass


def test_loop_that_catches_everything_is_ended_too() -> None:
    """``except Exception`` does not keep a loop alive."""
    assert "was stopped" in judge(ALL["03.1"], stubborn, None).text
    assert not [one for one in threading.enumerate() if one.name == "vocx-check"]


def test_call_that_cannot_be_ended_is_left_behind() -> None:
    """A sleep in C cannot be reached: the kernel goes on and is told to be restarted."""
    release = threading.Event()
    text = judge(ALL["03.1"], lambda *_: release.wait(20), None).text
    release.set()
    assert "restart the kernel" in text


def test_interrupt_ends_the_check_not_the_kernel() -> None:
    """The stop button during a check: a line of text, no try counted, no thread left."""

    def interrupted(book_id: int, U: int, u: int) -> None:
        _thread.interrupt_main()
        while True:
            pass

    result = course.check("03", interrupted)
    assert "interrupted" in result.text and passport.load().failures == {}
    assert not [one for one in threading.enumerate() if one.name == "vocx-check"]


def test_unknown_names_list_what_exists() -> None:
    """A misspelt check or lesson names the nearest."""
    with pytest.raises(BadInput, match=r"00\.1, 01\.1, 02\.1, 03\.1"):
        course.check("03.9", None)
    with pytest.raises(BadInput, match="there is no lesson '33'"):
        catalogue.lesson("33")


QUESTION = ("What happens?", ["an error", "silence", "it closes"])


def test_prediction_explains_after_the_choice(capsys: pytest.CaptureFixture[str]) -> None:
    """Unanswered: the options and how to answer. Answered: the verdict, kept in the passport."""
    asked = course.predict("02", *QUESTION, right="b", why="The ack checks syntax only.")
    assert asked.correct is None and "syntax" not in capsys.readouterr().out
    answered = course.predict("02", *QUESTION, right="b", why="Syntax only.", answer="(A)")
    assert answered.correct is False
    assert "You said (a); right is (b): silence. Syntax only." in capsys.readouterr().out
    course.predict("02", "Which?", ["One.", "Two."], right="b", why="So.", answer="a")
    assert "right is (b): Two. So." in capsys.readouterr().out
    assert course.predict("02", *QUESTION, right="b").choice == "a"


def test_explanations_by_letter() -> None:
    """The chosen letter's words come first, then the right one's."""
    why = {"a": "Everyone thinks so.", "b": "Only syntax is checked."}
    asked = course.predict("02.2", *QUESTION, right="b", why=why, answer="a")
    assert asked.explanation().endswith("Everyone thinks so. Only syntax is checked.")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"right": "z"}, "the options are a, b, c"),
        ({"right": "b", "answer": "q"}, "there is no option 'q'"),
    ],
)
def test_impossible_predictions(arguments: dict[str, str], says: str) -> None:
    """A letter that is not there is refused by name."""
    with pytest.raises(BadInput, match=says):
        course.predict("02", *QUESTION, **arguments)  # type: ignore[arg-type]


def test_choices_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """Seven strategies; what is chosen comes back in lesson 10 and in the text twin."""
    course.choices({"dca": "rest", "scalp": "ws"})
    assert course.choices() == {"dca": "rest", "scalp": "ws"}
    assert "listen (WebSocket)" in capsys.readouterr().out
    with pytest.raises(BadInput, match="dca, rebalance"):
        course.choices({"hodl": "rest"})


def test_widgets_answer_and_replace(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a notebook: buttons that choose, and a question asked again takes the old one's place."""
    pages: list[dict[str, Any]] = []
    monkeypatch.setattr(display, "in_notebook", lambda: True)
    monkeypatch.setattr(display, "put", lambda bundle: pages.append(dict(bundle)))
    asked = course.predict("02", *QUESTION, right="b", why="Because.")
    _, buttons, said, box = predictions._open["02.1"]
    buttons.value = "b"
    assert asked.correct and "(b) is right. Because." in said.value
    course.predict("02", *QUESTION, right="b")
    assert box.comm is None and "(a) an error" in pages[0]["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in pages[1]


def test_choice_buttons_write_the_passport(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pressing a button is enough."""
    monkeypatch.setattr(display, "in_notebook", lambda: True)
    monkeypatch.setattr(display, "put", lambda bundle: None)
    kept = course.choices()
    row = predictions._open["choices"][1]
    row.children[1].value = "both"
    assert kept == passport.load().choices == {"dca": "both"}


passports = st.builds(
    passport.Passport,
    lessons=st.sets(st.sampled_from([one.id for one in catalogue.LESSONS])).map(sorted),
    checks=st.sets(st.sampled_from(catalogue.CHECKS)).map(sorted),
    predictions=st.dictionaries(
        st.sampled_from([f"{one.id}.{n}" for one in catalogue.LESSONS for n in (1, 2)]),
        st.sampled_from("abcdefg"),
    ),
    choices=st.dictionaries(
        st.sampled_from(list(catalogue.STRATEGIES)), st.sampled_from(list(catalogue.PROTOCOLS))
    ),
)


@given(passports)
def test_resume_code_holds_everything(found: passport.Passport) -> None:
    """39 characters, there and back, whatever the case."""
    code = found.code()
    back = passport.Passport.from_code(code.lower().replace("-", " "))
    assert len(code) == 39
    assert (sorted(back.lessons), sorted(back.checks)) == (found.lessons, found.checks)
    assert (back.predictions, back.choices) == (found.predictions, found.choices)


@given(passports, st.integers(0, 31), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_misread_code_is_refused(found: passport.Passport, place: int, letter: str) -> None:
    """One wrong character is noticed (but for one case in 65,000)."""
    code = found.code().replace("-", "")
    wrong = code[:place] + letter + code[place + 1 :]
    if wrong != code:
        with pytest.raises(BadInput, match="no resume code"):
            passport.Passport.from_code(wrong)


def test_passport_survives_and_merges(fresh: Path) -> None:
    """Two notebooks write one file; neither loses what the other did."""
    passport.save(passport.Passport(lessons=["00"]))
    fresh.write_text('{"lessons": ["02"], "checks": ["02.1"]}')
    assert sorted(passport.save(passport.Passport()).lessons) == ["00", "02"]
    assert course.progress() == done(2, 1)


def test_a_newer_answer_of_another_kernel_stays(fresh: Path) -> None:
    """What this kernel wrote long ago is not written again over what another one wrote since."""
    passport.save(passport.Passport(predictions={"02.1": "a"}, choices={"dca": "ws"}))
    fresh.write_text('{"predictions": {"02.1": "b"}, "choices": {"dca": "rest"}}')
    whole = passport.save(passport.Passport(lessons=["02"]))
    assert (whole.predictions, whole.choices) == ({"02.1": "b"}, {"dca": "rest"})
    assert passport.load() == whole


WRITER = """
import sys
from vocx.course import passport
for number in range(30):
    passport.save(passport.Passport(predictions={f"{sys.argv[1]}.{number}": "a"}))
"""


def test_kernels_that_save_at_once_lose_nothing(fresh: Path) -> None:
    """Reading, merging and writing is one step for all kernels."""
    names = ("00", "01", "02")
    kernels = [subprocess.Popen([sys.executable, "-c", WRITER, name]) for name in names]
    assert [one.wait(30) for one in kernels] == [0, 0, 0]
    assert len(passport.load().predictions) == 90
    assert [one.name for one in fresh.parent.iterdir() if one.is_file()] == [fresh.name]


def test_unreadable_passport_is_set_aside(fresh: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged file is kept under another name and a new one begun."""
    fresh.write_text("{oops")
    assert course.progress() == done(0, 0)
    assert fresh.with_suffix(".unreadable").exists()
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


def test_resume_restores(capsys: pytest.CaptureFixture[str]) -> None:
    """A code from another machine adds to what is here."""
    course.resume(passport.Passport(lessons=["00", "02"], checks=["02.1"]).code())
    assert done(2, 1) in capsys.readouterr().out


def test_errors_are_short_and_point_home() -> None:
    """At most 8 lines, whatever the text; the last names the learner's line."""
    try:
        raise BookOutOfSync("line one\n" + "word " * 400, reason="gap")
    except BookOutOfSync as error:
        lines = display.brief(error, error.__traceback__)
    assert lines[0] == "BookOutOfSync: line one" and len(lines) == 8
    assert "of your cell: raise BookOutOfSync" in lines[-1]


def test_kernel_shows_short_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPython prints a typed error or an interrupt in few lines and Python's own as ever."""
    from IPython.core.interactiveshell import InteractiveShell

    ip = InteractiveShell()
    seen: list[list[str]] = []
    ip._showtraceback = lambda kind, error, lines: seen.append(lines)
    monkeypatch.setattr(display, "shell", lambda: ip)
    display.install()
    result = ip.run_cell("from vocx import venues\nvenues.get('binanse')")
    assert type(result.error_in_exec).__name__ == "UnknownVenue"
    assert seen[0][0].startswith("UnknownVenue: vocx has no venue")
    assert seen[0][-1] == "  in line 2 of your cell: venues.get('binanse')" and len(seen[0]) <= 8
    ip.run_cell("1/0")
    assert "ZeroDivisionError" in "".join(seen[1]) and "of your cell" not in "".join(seen[1])
    ip.run_cell("raise KeyboardInterrupt")
    assert seen[2] == ["Interrupted.", "  in line 1 of your cell: raise KeyboardInterrupt"]


def test_an_interrupt_inside_python_names_the_line_that_called() -> None:
    """Waiting happens in ``threading`` and the like; their lines are none of the learner's."""
    event = threading.Event()
    here = threading.get_ident()
    threading.Timer(0.05, signal.pthread_kill, [here, signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt) as caught:
        event.wait(10)
    assert display.brief(caught.value, caught.tb)[-1].endswith("of your cell: event.wait(10)")


def test_bad_kernel_is_stopped_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    """ipykernel 7.0: one line that mends it, before anything else happens."""
    monkeypatch.setitem(session.sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.setattr(session.metadata, "version", lambda name: "7.0.1")
    with pytest.raises(VocxError, match="%pip install -q"):
        course.begin("00")


@pytest.fixture
def closed_labs() -> Iterator[None]:
    """No lab stays open after the test."""
    yield
    import vocx.lab

    for lab in list(vocx.lab._labs.values()):
        lab.close()


def test_begin_and_end(closed_labs: None, capsys: pytest.CaptureFixture[str]) -> None:
    """Begin again: one lab, dials at rest, nothing running; end: done, and what comes next."""
    lab, exchange = course.begin("00")
    opening = capsys.readouterr().out
    assert f"Lesson 00 (1 of {len(catalogue.ready())})" in opening and "Resume code: " in opening
    assert opening.count("\n") <= 5
    lab.network.latency(rtt_ms=80)
    lab.pause()
    exchange.stream("trades", symbols="BTC/USDT")
    again, other = course.begin("02", seed=7)
    assert again is lab and other is not exchange
    assert not lab.network.state and lab.pace == 1.0 and not vocx_running()
    assert course.check("00", lesson00.right).text.startswith("✓ 00.1 right. In ticks: BTC/USDT")
    capsys.readouterr()
    course.end("00")
    closing = capsys.readouterr().out
    assert done(1, 1) in closing and "01_rest.ipynb" in closing


def vocx_running() -> bool:
    import vocx

    return bool(vocx.running())


def test_begin_with_another_seed_starts_another_lab(closed_labs: None) -> None:
    """A cell with a new seed works without knowing of the old lab."""
    first = course.begin("00", seed=7)[0].pid
    began = time.monotonic()
    lab, _ = course.begin("00", seed=8)
    assert lab.seed == 8 and lab.pid != first and time.monotonic() - began < 10


CELLS = """\
from vocx import course
lab, binance = course.begin("00")
---
binance.ticker("BTC/USTD")
---
course.predict("00", "What?", ["x", "y"], right="b")
---
course.choices()
---
1 / 0
---
course.end("00")
"""


@pytest.mark.kernel
def test_in_a_real_kernel() -> None:
    """Typed errors take at most 8 lines, Python's own are whole; questions are widgets with a
    text twin; the next lesson is a link."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    cells = [nbformat.v4.new_code_cell(text) for text in CELLS.split("---\n")]
    client = nbclient.NotebookClient(
        nbformat.v4.new_notebook(cells=cells), timeout=60, kernel_name="python3", allow_errors=True
    )
    begin, typed, question, table, other, end = [cell.outputs for cell in client.execute().cells]
    # What is printed comes in one piece or in several, as the kernel flushes it.
    assert "Resume code" in "".join(one.text for one in begin if one.output_type == "stream")
    assert typed[0].ename == "UnknownSymbol" and len(typed[0].traceback) <= 8
    assert "in line 1 of your cell" in typed[0].traceback[-1]
    assert len(question) == len(table) == 1, (question, table)
    for (shown_output,) in (question, table):
        assert "application/vnd.jupyter.widget-view+json" in shown_output.data
        assert "Answer with" in question[0].data["text/plain"]
    assert other[0].ename == "ZeroDivisionError" and "in line" not in other[0].traceback[-1]
    later = catalogue.following(catalogue.lesson("00"))
    assert later and f'href="{later.file}.ipynb"' in end[1].data["text/html"]


def test_notebooks_and_catalogue_agree() -> None:
    """Every lesson that is counted and linked has its notebook, and no notebook is left out."""
    folder = Path(__file__).resolve().parents[2] / "notebooks"
    files = {file.stem for file in folder.glob("*.ipynb")}
    if not files:
        pytest.skip(f"no notebooks in {folder}")
    assert files == {one.file for one in catalogue.LESSONS if one.ready}
