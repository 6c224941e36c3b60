"""What clients ask of Bybit beside spot trading before they begin."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from venue_bybit import Venue


@pytest.fixture
def venue() -> Venue:
    return Venue()


def result(venue: Venue, target: str) -> Any:
    answer = venue.ask("GET", target)
    assert answer["retCode"] == 0, answer
    return answer["result"]


def test_coins(venue: Venue) -> None:
    """Every coin once, with its chain; amounts are texts."""
    rows = result(venue, "asset/coin/query-info")["rows"]
    assert len({row["coin"] for row in rows}) == len(rows) >= 3
    (row,) = result(venue, "asset/coin/query-info?coin=USDT")["rows"]
    assert (row["coin"], row["name"], row["chains"][0]["chain"]) == ("USDT", "Tether", "USDT")
    assert all(isinstance(value, str) for value in row["chains"][0].values())


def test_balances_of_coins(venue: Venue) -> None:
    """What orders hold cannot be transferred; the funding account has nothing."""
    venue.ask("POST", "order/create", venue.order())
    target = "asset/transfer/query-account-coins-balance?accountType="
    rows = {one["coin"]: one for one in result(venue, target + "UNIFIED")["balance"]}
    usdt = rows["USDT"]
    assert Decimal(usdt["transferBalance"]) < Decimal(usdt["walletBalance"])
    assert result(venue, target + "FUND")["balance"] == []
    assert result(venue, target + "FUND&coin=BTC")["balance"][0]["walletBalance"] == "0"
    one = result(venue, "asset/transfer/query-account-coin-balance?accountType=UNIFIED&coin=USDT")
    assert one["balance"]["walletBalance"] == usdt["walletBalance"]
    assert venue.ask("GET", target + "UNIFIED&coin=NOPE")["retCode"] == 170221
    assert venue.ask("GET", target + "SPOT")["retCode"] == 10001


def test_positions(venue: Venue) -> None:
    """None, of whatever category: clients of several ask before they begin."""
    found = result(venue, "position/list?category=linear&settleCoin=USDT")
    assert found == {"category": "linear", "nextPageCursor": "", "list": []}


def test_all_kinds_of_permissions_are_listed(venue: Venue) -> None:
    """With nothing for what the key may not do: strict clients need the names."""
    permissions = result(venue, "user/query-api")["permissions"]
    assert permissions["Spot"] == ["SpotTrade"] and permissions["Derivatives"] == []
    assert {"ContractTrade", "Options", "Exchange", "Wallet", "NFT"} <= permissions.keys()
