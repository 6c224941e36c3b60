"""The matching engine: price-time priority, and an account of everything in its events."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vocx.lab.events import BestChanged, LevelChanged, Traded
from vocx.lab.market.book_side import DepthEstimate
from vocx.lab.market.engine import Book, ExecutionResult

SIDE = st.sampled_from(["buy", "sell"])
PRICE = st.integers(95, 105)
LOTS = st.integers(1, 20)
OWNER = st.sampled_from([None, "ann", "bob"])
SELF_TRADE = st.sampled_from(["expire_maker", "expire_taker", "expire_both", "none"])
OPERATION = st.one_of(
    st.tuples(
        st.just("limit"),
        SIDE,
        PRICE,
        LOTS,
        OWNER,
        st.sampled_from(["GTC", "IOC", "FOK", "POST_ONLY"]),
        SELF_TRADE,
    ),
    st.tuples(st.just("market"), SIDE, LOTS, OWNER, SELF_TRADE),
    st.tuples(st.just("cancel"), st.integers(1, 60)),
    st.tuples(st.just("cancel_owner"), st.sampled_from(["ann", "bob", "nobody"])),
)


def play(book: Book, operation: tuple) -> ExecutionResult | None:
    match operation:
        case ("limit", side, price, lots, owner, time_in_force, mode):
            return book.limit(
                1, side, price, lots, owner=owner, time_in_force=time_in_force, self_trade=mode
            )
        case ("market", side, lots, owner, mode):
            return book.market(1, side, quantity=lots, owner=owner, self_trade=mode)
        case ("cancel", number):
            return book.cancel(1, number)
        case (_, owner):
            return book.cancel_owner(1, owner)


def filled_book(*orders: tuple[str, int, int]) -> Book:
    book = Book("BTC/USDT")
    for side, price, lots in orders:
        book.limit(1, side, price, lots)
    return book


def trades(result: ExecutionResult) -> list[tuple[int, int, int]]:
    return [
        (event.price, event.quantity, event.maker_order)
        for event in result.events
        if isinstance(event, Traded)
    ]


@settings(max_examples=150, deadline=None)
@given(st.lists(OPERATION, max_size=60))
def test_the_book_always_adds_up(operations: list[tuple]) -> None:
    """Never crossed; a level's total is the sum of its orders, which it counts; keys are sorted
    and complete."""
    book = Book("BTC/USDT")
    for operation in operations:
        play(book, operation)
        bid, _, ask, _ = book.best()
        assert not (bid and ask) or bid < ask
        resting: dict[tuple[str, int], tuple[int, int]] = defaultdict(lambda: (0, 0))
        for order in book.orders.values():
            assert 0 < order.remaining <= order.quantity
            lots, orders = resting[order.side, order.price]
            resting[order.side, order.price] = lots + order.remaining, orders + 1
        bids, asks = book.top(1_000)
        assert bids == sorted(bids, reverse=True) and asks == sorted(asks)
        shown = {("buy", p): (q, n) for p, q, n in bids} | {("sell", p): (q, n) for p, q, n in asks}
        assert shown == resting
        assert {o.id for mine in book.owned.values() for o in mine.values()} == {
            o.id for o in book.orders.values() if o.owner
        }


@settings(max_examples=150, deadline=None)
@given(st.lists(OPERATION, max_size=60))
def test_events_alone_rebuild_the_book(operations: list[tuple]) -> None:
    """Applying each ``LevelChanged`` gives the book; ids have no gap; the best is announced
    exactly when it changes, at most once an operation, as of the newest update id."""
    book = Book("BTC/USDT", update_id=500)
    copy: dict[str, dict[int, tuple[int, int]]] = {"buy": {}, "sell": {}}
    best, update = (0, 0, 0, 0), 500
    for operation in operations:
        result = play(book, operation)
        said = []
        for event in result.events if result else []:
            if isinstance(event, LevelChanged):
                update += 1
                assert event.update_id == update
                copy[event.side][event.price] = event.quantity, event.orders
                if not event.quantity:
                    del copy[event.side][event.price]
            elif isinstance(event, BestChanged):
                said.append(event)
        rebuilt = [sorted((p, *level) for p, level in copy[side].items()) for side in copy]
        assert (rebuilt[0][::-1], rebuilt[1]) == book.top(1_000)
        assert len(said) == (book.best() != best)
        best = book.best()
        for event in said:
            assert event.update_id == book.update_id == update
            assert (event.bid, event.bid_quantity, event.ask, event.ask_quantity) == best


@settings(max_examples=150, deadline=None)
@given(st.lists(OPERATION, max_size=60))
def test_quantity_is_conserved(operations: list[tuple]) -> None:
    """What was placed was traded, expired, cancelled or rests, to the last lot; trade ids count
    up; a maker trades at its own price, never worse than the taker's limit."""
    book = Book("BTC/USDT")
    number = 0
    for operation in operations:
        before = sum(order.remaining for order in book.orders.values())
        result = play(book, operation)
        after = sum(order.remaining for order in book.orders.values())
        if result is None:
            continue
        traded = sum(fill.trade.quantity for fill in result.fills)
        gone = sum(order.remaining for order in result.cancelled)
        added = result.order.remaining if result.order and result.resting else 0
        assert after == before - traded - gone + added
        for fill in result.fills:
            number += 1
            assert fill.trade.trade_id == number
            assert fill.trade.price == fill.maker.price
            if operation[0] == "limit":
                better = fill.trade.price <= operation[2]
                assert better if operation[1] == "buy" else fill.trade.price >= operation[2]
        if result.order and not result.cancelled:
            assert result.order.remaining == result.order.quantity - traded


def test_the_earlier_order_at_a_price_trades_first() -> None:
    """First come, first served; a partly filled order keeps its place."""
    book = filled_book(("sell", 101, 5), ("sell", 100, 3), ("sell", 100, 4))
    assert trades(book.market(2, "buy", quantity=4)) == [(100, 3, 2), (100, 1, 3)]
    book.limit(3, "sell", 100, 9)
    assert trades(book.limit(4, "buy", 101, 20)) == [(100, 3, 3), (100, 9, 5), (101, 5, 1)]
    assert book.best() == (101, 3, 0, 0)


@pytest.mark.parametrize(
    ("time_in_force", "traded", "resting", "expired"),
    [
        ("GTC", 3, True, ""),
        ("IOC", 3, False, "unfilled"),
        ("FOK", 0, False, "unfilled"),
        ("POST_ONLY", 0, False, "would_match"),
    ],
)
def test_what_a_limit_order_may_do(
    time_in_force: str, traded: int, resting: bool, expired: str
) -> None:
    """5 lots wanted, 3 there: the four rules differ in what trades and what rests."""
    result = filled_book(("sell", 100, 3)).limit(2, "buy", 100, 5, time_in_force=time_in_force)
    assert sum(lots for _, lots, _ in trades(result)) == traded
    assert (result.resting, result.expired) == (resting, expired)


def test_fill_or_kill_counts_several_levels() -> None:
    """Enough within the limit price: all of it trades at once."""
    book = filled_book(("sell", 100, 3), ("sell", 101, 3), ("sell", 102, 3))
    assert book.limit(2, "buy", 101, 7, time_in_force="FOK").expired == "unfilled"
    assert trades(book.limit(3, "buy", 101, 6, time_in_force="FOK")) == [(100, 3, 1), (101, 3, 2)]


def test_a_quote_budget_buys_whole_lots() -> None:
    """350 ticks x lots: 3 lots at 100 leave 50, which buys nothing at 101."""
    book = filled_book(("sell", 100, 3), ("sell", 101, 3))
    assert book.asks.estimate(budget=350) == DepthEstimate(3, 300, True)


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_market_order_needs_a_quantity(quantity: int) -> None:
    """Nothing positive: refused, and the book is untouched."""
    book = filled_book(("sell", 100, 3))
    with pytest.raises(ValueError, match="positive"):
        book.market(2, "buy", quantity)
    assert book.best() == (0, 0, 100, 3)


def test_cancelling_what_is_not_there() -> None:
    """``None``, no event, no id used."""
    book = filled_book(("buy", 99, 1))
    assert book.cancel(2, 77) is None
    assert book.update_id == 1


def test_an_owner_leaves_in_one_operation() -> None:
    """All orders of one owner go; the best is announced once."""
    book = filled_book(("buy", 99, 1))
    for price in (98, 100, 101):
        book.limit(1, "buy", price, 2, owner="ann")
    result = book.cancel_owner(2, "ann")
    assert [order.price for order in result.cancelled] == [98, 100, 101]
    assert [type(event).__name__ for event in result.events] == ["LevelChanged"] * 3 + [
        "BestChanged"
    ]
    assert book.best() == (99, 1, 0, 0)


@settings(max_examples=150, deadline=None)
@given(st.lists(OPERATION, max_size=40), SIDE, LOTS, OWNER, SELF_TRADE)
def test_reach_foretells_what_a_market_order_does(
    operations: list[tuple], side: str, lots: int, owner: str | None, mode: str
) -> None:
    """Same lots, same cost; by a budget, an order of the lots found spends as much."""
    book = Book("BTC/USDT")
    for operation in operations:
        play(book, operation)
    half = book.asks if side == "buy" else book.bids
    by_budget = half.estimate(budget=lots * 100, owner=owner, self_trade=mode)
    found = half.estimate(quantity=by_budget.lots or lots, owner=owner, self_trade=mode)
    result = book.market(1, side, quantity=by_budget.lots or lots, owner=owner, self_trade=mode)
    fills = [(fill.trade.quantity, fill.trade.price) for fill in result.fills]
    assert by_budget.cost <= lots * 100
    assert found.cost == sum(lots * price for lots, price in fills)
    assert found.lots == sum(lots for lots, _ in fills)
    assert found.enough == (result.expired == "")
    assert by_budget.cost in (found.cost, 0)


@pytest.mark.parametrize(
    ("mode", "traded", "cancelled", "resting", "expired"),
    [
        ("expire_maker", [(100, 2, 1), (100, 3, 3)], [2], True, ""),
        ("expire_taker", [(100, 2, 1)], [], False, "self_trade"),
        ("expire_both", [(100, 2, 1)], [2], False, "self_trade"),
        ("none", [(100, 2, 1), (100, 5, 2), (100, 3, 3)], [], False, ""),
    ],
)
def test_an_owner_meets_an_order_of_its_own(
    mode: str, traded: list, cancelled: list, resting: bool, expired: str
) -> None:
    """10 lots wanted at a level of 2, 5 own and 3: what came before the own order trades, and
    the four modes differ in what becomes of the two that meet."""
    book = Book("BTC/USDT")
    for lots, owner in ((2, None), (5, "ann"), (3, "bob")):
        book.limit(1, "sell", 100, lots, owner=owner)
    result = book.limit(2, "buy", 100, 10, owner="ann", self_trade=mode)
    assert trades(result) == traded
    assert [order.id for order in result.cancelled] == cancelled
    assert (result.resting, result.expired) == (resting, expired)


def test_fill_or_kill_does_not_count_own_orders() -> None:
    """3 lots there, 2 of them own: 3 cannot be had, and nothing expires for trying."""
    book = Book("BTC/USDT")
    book.limit(1, "sell", 100, 2, owner="ann")
    book.limit(1, "sell", 100, 1)
    result = book.limit(
        2, "buy", 100, 3, owner="ann", time_in_force="FOK", self_trade="expire_maker"
    )
    assert result.expired == "unfilled" and not result.cancelled and len(book.orders) == 2


def test_the_crowd_tells_whose_orders_it_took() -> None:
    """Only its own matches with owned orders wait to be booked."""
    book = Book("BTC/USDT")
    for owner in (None, "ann", "bob"):
        book.limit(1, "sell", 100, 1, owner=owner)
    book.market(2, "buy", quantity=2)
    book.market(2, "buy", quantity=1, owner="ann")
    assert [fill.maker.owner for fill in book.passive_fills] == ["ann"]
