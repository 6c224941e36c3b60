"""What lesson 04 is made of: signed bytes as they are, one order's life."""

from __future__ import annotations

from decimal import Decimal

import pytest

from vocx.course import order_examples, signing
from vocx.errors import BadInput, NotAllowed
from vocx.exchange import Exchange
from vocx.lab import Lab

SYMBOL = "BTC/USDT"


def test_published_example() -> None:
    """Query and secret of the documentation give the signature that is printed there."""
    made = signing.digest(*signing.EXAMPLE)
    assert made == "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"


def test_bytes_are_sent_as_given(lab: Lab) -> None:
    """Signed as sent is accepted; sent in another order is not."""
    query = signing.market_buy()
    moved = "&".join(reversed(query.split("&")))
    assert signing.reply_text(signing.send(lab, query)) == "200 {}"
    assert "-1022" in signing.send(lab, moved, signed=query).text


def test_one_orders_life(lab: Lab, exchange: Exchange) -> None:
    """Before, resting, partly filled, filled: the queue ahead is served first. The legend lies on
    the picture, as Plotly draws none that lies outside of its container."""
    timeline = order_examples.OrderTimeline(lab, exchange, SYMBOL)
    timeline.capture(exchange.place_order(SYMBOL, "buy", "2", type="limit", price=timeline.bid))
    assert timeline.sell(timeline.queue_ahead + 1).filled == 1
    assert timeline.sell("1").status == "filled"
    titles = [frame.title.partition("<")[0] for frame in timeline.frames]
    assert titles == ["before", "resting", "partially filled", "filled"]
    shown = timeline.show()
    assert [sum(bar.x) for bar in shown.data if bar.name == "your order"] == [0, 2, 1, 0]
    assert shown.layout.legend.yref == "container" and 0 <= shown.layout.legend.y <= 1
    lab.resume()


def test_a_film_needs_an_order(lab: Lab, exchange: Exchange) -> None:
    """Nobody sells into an order that was not placed."""
    timeline = order_examples.OrderTimeline(lab, exchange, SYMBOL)
    lab.resume()
    with pytest.raises(BadInput, match="no order yet"):
        timeline.sell(1)


def test_an_order_in_a_line(exchange: Exchange) -> None:
    """What was wanted, the status word, what came of it."""
    order = exchange.place_order(SYMBOL, "buy", "0.00100", type="market")
    text = order_examples.describe(order)
    assert text.startswith("market buy 0.001: filled, filled 0.001 for ")
    assert order.average_price is not None and text.endswith("as taker)")
    assert f"{order.average_price:,.2f} each (" in text


def test_refusals_in_words() -> None:
    """The class, what became of the order, the reason; without the address."""

    def refuse() -> None:
        raise NotAllowed("no", outcome="not_sent")

    assert order_examples.refusal(refuse) == "NotAllowed, outcome not_sent:\n  no"
    assert order_examples.refusal(Decimal, "1") == "it was not refused"


def test_a_life_begins_behind_a_queue_and_ends_with_a_rest(lab: Lab, exchange: Exchange) -> None:
    """Each time: others stand at the bid, to be seen beside ours; an IOC order of one more than the
    best ask leaves a rest; orders of ours from before are not drawn as others'."""
    for _ in range(4):
        exchange.place_order(SYMBOL, "buy", "0.5", type="limit", price="60000")
        timeline = order_examples.OrderTimeline(lab, exchange, SYMBOL)
        assert not exchange.open_orders(SYMBOL) and 1 <= timeline.queue_ahead <= 6
        ask, size = lab.truth.book(SYMBOL).asks[0]
        order = exchange.place_order(
            SYMBOL, "buy", size + 1, type="limit", price=ask, time_in_force="IOC"
        )
        assert order.filled == size and order.status == "expired"
        lab.resume()
