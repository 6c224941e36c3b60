"""What is known of one's own orders, whatever order the news comes in. Pure, in virtual time."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from vocx.errors import OrderRefused, TimedOut
from vocx.facts import Fill, Order
from vocx.hybrid.orders import ASK_AFTER_S, OrderTable, OwnOrder, journal_record

D = Decimal
S = 1_000_000_000
T0 = 1_700_000_000 * S


def own(name: str = "a", quantity: str = "2") -> OwnOrder:
    return OwnOrder(name, "BTC/USDT", "buy", "limit", D(quantity), D(100), "GTC", "buy", T0)


def known(filled: str = "0", status: str = "new", **changed: Any) -> Order:
    told = {
        "symbol": "BTC/USDT",
        "id": 9,
        "client_order_id": "a",
        "side": "buy",
        "type": "limit",
        "status": status,
        "quantity": D(2),
        "filled": D(filled),
        "filled_quote": D(filled) * 100,
        "price": D(100),
        "source": "stream",
    }
    return Order(**{**told, **changed})


def fill(number: int = 1, quantity: str = "1", **changed: Any) -> Fill:
    told = {
        "symbol": "BTC/USDT",
        "id": number,
        "order_id": 9,
        "side": "buy",
        "price": D(100),
        "quantity": D(quantity),
        "fee": D(0),
        "fee_asset": "USDT",
        "maker": True,
        "client_order_id": None,
        "source": "stream",
    }
    return Fill(**{**told, **changed})


def table(order: OwnOrder | None = None) -> tuple[OrderTable, OwnOrder]:
    made, order = OrderTable("BTC/USDT"), order or own()
    made.add(order)
    made.sending(order)
    return made, order


NEWS = [known("1", "partially_filled"), fill(1), known("2", "filled"), fill(2), known()]


@pytest.mark.parametrize("order", range(120))
def test_any_order_of_news_ends_the_same(order: int) -> None:
    """Events late, early and twice: two filled, closed, a position of two, each fill once."""
    made, mine = table()
    news = list(permutations(NEWS))[order]
    for at, one in enumerate([*news, *news]):
        if at == 1:
            made.answered(mine, known(source="rest"))
        made.take(one, T0)
    assert (mine.state, mine.status, mine.filled) == ("closed", "filled", D(2))
    assert made.pnl().position == D(2) and not mine.fills_missing


def test_a_fill_before_its_acknowledgement() -> None:
    """It is kept until the answer says which order it belongs to."""
    made, mine = table()
    assert made.take(fill(1), T0) is None
    made.answered(mine, known(source="rest"))
    assert mine.filled == D(1) and made.pnl().position == D(1)


def test_somebody_elses_fill_is_not_ours() -> None:
    """An account may trade by hand beside the client."""
    made, mine = table()
    made.answered(mine, known(source="rest"))
    made.take(fill(5, order_id=77), T0)
    assert made.pnl().position == 0 and len(made.strange_fills) == 1


def lost(made: OrderTable, mine: OwnOrder) -> None:
    made.failed(mine, TimedOut("no answer", outcome="unknown"), T0)


def test_unknown_is_asked_for_on_the_schedule() -> None:
    """0.2, 0.5, 1, 2, 4 and 8 s after the loss, then each 8 s, and it stays unknown meanwhile."""
    made, mine = table()
    lost(made, mine)
    asked, now_ns = [], T0
    while len(asked) < 8:
        now_ns += S // 20
        for question in made.questions(now_ns):
            asked.append((now_ns - T0) / S)
            made.no_answer(question, TimedOut("still nothing"), now_ns)
    assert asked[:6] == pytest.approx(list(ASK_AFTER_S), abs=0.06)
    assert asked[6] - asked[5] == pytest.approx(8, abs=0.1)
    assert mine.state == "unknown" and made.alive() == [mine]


def test_not_placed_only_after_five_times_five_seconds_and_another_question() -> None:
    """ "Not found" shortly after an unknown outcome proves nothing."""
    made, mine = table()
    lost(made, mine)
    now_ns, times = T0, []
    while mine.state == "unknown":
        now_ns += S // 20
        for question in made.questions(now_ns):
            times.append(question.last)
            made.missing(question, now_ns)
    assert times.index(True) >= 5 and sum(times) == 1
    assert (now_ns - T0) / S >= 5 and mine.status == "not_placed"


def test_the_stream_resolves_what_asking_has_not() -> None:
    """Whichever is first."""
    made, mine = table()
    lost(made, mine)
    made.take(known("1", "partially_filled"), T0 + S)
    assert mine.state == "open" and not made.questions(T0 + 60 * S)


def test_a_venue_that_has_it_after_all_is_right() -> None:
    """We had concluded that it was never placed; an event of it reopens it."""
    made, mine = table()
    lost(made, mine)
    mine.not_found, mine.not_found_ns = 5, T0
    for question in made.questions(T0 + 60 * S):
        made.missing(question, T0 + 60 * S)
    assert mine.state == "closed"
    made.take(known(), T0 + 61 * S)
    assert mine.state == "open" and made.alive() == [mine]


def test_a_refusal_is_an_end_unless_the_stream_was_quicker() -> None:
    """What the private stream has shown is not undone by a lost or late answer."""
    made, mine = table()
    made.failed(mine, OrderRefused("no", outcome="refused"), T0)
    assert (mine.state, mine.status) == ("closed", "refused")
    made, mine = table()
    made.take(known(), T0)
    lost(made, mine)
    assert mine.state == "open"


def test_a_killed_client_finds_its_orders_again() -> None:
    """From the journal alone: what was not ended is asked for at once; fills count once."""
    made, first = table()
    second = own("b")
    made.add(second)
    made.sending(second)
    made.answered(first, known(source="rest"))
    made.take(fill(1), T0)
    made.take(known("1", "canceled"), T0)
    records = [journal_record(first), journal_record(second), *made.records]
    again = OrderTable("BTC/USDT")
    restored = again.restore(records, T0 + S)
    assert [one.client_order_id for one in restored] == ["b"]
    assert again.pnl().position == D(1)
    assert [question.order for question in again.questions(T0 + S)] == restored
    again.take(fill(1), T0 + 2 * S)
    assert again.pnl().position == D(1)
