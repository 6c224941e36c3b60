"""The REST surface of the Binance dialect: shapes, clamps, and every documented refusal."""

from __future__ import annotations

import json
import re

import pytest
from venue_binance import MS, T0, S, Venue, trade

from vocx.lab.dialects.base import Close, HttpIn
from vocx.lab.dialects.binance import catalogue
from vocx.lab.dialects.binance.params import Params, zone_ns

SYMBOL_RANGE = r"^[\w\-._&&[^a-z]]{1,50}$"
NUMBER_RANGE = r"^[0-9]{1,20}$"
MONEY = re.compile(r"-?\d+\.\d{8}")


@pytest.fixture(scope="module")
def venue() -> Venue:
    return Venue()


def test_ping_and_time(venue: Venue) -> None:
    """An empty object, and the exchange's clock in milliseconds."""
    assert venue.get("ping") == {}
    assert venue.get("time") == {"serverTime": T0 // MS}


def test_every_answer_is_json_with_used_weight(venue: Venue) -> None:
    """Success or error: the content type the official SDK insists on, and the meter."""
    for target in ("time", "depth"):
        headers = venue.http(target).headers
        assert headers["Content-Type"] == "application/json;charset=UTF-8"
        assert int(headers["X-MBX-USED-WEIGHT-1M"]) == int(headers["X-MBX-USED-WEIGHT"]) > 0


def test_unknown_path_is_html_only_for_browsers(venue: Venue) -> None:
    """404 carries HTML when ``Accept`` contains ``text/html``; programs are told in the venue's
    words that the lab does not have this call."""
    plain, browser = venue.http("nope"), venue.http("nope", accept="text/html,*/*")
    assert plain.status == browser.status == 404
    assert json.loads(plain.body) == {"code": -1020, "msg": "This operation is not supported."}
    assert browser.headers["Content-Type"] == "text/html" and b"<html>" in browser.body


@pytest.mark.parametrize("verb", ["POST", "PUT", "DELETE"])
def test_listen_key_paths_are_gone(venue: Venue, verb: str) -> None:
    """410 with a page of HTML since 2026-02-20."""
    answer = venue.http("userDataStream", method=verb)
    assert answer.status == 410 and b"<center>nginx</center>" in answer.body


def test_other_verbs_are_refused(venue: Venue) -> None:
    """A known path answers its own verb only."""
    assert venue.http("depth", method="POST", body=b"symbol=BTCUSDT").status == 405


@pytest.mark.parametrize(
    ("target", "code", "text"),
    [
        ("depth?symbol=btcusdt", -1100, f"'symbol'; legal range is '{SYMBOL_RANGE}'."),
        ("depth?symbol=BTC%20USDT", -1100, f"'symbol'; legal range is '{SYMBOL_RANGE}'."),
        ("depth?symbol=BTCUSDT&limit=-1", -1100, f"'limit'; legal range is '{NUMBER_RANGE}'."),
        ("depth?symbol=BTCUSDT&limit=1e2", -1100, f"'limit'; legal range is '{NUMBER_RANGE}'."),
        ("depth?symbol=BTCUSDT&limit=0", -1130, "Data sent for parameter 'limit' is not valid."),
        ("trades?symbol=BTCUSDT&limit=99999999999999999999", -1108, "'limit' overflowed."),
        ("depth?symbol=NOSUCH", -1121, "Invalid symbol."),
        ("depth?symbol=", -1105, "Parameter 'symbol' was empty."),
        (
            "depth",
            -1102,
            "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.",
        ),
        ("ping?a=1", -1101, "Too many parameters; expected '0' and received '1'."),
        (
            "ticker/price?limit=1",
            -1104,
            "Not all sent parameters were read; read '0' parameter(s) but was sent '1'.",
        ),
        (
            "klines?fromId=1&symbol=BTCUSDT&interval=1h",
            -1104,
            "Not all sent parameters were read; read '2' parameter(s) but was sent '3'.",
        ),
        (
            "klines?fromId=1",
            -1102,
            "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.",
        ),
        ("ticker/price?symbols=[%22BTCUSDT%22,%20%22ETHUSDT%22]", -1100, "legal range is"),
        (
            "depth?symbol=BTCUSDT&symbol=ETHUSDT",
            -1101,
            "Duplicate values for a parameter detected.",
        ),
        ("klines?symbol=BTCUSDT&interval=1H", -1120, "Invalid interval."),
        (
            "klines?symbol=BTCUSDT",
            -1102,
            "Mandatory parameter 'interval' was not sent, was empty/null, or malformed.",
        ),
        ("klines?symbol=BTCUSDT&interval=1d&timeZone=15", -1130, "'timeZone' is not valid."),
        ("ticker/24hr?symbol=BTCUSDT&type=BIG", -1139, "Invalid ticker type."),
        (
            "ticker/price?symbol=BTCUSDT&symbols=[%22ETHUSDT%22]",
            -1128,
            "Combination of optional parameters invalid.",
        ),
        (
            "ticker/price?symbols=[%22BTCUSDT%22,%22BTCUSDT%22]",
            -1151,
            "Symbol is present multiple times in the list.",
        ),
        ("ticker/price?symbols=BTCUSDT", -1100, "parameter 'symbols'; legal range is"),
        ("ticker/price?symbols=[%22NOSUCH%22]", -1121, "Invalid symbol."),
        (
            "ticker",
            -1102,
            "Param 'symbol' or 'symbols' must be sent, but both were empty/null!",
        ),
        ("ticker?symbol=BTCUSDT&windowSize=60m", -1130, "'windowSize' is not valid."),
        ("depth?symbol=BTCUSDT&symbolStatus=OPEN", -1122, "Invalid symbolStatus."),
        (
            "depth?symbol=BTCUSDT&symbolStatus=HALT",
            -1220,
            "The symbol's status does not match the requested symbolStatus.",
        ),
        (
            "aggTrades?symbol=BTCUSDT&fromId=1&startTime=1",
            -1128,
            "Combination of optional parameters invalid.",
        ),
        (
            "exchangeInfo?symbol=BTCUSDT&permissions=SPOT",
            -1128,
            "Combination of optional parameters invalid.",
        ),
    ],
)
def test_refusals(venue: Venue, target: str, code: int, text: str) -> None:
    """Each documented code with its exact text, HTTP 400."""
    status, got, msg = venue.error(target)
    assert (status, got) == (400, code)
    assert msg.endswith(text) or ("legal range" in text and text in msg)


def test_bad_time_unit(venue: Venue) -> None:
    """-1194, whatever else is wrong."""
    answer = json.loads(venue.http("depth", x_mbx_time_unit="SECOND").body)
    assert answer == {
        "code": -1194,
        "msg": "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.",
    }


def test_microseconds(venue: Venue) -> None:
    """The header multiplies every time of the answer."""
    assert venue.get("time", x_mbx_time_unit="microsecond") == {"serverTime": T0 // 1000}
    (bar,) = venue.get("klines?symbol=BTCUSDT&interval=1m&limit=1", x_mbx_time_unit="MICROSECOND")
    assert bar[6] == bar[0] + 60_000_000 - 1


def test_depth_is_the_market(venue: Venue) -> None:
    """Levels in order as pairs of texts with eight decimals, and the market's update id."""
    market = venue.simulation.markets["BTC/USDT"]
    book = venue.get("depth?symbol=BTCUSDT&limit=7")
    assert list(book) == ["lastUpdateId", "bids", "asks"]
    assert book["lastUpdateId"] == market.update_id
    assert [len(book[side]) for side in ("bids", "asks")] == [7, 7]
    assert book["bids"] == sorted(book["bids"], key=lambda level: -float(level[0]))
    assert all(MONEY.fullmatch(text) for level in book["asks"] for text in level)


def test_depth_clamps_its_limit(venue: Venue) -> None:
    """5000 at most, 100 by default, and any number between."""
    every = len(venue.get("depth?symbol=BTCUSDT&limit=5000")["bids"])
    assert len(venue.get("depth?symbol=BTCUSDT&limit=90000")["bids"]) == every
    assert len(venue.get("depth?symbol=BTCUSDT")["bids"]) == min(100, every)


def test_trade_shape(venue: Venue) -> None:
    """Exact fields in order; quoteQty is price times quantity."""
    newest = venue.simulation.markets["BTC/USDT"].trades(1)[0]
    (answer,) = venue.get("trades?symbol=BTCUSDT&limit=1")
    assert list(answer) == "id price qty quoteQty time isBuyerMaker isBestMatch".split()
    assert answer["id"] == newest.trade_id
    assert answer["isBuyerMaker"] is (newest.taker == "sell")
    assert float(answer["quoteQty"]) == pytest.approx(
        float(answer["price"]) * float(answer["qty"]), abs=1e-7
    )


def test_historical_trades_from_an_id(venue: Venue) -> None:
    """``fromId`` is inclusive and oldest first."""
    newest = venue.get("trades?symbol=BTCUSDT&limit=5")
    got = venue.get(f"historicalTrades?symbol=BTCUSDT&fromId={newest[1]['id']}&limit=2")
    assert got == newest[1:3]


def test_agg_trades_cover_every_trade_once(venue: Venue) -> None:
    """Ids are consecutive, ``f`` follows the last ``l``, and quantities add up."""
    found = venue.get("aggTrades?symbol=BTCUSDT&limit=50")
    raw = venue.get(f"historicalTrades?symbol=BTCUSDT&fromId={found[0]['f']}&limit=1000")
    assert list(found[0]) == ["a", "p", "q", "f", "l", "T", "m", "M"]
    assert [one["a"] for one in found] == list(range(found[0]["a"], found[0]["a"] + 50))
    assert all(one["f"] == before["l"] + 1 for before, one in zip(found, found[1:], strict=False))
    total = sum(float(one["q"]) for one in found)
    assert total == pytest.approx(sum(float(one["qty"]) for one in raw))


def test_agg_trades_by_id_and_time(venue: Venue) -> None:
    """By id, by start and by end the same aggregates have the same ids."""
    found = venue.get("aggTrades?symbol=BTCUSDT&limit=9")
    by_id = venue.get(f"aggTrades?symbol=BTCUSDT&fromId={found[3]['a']}&limit=2")
    by_end = venue.get(f"aggTrades?symbol=BTCUSDT&endTime={found[-1]['T']}&limit=4")
    by_start = venue.get(f"aggTrades?symbol=BTCUSDT&startTime={found[0]['T']}&limit=1000")
    assert by_id == found[3:5]
    assert by_end == found[-4:]
    assert by_start[-9:] == found


def test_klines_have_twelve_elements(venue: Venue) -> None:
    """Close time is the next open minus one; the last bar may be open; ``"0"`` closes the row."""
    bars = venue.get("klines?symbol=BTCUSDT&interval=1m&limit=3")
    assert [len(bar) for bar in bars] == [12, 12, 12]
    assert [bar[6] + 1 for bar in bars[:-1]] == [bar[0] for bar in bars[1:]]
    assert [type(value) for value in bars[0]] == [int, *[str] * 5, int, str, int, str, str, str]
    assert bars[0][11] == "0" and all(MONEY.fullmatch(bars[0][at]) for at in (1, 2, 3, 4, 5, 7))


def test_klines_in_another_time_zone(venue: Venue) -> None:
    """``timeZone`` shifts a day's boundary and nothing else."""
    (bar,) = venue.get("klines?symbol=BTCUSDT&interval=1d&limit=1&timeZone=-1:30")
    assert (bar[0] // 60_000) % 1440 == 90
    assert venue.get("uiKlines?symbol=BTCUSDT&interval=1d&limit=1&timeZone=-1:30") == [bar]


def test_klines_take_times_in_either_unit(venue: Venue) -> None:
    """A time parameter may be milliseconds or microseconds."""
    start = T0 // MS - 120_000
    one, other = (
        venue.get(f"klines?symbol=BTCUSDT&interval=1m&startTime={at}&limit=2")
        for at in (start, start * 1000)
    )
    assert one == other and one[0][0] == start


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("8", 480), ("-1:00", -60), ("05:45", 345), ("+14:00", 840), ("14:01", None), ("x", None)],
)
def test_time_zones(text: str, minutes: int | None) -> None:
    """From -12:00 to +14:00 in every documented spelling."""
    assert zone_ns(text) == (None if minutes is None else minutes * 60 * S)


def test_average_price(venue: Venue) -> None:
    """Five minutes, and the last trade's time."""
    answer = venue.get("avgPrice?symbol=BTCUSDT")
    assert list(answer) == ["mins", "price", "closeTime"] and answer["mins"] == 5
    assert answer["closeTime"] == venue.get("trades?symbol=BTCUSDT&limit=1")[0]["time"]


FULL = """symbol priceChange priceChangePercent weightedAvgPrice prevClosePrice lastPrice lastQty
bidPrice bidQty askPrice askQty openPrice highPrice lowPrice volume quoteVolume openTime closeTime
firstId lastId count""".split()
MINI = """symbol openPrice highPrice lowPrice lastPrice volume quoteVolume openTime closeTime
firstId lastId count""".split()


def test_day_ticker(venue: Venue) -> None:
    """Exact fields in order, 24 hours to the millisecond, three decimals of percent."""
    answer = venue.get("ticker/24hr?symbol=BTCUSDT")
    assert list(answer) == FULL
    assert answer["closeTime"] - answer["openTime"] == 86_400_000
    assert re.fullmatch(r"-?\d+\.\d{3}", answer["priceChangePercent"])
    assert answer["lastId"] == venue.get("trades?symbol=BTCUSDT&limit=1")[0]["id"]
    assert list(venue.get("ticker/24hr?type=MINI")[1]) == MINI


@pytest.mark.parametrize("path", ["24hr", "price", "bookTicker", "tradingDay"])
def test_object_for_one_symbol_and_array_otherwise(venue: Venue, path: str) -> None:
    """``symbols`` with one element is an array all the same."""
    one = venue.get(f"ticker/{path}?symbol=ETHUSDT")
    listed = venue.get(f'ticker/{path}?symbols=["ETHUSDT"]')
    assert isinstance(one, dict) and listed == [one]


def test_no_symbol_means_all_and_a_status_filters(venue: Venue) -> None:
    """Lists are filtered silently by ``symbolStatus``."""
    assert [one["symbol"] for one in venue.get("ticker/price")] == ["BTCUSDT", "ETHUSDT"]
    assert venue.get("ticker/price?symbolStatus=HALT") == []


def test_rolling_and_trading_day_tickers(venue: Venue) -> None:
    """A rolling window opens on a whole minute; a trading day at midnight."""
    rolling = venue.get("ticker?symbol=BTCUSDT&windowSize=2h")
    day = venue.get("ticker/tradingDay?symbol=BTCUSDT&type=MINI")
    assert rolling["openTime"] == T0 // MS - 7_200_000
    assert (day["openTime"], day["closeTime"] + 1) == (
        T0 // MS - 8 * 3600_000,
        T0 // MS + 16 * 3600_000,
    )
    assert list(day) == MINI


def test_exchange_info(venue: Venue) -> None:
    """Live limits in order, PRICE_FILTER first, no ``permissions`` but ``permissionSets``."""
    info = venue.get("exchangeInfo?symbol=BTCUSDT")
    assert [limit["limit"] for limit in info["rateLimits"]] == [6000, 100, 200_000, 300_000]
    (symbol,) = info["symbols"]
    assert symbol["filters"][0] == {
        "filterType": "PRICE_FILTER",
        "minPrice": "0.01000000",
        "maxPrice": "1000000.00000000",
        "tickSize": "0.01000000",
    }
    assert symbol["permissions"] == [] and symbol["permissionSets"] == [["SPOT"]]
    assert symbol["status"] == "TRADING" and symbol["isSpotTradingAllowed"] is True


def test_exchange_info_by_permission(venue: Venue) -> None:
    """SPOT finds all, another set none; the sets can be left out."""
    assert len(venue.get("exchangeInfo?permissions=SPOT")["symbols"]) == 2
    assert venue.get('exchangeInfo?permissions=["LEVERAGED"]')["symbols"] == []
    assert "permissionSets" not in venue.get("exchangeInfo?showPermissionSets=false")["symbols"][0]


def test_aggregates_of_one_taker() -> None:
    """Fills of one order at one price and time are one; another price or order is another."""
    venue = Venue(own=True)
    last = venue.get("aggTrades?symbol=BTCUSDT&limit=1")
    tape = venue.simulation.markets["BTC/USDT"].tape  # type: ignore[attr-defined]
    first = venue.simulation.markets["BTC/USDT"].trades(1)
    next_id = first[-1].trade_id + 1 if first else 810046
    same = [trade(trade_id=next_id + at, quantity=100 * (at + 1)) for at in range(2)]
    for one in (
        *same,
        trade(trade_id=next_id + 2, price=6012060),
        trade(trade_id=next_id + 3, taker_order=9, price=6012060),
    ):
        tape.add(one)
    found = venue.get("aggTrades?symbol=BTCUSDT&limit=3")
    assert [(one["q"], one["l"] - one["f"]) for one in found] == [
        ("0.00300000", 1),
        ("0.00300000", 0),
        ("0.00300000", 0),
    ]
    assert not last or found[0]["a"] == last[0]["a"] + 1


def test_parameters_from_query_and_form() -> None:
    """POST, PUT and DELETE read both, raw and percent-encoded; the query wins."""
    params = Params.of_http("symbol=BTCUSDT&a=1%2C2", b"symbol=ETHUSDT&side=BUY&b=x+y")
    assert params.values == {"symbol": "BTCUSDT", "side": "BUY", "a": "1,2", "b": "x y"}
    assert not params.repeated


def test_forgetting_old_aggregates_changes_no_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept is bounded; what is kept has the ids it always had."""
    ids = [one["a"] for one in Venue().get("aggTrades?symbol=BTCUSDT&limit=20")]
    monkeypatch.setattr(catalogue, "_KEPT", 20)
    short = Venue()
    assert [one["a"] for one in short.get("aggTrades?symbol=BTCUSDT&limit=20")] == ids
    assert len(short.get("aggTrades?symbol=BTCUSDT&limit=1000")) <= 40


def test_internal_error(venue: Venue) -> None:
    """Where the dialect itself fails: -1000, with the weight that every answer shows."""
    request = HttpIn(method="POST", target="/api/v3/order", headers={})
    answer = venue.dialect.internal_error(request, T0)
    assert answer.status == 500 and json.loads(answer.body)["code"] == -1000
    assert "X-MBX-USED-WEIGHT-1M" in answer.headers
    assert list(venue.connect("/ws").session.internal_error(T0)) == [Close(1011, "Internal error")]
