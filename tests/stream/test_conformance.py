"""The recorded session ends in the book that the ground truth describes: offline and over sockets.

The digest of the top 20 is the SHA-256 of ``[[[price,quantity],...bids],[...asks]]`` as compact
JSON, numbers as text with eight decimals as on the wire, best level first.
"""

from __future__ import annotations

import hashlib
import json
import time
from bisect import bisect_right
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import vocx.lab
from vocx.book import LocalBook
from vocx.facts import BookDelta, Facts, Quote, Trade
from vocx.lab.dialects.binance.recording import BinanceRecording
from vocx.lab.market.replay import open_replay
from vocx.recording import read, split
from vocx.stream import Stream
from vocx.venues import get
from vocx.venues.base import ChannelSpec, GetBook

SYMBOL = "BTC/USDT"


@pytest.fixture(scope="module")
def truth(recorded: Path) -> dict[str, Any]:
    text = (recorded / "conformance" / "ground-truth.json").read_text()
    found: dict[str, Any] = json.loads(text)["binance/hftbacktest/btcusdt"]
    return found


@pytest.fixture(scope="module")
def session(recorded: Path) -> list[Path]:
    return sorted((recorded / "binance" / "hftbacktest").glob("*.gz"))


def texts(levels: Any) -> list[list[str]]:
    return [[f"{Decimal(price):.8f}", f"{Decimal(quantity):.8f}"] for price, quantity in levels]


def check_book(book: Any, truth: dict[str, Any]) -> None:
    """Final id, top five and the digest of the top twenty."""
    sides = [texts(book.bids[:20]), texts(book.asks[:20])]
    assert book.sequence == truth["final_u"]
    assert [side[:5] for side in sides] == truth["final_top5"]
    digest = hashlib.sha256(json.dumps(sides, separators=(",", ":")).encode()).hexdigest()
    assert digest == truth["final_top20_sha256"]


def check_trades(trades: list[Trade], truth: dict[str, Any]) -> None:
    """Count, contiguous ids, sums and sides."""
    ids = [trade.id for trade in trades]
    first, last = truth["trade_id_first_last"]
    assert ids == list(range(first, last + 1)) and len(ids) == truth["trades"]
    assert sum(trade.quantity for trade in trades) == Decimal(truth["sum_qty"])
    assert sum(trade.price * trade.quantity for trade in trades) == Decimal(truth["sum_quote"])
    assert sum(trade.side == "sell" for trade in trades) == truth["buyer_maker"]


def decoded(session: list[Path]) -> Iterator[Any]:
    """Every fact of the session, the REST snapshot included, in the order in which it came."""
    venue = get("binance")
    wishes = [venue.validate_channel(ChannelSpec(channel=c, symbol=SYMBOL)) for c in CHANNELS]
    (plan,) = venue.plan_sockets(wishes)
    state = venue.open_session(plan)
    request = venue.request(GetBook(symbol=SYMBOL, depth=1000))
    for line in read(session):
        arrived_ns, frame = split(line)
        if frame.startswith(b'{"lastUpdateId"'):
            yield venue.reply(request, 200, {}, frame, arrived_ns).result
        else:
            yield from venue.decode(frame, arrived_ns, plan, state)


CHANNELS = ("trades", "quotes", "book")


def test_decode_and_book_give_the_ground_truth(session: list[Path], truth: dict[str, Any]) -> None:
    """Without sockets: decoder and local book alone, all numbers of the ground truth."""
    book, trades = LocalBook(SYMBOL, get("binance").check_sequence), []
    quotes: list[Quote] = []
    tops: list[tuple[int, Any]] = []
    for fact in decoded(session):
        if isinstance(fact, Trade):
            trades.append(fact)
        elif isinstance(fact, Quote):
            quotes.append(fact)
        elif book.feed(fact) == "in_sync" and isinstance(fact, BookDelta):
            tops.append((book.sequence or 0, (book.bid, book.ask)))
    check_book(book.snapshot(20), truth)
    check_trades(trades, truth)
    assert (book.applied, book.dropped) == (truth["diffs_applied"], truth["diffs_dropped_as_old"])
    assert book.resyncs == truth["u_gaps"] == truth["crossed"]
    assert list(book.levels) == truth["levels"]
    assert same_tops(tops, quotes) == truth["top_of_book_equal_to_bookTicker_at_same_u"]


def same_tops(tops: list[tuple[int, Any]], quotes: list[Quote]) -> str:
    """How often the book's top equals the quote that was in force at the same update id."""
    ids = [quote.sequence or 0 for quote in quotes]
    equal = compared = 0
    for sequence, top in tops:
        at = bisect_right(ids, sequence)
        if 0 < at:
            quote = quotes[at - 1]
            compared += 1
            equal += top == ((quote.bid, quote.bid_quantity), (quote.ask, quote.ask_quantity))
    return f"{equal}/{compared}"


def test_the_replay_itself_ends_in_that_book(session: list[Path], truth: dict[str, Any]) -> None:
    """The simulation behind the lab's REST answers holds the same levels, in ticks and lots."""
    simulation = open_replay(session, BinanceRecording(), speed=None)
    simulation.begin(0)
    while simulation.advance(0):
        pass
    market = simulation.markets[SYMBOL]
    bids, asks = market.top(10_000)
    assert (simulation.played, market.update_id) == (truth["frames"] - 1, truth["final_u"])
    assert [len(bids), len(asks)] == truth["levels"]
    spec = market.spec
    sides = [[(spec.to_price(p), spec.to_quantity(q)) for p, q, _ in s[:5]] for s in (bids, asks)]
    assert [texts(side) for side in sides] == truth["final_top5"]
    assert len(market.trades(10**6)) == truth["trades"]


def snapshot_from(url: str) -> Any:
    """What a stream calls to start a local book."""
    from vocx.net import Environment
    from vocx.rest import Client

    client = Client(get("binance"), Environment({"rest": url}))
    return lambda intent, stopping: client.call(intent)


def test_over_a_real_socket_at_full_speed(session: list[Path], truth: dict[str, Any]) -> None:
    """Lab, server, sockets, stream and local book: the same book, every trade, no gap."""
    lab = vocx.lab.open(name="conformance", replay=session, speed="max")
    wanted = [ChannelSpec(channel=channel, symbol=SYMBOL) for channel in CHANNELS]
    stream = Stream(
        get("binance"),
        lambda purpose: lab.url("binance", purpose),
        wanted,
        ask=snapshot_from(lab.url("binance", "rest")),
        name="conformance",
    )
    trades: Facts[Trade] = Facts()
    try:
        with stream.subscribe("trades", size=100_000) as tape, stream:
            deadline = time.monotonic() + 60
            while len(trades) < truth["trades"] and time.monotonic() < deadline:
                fact = tape.get(10)
                assert isinstance(fact, Trade), fact
                trades.append(fact)
            stream.wait(10)
            while stream.book(SYMBOL).sequence != truth["final_u"]:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            check_book(stream.book(SYMBOL, depth=20), truth)
            assert stream.quote(SYMBOL).sequence is not None
            assert stream.stats.gaps == 0
        check_trades(trades, truth)
    finally:
        stream.stop()
        lab.close()
