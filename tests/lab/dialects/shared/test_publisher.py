"""Topics and their states: who gets what, encoded once, and books in their two manners."""

from __future__ import annotations

import json
from typing import Any

import pytest
from venue_binance import INSTRUMENTS, MS, T0, S

from vocx.lab.dialects.base import Publication
from vocx.lab.dialects.shared.market_state import BookDiff, Changes, in_order
from vocx.lab.dialects.shared.numbers import Listing, shortest
from vocx.lab.dialects.shared.publisher import Publisher
from vocx.lab.dialects.shared.topics import Encoding, TopicSpec
from vocx.lab.market.simulation import CrowdSimulation, open_crowd

BTC = "BTC/USDT"
MICRO = Encoding(unit_ns=1000)


def written(listing: Listing, changes: Changes, now_ns: int, unit_ns: int) -> bytes:
    return json.dumps(
        {
            "bids": changes.bids,
            "asks": changes.asks,
            "ids": [changes.first, changes.last, changes.previous],
            "snapshot": changes.snapshot,
            "time": now_ns // unit_ns,
        }
    ).encode()


class Room:
    """A publisher of one book, with sessions that are just names."""

    def __init__(self, **options: Any) -> None:
        self.simulation: CrowdSimulation = open_crowd(
            seed=7, start_ns=T0, specs=INSTRUMENTS, pace=0
        )
        self.simulation.step(300, T0)
        self.listing = Listing(self.simulation.markets[BTC], "BTC-USDT", shortest)
        self.publisher = Publisher(
            lambda spec, now_ns: BookDiff(self.listing, written, now_ns, **options)
        )
        self.now_ns = T0
        self.got: dict[str, list[Any]] = {}

    def join(self, name: str, encoding: Encoding = Encoding()) -> Any:  # noqa: B008
        spec = TopicSpec(kind="book", symbol="BTC-USDT", cadence_ns=100 * MS)
        first = self.publisher.add("book", spec, name, self.now_ns, encoding)  # type: ignore[arg-type]
        self.got[name] = []
        return None if first is None else json.loads(first)

    def turn(self, steps: int = 20, ns: int = 100 * MS) -> None:
        events = self.simulation.step(steps, self.now_ns) if steps else []
        out: list[Publication] = self.publisher.publish(events, self.now_ns)
        self.now_ns += ns
        for one in [*out, *self.publisher.tick(self.now_ns)]:
            for name in one.to:
                assert isinstance(one.payload, bytes)
                self.got[name].append(json.loads(one.payload))  # type: ignore[index]

    def top(self, levels: int) -> list[list[tuple[str, str]]]:
        form = self.listing.format
        return [
            [(form.price[ticks], form.quantity[lots]) for ticks, lots, _ in side]
            for side in self.listing.market.top(levels)
        ]


def applied(snapshot: Any, updates: list[Any]) -> list[list[tuple[str, str]]]:
    """Both sides, best first, of a book that was kept from messages."""
    sides = []
    for side, descending in (("bids", True), ("asks", False)):
        levels = {price: quantity for price, quantity, _ in snapshot[side]}
        for update in updates:
            levels.update((price, quantity) for price, quantity, _ in update[side])
        rows = in_order({p: (q, 0) for p, q in levels.items() if q != "0"}, descending=descending)
        sides.append([(price, quantity) for price, quantity, _ in rows])
    return sides


def test_a_payload_is_built_once_for_each_unit() -> None:
    """Sessions with the same wish share the bytes."""
    room = Room()
    for name, encoding in (("a", Encoding()), ("b", Encoding()), ("c", MICRO)):
        room.join(name, encoding)
    room.turn()
    assert room.got["a"] == room.got["b"] != room.got["c"]
    assert room.got["c"][0]["time"] == 1000 * room.got["a"][0]["time"]


@pytest.mark.parametrize("levels", [None, 5, 50])
def test_snapshots_for_late_comers(levels: int | None) -> None:
    """Whoever comes, and whenever: the snapshot and what follows are the book; ids are linked."""
    room = Room(snapshots=True, levels=levels)
    snapshots = {"early": room.join("early")}
    for _ in range(3):
        room.turn()
    room.publisher.publish(room.simulation.step(20, room.now_ns), room.now_ns)
    snapshots["late"] = room.join("late")
    for _ in range(3):
        room.turn()
    for name, snapshot in snapshots.items():
        assert snapshot["snapshot"] and snapshot["ids"][2] == -1
        last = snapshot["ids"][1]
        for update in room.got[name]:
            assert update["ids"][2] == last
            last = update["ids"][1]
        assert applied(snapshot, room.got[name]) == room.top(levels or 10**6)


def test_a_window_of_the_book_never_grows() -> None:
    """A level that is pushed out is removed."""
    room = Room(levels=5)
    snapshot = room.join("a")
    for turn in range(10):
        room.turn()
        sides = applied(snapshot, room.got["a"])
        assert [len(side) for side in sides] == [5, 5], turn


def test_proof_of_life() -> None:
    """Without rows, with the last id, after so long without a change."""
    room = Room(repeat_ns=S)
    room.join("a")
    for _ in range(12):
        room.turn(steps=0)
    (empty,) = room.got["a"]
    first, last, previous = empty["ids"]
    assert empty["bids"] == empty["asks"] == [] and first == last == previous


def test_proof_of_life_beside_changes_that_are_not_shown() -> None:
    """The ids stay where the subscriber left them, and the next change links up."""
    room = Room(levels=1, repeat_ns=1)
    last = room.join("a")["ids"][1]
    for _ in range(40):
        room.turn()
    empty = 0
    for update in room.got["a"]:
        assert update["ids"][2] == last
        if not update["bids"] and not update["asks"]:
            empty += 1
            assert update["ids"][:2] == [last, last]
        last = update["ids"][1]
    assert empty


def test_a_subscriber_may_leave_in_the_middle() -> None:
    """What follows goes to those who are left; the last one takes the topic with him."""
    room = Room()
    room.join("a")
    room.join("b")
    room.turn()
    room.publisher.remove("book", "a")  # type: ignore[arg-type]
    room.turn()
    assert len(room.got["b"]) == len(room.got["a"]) + 1
    room.publisher.remove("book", "b")  # type: ignore[arg-type]
    assert not room.publisher.topics and room.publisher.next_tick_ns > room.now_ns + 10**17


def test_rows_are_in_the_order_of_prices() -> None:
    """Also where texts have no trailing zeros."""
    rows = in_order({text: ("1", 1) for text in ("9.5", "10", "9.05", "100.1", "9")})
    assert [price for price, _, _ in rows] == ["9", "9.05", "9.5", "10", "100.1"]
