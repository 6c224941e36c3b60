"""Coming back: the order of gap and data, books and channels of venues that do it differently,
threads that end, and what an account asks for after an outage."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Literal

import pytest
from faulty import Faulty, Peer, Script, delta, healthy, listen, quote, trade, until

from vocx.errors import StreamStopped, SubscribeRefused, VenueUnavailable
from vocx.facts import Balance, BookSnapshot, Candle, Fill, Gap, Order, Quote, Trade
from vocx.stream import Deadlines, Stream, registry, running
from vocx.stream.account import Account, Reconciler, ReconcileRequest
from vocx.stream.background import Background
from vocx.stream.staleness import Known, compare
from vocx.stream.stats import Counters
from vocx.venues.base import (
    Ack,
    ChannelSpec,
    Decoded,
    GetBalances,
    GetBook,
    GetCandles,
    GetTrades,
    Intent,
    Proof,
    SequenceGap,
    SocketPlan,
)
from vocx.venues.binance import Binance

BTC = "BTC/USDT"
SECOND = 1_000_000_000


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No thread survives its stream."""
    yield
    until(lambda: not threads(), 2, f"threads left: {threads()}")
    assert not running()


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("vocx-")]


def book(sequence: int, *bids: tuple[int, int]) -> BookSnapshot:
    levels = tuple((Decimal(price), Decimal(quantity)) for price, quantity in bids)
    return BookSnapshot(symbol=BTC, bids=levels, asks=(), sequence=sequence)


def trades_from(first: int, *, then: Script) -> Script:
    """Five trades before the subscription is acknowledged, then what follows."""

    def script(peer: Peer) -> None:
        peer.accept()
        for number in range(first, first + 5):
            peer.text(trade(number))
        peer.acknowledge()
        then(peer)

    return script


def test_the_gap_comes_before_the_data_behind_it_and_only_once() -> None:
    """Also where data come before the acknowledgement, and ids tell how many are missing."""
    stays: Script = lambda peer: peer.listen(60)  # noqa: E731
    first = trades_from(1, then=lambda peer: (peer.listen(0.3), peer.reset()))
    with Faulty(first, trades_from(9, then=stays)) as server:
        stream = listen(server, "trades")
        with stream.subscribe() as facts, stream:
            until(lambda: stream.stats.reconnects)
            told = [facts.get(5) for _ in range(11)]
    gaps = [(at, fact) for at, fact in enumerate(told) if isinstance(fact, Gap)]
    assert [fact.id for fact in told if isinstance(fact, Trade)] == [*range(1, 6), *range(9, 14)]
    ((at, gap),) = gaps
    assert at == 5 and gap.missed == 3 and gap.reason.startswith("reconnect")
    assert stream.stats.gaps == 1 and len(stream.outages()) == 1


def test_a_channel_without_data_is_told_of_the_outage_when_the_line_is_live() -> None:
    """It would else believe that nothing was missed."""

    def quotes_alone(peer: Peer) -> None:
        peer.accept()
        peer.acknowledge()
        peer.text(quote(1))
        peer.listen(0.3)

    last: Script = lambda peer: (quotes_alone(peer), peer.listen(60))  # noqa: E731
    with Faulty(quotes_alone, last) as server, listen(server, "quotes", "trades") as stream:
        until(lambda: len(stream.outages()) == 2, 5)
        assert {gap.channel for gap in stream.outages()} == {"quotes", "trades"}
        assert stream.stats.gaps == 2


class InStream(Binance):
    """Books start in the stream; after a gap that one topic is subscribed again. A snapshot is
    ``{"snapshot": id}``; ``{"lost": why}`` says that the connection's own sequence has a hole."""

    book_start: Literal["rest", "stream"] = "stream"
    book_recovery: Literal["refetch", "resubscribe"] = "resubscribe"

    def decode(
        self, text: bytes, arrived_ns: int, plan: SocketPlan, state: Any
    ) -> Sequence[Decoded]:
        found = json.loads(text)
        if "snapshot" in found:
            return [book(found["snapshot"], (99, 1))]
        if "lost" in found:
            return [SequenceGap(reason=found["lost"])]
        return super().decode(text, arrived_ns, plan, state)


def no_rest(intent: Intent, stopping: threading.Event) -> Any:
    raise AssertionError(f"{intent} was asked by REST")


def answers(peer: Peer, snapshots: Iterator[int]) -> None:
    """Acknowledge what was asked; each SUBSCRIBE brings a snapshot."""
    for payload in [text for opcode, text in peer.heard if opcode == 1]:
        asked = json.loads(payload)
        peer.text(json.dumps({"result": None, "id": asked["id"]}))
        if asked["method"] == "SUBSCRIBE":
            peer.text(json.dumps({"snapshot": next(snapshots)}))
    peer.heard.clear()


@pytest.mark.parametrize("hole", [delta(20, 20), '{"lost": "sequence: expected 7, got 9"}'])
def test_a_book_in_the_stream_is_subscribed_again_after_a_gap(hole: str) -> None:
    """That one topic, on the same socket, without REST; by the book's rule or the connection's."""

    def script(peer: Peer) -> None:
        snapshots = iter((10, 30, 40))
        peer.accept()
        until(lambda: (peer.listen(0.01), peer.heard)[1])
        answers(peer, snapshots)
        peer.text(delta(11, 11))
        peer.text(hole)
        while not peer.over.is_set():
            peer.listen(0.02)
            answers(peer, snapshots)

    with Faulty(script) as server:
        specs = [ChannelSpec(channel="book", symbol=BTC)]
        with Stream(InStream(), lambda _: server.url, specs, ask=no_rest) as stream:
            with stream.subscribe("book") as facts:
                while not isinstance(fact := facts.get(5), Gap):
                    pass
                assert "expected" in fact.reason and fact.to_ns is None
                until(lambda: stream.wait(5).book().sequence == 30)
            assert len(server.accepted) == 1 and stream.stats.reconnects == 0


class Polled(Binance):
    """Balances are not streamed."""

    def poll_intent(self, spec: ChannelSpec) -> Intent | None:
        return GetBalances() if spec.channel == "balances" else None


def test_a_channel_that_is_not_streamed_is_polled_and_says_so() -> None:
    """The same facts and states, from REST; only what is new is handed on."""
    asked = 0

    def ask(intent: Intent, stopping: threading.Event) -> Any:
        nonlocal asked
        assert isinstance(intent, GetBalances)
        asked += 1
        if asked == 2:
            raise VenueUnavailable("busy")
        free = Decimal(1 if asked < 5 else 2)
        return [Balance(asset="BTC", free=free, locked=Decimal(0), exchange_ns=asked)]

    specs = [
        ChannelSpec(channel="balances", symbol=None),
        ChannelSpec(channel="quotes", symbol=BTC),
    ]
    quick = Deadlines(poll_s=0.02)
    with Faulty(healthy) as server:
        stream = Stream(Polled(), lambda _: server.url, specs, ask=ask, deadlines=quick)
        with stream.subscribe("balances") as facts, stream:
            stream.wait(5)
            first, second = facts.get(5), facts.get(5)
            assert isinstance(first, Balance) and first.source == "rest"
            assert isinstance(second, Balance) and (first.free, second.free) == (1, 2)
            assert stream.balances()[0].free == 2 and stream.quote().in_sync
            assert len(server.accepted) == 1 and stream.state == "live"


def bar(minute: int, volume: int) -> Candle:
    """A candle of BTC/USDT."""
    return Candle(
        symbol=BTC,
        interval="1m",
        open_ns=minute * 60 * SECOND,
        close_ns=0,
        volume=Decimal(volume),
        **dict.fromkeys(("open", "high", "low", "close"), Decimal(1)),
    )


def test_polled_candles_replace_and_follow_each_other() -> None:
    """The last two of each answer: the bar that closed is seen whole, and nothing twice."""

    class NoCandles(Binance):
        def poll_intent(self, spec: ChannelSpec) -> Intent | None:
            return GetCandles(symbol=BTC, interval=spec.interval or "1m", limit=2)

    answers = [[bar(1, 1), bar(2, 1)], [bar(1, 1), bar(2, 2)], [bar(2, 3), bar(3, 1)]]

    def ask(intent: Intent, stopping: threading.Event) -> Any:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    specs = [ChannelSpec(channel="candles", symbol=BTC)]
    quick = Deadlines(poll_s=0.02)
    stream = Stream(NoCandles(), lambda _: "ws://127.0.0.1:9", specs, ask=ask, deadlines=quick)
    with stream.subscribe() as facts, stream:
        until(lambda: stream.wait(5).candle().open_ns == 180 * SECOND)
        assert [(one.open_ns, one.volume) for one in stream.candles()] == [
            (one.open_ns, one.volume) for one in (bar(1, 1), bar(2, 3), bar(3, 1))
        ]
        found = [fact for fact in (facts.get(1) for _ in range(len(facts)))]
        assert [one.volume for one in found if isinstance(one, Candle)] == [1, 1, 2, 3, 1]
        now = stream.candle()
        assert now.source == "rest" and now.in_sync and (now.age_ms or 0) >= 0
        assert stream.stats.out_of_order == stream.stats.duplicates == 0


def test_a_refused_channel_names_itself_and_the_others_run() -> None:
    """``wait`` raises the venue's words; what is not refused is there."""

    class PerArgument(Binance):
        def decode(
            self, text: bytes, arrived_ns: int, plan: SocketPlan, state: Any
        ) -> Sequence[Decoded]:
            if b"refuse" in text:
                error = SubscribeRefused("no such stream", text="no such stream")
                return [Ack(topics=("btcusdt@trade",), error=error)]
            return super().decode(text, arrived_ns, plan, state)

    def script(peer: Peer) -> None:
        peer.accept()
        until(lambda: (peer.listen(0.01), peer.heard)[1])
        peer.text('{"refuse": true}')
        peer.quotes()

    specs = [ChannelSpec(channel=name, symbol=BTC) for name in ("quotes", "trades")]
    with Faulty(script) as server:
        with Stream(PerArgument(), lambda _: server.url, specs, ask=no_rest) as stream:
            with pytest.raises(SubscribeRefused, match="no such stream"):
                stream.wait(5)
            until(lambda: stream.state == "live")
            assert stream.quote().in_sync and "trades BTC/USDT refused" in stream.why
            with pytest.raises(SubscribeRefused):
                stream.trade()
            assert [spec.channel for spec in stream.refused] == ["trades"]


# silence


@pytest.mark.parametrize(
    ("there", "verdict"), [(book(7, (99, 1)), "agrees"), (book(8, (99, 1)), "ahead")]
)
def test_a_silent_book_is_compared_by_its_sequence(there: BookSnapshot, verdict: str) -> None:
    """The top may stand still while everything below it moves on unseen."""
    assert compare(Known(book(7, (99, 1)), 7), there, "sequence") == verdict


def test_equal_prices_with_other_quantities_are_no_agreement() -> None:
    """Where there is no id, price and quantity must be the same."""
    one = Decimal(1)
    here = Quote(symbol=BTC, bid=one, bid_quantity=one, ask=one, ask_quantity=one)
    there = Quote(symbol=BTC, bid=one, bid_quantity=one, ask=one, ask_quantity=Decimal(2))
    assert compare(Known(here, None), here, "top") == "agrees"
    assert compare(Known(here, None), there, "top") == "ahead"


def test_a_book_that_went_silent_is_connected_again_although_its_top_stands_still() -> None:
    """REST shows a later update id with the same best prices: the feed is dead."""

    def silent(peer: Peer) -> None:
        peer.accept()
        peer.acknowledge()
        peer.text(delta(10, 10))
        peer.listen(60)

    def ask(intent: Intent, stopping: threading.Event) -> Any:
        assert isinstance(intent, GetBook)
        return book(9 if intent.depth > 5 else 500, (99, 10))

    quick = Deadlines(stale_after_s=0.3, probe_settle_s=0.2)
    with Faulty(silent) as server, listen(server, "book", ask=ask, deadlines=quick) as stream:
        stream.wait(5)
        until(lambda: len(server.accepted) == 2, 5, "a dead book was called alive")
        assert stream.stats.reasons == {"silent": 1}


def test_one_probe_at_a_time_is_shared_by_the_channels_of_a_stream() -> None:
    """However many are silent: one thread, one call under way."""
    lock, under_way, most, seen = threading.Lock(), 0, 0, set[str]()

    def ask(intent: Intent, stopping: threading.Event) -> Any:
        nonlocal under_way, most
        assert isinstance(intent, GetTrades)
        with lock:
            under_way += 1
            most = max(most, under_way)
            seen.add(intent.symbol)
        time.sleep(0.01)
        with lock:
            under_way -= 1
        return []

    def script(peer: Peer) -> None:
        peer.accept()
        peer.acknowledge()
        peer.listen(60)

    specs = [ChannelSpec(channel="trades", symbol=f"A{n}/USDT") for n in range(30)]
    quick = Deadlines(stale_after_s=0.2, probe_spacing_s=0.0)
    with Faulty(script) as server:
        with Stream(Binance(), lambda _: server.url, specs, ask=ask, deadlines=quick) as stream:
            until(lambda: len(seen) >= 10, 10)
            assert most == 1 and stream.stats.connects == 1


# ending


class Predecessor:
    """Runs under the name of a stream; while it is stopped, somebody stops its successor too."""

    venue = lab = None
    state, why, age_ms, stats = "live", "", None, None

    def __init__(self, successor: Stream) -> None:
        self.name, self.successor = successor.name, successor
        self.stopper = threading.Thread(target=successor.stop)

    def tell_stop(self) -> None: ...

    def stop(self) -> None:
        self.stopper.start()
        until(lambda: self.successor._stopped)


def test_a_stop_while_it_starts_leaves_nothing_behind() -> None:
    """Whoever starts is told, and no thread and no connection goes on."""
    with Faulty(healthy) as server:
        stream = listen(server)
        before = Predecessor(stream)
        registry.register(before)  # type: ignore[arg-type]
        with pytest.raises(StreamStopped, match="while it started"):
            stream.start()
        before.stopper.join(5)
        assert not threads() and not server.accepted and not running()


def test_a_call_that_waits_ends_with_its_stream() -> None:
    """A snapshot that waits for a limit is told to give up; nothing is asked or said afterwards."""
    waiting, gave_up = threading.Event(), threading.Event()

    def ask(intent: Intent, stopping: threading.Event) -> Any:
        waiting.set()
        stopping.wait(30)
        gave_up.set()
        raise StreamStopped("stopped")

    def script(peer: Peer) -> None:
        peer.accept()
        peer.acknowledge()
        peer.text(delta(10, 10))
        peer.listen(60)

    with Faulty(script) as server, listen(server, "book", ask=ask) as stream:
        assert waiting.wait(5)
        begun = time.monotonic()
        stream.stop()
        assert gave_up.is_set() and time.monotonic() - begun < 2 and not threads()


# an account after an outage


def told(number: int, at_s: int) -> Fill:
    one = Decimal(1)
    return Fill(
        symbol=BTC,
        id=number,
        order_id=1,
        side="buy",
        price=one,
        quantity=one,
        fee=one,
        fee_asset="BTC",
        maker=False,
        source="stream",
        exchange_ns=at_s * SECOND,
        arrived_ns=at_s * SECOND + 5 * 3600 * SECOND,  # our clock is five hours ahead
    )


def test_the_window_of_a_reconciliation_begins_before_the_outage_and_stays() -> None:
    """By the venue's clock. What comes after the reconnect and before an answer moves it not."""
    account = Account(Counters())
    account.on_connect(1000 * SECOND)
    account.take(told(1, 1100))
    account.on_disconnect()
    account.on_connect(2000 * SECOND)
    account.take(told(9, 2001))  # the first event of the new connection
    account.on_disconnect()
    account.on_connect(3000 * SECOND)
    request = account.reconcile_request()
    assert request.since_ns == 1040 * SECOND and request.symbols == [BTC]
    account.on_reconciled(request)
    account.on_disconnect()
    assert account.reconcile_request().since_ns == (2001 - 60) * SECOND


def test_without_an_event_the_window_begins_at_the_login() -> None:
    """An order may have been filled in an outage of which nothing else is known."""
    account = Account(Counters())
    account.on_connect(1000 * SECOND)
    assert account.reconcile_request().since_ns is None
    account.on_disconnect()
    assert account.reconcile_request().since_ns == 940 * SECOND


def test_the_window_stays_until_an_answer_has_come() -> None:
    """A try that failed, and an event after it, change nothing."""
    seen: list[ReconcileRequest] = []

    def reconcile(request: ReconcileRequest, stopping: threading.Event) -> list[Order]:
        seen.append(request)
        if len(seen) == 1:
            raise VenueUnavailable("busy")
        return []

    account = Account(Counters())
    account.on_connect(1000 * SECOND)
    account.on_disconnect()
    reconciler = Reconciler(account, reconcile, Background())
    reconciler.on_connect()
    until(lambda: reconciler.tick(0, live=True) is None and reconciler.problem)
    account.take(told(1, 5000))
    until(lambda: reconciler.tick(10 * SECOND, live=True) == [])
    assert [request.since_ns for request in seen] == [940 * SECOND] * 2


@pytest.mark.parametrize("proof", ["sequence", "top"])
def test_a_bar_in_which_nothing_traded_is_no_news(proof: Proof) -> None:
    """REST opens one each minute; a stream tells of it with the first trade."""
    here = Known(bar(1, 5), None)
    assert compare(here, bar(2, 0), proof) == compare(here, bar(1, 5), proof) == "agrees"
    assert compare(here, bar(2, 1), proof) == compare(here, bar(1, 6), proof) == "ahead"
