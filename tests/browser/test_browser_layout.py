"""Nothing of any view is cut off, however wide the page is, light and dark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from browser.all_views import END, PAUSE, START, VIEWS

CODES = [
    *VIEWS,
    "HBox([views.price(tape, name='a'), views.book(tape, name='b')])",
    "Tab([VBox([views.budget(ex, name='c'), views.price(tape, name='d')])])",
]
WIDTHS = (640, 1000, 1280, 1600)
SIDE_BAR_WIDTH = 640
"""With the file browser beside it a cell is some 270 px wide."""
OVERFLOWS = """(cell, narrow) => {
  const found = [];
  const box = cell.querySelector(".jp-Cell-outputArea").getBoundingClientRect();
  const name = (node) => `${node.tagName}.${node.className.baseVal ?? node.className}` +
    ` "${(node.textContent ?? "").slice(0, 40)}"`;
  for (const node of cell.querySelectorAll(".vocx-widget, .vocx-widget *")) {
    const at = node.getBoundingClientRect();
    if (!at.width || node.closest("svg") || node.closest(".modebar-container")) continue;
    // A table of many columns is scrolled where it does not fit.
    if (narrow && node.closest(".vocx-body") &&
        getComputedStyle(node.closest(".vocx-body")).overflowX === "auto") continue;
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
    outside it, no legend over its lines. JupyterLab's side bar is folded away; beside it, on a
    narrow page, only tables may be wider than their place, and are scrolled. From its first
    picture on a chart has the axes of its data, and its legend stands still."""
    book = notebook([START, *CODES, PAUSE, END])
    book.page.evaluate(RECORD)
    for cell in range(len(CODES) + 2):
        book.run(cell)
    painted = book.page.evaluate("() => (painted.stop = true, [...painted.found])")
    book.page.set_viewport_size({"width": SIDE_BAR_WIDTH, "height": 1000})
    found = []
    for cell, code in enumerate(CODES, 1):
        if code.startswith("HBox"):
            continue  # two charts beside each other have no room there
        book.look_at(cell)
        found += [f"{code} beside the side bar: {one}" for one in cut(book, cell, narrow=True)]
    book.page.keyboard.press("Escape")
    book.page.keyboard.press("Control+b")
    for scheme in ("light", "dark"):
        book.page.emulate_media(color_scheme=scheme)
        book.until(lambda scheme=scheme: book.theme().lower().endswith(scheme), f"a {scheme} page")
        for width in WIDTHS:
            book.page.set_viewport_size({"width": width, "height": 1000})
            for cell, code in enumerate(CODES, 1):
                book.look_at(cell)
                found += [f"{code} at {width} px, {scheme}: {one}" for one in cut(book, cell)]
    book.run(len(CODES) + 2)
    assert not found, "\n".join(found)
    assert not painted, "\n".join(painted)
    assert book.errors == []


def cut(book: Any, cell: int, *, narrow: bool = False) -> list[str]:
    """What is cut off once the page has settled; empty at best."""
    found: list[str] = []
    for _ in range(20):
        found = book.cell(cell).evaluate(OVERFLOWS, narrow)
        if not found:
            break
        book.page.wait_for_timeout(100)
    return found
