"""What clients ask beside the Spot API before they begin: the wallet and the other products.

ccxt with keys loads its markets from ``capital/config/getall`` and both lists of margin pairs, and
with or without keys from the futures' ``exchangeInfo`` (4.5.90); others look at the system's state
and at what their key may do. The lab has one chain for each coin, which moves nothing, and no
margin pairs or futures: those are empty. At the venue these calls have limits of
their own; here each costs a weight of 1 (a choice). Forms: wallet documentation, 2026, and bodies
that others have recorded.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from vocx.lab.dialects.binance.calls import Call
from vocx.lab.dialects.binance.endpoint import Endpoint
from vocx.lab.dialects.binance.wire import ZERO, exact
from vocx.lab.dialects.shared.assets import assets_of, name_of
from vocx.lab.dialects.shared.endpoints import EndpointTable

_NONE = (Decimal(0), Decimal(0))


def system_status(call: Call) -> dict[str, Any]:
    """Maintenance is not played."""
    return {"status": 0, "msg": "normal"}


def coins(call: Call) -> list[dict[str, Any]]:
    """Every asset with what the account has of it."""
    owned = call.records.balances(call.owner)
    rows = []
    for asset in assets_of(call.catalogue.by_name.values()):
        free, locked = owned.get(asset, _NONE)
        row = {
            "coin": asset,
            "depositAllEnable": True,
            "free": exact(free),
            "freeze": ZERO,
            "ipoable": ZERO,
            "ipoing": ZERO,
            "isLegalMoney": False,
            "locked": exact(locked),
            "name": name_of(asset),
            "networkList": [_network(asset)],
            "storage": ZERO,
            "trading": True,
            "withdrawAllEnable": True,
            "withdrawing": ZERO,
        }
        rows.append(row)
    return rows


def _network(asset: str) -> dict[str, Any]:
    return {
        "addressRegex": "",
        "busy": False,
        "coin": asset,
        "contractAddress": "",
        "contractAddressUrl": "",
        "depositDesc": "",
        "depositEnable": True,
        "estimatedArrivalTime": 1,
        "isDefault": True,
        "memoRegex": "",
        "minConfirm": 1,
        "name": name_of(asset),
        "network": asset,
        "sameAddress": False,
        "specialTips": "",
        "unLockConfirm": 1,
        "withdrawDesc": "",
        "withdrawEnable": True,
        "withdrawFee": ZERO,
        "withdrawIntegerMultiple": "0.00000001",
        "withdrawMax": "9999999999.00000000",
        "withdrawMin": "0.00000001",
    }


def user_assets(call: Call) -> list[dict[str, Any]]:
    """What the account has; without what is nothing."""
    nothing = dict.fromkeys(("freeze", "withdrawing", "ipoable", "btcValuation"), "0")
    wanted = call.params.text("asset")
    return [
        {"asset": asset, "free": exact(free), "locked": exact(locked), **nothing}
        for asset, (free, locked) in call.records.balances(call.owner).items()
        if (free or locked) and wanted in (None, asset)
    ]


def trade_fees(call: Call) -> list[dict[str, Any]]:
    """The rates on one symbol or on all."""
    name, rates = call.params.symbol(), call.records.fees(call.owner)
    listed = [call.catalogue.named(name)] if name else call.catalogue.by_name.values()
    return [
        {
            "symbol": one.format.name,
            "makerCommission": f"{rates.maker.normalize():f}",
            "takerCommission": f"{rates.taker.normalize():f}",
        }
        for one in listed
    ]


def key_permissions(call: Call) -> dict[str, Any]:
    """What a key of the lab may do: to read, and to trade unless it was made for reading."""
    key = call.key
    assert key is not None, "a signed call"
    refused = (
        *("enableInternalTransfer", "enableFutures", "enablePortfolioMarginTrading"),
        *("enableVanillaOptions", "permitsUniversalTransfer", "enableWithdrawals"),
        *("enableMargin", "enableFixApiTrade", "enableFixReadOnly"),
    )
    return {
        "ipRestrict": bool(key.addresses),
        "createTime": call.own_stamp(call.gateway.start_ns),
        "enableReading": True,
        "enableSpotAndMarginTrading": key.trade,
        **dict.fromkeys(refused, False),
    }


def account_status(call: Call) -> dict[str, Any]:
    """Of the account."""
    return {"data": "Normal"}


def trading_status(call: Call) -> dict[str, Any]:
    """Nobody is locked for bad behaviour."""
    ratios = {"GCR": 150, "IFER": 150, "UFR": 300}
    locked = {"isLocked": False, "plannedRecoverTime": 0}
    since = call.own_stamp(call.gateway.start_ns)
    return {"data": {**locked, "triggerCondition": ratios, "updateTime": since}}


def none(call: Call) -> list[Any]:
    """Lists of what the lab does not have."""
    return []


def no_futures(call: Call) -> dict[str, Any]:
    """``exchangeInfo`` of another product, without symbols."""
    now = call.stamp(call.clock_ns)
    empty: dict[str, Any] = {"rateLimits": [], "exchangeFilters": [], "assets": [], "symbols": []}
    return {"timezone": "UTC", "serverTime": now, **empty}


def _signed(path: str, answer: Any, *allowed: str, verb: str = "GET") -> Endpoint:
    return Endpoint(path, answer, verb=verb, allowed=allowed, signed=True)


ENDPOINTS = EndpointTable(
    "",
    (
        Endpoint("/sapi/v1/system/status", system_status),
        _signed("/sapi/v1/capital/config/getall", coins),
        _signed(
            "/sapi/v3/asset/getUserAsset", user_assets, "asset", "needBtcValuation", verb="POST"
        ),
        _signed("/sapi/v1/asset/tradeFee", trade_fees, "symbol"),
        _signed("/sapi/v1/account/apiRestrictions", key_permissions),
        _signed("/sapi/v1/account/status", account_status),
        _signed("/sapi/v1/account/apiTradingStatus", trading_status),
        _signed("/sapi/v1/margin/allPairs", none, "symbol"),
        _signed("/sapi/v1/margin/isolated/allPairs", none, "symbol"),
        Endpoint("/fapi/v1/exchangeInfo", no_futures),
        Endpoint("/dapi/v1/exchangeInfo", no_futures),
    ),
)
