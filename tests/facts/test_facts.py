"""Facts keep their form: as text, as lists, as tables, in copies and in other processes."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from msgspec.structs import replace

from vocx import errors, facts, figures
from vocx.facts import Balance, Candle, Fact, Facts, Fill, Order, Quote, Trade, aware

KINDS = [
    one
    for one in vars(facts).values()
    if inspect.isclass(one) and issubclass(one, Fact) and one is not Fact
]
EXPONENT = re.compile(r"\dE[+-]?\d")
NS = 1_796_021_040_000_000_000


def trade(number: int = 1, symbol: str = "BTC/USDT") -> Trade:
    return Trade(
        symbol=symbol,
        price=Decimal("9E+3"),
        quantity=Decimal("1E-8"),
        side="buy",
        id=2**62 + number,
        exchange_ns=NS + number,
    )


def candle() -> Candle:
    one = Decimal("0E-8")
    return Candle(
        symbol="BTC/USDT", interval="1m", open_ns=NS, close_ns=NS + 59_999_999_999,
        open=one, high=one, low=one, close=one, volume=one, arrived_ns=NS + 10**15,
    )  # fmt: skip


def test_numbers_are_shown_as_people_write_them() -> None:
    """No exponent in the repr of any fact, nor inside its levels."""
    nothing = Balance(asset="BTC", free=Decimal("0.00000000"), locked=Decimal("1E-8"))
    book = facts.BookSnapshot(
        symbol="BTC/USDT", bids=((Decimal("9E+3"), Decimal("0E-8")),), asks=()
    )
    shown = repr([nothing, trade(), candle(), book])
    assert not EXPONENT.search(shown)
    assert "free=Decimal('0.00000000')" in shown and "price=Decimal('9000')" in shown
    assert eval(repr(nothing), vars(facts) | {"Decimal": Decimal}) == nothing


def test_derived_numbers_have_no_exponent() -> None:
    """Nor the middle of a quote, nor an average price; what is not known is ``None``."""
    quote = Quote(
        symbol="BTC/USDT", bid=Decimal("18E+3"), ask=Decimal("18E+3"), bid_quantity=None,
        ask_quantity=None,
    )  # fmt: skip
    assert str(quote.mid) == "18000" and str(quote.spread) == "0"
    order = Order(
        symbol="BTC/USDT", id=1, client_order_id="a", side="buy", type="limit", status="filled",
        quantity=Decimal(1), filled=Decimal("0.10000000"), filled_quote=Decimal(6000),
    )  # fmt: skip
    assert str(order.average_price) == "60000"
    for unknown in (None, Decimal(-1), Decimal(0)):
        assert replace(order, filled_quote=unknown).average_price is None


def test_what_does_not_exist_is_none() -> None:
    """Venues write an empty side, a day without trades and an unknown cost as zero or less."""
    nothing, some = Decimal("0.00000000"), Decimal("-1.00000000")
    quote = Quote(
        symbol="BTC/USDT", bid=nothing, bid_quantity=nothing, ask=some, ask_quantity=nothing
    )
    assert quote.bid is quote.ask is quote.bid_quantity is quote.ask_quantity is None
    assert quote.mid is None and quote.spread is None
    ticker = facts.Ticker(
        symbol="BTC/USDT", last=nothing, bid=nothing, bid_quantity=nothing, ask=nothing,
        ask_quantity=nothing, open=nothing, high=nothing, low=nothing, volume=nothing,
        quote_volume=some, change_percent=nothing,
    )  # fmt: skip
    told = [name for name in ticker.__struct_fields__ if getattr(ticker, name) is not None]
    assert told == ["arrived_ns", "symbol", "volume"]
    bar = candle()
    assert bar.open is bar.high is bar.low is bar.close is None and bar.volume == 0
    empty = facts.BookSnapshot(symbol="BTC/USDT", bids=((nothing, nothing),), asks=())
    assert empty.bids == () and empty.bid is None


def test_pictures_and_tables_leave_out_what_is_absent() -> None:
    """A gap in a line and NaN in a column, never a price of zero."""
    quotes = [
        Quote(
            symbol="BTC/USDT", bid=price, bid_quantity=price, ask=Decimal(0),
            ask_quantity=Decimal(0), arrived_ns=NS + number,
        )
        for number, price in enumerate((Decimal(0), Decimal(5)))
    ]  # fmt: skip
    bid, ask = figures.price(quotes).data[:2]
    assert [str(one) for one in bid.y] == ["nan", "5.0"]
    assert all(str(one) == "nan" for one in ask.y)
    table = Facts(quotes).frame()
    assert table.bid.isna().tolist() == [True, False] and table.ask.isna().all()
    drawn = figures.candles([candle()]).data[0]
    assert str(drawn.open[0]) == "nan" and Facts([candle()]).frame().close.isna().all()


def test_facts_are_read_easily() -> None:
    """Printed a line, in a notebook a table: what is known, by its names; names are text there."""
    quote = Quote(symbol="<A>/B", bid=Decimal("61700.50"), bid_quantity=Decimal(2), ask=None,
                  ask_quantity=None, arrived_ns=NS)  # fmt: skip
    moment = f"{datetime.fromtimestamp(NS / 1e9, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]
    assert str(quote) == f"Quote: symbol <A>/B, bid 61700.5, bid_quantity 2, arrived {moment}"
    assert "ask" not in str(quote) and "ask=None" in repr(quote)
    assert "<td>&lt;A&gt;/B</td><td>61700.5</td>" in quote._repr_html_()
    assert f"open_time {moment}" in str(candle()) and ", open " not in str(candle())
    many = Facts([trade(number) for number in range(25)])
    assert many._repr_html_().count("<tr>") == 21 and "20 of 25" in many._repr_html_()
    assert Facts(kind=Trade)._repr_html_() == "none"
    assert "arrived" in str(replace(quote, arrived_ns=2**62 * 3))


def test_the_time_of_a_candle_is_its_opening() -> None:
    """Not the moment at which it was asked for."""
    assert candle().time == datetime.fromtimestamp(NS / 1e9, UTC)
    with pytest.raises(errors.BadInput, match="2262"):
        aware(2**63)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_facts_have_the_columns_of_their_kind(kind: type[Fact]) -> None:
    """So that a cell written for some works on none, also after a slice or a sum."""
    none: Facts[Fact] = Facts(kind=kind)
    table = none.frame()
    assert len(table) == 0
    named = {name for name in kind.__struct_fields__ if name.endswith("_ns")}
    for name in named:
        short = name.removesuffix("_ns")
        column = f"{short}_time" if short in kind.__struct_fields__ else short
        assert str(table[column].dtype) == "datetime64[ns, UTC]"
    assert list((none + none)[:5].sorted().frame().columns) == list(table.columns)


def test_a_table_of_some_has_the_types_of_a_table_of_none() -> None:
    """Numbers are numbers, ids keep all their digits, and absent ones do not change the others."""
    some = Facts([trade(1), trade(2)]).frame()
    none = Facts([trade()])[:0].frame()
    assert list(some.columns) == list(none.columns)
    assert some.price.dtype == none.price.dtype == "float64"
    assert int(some.id.iloc[1]) == 2**62 + 2
    quotes = Facts(
        [Quote(symbol="BTC/USDT", bid=None, bid_quantity=None, ask=None, ask_quantity=None)]
    )
    assert quotes.frame().bid.isna().all() and quotes.frame().bid.dtype == "float64"
    unnamed = Facts([trade(1), Trade(symbol="A/B", price=Decimal(1), quantity=Decimal(1),
                                     side="buy")])  # fmt: skip
    assert unnamed.frame().id.iloc[0] == 2**62 + 1


def test_lists_of_facts_stay_lists_of_facts() -> None:
    """Pages joined, cut, copied and sorted keep the call and the way to a table."""
    first, second = Facts([trade(3), trade(1)]), Facts([trade(2)])
    joined = first + second
    for one in (joined, first + [trade(2)], [trade(3)] + second, joined[1:], joined.copy()):
        assert type(one) is Facts and one.kind is Trade
    assert [one.id for one in joined.sorted()] == [2**62 + n for n in (1, 2, 3)]
    assert [one.id for one in joined.sorted(key=lambda one: one.id, reverse=True)] == [
        2**62 + n for n in (3, 2, 1)
    ]
    assert type(sum([first, second], Facts())) is Facts


def test_facts_survive_pickle_and_deepcopy() -> None:
    """With their kind, also when there are none."""
    fill = Fill(
        symbol="BTC/USDT", id=1, order_id=2, side="buy", price=Decimal(1), quantity=Decimal(1),
        fee=Decimal(0), fee_asset=None, maker=False,
    )  # fmt: skip
    for one in (Facts([trade()]), Facts([fill]), Facts([candle()])[:0]):
        for again in (pickle.loads(pickle.dumps(one)), copy.deepcopy(one), copy.copy(one)):
            assert type(again) is Facts and again == one and again.kind is one.kind
