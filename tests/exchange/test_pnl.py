"""Profit and loss: average cost, each fee once, and money that always adds up."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vocx.errors import BadInput
from vocx.exchange.fills import Fills
from vocx.exchange.pnl import profit_and_loss
from vocx.facts import Fill

D = Decimal


def fill(number: int, side: str, quantity: str, price: str, fee: str = "0", asset: str = "USDT"):
    return Fill(
        symbol="BTC/USDT",
        id=number,
        order_id=1,
        side=side,
        price=D(price),
        quantity=D(quantity),
        fee=D(fee),
        fee_asset=asset,
        maker=True,
    )


def test_average_cost_moves_with_what_is_added() -> None:
    """Two buys at 100 and 110 cost 105 on average; selling half at 120 realizes 15."""
    result = profit_and_loss(
        [fill(1, "buy", "1", "100"), fill(2, "buy", "1", "110"), fill(3, "sell", "1", "120")],
        mark=D(130),
    )
    assert (result.position, result.average_cost, result.realized) == (D(1), D(105), D(15))
    assert result.unrealized == D(25) and result.total == D(40)


def test_crossing_zero_does_both() -> None:
    """A sale of more than is held closes the position and opens one the other way."""
    result = profit_and_loss([fill(1, "buy", "1", "100"), fill(2, "sell", "3", "110")])
    assert (result.position, result.average_cost, result.realized) == (D(-2), D(110), D(10))
    assert result.unrealized is None and result.total is None


def test_fees_by_asset() -> None:
    """In quote an expense, in base coins at the fill's price, in a third asset apart."""
    quote = profit_and_loss([fill(1, "buy", "1", "100", "0.1", "USDT")])
    base = profit_and_loss([fill(1, "buy", "1", "100", "0.001", "BTC")])
    third = profit_and_loss([fill(1, "buy", "1", "100", "0.01", "BNB")])
    assert (quote.position, quote.realized, quote.fees) == (D(1), D("-0.1"), D("0.1"))
    assert (base.position, base.realized, base.fees) == (D("0.999"), D("-0.1"), D("0.1"))
    assert (third.realized, third.fees, third.other_fees) == (D(0), D(0), {"BNB": D("0.01")})


def test_what_cannot_be_told() -> None:
    """No fill and no symbol, or fills of two symbols, are refused."""
    with pytest.raises(BadInput, match="write symbol"):
        profit_and_loss([])
    assert profit_and_loss([], symbol="BTC/USDT").total == 0
    with pytest.raises(BadInput, match="does not belong"):
        profit_and_loss([fill(1, "buy", "1", "1")], symbol="ETH/USDT")


whole = st.integers(1, 1000)


@given(
    st.lists(
        st.tuples(st.sampled_from(["buy", "sell"]), whole, whole, st.sampled_from(["USDT", "BTC"])),
        max_size=30,
    ),
    whole,
)
def test_money_adds_up(rows: list[tuple[str, int, int, str]], mark: int) -> None:
    """Whatever the order of fills: profit is money in less money out plus the position's value."""
    fills, money, coins = [], D(0), D(0)
    for number, (side, quantity, price, asset) in enumerate(rows):
        fee = D(quantity) / 1000
        fills.append(fill(number, side, str(quantity), str(price), str(fee), asset))
        sign = 1 if side == "buy" else -1
        coins += sign * quantity - (fee if asset == "BTC" else 0)
        money -= sign * quantity * price + (fee if asset == "USDT" else 0)
    result = profit_and_loss(fills, symbol="BTC/USDT", mark=D(mark))
    assert result.position == coins
    assert result.total is not None
    assert abs(result.total - (money + coins * mark)) < D("1e-15")


def test_fills_of_an_account_add_up_by_themselves() -> None:
    """``ex.fills(...)`` is such a list, empty too: the function is the same."""
    rows = [fill(1, "buy", "2", "100"), fill(2, "sell", "1", "110")]
    listed = Fills(rows, symbol="BTC/USDT")
    assert listed.pnl(mark=D(120)) == profit_and_loss(rows, mark=D(120))
    assert Fills(symbol="BTC/USDT").pnl().total == 0


def test_some_fills_add_up_too() -> None:
    """A slice, pages joined and what is sorted are fills with their profit, also when empty."""
    found = Fills([fill(1, "buy", "1", "100"), fill(2, "sell", "1", "110")], symbol="BTC/USDT")
    for some in (found[:], found[:1] + found[1:], found.sorted(), found.copy(), found[:0]):
        assert type(some) is Fills and some.kind is Fill
        assert some.pnl().realized == (10 if some else 0)
    with pytest.raises(BadInput, match="twice"):
        (found + found[1:]).pnl()
