"""What is known of one's own orders, whatever order the news comes in. Pure, in virtual time."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from vocx.errors import OrderRefused, TimedOut
from vocx.facts import Fill, Order, OrderAck
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
            made.answered(mine, known(source="rest"), T0)
        made.take(one, T0)
    assert (mine.state, mine.status, mine.filled) == ("closed", "filled", D(2))
    assert made.pnl().position == D(2) and not mine.fills_missing


def test_a_fill_before_its_acknowledgement() -> None:
    """It is kept until the answer says which order it belongs to."""
    made, mine = table()
    assert made.take(fill(1), T0) is None
    made.answered(mine, known(source="rest"), T0)
    assert mine.filled == D(1) and made.pnl().position == D(1)


def test_somebody_elses_fill_is_not_ours() -> None:
    """An account may trade by hand beside the client."""
    made, mine = table()
    made.answered(mine, known(source="rest"), T0)
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
    made.answered(first, known(source="rest"), T0)
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


def test_an_order_on_its_way_is_not_asked_for() -> None:
    """That it is not there yet would prove nothing: its answer is awaited first."""
    made, mine = table()
    made.ask(mine, T0)
    assert made.questions(T0 + 60 * S) == []
    lost(made, mine)
    assert [one.order for one in made.questions(T0 + S)] == [mine]


def acknowledged() -> OrderAck:
    return OrderAck(symbol="BTC/USDT", id="text-id", client_order_id="a")


def test_an_acknowledgement_is_asked_about_after_a_second() -> None:
    """It may be turned down after all; an event of it is as good as an answer."""
    made, mine = table()
    made.answered(mine, acknowledged(), T0)
    assert mine.state == "open" and mine.id == "text-id"
    assert not made.questions(T0 + S // 2) and made.questions(T0 + S)
    made, mine = table()
    made.answered(mine, acknowledged(), T0)
    made.take(known(id="text-id"), T0)
    assert not made.questions(T0 + 9 * S)


def test_one_answer_not_found_ends_no_order_that_was_acknowledged() -> None:
    """Some venues find a young order slowly: five times over five seconds, as for unknown ones;
    then it is gone, and its fills are asked for."""
    made, mine = table()
    made.answered(mine, acknowledged(), T0)
    now_ns, times = T0, 0
    while mine.state == "open":
        now_ns += S // 20
        for question in made.questions(now_ns):
            times += 1
            made.missing(question, now_ns)
    assert times == 6 and now_ns - T0 >= 6 * S
    assert mine.status == "gone" and made.short() == [mine]
    made.take_rows(mine, [])
    assert made.short() == []


def test_a_cancel_that_came_to_nothing_may_be_sent_again() -> None:
    """A second after it was sent, the venue says that the order still rests."""
    made, mine = table()
    made.take(known(), T0)
    mine.cancel_wanted_ns = T0
    made.answered(mine, OrderAck(symbol="BTC/USDT", id=9, client_order_id="a"), T0)
    made.take(known(), T0 + S // 10)
    (question,) = made.questions(T0 + 2 * S)
    made.found(question, known(), T0 + 2 * S)
    assert mine.cancel_wanted_ns is None


def test_a_derived_fill_counts_when_the_order_confirms_it() -> None:
    """It and the exact rows of REST stand for the same matches, whichever comes first."""
    grown = fill(quantity="1", id="9/1", derived=True)
    rows = [fill(1, "0.4", source="rest"), fill(2, "0.6", source="rest")]
    for news in (
        [grown, known("1", "partially_filled"), rows],
        [known("1"), rows, grown, known("1")],
    ):
        made, mine = table()
        made.answered(mine, known(source="rest"), T0)
        for one in news:
            if isinstance(one, list):
                made.take_rows(mine, one)
            else:
                made.take(one, T0)
        assert made.pnl().position == D(1) and not mine.fills_missing
        made.take(fill(3, "1", id="9/2", derived=True), T0)
        made.take(known("2", "filled"), T0)
        made.take_rows(mine, [*rows, fill(3, "1", source="rest")])
        assert made.pnl().position == D(2) and mine.status == "filled"


def test_rows_that_no_event_told_are_counted_less_what_was_told() -> None:
    """A row that was told in part counts for the rest of it, with its share of the fee."""
    made, mine = table()
    made.answered(mine, known(source="rest"), T0)
    made.take(fill(quantity="0.5", id="9/0.5", derived=True), T0)
    made.take(known("0.5", "partially_filled"), T0)
    made.take(known("2", "filled", source="rest"), T0)
    made.take_rows(mine, [fill(1, "1", fee=D(4)), fill(2, "1", fee=D(4))])
    assert made.pnl().position == D(2) and made.pnl().fees == D(6)


def test_strangers_fills_do_not_pile_up() -> None:
    """Another program trades on the account while an answer of ours is awaited: at most a
    thousand are kept, and those with somebody else's name are known to be strange."""
    made, mine = table()
    for number in range(3000):
        made.take(fill(number, order_id=10**6 + number), T0)
    made.take(fill(5001, order_id=1, client_order_id="theirs"), T0)
    assert len(made._early) == 1000 and len(made.strange_fills) == 1
