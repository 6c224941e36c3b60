"""A comparison on a terminal: the article's table, then ages by distance."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from vocx.measure.article import ABSENT

if TYPE_CHECKING:
    from vocx.measure import Article, Freshness, Interval, Sweep
    from vocx.measure.freshness import FeedSeen

NAME, GAP, CELL = 10, 2, 15
PLAIN_WIDTH = 100
CLAIM, DOCUMENT, HEAD, FAINT = "yellow", "cyan", "bold", "bright_black"


def console() -> Console:
    """For stdout: as wide as the terminal; 100 columns where there is none."""
    made = Console(highlight=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made = Console(highlight=False, width=PLAIN_WIDTH)
    return made


def show(found: Article, *, full: bool = False, on: Console | None = None) -> None:
    """Print the eight rows, the ages by distance, and under which conditions they hold."""
    out = on or console()
    widths = columns(out.width)
    out.print(Text(found.title, style=HEAD))
    out.print(Text(f"{found.conditions.machine}; seed {found.conditions.seed}", style=FAINT))
    out.print()
    heads = [Text(head, style=style) for head, style in zip(HEADS, STYLES, strict=True)]
    out.print(grid(widths, [["", *heads]]))
    for row in found.rows():
        out.print()
        for one in block(row, widths):
            out.print(one)
    if found.parts.sweep is not None:
        for one in ages(found.parts.sweep, out.width, full=full):
            out.print()
            out.print(one)
    out.print()
    for line in found.notes(width=out.width):
        out.print(Text(line, style=FAINT))


HEADS = ("an article says", "documented today", "measured here")
STYLES = (CLAIM, DOCUMENT, HEAD)


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
                _measured(row[f"measured_{name}"]),
            ]
            for name in ("REST", "WebSocket")
        ],
    )
    if row["so"]:
        yield Padding(Text(row["so"], style="italic"), (0, 0, 0, NAME + GAP))
    yield Padding(Text(f"documented: {row['source']}", style=FAINT), (0, 0, 0, NAME + GAP))


def _measured(text: str) -> Text:
    return Text(text, style=FAINT if text == ABSENT else HEAD)


def ages(sweep: Sweep, width: int, *, full: bool) -> Iterator[RenderableType]:
    """A table with a column for each distance; more than fit side by side go below."""
    found = sorted(sweep.results, key=lambda one: one.conditions.rtt_ms)
    room = max(1, (width - 20) // (CELL + GAP))
    yield Text("AGE OF THE PRICE YOU SEE, BY DISTANCE", style=HEAD)
    told = (
        "Mean over time in ms, with half of its 95 % interval; theory (half the round trip and "
        "half the cadence); what it did not exceed for 95 % of the time"
        + (" and 99 %" if full else "")
        + "; the share of time in which the price you see is not the true one."
    )
    yield Text(told, style=FAINT)
    for first in range(0, len(found), room):
        yield _ages(found[first : first + room], width, full)


def _ages(found: Sequence[Freshness], width: int, full: bool) -> Table:
    made = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style=HEAD)
    made.add_column("", width=min(width - len(found) * (CELL + GAP) - GAP, 34), overflow="fold")
    for one in found:
        made.add_column(f"{one.conditions.rtt_ms:g} ms away", width=CELL, no_wrap=True)
    for number, seen in enumerate(found[0].feeds):
        cells = [_cell(one.feeds[number], full) for one in found]
        made.add_row(Text(seen.feed.name), *cells)
    return made


def _cell(seen: FeedSeen, full: bool) -> Text:
    said = Text()
    said.append(plus_minus(seen.age.mean), style=HEAD)
    said.append(f"\ntheory {number(seen.expected_age_ms)}", style=DOCUMENT)
    said.append(f"\np95 {number(seen.age.p95.value)}")
    if full:
        said.append(f"\np99 {number(seen.age.p99.value)}")
    said.append(f"\nwrong {plus_minus(seen.wrong, 100)} %\n")
    return said


def plus_minus(one: Interval, scale: float = 1.0) -> str:
    """``"516 ± 54"``: half the interval's width; alone where there is no interval."""
    if one.low is None or one.high is None:
        return number(one.value * scale)
    half = (one.high - one.low) / 2 * scale
    return f"{number(one.value * scale)} ± {number(half)}"


def number(value: float) -> str:
    """With as many digits as mean something."""
    return f"{value:,.{0 if abs(value) >= 10 else 1 if abs(value) >= 1 else 2}f}"
