"""Fills that a venue tells only as the growth of their order, and REST's exact rows of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from vocx.facts import Fill, Order
from vocx.stream.account import Account
from vocx.stream.stats import Counters


def fill(identity: str, quantity: str, at_ns: int, **more: Any) -> Fill:
    usual: dict[str, Any] = {
        "symbol": "BTC/USDT",
        "id": identity,
        "order_id": "o1",
        "side": "buy",
        "price": Decimal(100),
        "quantity": Decimal(quantity),
        "fee": Decimal(0),
        "fee_asset": "USDT",
        "maker": False,
        "exchange_ns": at_ns,
    }
    return Fill(**{**usual, **more})


def order(filled: str, at_ns: int) -> Order:
    return Order(
        symbol="BTC/USDT",
        id="o1",
        client_order_id="a1",
        side="buy",
        type="limit",
        status="partially_filled",
        quantity=Decimal(9),
        filled=Decimal(filled),
        filled_quote=Decimal(filled) * 100,
        exchange_ns=at_ns,
        source="stream",
    )


def test_rows_of_a_derived_fill_are_no_news() -> None:
    """One growth of 3 was two matches: REST names both, and nothing counts twice."""
    account = Account(Counters())
    assert account.take(fill("o1@2", "3", 20, derived=True, source="stream"))
    assert not account.take(fill("t1", "1", 19)) and not account.take(fill("t2", "2", 20))
    assert [one.id for one in account.recent] == ["o1@2"]
    assert not account.take(fill("t1", "1", 19)), "asked for again, it is known"


def test_a_match_in_the_moment_of_its_order_is_known() -> None:
    """The order was new and filled within one stamp."""
    account = Account(Counters())
    account.take(order("0", 20))
    assert account.take(fill("o1@1", "2", 20, derived=True, source="stream"))
    account.take(order("2", 20))
    assert not account.take(fill("t1", "2", 20))


def test_what_was_never_derived_is_news() -> None:
    """A match before this stream began, and one that an outage hid, are REST's alone to tell."""
    account = Account(Counters())
    account.take(order("1", 10))
    assert account.take(fill("o1@2", "2", 20, derived=True, source="stream"))
    account.take(order("3", 20))
    assert account.take(fill("t1", "1", 10)), "it was filled before this stream began"
    assert not account.take(fill("t2", "2", 20))
    assert account.take(fill("t3", "4", 30)), "the outage hid it"
    assert sum(one.quantity for one in account.recent) == 7


def test_a_late_row_of_an_open_order_is_no_news() -> None:
    """An amended order whose row of before comes behind it keeps what it was amended to."""
    account = Account(Counters())
    amended = replace(order("1", 2_000), price=Decimal(101))
    assert account.take(amended)
    assert not account.take(replace(order("1", 1_000), price=Decimal(100)))
    assert account.orders["BTC/USDT", "o1"].price == 101
    rest = replace(order("1", 1_000), price=Decimal(102), source="rest")
    assert account.take(rest), "what was asked for later is newer, whatever its last change was"
