"""A stream against a server that misbehaves: real sockets, real threads, deadlines scaled."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from faulty import (
    Faulty,
    Peer,
    Script,
    after,
    delta,
    frame,
    healthy,
    listen,
    no_rest,
    quote,
    trade,
    until,
)

from vocx.errors import (
    BookOutOfSync,
    Refused,
    RegionBlocked,
    StreamStopped,
    SubscribeRefused,
    VenueError,
    WaitTimeout,
)
from vocx.facts import BookDelta, BookSnapshot, Fact, Gap, Quote, Trade
from vocx.stream import Deadlines, Stream, Subscription, running
from vocx.venues.base import ChannelSpec
from vocx.venues.binance import Binance


def stall(peer: Peer) -> None:
    """Nothing more: no data, no pongs."""
    peer.answers_pings = False
    peer.listen(60)


def silent(peer: Peer) -> None:
    """Pings are answered, data has ended."""
    peer.listen(60)


def half_a_frame(peer: Peer) -> None:
    peer.sock.sendall(frame(1, quote(99).encode())[:40])
    peer.listen(60)


def sends(*messages: str | bytes) -> Script:
    """Accept, acknowledge, send these, then stay."""

    def script(peer: Peer) -> None:
        peer.accept()
        peer.acknowledge()
        for message in messages:
            peer.text(message)
        peer.listen(60)

    return script


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("vocx-")]


def gap_of(facts: Subscription) -> Gap:
    """The first gap that the subscription hands out."""
    while True:
        fact = facts.get(5)
        if isinstance(fact, Gap):
            return fact


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Row 51: no thread survives its stream."""
    yield
    until(lambda: not threads(), 2, f"threads left: {threads()}")
    assert not running()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        pytest.param(Peer.reset, "1006", id="reset"),
        pytest.param(lambda peer: peer.sock.close(), "1006", id="eof"),
        pytest.param(lambda peer: peer.close(1000), "1000", id="close 1000"),
        pytest.param(lambda peer: peer.close(1001), "1001", id="close 1001"),
        pytest.param(lambda peer: peer.sock.sendall(b"\xf1\x00"), "1002", id="reserved bits"),
        pytest.param(lambda peer: peer.sock.sendall(b"\x81\x81abcdx"), "1002", id="masked"),
        pytest.param(lambda peer: peer.text(b"\xff\xfe"), "1007", id="not UTF-8"),
        pytest.param(lambda peer: peer.text(b"x" * 22_000_000), "1009", id="22 MB"),
    ],
)
def test_a_lost_connection_resumes_within_a_second(fault: Script, reason: str) -> None:
    """Rows 1 to 4 and 24: back without the user, one gap, one reconnect, the reason kept; where the
    machine has other work, as soon as that at one of three tries."""
    away: list[float] = []
    while len(away) < 3 and min(away, default=10) >= 1.5:
        with Faulty(after(fault), healthy) as server, listen(server) as stream:
            with stream.subscribe() as facts:
                gap = gap_of(facts)
            assert stream.state == "live" and stream.stats.reconnects == stream.stats.gaps == 1
            away.append(server.accepted[1] - server.accepted[0])
            assert stream.stats.reasons == {reason: 1}
            assert gap.to_ns is not None and gap.to_ns >= gap.from_ns
    assert min(away) < 1.5


@pytest.mark.parametrize(
    ("fault", "kind", "within_s"),
    [
        pytest.param(stall, "1006", 1.6, id="black hole"),
        pytest.param(half_a_frame, "1006", 1.0, id="truncated"),
        pytest.param(silent, "silent", 1.7, id="silent feed"),
    ],
)
def test_silence_is_noticed(fault: Script, kind: str, within_s: float) -> None:
    """Rows 17 to 19 at a tenth of the time: 16 s, 10 s, and the venue's 15 s; where the machine has
    other work, at one of three tries."""
    stale_after_s = 15 if fault is silent else 6000
    deadlines = Deadlines(ping_s=10, pong_s=5, stale_after_s=stale_after_s).scaled(0.1)
    took: list[float] = []
    while len(took) < 3 and min(took, default=10) >= within_s + 0.1:
        with Faulty(after(fault), healthy) as server:
            with listen(server, deadlines=deadlines) as stream:
                until(lambda: stream.stats.frames > 30)
                took.append(until(lambda: stream.stats.reasons, 5, "no loss was noticed"))
                assert stream.stats.reasons == {kind: 1}
                until(lambda: stream.stats.reconnects, 3, "no return")
    assert min(took) < within_s + 0.1


@pytest.mark.parametrize(
    "stage", ["connect", "upgrade", "live", "black hole", "truncated", "pause"]
)
def test_stop_takes_two_seconds_at_most(stage: str) -> None:
    """Rows 51 and 53: whatever the network does, and no connection afterwards."""
    scripts: dict[str, Script] = {
        "upgrade": lambda peer: stall(peer),
        "live": healthy,
        "black hole": after(stall),
        "truncated": after(half_a_frame),
        "pause": lambda peer: peer.refuse(429, "Retry-After: 60"),
    }
    with Faulty(scripts.get(stage, healthy)) as server:
        stream = listen(server).start()
        if stage != "connect":
            until(lambda: server.accepted and (stage == "upgrade" or stream.state != "connecting"))
        started = time.monotonic()
        stream.stop()
        assert time.monotonic() - started < 2 and stream.state == "stopped"
        time.sleep(0.1)  # the server may not have seen the last connection yet
        connects = len(server.accepted)
        time.sleep(0.3)
        assert len(server.accepted) == connects and not threads()


def test_starting_a_name_again_replaces_its_predecessor() -> None:
    """Row 52: a cell that runs twice leaves one stream."""
    with Faulty(healthy) as server, listen(server, name="mine") as first:
        with listen(server, name="mine").start().wait(3) as second:
            assert first.state == "stopped" and list(running()) == [second]
            assert "mine" in running().table()


def test_malformed_frames_are_counted_and_the_stream_goes_on() -> None:
    """Rows 16, 22, 23: parse errors, arrays and unknown events never end a connection."""
    odd = ["not json", "[1,2,3]", '{"e":"newThing"}', '{"apiKey":"SECRET", "x"', quote(1)]
    with Faulty(sends(*odd)) as server, listen(server).start().wait(3) as stream:
        stats = stream.stats
        assert (stats.parse_errors, stats.unknown, stats.reconnects) == (3, 1, 0)
        assert len(stats.bad_samples) == 3 and "SECRET" not in f"{stats.bad_samples}{stats.table()}"


def test_a_storm_of_malformed_frames_subscribes_again_on_the_same_socket() -> None:
    """Row 22: more than ten a minute; row 16: never by reconnecting."""
    with Faulty(sends(*["bad"] * 12, quote(1))) as server, listen(server).start().wait(3) as stream:
        peer = server.peers[0]
        until(lambda: sum(b"SUBSCRIBE" in text for _, text in peer.heard) == 3)
        assert stream.stats.resubscribed == 1 and len(server.accepted) == 1


@pytest.mark.parametrize(
    ("status", "error", "likely"),
    [(401, Refused, "key"), (403, VenueError, "address"), (451, RegionBlocked, "place")],
)
def test_a_refusal_that_retrying_cannot_cure_is_fatal(
    status: int, error: type[VenueError], likely: str
) -> None:
    """Row 13: one try, a state, and an error that says why."""
    with Faulty(lambda peer: peer.refuse(status)) as server, listen(server) as stream:
        with pytest.raises(StreamStopped):
            stream.wait(3)
        assert stream.state == "fatal" and isinstance(stream.error, error)
        assert len(server.accepted) == 1 and likely in stream.why
        with pytest.raises(StreamStopped):
            list(stream.subscribe())


def test_retry_after_of_a_refused_upgrade_is_kept() -> None:
    """Row 11: at least as long as asked, at most a tenth longer."""
    with Faulty(lambda peer: peer.refuse(429, "Retry-After: 1"), healthy) as server:
        with listen(server).start().wait(4):
            assert 1.0 <= server.accepted[1] - server.accepted[0] <= 1.3


def test_a_refused_subscription_is_raised_by_wait() -> None:
    """Row 32: the venue's words, not a time-out."""

    def refuse(peer: Peer) -> None:
        peer.accept()
        peer.listen(0.05)
        peer.text('{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":1}')
        peer.listen(60)

    with Faulty(refuse) as server, listen(server) as stream:
        with pytest.raises(SubscribeRefused, match="invalid stream"):
            stream.wait(3)


def test_wait_names_what_is_missing() -> None:
    """A misspelt stream is acknowledged and stays silent: the text says so."""
    with Faulty(sends(quote(1))) as server, listen(server, "quotes", "trades") as stream:
        with pytest.raises(WaitTimeout, match="missing: trades BTC/USDT.*acknowledges names"):
            stream.wait(0.5)


def test_the_answer_to_a_ping_does_not_wait_for_a_slow_consumer() -> None:
    """Row 21: pings are answered by the reader, whatever the user does."""

    def pings(peer: Peer) -> None:
        peer.accept()
        peer.acknowledge()
        peer.frame(9, b"1795334400000")
        peer.quotes()

    with Faulty(pings) as server, listen(server).start().wait(3) as stream:
        with stream.subscribe(size=1):
            until(lambda: (10, b"1795334400000") in server.peers[0].heard)


def test_fragments_with_a_ping_between_them_are_one_message() -> None:
    """RFC 6455 5.4: control frames may come between the fragments."""

    def fragmented(peer: Peer) -> None:
        peer.accept()
        peer.acknowledge()
        text = quote(1).encode()
        peer.frame(1, text[:20], final=False)
        peer.frame(9, b"between")
        peer.frame(0, text[20:])
        peer.listen(60)

    with Faulty(fragmented) as server, listen(server).start().wait(3) as stream:
        assert stream.quote("BTC/USDT").sequence == 1


def test_trades_come_once_and_a_jump_in_their_ids_is_a_gap() -> None:
    """Rows 25 to 27 for trades."""
    frames = [trade(n) for n in (1, 2, 2, 3, 7, 5, 8)]
    with Faulty(sends(*frames)) as server, listen(server, "trades").start().wait(3) as stream:
        until(lambda: stream.stats.frames >= 8)
        stats = stream.stats
        assert [t.id for t in stream.trades("BTC/USDT")] == [1, 2, 3, 7, 8]
        assert (stats.duplicates, stats.out_of_order, stats.gaps) == (1, 1, 1)


def test_a_gap_in_the_book_resyncs_that_book_alone() -> None:
    """Row 27: reads raise, a new snapshot comes within 2 s, the socket stays."""
    asked: list[float] = []

    def snapshot(*_: object) -> BookSnapshot:
        asked.append(time.monotonic())
        last = 10 if len(asked) == 1 else 30
        return BookSnapshot(symbol="BTC/USDT", bids=(), asks=(), sequence=last)

    def broken(peer: Peer) -> None:
        peer.accept()
        peer.acknowledge()
        for first in (9, 11, 12, 20):
            peer.text(delta(first, first))
            peer.listen(0.3 if first == 9 else 0.0)
        peer.listen(0.1)
        for number in range(21, 200):
            peer.text(delta(number, number))
            peer.listen(0.02)

    with Faulty(broken) as server, listen(server, "book", ask=snapshot) as stream:
        with stream.subscribe("book") as facts:
            gap = gap_of(facts)
            assert gap.reason == "gap: expected 13, got 20" and gap.to_ns is None
            until(lambda: len(asked) == 2 and stream.wait(2))
        assert stream.book("BTC/USDT").sequence >= 30 and len(server.accepted) == 1
        assert stream.stats.resyncs == 1


def test_a_book_is_not_shown_while_its_connection_is_lost() -> None:
    """A stale copy is never shown as good."""

    def leaves(peer: Peer) -> None:
        peer.accept()
        peer.acknowledge()
        peer.text(delta(9, 9))
        peer.listen(0.5)

    def snapshot(*_: object) -> BookSnapshot:
        return BookSnapshot(symbol="BTC/USDT", bids=(), asks=(), sequence=9)

    refused: Script = lambda peer: peer.refuse(503, "Retry-After: 60")  # noqa: E731
    with Faulty(leaves, refused) as server, listen(server, "book", ask=snapshot) as stream:
        assert stream.wait(3).book().in_sync
        until(lambda: stream.state == "reconnecting")
        with pytest.raises(BookOutOfSync, match="connection was lost"):
            stream.book()


def test_overload_drops_and_counts_and_never_blocks_the_reader() -> None:
    """Row 36: ten times too fast for the consumer: the state stays fresh, drops are counted."""

    def flood(peer: Peer) -> None:
        peer.accept()
        peer.acknowledge()
        for number in range(1, 40_000):
            peer.text(quote(number))
        peer.listen(60)

    with Faulty(flood) as server, listen(server) as stream:
        with stream.subscribe(size=100) as slow, stream.subscribe(policy="latest") as newest:
            seen: list[Fact] = []
            while stream.stats.frames < 40_000 and len(seen) < 200:
                seen.append(slow.get(2))
                time.sleep(0.002)
            until(lambda: stream.stats.frames == 40_000)
            assert slow.dropped + len(seen) + len(slow) == 39_999 and slow.dropped > 30_000
            assert isinstance(fact := newest.get(1), Quote) and fact.sequence == 39_999
        assert stream.stats.dropped == slow.dropped + newest.dropped


def test_an_overflow_under_the_gap_policy_says_so() -> None:
    """Row 36: for changes that mean nothing with one missing."""
    with Faulty(sends(*[trade(n) for n in range(1, 31)])) as server:
        stream = listen(server, "trades").start()
        with stream.subscribe(policy="gap", size=10) as facts:
            until(lambda: stream.stats.frames == 31)
            gap = facts.get(1)
            assert isinstance(gap, Gap) and gap.reason.startswith("overflow")
            rest = [facts.get(1) for _ in range(len(facts))]
            assert (gap.missed or 0) + sum(isinstance(f, Trade) for f in rest) <= 30
        stream.stop()


def test_a_restart_that_is_announced_reconnects_at_once() -> None:
    """Row 7: the event needs no subscription and comes without a close."""
    event = '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}'
    with Faulty(sends(quote(1), event), healthy) as server, listen(server) as stream:
        until(lambda: len(server.accepted) == 2, 1)
        until(lambda: stream.stats.reasons == {"shutdown": 1} and stream.stats.reconnects)


def test_the_next_connection_takes_over_without_a_hole() -> None:
    """Both run beside each other for a moment: nothing is lost, doubled or counted as such."""
    event = '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}'
    number, taken = iter(range(1, 100_000)), threading.Event()
    lock, peers = threading.Lock(), list[Peer]()

    def broadcast() -> None:
        """One trade and its change of the book, to whoever is subscribed."""
        with lock:
            now = next(number)
            for peer in tuple(peers):
                with suppress(OSError):
                    peer.text(trade(now))
                    peer.text(delta(now, now))

    def old(peer: Peer) -> None:
        peer.accept()
        peer.acknowledge()
        peers.append(peer)
        for count in range(1000):
            broadcast()
            if count == 20:
                peer.text(event)
            peer.listen(0.01)

    def new(peer: Peer) -> None:
        peer.accept()
        peer.acknowledge()
        peers.append(peer)
        taken.set()
        while not peer.over.is_set():
            if len(peers) == 1 or peers[0].heard[-1:] and peers[0].heard[-1][0] == 8:
                broadcast()
            peer.listen(0.01)

    first = BookSnapshot(symbol="BTC/USDT", bids=(), asks=(), sequence=0)
    with Faulty(old, new) as server:
        stream = listen(server, "trades", "book", ask=lambda intent, stopping: first)
        with stream.subscribe(policy="gap", size=100_000) as facts, stream.start():
            until(lambda: stream.stats.reconnects == 1)
            seen = len(facts)
            until(lambda: len(facts) > seen + 50)
            got = [facts.get(0) for _ in range(len(facts))]
            stats = stream.stats
    ids = [one.id for one in got if isinstance(one, Trade)]
    assert ids == list(range(ids[0], ids[0] + len(ids))) and taken.is_set()
    ends = [one.last for one in got if isinstance(one, BookDelta)]
    assert ends == sorted(set(ends)) and ends[-1] - ends[0] == len(ends) - 1
    assert not any(isinstance(one, Gap) for one in got)
    assert (stats.gaps, stats.duplicates, stats.out_of_order) == (0, 0, 0)
    assert stats.reasons == {"shutdown": 1} and stats.connects == 2


def test_a_subscription_ends_with_its_stream() -> None:
    """Iteration ends quietly when the stream is stopped, and what is queued can be read."""
    with Faulty(sends(quote(1), quote(2))) as server:
        stream = listen(server).start()
        facts = stream.subscribe()
        until(lambda: len(facts) == 2)
        stream.stop()
        assert [fact.sequence for fact in facts if isinstance(fact, Quote)] == [1, 2]
        with pytest.raises(StreamStopped):
            stream.wait(1)


def test_subscriptions_are_paced() -> None:
    """Row 33: at most four control messages a second, pings included."""

    def arrivals(peer: Peer) -> None:
        peer.accept()
        stamps: list[float] = []
        while len(stamps) < 3:
            peer.listen(0.005)
            stamps += [time.monotonic()] * (len(peer.heard) - len(stamps))
        peer.text(json.dumps([b - a for a, b in zip(stamps, stamps[1:], strict=False)]))
        peer.listen(60)

    wanted = [ChannelSpec(channel="quotes", symbol=f"A{n}/USDT") for n in range(500)]
    with Faulty(arrivals) as server:
        with Stream(Binance(), lambda _: server.url, wanted, ask=no_rest) as stream:
            until(lambda: stream.stats.bad_samples)
            assert min(json.loads(stream.stats.bad_samples[0])) > 0.2


def test_one_stream_owns_several_sockets() -> None:
    """1,100 names need two connections: one state, one stop, the worst of both is shown."""
    wanted = [ChannelSpec(channel="quotes", symbol=f"A{n}/USDT") for n in range(1_099)]
    wanted.append(ChannelSpec(channel="quotes", symbol="BTC/USDT"))

    def acknowledges(peer: Peer) -> None:
        peer.accept()
        while not peer.over.is_set():
            for payload in [text for opcode, text in peer.heard if opcode == 1]:
                peer.text(json.dumps({"result": None, "id": json.loads(payload)["id"]}))
            peer.heard.clear()
            peer.quote()
            peer.listen(0.02)

    with Faulty(acknowledges) as server:
        with Stream(Binance(), lambda _: server.url, wanted, ask=no_rest) as stream:
            until(lambda: len(server.accepted) == 2 and stream.state == "live", 5)
            until(lambda: stream.quote("BTC/USDT").in_sync)
            assert stream.stats.connects == 2 and len(threads()) == 2
