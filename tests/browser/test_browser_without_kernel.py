"""What a page says of views whose kernel is silent, gone, or not yet started."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from browser.all_views import END, PAUSE, START, VIEWS
from browser.measures import CLOSE, OPEN, plots, shows_plot

WIDGET, TWIN = ".vocx-panel", ".vocx-twin"
SAID = "the kernel has been silent for"


def shown(book: Any, cell: int, what: str) -> int:
    """How many such parts a cell shows the reader."""
    return int(book.cell(cell).locator(f"{what}:visible").count())


def greyed(book: Any, cell: int) -> bool:
    """Whether the chart of a cell is greyed."""
    plot = book.cell(cell).locator(".js-plotly-plot").first
    return "grayscale" in str(plot.evaluate("(node) => getComputedStyle(node).filter"))


def twin(book: Any, cell: int) -> str:
    """The text that stands ready below a view, hidden or not."""
    return str(book.cell(cell).locator(TWIN).last.text_content())


def test_a_view_says_that_its_kernel_is_silent(notebook: Callable[..., Any]) -> None:
    """3 s after the last sign of life it is greyed, in the page; a stopped one stays as it is.
    The kernel is halted, as a debugger or a laptop's sleep would; when it goes on, so do they."""
    book = notebook([OPEN + "import os", "views.price(tape)", "views.running()",
                     "views.opened()[1].stop()\nprint(os.getpid())", CLOSE])  # fmt: skip
    for cell in range(4):
        book.run(cell)
    shows_plot(book, 1)
    assert shown(book, 1, WIDGET) == 1 and shown(book, 1, TWIN) == 0
    kernel = int(book.output(3))
    os.kill(kernel, 19)
    book.look_at(1)
    try:
        book.until(lambda: SAID in book.output(1), "the view says that its kernel is silent", 8)
        assert greyed(book, 1)
        assert SAID not in book.output(2)
    finally:
        os.kill(kernel, 18)
    book.until(lambda: SAID not in book.output(1), "the view goes on")
    assert not greyed(book, 1)
    book.run(4)
    assert book.errors == []


def test_a_restarted_kernel_leaves_greyed_views(notebook: Callable[..., Any]) -> None:
    """Nothing green after "Restart Kernel" without clearing outputs."""
    book = notebook([OPEN, "views.price(tape)", "pass", CLOSE])
    book.run(0)
    book.run(1)
    shows_plot(book, 1)
    book.restart_kernel(clear=False)
    book.look_at(1)
    book.until(lambda: SAID in book.output(1), "the view says that its kernel is silent", 8)
    assert greyed(book, 1)
    for cell in (2, 0, 1):  # the first is counted anew, so that all get another number
        book.run(cell)
    book.until(lambda: SAID not in book.output(1), "run again, it is live again")
    book.run(3)
    assert book.errors == []


def test_a_reopened_notebook_shows_texts(notebook: Callable[..., Any]) -> None:
    """Without its kernel each view is the text that it last was, and says what to do; with a
    kernel, run again, it is a view."""
    book = notebook([OPEN, "views.price(tape)", "views.book(tape)", "tape.trade().price", CLOSE,
                     "pass"])  # fmt: skip
    for cell in range(4):
        book.run(cell)
    shows_plot(book, 1)
    book.until(lambda: "best bid" in twin(book, 1), "the twin is written")
    book.until(lambda: "bid quantity" in twin(book, 2), "the other one's too")
    book.save()
    book.run(4)
    book.end_kernel()
    book.reload()
    for cell in (1, 2):
        book.look_at(cell)
        assert shown(book, cell, TWIN) == 1
        assert "Run the cell above" in book.output(cell)
        assert "Error" not in book.output(cell) and "model not found" not in book.output(cell)
    assert "best bid" in book.output(1) and "bid quantity" in book.output(2)
    assert shown(book, 3, TWIN) == 0 and book.output(3)
    assert not book.dirty
    for cell in (5, 0, 1):  # the first is counted anew, so that all get another number
        book.run(cell)
    book.until(lambda: plots(book, 1) == 1, "a view again")
    assert shown(book, 1, TWIN) == 0
    book.run(4)


def test_a_notebook_that_nobody_edited_needs_no_saving(notebook: Callable[..., Any]) -> None:
    """JupyterLab finds in it what it would add. With a cell run it asks, and asks no more once
    that is saved, while the view goes on."""
    book = notebook([OPEN, "views.price(tape)", CLOSE])
    book.page.wait_for_timeout(2000)
    assert not book.dirty
    book.run(0)
    book.run(1)
    book.until(lambda: "best bid" in twin(book, 1), "the twin is written")
    assert book.dirty
    book.save()
    book.page.wait_for_timeout(3000)
    assert not book.dirty
    book.run(2)
    assert book.errors == []


BOXES = [
    ("HBox([views.price(tape), views.book(tape)])", ["best bid", "bid quantity"]),
    ("Tab([VBox([views.tape(tape)]), Button()], selected_index=1)", ["taker"]),
    ("Accordion([views.budget(ex)])", ["used"]),
    ("Stack([Button(), views.running()], selected_index=0)", ["tape"]),
    ("display(views.price(tape, name='a'), views.book(tape, name='b'))", ["best bid", "bid qu"]),
    ("late = VBox([views.dials(ex.lab)]); display(late)\n"
     "late.children += (views.balances(ex),)", ["distance", "USDT"]),
]  # fmt: skip
"""Boxes of a reader's own, and what the text says that is left of each."""
PLAIN = "VBox([Button(description='mine'), IntSlider()])"


def test_boxes_of_the_readers_own_leave_texts(notebook: Callable[..., Any], jupyter: Any) -> None:
    """Also those that are not seen (behind a tab), that were put in later, and two in one cell.
    A box without our views is shown as ipywidgets shows it, and one in an Output once."""
    start = OPEN + "from ipywidgets import *"
    inside = "out = Output()\ndisplay(out)\nwith out: display(HBox([views.price(tape, name='c')]))"
    codes = [start, *(code for code, _ in BOXES), PLAIN, inside, CLOSE]
    book = notebook(codes)
    plain, inner = len(codes) - 3, len(codes) - 2
    for cell in range(len(codes) - 1):
        book.run(cell)
    for cell, (_, words) in enumerate(BOXES, 1):
        book.look_at(cell)
        book.until(
            lambda cell=cell, words=words: all(word in texts(book, cell) for word in words),
            f"the texts of cell {cell} are written",
        )
        assert shown(book, cell, TWIN) == 0
    book.look_at(inner)
    assert plots(book, inner) == 1 and shown(book, inner, TWIN) == 0
    book.save()
    saved = json.loads(next(jupyter.root.glob("test_boxes_of*.ipynb")).read_text())
    (output,) = saved["cells"][plain]["outputs"]
    assert output["output_type"] == "execute_result" and output["execution_count"]
    book.run(len(codes) - 1)
    book.end_kernel()
    book.reload()
    for cell, (code, words) in enumerate(BOXES, 1):
        book.look_at(cell)
        assert "Error" not in book.output(cell), code
        assert all(word in book.output(cell) for word in words), code
        assert shown(book, cell, TWIN) == (2 if "display(views" in code else 1), code


ASKED = [
    "course.predict('02', 'What happens?', ['an error', 'silence']);",
    "course.choices();",
    "from vocx.course.choosing import Chooser\ndesk = Chooser(ex)\ndesk.measure()\ndesk.show()",
]
"""Widgets that are no views."""


def test_every_widget_leaves_its_text(notebook: Callable[..., Any]) -> None:
    """Of all that the package shows in a notebook nothing is an error without its kernel."""
    codes = [*VIEWS, *ASKED]
    book = notebook([START, *codes, PAUSE, END])
    for cell in range(len(codes) + 2):
        book.run(cell)
        assert "Error" not in book.output(cell), book.output(cell)
    for cell, code in enumerate(codes, 1):
        book.look_at(cell)
        assert shown(book, cell, TWIN) == 0, code
        book.until(lambda cell=cell: "nothing was known" not in texts(book, cell), f"text: {code}")
    book.run(len(codes) + 2)
    book.save()
    book.end_kernel()
    book.reload()
    for cell, code in enumerate(codes, 1):
        book.look_at(cell)
        said = book.output(cell)
        assert "Error" not in said and "model not found" not in said, f"{code}: {said}"
        assert shown(book, cell, TWIN) == 1 and "Run the cell above" in said, f"{code}: {said}"
        assert len(said) > 120, f"{code}: {said}"


def texts(book: Any, cell: int) -> str:
    """All that stands ready below a cell's widgets, hidden or not."""
    return " ".join(book.cell(cell).locator(TWIN).all_text_contents())
