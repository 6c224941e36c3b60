"""Figures: facts in, plotly out, and nothing said by colour alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from vocx import figures
from vocx.errors import BadInput
from vocx.facts import BookSnapshot, Candle, Fact, Facts, Quote, Ticker, Trade
from vocx.timing import Phases

SECOND = 1_000_000_000


def quote(at_s: float, bid: str, ask: str) -> Quote:
    one = Decimal(1)
    return Quote(symbol="BTC/USDT", bid=Decimal(bid), ask=Decimal(ask), bid_quantity=one,
                 ask_quantity=one, arrived_ns=int(at_s * SECOND))  # fmt: skip


def trade(at_s: float, price: str, side: Any) -> Trade:
    return Trade(symbol="BTC/USDT", price=Decimal(price), quantity=Decimal(1), side=side,
                 arrived_ns=int(at_s * SECOND))  # fmt: skip


def candle(minute: int, closed: bool | None) -> Candle:
    prices = {name: Decimal(5) for name in ("open", "high", "low", "close", "volume")}
    return Candle(symbol="BTC/USDT", interval="1m", open_ns=minute * 60 * SECOND,
                  close_ns=(minute + 1) * 60 * SECOND - 1, closed=closed, **prices)  # fmt: skip


def book(*bids: tuple[str, str], asks: tuple[tuple[str, str], ...] = ()) -> BookSnapshot:
    def exact(levels: Any) -> Any:
        return tuple((Decimal(price), Decimal(size)) for price, size in levels)

    return BookSnapshot(symbol="BTC/USDT", bids=exact(bids), asks=exact(asks))


def test_steps_keep_the_value_at_the_edge_of_the_window_and_hold_it_until_now() -> None:
    """A step line enters its window with the value that was true there."""
    x, y = figures.steps([(0, 1.0), (5 * SECOND, 2.0)], 10 * SECOND, 8.0)
    assert x.tolist() == [-8.0, -5.0, 0.0]
    assert y.tolist() == [1.0, 2.0, 2.0]


def test_steps_of_nothing_are_nothing() -> None:
    """No data gives an empty line, not an error."""
    x, y = figures.steps([], 10 * SECOND, 8.0)
    assert (len(x), len(y)) == (0, 0)


def test_price_parts_bids_asks_and_the_takers_sides() -> None:
    """Time runs in seconds before the last fact, by arrival; sides are separate traces."""
    made = figures.price([quote(1, "10", "11"), trade(2, "11", "buy"), trade(3, "10", "sell")])
    shown = {trace.name: (list(trace.x), list(trace.y)) for trace in made.data}
    assert shown["best bid"] == ([-2.0], [10.0])
    assert shown["bought (taker)"] == ([-1.0], [11.0])
    assert shown["sold (taker)"] == ([0.0], [10.0])


def test_no_meaning_by_colour_alone() -> None:
    """Lines differ in dash, markers in symbol."""
    bid, ask, bought, sold = figures.price_frame("BTC/USDT", 60).data
    assert bid.line.dash != ask.line.dash
    assert bought.marker.symbol != sold.marker.symbol
    lines = [one for one in figures.compare_frame("BTC/USDT", 20).data if one.mode == "lines"]
    assert len({trace.line.dash for trace in lines}) == len(lines) == 3
    one = book(("10", "1"), asks=(("11", "1"),))
    drawn = [(trace.line.dash, trace.line.width) for trace in figures.depth(one, ghost=one).data]
    assert len({*drawn}) == 4
    whole = Phases(dns_ms=1.0, connect_ms=1.0, tls_ms=1.0, send_ms=1.0, first_byte_ms=1.0,
                   body_ms=1.0)  # fmt: skip
    patterns = [trace.marker.pattern for trace in figures.phases({"new": whole}).data]
    assert len({pattern.shape for pattern in patterns}) == 6


def test_hatched_bars_are_as_full_as_others() -> None:
    """White lines over the whole color; without it a bar would be thin lines on paper."""
    call = Phases(tls_ms=40.0, send_ms=0.5, first_byte_ms=22.0)
    bars = [*figures.ladder(book(("10", "1"), asks=(("11", "1"),))).data,
            *figures.phases([call]).data]  # fmt: skip
    assert len(bars) == 5
    assert {bar.marker.pattern.fillmode for bar in bars} == {"overlay"}


def test_squares_stand_only_where_replies_are() -> None:
    """The line enters its window with what was true there and is held until now; neither end is
    a reply."""
    asked = [(0, 1.0), (5 * SECOND, 2.0), (7 * SECOND, 2.0)]
    made = figures.compare("BTC/USDT", asked=asked, pushed=[], now_ns=10 * SECOND, seconds=8.0)
    *_, line, squares = made.data
    assert list(line.x) == [-8.0, -5.0, -3.0, 0.0]
    assert (list(squares.x), list(squares.y)) == ([-5.0, -3.0], [2.0, 2.0])
    assert line.mode == "lines" and squares.marker.symbol == "square"


@pytest.mark.parametrize("made", [
    figures.price_frame("BTC/USDT", 60), figures.phases([Phases(send_ms=1.0)]),
    figures.frame("x", "y", title="with a title"),
])  # fmt: skip
def test_a_legend_stands_still(made: Any) -> None:
    """By the page: numbers of an axis that get wider do not move it."""
    assert (made.layout.legend.xref, made.layout.legend.x) == ("container", 0)


def test_an_open_candle_stands_apart() -> None:
    """The last candle can still change: it is a trace of its own, which says so."""
    made = figures.candles([candle(1, True), candle(2, True), candle(3, False)])
    assert [(trace.name, len(trace.x)) for trace in made.data] == [
        ("closed", 2),
        ("open: can still change", 1),
    ]


def test_trades_stand_at_the_venues_time() -> None:
    """Those of one reply arrived together; one that has no stamp stands where it arrived."""
    stamped = Trade(symbol="BTC/USDT", price=Decimal("10.5"), quantity=Decimal(2), side="buy",
                    exchange_ns=7 * SECOND + 1_000, arrived_ns=60 * SECOND)  # fmt: skip
    made = figures.trades([stamped, trade(60, "11", "sell"), trade(61, "12", "sell")])
    assert [trace.name for trace in made.data] == ["bought (taker)", "sold (taker)"]
    assert [trace.x.astype("datetime64[us]").astype(int).tolist() for trace in made.data] == [
        [7_000_001], [60_000_000, 61_000_000],
    ]  # fmt: skip
    assert list(made.data[0].y) == [10.5] and list(made.data[1].y) == [11.0, 12.0]


@pytest.mark.parametrize(("facts", "names"), [
    ([candle(1, True), candle(2, False)], ["closed", "open: can still change"]),
    ([trade(1, "10", "buy")], ["bought (taker)", "sold (taker)"]),
    ([quote(1, "9", "11")], ["best bid", "best ask", "bought (taker)", "sold (taker)"]),
])  # fmt: skip
def test_a_list_draws_itself(facts: list[Any], names: list[str]) -> None:
    """Also one that was cut out of another."""
    made = Facts(facts)[:].figure(height=210)
    assert [trace.name for trace in made.data] == names and made.layout.height == 210


@pytest.mark.parametrize(("kind", "said"), [(Ticker, "Ticker"), (None, "unknown facts")])
def test_what_has_no_picture_says_what_has(kind: type[Fact] | None, said: str) -> None:
    """A list of another kind, or of none that is known."""
    with pytest.raises(BadInput, match=f"no figure of {said}; there is of Candle, Trade, Quote"):
        Facts(kind=kind).figure()


def test_depth_cumulates_from_the_best_price_outwards() -> None:
    """The curve at a price is everything up to there."""
    made = figures.depth(book(("10", "1"), ("9", "2"), asks=(("11", "4"), ("12", "1"))))
    assert [list(trace.y) for trace in made.data] == [[1.0, 3.0], [4.0, 5.0]]


def test_a_ghost_is_drawn_over_the_true_book() -> None:
    """A wrong copy is an outline of its own."""
    made = figures.depth(book(("10", "1")), ghost=book(("12", "9")))
    assert [trace.name for trace in made.data[2:]] == ["your copy, bids", "your copy, asks"]


def test_ladder_shows_the_best_levels() -> None:
    """Never more levels than asked for."""
    made = figures.ladder(book(("10", "1"), ("9", "2"), ("8", "3")), levels=2)
    assert list(made.data[0].y) == ["9", "10"]


def test_phases_add_up_to_the_call_time() -> None:
    """The bars of one call are as long together as the call took."""
    call = Phases(connect_ms=20.0, tls_ms=40.0, send_ms=0.5, first_byte_ms=22.0, body_ms=1.5)
    made = figures.phases({"new": call})
    assert sum(trace.x[0] for trace in made.data) == pytest.approx(call.total_ms)
    assert "DNS" not in [trace.name for trace in made.data]


@pytest.mark.parametrize("made", [
    figures.price([]), figures.candles([]), figures.trades([]), Facts(kind=Candle).figure(),
    figures.depth(book()), figures.ladder(book()),
])  # fmt: skip
def test_nothing_to_draw_is_no_error(made: Any) -> None:
    """An empty picture is a picture, on transparent paper."""
    assert made.layout.paper_bgcolor == "rgba(0,0,0,0)"
