"""``vocx compare``: a lab of its own, everything measured in it, shown or written.

Shown is the article's table, then ages by distance, at any width.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

import vocx
from vocx.errors import BadInput
from vocx.measure.feeds import DISTANCES
from vocx.measure.result import cell, writable
from vocx.measure.validation import FARTHEST_MS
from vocx.text import text_table

if TYPE_CHECKING:
    from vocx.measure import Article, Sweep
    from vocx.measure.freshness import FeedResult

SECONDS, FULL_SECONDS = 4.0, 20.0
LEAST_S, MOST_S = 2.0, 300.0
MOST = 8
LIBRARIES = ("requests", "urllib3", "websocket-client", "aiohttp", "msgspec")
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


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asked for, checked."""

    rtts: list[float]
    seconds: float
    full: bool
    seed: int
    venue: str
    symbol: str = "BTC/USDT"

    @property
    def steps(self) -> list[float]:
        """About how many seconds each step takes, in order."""
        more = 5.0 if self.full else 1.0
        ages = [self.seconds + 2.0 for _ in self.rtts]
        calls = 2.0 + 0.022 * sum(self.rtts) * more
        return [*ages, calls, self.seconds + 2.0, 4.0 + more, 2.0 + 2.0 * more]


def plan(rtt: Sequence[str], seconds: float | None, *, full: bool, seed: int, venue: str) -> Plan:
    """What a command line asks for.

    Raises
    ------
    BadInput
        It cannot be measured; the text says what to write.
    """
    rtts = distances(rtt)
    wanted = seconds if seconds is not None else FULL_SECONDS if full else SECONDS
    if not LEAST_S <= wanted <= MOST_S:
        raise BadInput(
            f"--seconds is {wanted:g}; write {LEAST_S:g} to {MOST_S:g}: a poll every second is "
            "one of the feeds, and once is no measurement"
        )
    return Plan(rtts=rtts, seconds=wanted, full=full, seed=seed, venue=venue)


def distances(words: Sequence[str]) -> list[float]:
    """Round trips in milliseconds, from ``0 20 80`` or ``0,20,80``."""
    found = []
    for word in " ".join(words).replace(",", " ").split():
        try:
            found.append(float(word))
        except ValueError:
            raise BadInput(
                f"--rtt is {word!r}; write milliseconds there and back: --rtt 0 20 80 200"
            ) from None
    for one in found:
        if not 0 <= one <= FARTHEST_MS:
            raise BadInput(f"--rtt is {one:g}; write milliseconds from 0 to {FARTHEST_MS:g}")
    if len(set(found)) < len(found):
        raise BadInput("--rtt has a distance twice; write each once")
    if len(found) > MOST:
        raise BadInput(f"--rtt has {len(found)} distances; write at most {MOST}")
    return found or list(DISTANCES)


def output_path(path: Path | None, *, overwrite: bool) -> Path | None:
    """The file to write, refused before a minute was spent on measuring."""
    return None if path is None else writable(path, overwrite=overwrite, how="--overwrite")


def run(asked: Plan) -> Article:
    """Open a lab, measure in it, and end it; progress goes to stderr while that is a terminal."""
    from vocx import lab, measure, venues
    from vocx.exchange import Exchange
    from vocx.exchange.environment import LabEnvironment

    venue = venues.get(asked.venue)
    # Nothing but the result may reach stdout: somebody parses it.
    with redirect_stdout(sys.stderr), _progress(asked) as say:
        with (
            lab.open(seed=asked.seed, name="compare", replace=True, venues=[asked.venue]) as opened,
            Exchange(venue, LabEnvironment(venue, opened, tls=False)) as exchange,
        ):
            return measure.article(
                exchange,
                rtts=asked.rtts,
                seconds=asked.seconds,
                full=asked.full,
                symbol=asked.symbol,
                progress=say,
            )


@contextmanager
def _progress(asked: Plan) -> Iterator[Any]:
    console = Console(stderr=True)
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("of about {task.fields[about]:.0f} s"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        steps = asked.steps
        task = bar.add_task("opening a lab", total=sum(steps) + 1.0, about=sum(steps) + 1.0)
        waiting = iter([1.0, *steps])

        def say(what: str) -> None:
            bar.update(task, description=what, advance=next(waiting, 0.0))

        yield say


def as_json(found: Article, asked: Plan) -> str:
    """Everything as one JSON object: an interval is ``{"value", "low", "high", "n"}``."""
    parts = found.parts.given()
    whole = {
        "vocx": vocx.__version__,
        "made": found.conditions.made,
        "machine": found.conditions.machine,
        "versions": {"vocx": vocx.__version__, **{name: version(name) for name in LIBRARIES}},
        "seed": asked.seed,
        "parameters": asked,
        "article": found.rows(),
        "ages": found.parts.sweep.rows() if found.parts.sweep is not None else [],
        "measured": {name: part.rows() for name, part in parts.items() if name != "sweep"},
        "conditions": {name: part.conditions for name, part in parts.items()},
    }
    return msgspec.json.encode(whole).decode()


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
            ["head", *labels * len(names)], text_table(lines[0], lines[1:]).split("\n"), strict=True
        ):
            yield Text(line, style=STYLES.get(label, ""))
