"""What clients ask of Bybit beside spot trading before they begin: coins and their balances, and
positions, of which there are none. (Documentation V5, asset and position, 2026-07-24.)

Everything is in the unified account; each coin has one chain, which moves nothing.
"""

from __future__ import annotations

from typing import Any

from vocx.lab.dialects.bybit.calls import Call, listed
from vocx.lab.dialects.bybit.wire import Refusal, bad_parameter, text
from vocx.lab.dialects.shared.assets import assets_of, name_of
from vocx.lab.dialects.shared.numbers import amount

_ACCOUNTS = ("UNIFIED", "FUND")


def coins(call: Call) -> dict[str, Any]:
    """All coins, or one."""
    wanted = text(call.given, "coin")
    assets = assets_of(call.catalogue.by_name.values())
    return {"rows": [_coin(asset) for asset in assets if wanted in ("", asset)]}


def _coin(asset: str) -> dict[str, Any]:
    chain = {
        "chain": asset,
        "chainType": name_of(asset),
        "confirmation": "1",
        "withdrawFee": "0",
        "depositMin": "0",
        "withdrawMin": "0.00000001",
        "chainDeposit": "1",
        "chainWithdraw": "1",
        "minAccuracy": "8",
        "withdrawPercentageFee": "0",
        "contractAddress": "",
        "safeConfirmNumber": "1",
    }
    return {"name": name_of(asset), "coin": asset, "remainAmount": "10000000", "chains": [chain]}


def coin_balances(call: Call) -> dict[str, Any]:
    """Of the coins that are named, or of all that are not zero."""
    names = [name for name in text(call.given, "coin").split(",") if name]
    have = _balances(call)
    if not names:
        names = [asset for asset, both in have.items() if any(both)]
    return {**_of(call), "balance": [_balance(call, asset) for asset in names]}


def coin_balance(call: Call) -> dict[str, Any]:
    """Of one coin."""
    asset = text(call.given, "coin")
    if not asset:
        raise bad_parameter("coin is missing")
    safe = {"transferSafeAmount": "", "ltvTransferSafeAmount": ""}
    more = {"bizType": 1, "accountId": call.gateway.number_of(call.owner)}
    return {**_of(call), **more, "balance": {**_balance(call, asset), **safe}}


def _of(call: Call) -> dict[str, str]:
    return {
        "memberId": str(call.gateway.number_of(call.owner)),
        "accountType": text(call.given, "accountType"),
    }


def _balances(call: Call) -> dict[str, Any]:
    """(free, locked) by coin; the funding account has nothing."""
    kind = text(call.given, "accountType")
    if kind not in _ACCOUNTS:
        raise bad_parameter("accountType only support UNIFIED and FUND.")
    return dict(call.records.balances(call.owner)) if kind == "UNIFIED" else {}


def _balance(call: Call, asset: str) -> dict[str, str]:
    if asset not in assets_of(call.catalogue.by_name.values()):
        raise Refusal(170221, f"This coin does not exist: {asset[:20]}")
    free, locked = _balances(call).get(asset, (0, 0))
    whole, transferable = (amount(free + locked), amount(free)) if free or locked else ("0", "0")
    return {"coin": asset, "walletBalance": whole, "transferBalance": transferable, "bonus": ""}


def positions(call: Call) -> dict[str, Any]:
    """None of any category."""
    return listed(call.category(), [])
