"""Hand-made copies of a book: compared with the truth, and what one lost message does to them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from vocx.course import book_copies
from vocx.facts import BookSnapshot
from vocx.lab.events import LevelChanged
from vocx.lab.market.instruments import INSTRUMENTS
from vocx.lab.market.simulation import open_crowd


def level(price: int, quantity: int) -> tuple[Decimal, Decimal]:
    return Decimal(price), Decimal(quantity)


TRUTH = BookSnapshot(
    symbol="BTC/USDT",
    bids=(level(99, 1), level(98, 1)),
    asks=(level(101, 1), level(102, 1)),
    sequence=0,
    arrived_ns=0,
)


def apply(book: book_copies.Book, change: book_copies.Change) -> None:
    for side, news in (("bids", change["b"]), ("asks", change["a"])):
        for price, quantity in news:
            book[side][Decimal(price)] = Decimal(quantity)
            if not Decimal(quantity):
                del book[side][Decimal(price)]


def change(number: int, bids: Any = (), asks: Any = ()) -> book_copies.Change:
    return {"U": number, "u": number, "b": bids, "a": asks}


def whole() -> book_copies.Book:
    return {"bids": dict(TRUTH.bids), "asks": dict(TRUTH.asks)}


def test_true_copy_is_said_to_be_right() -> None:
    """Nothing wrong, in words."""
    text = book_copies.compare_books(whole(), TRUTH)
    assert text == "0 of 4 levels wrong, best bid and ask right"


def test_wrong_copy_is_named_by_price() -> None:
    """Each wrong price counts once; a crossed copy is called so, with the true prices."""
    book = whole()
    book["bids"][Decimal(101)] = Decimal(1)
    book["asks"][Decimal(102)] = Decimal(5)
    text = book_copies.compare_books(book, TRUTH)
    assert text.startswith("2 of 5 levels wrong, best bid and ask 101.00 and 101.00 (crossed)")
    assert text.endswith("in truth 99.00 and 101.00")


def test_each_copy_misses_one_change_and_hears_the_rest() -> None:
    """Only the copy that missed the deletion keeps the ghost, and is wrong for good."""
    gone = change(2, bids=[("99", "0")])
    quiet = [change(number, asks=[("102", "2")]) for number in (1, 3, 4)]
    lost = book_copies.lose_each(apply, TRUTH, [quiet[0], gone, *quiet[1:]])
    assert [Decimal(99) in copy["bids"] for copy in lost.copies] == [False, True, False, False]
    assert lost.share(0) == 25.0 and lost.share(2) == 50.0
    assert "it gets worse" not in str(lost)


def test_changes_that_the_snapshot_has_are_skipped() -> None:
    """Ids up to the snapshot's belong to it."""
    assert not book_copies.lose_each(apply, TRUTH, [change(0, bids=[("99", "0")])]).copies


def test_pictures_show_the_share_and_the_worst_copy() -> None:
    """One line and the real market's marks; the copy in outline over the true book."""
    lost = book_copies.lose_each(apply, TRUTH, [change(1, bids=[("99", "0")]), change(2)])
    assert lost.chart().data[0].y[:2] == (50.0, 100.0)
    ghost = next(trace for trace in lost.ghosts().data if trace.name == "your copy, bids")
    assert list(ghost.x) == [99.0, 98.0]


def test_forty_losses_show_it_in_every_run() -> None:
    """On pieces of the lab's crowd that lie apart, more copies are wrong after ten seconds than at
    once: the experiment backs no wrong prediction."""
    spec = INSTRUMENTS[0]
    now_ns = 1_795_305_600_000_000_000
    simulation = open_crowd(seed=11, start_ns=now_ns, specs=[spec])

    def changed(ticks: int) -> list[dict[str, Any]]:
        nonlocal now_ns
        found = []
        for number in range(1, ticks + 1):
            now_ns += 100_000_000
            news: dict[str, dict[int, int]] = {"buy": {}, "sell": {}}
            while events := simulation.advance(now_ns):
                for event in events:
                    if isinstance(event, LevelChanged):
                        news[event.side][event.price] = event.quantity
            found.append(change(number, news["buy"].items(), news["sell"].items()))
        return found

    for _ in range(4):
        changed(100)
        sides = simulation.markets[spec.symbol].top(500)
        bids, asks = (tuple(level(row[0], row[1]) for row in side) for side in sides)
        snapshot = BookSnapshot(symbol="BTC/USDT", bids=bids, asks=asks, sequence=0, arrived_ns=0)
        lost = book_copies.lose_each(apply, snapshot, changed(book_copies.COPIES + 100))
        assert lost.share(100) > lost.share(0) and "it gets worse" in str(lost)
