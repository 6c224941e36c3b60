"""Order operations a second in process: the engine alone, and with accounts around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from random import Random
from time import process_time

from benches.row import Row
from vocx.lab.accounts.accounts import Accounts
from vocx.lab.events import Event, InstrumentSpec, NewOrder
from vocx.lab.market.engine import Book

OPERATIONS = 40_000
ROUNDS = 5
MIDDLE = 6_000_000
SPEC = InstrumentSpec(
    base="BTC", quote="USDT", tick=Decimal("0.01"), lot=Decimal("0.00001"), price=Decimal(60_000)
)


class Alone:
    """A market of nobody but accounts."""

    spec = SPEC

    def __init__(self) -> None:
        self.book = Book(SPEC.symbol)

    def record(self, events: list[Event]) -> None:
        """There is no tape."""


def flow() -> list[NewOrder | None]:
    """Placements around one price, one in eleven at market; ``None`` cancels the newest order."""
    draw = Random(7)
    orders: list[NewOrder | None] = []
    for number in range(OPERATIONS):
        kind, side = draw.random(), draw.choice(("buy", "sell"))
        away = int(draw.expovariate(1 / 200))
        market = kind > 0.95
        order = NewOrder(
            owner=draw.choice(("ann", "bob")),
            symbol=SPEC.symbol,
            side=side,
            type="market" if market else "limit",
            price=0 if market else MIDDLE - away if side == "buy" else MIDDLE + 1 + away,
            quantity=draw.randrange(1, 1_000),
            client_order_id=str(number),
        )
        orders.append(None if kind < 0.45 else order)
    return orders


def engine(orders: list[NewOrder | None]) -> None:
    book, live = Book(SPEC.symbol), []
    for order in orders:
        if order is None:
            if live:
                book.cancel(1, live.pop())
        elif order.price:
            result = book.limit(1, order.side, order.price, order.quantity, owner=order.owner)
            if result.resting:
                live.append(result.order.id)
        else:
            book.market(1, order.side, quantity=order.quantity, owner=order.owner)


def accounts(orders: list[NewOrder | None]) -> None:
    everybody, live = Accounts([Alone()], lambda now_ns: now_ns), []
    for owner in ("ann", "bob"):
        everybody.open(owner, {"BTC": Decimal(10**6), "USDT": Decimal(10**10)})
    for order in orders:
        if order is None:
            if live:
                owner, order_id = live.pop()
                everybody.cancel(owner, SPEC.symbol, order_id, now_ns=1)
        else:
            state, _ = everybody.place(order, 1)
            if state.open:
                live.append((order.owner, state.id))


def speed(run: Callable[[list[NewOrder | None]], None], orders: list[NewOrder | None]) -> float:
    """The best of several rounds, in seconds of this process (others may share the machine)."""
    best_s = float("inf")
    for _ in range(ROUNDS):
        begun_s = process_time()
        run(orders)
        best_s = min(best_s, process_time() - begun_s)
    return len(orders) / best_s


def operations() -> Iterator[Row]:
    """Placements, matches and cancels; with accounts each is checked, held, booked and told."""
    orders = flow()
    notes = {"input": "made: 55 % placements, one in eleven at market; 45 % cancels; CPU time"}
    yield Row("engine.operations", speed(engine, orders), "1/s", ">= 100000", notes)
    yield Row("engine.operations_with_accounts", speed(accounts, orders), "1/s", ">= 50000", notes)
