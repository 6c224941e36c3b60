"""Accounts: what orders cost, what their owners are told, and that nothing is ever lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vocx.errors import BadInput
from vocx.lab.accounts import order_store as order_store_module
from vocx.lab.accounts.accounts import START, Accounts
from vocx.lab.accounts.fees import FeeSchedule
from vocx.lab.events import (
    BalancesChanged,
    BestChanged,
    Event,
    Executed,
    InstrumentSpec,
    LevelChanged,
    NewOrder,
    OrderState,
    Rejection,
    Traded,
)
from vocx.lab.market.engine import Book
from vocx.lab.market.instruments import INSTRUMENTS
from vocx.lab.market.simulation import open_crowd

SECOND = 1_000_000_000
BTC, ETH = "BTC/USDT", "ETH/BTC"
IN_QUOTE = FeeSchedule(maker=D("0.004"), taker=D("0.006"), asset="quote")


class Quiet:
    """A market without a crowd."""

    def __init__(self, base: str, quote: str, tick: str, lot: str) -> None:
        self.spec = InstrumentSpec(base=base, quote=quote, tick=D(tick), lot=D(lot), price=D(1))
        self.book = Book(self.spec.symbol)
        self.trades: list[Traded] = []

    def record(self, events: Iterable[Event]) -> None:
        self.trades += [event for event in events if isinstance(event, Traded)]


class Exchange:
    """Two markets that share an asset; on the second, one tick x lot is finer than 1e-8."""

    def __init__(self, **balances: dict[str, int]) -> None:
        self.markets = {
            BTC: Quiet("BTC", "USDT", "0.01", "0.00001"),
            ETH: Quiet("ETH", "BTC", "0.00001", "0.0001"),
        }
        self.clock = 0
        self.accounts = Accounts(self.markets.values(), self.stamp)
        for owner, given_ in balances.items():
            self.accounts.open(owner, {asset: D(amount) for asset, amount in given_.items()})
        self.count = 0

    def stamp(self, now_ns: int) -> int:
        self.clock = max(self.clock, now_ns)
        return self.clock

    def crowd(
        self, side: str, price: int, lots: int, symbol: str = BTC, time_in_force: str = "GTC"
    ) -> list:
        """The crowd acts: what accounts are told."""
        self.markets[symbol].book.limit(self.clock, side, price, lots, time_in_force=time_in_force)
        return self.accounts.crowd_took(symbol, self.clock)

    def order(self, owner: str, side: str, **more: Any) -> NewOrder:
        self.count += 1
        given_ = {"symbol": BTC, "type": "limit", "client_order_id": f"c{self.count}", **more}
        return NewOrder(owner=owner, side=side, **given_)

    def place(self, owner: str, side: str, **more: Any) -> tuple[OrderState, list]:
        return self.accounts.place(self.order(owner, side, **more), 1)

    def told(self, owner: str, side: str, **more: Any) -> list[tuple[str, str, str]]:
        """(owner, what, status) of each order event of one placement."""
        _, events = self.place(owner, side, **more)
        return [(e.owner, e.what, e.order.status) for e in events if isinstance(e, Executed)]

    def has(self, owner: str, asset: str) -> tuple[D, D]:
        return self.accounts.balances(owner)[asset]


def rich() -> Exchange:
    """Ann and Bob, each with 10 BTC, 100 ETH and 1,000,000 USDT."""
    each = {"BTC": 10, "ETH": 100, "USDT": 1_000_000}
    return Exchange(ann=each, bob=each)


# -- whatever is done, in whatever order -------------------------------------------------------

OWNER = st.sampled_from(["ann", "bob", "cat"])
SYMBOL = st.sampled_from([BTC, ETH])
SIDE = st.sampled_from(["buy", "sell"])
PRICE = st.integers(4_241, 4_251)
LOTS = st.integers(1, 40_000)
SHAPE = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.just("limit"),
            "price": PRICE,
            "quantity": LOTS,
            "time_in_force": st.sampled_from(["GTC", "GTC", "POST_ONLY", "IOC", "FOK"]),
        }
    ),
    st.fixed_dictionaries({"type": st.just("market"), "quantity": LOTS}),
    st.fixed_dictionaries(
        {"type": st.just("market"), "quote": st.integers(1, 10**7).map(lambda n: n * D("1E-6"))}
    ),
)
MODE = st.sampled_from(["expire_maker", "expire_taker", "expire_both", "none"])
ACTION = st.one_of(
    st.tuples(st.just("place"), SYMBOL, OWNER, SIDE, SHAPE, MODE),
    st.tuples(st.just("place"), SYMBOL, OWNER, SIDE, SHAPE, MODE),
    st.tuples(st.just("crowd"), SYMBOL, SIDE, PRICE, LOTS),
    st.tuples(st.just("cancel"), SYMBOL, OWNER, st.integers(0, 9)),
    st.tuples(st.just("cancel_all"), SYMBOL, OWNER),
)


def act(exchange: Exchange, action: tuple) -> list:
    accounts = exchange.accounts
    match action:
        case ("place", symbol, owner, side, shape, mode):
            return exchange.place(owner, side, symbol=symbol, self_trade=mode, **shape)[1]
        case ("crowd", symbol, side, price, lots):
            return exchange.crowd(side, price, lots, symbol)
        case ("cancel", symbol, owner, number):
            live = accounts.orders(owner, symbol, open_only=True)
            order_id = live[number % len(live)].id if live else 999_999
            return accounts.cancel(owner, symbol, order_id, now_ns=1)[1]
        case (_, symbol, owner):
            return accounts.cancel_all(owner, symbol, 1)[1]


def poor() -> Exchange:
    """Three owners who often cannot afford what they want; one pays fees in the quote asset."""
    exchange = Exchange(ann={"BTC": 1, "ETH": 5, "USDT": 30}, bob={"BTC": 1, "ETH": 9})
    exchange.accounts.open("cat", {"USDT": D(50), "BTC": D("0.02")}, IN_QUOTE)
    return exchange


@settings(max_examples=200, deadline=None)
@given(st.lists(ACTION, max_size=50))
def test_nothing_is_lost_or_made(actions: list[tuple]) -> None:
    """Whoever trades whatever: accounts + fees + outside stay the same to the last digit, no
    balance is negative, what is locked is what open orders need, and no book is crossed."""
    exchange = poor()
    accounts, ledger = exchange.accounts, exchange.accounts.ledger
    totals = {asset: ledger.total(asset) for asset in ledger.digits}
    for action in actions:
        act(exchange, action)
        assert {asset: ledger.total(asset) for asset in totals} == totals
        for owner in accounts.owners:
            locked = dict.fromkeys(totals, 0)
            for state in accounts.orders(owner, open_only=True):
                scale = ledger.scales[state.request.symbol]
                left = state.quantity - state.filled
                asset, units = ledger.needed(
                    owner, scale, state.request.side, state.request.price * left, left
                )
                locked[asset] += units
            for asset, amounts in accounts.balances(owner).items():
                assert amounts[0] >= 0
                assert amounts[1] == ledger.amount(asset, locked[asset])
        for market in exchange.markets.values():
            bid, _, ask, _ = market.book.best()
            assert not (bid and ask) or bid < ask


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTION, max_size=50))
def test_orders_are_the_sum_of_their_fills(actions: list[tuple]) -> None:
    """Quantity, worth and fees of fills add up to their orders; an open order rests in the book
    with what is left of it, and no other does."""
    exchange = poor()
    for action in actions:
        act(exchange, action)
    for symbol, market in exchange.markets.items():
        for owner in exchange.accounts.owners:
            filled: dict[int, tuple[int, D]] = defaultdict(lambda: (0, D(0)))
            for fill in exchange.accounts.fills(owner, symbol):
                lots, quote = filled[fill.order.id]
                filled[fill.order.id] = lots + fill.trade.quantity, quote + fill.quote
                assert (fill.order.filled, fill.order.filled_quote) == filled[fill.order.id]
            states = exchange.accounts.orders(owner, symbol)
            assert {s.id: (s.filled, s.filled_quote) for s in states if s.filled} == filled
            resting = market.book.owned.get(owner, {})
            assert {s.id: s.quantity - s.filled for s in states if s.open} == {
                order.id: order.remaining for order in resting.values()
            }
            assert all((s.status == "filled") == (s.filled == s.quantity) for s in states)


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTION, max_size=40))
def test_the_earlier_order_at_a_price_is_filled_first(actions: list[tuple]) -> None:
    """Matches go from the best price outwards, and at a price by age, whoever owns the orders."""
    exchange = poor()
    for action in actions:
        market = exchange.markets[action[1]]
        before = len(market.trades)
        events = act(exchange, action)
        made = [event for event in events if isinstance(event, Traded)]
        assert made == market.trades[before:]
        for one, two in zip(made, made[1:], strict=False):
            better = one.price < two.price if one.taker == "buy" else one.price > two.price
            assert better or (one.price == two.price and one.maker_order < two.maker_order)
        for trade in made:
            half = market.book.asks if trade.taker == "buy" else market.book.bids
            level = half.levels.get(trade.price)
            assert level is None or min(level.orders) >= trade.maker_order


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTION, max_size=40))
def test_owners_are_told_in_the_order_of_the_rule(actions: list[tuple]) -> None:
    """Market first, then orders with growing execution ids, then one report of balances for each
    owner, which is what they have; an order begins with ``new`` and says no more once ended."""
    exchange, executions = poor(), 0
    ended: set[tuple[str, int]] = set()
    for action in actions:
        events = act(exchange, action)
        rank = {Traded: 0, LevelChanged: 0, BestChanged: 0, Executed: 1, BalancesChanged: 2}
        ranks = [rank[type(event)] for event in events]
        assert ranks == sorted(ranks)
        for event in events:
            if isinstance(event, Executed):
                executions += 1
                key = event.order.request.symbol, event.order.id
                assert event.execution_id == executions and key not in ended
                assert (event.what == "trade") == (event.fill is not None)
                if not event.order.open:
                    ended.add(key)
        told = [event for event in events if isinstance(event, BalancesChanged)]
        owners = {event.owner for event in events if isinstance(event, Executed)}
        assert len(told) == len(owners) and {event.owner for event in told} == owners
        for event in told:
            assert all(exchange.has(event.owner, a) == (f, h) for a, f, h in event.balances)


# -- fees and counts -----------------------------------------------------------------------------


def test_a_schedule_may_take_its_fees_in_quote() -> None:
    """A resting buy holds its dearest fee and pays the maker's; the rest comes back."""
    exchange = rich()
    exchange.accounts.open("cat", {"USDT": D(1_000), "BTC": D(1)}, IN_QUOTE)
    exchange.place("cat", "buy", price=6_000_000, quantity=1_000)
    assert exchange.has("cat", "USDT") == (D("396.4"), D("603.6"))
    exchange.place("bob", "sell", price=6_000_000, quantity=1_000)
    assert exchange.has("cat", "USDT") == (D("397.6"), 0) and exchange.has("cat", "BTC")[0] == D(
        "1.01"
    )
    (fill,) = exchange.accounts.fills("cat", BTC)
    assert (fill.maker, fill.fee, fill.fee_asset) == (True, D("2.4"), "USDT")
    (fill,) = exchange.accounts.fills("bob", BTC)
    assert (fill.maker, fill.fee, fill.fee_asset) == (False, D("0.6"), "USDT")


def test_a_buy_must_afford_its_fee_where_that_is_taken_in_quote() -> None:
    """600 USDT do not pay for 600 USDT and a fee; a sell needs only what it sells."""
    exchange = Exchange()
    exchange.accounts.open("cat", {"USDT": D(600), "BTC": D("0.01")}, IN_QUOTE)
    answer, _ = exchange.place("cat", "buy", price=6_000_000, quantity=1_000)
    assert answer == Rejection("insufficient_balance")
    state, _ = exchange.place("cat", "sell", price=6_000_000, quantity=1_000)
    assert state.open and exchange.has("cat", "BTC") == (0, D("0.01"))


@pytest.mark.parametrize("rate", [D(1), D("-0.1"), 0.001])
def test_a_fee_is_an_exact_share(rate: Any) -> None:
    """From 0 to below 1, and no float."""
    with pytest.raises(BadInput, match="share"):
        FeeSchedule(maker=D(0), taker=rate)


def test_an_account_counts_first_fills() -> None:
    """Each order once, by the role of its first fill, whoever else trades in between."""
    exchange = rich()
    exchange.place("ann", "buy", price=6_000_000, quantity=3)
    exchange.place("bob", "sell", price=6_000_000, quantity=1)
    exchange.crowd("sell", 6_000_000, 1)
    exchange.place("bob", "sell", price=6_000_000, quantity=5)
    assert exchange.accounts.first_fills("ann") == (1, 0)
    assert exchange.accounts.first_fills("bob") == (0, 2)


def test_what_happened_is_told_at_once() -> None:
    """Whoever publishes gets every operation's events as the caller does; a refusal is none."""
    exchange, told = rich(), []
    exchange.accounts.on_events = told.append
    state, placed = exchange.place("ann", "buy", price=6_000_000, quantity=3)
    exchange.place("ann", "buy", price=6_000_000, quantity=10**9)
    _, canceled = exchange.accounts.cancel("ann", BTC, state.id, now_ns=7)
    assert told == [placed, canceled] and exchange.accounts.updated_ns("ann") == 7
    assert exchange.accounts.updated_ns("bob") is None


# -- funds -------------------------------------------------------------------------------------


def test_a_resting_buy_locks_price_times_quantity() -> None:
    """0.01 BTC at 60,000 hold 600 USDT; the cancel gives them back."""
    exchange = rich()
    state, _ = exchange.place("ann", "buy", price=6_000_000, quantity=1_000)
    assert exchange.has("ann", "USDT") == (D(999_400), D(600))
    gone, events = exchange.accounts.cancel("ann", BTC, state.id, now_ns=2)
    assert gone is not None and gone.status == "canceled"
    assert exchange.has("ann", "USDT") == (D(1_000_000), 0)
    assert [type(event) for event in events[-2:]] == [Executed, BalancesChanged]


def test_a_better_price_gives_the_difference_back() -> None:
    """A buy at 60,010 that meets 60,000 pays 60,000, and its fee in what it received."""
    exchange = rich()
    exchange.crowd("sell", 6_000_000, 400)
    state, _ = exchange.place("ann", "buy", price=6_001_000, quantity=1_000)
    assert (state.status, state.filled_quote) == ("partially_filled", D(240))
    assert exchange.has("ann", "USDT") == (D("999399.94"), D("360.06"))
    assert exchange.has("ann", "BTC") == (D("10.003996"), 0)


def test_a_seller_pays_its_fee_in_the_quote_asset() -> None:
    """A resting sell that somebody takes gets price x quantity less 0.1 %."""
    exchange = rich()
    exchange.place("ann", "sell", price=6_000_000, quantity=1_000)
    assert exchange.has("ann", "BTC") == (D("9.99"), D("0.01"))
    exchange.place("bob", "buy", type="market", quantity=1_000)
    assert exchange.has("ann", "USDT") == (D("1000599.4"), 0)
    assert exchange.has("bob", "BTC") == (D("10.00999"), 0)
    (fill,) = exchange.accounts.fills("ann", BTC)
    assert (fill.maker, fill.fee, fill.fee_asset) == (True, D("0.6"), "USDT")


def test_both_sides_of_a_match_agree_on_what_it_is_worth() -> None:
    """0.0003 x 0.04247 = 0.000012741 is finer than the wire: paid and received as 0.00001274."""
    exchange = rich()
    exchange.place("ann", "buy", symbol=ETH, price=4_247, quantity=3)
    assert exchange.has("ann", "BTC")[1] == D("0.00001274")
    exchange.place("bob", "sell", symbol=ETH, type="market", quantity=3)
    assert exchange.has("ann", "BTC") == (D("9.99998726"), 0)
    assert exchange.has("bob", "BTC")[0] == D("10.00001273")


@pytest.mark.parametrize(("lots", "taken"), [(1_000, True), (1_001, False)])
def test_a_market_buy_must_afford_the_book(lots: int, taken: bool) -> None:
    """Funds are checked against what the order would cost level by level, before it trades."""
    exchange = Exchange(ann={"USDT": 605})
    exchange.crowd("sell", 6_000_000, 500)
    exchange.crowd("sell", 6_100_000, 5_000)
    order = exchange.order("ann", "buy", type="market", quantity=lots)
    answer, events = exchange.accounts.place(order, 1)
    assert (answer == Rejection("insufficient_balance")) != taken
    assert bool(events) == bool(exchange.accounts.orders("ann")) == taken


def test_a_buyer_without_enough_is_refused_before_anything_happens() -> None:
    """The whole limit order must be covered, whatever the book would charge."""
    exchange = Exchange(ann={"USDT": 599})
    exchange.crowd("sell", 1_000, 1_000)
    assert exchange.place("ann", "buy", price=6_000_000, quantity=1_000) == (
        Rejection("insufficient_balance"),
        [],
    )
    assert exchange.has("ann", "USDT") == (599, 0)


# -- kinds of orders ---------------------------------------------------------------------------


def test_a_quote_amount_chooses_the_quantity() -> None:
    """300 USDT against the documentation's book: 0.00498 BTC for 299.400288, in two fills."""
    exchange = rich()
    exchange.crowd("sell", 6_012_050, 300)
    exchange.crowd("sell", 6_012_060, 5_000)
    state, events = exchange.place("ann", "buy", type="market", quote=D(300))
    assert (state.status, state.quantity, state.filled) == ("filled", 498, 498)
    assert state.filled_quote == D("299.40028800")
    fees = [e.fill.fee for e in events if isinstance(e, Executed) and e.fill]
    assert fees == [D("0.000003"), D("0.00000198")]


@pytest.mark.parametrize(
    ("side", "size"),
    [("buy", {"quantity": 900}), ("buy", {"quote": D(540)}), ("sell", {"quote": D(540)})],
)
def test_a_book_that_runs_dry_expires_the_rest(side: str, size: dict) -> None:
    """What finds no counterpart is over at once, and says why."""
    exchange = rich()
    exchange.crowd("sell" if side == "buy" else "buy", 6_000_000, 500)
    state, events = exchange.place("ann", side, type="market", **size)
    assert (state.quantity, state.filled, state.status) == (900, 500, "expired")
    assert state.reason == "insufficient_liquidity"
    assert [e.what for e in events if isinstance(e, Executed)] == ["new", "trade", "expired"]


def test_an_empty_book_sells_nothing_for_a_quote_amount() -> None:
    """Not one lot to be had: refused. By quantity the order is taken and expires."""
    exchange = rich()
    assert exchange.place("ann", "buy", type="market", quote=D(300))[0] == Rejection("no_liquidity")
    assert exchange.told("ann", "buy", type="market", quantity=5) == [
        ("ann", "new", "new"),
        ("ann", "expired", "expired"),
    ]


@pytest.mark.parametrize(
    ("time_in_force", "filled", "reason"),
    [("IOC", 400, "unfilled_ioc"), ("FOK", 0, "unfilled_fok")],
)
def test_leftovers_expire_and_release_their_funds(
    time_in_force: str, filled: int, reason: str
) -> None:
    """Immediate-or-cancel keeps what it got, fill-or-kill gets nothing; nothing stays locked."""
    exchange = rich()
    exchange.crowd("sell", 6_000_000, 400)
    state, _ = exchange.place(
        "ann", "buy", price=6_000_000, quantity=1_000, time_in_force=time_in_force
    )
    assert (state.filled, state.status, state.reason) == (filled, "expired", reason)
    assert exchange.has("ann", "USDT")[1] == 0


def test_a_post_only_order_that_would_match_never_existed() -> None:
    """No order, no id used, no funds moved; one tick lower it rests."""
    exchange = rich()
    exchange.crowd("sell", 6_000_000, 400)
    order = exchange.order("ann", "buy", time_in_force="POST_ONLY", price=6_000_000, quantity=10)
    assert exchange.accounts.place(order, 1) == (Rejection("would_match"), [])
    assert exchange.accounts.orders("ann") == [] and exchange.has("ann", "USDT")[1] == 0
    state, _ = exchange.place("ann", "buy", time_in_force="POST_ONLY", price=5_999_999, quantity=10)
    assert (state.id, state.status) == (2, "new")


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("expire_maker", [("new", "new"), ("expired", "expired_in_match")]),
        ("expire_taker", [("new", "new"), ("expired", "expired_in_match")]),
        ("expire_both", [("new", "new")] + 2 * [("expired", "expired_in_match")]),
        ("none", [("new", "new"), ("trade", "filled"), ("trade", "filled")]),
    ],
)
def test_an_account_meets_itself(mode: str, told: list[tuple[str, str]]) -> None:
    """The arriving order says which of the two expires; funds of the expired one are free."""
    exchange = rich()
    exchange.place("ann", "sell", price=6_000_000, quantity=10)
    events = exchange.told("ann", "buy", price=6_000_000, quantity=10, self_trade=mode)
    assert [(what, status) for _, what, status in events] == told
    locked = [bool(exchange.has("ann", asset)[1]) for asset in ("BTC", "USDT")]
    assert locked == [mode == "expire_taker", mode == "expire_maker"]


def test_both_owners_are_told_of_their_match() -> None:
    """Taker first, then the maker; then the balances of both."""
    exchange = rich()
    exchange.place("ann", "sell", price=6_000_000, quantity=10)
    _, events = exchange.place("bob", "buy", price=6_000_000, quantity=30)
    told = [(e.owner, e.what, e.order.status) for e in events if isinstance(e, Executed)]
    assert told == [
        ("bob", "new", "new"),
        ("bob", "trade", "partially_filled"),
        ("ann", "trade", "filled"),
    ]
    assert [e.owner for e in events if isinstance(e, BalancesChanged)] == ["bob", "ann"]


# -- names and queries -------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["cancel", "fill", "expire"])
def test_a_client_order_id_is_free_once_its_order_has_ended(end: str) -> None:
    """One open order at a time, on whatever symbol; afterwards the id finds the newest."""
    exchange = rich()
    given_ = {"price": 6_000_000, "quantity": 10, "client_order_id": "mine"}
    state, _ = exchange.place("ann", "buy", **given_)
    other = exchange.place("ann", "buy", symbol=ETH, **given_ | {"price": 4_000})
    assert other == (Rejection("duplicate_client_order_id"), [])
    assert isinstance(exchange.place("bob", "buy", **given_)[0], OrderState)
    if end == "cancel":
        exchange.accounts.cancel("ann", BTC, client_order_id="mine", now_ns=2)
    elif end == "fill":
        exchange.crowd("sell", 6_000_000, 10)
    else:
        exchange.place("ann", "sell", price=6_000_000, quantity=10)
    again, _ = exchange.place("ann", "buy", **given_)
    assert exchange.accounts.order("ann", BTC, client_order_id="mine") == again
    old = exchange.accounts.order("ann", BTC, state.id)
    assert old is not None and not old.open


def test_an_order_is_found_and_cancelled_by_either_id() -> None:
    """Both ids must agree; a cancelled order is found by the id of its cancel, too."""
    exchange = rich()
    accounts = exchange.accounts
    state, _ = exchange.place("ann", "buy", price=9, quantity=9, client_order_id="one")
    assert accounts.order("ann", BTC, state.id, "one") == state
    assert accounts.order("ann", BTC, state.id, "two") is None
    assert accounts.order("bob", BTC, state.id) is accounts.order("ann", ETH, state.id) is None
    assert accounts.cancel("ann", BTC, state.id, "two", now_ns=2) == (None, [])
    gone, _ = accounts.cancel("ann", BTC, client_order_id="one", cancel_id="bye", now_ns=2)
    assert gone is not None and (gone.cancel_id, gone.updated_ns) == ("bye", 2)
    assert accounts.order("ann", BTC, client_order_id="bye") == gone
    assert accounts.order("ann", BTC, client_order_id="one") == gone
    assert accounts.cancel("ann", BTC, state.id, now_ns=3) == (None, [])


def test_an_amended_order_keeps_its_place() -> None:
    """Less is wanted and held, under another client id; who came later trades later."""
    exchange = rich()
    accounts = exchange.accounts
    first, _ = exchange.place("ann", "buy", price=900, quantity=90_000, client_order_id="one")
    exchange.place("bob", "buy", price=900, quantity=10_000)
    _, locked = exchange.has("ann", "USDT")
    state, events = accounts.amend("ann", BTC, first.id, 30_000, "two", now_ns=2)
    assert isinstance(state, OrderState) and (state.quantity, state.status) == (30_000, "new")
    assert exchange.has("ann", "USDT")[1] == locked / 3
    told = [event for event in events if isinstance(event, Executed)]
    assert [(one.what, one.previous_id) for one in told] == [("replaced", "one")]
    assert accounts.order("ann", BTC, client_order_id="two") == state
    exchange.place("ann", "buy", price=800, quantity=9, client_order_id="one")
    exchange.crowd("sell", 900, 30_000)
    assert [one.request.owner for one in accounts.orders("ann", BTC) if one.filled] == ["ann"]
    assert not any(one.filled for one in accounts.orders("bob", BTC))


def test_an_order_amended_in_price_goes_behind_others() -> None:
    """Another price, or more at its own: the same id, another place, what it needs is held."""
    exchange = rich()
    accounts = exchange.accounts
    first, _ = exchange.place("ann", "buy", price=900, quantity=10_000)
    exchange.place("bob", "buy", price=900, quantity=10_000)
    _, locked = exchange.has("ann", "USDT")
    more, events = accounts.amend("ann", BTC, first.id, 20_000, price=900, now_ns=2)
    assert isinstance(more, OrderState) and (more.id, more.quantity) == (first.id, 20_000)
    assert exchange.has("ann", "USDT")[1] == 2 * locked
    assert [one.what for one in events if isinstance(one, Executed)] == ["replaced"]
    exchange.crowd("sell", 900, 10_000)
    assert [one.request.owner for one in accounts.orders("bob", BTC) if one.filled] == ["bob"]
    assert not any(one.filled for one in accounts.orders("ann", BTC))
    lower, _ = accounts.amend("ann", BTC, first.id, 20_000, price=450, now_ns=3)
    assert isinstance(lower, OrderState) and lower.request.price == 450
    assert exchange.has("ann", "USDT")[1] == locked


def test_an_order_amended_across_the_book_matches() -> None:
    """It takes what its new price reaches, and the rest waits there."""
    exchange = rich()
    accounts = exchange.accounts
    exchange.place("bob", "sell", price=1_000, quantity=4_000)
    mine, _ = exchange.place("ann", "buy", price=900, quantity=10_000)
    state, events = accounts.amend("ann", BTC, mine.id, 10_000, price=1_000, now_ns=2)
    assert isinstance(state, OrderState)
    assert (state.status, state.filled) == ("partially_filled", 4_000)
    told = [(e.owner, e.what) for e in events if isinstance(e, Executed)]
    assert told == [("ann", "replaced"), ("ann", "trade"), ("bob", "trade")]
    assert accounts.order("ann", BTC, mine.id) == state


def test_amendments_in_price_that_are_refused() -> None:
    """What cannot be paid, what may only rest, what is filled already, and no change at all."""
    exchange = rich()
    accounts = exchange.accounts
    exchange.place("bob", "sell", price=1_000, quantity=4_000)
    rests, _ = exchange.place(
        "ann", "buy", price=900, quantity=50, time_in_force="POST_ONLY", client_order_id="one"
    )
    before = exchange.has("ann", "USDT")

    def asked(quantity: int, price: int) -> object:
        return accounts.amend("ann", BTC, rests.id, quantity, price=price, now_ns=2)

    assert asked(50, 1_000) == (Rejection("would_match"), [])
    assert asked(10**15, 900) == (Rejection("insufficient_balance"), [])
    assert asked(50, 900) == asked(0, 800) == (None, [])
    assert exchange.has("ann", "USDT") == before


def test_a_rejected_order_is_remembered() -> None:
    """It has an id and a place in the history, holds nothing, and its owner is told."""
    exchange = rich()
    accounts = exchange.accounts
    order = exchange.order("ann", "buy", price=900, quantity=50)
    before = exchange.has("ann", "USDT")
    state, events = accounts.reject(order, "would_match", 5)
    assert (state.status, state.reason, state.open) == ("rejected", "would_match", False)
    assert accounts.order("ann", BTC, state.id) == state
    assert accounts.order("ann", BTC, client_order_id=order.client_order_id) == state
    assert [one.what for one in events if isinstance(one, Executed)] == ["rejected"]
    assert exchange.has("ann", "USDT") == before
    following, _ = exchange.place("ann", "buy", price=900, quantity=50)
    assert following.id > state.id


@pytest.mark.parametrize("quantity", [0, 10, 50, 51])
def test_refused_amendments(quantity: int) -> None:
    """Not below what is filled, not what it is already, not more."""
    exchange = rich()
    order, _ = exchange.place("ann", "buy", price=900, quantity=50)
    exchange.crowd("sell", 900, 10)
    assert exchange.accounts.amend("ann", BTC, order.id, quantity, now_ns=2) == (None, [])


def test_an_amendment_takes_no_other_orders_id() -> None:
    """A client id belongs to one open order."""
    exchange = rich()
    order, _ = exchange.place("ann", "buy", price=900, quantity=50)
    other, _ = exchange.place("ann", "buy", price=900, quantity=50)
    name = other.request.client_order_id
    found, _ = exchange.accounts.amend("ann", BTC, order.id, 9, name, now_ns=2)
    assert found == Rejection("duplicate_client_order_id")


def test_cancel_all_leaves_others_and_other_symbols_alone() -> None:
    """Oldest first, one report of balances; nothing to cancel changes nothing."""
    exchange = rich()
    ids = [exchange.place("ann", "buy", price=price, quantity=9)[0].id for price in (9, 8)]
    exchange.place("bob", "buy", price=9, quantity=9)
    exchange.place("ann", "buy", symbol=ETH, price=9, quantity=9)
    states, events = exchange.accounts.cancel_all("ann", BTC, 2, "bye")
    assert [(s.id, s.status, s.cancel_id) for s in states] == [(i, "canceled", "bye") for i in ids]
    assert sum(isinstance(event, BalancesChanged) for event in events) == 1
    assert exchange.accounts.open_count("ann", ETH) == exchange.accounts.open_count("bob", BTC) == 1
    assert exchange.accounts.cancel_all("ann", BTC, 3) == ([], [])


def test_the_oldest_closed_orders_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open orders never are, however old."""
    monkeypatch.setattr(order_store_module, "CLOSED_ORDERS", 3)
    exchange = rich()
    exchange.place("ann", "buy", price=1, quantity=1, client_order_id="open")
    for _ in range(5):
        exchange.place("ann", "buy", type="market", quantity=1)
    assert [state.id for state in exchange.accounts.orders("ann")] == [1, 4, 5, 6]
    assert exchange.accounts.order("ann", BTC, client_order_id="c2") is None
    assert exchange.accounts.orders("ann", open_only=True)[0].request.client_order_id == "open"


# -- opening -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("balances", "text"),
    [
        ({"DOGE": D(1)}, "no 'DOGE'; it has BTC, USDT, ETH"),
        ({"BTC": D(-1)}, "write a Decimal from 0"),
        ({"BTC": D("NaN")}, "write a Decimal from 0"),
        ({"BTC": 0.1}, "write a Decimal from 0"),
        ({"BTC": D("0.000000001")}, "too fine; 8 decimals fit"),
    ],
)
def test_an_account_opens_with_what_can_be_counted(balances: dict, text: str) -> None:
    """Refused with what to write instead; no account is left behind."""
    exchange = rich()
    with pytest.raises(BadInput, match=text):
        exchange.accounts.open("cat", balances)
    exchange.accounts.open("cat")
    assert exchange.has("cat", "BTC") == (START["BTC"], 0)
    with pytest.raises(BadInput, match="has an account already"):
        exchange.accounts.open("cat")


@pytest.mark.parametrize(
    ("order", "text"),
    [
        ({"owner": "eve", "price": 1, "quantity": 1}, "open one first"),
        ({"symbol": "X/Y", "price": 1, "quantity": 1}, "it has BTC/USDT, ETH/BTC"),
        ({"price": 0, "quantity": 1}, "positive price"),
        ({"price": 1, "quantity": -1}, "positive quantity"),
        ({"type": "market", "quantity": 1, "quote": D(1)}, "either a quantity or a quote"),
        ({"type": "market"}, "either a quantity or a quote"),
    ],
)
def test_an_order_without_sense_is_an_error(order: dict, text: str) -> None:
    """Not a rejection of the exchange: whoever calls should have checked."""
    exchange = rich()
    with pytest.raises(BadInput, match=text):
        exchange.place(**{"owner": "ann", "side": "buy"} | order)
    assert exchange.accounts.orders("ann") == []


# -- with the crowd ----------------------------------------------------------------------------


def test_the_crowd_fills_a_resting_order() -> None:
    """An order at the best price is filled by ``advance``: its owner is told between the
    market's events, in time, and the tape has the match."""
    simulation = open_crowd(seed=3, start_ns=SECOND, specs=INSTRUMENTS[:1])
    simulation.accounts.open("ann")
    bid = simulation.markets[BTC].best()[0]
    order = NewOrder(
        owner="ann", symbol=BTC, side="buy", type="limit", price=bid, quantity=9, client_order_id=""
    )
    state, _ = simulation.accounts.place(order, 2 * SECOND)
    assert isinstance(state, OrderState) and state.created_ns == 2 * SECOND
    events: list = []
    for tenths in range(20, 1_000):
        events += simulation.advance(tenths * SECOND // 10, 10**6)
        if any(isinstance(event, Executed) for event in events):
            break
    (told,) = [event for event in events if isinstance(event, Executed)]
    assert (told.what, told.order.status, told.fill.maker) == ("trade", "filled", True)
    assert told.fill.trade in simulation.markets[BTC].trades(1_000)
    assert all(a.at_ns <= b.at_ns for a, b in zip(events, events[1:], strict=False))
    assert simulation.accounts.balances("ann")["BTC"][0] == D("10.00008991")
