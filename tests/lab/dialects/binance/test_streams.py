"""Market streams of the Binance dialect: payloads to the byte, cadences, one id space."""

from __future__ import annotations

import json
from typing import Any

import pytest
from venue_binance import BEST, MS, T0, Client, S, Venue, level, trade

from vocx.lab.dialects.binance.topics import spec_of, well_formed


@pytest.fixture
def venue() -> Venue:
    return Venue(own=True)


def listen(venue: Venue, *streams: str) -> Client:
    return venue.connect("/stream?streams=" + "/".join(streams))


def test_trade_payload(venue: Venue) -> None:
    """One event per match, without the order ids that went in June 2024."""
    client = venue.connect("/ws/btcusdt@trade")
    venue.now_ns = T0 + 405 * MS
    venue.publish(trade())
    assert json.dumps(client.got[0], separators=(",", ":")) == (
        '{"e":"trade","E":1795334400405,"s":"BTCUSDT","t":810046,"p":"60120.50000000",'
        '"q":"0.00300000","T":1795334400400,"m":false,"M":true}'
    )


def test_seller_took(venue: Venue) -> None:
    """``m`` is true when the buyer was the maker."""
    client = venue.connect("/ws/btcusdt@trade")
    venue.publish(trade(taker="sell"))
    assert client.got[0]["m"] is True


def test_book_ticker_payload(venue: Venue) -> None:
    """No event type and no time; ``u`` is the book's update id."""
    client = venue.connect("/ws/btcusdt@bookTicker")
    venue.publish(BEST)
    assert json.dumps(client.got[0], separators=(",", ":")) == (
        '{"u":7200452,"s":"BTCUSDT","b":"60120.40000000","B":"0.50000000",'
        '"a":"60120.60000000","A":"1.99802000"}'
    )


def test_aggregate_payload(venue: Venue) -> None:
    """Fills of one taker order at one price are one event, with the ids that REST gives."""
    client = venue.connect("/ws/btcusdt@aggTrade")
    tape = venue.simulation.markets["BTC/USDT"].tape  # type: ignore[attr-defined]
    first = tape.newest.trade_id + 1 if tape.newest else 810046
    fills = [
        trade(trade_id=first),
        trade(trade_id=first + 1),
        trade(trade_id=first + 2, price=6012060),
    ]
    for fill in fills:
        tape.add(fill)
    venue.publish(*fills)
    both = [(one["p"], one["q"], one["l"] - one["f"]) for one in client.got]
    assert both == [("60120.50000000", "0.00600000", 1), ("60120.60000000", "0.00300000", 0)]
    assert list(client.got[0]) == ["e", "E", "s", "a", "p", "q", "f", "l", "T", "m", "M"]
    by_rest = venue.get(f"aggTrades?symbol=BTCUSDT&fromId={client.got[0]['a']}")
    assert [one["l"] for one in by_rest] == [one["l"] for one in client.got]


def test_aggregate_stream_is_the_raw_stream_merged(venue: Venue) -> None:
    """Over any path: consecutive ids, every trade covered once, in order."""
    client = listen(venue, "btcusdt@trade", "btcusdt@aggTrade")
    venue.step(400)
    raw = [one["data"] for one in client.got if one["stream"].endswith("@trade")]
    merged = [one["data"] for one in client.got if one["stream"].endswith("@aggTrade")]
    assert [one["a"] for one in merged] == list(range(merged[0]["a"], merged[-1]["a"] + 1))
    covered = [t for one in merged for t in range(one["f"], one["l"] + 1)]
    assert covered == [one["t"] for one in raw]


def test_depth_payload(venue: Venue) -> None:
    """Absolute quantities since the last event; zero removes; ids are contiguous."""
    client = venue.connect("/ws/btcusdt@depth@100ms")
    last = venue.simulation.markets["BTC/USDT"].update_id
    venue.publish(level(last + 1, "sell", 6012060, 199802), level(last + 2, "sell", 6012050, 0))
    venue.publish(level(last + 3, "buy", 6000000, 100), level(last + 4, "buy", 6000000, 300))
    venue.pass_time(100 * MS)
    assert client.got == [
        {
            "e": "depthUpdate",
            "E": T0 // MS + 100,
            "s": "BTCUSDT",
            "U": last + 1,
            "u": last + 4,
            "b": [["60000.00000000", "0.00300000"]],
            "a": [["60120.50000000", "0.00000000"], ["60120.60000000", "1.99802000"]],
        }
    ]


@pytest.mark.parametrize(("suffix", "cadence_ms"), [("", 1000), ("@1000ms", 1000), ("@100ms", 100)])
def test_diffs_are_contiguous_and_rebuild_the_book(
    venue: Venue, suffix: str, cadence_ms: int
) -> None:
    """A snapshot plus every event is the book at every id; ``U`` is the previous ``u`` + 1."""
    client = venue.connect("/ws/btcusdt@depth" + suffix)
    snapshot = venue.get("depth?symbol=BTCUSDT&limit=5000")
    for _ in range(20):
        venue.step(30)
        venue.pass_time(cadence_ms * MS)
    book = {side: dict(snapshot[side]) for side in ("bids", "asks")}
    last = snapshot["lastUpdateId"]
    for event in client.got:
        assert event["U"] == last + 1
        last = event["u"]
        for side, key in (("bids", "b"), ("asks", "a")):
            book[side].update(event[key])
    after = venue.get("depth?symbol=BTCUSDT&limit=5000")
    assert len(client.got) == 20 and last == after["lastUpdateId"]
    for side in ("bids", "asks"):
        kept = {p: q for p, q in book[side].items() if q != "0.00000000"}
        assert kept == dict(after[side])


def test_one_id_space(venue: Venue) -> None:
    """Diffs, partial books, best prices and REST count the same updates."""
    client = listen(venue, "btcusdt@depth@100ms", "btcusdt@depth5@100ms", "btcusdt@bookTicker")
    venue.step(100)
    venue.pass_time(100 * MS)
    ids = {one["stream"]: one["data"] for one in client.got}
    newest = venue.get("depth?symbol=BTCUSDT")["lastUpdateId"]
    assert ids["btcusdt@depth@100ms"]["u"] == ids["btcusdt@depth5@100ms"]["lastUpdateId"] == newest
    assert ids["btcusdt@bookTicker"]["u"] <= newest


@pytest.mark.parametrize("levels", [5, 10, 20])
def test_partial_book(venue: Venue, levels: int) -> None:
    """The best levels as REST shows them; no symbol, no event type; only when changed."""
    client = venue.connect(f"/ws/btcusdt@depth{levels}")
    venue.step(50)
    venue.pass_time(3 * S)
    assert client.got == [venue.get(f"depth?symbol=BTCUSDT&limit={levels}")]


def candles(client: Client) -> list[dict[str, Any]]:
    return [one["k"] for one in client.got if one.get("e") == "kline"]


def test_kline_closes_exactly_once(venue: Venue) -> None:
    """Every 2 s while trades come; ``x`` once per bar, on its last update, and the bars meet."""
    client = venue.connect("/ws/btcusdt@kline_1m")
    for _ in range(75):
        venue.step(3)
        venue.pass_time(2 * S)
    closed = [one["t"] for one in candles(client) if one["x"]]
    assert closed == [T0 // MS, T0 // MS + 60_000]
    last_of = {one["t"]: one for one in candles(client)}
    assert all(last_of[open_ms]["x"] for open_ms in closed)
    assert all(one["T"] == one["t"] + 59_999 for one in candles(client))


def test_closed_kline_is_rests_candle(venue: Venue) -> None:
    """The closing update carries what ``/klines`` says ever after."""
    client = venue.connect("/ws/btcusdt@kline_1m")
    for _ in range(31):
        venue.step(3)
        venue.pass_time(2 * S)
    (bar,) = [one for one in candles(client) if one["x"]]
    row = venue.get(f"klines?symbol=BTCUSDT&interval=1m&startTime={bar['t']}&limit=1")[0]
    assert row == [bar[key] for key in ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q", "B")]


def test_second_candles_every_second(venue: Venue) -> None:
    """1s bars come once a second, each closed."""
    client = venue.connect("/ws/btcusdt@kline_1s")
    for _ in range(5):
        venue.step(3)
        venue.pass_time(S)
    assert [(one["t"], one["x"]) for one in candles(client)] == [
        (T0 // MS + 1000 * at, True) for at in range(5)
    ]


def test_kline_in_another_zone(venue: Venue) -> None:
    """``@+08:00`` shifts the day's boundary; times stay UTC."""
    client = venue.connect("/stream?streams=btcusdt@kline_1d@+08:00")
    venue.step(5)
    venue.pass_time(2 * S)
    (bar,) = (one["data"]["k"] for one in client.got)
    assert bar["t"] == T0 // MS - 16 * 3600_000


TICKER = "e E s p P w x c Q b B a A o h l v q O C F L n".split()
ROLLING = "e E s p P o h l c w v q O C F L n".split()


@pytest.mark.parametrize(
    ("stream", "event", "fields"),
    [
        ("btcusdt@ticker", "24hrTicker", TICKER),
        ("btcusdt@miniTicker", "24hrMiniTicker", "e E s c o h l v q".split()),
        ("btcusdt@ticker_1h", "1hTicker", ROLLING),
        ("btcusdt@ticker_4h", "4hTicker", ROLLING),
        ("btcusdt@ticker_1d", "1dTicker", ROLLING),
        ("btcusdt@avgPrice", "avgPrice", "e E s i w T".split()),
    ],
)
def test_second_by_second_streams(venue: Venue, stream: str, event: str, fields: list[str]) -> None:
    """Exact fields, once a second on the whole second, while something changes."""
    client = venue.connect("/ws/" + stream)
    for _ in range(3):
        venue.step_to_trade()
        venue.pass_time(S)
    assert [one["E"] for one in client.got] == [T0 // MS + 1000 * at for at in (1, 2, 3)]
    assert list(client.got[0]) == fields and client.got[0]["e"] == event


def test_ticker_equals_rest(venue: Venue) -> None:
    """The stream's 24 hours are REST's 24 hours."""
    client = venue.connect("/ws/btcusdt@ticker")
    venue.step(40)
    venue.pass_time(S)
    rest = venue.get("ticker/24hr?symbol=BTCUSDT")
    pairs = zip("p P w x c Q b B a A o h l v q O C F L n".split(), list(rest)[1:], strict=True)
    assert {key: client.got[0][key] for key, _ in pairs} == {
        key: rest[name] for key, name in zip(TICKER[3:], list(rest)[1:], strict=True)
    }


def test_a_rolling_window_equals_rest(venue: Venue) -> None:
    """It opens on a whole minute, as over REST; so does the average price."""
    client = venue.connect("/stream?streams=btcusdt@ticker_1h/btcusdt@avgPrice")
    venue.step(40)
    venue.pass_time(S)
    got = {one["stream"]: one["data"] for one in client.got}
    rest = venue.get("ticker?symbol=BTCUSDT&windowSize=1h")
    window = got["btcusdt@ticker_1h"]
    names = "priceChange priceChangePercent openPrice highPrice lowPrice lastPrice".split()
    names += "weightedAvgPrice volume quoteVolume openTime".split()
    assert [window[key] for key in ROLLING[3:13]] == [rest[name] for name in names]
    assert [window[key] for key in "FLn"] == [rest[one] for one in ("firstId", "lastId", "count")]
    average = venue.get("avgPrice?symbol=BTCUSDT")
    told = got["btcusdt@avgPrice"]
    assert (told["w"], told["T"], told["i"]) == (average["price"], average["closeTime"], "5m")


@pytest.mark.parametrize(
    ("stream", "seconds"),
    [
        ("!miniTicker@arr", 1),
        ("!miniTicker@arr@1000ms", 1),
        ("!miniTicker@arr@3000ms", 3),
        ("!ticker_4h@arr", 1),
    ],
)
def test_an_array_holds_what_changed(venue: Venue, stream: str, seconds: int) -> None:
    """All symbols at first, then those that traded; silence when none did."""
    client = venue.connect("/ws/" + stream)
    for _ in range(2 * seconds):
        venue.pass_time(S)
    assert [[one["s"] for one in message] for message in client.got] == [["BTCUSDT", "ETHUSDT"]]


def test_microseconds(venue: Venue) -> None:
    """``timeUnit`` in the URL multiplies every time, for that connection only."""
    micro = venue.connect("/ws/btcusdt@trade?timeUnit=MICROSECOND")
    milli = venue.connect("/ws/btcusdt@trade")
    venue.publish(trade())
    assert micro.got[0]["T"] == 1000 * milli.got[0]["T"] == T0 // 1000 + 400_000


def test_a_clock_that_is_set_back(venue: Venue) -> None:
    """Streams with a cadence go on at once, not when the clock is where it was."""
    client = venue.connect("/ws/btcusdt@depth@100ms")
    venue.step(20)
    venue.pass_time(100 * MS)
    venue.now_ns -= 3600 * S
    venue.step(20)
    venue.pass_time(100 * MS)
    assert len(client.got) == 2


def test_nothing_is_sent_after_the_last_listener_left(venue: Venue) -> None:
    """A stream without listeners is forgotten, ticks included."""
    client = listen(venue, "btcusdt@depth@100ms", "btcusdt@trade")
    assert venue.dialect.next_tick_ns == T0 + 100 * MS
    client.session.closed(venue.now_ns)
    assert venue.dialect.next_tick_ns > T0 + 10**17
    venue.publish(trade())
    assert client.got == [] and not venue.dialect.publisher.topics


@pytest.mark.parametrize(
    "name",
    [
        "btcusdt@kline_7m",
        "btcusdt@depth7",
        "!ticker@arr",
        "!bookTicker",
        "btcusdt@depth@50ms",
        "btcusdt@ticker_2h",
        "!ticker_1h",
        "!avgPrice@arr",
    ],
)
def test_names_that_no_stream_has(name: str) -> None:
    """They are well formed all the same (and so stay silent)."""
    assert well_formed(name) and spec_of(name) is None


@pytest.mark.parametrize("name", ["@@@x###", "btcusdt@", "btc usdt@trade", "", "@trade", "a@b#c"])
def test_malformed_names(name: str) -> None:
    """Names that the syntax check refuses."""
    assert not well_formed(name)
