"""What views cost and how they move, measured in a page: for the tests and the benchmark alike."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

OPEN = """
import time, threading, vocx
from vocx import course, views
ex = vocx.connect("binance")
tape = ex.stream("trades", "quotes", "book", symbols="BTC/USDT").wait(10)
"""
FOUR = ["views.price(tape)", "views.book(tape)", "course.compare(asked=ex, pushed=tape)",
        "views.price(tape, name='again')"]  # fmt: skip
FAST = "ex.lab.set_pace(12.0)"
"""About 1,000 messages a second on these channels."""
CLOSE = "views.stop_all(); vocx.stop_all(); ex.lab.close()"
OpenNotebook = Callable[[list[str]], Any]


class Size(NamedTuple):
    """Bytes over the page's WebSocket: until four figures show, and for one more."""

    four: int
    further: int
    errors: list[str]


class Motion(NamedTuple):
    """Pictures a second on the page while a cell sleeps and while one computes; messages and
    refreshes a second as the kernel counts them."""

    sleeping: float
    computing: float
    messages: float
    refreshes: float
    errors: list[str]


def plots(book: Any, cell: int) -> int:
    """How many charts a cell shows."""
    return int(book.cell(cell).locator(".js-plotly-plot:has(.main-svg)").count())


def shows_plot(book: Any, cell: int) -> None:
    book.until(lambda: plots(book, cell) == 1, f"a chart below cell {cell}")


def moves_per_second(book: Any, cell: int, seconds: float = 2.0) -> float:
    """How often the first line of a cell's chart changes on the page."""
    counted = (
        book.cell(cell)
        .locator(".js-plotly-plot")
        .first.evaluate(
            """(plot, ms) => new Promise((done) => {
          const shape = () => [...plot.querySelectorAll("path.js-line, .points path")]
            .map((path) => path.getAttribute("d") + path.getAttribute("transform")).join();
          let count = 0, last = shape();
          const end = performance.now() + ms;
          const look = () => {
            const now = shape();
            if (now !== last) { count += 1; last = now; }
            if (performance.now() < end) setTimeout(look, 20); else done(count);
          };
          look();
        })""",
            seconds * 1000,
        )
    )
    return float(counted) / seconds


def value(book: Any, cell: int) -> float:
    """The last number that a cell printed."""
    return float(re.findall(r"[\d.]+", book.output(cell))[-1])


def figure_bytes(notebook: OpenNotebook) -> Size:
    """Four charts in one cell, then a fifth that stands still."""
    shown = "\n".join(f"display({one})" for one in FOUR)
    fifth = "views.price(tape, name='fifth', seconds=1).pause()"
    book = notebook([OPEN, shown, "views.stop_all()", fifth, "views.opened()[-1]", CLOSE])
    book.run(0)
    before = book.received
    book.run(1)
    book.until(lambda: plots(book, 1) == 4, "four charts")
    four = book.received - before
    book.run(2)
    book.page.wait_for_timeout(500)
    before = book.received
    book.run(3)
    book.run(4)
    shows_plot(book, 4)
    further = book.received - before
    book.run(5)
    return Size(four, further, book.errors)


def motion(notebook: OpenNotebook) -> Motion:
    """One chart at 1,000 messages a second, below it a cell that sleeps and one that computes."""
    book = notebook([
        OPEN + FAST, "shown = views.price(tape); shown",
        "time.sleep(60)",
        "end = time.monotonic() + 60\nn = 0\nwhile time.monotonic() < end: n += 1",
        "print(tape.stats.per_second)", "print(shown.stats.per_second)", CLOSE,
    ])  # fmt: skip
    book.run(0)
    book.run(1)
    shows_plot(book, 1)
    seen = {}
    for name, cell in (("sleeping", 2), ("computing", 3)):
        book.run(cell, wait_s=0)
        book.page.wait_for_timeout(1000)
        seen[name] = moves_per_second(book, 1, 3.0)
        assert book.prompt(cell) == "[*]:"
        book.interrupt(cell)
    book.run(4)
    book.run(5)
    messages, refreshes = value(book, 4), value(book, 5)
    book.run(6)
    return Motion(**seen, messages=messages, refreshes=refreshes, errors=book.errors)


def writer_ms(notebook: OpenNotebook) -> dict[str, float]:
    """Processor time of the writer thread per refresh, by view, all of them open at once at 1,000
    messages a second."""
    made = [*FOUR[:3], "views.tape(tape)", "views.orders(ex)", "views.balances(ex)",
            "views.running()", "views.budget(ex)"]  # fmt: skip
    shown = "\n".join(f"display({one})" for one in made)
    said = "import json; print(json.dumps({v.panel.title: v.stats.writer_ms"
    book = notebook([
        OPEN + FAST, shown, "ex.place_order('BTC/USDT', 'buy', '0.2', type='market').status",
        "time.sleep(8)", f"{said} for v in views.opened()}}))", CLOSE,
    ])  # fmt: skip
    for cell in range(5):
        book.run(cell)
    found: dict[str, float] = json.loads(book.output(4))
    book.run(5)
    assert len(found) == len(made), found
    return found
