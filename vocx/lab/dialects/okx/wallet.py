"""What clients ask of OKX beside spot trading before they begin: coins, and what is empty here.

The lab's accounts hold everything in the trading account, have no positions and no algo orders;
each coin has one chain, which moves nothing. (Docs-v5, funding and trading account, 2026-07-28.)
"""

from __future__ import annotations

from typing import Any

from vocx.lab.dialects.okx.calls import Call
from vocx.lab.dialects.okx.wire import amount, missing, needed, text_of, wrong
from vocx.lab.dialects.shared.assets import assets_of, name_of

_NUMBERS = (
    "fee minFee maxFee minFeeForCtAddr maxFeeForCtAddr burningFeeRate usedWdQuota "
    "usedDepQuotaFixed minDep minInternal"
).split()
_EMPTY = ("logoLink ctAddr depEstOpenTime wdEstOpenTime depQuotaFixed depQuoteDailyLayer2").split()
_MODES = ("cash", "cross", "isolated", "spot_isolated")


def currencies(call: Call) -> list[dict[str, Any]]:
    """All coins, or those of ``ccy``."""
    wanted = [one for one in text_of(call.given, "ccy").split(",") if one]
    assets = assets_of(call.backend.catalogue.by_name.values())
    return [_currency(asset) for asset in assets if not wanted or asset in wanted]


def _currency(asset: str) -> dict[str, Any]:
    return {
        "ccy": asset,
        "name": name_of(asset),
        "chain": f"{asset}-{name_of(asset)}",
        "canDep": True,
        "canWd": True,
        "canInternal": True,
        **dict.fromkeys(_EMPTY, ""),
        **dict.fromkeys(_NUMBERS, "0"),
        "minWd": "0.00000001",
        "maxWd": "9999999999",
        "wdTickSz": "8",
        "wdQuota": "10000000",
        "minDepArrivalConfirm": "1",
        "minWdUnlockConfirm": "1",
        "mainNet": True,
        "needTag": False,
    }


def available(call: Call) -> list[dict[str, str]]:
    """What can be spent on each instrument: of the quote for buying, of the base for selling."""
    mode = needed(call.given, "tdMode")
    if mode not in _MODES:
        raise wrong("tdMode")
    names = [name for name in needed(call.given, "instId").split(",") if name]
    if not names:
        raise missing("instId")
    have, rows = call.accounts.balances(call.owner), []
    for name in names[:5]:
        form = call.backend.catalogue.named(name).format
        row = {
            "instId": form.name,
            "availBuy": amount(have[form.spec.quote][0]),
            "availSell": amount(have[form.spec.base][0]),
        }
        rows.append(row)
    return rows


def none(call: Call) -> list[Any]:
    """Of what the lab does not have."""
    return []
