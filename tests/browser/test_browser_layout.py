"""Nothing of any view is cut off, however wide the page is, light and dark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from browser.measures import CLOSE

OPEN = """
import vocx
from ipywidgets import HBox, Tab, VBox
from decimal import Decimal
import time
from vocx import course, views
from vocx.hybrid import HybridClient, want
ex = vocx.connect("binance")
tape = ex.stream("trades", "quotes", "book", symbols="BTC/USDT").wait(10)
bars = ex.stream("candles", symbols="BTC/USDT", interval="1m").wait(10)
order = ex.place_order("BTC/USDT", "buy", "0.01", type="post_only", price=ex.quote("BTC/USDT").bid)
ex.place_order("BTC/USDT", "buy", "0.02", type="market")
bid = ex.quote("BTC/USDT").bid * Decimal("0.98") // 1
client = HybridClient(ex, "BTC/USDT", lambda view: [want("buy", "0.01", bid)],
                      journal="layout.jsonl").start()
"""
STAND = "time.sleep(3)\nfor one in views.opened(): one.pause()"
"""So that the page has time to be looked at."""
VIEWS = [
    "views.price(tape)",
    "views.book(tape)",
    "views.tape(tape)",
    "views.candles(bars, history=ex.candles('BTC/USDT', '1m', limit=40))",
    "views.dials(ex.lab)",
    "views.orders(ex)",
    "views.balances(ex)",
    "views.running()",
    "views.budget(ex)",
    "views.hybrid(client)",
    "course.compare(asked=ex, pushed=tape, dials=ex.lab, note='Which line is first?')",
    "course.freshness(asked=ex, pushed=tape, dials=ex.lab)",
    "HBox([views.price(tape, name='a'), views.book(tape, name='b')])",
    "Tab([VBox([views.budget(ex, name='c'), views.price(tape, name='d')])])",
]
WIDTHS = (640, 1000, 1280, 1600)
OVERFLOWS = """(cell) => {
  const found = [];
  const box = cell.querySelector(".jp-Cell-outputArea").getBoundingClientRect();
  const name = (node) => `${node.tagName}.${node.className.baseVal ?? node.className}` +
    ` "${(node.textContent ?? "").slice(0, 40)}"`;
  for (const node of cell.querySelectorAll(".vocx-widget, .vocx-widget *")) {
    const at = node.getBoundingClientRect();
    if (!at.width || node.closest("svg") || node.closest(".modebar-container")) continue;
    if (at.right > box.right + 1) found.push(`beyond the right edge: ${name(node)}`);
    const inline = getComputedStyle(node).display === "inline";
    if (!inline && node.scrollWidth > node.clientWidth + 1 && node.clientWidth)
      found.push(`${node.scrollWidth} px in ${node.clientWidth}: ${name(node)}`);
  }
  for (const plot of cell.querySelectorAll(".js-plotly-plot")) {
    const frame = plot.getBoundingClientRect();
    for (const node of plot.querySelectorAll("svg text, .legend .bg")) {
      const at = node.getBoundingClientRect();
      if (!at.width) continue;
      if (at.left < frame.left - 1 || at.right > frame.right + 1 ||
          at.top < frame.top - 1 || at.bottom > frame.bottom + 1)
        found.push(`outside the chart: ${name(node)}`);
    }
    const area = plot.querySelector(".nsewdrag")?.getBoundingClientRect();
    const legend = plot.querySelector(".legend .bg")?.getBoundingClientRect();
    if (area && legend && legend.bottom > area.top + 3 && legend.top < area.bottom)
      found.push(`the legend hides ${Math.round(legend.bottom - area.top)} px of the chart`);
    if (area && area.height < 90) found.push(`a chart of ${area.height} px`);
  }
  return found;
}"""

RECORD = """() => {
  const before = new Map(), looks = new Map(), found = new Set();
  window.painted = { found, stop: false };
  const look = () => {
    for (const plot of document.querySelectorAll(".js-plotly-plot:has(.main-svg)")) {
      const count = looks.get(plot) ?? 0;
      if (count >= 20) continue;
      const frame = plot.getBoundingClientRect();
      if (!frame.width) continue;
      looks.set(plot, count + 1);
      for (const axis of ["x", "y"]) {
        const title = plot.querySelector(`.${axis}title`)?.textContent ?? "";
        const numbers = [...plot.querySelectorAll(`.${axis}tick text`)].map((n) => n.textContent);
        if (title.endsWith(", USDT") && numbers.some((text) => !/^\\d\\d,\\d\\d\\d/.test(text)))
          found.add(`${title}: ${numbers.join(" ")}`);
      }
      const at = plot.querySelector(".legend .bg")?.getBoundingClientRect();
      if (!at?.width) continue;
      const here = [at.left - frame.left, at.top - frame.top, at.width].map(Math.round).join();
      const { width } = plot.querySelector(".main-svg").getBoundingClientRect();
      const last = before.get(plot);
      before.set(plot, { here, width });
      if (last?.width === width && last.here !== here)
        found.add(`a legend moves from ${last.here} to ${here}`);
    }
    if (!window.painted.stop) requestAnimationFrame(look);
  };
  look();
}"""
"""Looks at each chart in the first twenty frames in which it stands: on an axis of prices only
numbers that are prices, and legends that stay where they are while the chart is as wide."""


def test_nothing_is_cut_off(notebook: Callable[..., Any]) -> None:
    """Every view alone, in a row, in a tab: no box wider than its place, no text of a chart
    outside it, no legend over its lines. JupyterLab's side bar is folded away. From its first
    picture on a chart has the axes of its data, and its legend stands still."""
    book = notebook([OPEN, *VIEWS, STAND, "client.stop(); " + CLOSE])
    book.page.evaluate(RECORD)
    for cell in range(len(VIEWS) + 2):
        book.run(cell)
    painted = book.page.evaluate("() => (painted.stop = true, [...painted.found])")
    book.page.keyboard.press("Escape")
    book.page.keyboard.press("Control+b")
    found = []
    for scheme in ("light", "dark"):
        book.page.emulate_media(color_scheme=scheme)
        book.until(lambda scheme=scheme: book.theme().lower().endswith(scheme), f"a {scheme} page")
        for width in WIDTHS:
            book.page.set_viewport_size({"width": width, "height": 1000})
            for cell, code in enumerate(VIEWS, 1):
                book.look_at(cell)
                found += [f"{code} at {width} px, {scheme}: {one}" for one in cut(book, cell)]
    book.run(len(VIEWS) + 2)
    assert not found, "\n".join(found)
    assert not painted, "\n".join(painted)
    assert book.errors == []


def cut(book: Any, cell: int) -> list[str]:
    """What is cut off once the page has settled; empty at best."""
    found: list[str] = []
    for _ in range(20):
        found = book.cell(cell).evaluate(OVERFLOWS)
        if not found:
            break
        book.page.wait_for_timeout(100)
    return found
