"""Lesson 10: from a reader's own measurements to a design for a strategy, and why.

Three questions decide: how old may the price be, how soon must a fill be known, how often does it
act? Designs are tried from the simplest on, and the first that holds is taken:

1. *asked when due*: a strategy that waits for a clock, or for news from elsewhere;
2. *polled*: one call for each symbol, at the longest interval that keeps the age;
3. *polled, all at once*: one call that brings every symbol of the venue;
4. *a slow stream*: the ticker, once a second;
5. *a stream of every change*.

What a design costs comes from :func:`vocx.measure.traffic` (bytes, weight), from
:func:`vocx.measure.code_size` (lines), from the lab's log (what a stale price costs), and from the
venue's own limits. The arithmetic between them is :mod:`vocx.measure.theory`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec
import requests

from vocx.course import display
from vocx.course.catalogue import PROTOCOLS, STRATEGIES
from vocx.course.venue_comparison import SYMBOL, orders_per_s, span_s
from vocx.errors import BadInput, optional_parts
from vocx.measure import theory
from vocx.measure.adverse_selection import AdverseSelection, StaleCost, adverse_selection
from vocx.measure.code_size import code_size
from vocx.measure.feeds import Feed, Poll, Push
from vocx.measure.result import lab_of
from vocx.measure.traffic import traffic
from vocx.measure.true_prices import truth_of
from vocx.rate_limits import dearest
from vocx.text import counted, fold, suggest, text_table
from vocx.venues.base import GetOpenOrders, GetQuote

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.lab import Lab
    from vocx.measure.code_size import CodeSize
    from vocx.measure.steps import Steps
    from vocx.measure.traffic import Cost, Traffic

Trigger = Literal["clock", "headline", "price"]
Loses = Literal["nothing", "fills", "quotes"]
Fills = Literal["in reply", "asked", "pushed", "-"]
"""How it learns of its fills: the reply to its order says it, it asks, or it listens."""
Q = 0.95
"""Share of the time in which an age has to be kept."""
LISTED = 1000
"""Symbols that the call for all of them brings: venues list a thousand and more."""
TICKER_MS = 1000.0
SLOWEST_MS = 3_600_000.0
_LONGEST_PLAYED_MS = 1000.0
_LEAST_TRUE_S = 12.0


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy asks for.

    Attributes
    ----------
    trigger : str
        What it waits for: its clock, a headline from elsewhere, or the price itself.
    every_s : float
        How often that comes, seconds.
    react_ms : float
        Between the trigger and the moment at which it needs a price.
    age_ms : float
        How old the price may be, in 95 % of the time.
    orders_per_s : float
        New orders a second at its busiest; 0: it places none.
    fill_ms : float or None
        How soon a fill must be known; ``None``: the reply to its order says it, or there is none.
    loses : str
        What an old price costs it: nothing on average (a buyer at random moments), fills (it
        races others), or money at its quotes.
    """

    name: str
    title: str
    trigger: Trigger
    every_s: float
    react_ms: float = 60_000.0
    age_ms: float
    symbols: int = 1
    orders_per_s: float = 0.0
    fill_ms: float | None = None
    loses: Loses = "nothing"


NEEDS: dict[str, Need] = {
    one.name: one
    for one in (
        Need(
            name="dca", title=STRATEGIES["dca"], trigger="clock", every_s=604_800,
            age_ms=10_000, orders_per_s=0.01,
        ),
        Need(
            name="rebalance", title=STRATEGIES["rebalance"], trigger="clock", every_s=86_400,
            age_ms=60_000, symbols=20, orders_per_s=1,
        ),
        Need(
            name="grid", title=STRATEGIES["grid"], trigger="price", every_s=60,
            age_ms=5000, orders_per_s=1, fill_ms=5000,
        ),
        Need(
            name="tracker", title="show what a portfolio is worth", trigger="clock", every_s=10,
            react_ms=1000, age_ms=10_000, symbols=20,
        ),
        Need(
            name="alerts", title="ring when a price crosses a line", trigger="price", every_s=1,
            age_ms=2000, symbols=40,
        ),
        Need(
            name="news", title=STRATEGIES["news"], trigger="headline", every_s=3600,
            react_ms=10, age_ms=250, symbols=5, orders_per_s=1, loses="fills",
        ),
        Need(
            name="scalp", title=STRATEGIES["scalp"], trigger="price", every_s=0.5,
            age_ms=200, orders_per_s=2, fill_ms=100, loses="fills",
        ),
        Need(
            name="arbitrage", title=STRATEGIES["arbitrage"], trigger="price", every_s=0.5,
            age_ms=50, symbols=2, orders_per_s=2, fill_ms=100, loses="fills",
        ),
        Need(
            name="maker", title=STRATEGIES["maker"], trigger="price", every_s=0.05,
            age_ms=100, orders_per_s=40, fill_ms=100, loses="quotes",
        ),
    )
}  # fmt: skip
"""Nine strategies as they are usually meant. Every number is a dial: turn yours."""


def need(name: str, **dials: Any) -> Need:
    """One of :data:`NEEDS` with some of its numbers turned."""
    if name not in NEEDS:
        raise BadInput(f"no strategy {name!r}; there are {', '.join(NEEDS)}.{suggest(name, NEEDS)}")
    known = Need.__struct_fields__[2:]
    for dial in dials:
        if dial not in known:
            raise BadInput(f"no dial {dial!r}; there are {', '.join(known)}.{suggest(dial, known)}")
    return msgspec.structs.replace(NEEDS[name], **dials)


class AllQuotes(NamedTuple):
    """The call for the best price of every symbol: how many came, bytes of the body, weight."""

    symbols: int
    bytes: int
    weight: int

    @property
    def listed_bytes(self) -> float:
        """Of a body with :data:`LISTED` symbols."""
        return self.bytes / self.symbols * LISTED


def all_quotes(lab: Lab) -> AllQuotes:
    """Ask the lab's Binance once for every best price; its meter says what that costs."""
    with requests.Session() as session:
        session.trust_env = False
        url = f"{lab.url('binance', 'rest')}/api/v3/ticker/bookTicker"
        before, after = (session.get(url, timeout=5) for _ in range(2))
    used = [int(one.headers["X-MBX-USED-WEIGHT-1M"]) for one in (before, after)]
    weight = used[1] - used[0] if used[1] > used[0] else used[1]  # a new minute began between
    return AllQuotes(len(after.json()), len(after.content), weight)


class Design(NamedTuple):
    """A way to know the price, and what it costs. ``why_not`` is empty where it holds;
    ``cadence_ms`` is what its age comes from, beside the distance."""

    name: str
    age_ms: float
    cadence_ms: float
    weight_per_minute: float
    limit_per_minute: float
    kib_per_s: float
    client: str
    why_not: str = ""

    @property
    def budget_share(self) -> float:
        """Of what the venue allows."""
        return self.weight_per_minute / self.limit_per_minute

    @property
    def listens(self) -> bool:
        return self.client != "ask"

    def unless(self, *reasons: str) -> Design:
        """The same, forbidden by the first reason that there is; its own comes first."""
        return self._replace(why_not=next(filter(None, (self.why_not, *reasons)), ""))


class Verdict(NamedTuple):
    """What is chosen for a need at a distance. ``data`` is ``None`` where nothing holds, and
    ``why`` says what forbids it, or what the designs before the chosen one lacked."""

    need: Need
    rtt_ms: float
    data: Design | None
    fills: Fills
    lines: int
    stale: str
    why: str

    @classmethod
    def of_none(cls, need: Need, rtt_ms: float, why: str) -> Verdict:
        """No design holds."""
        return cls(need, rtt_ms, data=None, fills="-", lines=0, stale="-", why=why)

    @property
    def protocols(self) -> tuple[str, ...]:
        """Which answers of lesson 00 it agrees with."""
        if self.data is None:
            return ()
        if self.data.listens or self.fills == "pushed":
            return ("both", "ws") if self.data.listens else ("both",)
        return ("rest",)

    @property
    def row(self) -> tuple[str, ...]:
        """For a table."""
        if self.data is None:
            return (self.need.name, "none holds", *("-",) * 6)
        return (
            self.need.name,
            self.data.name,
            f"{self.data.age_ms:,.0f}",
            f"{self.data.budget_share:.1%}",
            f"{self.data.kib_per_s * 3600 / 1024:,.2f}",
            self.fills,
            f"{self.lines}",
            self.stale,
        )

    def __str__(self) -> str:
        asked = self.need
        symbols = counted(asked.symbols, "symbol")
        said = f"{asked.name}: {asked.title}\n  wants     "
        said += f"a price of at most {span_s(asked.age_ms / 1000)}, {symbols}, "
        said += f"{asked.orders_per_s:g} orders/s at most, {self.rtt_ms:g} ms away\n"
        if self.data is None:
            return f"{said}  verdict   none holds\n  because   {self.why}"
        one = self.data
        spent = f"{one.weight_per_minute:,.0f} of {one.limit_per_minute:,.0f} a minute"
        return (
            f"{said}  verdict   {one.name}; fills: {self.fills}\n"
            f"  age       {one.age_ms:,.0f} ms, 95 % of the time below\n"
            f"  budget    {spent} ({one.budget_share:.1%})\n"
            f"  bytes     {_kib(one.kib_per_s)}, {one.kib_per_s * 3600 / 1024:,.2f} MiB an hour\n"
            f"  code      {self.lines} lines ({self.client}: the minimal client that survives)\n"
            f"  stale     {self.stale}\n"
            f"  because   {self.why or 'it is the simplest there is'}"
        )

    @property
    def client(self) -> str:
        """The minimal client of :mod:`vocx.course.clients` that does it."""
        return "hybrid" if self.fills == "pushed" else self.data.client if self.data else "-"


_HEAD = ("", "price", "age, ms", "budget", "MiB/h", "fills", "lines", "stale costs")


class Numbers(NamedTuple):
    """What a reader measured: bytes and weight of a poll and of two streams, lines of code, true
    prices of some seconds, and the call for all symbols."""

    cost: Traffic
    size: CodeSize
    true: Steps
    every: AllQuotes


def measured(exchange: Exchange) -> Numbers:
    """Measure all of it in an exchange's lab, which has to speak Binance's dialect; takes about
    twelve seconds of a market that began just now."""
    lab = lab_of(exchange)
    cost = traffic(exchange, seconds=4.0, polls=["quote"], streams=["quotes", "ticker"], tls=[True])
    true = truth_of(lab, venue=exchange.venue.name, least_s=_LEAST_TRUE_S)
    return Numbers(cost, code_size(), true, all_quotes(lab))


class Chooser:
    """Nine strategies against one reader's measurements.

    Parameters
    ----------
    exchange : Exchange
        In a lab. What it costs is measured when it is needed first, or by :meth:`measure`; its
        venue's limits count.
    numbers : Numbers, optional
        Measured before.
    """

    def __init__(self, exchange: Exchange, numbers: Numbers | None = None) -> None:
        self._exchange, self._numbers = exchange, numbers
        self._venue = exchange.venue
        self._stale = cache(lambda rtt_ms: _played(self.numbers.true, rtt_ms))
        self._charge = dearest(
            self._venue.request(GetQuote(symbol=SYMBOL)).charges, self._venue.limits
        )

    @property
    def numbers(self) -> Numbers:
        """What was measured; it is, where it was not yet."""
        return self._numbers or self.measure()

    def measure(self) -> Numbers:
        """Measure, and keep it."""
        self._numbers = measured(self._exchange)
        self._stale.cache_clear()
        return self._numbers

    def _cost(self, name: str) -> Cost:
        return self.numbers.cost.cost(f"{name}, TLS")

    # designs

    def designs(self, wanted: Need, rtt_ms: float, share: float = 0.25) -> list[Design]:
        """All five, the simplest first, each with what forbids it. At most ``share`` of the
        venue's budget may go into asking; a poll is no choice where fills are listened to anyway,
        nor one for all symbols that moves more than twice the bytes of a stream."""
        asked = self._asked(wanted, rtt_ms, share)
        each = self._polled(wanted, rtt_ms, share, every=False)
        every = self._polled(wanted, rtt_ms, share, every=True)
        pushed = [self._pushed(wanted, rtt_ms, slow=slow) for slow in (True, False)]
        stream = next((one for one in pushed if not one.why_not), None)
        heavy = socket = ""
        if stream is not None and every.kib_per_s > 2 * stream.kib_per_s:
            heavy = f"{every.kib_per_s:,.3g} KiB/s, a stream needs {stream.kib_per_s:,.3g}"
        if self._fills(wanted, rtt_ms, share) == "pushed":
            socket = "a socket is open for its fills anyway"
        return [asked, each.unless(socket), every.unless(heavy, socket), *pushed]

    def _asked(self, wanted: Need, rtt_ms: float, share: float) -> Design:
        calls = 60 / wanted.every_s * wanted.symbols
        spent = calls * self._charge.amount / self._charge.per_minute
        why = ""
        if wanted.trigger == "price":
            why = "nobody tells it when to ask: it waits for the price itself"
        elif rtt_ms > wanted.react_ms:
            why = f"to ask takes {rtt_ms:g} ms, and it has {wanted.react_ms:g}"
        elif spent > share:
            why = _too_dear(spent, share)
        return Design(
            name="asked when due",
            age_ms=rtt_ms / 2,
            cadence_ms=0.0,
            weight_per_minute=calls * self._charge.amount,
            limit_per_minute=self._charge.per_minute,
            kib_per_s=calls / 60 * self._cost("poll quote").bytes_each / 1024,
            client="ask",
            why_not=why or _too_far(wanted, rtt_ms),
        )

    def _polled(self, wanted: Need, rtt_ms: float, share: float, *, every: bool) -> Design:
        longest_ms = theory.interval_for_ms(wanted.age_ms, rtt_ms, Q)
        interval_ms = min(longest_ms or max(rtt_ms, 20.0), SLOWEST_MS)
        calls = theory.calls_per_minute(interval_ms, rtt_ms)
        weight, size = self._charge.amount, self._cost("poll quote").bytes_each
        if every:
            weight, size = self.numbers.every.weight, size + self.numbers.every.listed_bytes
        else:
            weight, size = weight * wanted.symbols, size * wanted.symbols
        spent = calls * weight / self._charge.per_minute
        why = ""
        if longest_ms is None:
            why = _too_far(wanted, rtt_ms) or f"no poll is that quick, {rtt_ms:g} ms away"
        elif spent > share:
            why = _too_dear(spent, share)
        return Design(
            name=f"{'all ' * every}polled each {_interval(interval_ms)}",
            age_ms=theory.age_quantile_ms(Q, interval_ms, rtt_ms),
            cadence_ms=interval_ms,
            weight_per_minute=calls * weight,
            limit_per_minute=self._charge.per_minute,
            kib_per_s=calls / 60 * size / 1024,
            client="ask",
            why_not=why,
        )

    def _pushed(self, wanted: Need, rtt_ms: float, *, slow: bool) -> Design:
        cadence_ms = TICKER_MS if slow else 0.0
        age_ms = theory.pushed_quantile_ms(Q, cadence_ms, rtt_ms)
        why = _too_far(wanted, rtt_ms)
        if not why and age_ms > wanted.age_ms:
            why = f"{age_ms:,.0f} ms old, 95 % of the time below"
        one = self._cost("stream ticker" if slow else "stream quotes")
        return Design(
            name="stream, each 1 s" if slow else "stream, each change",
            age_ms=age_ms,
            cadence_ms=cadence_ms,
            weight_per_minute=0.0,
            limit_per_minute=self._charge.per_minute,
            kib_per_s=one.wire_per_s.value / 1024 * wanted.symbols,
            client="survive",
            why_not=why,
        )

    # verdicts

    def choose(
        self, name: str, *, rtt_ms: float = 20.0, share: float = 0.25, **dials: Any
    ) -> Verdict:
        """The simplest design that holds for a strategy, ``rtt_ms`` away.

        Parameters
        ----------
        share : float
            Of the venue's budget that may go into asking.
        **dials
            Any number of :class:`Need`, such as ``symbols=40`` or ``orders_per_s=8``.
        """
        return self._verdict(need(name, **dials), rtt_ms, share)

    def _verdict(self, wanted: Need, rtt_ms: float, share: float) -> Verdict:
        allowed = orders_per_s(self._venue)
        if wanted.orders_per_s > allowed:
            why = (
                f"{wanted.orders_per_s:g} orders a second against {allowed:g} that "
                f"{self._venue.name} allows: no feed helps"
            )
            return Verdict.of_none(wanted, rtt_ms, why)
        tried = self.designs(wanted, rtt_ms, share)
        chosen = next((one for one in tried if not one.why_not), None)
        if chosen is None:
            return Verdict.of_none(wanted, rtt_ms, tried[-1].why_not)
        before = tried[: tried.index(chosen)]
        fills = self._fills(wanted, rtt_ms, share)
        client = "hybrid" if fills == "pushed" else chosen.client
        return Verdict(
            need=wanted,
            rtt_ms=rtt_ms,
            data=chosen,
            fills=fills,
            lines=self.numbers.size.find(client).total,
            stale=self._cost_of(wanted, chosen, rtt_ms),
            why="; ".join(f"not {one.name}: {one.why_not}" for one in before[-1:]),
        )

    def _fills(self, wanted: Need, rtt_ms: float, share: float) -> Fills:
        if not wanted.orders_per_s:
            return "-"
        if wanted.fill_ms is None:
            return "in reply"
        charges = self._venue.request(GetOpenOrders(symbol=SYMBOL)).charges
        interval_ms = theory.interval_for_ms(wanted.fill_ms, rtt_ms, Q)
        if interval_ms is None:
            return "pushed"
        one = dearest(charges, self._venue.limits)
        weight = theory.calls_per_minute(interval_ms, rtt_ms) * one.amount * wanted.symbols
        return "asked" if weight <= share * one.per_minute else "pushed"

    def _cost_of(self, wanted: Need, chosen: Design, rtt_ms: float) -> str:
        found = self._nearest(chosen.cadence_ms, rtt_ms)
        least = "over " if chosen.cadence_ms > _LONGEST_PLAYED_MS else ""
        if wanted.loses == "fills":
            return f"{least}{1 - found.filled.value:.0%} of IOCs miss"
        if wanted.loses == "quotes":
            return f"{least}{found.lost_per_quote_bp.value:.2f} bp a quote"
        return "nothing"

    def _nearest(self, cadence_ms: float, rtt_ms: float) -> StaleCost:
        costs = self._stale(rtt_ms).costs
        slower = [one for one in costs if one.feed.cadence_ms >= cadence_ms]
        return min(slower or costs[-1:], key=lambda one: one.feed.cadence_ms)

    def table(self, names: Iterable[str] = tuple(NEEDS), **options: Any) -> str:
        """A line for each strategy; ``options`` as for :meth:`choose`."""
        found = [self.choose(name, **options) for name in names]
        text = text_table(_HEAD, [one.row for one in found], left=2)
        refused = [f"{one.need.name}: {one.why}" for one in found if one.data is None]
        return "\n".join([text, *refused])

    def without(self, **options: Any) -> int:
        """How many of the nine no design holds for; ``options`` as for :meth:`choose`."""
        return sum(self.choose(name, **options).data is None for name in NEEDS)

    def compare(self, choices: Mapping[str, str], **options: Any) -> str:
        """The choices of lesson 00 beside what the numbers say."""
        rows = []
        for name, title in STRATEGIES.items():
            verdict = self.choose(name, **options)
            mine = choices.get(name)
            said = " or ".join(PROTOCOLS[one] for one in reversed(verdict.protocols))
            agreed = "" if mine is None else "as you said" if mine in verdict.protocols else "other"
            told = PROTOCOLS.get(mine or "", "?")
            rows.append((title, told, said or "none holds", agreed))
        return text_table(("", "you said", "your numbers say", ""), rows, left=4)

    # pictures and pages

    def figure(self, *, rtt_ms: float = 20.0, height: int = 400) -> Any:
        """Which design a strategy that watches the price needs, by how old that may be and how many
        symbols it has; the nine as marks (hollow: it waits for a clock or for news)."""
        with optional_parts():
            import numpy as np
            import plotly.graph_objects as go

        from vocx import figures

        symbols = np.unique(np.geomspace(1, LISTED, 40).round()).astype(int)
        ages_ms = np.geomspace(10, 86_400_000, 60)
        watches = NEEDS["alerts"]

        def place(age_ms: float, count: int) -> int:
            turned = msgspec.structs.replace(watches, age_ms=age_ms, symbols=count)
            tried = self.designs(turned, rtt_ms)[1:]
            return next((at for at, one in enumerate(tried) if not one.why_not), len(tried))

        spots = [[place(float(age), int(count)) for count in symbols] for age in ages_ms]
        made = figures.frame("symbols", "the price may be so old, s", height=height, log="xy")
        steps = [[(at + end) / 5, color] for at, color in enumerate(_COLORS) for end in (0, 1)]
        made.add_trace(
            go.Heatmap(
                x=symbols, y=ages_ms / 1000, z=spots, zmin=-0.5, zmax=4.5, colorscale=steps,
                showscale=False, opacity=0.35, hoverinfo="skip",
            )
        )  # fmt: skip
        for name, color in zip(_REGIONS, _COLORS, strict=True):
            made.add_trace(figures.marks(name, color, "square").update(x=[None], y=[None]))
        for hollow in (False, True):
            mine = [one for one in NEEDS.values() if (one.trigger != "price") == hollow]
            marks = figures.marks("", figures.INK, "circle-open" if hollow else "circle")
            made.add_trace(
                marks.update(
                    x=[one.symbols for one in mine],
                    y=[one.age_ms / 1000 for one in mine],
                    text=[one.name for one in mine],
                    mode="markers+text",
                    textposition=[_SIDES.get(one.name, "middle right") for one in mine],
                    showlegend=False,
                    hovertemplate="%{text}<extra></extra>",
                )
            )
        return made

    def page(self, name: str, **options: Any) -> str:
        """One page to print: the strategy, its verdict, and the designs that were tried."""
        verdict = self.choose(name, **options)
        rtt_ms, share = verdict.rtt_ms, options.get("share", 0.25)
        designs = self.designs(verdict.need, rtt_ms, share)
        rows = [
            (one.name, f"{one.age_ms:,.0f} ms", f"{one.budget_share:.1%}",
             _kib(one.kib_per_s), "no" if one.why_not else "yes")
            for one in designs
        ]  # fmt: skip
        tried = text_table(("design", "age", "budget", "bytes", "holds"), rows)
        refused = "\n".join(f"not {one.name}: {one.why_not}" for one in designs if one.why_not)
        made = self._cost("poll quote").seconds
        return (
            f"{verdict}\n\nWhat was tried, the simplest first\n{tried}\n{refused}\n\n"
            f"Limits of {self._venue.name} as its adapter states them; bytes counted for "
            f"{made:.0f} s in a lab on this\nmachine; stale prices played over its log.\n"
        )

    def show(self) -> None:
        """The verdict with dials above it: strategy, distance, age, symbols, orders a second. As
        text, without dials, where there is no notebook."""
        if not display.in_notebook():
            print(self.choose("dca"))
            return
        with optional_parts():
            import ipywidgets as widgets

            from vocx.views.twin import BoxWithText, show

        first = NEEDS["dca"]
        style, wide = {"description_width": "9em"}, widgets.Layout(width="30em")
        ages = [10, 20, 50, 100, 250, 500, 1000, 2000, 5000, 10_000, 60_000, 3_600_000]
        strategy = widgets.Dropdown(
            options=list(NEEDS), description="strategy", style=style, layout=wide
        )
        dials = {
            "rtt_ms": _slider(widgets, "distance, ms", [0, 1, 5, 10, 20, 50, 80, 120, 200], 20),
            "age_ms": _slider(widgets, "price at most, ms", ages, first.age_ms),
            "symbols": _slider(widgets, "symbols", [1, 2, 5, 10, 20, 40, 100, 300], first.symbols),
            "orders_per_s": _slider(
                widgets, "orders a second", [0, 0.01, 1, 2, 5, 8, 10, 15, 20, 40], 0.01
            ),
        }
        said = widgets.HTML()

        def verdict() -> str:
            turned = {dial: slider.value for dial, slider in dials.items()}
            return str(self.choose(strategy.value, **turned))

        def turned(change: Any) -> str:
            if change.get("owner") is strategy:
                for dial in ("age_ms", "symbols", "orders_per_s"):
                    dials[dial].value = getattr(NEEDS[strategy.value], dial)
            return verdict()

        def tell(text: str) -> None:
            text = fold(text)
            said.value = f"<pre>{escape(text)}</pre>"
            box.keep_text(text)

        draw = display.callback(turned, tell)
        for one in (strategy, *dials.values()):
            one.observe(draw, names="value")
        box = BoxWithText([strategy, *dials.values(), said], "Your design")
        draw({})
        show(box)


def _slider(widgets: Any, name: str, options: Sequence[float], value: float) -> Any:
    return widgets.SelectionSlider(
        options=[(f"{one:,g}", one) for one in options],
        value=value,
        description=name,
        style={"description_width": "9em"},
        layout=widgets.Layout(width="30em"),
    )


def _interval(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else span_s(ms / 1000)


_REGIONS = ("polled one by one", "all polled at once", "stream, each 1 s", "stream, each change",
            "none holds")  # fmt: skip
_COLORS = ("#c0569b", "#e07b1a", "#b58900", "#1a8fd1", "#8a8a8a")
_SIDES = {"dca": "top right", "grid": "bottom right"}


def _kib(per_s: float) -> str:
    return f"{per_s:,.3g} KiB/s" if per_s >= 0.001 else "under 0.001 KiB/s"


def _too_dear(spent: float, share: float) -> str:
    return f"it would spend {spent:.0%} of the budget, {share:.0%} are for asking"


def _too_far(wanted: Need, rtt_ms: float) -> str:
    if rtt_ms / 2 <= wanted.age_ms:
        return ""
    return (
        f"half the round trip is {rtt_ms / 2:g} ms, the price may be {wanted.age_ms:g}: move nearer"
    )


def _played(true: Steps, rtt_ms: float) -> AdverseSelection:
    feeds: list[Feed] = [Push("quotes"), Poll(100), Poll(250), Poll(_LONGEST_PLAYED_MS)]
    return adverse_selection(true, feeds, rtt_ms=rtt_ms)


def recall(choices: Mapping[str, str]) -> str:
    """What was chosen in lesson 00, before any number is shown."""
    if not choices:
        return "Nothing was chosen in lesson 00: course.choices() asks again."
    rows = [(title, PROTOCOLS.get(choices.get(key, ""), "?")) for key, title in STRATEGIES.items()]
    return text_table(("", "you said"), rows, left=2)
