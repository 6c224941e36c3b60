"""What is known here against what was true there, measured in the lab.

Two ways to know the best price are watched in the same seconds of the same market: asking every
so often, and listening. The lab tells when each price was true on a clock that this machine
shares, so age and *wrong share* (the share of time in which the price known here is not the true
one) are measured, not estimated. Only a lab can tell: nobody knows the truth of a real venue.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from threading import Event
from typing import TYPE_CHECKING, Any

import msgspec

from vocx.errors import BadInput
from vocx.timing import mono_ns, wall_ns

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vocx.exchange import Exchange
    from vocx.facts import Quote
    from vocx.stream import Stream

Price = tuple[Any, Any]
"""Best bid and ask."""
Known = Sequence[tuple[int, Price]]
"""(nanoseconds, price) pairs, oldest first: from then on this price was known, or true."""


def wrong_share(known: Known, true: Known, since_ns: int, until_ns: int) -> float:
    """The share of the time from ``since_ns`` to ``until_ns`` in which the two differ, 0 to 1.

    A price holds until the next one. Where nothing is known yet, that counts as wrong.
    """
    if until_ns <= since_ns:
        raise BadInput("the end must lie after the beginning")
    inside = {at for at, _ in [*known, *true] if since_ns < at < until_ns}
    moments = [since_ns, *sorted(inside), until_ns]
    wrong_ns = sum(after - at for at, after in pairwise(moments) if _at(known, at) != _at(true, at))
    return wrong_ns / (until_ns - since_ns)


def _at(steps: Known, moment_ns: int) -> Price | None:
    place = bisect_right(steps, moment_ns, key=lambda step: step[0])
    return steps[place - 1][1] if place else None


class SideBySide(msgspec.Struct, frozen=True, kw_only=True):
    """What asking and listening knew of one symbol's best price in the same seconds.

    Attributes
    ----------
    dials : str
        The lab's network dials in force.
    call_ms : float
        Median call time of the asked ones.
    asked_age_ms, pushed_age_ms : float
        Median age on arrival: of an asked price half its call time (the exchange reads it
        half-way), of a pushed one the time since it became true.
    asked_wrong, pushed_wrong : float
        Wrong shares, 0 to 1.
    changes : int
        How often the true best price changed.
    asked, pushed, true : sequence of (nanoseconds, (bid, ask))
        By when they were known here, or true there; this machine's clock.
    """

    symbol: str
    dials: str
    since_ns: int
    until_ns: int
    every_s: float
    call_ms: float
    asked_age_ms: float
    pushed_age_ms: float | None
    asked_wrong: float
    pushed_wrong: float
    changes: int
    asked: Known
    pushed: Known
    true: Known

    @property
    def seconds(self) -> float:
        """How long was watched."""
        return (self.until_ns - self.since_ns) / 1e9

    def __str__(self) -> str:
        pushed = "none came" if self.pushed_age_ms is None else f"{self.pushed_age_ms:.1f} ms"
        rows = [
            (f"asked every {self.every_s:g} s", f"{self.call_ms:.1f} ms")
            + (f"{self.asked_age_ms:.1f} ms", f"{self.asked_wrong:.1%}"),
            ("pushed", "no call", pushed, f"{self.pushed_wrong:.1%}"),
        ]
        head = ("", "call time", "age on arrival", "wrong share")
        lines = [f"{a:<18}{b:>12}{c:>17}{d:>14}" for a, b, c, d in [head, *rows]]
        what = f"{self.symbol}, {self.seconds:.0f} s, {self.changes} changes of the best price"
        return "\n".join([f"{what}; {self.dials}", *lines])

    def figure(self, *, height: int = 280) -> go.Figure:
        """Both lines above the true one, by when this machine knew them."""
        from vocx import figures

        lines = {
            name: [(at, float(bid + ask) / 2) for at, (bid, ask) in steps]
            for name, steps in (("asked", self.asked), ("pushed", self.pushed))
        }
        truth = [(at, float(bid + ask) / 2) for at, (bid, ask) in self.true]
        made = figures.compare(
            self.symbol,
            asked=lines["asked"],
            pushed=lines["pushed"],
            truth=truth,
            now_ns=self.until_ns,
            seconds=self.seconds,
            height=height,
        )
        x = "seconds before the end (when this machine knew it; truth: when it was so)"
        made.layout.xaxis.title.text = x
        return made


def stacked(*watched: SideBySide, height: int = 380) -> go.Figure:
    """Figures of several of them above each other, each with its dials as a title."""
    if not watched:
        raise BadInput("give at least one result of side_by_side")
    whole, *others = (one.figure(height=height) for one in watched)
    axis = whole.layout.yaxis.to_plotly_json() | {"title": {"text": "mid price"}}
    share = 1 / len(watched)
    for number, one in enumerate(watched):
        top = 1 - number * share
        name = f"y{number + 1 if number else ''}"
        whole.layout[f"yaxis{name[1:]}"] = axis | {
            "domain": [top - 0.84 * share, top - 0.1 * share]
        }
        whole.add_annotation(
            text=f"<b>{one.symbol}, {one.dials}</b>",
            xref="paper", x=0, xanchor="left", yref="paper", y=top - 0.1 * share, yanchor="bottom",
            showarrow=False,
        )  # fmt: skip
        for trace in others[number - 1].data if number else ():
            whole.add_trace(trace.update(yaxis=name, showlegend=False))
    whole.layout.xaxis.anchor = name
    return whole


def side_by_side(
    asked: Exchange,
    pushed: Stream,
    symbol: str | None = None,
    *,
    seconds: float = 10.0,
    every_s: float = 1.0,
) -> SideBySide:
    """Ask every ``every_s`` beside a stream for ``seconds``, and hold both against the truth.

    Blocks. The lab's ages and wrong shares are of these seconds: other seconds, other shares.

    Parameters
    ----------
    asked : Exchange
        In a lab; asked for its best bid and ask.
    pushed : Stream
        With ``"quotes"``.

    Raises
    ------
    BadInput
        The exchange is not in a lab, or the seconds are too short for one call.
    """
    if asked.lab is None:
        raise BadInput('only a lab knows what was true: vocx.connect("binance") is in one')
    if seconds < every_s or every_s <= 0:
        raise BadInput(f"in {seconds:g} s nothing can be asked every {every_s:g} s")
    symbol = pushed.quote(symbol).symbol
    truth = asked.lab.truth
    mark = truth.events(None).next
    book = truth.book(symbol, depth=1)
    replies = _ask(asked, symbol, seconds, every_s)
    until_ns = wall_ns()
    events = truth.events(mark, symbol=symbol, kind="quote")
    shift_ns = wall_ns() - mono_ns()
    births = {event.id: event.mono_ns + shift_ns for event in events}
    true = [(book.arrived_ns, (book.bid, book.ask))]
    true += [(births[event.id], (event.bid, event.ask)) for event in events]
    quotes = pushed.recent_quotes(symbol)
    dials = str(asked.lab.network)
    return _compare(symbol, dials, every_s, until_ns, replies, quotes, births, true)


def _compare(
    symbol: str,
    dials: str,
    every_s: float,
    until_ns: int,
    replies: Sequence[Quote],
    quotes: Sequence[Quote],
    births: dict[int | None, int],
    true: Known,
) -> SideBySide:
    since_ns = replies[0].arrived_ns
    asked, pushed = _known(replies), _known(quotes)
    call_ms = median(one.exchange.phases.total_ms for one in replies if one.exchange is not None)
    ages = [one.arrived_ns - births[one.sequence] for one in quotes if one.sequence in births]
    return SideBySide(
        symbol=symbol,
        dials=dials,
        since_ns=since_ns,
        until_ns=until_ns,
        every_s=every_s,
        call_ms=call_ms,
        asked_age_ms=call_ms / 2,
        pushed_age_ms=median(ages) / 1e6 if ages else None,
        asked_wrong=wrong_share(asked, true, since_ns, until_ns),
        pushed_wrong=wrong_share(pushed, true, since_ns, until_ns),
        changes=sum(new != old for (_, old), (_, new) in pairwise(true)),
        asked=asked,
        pushed=pushed,
        true=true,
    )


def _known(quotes: Sequence[Quote]) -> Known:
    return [(quote.arrived_ns, (quote.bid, quote.ask)) for quote in quotes]


def _ask(exchange: Exchange, symbol: str, seconds: float, every_s: float) -> list[Quote]:
    """The replies, at least one. The pause ends early on an interrupt."""
    replies: list[Quote] = []
    begun, pause = mono_ns(), Event()
    passed = 0.0
    while passed < seconds:
        replies.append(exchange.quote(symbol))
        due = min(len(replies) * every_s, seconds)
        pause.wait(max(0.0, due - (mono_ns() - begun) / 1e9))
        passed = (mono_ns() - begun) / 1e9
    return replies
