"""``course.begin`` and ``course.end``, in this process and in a real kernel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from answers import lesson00

from vocx import course
from vocx.course import catalogue, display, lesson_cells, session
from vocx.errors import VocxError

Done = Callable[[int, int], str]


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


def test_begin_and_end(closed_labs: None, capsys: pytest.CaptureFixture[str], done: Done) -> None:
    """Begin again: one lab, dials at rest, nothing running; end: done, and what comes next."""
    lab, exchange = course.begin("00")
    opening = capsys.readouterr().out
    assert f"Lesson 00 (1 of {len(catalogue.counted())})" in opening and "Resume code: " in opening
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
course.predict("00", "What?", ["x", "y"])
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
    for widget, without_kernel in (question, table):
        assert "application/vnd.jupyter.widget-view+json" in widget.data
        assert "Run the cell above" in without_kernel.data["text/html"]
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
    assert files == {one.file for one in catalogue.LESSONS}


def test_afresh_cancels_what_was_left_open(
    closed_labs: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """The set-up cell run again: orders of before are cancelled, and it says how many."""
    _, exchange = course.begin("04")
    for price in ("60000", "60001"):
        exchange.place_order("BTC/USDT", "buy", "0.01", type="limit", price=price)
    capsys.readouterr()
    _, again = course.begin("04")
    assert "Cancelled: 2 orders left open on BTC/USDT." in capsys.readouterr().out
    assert not again.open_orders()
    course.begin("04")
    assert "Cancelled" not in capsys.readouterr().out


def test_a_cell_run_alone_is_told_which_comes_first(
    closed_labs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback of a name that is not there, but the lines of the cells that make it; a name
    that no cell makes is Python's own error."""
    from IPython.core.interactiveshell import InteractiveShell

    ip = InteractiveShell()
    seen: list[str] = []
    ip._showtraceback = lambda kind, error, lines: seen.append("\n".join(lines))
    monkeypatch.setattr(display, "shell", lambda: ip)
    ip.run_cell(lesson_cells.of_lesson("05")[0].source)
    ip.run_cell("swept.figure()", store_history=True)
    assert seen[-1] == (
        '`swept` is not there yet. First run the cell under "The picture of the course" with\n\n'
        "    swept = measure.sweep(binance, [0, 20, 80, 200], seconds=3)\n\n"
        "and then this one again."
    )
    ip.run_cell("no_such_name", store_history=True)
    assert "Traceback" in seen[-1] and "no_such_name" in seen[-1]
