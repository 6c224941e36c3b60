"""What OKX writes of an account, by REST and on its channels: orders, fills, balances. Every number
is a text; ``""`` is what does not apply. (Docs-v5, 2026-07-28; order pushes against recorded
frames.)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from vocx.lab.dialects.okx.wire import ORDER_BASE, amount
from vocx.lab.dialects.shared.numbers import Listing, milliseconds
from vocx.lab.events import FillState, OrderState

CANCEL_SOURCES = {
    "unfilled_ioc": "14",
    "unfilled_fok": "13",
    "insufficient_liquidity": "27",
    "self_trade": "32",
    "would_match": "31",
}


SELF_TRADE = {
    "cancel_maker": "expire_maker",
    "cancel_taker": "expire_taker",
    "cancel_both": "expire_both",
}


_MODES = {ours: theirs for theirs, ours in SELF_TRADE.items()}


def order_id(number: int) -> str:
    return str(ORDER_BASE + number)


def client_id(name: str) -> str:
    """The client's own id; one that the lab drew is not shown."""
    return "" if name.startswith("-") else name


def order_type(order: OrderState) -> str:
    request = order.request
    if request.type == "market":
        return "market"
    kinds = {"GTC": "limit", "IOC": "ioc", "FOK": "fok", "POST_ONLY": "post_only"}
    return kinds[request.time_in_force]


def order(
    listing: Listing, state: OrderState, tag: str = "", countdown: bool = False
) -> dict[str, Any]:
    """An order by REST."""
    form, request = listing.format, state.request
    filled = form.spec.to_quantity(state.filled)
    last = state.last_trade
    base, quote = form.spec.base, form.spec.quote
    ended = {"new": "live", "partially_filled": "partially_filled", "filled": "filled"}
    source = CANCEL_SOURCES.get(state.reason, "20" if countdown else "1")
    shown = ended.get(state.status, "canceled")
    empty = dict.fromkeys(
        (
            "algoClOrdId algoId attachAlgoClOrdId cancelSourceReason ccy pxType pxUsd pxVol "
            "quickMgnType slOrdPx slTriggerPx slTriggerPxType source stpId tpOrdPx tpTriggerPx "
            "tpTriggerPxType lever"
        ).split(),
        "",
    )
    market = request.type == "market"
    return {
        **empty,
        "accFillSz": amount(filled),
        "attachAlgoOrds": [],
        "avgPx": amount(average(state.filled_quote, filled)) if filled else "",
        "cTime": milliseconds(state.created_ns),
        "cancelSource": source if shown == "canceled" else "",
        "category": "normal",
        "clOrdId": client_id(request.client_order_id),
        "fee": amount(-state.fee),
        "feeCcy": base if request.side == "buy" else quote,
        "fillPx": form.price[last.price] if last else "",
        "fillSz": form.quantity[last.quantity] if last else "0",
        "fillTime": milliseconds(last.at_ns) if last else "",
        "instId": form.name,
        "instType": "SPOT",
        "isTpLimit": "false",
        "linkedAlgoOrd": {"algoId": ""},
        "ordId": order_id(state.id),
        "ordType": order_type(state),
        "pnl": "0",
        "posSide": "net",
        "px": "" if market else form.price[request.price],
        "rebate": "0",
        "rebateCcy": quote if request.side == "buy" else base,
        "reduceOnly": "false",
        "side": request.side,
        "state": shown,
        "stpMode": _MODES.get(request.self_trade, "cancel_maker"),
        "sz": amount(request.quote) if request.quote else form.quantity[state.quantity],
        "tag": tag,
        "tdMode": "cash",
        "tgtCcy": ("quote_ccy" if request.quote else "base_ccy") if market else "",
        "tradeId": str(last.trade_id) if last else "",
        "tradeQuoteCcy": quote,
        "uTime": milliseconds(state.updated_ns),
    }


def average(worth: Decimal, filled: Decimal) -> Decimal:
    """To twelve digits behind the point."""
    return (worth / filled).quantize(Decimal("1e-12"))


_OPTION_FILLS = "fillPxVol fillPxUsd fillMarkVol fillFwdPx fillMarkPx".split()
"""What fills of options have, here for them all: ``""`` (recorded frames of spot, 2023)."""


def pushed(
    listing: Listing,
    shown: dict[str, Any],
    fill: FillState | None,
    amended: bool,
    request_id: str,
) -> dict[str, Any]:
    """The same order as the ``orders`` channel tells it: this push's fill only."""
    form = listing.format
    market = listing.market.trades(1)
    last = form.price[market[-1].price] if market else ""
    size = Decimal(shown["sz"])
    worth = size if shown["tgtCcy"] == "quote_ccy" else size * Decimal(shown["px"] or last or "0")
    row = {
        **shown,
        **dict.fromkeys(_OPTION_FILLS, ""),
        "avgPx": shown["avgPx"] or "0",
        "posSide": "",
        "lever": "0",
        "code": "0",
        "msg": "",
        "reqId": request_id,
        "amendResult": "0" if amended else "",
        "amendSource": "1" if amended else "",
        "lastPx": last,
        "notionalUsd": amount(worth),
        "fillPnl": "0",
        "fillPx": "",
        "fillSz": "0",
        "tradeId": "",
        "fillTime": "",
        "fillFee": "0",
        "fillFeeCcy": "",
        "fillNotionalUsd": "",
        "execType": "",
    }
    del row["cancelSourceReason"]
    if fill is not None:
        row |= {
            "fillPx": form.price[fill.trade.price],
            "fillSz": form.quantity[fill.trade.quantity],
            "tradeId": str(fill.trade.trade_id),
            "fillTime": milliseconds(fill.trade.at_ns),
            "fillFee": amount(-fill.fee),
            "fillFeeCcy": fill.fee_asset,
            "fillNotionalUsd": amount(fill.quote),
            "execType": "M" if fill.maker else "T",
        }
    return row


def bill_id(fill: FillState) -> str:
    """Texts above 2**53 that grow with time: the millisecond and the end of the trade's id."""
    return f"{fill.trade.at_ns // 1_000_000}{fill.trade.trade_id % 1_000_000:06d}"


def fill(listing: Listing, one: FillState, tag: str = "") -> dict[str, Any]:
    """One fill by REST."""
    form, request = listing.format, one.order.request
    received = one.quote if request.side == "sell" else form.spec.to_quantity(one.trade.quantity)
    rate = amount((-one.fee / received).quantize(Decimal("1e-6"))) if received else "0"
    price = form.price[one.trade.price]
    return {
        **dict.fromkeys(_OPTION_FILLS, ""),
        "instType": "SPOT",
        "instId": form.name,
        "tradeId": str(one.trade.trade_id),
        "ordId": order_id(one.order.id),
        "clOrdId": client_id(request.client_order_id),
        "billId": bill_id(one),
        "subType": "1" if request.side == "buy" else "2",
        "tag": tag,
        "fillPx": price,
        "fillSz": form.quantity[one.trade.quantity],
        "fillIdxPx": price,
        "fillPnl": "0",
        "side": request.side,
        "posSide": "net",
        "execType": "M" if one.maker else "T",
        "feeCcy": one.fee_asset,
        "fee": amount(-one.fee),
        "feeRate": rate,
        "fillTime": milliseconds(one.trade.at_ns),
        "ts": milliseconds(one.trade.at_ns),
        "tradeQuoteCcy": form.spec.quote,
    }


def cash(
    balances: Mapping[str, tuple[Decimal, Decimal]], at: str, event: str, trades: Sequence[Any]
) -> dict[str, Any]:
    """``data[0]`` of ``balance_and_position``: what there is of each currency, held or not."""
    rows = [
        {"ccy": asset, "cashBal": amount(free + locked), "uTime": at}
        for asset, (free, locked) in balances.items()
        if free or locked or trades
    ]
    return {"pTime": at, "eventType": event, "balData": rows, "posData": [], "trades": trades}


_ZERO_FIELDS = (
    "liab interest upl stgyEq disEq isoEq crossLiab isoLiab smtSyncEq spotCopyTradingEq rewardBal "
    "borrowFroz uplLiab isoUpl fixedBal twap maxLoan autoLendMtAmt colBorrAutoConversion frpType"
).split()


_EMPTY_FIELDS = (
    "clSpotInUseAmt maxSpotInUse spotInUseAmt spotIsoBal colRes imr mmr mgnRatio notionalLever "
    "openAvgPx accAvgPx spotUpl spotUplRatio totalPnl totalPnlRatio availEq"
).split()


def balance(asset: str, free: Decimal, locked: Decimal, usd: Decimal, at: str) -> dict[str, Any]:
    """What an account has of one currency: cash = available + frozen."""
    cash = free + locked
    return {
        **dict.fromkeys(_ZERO_FIELDS, "0"),
        **dict.fromkeys(_EMPTY_FIELDS, ""),
        "ccy": asset,
        "eq": amount(cash),
        "cashBal": amount(cash),
        "availBal": amount(free),
        "frozenBal": amount(locked),
        "ordFrozen": amount(locked),
        "spotBal": amount(cash),
        "eqUsd": amount((cash * usd).quantize(Decimal("1e-6"))),
        "coinUsdPrice": amount(usd),
        "uTime": at,
        "autoLendStatus": "off",
        "collateralEnabled": False,
        "collateralRestrict": False,
    }


def account(details: Sequence[dict[str, Any]], at: str) -> dict[str, Any]:
    """``data[0]`` of a balance."""
    total = sum((Decimal(one["eqUsd"]) for one in details), Decimal(0))
    empty = dict.fromkeys(
        (
            "adjEq borrowFroz imr isoEq mgnRatio mmr notionalUsd notionalUsdForBorrow "
            "notionalUsdForFutures notionalUsdForOption notionalUsdForSwap ordFroz upl availEq "
            "delta"
        ).split(),
        "",
    )
    return {**empty, "totalEq": amount(total), "uTime": at, "details": list(details)}
