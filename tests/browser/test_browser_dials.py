"""Sliders in a real page: ages that follow them, dials that code turns, the keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from browser.measures import CLOSE, moves_per_second, shows_plot

OPEN = """
import vocx
from vocx import course, views
ex = vocx.connect("binance")
quotes = ex.stream("quotes", symbols="BTC/USDT").wait(10)
ticker = ex.stream("ticker", symbols="BTC/USDT").wait(10)
"""


def slider(book: Any, cell: int, key: str) -> Any:
    return book.cell(cell).locator(f'[data-slider="{key}"] input')


def shown(book: Any, cell: int, key: str) -> str:
    return str(book.cell(cell).locator(f'[data-slider="{key}"] output').inner_text())


def mean_ms(book: Any, row: str) -> float:
    """The mean age that a row of the table shows; not a number while it is measured."""
    found = re.search(rf"{row}[^\t\n]*\t[^\t\n]+\t([\d,]+|…)", book.output(1).replace("\xa0", " "))
    text = found[1] if found else "…"
    return float("nan") if text == "…" else float(text.replace(",", ""))


def test_ages_follow_both_sliders(notebook: Callable[..., Any]) -> None:
    """Sliders, numbers and chart in one output of at most 420 px. Asked every 50 ms instead of
    every second the price is ten times fresher; 200 ms farther away, all are 100 ms older."""
    book = notebook([OPEN, "course.freshness(asked=ex, pushed=[quotes, ticker], dials=ex.lab)",
                     CLOSE])  # fmt: skip
    book.run(0)
    book.run(1)
    shows_plot(book, 1)
    book.until(lambda: 350 < mean_ms(book, "asked every 1 s") < 750, "half a second on average")
    slider(book, 1, "interval").fill("2")
    book.until(lambda: 20 < mean_ms(book, "asked every 50 ms") < 80, "asked more often")
    slider(book, 1, "distance").fill("200")
    book.until(lambda: 170 < mean_ms(book, "asked every 50 ms") < 300, "asked from afar")
    book.until(lambda: 100 < mean_ms(book, "pushed quotes") < 200, "pushed from afar")
    assert "200/2 + 200/2 = 200 ms" in book.output(1)
    assert "latency 200 ms round trip on binance" in book.output(1)
    assert book.cell(1).locator(".jp-Cell-outputArea").bounding_box()["height"] <= 420
    assert moves_per_second(book, 1) > 2
    book.run(2)
    assert book.errors == []


def test_dials_follow_hands_keys_and_code(notebook: Callable[..., Any]) -> None:
    """What a reader turns is in force, by mouse or keyboard; what code turns moves the sliders;
    a button says in words whether it is pressed in, and keeps the keyboard."""
    book = notebook([OPEN, "views.dials(ex.lab)", "print(ex.lab.network)",
                     "ex.lab.network.latency(rtt_ms=137, jitter_ms=10)", CLOSE])  # fmt: skip
    book.run(0)
    book.run(1)
    slider(book, 1, "distance").press("ArrowRight")
    book.until(lambda: "latency 20 ms round trip" in book.output(1), "an arrow key turns it")
    slider(book, 1, "bandwidth").press("End")
    book.until(lambda: "bandwidth 4 KiB/s" in book.output(1), "End is the narrowest")
    hole = book.cell(1).locator('[data-action="timeout"]')
    hole.press("Enter")
    book.until(lambda: hole.get_attribute("aria-pressed") == "true", "it is pressed in")
    assert hole.inner_text() == "timeout: on (turn back)"
    assert hole.evaluate("(node) => node === document.activeElement")
    book.cell(1).locator('[data-action="clear"]').click()
    book.until(lambda: "no dial turned" in book.output(1), "all is clear")
    book.until(lambda: shown(book, 1, "bandwidth") == "unlimited", "the slider shows it")
    book.run(3)
    book.until(lambda: shown(book, 1, "distance") == "137 ms", "the slider follows the code")
    assert shown(book, 1, "jitter") == "10 ms"
    book.run(2)
    assert "latency 137 ms round trip (jitter 10 ms)" in book.output(2)
    book.run(4)
    assert book.errors == []
