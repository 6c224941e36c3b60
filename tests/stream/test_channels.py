"""What a stream knows of its channels: ages, duplicates, refusals; queues before the user."""

from __future__ import annotations

import threading
import time
from decimal import Decimal

import pytest
from faulty import Faulty, Peer, listen, quote, trade, until
from msgspec.structs import replace

from vocx.errors import BadInput, BookOutOfSync, NotReady, WaitTimeout
from vocx.facts import BookDelta, BookSnapshot, Candle, Fact, Gap, Quote, Trade
from vocx.stream import Subscription, running
from vocx.stream.book_sync import SnapshotGate
from vocx.stream.channels import BookChannel, CandleChannel, QuoteChannel, TradeChannel
from vocx.stream.stats import Counters, percentiles, sample
from vocx.venues.base import ChannelSpec, count_missing_trades

ONE = Decimal(1)


def quoted(sequence: int, bid: int = 100) -> Quote:
    return Quote(
        symbol="BTC/USDT",
        bid=Decimal(bid),
        bid_quantity=ONE,
        ask=Decimal(bid + 1),
        ask_quantity=ONE,
        sequence=sequence,
        arrived_ns=sequence,
    )


def traded(identity: int | str, count: int = 1) -> Trade:
    return Trade(symbol="BTC/USDT", price=ONE, quantity=ONE, side="buy", id=identity, count=count)


def quote_channel(*sequences: int) -> tuple[QuoteChannel, list[Fact]]:
    channel, out = (
        QuoteChannel(ChannelSpec(channel="quotes", symbol="BTC/USDT"), Counters()),
        list[Fact](),
    )
    for sequence in sequences:
        channel.take(quoted(sequence), 1, out)
    return channel, out


def trade_channel(*trades: Trade) -> tuple[TradeChannel, list[Fact]]:
    channel, out = (
        TradeChannel(
            ChannelSpec(channel="trades", symbol="BTC/USDT"), Counters(), count_missing_trades
        ),
        list[Fact](),
    )
    for fact in trades:
        channel.take(fact, 1, out)
    return channel, out


def test_an_older_quote_never_replaces_a_newer_one() -> None:
    """Row 26: ignored and counted."""
    channel, out = quote_channel(5, 6, 6, 4, 7)
    assert [fact.sequence for fact in out if isinstance(fact, Quote)] == [5, 6, 7]
    assert (channel.counters.duplicates, channel.counters.out_of_order) == (1, 1)


def test_a_venue_that_counts_anew_after_a_reconnect_is_believed() -> None:
    """A restarted venue begins at 1: not a hundred years of old quotes."""
    channel, out = quote_channel(5000)
    channel.on_connect()
    channel.take(quoted(1), 1, out)
    assert channel.fact == quoted(1)


def test_only_changes_of_the_best_price_are_kept_for_charts() -> None:
    """91 % of the messages change a quantity only."""
    channel, out = quote_channel(1, 2, 3)
    channel.take(quoted(4, bid=101), 1, out)
    assert [fact.sequence for fact in channel.recent] == [1, 4] and len(out) == 4


def test_trades_that_are_told_again_and_a_venue_that_begins_anew() -> None:
    """After a reconnect known trades are dropped, in however many frames; where nothing else comes
    in ten frames after the venue's restart, it counts anew, and all is believed to the end."""
    channel, out = trade_channel(*(told(number, number) for number in range(1, 101)))
    channel.on_connect()
    for number in range(51, 101):
        channel.take(told(number, 500), 1, out)
    channel.take(told(101, 501), 1, out)
    assert [fact.id for fact in out if isinstance(fact, Trade)] == list(range(1, 102))
    assert channel.counters.duplicates == 50
    channel.on_connect()
    for number in range(1, 102):
        channel.take(told(number, 700 + number), 1, out)
    assert len(out) == 101 and channel.counters.duplicates == 151
    for first in (10, 1):  # the second time its first ids are not the last that were heard
        channel.on_disconnect(1000, "reconnect: 1012", "restart")
        channel.on_connect()
        out.clear()
        for number in range(1, 102):
            channel.take(told(number, 1000 + number), 1, out)
        assert [fact.id for fact in out if isinstance(fact, Trade)] == list(range(first, 102))
    assert channel.counters.gaps == 0


def told(identity: int, arrived_ns: int) -> Trade:
    return replace(traded(identity), arrived_ns=arrived_ns)


def test_a_trade_that_stands_for_several_leaves_no_gap() -> None:
    """Where a venue aggregates, ids jump by the count."""
    channel, out = trade_channel(traded(1), traded(4, count=3), traded(5))
    assert channel.counters.gaps == 0 and len(out) == 3


def test_a_gap_in_the_ids_says_how_many() -> None:
    """Between two trades, before the one that showed it."""
    _, out = trade_channel(traded(1), traded(5))
    assert isinstance(out[1], Gap) and out[1].missed == 3


def test_ids_that_are_no_numbers_are_only_told_apart() -> None:
    """No order, so no gap: but each comes once."""
    channel, out = trade_channel(traded("a"), traded("c"), traded("a"))
    assert len(out) == 2 and channel.counters.duplicates == 1 and channel.counters.gaps == 0


def test_a_candle_replaces_itself_until_the_next_one_opens() -> None:
    channel, out = (
        CandleChannel(ChannelSpec(channel="candles", symbol="X/Y"), Counters()),
        list[Fact](),
    )
    for open_ns, close in ((0, 1), (0, 2), (60, 3), (0, 9)):
        candle = Candle(
            symbol="X/Y",
            interval="1m",
            open_ns=open_ns,
            close_ns=open_ns + 59,
            open=ONE,
            high=ONE,
            low=ONE,
            close=Decimal(close),
            volume=ONE,
        )
        channel.take(candle, 1, out)
    assert [c.close for c in channel.recent] == [2, 3] and channel.counters.out_of_order == 1


# books


def test_a_snapshot_is_handed_on_best_levels_first() -> None:
    """However the venue ordered it, and without levels of which nothing is left."""
    rule = lambda sequence, change: "apply"  # noqa: E731
    spec, out = ChannelSpec(channel="book", symbol="BTC/USDT"), list[Fact]()
    channel = BookChannel(spec, Counters(), rule, in_stream=True)
    bids, asks = [98, 100, 99], [103, 101, 102]
    told = BookSnapshot(
        symbol="BTC/USDT",
        bids=((Decimal(105), Decimal(0)), *((Decimal(price), ONE) for price in bids)),
        asks=tuple((Decimal(price), ONE) for price in asks),
        sequence=7,
    )
    channel.take(told, 1, out)
    (fact,) = out
    assert isinstance(fact, BookSnapshot) and fact.sequence == 7
    assert [price for price, _ in fact.bids] == [100, 99, 98]
    assert [price for price, _ in fact.asks] == [101, 102, 103]


# queues


def test_latest_keeps_one_of_each() -> None:
    """A price that you look at: the newest, however slow you are."""
    facts = Subscription(policy="latest")
    facts.offer([quoted(1), traded(1), quoted(2)])
    assert [facts.get(0), facts.get(0)] == [traded(1), quoted(2)] and facts.dropped == 1


def test_drop_oldest_counts_what_it_drops() -> None:
    facts = Subscription(policy="drop_oldest", size=2)
    facts.offer([traded(1), traded(2)])
    facts.offer([traded(3)])
    assert [facts.get(0), facts.get(0)] == [traded(2), traded(3)] and facts.dropped == 1


def test_filters_by_channel_and_symbol() -> None:
    facts = Subscription(channels={"trades"}, symbols={"BTC/USDT"})
    lost = Gap(channel="book", symbol="BTC/USDT", reason="", from_ns=0)
    facts.offer([quoted(1), traded(1), lost])
    assert facts.get(0) == traded(1) and len(facts) == 0


def test_the_latest_of_a_book_is_its_top() -> None:
    """A single change means nothing to who saw none of the others."""
    top = BookSnapshot(symbol="BTC/USDT", bids=(), asks=(), sequence=9)
    facts = Subscription(policy="latest", refresh=lambda symbol, depth: top)
    facts.offer([BookDelta(symbol="BTC/USDT", bids=(), asks=(), first=n, last=n) for n in (8, 9)])
    assert facts.get(0) is top and len(facts) == 0


def test_get_has_a_deadline() -> None:
    with pytest.raises(WaitTimeout, match="0.05 s"):
        Subscription().get(0.05)


@pytest.mark.parametrize("wrong", [{"policy": "newest"}, {"size": 0}, {"size": True}])
def test_a_subscription_refuses_nonsense(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        Subscription(**wrong)  # type: ignore[arg-type]


def test_a_consumer_that_waits_is_woken() -> None:
    """Without polling: the fact is there within a few milliseconds."""
    facts, got = Subscription(), list[float]()
    thread = threading.Thread(target=lambda: (facts.get(5), got.append(time.monotonic())))
    thread.start()
    time.sleep(0.05)
    offered = time.monotonic()
    facts.offer([traded(1)])
    thread.join()
    assert got[0] - offered < 0.1


# asking


def once(peer: Peer) -> None:
    """One quote, then nothing: pings are answered."""
    peer.accept()
    peer.acknowledge()
    peer.text(quote(1))
    peer.listen(60)


def test_as_of_grows_old_without_proof_and_young_with_other_data() -> None:
    """A pong proves the socket only; data of another channel prove the feed."""

    def script(peer: Peer) -> None:
        peer.accept()
        peer.acknowledge()
        peer.text(quote(1))
        peer.listen(0.3)
        peer.text(trade(1))
        peer.listen(60)

    with Faulty(script) as server, listen(server, "quotes", "trades") as stream:
        until(lambda: stream.stats.facts.get("Quote"))
        until(lambda: (stream.quote().age_ms or 0) > 150, 2)
        until(lambda: stream.stats.facts.get("Trade"))
        known = stream.quote()
        assert known.as_of_ns is not None and known.as_of_ns - known.changed_ns > 200e6
        assert known.as_of is not None and known.in_sync


def test_asking_for_what_was_never_wanted_names_what_is_there() -> None:
    with Faulty(once) as server, listen(server).start().wait(3) as stream:
        with pytest.raises(BadInput, match="does not listen to trades.*it has quotes BTC/USDT"):
            stream.trade("BTC/USDT")
        with pytest.raises(BadInput, match="ETH/USDT.*it has quotes BTC/USDT"):
            stream.quote("ETH/USDT")
        with pytest.raises(BadInput, match="it has quotes BTC/USDT"):
            stream.subscribe("trades")


def test_asking_too_early_says_so() -> None:
    with Faulty(once) as server, listen(server, "trades", "book") as stream:
        with pytest.raises(NotReady, match="no trades BTC/USDT has arrived"):
            stream.trade()
        with pytest.raises(BookOutOfSync) as caught:
            stream.book()
        assert caught.value.reason


def test_facts_end_by_time_and_by_count() -> None:
    with Faulty(lambda peer: (peer.accept(), peer.acknowledge(), peer.quotes())) as server:
        with listen(server).start().wait(3) as stream:
            assert len(list(stream.facts(limit=5))) == 5
            started = time.monotonic()
            assert list(stream.facts(seconds=0.2)) and 0.2 <= time.monotonic() - started < 5
            for wrong in ({"seconds": "5"}, {"limit": True}, {"seconds": float("nan")}):
                with pytest.raises(BadInput, match="write a number"):
                    list(stream.facts(**wrong))  # type: ignore[arg-type]


def test_a_table_of_what_runs() -> None:
    assert running().table() == repr(running()) == "no stream is running"


def test_a_tap_that_fails_does_not_end_the_stream() -> None:
    """Row 37; and the failure is told."""

    def tap(frame: bytes, arrived_ns: int) -> None:
        raise RuntimeError("the disk is full")

    with Faulty(once) as server, listen(server, on_frame=tap).start().wait(3) as stream:
        assert stream.quote().sequence == 1
        assert "the disk is full" in stream.stats.notices[0]


def test_samples_hold_no_secrets() -> None:
    """Row 54, and at most 1 KB."""
    shown = sample(b'{"apiKey":"SECRET","signature": "SECRET","p":"1"}' + b"x" * 5000)
    assert "SECRET" not in shown and '"p":"1"' in shown and len(shown) <= 1024


def test_percentiles_weigh_their_samples() -> None:
    found = percentiles([(1_000_000, 98), (9_000_000, 2)])
    assert found is not None and (found.p50, found.p95, found.p99) == (1.0, 1.0, 9.0)


def test_snapshots_are_spaced() -> None:
    """Row 29: one in 250 ms for the whole process."""
    gate = SnapshotGate()
    assert [gate.enter(int(ms * 1e6)) for ms in (0, 100, 250, 300)] == [True, False, True, False]
