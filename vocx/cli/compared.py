"""A comparison on a terminal: the article's table, then ages by distance."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from vocx.measure.result import aligned, cell

if TYPE_CHECKING:
    from vocx.measure import Article, Sweep
    from vocx.measure.freshness import FeedResult

CELL, LABEL = 12, 6
PLAIN_WIDTH = 100
HEAD, FAINT = "bold", "bright_black"
STYLES = {
    "head": HEAD,
    "article": "yellow",
    "documented": "cyan",
    "so": "italic",
    "source": FAINT,
    "mean": HEAD,
    "theory": "cyan",
}
"""How the pieces of :meth:`Article.lines` and the rows of ages look."""
EXPLAINED = (
    "In ms. mean: over time, with half of its 95 % interval; theory: half the round trip and half "
    "the cadence; p95: not exceeded for 95 % of the time{more}; wrong: the share of time in "
    "which the price you see is not the true one. Feeds shared their seconds, distances did not: "
    "compare wrong within a column."
)
AGES: dict[str, Callable[[FeedResult], str]] = {
    "mean": lambda one: one.age.mean.around(),
    "theory": lambda one: cell("", one.expected_age_ms),
    "p95": lambda one: cell("", one.age.p95.value),
    "p99": lambda one: cell("", one.age.p99.value),
    "wrong": lambda one: one.wrong.percent(),
}
"""What is said of a feed at a distance."""


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
        for line in page(found, out.width, full):
            out.print(line)
    text = captured.get()
    if not out.is_terminal:
        text = "\n".join(line.rstrip() for line in text.split("\n"))
    out.file.write(text)
    out.file.flush()


def page(found: Article, width: int, full: bool) -> Iterator[Text]:
    """All that is shown, from the top down."""
    yield Text(found.title, style=HEAD)
    yield Text(f"{found.conditions.machine}; seed {found.conditions.seed}", style=FAINT)
    yield Text()
    for line in found.lines(width):
        yield Text.assemble(*((piece, STYLES.get(kind, "")) for kind, piece in line))
    if found.parts.sweep is not None:
        yield Text()
        yield from ages(found.parts.sweep, width, full=full)
    yield Text()
    for note in found.notes(width=width):
        yield Text(note, style=FAINT)


def ages(sweep: Sweep, width: int, *, full: bool) -> Iterator[Text]:
    """A table with a column for each distance; more than fit side by side go below."""
    results = sorted(sweep.results, key=lambda one: one.conditions.rtt_ms)
    names = [one.feed.name for one in results[0].feeds]
    wide = max(map(len, names)) + 1
    fit = max(1, (width - wide - LABEL) // (CELL + 2))
    labels = [label for label in AGES if full or label != "p99"]
    explained = EXPLAINED.format(more=" (p99: for 99 %)" if full else "")
    yield Text("AGE OF THE PRICE YOU SEE, BY DISTANCE", style=HEAD)
    for line in textwrap.wrap(explained, width):
        yield Text(line, style=FAINT)
    for first in range(0, len(results), fit):
        beside = results[first : first + fit]
        lines = [["", *(f"{one.conditions.rtt_ms:g} ms away".rjust(CELL) for one in beside)]]
        for place, name in enumerate(names):
            for number, label in enumerate(labels):
                left = f"{'' if number else name:<{wide}}{label:<{LABEL}}"
                lines.append([left, *(AGES[label](one.feeds[place]) for one in beside)])
        yield Text()
        for label, line in zip(
            ["head", *labels * len(names)], aligned(lines).split("\n"), strict=True
        ):
            yield Text(line, style=STYLES.get(label, ""))
