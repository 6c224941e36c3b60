"""Binance's official SDK against the lab: only its URLs are changed, everything it reads is read
with its own strict models."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

pytest.importorskip("binance_sdk_spot", reason="the official SDK is not installed")

from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_common.errors import BadRequestError, RateLimitBanError, TooManyRequestsError
from binance_sdk_spot.spot import Spot

from vocx.lab import Lab

pytestmark = pytest.mark.filterwarnings("ignore:parameter 'timeout' of type:DeprecationWarning")
DEADLINE_S = 20.0
BTC: dict[str, Any] = {"symbol": "BTCUSDT"}


@pytest.fixture
def spot(lab: Lab) -> Spot:
    urls = lab.urls["binance"]
    return Spot(
        config_rest_api=ConfigurationRestAPI(base_path=urls["rest"], timeout=5000, retries=0),
        config_ws_api=ConfigurationWebSocketAPI(stream_url=urls["ws_api"]),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=urls["ws"]),
    )


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("ping", {}),
        ("time", {}),
        ("exchange_info", {}),
        ("depth", {**BTC, "limit": 5}),
        ("get_trades", BTC),
        ("historical_trades", BTC),
        ("agg_trades", BTC),
        ("klines", {**BTC, "interval": "1m"}),
        ("ui_klines", {**BTC, "interval": "1d", "time_zone": "8"}),
        ("avg_price", BTC),
        ("ticker", {**BTC, "window_size": "1h"}),
        ("ticker24hr", {"symbols": ["BTCUSDT", "ETHUSDT"]}),
        ("ticker_trading_day", BTC),
        ("ticker_price", {}),
        ("ticker_book_ticker", BTC),
    ],
)
def test_rest(spot: Spot, method: str, arguments: dict[str, Any]) -> None:
    """Each call is read by its model, and the used weight by its header reader."""
    response = getattr(spot.rest_api, method)(**arguments)
    data = response.data()
    assert data or method == "ping"
    assert response.rate_limits[0].rateLimitType == "REQUEST_WEIGHT"
    assert response.rate_limits[0].count > 0


def test_rest_money_is_text(spot: Spot) -> None:
    """Strings with eight decimals reach the caller."""
    book = spot.rest_api.depth(symbol="BTCUSDT", limit=5).data()
    assert all(re.fullmatch(r"\d+\.\d{8}", text) for level in book.bids for text in level)


def test_rest_errors(spot: Spot) -> None:
    """The body's code and text arrive: the content type is right on errors, too."""
    with pytest.raises(BadRequestError) as caught:
        spot.rest_api.depth(symbol="NOSUCH")
    assert caught.value.error_message == "Invalid symbol."
    assert caught.value.status_code == -1121


def test_rest_limits(lab: Lab, spot: Spot) -> None:
    """429 and 418 are the SDK's own exceptions."""
    lab.limits(weight=1, ban_after=1, venue="binance")
    try:
        with pytest.raises(TooManyRequestsError):
            spot.rest_api.ticker_price(symbol="BTCUSDT")
        with pytest.raises(RateLimitBanError):
            spot.rest_api.ticker_price(symbol="BTCUSDT")
    finally:
        lab.limits(weight=6000, ban_after=10, reset=True, venue="binance")


API_CALLS: list[tuple[str, dict[str, Any]]] = [
    ("ping", {}),
    ("time", {}),
    ("exchange_info", {"symbols": ["BTCUSDT"]}),
    ("depth", {**BTC, "limit": 5}),
    ("trades_recent", BTC),
    ("trades_historical", BTC),
    ("trades_aggregate", BTC),
    ("klines", {**BTC, "interval": "1m"}),
    ("ui_klines", {**BTC, "interval": "1m"}),
    ("avg_price", BTC),
    ("ticker", BTC),
    ("ticker24hr", {"symbols": ["BTCUSDT", "ETHUSDT"]}),
    ("ticker_trading_day", BTC),
    ("ticker_price", {}),
    ("ticker_book", BTC),
]


def test_websocket_api(spot: Spot) -> None:
    """Every market method answers with its limits, which the SDK insists on."""

    async def call_all() -> list[Any]:
        api = await spot.websocket_api.create_connection()
        try:
            return [await getattr(api, name)(**arguments) for name, arguments in API_CALLS]
        finally:
            await api.close_connection(close_session=True)

    responses = asyncio.run(asyncio.wait_for(call_all(), DEADLINE_S))
    assert all(response.data() is not None for response in responses)
    counts = [response.rate_limits[0].count for response in responses]
    assert counts == sorted(counts)


STREAMS: list[tuple[str, dict[str, Any], str]] = [
    ("trade", {}, "TradeResponse"),
    ("agg_trade", {}, "AggTradeResponse"),
    ("kline_offset", {"interval": "1s"}, "KlineOffsetResponse"),
    ("ticker", {}, "TickerResponse"),
    ("book_ticker", {}, "BookTickerResponse"),
    ("partial_book_depth", {"levels": 5, "update_speed": "100ms"}, "PartialBookDepthResponse"),
    ("diff_book_depth", {"update_speed": "100ms"}, "DiffBookDepthResponse"),
    ("all_mini_ticker", {}, "list"),
]


def test_streams(spot: Spot) -> None:
    """Bare ``/stream``, UUID ids, one SUBSCRIBE each: every stream arrives as its model."""

    async def read_all() -> tuple[dict[str, Any], int]:
        streams = await spot.websocket_streams.create_connection()
        got: dict[str, Any] = {}
        complete = asyncio.Event()

        def keep(name: str, message: Any) -> None:
            got.setdefault(name, message)
            if len(got) == len(STREAMS):
                complete.set()

        try:
            for name, arguments, _ in STREAMS:
                one = {} if name.startswith("all") else {"symbol": "btcusdt"}
                handle = await getattr(streams, name)(**one, **arguments)
                handle.on("message", lambda message, name=name: keep(name, message))
            listed = await streams.list_subscribe()
            await complete.wait()
            return got, len(listed["result"])
        finally:
            await streams.close_connection(close_session=True)

    got, listed = asyncio.run(asyncio.wait_for(read_all(), DEADLINE_S))
    assert {name: type(message).__name__ for name, message in got.items()} == {
        name: model for name, _, model in STREAMS
    }
    assert listed == len(STREAMS)
