"""What clients ask beside the Spot API before they begin."""

from __future__ import annotations

import json
from typing import Any

import pytest
from trading_binance import KEY, RESTING, SECRET, Exchange, Trader

HELD = {"USDT": "100000", "BTC": "2"}
EMPTY = (
    "/sapi/v1/margin/allPairs",
    "/sapi/v1/margin/isolated/allPairs",
    "openOrderList",
    "allOrderList",
    "myAllocations?symbol=BTCUSDT",
)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
def trader(exchange: Exchange) -> Trader:
    exchange.command("account", name="alice", balances=HELD, key=KEY, secret=SECRET)
    return Trader(exchange)


def test_the_state_of_the_system(exchange: Exchange) -> None:
    """Without a key."""
    assert exchange.get("/sapi/v1/system/status") == {"status": 0, "msg": "normal"}


@pytest.mark.parametrize("product", ["fapi", "dapi"])
def test_other_products_list_nothing(exchange: Exchange, product: str) -> None:
    """ccxt loads the markets of futures with those of spot, with a key or without."""
    answer = exchange.get(f"/{product}/v1/exchangeInfo")
    assert answer["symbols"] == [] and answer["timezone"] == "UTC"


@pytest.mark.parametrize("path", EMPTY)
def test_what_the_lab_does_not_have_is_an_empty_list(trader: Trader, path: str) -> None:
    """Margin pairs, order lists, allocations."""
    path, _, symbol = path.partition("?symbol=")
    assert trader.ask("GET", path, **({"symbol": symbol} if symbol else {})) == []


def test_order_lists_over_the_socket(exchange: Exchange, trader: Trader) -> None:
    """They are part of the Spot API, under names of their own."""
    client = exchange.connect("/ws-api/v3")
    for method in ("openOrderLists.status", "allOrderLists"):
        assert trader.call(client, method)["result"] == []
    assert trader.call(client, "myAllocations", symbol="BTCUSDT")["result"] == []


def test_coins(trader: Trader) -> None:
    """Every asset once, with its chain and what the account has: money as texts of eight
    decimals, counts as numbers."""
    trader.place(**RESTING)
    rows: list[dict[str, Any]] = trader.ask("GET", "/sapi/v1/capital/config/getall")
    coins = {row["coin"]: row for row in rows}
    assert len(coins) == len(rows) and coins["BTC"]["free"] == "2.00000000"
    assert coins["USDT"]["locked"] == "60.00000000" and coins["USDT"]["name"] == "Tether"
    (network,) = coins["BTC"]["networkList"]
    assert (network["network"], network["minConfirm"], network["withdrawFee"]) == (
        "BTC",
        1,
        "0.00000000",
    )


def test_assets_of_the_user(trader: Trader) -> None:
    """Only what is there, by POST."""
    rows = trader.ask("POST", "/sapi/v3/asset/getUserAsset")
    assert {row["asset"]: row["free"] for row in rows} == {
        "BTC": "2.00000000",
        "USDT": "100000.00000000",
    }
    (row,) = trader.ask("POST", "/sapi/v3/asset/getUserAsset", asset="BTC")
    assert row["btcValuation"] == "0"


def test_fees(trader: Trader) -> None:
    """Of one symbol or of all; fractions as texts."""
    (row,) = trader.ask("GET", "/sapi/v1/asset/tradeFee", symbol="BTCUSDT")
    assert row == {"symbol": "BTCUSDT", "makerCommission": "0.001", "takerCommission": "0.001"}
    assert len(trader.ask("GET", "/sapi/v1/asset/tradeFee")) > 1
    assert trader.error("GET", "/sapi/v1/asset/tradeFee", symbol="NOPE")[1] == -1121


def test_what_the_key_may_do(exchange: Exchange, trader: Trader) -> None:
    """Read, and trade; nothing else. A key for reading may not trade."""
    answer = trader.ask("GET", "/sapi/v1/account/apiRestrictions")
    assert answer["enableReading"] is answer["enableSpotAndMarginTrading"] is True
    assert not any(answer[name] for name in answer if name.endswith(("Futures", "Withdrawals")))
    assert trader.ask("GET", "/sapi/v1/account/status") == {"data": "Normal"}
    assert trader.ask("GET", "/sapi/v1/account/apiTradingStatus")["data"]["isLocked"] is False


def test_they_are_signed_and_none_is_a_method_of_the_socket(
    exchange: Exchange, trader: Trader
) -> None:
    """-2014 without a key; -1020 over the WebSocket API."""
    answer = exchange.http("/sapi/v1/capital/config/getall?timestamp=1&signature=x")
    assert json.loads(answer.body)["code"] == -2014
    client = exchange.connect("/ws-api/v3")
    for method in ("/sapi/v1/account/status", "openOrderList"):
        assert trader.call(client, method)["error"]["code"] == -1020
