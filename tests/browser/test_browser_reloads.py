"""Charts come again: after a reload, after a restart, over a slow line."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from browser.measures import CLOSE, OPEN, moves_per_second, shows_plot


def test_a_reloaded_page_shows_the_views_again(notebook: Callable[..., Any]) -> None:
    """A live one moves, a stopped one keeps its last picture."""
    book = notebook([OPEN, "views.price(tape)", "views.price(tape, name='still')",
                     "views.opened()[-1].stop()", CLOSE])  # fmt: skip
    for cell in range(4):
        book.run(cell)
    shows_plot(book, 2)
    book.page.keyboard.press("Control+s")
    book.page.wait_for_timeout(1500)
    book.reload()
    shows_plot(book, 1)
    shows_plot(book, 2)
    book.until(lambda: moves_per_second(book, 1, 1.0) > 2, "the live chart moves")
    assert book.cell(2).locator("path.js-line").first.get_attribute("d")
    book.run(4)
    assert book.errors == []


def test_a_restarted_kernel_draws_again(notebook: Callable[..., Any]) -> None:
    """The page has plotly.js already; the new kernel's charts appear all the same."""
    book = notebook([OPEN, "views.price(tape)", CLOSE])
    for _ in range(2):
        book.run(0)
        book.run(1)
        shows_plot(book, 1)
        book.until(lambda: moves_per_second(book, 1, 1.0) > 2, "the chart moves")
        book.restart_kernel()
    book.run(0)
    book.run(2)
    assert book.errors == []


def test_a_slow_line_does_not_break_a_chart(notebook: Callable[..., Any]) -> None:
    """A bundle that comes 4 s after its figure, twice anywidget's patience, still draws it."""
    book = notebook(
        [
            """
import time, threading, numpy as np, plotly.graph_objects as go
from vocx.views import plotly_bundle as once
late = once.SharedFigure(go.Figure(go.Scatter(y=[1, 2, 3, 4, 5])))
def bring():
    time.sleep(4); once.live_figure(go.Figure()); time.sleep(1)
    for n in range(60):
        late.plotly_update(restyle_data={"y": [np.random.rand(5)]}, trace_indexes=[0])
        time.sleep(0.1)
threading.Thread(target=bring, daemon=True).start()
late"""
        ]
    )
    start = time.monotonic()
    book.run(0)
    assert "Loading the chart library" in book.output(0)
    shows_plot(book, 0)
    assert time.monotonic() - start > 3
    book.until(lambda: moves_per_second(book, 0, 1.0) >= 1, "it moves")
    assert book.errors == []
