"""The local book: true, or silent about why not."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import tracemalloc
from bisect import bisect_right
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vocx import venues
from vocx.book import BUFFER_CAP, LocalBook
from vocx.errors import BadInput, BookOutOfSync
from vocx.facts import BookDelta, BookSnapshot, Quote
from vocx.venues.base import ChannelSpec, GetBook

VENUE = venues.get("binance")
BTC = "BTC/USDT"


def levels(*pairs: tuple[int, int]) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((Decimal(price), Decimal(quantity)) for price, quantity in pairs)


def delta(
    first: int, last: int, bids: tuple[int, int] | None = None, asks: tuple[int, int] | None = None
) -> BookDelta:
    return BookDelta(
        symbol=BTC,
        first=first,
        last=last,
        bids=levels(bids) if bids else (),
        asks=levels(asks) if asks else (),
        arrived_ns=last,
    )


def snapshot(sequence: int = 100) -> BookSnapshot:
    bids, asks = levels((10, 1), (9, 2)), levels((11, 1), (12, 2))
    return BookSnapshot(symbol=BTC, bids=bids, asks=asks, sequence=sequence, depth=2)


def book(*facts: BookSnapshot | BookDelta) -> LocalBook:
    made = LocalBook(BTC, VENUE.check_sequence)
    for fact in facts:
        made.feed(fact)
    return made


def test_states_in_order() -> None:
    """Empty, buffering, in sync: and only the last one shows levels."""
    made = book()
    assert made.state == "empty" and made.needs_snapshot
    assert made.feed(delta(99, 101)) == "buffering"
    with pytest.raises(BookOutOfSync, match="no snapshot yet") as caught:
        made.snapshot()
    assert caught.value.reason == "no snapshot yet"
    assert made.feed(snapshot()) == "in_sync" and not made.needs_snapshot
    assert (made.sequence, made.applied) == (101, 1)


@pytest.mark.parametrize(
    ("waiting", "state", "dropped", "applied"),
    [
        ([(90, 99), (100, 100)], "in_sync", 2, 0),
        ([(90, 105)], "in_sync", 0, 1),
        ([(90, 99), (100, 102), (103, 104)], "in_sync", 1, 2),
        ([(101, 101)], "in_sync", 0, 1),
        ([(102, 103)], "out_of_sync", 0, 0),
        ([(101, 101), (103, 103)], "out_of_sync", 0, 1),
    ],
)
def test_buffer_joins_the_snapshot(
    waiting: list[tuple[int, int]], state: str, dropped: int, applied: int
) -> None:
    """Old changes drop, an overlap applies whole, a hole means another snapshot."""
    made = book(*[delta(first, last) for first, last in waiting], snapshot())
    assert (made.state, made.dropped, made.applied) == (state, dropped, applied)


def test_too_old_snapshot_keeps_the_buffer() -> None:
    """A second, younger snapshot joins the changes that the first could not."""
    made = book(delta(105, 106, bids=(10, 7)), delta(107, 107), snapshot(100))
    assert "too old: expected 101, got 105" in made.reason and made.buffered == 2
    made.feed(snapshot(105))
    assert made.in_sync and made.sequence == 107 and made.bid == levels((10, 7))[0]


def test_gap_names_its_ids_and_heals() -> None:
    """After a lost message the book is silent until a new snapshot joins what came since."""
    made = book(snapshot(), delta(101, 103), delta(105, 106, bids=(9, 5)))
    assert made.state == "out_of_sync" and made.reason == "gap: expected 104, got 105"
    with pytest.raises(BookOutOfSync, match="wait for it"):
        _ = made.bid
    made.feed(delta(107, 107))
    made.feed(snapshot(105))
    assert made.in_sync and made.resyncs == 1 and made.snapshot().bids[1][1] == 5


def test_zero_deletes_and_absent_zero_is_ignored() -> None:
    """Removing a level that is not there is normal."""
    made = book(snapshot(), delta(101, 101, bids=(10, 0)), delta(102, 102, asks=(50, 0)))
    assert made.bid == levels((9, 2))[0] and made.levels == (1, 2)


def test_crossed_book_is_corrupt() -> None:
    """A bid at the ask is never shown, whether it came by change or by snapshot."""
    made = book(snapshot(), delta(101, 101, bids=(11, 1)))
    assert not made.in_sync and "crossed at 101: bid 11, ask 11" in made.reason
    bad = BookSnapshot(symbol=BTC, bids=levels((12, 1)), asks=levels((11, 1)), sequence=1)
    assert "crossed snapshot" in (crossed := book(bad)).reason and crossed.levels == (0, 0)


def test_level_that_is_no_number() -> None:
    """A poisoned price makes the book doubt itself; it raises nothing."""
    poison = BookDelta(
        symbol=BTC, bids=((Decimal("NaN"), Decimal(1)),), asks=(), first=101, last=101
    )
    assert "no number" in book(snapshot(), poison).reason
    assert (
        "no number"
        in book(BookSnapshot(symbol=BTC, bids=levels((1, 1)) + poison.bids, asks=())).reason
    )


def test_reset_forgets_ids_and_buffer() -> None:
    """A lost connection: the old ids lead nowhere, a new snapshot starts over."""
    made = book(snapshot())
    made.reset("reconnect: 1006")
    assert (made.state, made.reason, made.buffered) == ("out_of_sync", "reconnect: 1006", 0)
    made.feed(snapshot(500))
    assert made.in_sync and made.sequence == 500


def test_buffer_is_bounded() -> None:
    """At most 10,000 changes wait; losing older ones shows as a snapshot that is too old."""
    made = book(*[delta(n, n) for n in range(101, 101 + BUFFER_CAP + 5)])
    assert made.buffered == BUFFER_CAP
    made.feed(snapshot(100))
    assert "too old" in made.reason


def test_depth_and_horizon() -> None:
    """The copy is cut at the depth asked for; levels beyond the snapshot are unknown."""
    made = book(snapshot())
    assert len(made.snapshot(1).bids) == 1 and made.snapshot(9).asks == snapshot().asks
    assert made.horizon == (Decimal(9), Decimal(12))
    with pytest.raises(BadInput, match="such as 20"):
        made.snapshot(0)


def test_memory_of_a_book_that_nobody_looks_at() -> None:
    """What changed without a look does not pile up, and what a look then shows is right."""
    made = book(snapshot())
    tracemalloc.start()
    try:
        for number in range(101, 20_101):
            made.feed(delta(number, number, bids=(5 + number % 4, number % 3)))
            if number == 10_100:
                half_bytes = tracemalloc.get_traced_memory()[0]
        grown_bytes = tracemalloc.get_traced_memory()[0] - half_bytes
    finally:
        tracemalloc.stop()
    assert grown_bytes < 100_000, grown_bytes
    assert [int(price) for price, _ in made.snapshot().bids] == [10, 9, 8, 7]


changes = st.lists(st.tuples(st.integers(1, 20), st.integers(0, 3)), max_size=40)


@given(changes)
def test_sorted_whatever_comes(pairs: list[tuple[int, int]]) -> None:
    """Bids descend, quantities are positive, and the last word on each price stands."""
    made = book(BookSnapshot(symbol=BTC, bids=(), asks=(), sequence=0))
    for number, pair in enumerate(pairs, 1):
        made.feed(delta(number, number, bids=pair))
    truth = {price: quantity for price, quantity in pairs if dict(pairs)[price]}
    shown = [(int(price), int(quantity)) for price, quantity in made.snapshot(99).bids]
    assert shown == [(price, dict(pairs)[price]) for price in sorted(truth, reverse=True)]


@pytest.mark.parametrize("highest", [True, False])
def test_market_that_wanders_through_a_deep_book(highest: bool) -> None:
    """The best level, and the best of any number, are right after each change: also where more
    levels come above the old ones, or go from the top, than are kept in order."""
    draw = random.Random(7)
    made = book(BookSnapshot(symbol=BTC, bids=(), asks=(), sequence=0))
    truth: dict[int, int] = {}
    for number in range(1, 601):
        middle = 1_000 + 5 * abs(number % 200 - 100)
        pairs = {draw.randint(middle - 99, middle + 99): draw.randint(0, 3) for _ in range(12)}
        if number % 150 == 0:  # a sweep
            pairs |= dict.fromkeys(sorted(truth, reverse=highest)[:200], 0)
        changed = levels(*pairs.items())
        bids, asks = (changed, ()) if highest else ((), changed)
        made.feed(BookDelta(symbol=BTC, bids=bids, asks=asks, first=number, last=number))
        truth = {price: size for price, size in (truth | pairs).items() if size}
        ordered = levels(*sorted(truth.items(), reverse=highest))
        assert (made.bid if highest else made.ask) == (ordered[0] if ordered else None)
        depth = draw.choice((1, 20, 70, 150, 1_000))
        shown = made.snapshot(depth)
        assert (shown.bids if highest else shown.asks) == ordered[:depth]
    assert len(truth) > 200


@pytest.mark.parametrize("in_snapshot", [True, False])
def test_prices_that_share_a_float_are_refused(in_snapshot: bool) -> None:
    """Levels are found by the float of their price, so a price that its float does not tell is
    refused: two that share one are never mixed up."""
    one = Decimal(1)
    long = ((Decimal("1.0000000000000000001"), one),)
    made = book(BookSnapshot(symbol=BTC, bids=long if in_snapshot else (), asks=(), sequence=0))
    if not in_snapshot:
        assert made.in_sync
        made.feed(BookDelta(symbol=BTC, bids=long, asks=(), first=1, last=1))
    assert made.state == "out_of_sync"
    assert "the price 1.0000000000000000001 has too many digits" in made.reason
    twice = BookSnapshot(symbol=BTC, bids=((one, one), (Decimal("1.0"), one)), asks=(), sequence=2)
    assert made.feed(twice) == "in_sync" and made.bid == (one, one)


def session(folder: Path) -> Iterator[tuple[int, bytes]]:
    for day in ("08", "09"):
        path = folder / "binance" / "hftbacktest" / f"btcusdt_202408{day}.gz"
        with gzip.open(path) as file:
            for line in file:
                stamp, _, frame = line.partition(b" ")
                yield int(stamp), frame.strip()


def test_recorded_session_comes_out_true(recorded: Path) -> None:
    """6,493 changes of a real session: no gap, never crossed, and the best price of the other
    stream at the same id."""
    truth = json.loads((recorded / "conformance" / "ground-truth.json").read_text())
    truth = truth["binance/hftbacktest/btcusdt"]
    wanted = [ChannelSpec(channel=name, symbol=BTC) for name in ("trades", "quotes", "book")]
    (plan,) = VENUE.plan_sockets(wanted)
    state = VENUE.open_session(plan)
    request = VENUE.request(GetBook(symbol=BTC, depth=1000))
    made = LocalBook(BTC, VENUE.check_sequence)
    tops: dict[int, tuple[Decimal, ...]] = {}
    quotes: dict[int, tuple[Decimal, ...]] = {}
    frames = 0
    for stamp, frame in session(recorded):
        if frame.startswith(b'{"lastUpdateId"'):
            fact = VENUE.reply(request, 200, {}, frame, stamp).result
        else:
            (fact,) = VENUE.decode(frame, stamp, plan, state)  # type: ignore[assignment]
            frames += 1
        if isinstance(fact, BookSnapshot | BookDelta):
            made.feed(fact)
            if made.in_sync and made.bid and made.ask:
                tops[made.sequence or 0] = (*made.bid, *made.ask)
        elif isinstance(fact, Quote):
            best = (fact.bid, fact.bid_quantity, fact.ask, fact.ask_quantity)
            quotes[fact.sequence or 0] = best
    assert (frames, made.applied, made.dropped) == (99_573, 6493, 2)
    assert (made.resyncs, list(made.levels)) == (truth["u_gaps"], truth["levels"])
    ids = sorted(quotes)
    same = [top == quotes[ids[bisect_right(ids, u) - 1]] for u, top in tops.items() if u >= ids[0]]
    assert (len(same), same.count(False)) == (6493, 2)
    top = made.snapshot(20)
    shown = [[[str(p), str(q)] for p, q in side] for side in (top.bids, top.asks)]
    assert [side[:5] for side in shown] == truth["final_top5"]
    digests = {
        hashlib.sha256(json.dumps(shown, separators=style).encode()).hexdigest()
        for style in ((",", ":"), (", ", ": "))
    }
    assert truth["final_top20_sha256"] in digests
