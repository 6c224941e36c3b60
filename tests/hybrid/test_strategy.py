"""What is wanted against what rests: the difference, within bounds, never two in one slot."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from vocx.errors import BadInput, FloatRefused
from vocx.exchange.pnl import ProfitAndLoss
from vocx.facts import BookSnapshot
from vocx.hybrid.fallback import AccountCheck, MarketSource
from vocx.hybrid.orders import OwnOrder
from vocx.hybrid.strategy import Amend, Bounds, Cancel, Pace, Place, View, compare, want

D = Decimal
S = 1_000_000_000


def resting(slot: str, price: str = "99", quantity: str = "1", state: str = "open") -> OwnOrder:
    side = "sell" if slot.startswith("sell") else "buy"
    order = OwnOrder(slot, "BTC/USDT", side, "post_only", D(quantity), D(price), None, slot, 0)
    order.state, order.id = state, slot
    return order


def view(*orders: OwnOrder, position: str = "0") -> View:
    book = BookSnapshot(symbol="BTC/USDT", bids=((D(99), D(1)),), asks=((D(101), D(1)),))
    return View(
        symbol="BTC/USDT",
        now_ns=0,
        book=book,
        trade=None,
        age_ms=1.0,
        source="stream",
        orders=orders,
        balances={},
        account_age_ms=1.0,
        pnl=ProfitAndLoss(symbol="BTC/USDT", position=D(position)),
        ready=True,
    )


def planned(wanted: list[Any], at: View, may_send: int = 9, **bounds: Any) -> list[Any]:
    return compare(wanted, at, Bounds(**bounds), may_send)[0]


def test_nothing_changes_when_what_rests_is_wanted() -> None:
    """The same price and quantity keep their place in the queue."""
    assert planned([want("buy", "1", "99")], view(resting("buy"))) == []


def test_less_is_amended_more_or_elsewhere_is_replaced() -> None:
    """Less at the same price keeps its place; anything else is cancelled first, then placed."""
    mine = resting("buy")
    assert planned([want("buy", "0.5", "99")], view(mine)) == [Amend(mine, D("0.5"))]
    for changed in (want("buy", "2", "99"), want("buy", "1", "98")):
        (action,) = planned([changed], view(mine))
        assert isinstance(action, Cancel) and action.order is mine


@pytest.mark.parametrize("state", ["intended", "sent", "unknown"])
def test_an_order_whose_end_is_not_known_keeps_its_slot(state: str) -> None:
    """There is never a second order in a slot while the first may rest."""
    mine = resting("buy", state=state)
    assert planned([want("buy", "1", "98")], view(mine)) == []
    mine.cancel_wanted_ns = 1
    assert planned([], view(mine)) == []


def test_what_is_not_wanted_is_cancelled_before_others_are_placed() -> None:
    """Cancels come first, and an empty list takes everything away."""
    mine = resting("buy")
    first, second = planned([want("sell", "1", "101")], view(mine))
    assert isinstance(first, Cancel) and isinstance(second, Place)


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({"open_orders": 0}, "open_orders is 0"),
        ({"notional": D(50)}, "notional"),
        ({"collar": D("0.001")}, "from the middle"),
        ({"position": D("0.5")}, "position could become"),
    ],
)
def test_bounds_are_kept_whatever_is_wanted(bounds: dict[str, Any], said: str) -> None:
    """A want beyond them is not sent, and says why."""
    actions, rejected = compare([want("buy", "1", "99")], view(), Bounds(**bounds), 9)
    assert actions == [] and said in rejected[0].why


def test_a_position_may_always_be_reduced() -> None:
    """The bound stops what makes a position larger, not what closes it."""
    at = view(position="5")
    assert planned([want("sell", "1", "101")], at, position=D(1))
    assert not planned([want("buy", "1", "99")], at, position=D(1))


def test_orders_a_second() -> None:
    """Placements wait for the second to pass; cancels never do."""
    pace, bounds = Pace(), Bounds(orders_per_s=2)
    assert pace.left(bounds, 0) == 2
    pace.count(0), pace.count(0)
    assert pace.left(bounds, S // 2) == 0 and pace.left(bounds, S) == 2
    mine = resting("buy")
    assert planned([], view(mine), may_send=0)
    assert not planned([want("sell", "1", "101")], view(), may_send=0)


def test_two_wants_in_one_slot_are_told() -> None:
    """Two on one side need names."""
    both = [want("buy", "1", "99"), want("buy", "1", "98")]
    actions, rejected = compare(both, view(), Bounds(), 9)
    assert len(actions) == 1 and "slot" in rejected[0].why
    named = [want("buy", "1", "99", slot="near"), want("buy", "1", "98", slot="far")]
    assert len(planned(named, view())) == 2


def test_wants_are_written_like_orders() -> None:
    """Floats, market orders and numbers below zero are refused with words."""
    with pytest.raises(FloatRefused):
        want("buy", 0.1, "99")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="rests"):
        want("buy", "1", "99", type="market")
    with pytest.raises(BadInput, match="above 0"):
        want("buy", "0", "99")


def test_the_source_falls_back_and_comes_back() -> None:
    """Stale for 5 s: REST; three good looks in a row: the stream again."""
    source = MarketSource()
    assert source.look(False, 0) == "stream" and source.look(False, 4 * S) == "stream"
    assert source.look(False, 5 * S) == "rest" and source.poll_due(5 * S, 0.1)
    assert not source.poll_due(int(5.5 * S), 0.1) and source.poll_due(6 * S, 0.1)
    assert source.look(True, 7 * S) == "rest" and source.look(False, 7 * S) == "rest"
    assert [source.look(True, 8 * S) for _ in range(3)] == ["rest", "rest", "stream"]
    assert source.switches == 2


def test_polls_stay_within_the_budget() -> None:
    """Every other second once it is half used, none from the brake on."""
    source = MarketSource()
    source.look(False, 0), source.look(False, 5 * S)
    assert not source.poll_due(5 * S, 0.8)
    assert source.poll_due(5 * S, 0.6) and not source.poll_due(6 * S, 0.6)
    assert source.poll_due(7 * S, 0.6)


def test_a_silent_account_is_asked_each_five_seconds() -> None:
    """Silent for a minute: each 5 s; lively: each two minutes."""
    check = AccountCheck()
    times = [at for at in range(0, 400) if check.due(at * 1e3, at * S)]
    assert times[:3] == [61, 66, 71]
    check = AccountCheck()
    assert [at for at in range(0, 400) if check.due(0.0, at * S)] == [120, 240, 360]


def test_what_a_check_told_is_as_young_as_the_check() -> None:
    """An account is as old as the younger of its two proofs, the stream and the latest check."""
    check = AccountCheck()
    assert check.known_ms(None, 9 * S) is None and check.known_ms(40.0, 9 * S) == 40
    check.checked_ns = 8 * S
    assert check.known_ms(90_000.0, 9 * S) == 1000 and check.known_ms(None, 9 * S) == 1000


def test_how_old_a_polled_book_becomes_follows_the_polls() -> None:
    """A second apart and a quarter more; two and a half once the budget is half used."""
    source = MarketSource()
    source.look(False, 0)
    source.look(False, 5 * S)
    assert source.poll_due(5 * S, 0.1) and source.polled_age_ms == 1250
    assert source.poll_due(6 * S, 0.6) and source.polled_age_ms == 2500


def test_a_second_order_in_a_slot_is_cancelled() -> None:
    """One that was thought never to have been placed came back beside its successor."""
    first, second = resting("buy"), resting("buy")
    assert [one.order for one in planned([want("buy", "1", "99")], view(first, second))] == [second]


def test_what_is_being_amended_is_left_alone() -> None:
    """What rests of it is not known before the answer."""
    order = resting("buy")
    order.amending = True
    assert planned([want("buy", "0.5", "99")], view(order)) == []
