"""How long until you know that you were filled?

The same fills, learned in two ways in the same seconds: the account's private stream says so, and
a poll of the order's status every so often finds out. From the match inside the exchange (the
lab's truth log) to the moment at which this program could act on it, on one clock.

What arithmetic says, with ``d`` half a round trip and ``T`` the interval: the stream needs ``d``.
A poll learns of the fill if it *arrives* after it, so it may have been sent up to ``d`` before the
match. The first such poll is sent evenly between ``-d`` and ``T - d``, and its answer is here
``2 d`` later: evenly between ``d`` and ``d + T``. On average that is half the interval and *half*
a round trip, not a whole one, and at every distance the poll is half an interval behind the
stream. Both are what :mod:`vocx.measure.theory` calls age. The round trip in it is the measured
call time of the polls, so the exchange's and this machine's own milliseconds are inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from random import Random
from statistics import median
from typing import TYPE_CHECKING, Any, ClassVar

from vocx.measure import theory, validation
from vocx.measure.filling import WARM, Filling
from vocx.measure.probes import unlimited
from vocx.measure.result import CLOCK, Result, conditions, grid
from vocx.measure.sampling import mean_interval, quantile_interval
from vocx.measure.trading import trading_lab
from vocx.timing import mono_ns

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vocx.exchange import Exchange

QUIET = "BNB/USDT"
"""Where the crowd is rarely seen, so that taking a level of the book disturbs nobody."""
SPACING_S = 0.15


class FillTimes(Result, frozen=True, kw_only=True):
    """When each fill was known, pushed and polled.

    Attributes
    ----------
    pushed_ms : list of float
        From the match to the program, by the account's stream; one for each fill.
    polled_ms : list of lists of float
        The same by polling, a list for each of ``every_ms``.
    polls : list of int
        Polls that were sent, for each of ``every_ms``: from 20 ms before the match on.
    call_ms : float
        Median call time of a poll.
    weight, limit : int
        Of one poll, and what an address may spend a minute.
    seed : int
        Of the phases of the polls.
    """

    every_ms: list[float]
    pushed_ms: list[float]
    polled_ms: list[list[float]]
    polls: list[int]
    call_ms: float
    weight: int
    limit: int
    seed: int

    title: ClassVar[str] = "How long until you know that you were filled"

    def rows(self) -> list[dict[str, Any]]:
        """A row for each way to know; ``weight_share`` is of what an address may spend a minute,
        for every order that is watched."""
        return [self._row(*one) for one in self._ways()]

    def table(self) -> str:
        """The rows, narrow enough for a notebook, with the conditions below them."""
        shown = [
            {
                "known by": row["path"],
                "mean": row["mean_ms"].around(),
                "theory": row["theory_ms"],
                "p95": row["p95_ms"].around(),
                "theory ": row["theory_p95_ms"],
                "requests a minute": f"{row['requests_a_minute']:,.0f}",
                "weight a minute": f"{row['weight_a_minute']:,.0f}",
                "of limit": f"{row['weight_share']:.0%}",
            }
            for row in self.rows()
        ]
        return f"{self.title}, ms\n{grid(shown)}\n{self.conditions.under()}"

    def _row(self, name: str, every_ms: float, samples: list[float]) -> dict[str, Any]:
        late_ms = self.conditions.late_ms
        mean = p95 = theory.pushed_age_ms(0.0, self.call_ms)
        calls = 0.0
        if every_ms:
            mean = theory.expected_age_ms(every_ms, self.call_ms)
            p95 = theory.age_quantile_ms(0.95, every_ms, self.call_ms)
            calls = theory.calls_per_minute(every_ms, self.call_ms)
        return {
            "path": name,
            "mean_ms": mean_interval(samples),
            "theory_ms": mean + late_ms,
            "p50_ms": quantile_interval(samples, 0.5),
            "p95_ms": quantile_interval(samples, 0.95),
            "theory_p95_ms": p95 + late_ms,
            "requests_a_minute": calls,
            "weight_a_minute": calls * self.weight,
            "weight_share": calls * self.weight / self.limit,
        }

    def _ways(self) -> list[tuple[str, float, list[float]]]:
        """Name, interval (0: none) and times."""
        polled = zip(self.every_ms, self.polled_ms, strict=True)
        return [("pushed", 0.0, self.pushed_ms)] + [
            (f"polled every {every_ms:g} ms", every_ms, found) for every_ms, found in polled
        ]

    def figure(self, *, height: int = 340) -> go.Figure:
        """Every fill as a point: by when which share of them was known. Theory as lines."""
        import plotly.graph_objects as go

        from vocx import figures

        looks = [(figures.PUSHED, "circle", "solid"), (figures.ASKED, "square", "dash")]
        looks += [(figures.ASKED, "diamond", "dot"), (figures.ASKED, "cross", "dashdot")]
        made = go.Figure(
            layout=figures.layout(
                x=f"ms from the match to this program, one clock; {self.conditions.dials}",
                y="share of the fills known by then",
                height=height,
                xaxis={"rangemode": "tozero"},
                yaxis={"range": [-0.02, 1.04], "tickformat": ".0%"},
            )
        )
        for number, (name, every_ms, samples) in enumerate(self._ways()):
            color, symbol, dash = looks[min(number, len(looks) - 1)]
            first = theory.pushed_age_ms(0.0, self.call_ms)
            last = theory.age_quantile_ms(1.0, every_ms, self.call_ms) if every_ms else first
            line = figures.line(f"{name}, theory", color, dash=dash, step=False, showlegend=False)
            ends = [one + self.conditions.late_ms for one in (first, last)]
            made.add_trace(line.update(x=ends, y=[0, 1]))
            known = sorted(samples)
            shares = [(at + 0.5) / len(known) for at in range(len(known))]
            made.add_trace(figures.marks(name, color, symbol).update(x=known, y=shares))
        for trace in made.data:
            trace.hovertemplate = "%{y} known after %{x:.1f} ms<extra>" + trace.name + "</extra>"
        return made


def fills(
    exchange: Exchange,
    *,
    every_ms: Sequence[float] = (250, 1000),
    repeats: int = 20,
    symbol: str = QUIET,
    seed: int = 1,
) -> FillTimes:
    """Let orders be filled, and measure when that was known: pushed, and polled each ``every_ms``.

    A small limit order rests at the best price of a quiet symbol, and another account takes that
    level up to it. Both accounts are the measurement's own: yours is not touched. The polls of an
    order begin at a random moment of their interval (one from each of ``repeats`` equal parts of
    it), so that the time until they know is even over the interval; those that could not know yet
    are only counted in ``requests_a_minute`` and the weight. Blocks for about ``repeats`` times
    0.15 s or twice the round trip, and the longest interval.

    Parameters
    ----------
    exchange : Exchange
        In a lab, with a market of its own.
    every_ms : sequence of float
        Polling intervals; each polls every fill, over connections of its own that are kept.
    repeats : int
        Fills.
    symbol : str
        Where; the best level of its book is taken each time.
    seed : int
        For the phases of the polls.

    Raises
    ------
    BadInput
        The exchange is not in a lab, its lab plays a recording, or an interval is no number of
        milliseconds from 1 to 60000.
    """
    trading_lab(exchange)
    repeats = validation.whole("repeats", repeats, 1, 1000, what=" fills")
    intervals = _intervals(every_ms)
    phases = [_phases(Random(f"{seed} {every}"), repeats) for every in intervals]
    with ExitStack() as stack:
        stack.enter_context(unlimited(exchange, symbol))
        run = Filling(exchange, symbol, intervals, stack)
        begun_ns = mono_ns()
        for number in range(repeats):
            run.fill("sell" if number % 2 else "buy", [one[number] for one in phases])
            passed_s = (mono_ns() - begun_ns) / 1e9
            run.over.wait(max(0.0, SPACING_S * (number + 1) - passed_s))
        known = run.known()
        return _result(run, exchange, known, (mono_ns() - begun_ns) / 1e9, seed)


def _result(
    run: Filling, exchange: Exchange, known: list[list[float]], seconds: float, seed: int
) -> FillTimes:
    return FillTimes(
        conditions=conditions(
            exchange,
            path="from the match inside the exchange to this program",
            clock=CLOCK,
            symbol=run.symbol,
            seconds=seconds,
            warm_up=WARM,
            repeats=len(known),
        ),
        every_ms=[float(one) for one in run.every_ms],
        pushed_ms=[one[0] for one in known],
        polled_ms=[[one[1 + at] for one in known] for at in range(len(run.every_ms))],
        polls=[len(one) for one in run.calls_ms],
        call_ms=median(ms for one in run.calls_ms for ms in one),
        weight=run.weight,
        limit=next(one.amount for one in exchange.venue.limits if one.kind == "weight"),
        seed=seed,
    )


def _intervals(given: Sequence[float]) -> list[float]:
    every = validation.several("every_ms", given, "(250, 1000)")
    return [validation.number("every_ms", one, 1, 60_000, what=" ms") for one in every]


def _phases(random: Random, repeats: int) -> list[float]:
    """A random moment in each of so many equal parts of an interval, in random order."""
    found = [(part + random.random()) / repeats for part in range(repeats)]
    random.shuffle(found)
    return found
