"""Lesson 10's chooser: which design holds, and which dial takes it away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from vocx import venues
from vocx.course import choosing
from vocx.course.choosing import NEEDS, AllQuotes, Chooser, Numbers, need, recall
from vocx.course.venue_comparison import connections, orders_per_s, requote, span_s, streams
from vocx.errors import BadInput
from vocx.exchange import Exchange
from vocx.measure import code_size
from vocx.measure.sampling import Interval
from vocx.measure.steps import Steps


@dataclass
class Cost:
    """What a chooser reads of a feed's cost."""

    bytes_each: float
    wire_per_s: Interval
    seconds: float = 4.0


class Costs:
    """A poll of 570 bytes, a stream of 17 KiB a second, a ticker of half a KiB."""

    def cost(self, name: str) -> Cost:
        rate = {"stream quotes, TLS": 17_000, "stream ticker, TLS": 490}.get(name, 570)
        return Cost(570, Interval(rate))


@pytest.fixture
def desk() -> Chooser:
    at = np.arange(0, 20_000_000_000, 250_000_000, dtype=np.int64)
    price = 6_000_000 + np.arange(len(at)) % 7
    numbers: Any = Numbers(
        cost=Costs(),  # type: ignore[arg-type]
        size=code_size(),
        true=Steps(at=at, bid=price, ask=price + 1),
        every=AllQuotes(symbols=6, bytes=720, weight=4),
    )
    exchange: Any = type("Handle", (), {"venue": venues.get("binance")})()
    return Chooser(exchange, numbers)


def data(desk: Chooser, name: str, **dials: Any) -> str:
    chosen = desk.choose(name, **dials).data
    return "none" if chosen is None else chosen.name


def test_the_seven_of_lesson_00_are_among_the_nine() -> None:
    """What was chosen there is judged here."""
    assert set(choosing.STRATEGIES) < set(NEEDS) and len(NEEDS) == 9


@pytest.mark.parametrize(
    ("name", "dials", "design"),
    [
        ("dca", {}, "asked when due"),
        ("news", {"rtt_ms": 5}, "asked when due"),
        ("news", {"rtt_ms": 20}, "stream, each change"),
        ("tracker", {}, "asked when due"),
        ("tracker", {"every_s": 1, "age_ms": 1000}, "stream, each 1 s"),
        ("alerts", {"symbols": 1}, "polled each 2.09 s"),
        ("alerts", {}, "stream, each 1 s"),
        ("alerts", {"symbols": 300}, "all polled each 2.09 s"),
        ("alerts", {"share": 0.5}, "polled each 2.09 s"),
        ("arbitrage", {}, "stream, each change"),
        ("arbitrage", {"rtt_ms": 200}, "none"),
        ("maker", {}, "none"),
        ("maker", {"orders_per_s": 8}, "stream, each change"),
    ],
)
def test_a_turned_dial_changes_the_verdict(
    desk: Chooser, name: str, dials: dict[str, Any], design: str
) -> None:
    """The simplest that holds: asking while it can, then listening, and nothing where none can."""
    assert data(desk, name, **dials) == design


def test_a_verdict_is_within_what_was_asked_for(desk: Chooser) -> None:
    """Age and budget, for each of the nine at any distance."""
    for name in NEEDS:
        for rtt_ms in (0.0, 20.0, 200.0):
            verdict = desk.choose(name, rtt_ms=rtt_ms)
            if verdict.data is not None:
                assert verdict.data.age_ms <= verdict.need.age_ms * 1.000001
                assert verdict.data.budget_share <= 0.25
                assert verdict.lines == (170 if verdict.fills == "pushed" else verdict.lines) > 0


def test_why_not(desk: Chooser) -> None:
    """Too many orders and too far away are different reasons; both are said in the table."""
    table = desk.table(rtt_ms=200)
    assert "maker: 40 orders a second against 10 that binance allows" in table
    assert "arbitrage: half the round trip is 100 ms, the price may be 50" in table
    assert desk.without(rtt_ms=200) == 2 and max(map(len, table.splitlines())) <= 96


def test_choices_are_compared(desk: Chooser) -> None:
    """A socket for a weekly purchase is not what the numbers say; listening for arbitrage is."""
    said = desk.compare({"dca": "ws", "arbitrage": "ws"}).splitlines()
    assert said[1].endswith("ask (REST)                  other")
    assert said[6].endswith("listen (WebSocket) or both  as you said")
    assert "course.choices()" in recall({}) and "both" in recall({"dca": "both"})


def test_a_page_to_print(desk: Chooser) -> None:
    """The strategy, what was tried, why not; and the text twin of the dials."""
    page = desk.page("alerts")
    assert "verdict   stream, each 1 s" in page and page.count("\nnot ") == 3
    desk.show()


def test_the_map_has_its_regions(desk: Chooser) -> None:
    """Slow is polled at any number of symbols, quick is streamed, and nothing is below 10 ms."""
    spots = desk.figure(rtt_ms=40).data[0].z
    assert spots[-1][0] == 0 and spots[-1][-1] in (0, 1)
    assert spots[0][0] == 4 and 3 in spots[10]


def test_dials_are_named() -> None:
    """A misspelt strategy or dial names the nearest."""
    with pytest.raises(BadInput, match="maker"):
        need("makr")
    with pytest.raises(BadInput, match="symbols"):
        need("dca", symbol=3)


def test_order_rates_come_from_the_adapters() -> None:
    """Forty a second are refused everywhere, by the limit that each venue states; four nowhere."""
    quick, slow = requote(50), requote(500)
    for name in ("binance", "okx", "bybit", "coinbase"):
        limits = {(one.bucket, one.window_s) for one in venues.get(name).limits}
        assert {(one.limit.bucket, one.limit.window_s) for one in quick
                if one.venue == name} <= limits  # fmt: skip
        assert quick.tightest(name).refused_after_s is not None
        assert orders_per_s(venues.get(name)) < 40
        short = [one for one in slow if one.venue == name and one.limit.window_s <= 60]
        assert all(one.refused_after_s is None for one in short)
    assert quick.tightest("binance").refused_after_s == 2.5
    assert "refused after 83.3 min" in str(quick) and "docs-v5" in str(quick)


def test_venues_side_by_side() -> None:
    """Each row has a word for each venue."""
    assert "each order signed" in streams() and "heartbeat" in streams()
    rows = connections(300, ["quotes", "trades"]).splitlines()
    assert len(rows) == 5 and all(" 600 " in row for row in rows[1:])
    assert [span_s(one) for one in (0.5, 90, 7200, 604_800)] == ["0.5 s", "90 s", "2 h", "7 d"]


def test_the_call_for_all_symbols(exchange: Exchange) -> None:
    """Counted by the lab's own meter: weight 4, however many there are."""
    assert exchange.lab is not None
    every = choosing.all_quotes(exchange.lab)
    assert every.weight == 4 and every.symbols >= 5
    assert every.listed_bytes == pytest.approx(every.bytes / every.symbols * 1000)
