"""A comparison on a terminal: the article's table, then ages by distance."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from vocx.measure.article import ABSENT

if TYPE_CHECKING:
    from vocx.measure import Article, Freshness, Interval, Sweep
    from vocx.measure.freshness import FeedResult

NAME, GAP = 10, 2
LABEL, CELL = 6, 12
PLAIN_WIDTH = 100
CLAIM, DOCUMENT, HEAD, FAINT = "yellow", "cyan", "bold", "bright_black"
ROWS_STYLE = {"mean": HEAD, "theory": DOCUMENT}
TOLD = (
    "In ms. mean: over time, with half of its 95 % interval; theory: half the round trip and half "
    "the cadence; p95: not exceeded for 95 % of the time{more}; wrong: the share of time in "
    "which the price you see is not the true one. Feeds shared their seconds, distances did not: "
    "compare wrong within a column."
)
HEADS = {"an article says": CLAIM, "documented today": DOCUMENT, "measured here": HEAD}


def console() -> Console:
    """For stdout: as wide as the terminal; 100 columns where there is none."""
    made = Console(highlight=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made = Console(highlight=False, width=PLAIN_WIDTH)
    return made


def show(found: Article, *, full: bool = False, on: Console | None = None) -> None:
    """Print the eight rows, the ages by distance, and under which conditions they hold."""
    out = on or console()
    with out.capture() as captured:
        for one in page(found, out.width, full):
            out.print(one)
    text = captured.get()
    if not out.is_terminal:
        text = "\n".join(line.rstrip() for line in text.split("\n"))
    out.file.write(text)
    out.file.flush()


def page(found: Article, width: int, full: bool) -> Iterator[RenderableType]:
    """All that is shown, from the top down."""
    widths = columns(width)
    yield Text(found.title, style=HEAD)
    yield Text(f"{found.conditions.machine}; seed {found.conditions.seed}", style=FAINT)
    yield Text()
    yield grid(widths, [["", *(Text(head, style=style) for head, style in HEADS.items())]])
    for row in found.rows():
        yield Text()
        yield from block(row, widths)
    if found.parts.sweep is not None:
        yield Text()
        yield from ages(found.parts.sweep, width, full=full)
    yield Text()
    for line in found.notes(width=width):
        yield Text(line, style=FAINT)


def columns(width: int) -> list[int]:
    """Widths of protocol, claim, document and measurement."""
    left = max(width, 60) - NAME - 3 * GAP
    claim = max(12, left // 6)
    document = (left - claim) * 45 // 100
    return [NAME, claim, document, left - claim - document]


def grid(widths: Sequence[int], rows: Sequence[Sequence[RenderableType]]) -> Table:
    """Columns that do not move from table to table."""
    made = Table(box=None, show_header=False, padding=(0, GAP, 0, 0), pad_edge=False)
    for width in widths:
        made.add_column(width=width, overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def block(row: dict[str, Any], widths: Sequence[int]) -> Iterator[RenderableType]:
    """One of the eight rows: its name, both protocols, how they relate, and the source."""
    yield Text(row["row"].upper(), style=HEAD)
    yield grid(
        widths,
        [
            [
                name,
                Text(row[f"article_{name}"], style=CLAIM),
                Text(row[f"documented_{name}"], style=DOCUMENT),
                _measured(row[f"measured_{name}"], widths[-1]),
            ]
            for name in ("REST", "WebSocket")
        ],
    )
    if row["so"]:
        yield Padding(Text(f"so: {row['so']}", style="italic"), (0, 0, 0, NAME + GAP))
    yield Padding(Text(f"documented: {row['source']}", style=FAINT), (0, 0, 0, NAME + GAP))


def _measured(text: str, width: int) -> Text:
    """One statement below the other; what a statement needs beyond a line is indented."""
    lines = [textwrap.fill(line, width, subsequent_indent="  ") for line in text.split("\n")]
    return Text("\n".join(lines), style=FAINT if text == ABSENT else "")


def ages(sweep: Sweep, width: int, *, full: bool) -> Iterator[RenderableType]:
    """A table with a column for each distance; more than fit side by side go below."""
    found = sorted(sweep.results, key=lambda one: one.conditions.rtt_ms)
    feed = min(34, max(18, width - LABEL - GAP - len(found) * (CELL + 1) - 1))
    room = max(1, (width - feed - LABEL - GAP - 1) // (CELL + 1))
    yield Text("AGE OF THE PRICE YOU SEE, BY DISTANCE", style=HEAD)
    yield Text(TOLD.format(more=" (p99: for 99 %)" if full else ""), style=FAINT)
    for first in range(0, len(found), room):
        yield Text()
        yield _ages(found[first : first + room], feed, full)


def _ages(found: Sequence[Freshness], feed: int, full: bool) -> Table:
    made = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style=HEAD)
    made.add_column("", width=feed, overflow="fold")
    made.add_column("", width=LABEL + GAP - 1)
    for one in found:
        away = f"{one.conditions.rtt_ms:g} ms away"
        made.add_column(away, width=CELL, no_wrap=True, justify="right")
    labels = list(_cell(found[0].feeds[0], full))
    for place, seen in enumerate(found[0].feeds):
        cells = [_cell(one.feeds[place], full) for one in found]
        lines = [
            Text("\n").join(Text(cell[label], style=ROWS_STYLE.get(label, "")) for label in labels)
            for cell in cells
        ]
        names = Text("\n").join(
            Text(f" {label}", style=ROWS_STYLE.get(label, "")) for label in labels
        )
        made.add_row(Text(seen.feed.name), names, *lines, end_section=True)
        if place < len(found[0].feeds) - 1:
            made.add_row()
    return made


def _stacked(said: Mapping[str, str]) -> Text:
    """CodeSize by their label, each in its style."""
    lines = (Text(text, style=ROWS_STYLE.get(label, "")) for label, text in said.items())
    return Text("\n").join(lines)


def _cell(seen: FeedResult, full: bool) -> dict[str, str]:
    """A feed at one distance: its lines by their label."""
    said = {
        "mean": plus_minus(seen.age.mean),
        "theory": number(seen.expected_age_ms),
        "p95": number(seen.age.p95.value),
    }
    if full:
        said["p99"] = number(seen.age.p99.value)
    return said | {"wrong": percent(seen.wrong)}


def plus_minus(one: Interval) -> str:
    """``"516 ± 54"``: half the interval's width; alone where there is no interval."""
    if one.low is None or one.high is None:
        return number(one.value)
    return f"{number(one.value)} ± {number((one.high - one.low) / 2)}"


def percent(one: Interval) -> str:
    """``"31 ± 8 %"``, in whole percent."""
    if one.value < 0.005:
        return "< 1 %"
    if one.low is None or one.high is None:
        return f"{one.value:.0%}"
    return f"{one.value * 100:.0f} ± {max(1.0, (one.high - one.low) * 50):.0f} %"


def number(value: float) -> str:
    """Whole from ten on, else with one digit."""
    return f"{value:,.{0 if abs(value) >= 9.95 else 1}f}"
