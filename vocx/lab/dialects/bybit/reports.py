"""Bybit's rows of an account: orders, executions, wallets, by REST and in the private stream.

Decimals as in a frame of 2026-08-14: ``qty`` and ``price`` padded to their steps, what was
executed trimmed, values with the places of ``quotePrecision``, no value as ``""`` or zero. Rows of
spot have neither ``createType`` nor ``tpslMode``; ``category`` stands in frames only. ``smpGroup``
is a number by REST, as documented, and a text in that frame, for which a client with strict types
(nautilus_trader 1.231) drops it whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from vocx.lab.dialects.bybit.payloads import SEQUENCE, side
from vocx.lab.dialects.bybit.wire import fill_id, order_id, padded
from vocx.lab.dialects.shared.numbers import Listing, amount, milliseconds, shortest
from vocx.lab.events import FillState, OrderState, SelfTrade, TimeInForce

DCP = "#dcp"
"""The id of a cancel by the dead-man switch; no client can name it."""
IN_FORCE: Mapping[TimeInForce, str] = {
    "GTC": "GTC",
    "IOC": "IOC",
    "FOK": "FOK",
    "POST_ONLY": "PostOnly",
}
SMP: Mapping[SelfTrade, str] = {
    "none": "None",
    "expire_maker": "CancelMaker",
    "expire_taker": "CancelTaker",
    "expire_both": "CancelBoth",
}
_ZERO = Decimal(0)


def state_of(order: OrderState) -> tuple[str, str, str]:
    """``orderStatus``, ``cancelType`` and ``rejectReason``: two l in Cancelled, one in
    PartiallyFilledCanceled, which spot has where something was filled.

    A market order by quote that is filled has a rest that buys no step: it ends canceled.
    """
    ended = "PartiallyFilledCanceled" if order.filled else "Cancelled"
    if order.status == "new":
        return "New", "UNKNOWN", "EC_NoError"
    if order.status == "partially_filled":
        return "PartiallyFilled", "UNKNOWN", "EC_NoError"
    if order.status == "filled":
        if order.request.quote > order.filled_quote:
            return ended, "UNKNOWN", "EC_CancelForNoFullFill"
        return "Filled", "UNKNOWN", "EC_NoError"
    if order.status == "canceled":
        kind = "CancelByDCP" if order.cancel_id == DCP else "CancelByUser"
        return ended, kind, "EC_PerCancelRequest"
    if order.status == "expired_in_match":
        return ended, "CancelBySmp", "EC_BySelfMatch"
    if order.reason == "would_match":
        return "Rejected", "UNKNOWN", "EC_PostOnlyWillTakeLiquidity"
    if order.filled or order.reason == "unfilled_fok":
        return ended, "UNKNOWN", "EC_CancelForNoFullFill"
    return ended, "UNKNOWN", "EC_NoImmediateQtyToFill"


def order_row(
    listing: Listing, order: OrderState, last_price: str, *, stream: bool = False
) -> dict[str, Any]:
    """An order as it stands: cumulative, never an increment.

    Parameters
    ----------
    last_price : str
        Of the market when it was placed.
    stream : bool
        For the private stream instead of REST.
    """
    form, request = listing.format, order.request
    spec = form.spec
    precision = spec.lot * spec.tick
    by_quote, limit = bool(request.quote), request.type == "limit"
    status, cancel_type, reason = state_of(order)
    left = order.quantity - order.filled if status in ("New", "PartiallyFilled") else 0
    left_value = spec.to_price(request.price) * spec.to_quantity(left)
    if by_quote and status not in ("New", "PartiallyFilled"):
        left_value = request.quote - order.filled_quote
    filled = spec.to_quantity(order.filled)
    zero = padded(_ZERO, spec.tick)
    row: dict[str, Any] = {
        "symbol": form.name,
        "orderId": order_id(listing, order.id),
        "orderLinkId": request.client_order_id,
        "blockTradeId": "",
        "side": side(request.side),
        "positionIdx": 0,
        "orderStatus": status,
        "cancelType": cancel_type,
        "rejectReason": reason,
        "timeInForce": IN_FORCE[request.time_in_force] if limit else "IOC",
        "isLeverage": "0",
        "price": padded(spec.to_price(request.price), spec.tick) if limit else "0",
        "qty": padded(request.quote, precision)
        if by_quote
        else padded(spec.to_quantity(order.quantity), spec.lot),
        "avgPrice": amount(order.filled_quote / filled) if filled else "",
        "leavesQty": padded(spec.to_quantity(left), spec.lot) if left else "0",
        "leavesValue": padded(left_value, precision),
        "cumExecQty": form.quantity[order.filled],
        "cumExecValue": padded(order.filled_quote, precision),
        "cumExecFee": amount(order.fee),
        "orderType": "Limit" if limit else "Market",
        "stopOrderType": "",
        "orderIv": "",
        "marketUnit": "" if limit else "quoteCoin" if by_quote else "baseCoin",
        "slippageToleranceType": "UNKNOWN",
        "slippageTolerance": "" if stream else "0",
        "triggerPrice": zero,
        "takeProfit": zero,
        "stopLoss": zero,
        "tpLimitPrice": zero,
        "slLimitPrice": zero,
        "tpTriggerBy": "",
        "slTriggerBy": "",
        "triggerBy": "",
        "triggerDirection": 0,
        "placeType": "",
        "lastPriceOnCreated": last_price if stream else "",
        "closeOnTrigger": False,
        "reduceOnly": False,
        "smpGroup": "0" if stream else 0,
        "smpType": SMP[request.self_trade],
        "smpOrderId": "",
        "createdTime": milliseconds(order.created_ns),
        "updatedTime": milliseconds(order.updated_ns),
        "cumFeeDetail": {order.fee_asset: amount(order.fee)} if order.fills else {},
    }
    if stream:
        row = {"category": "spot", **row, "feeCurrency": order.fee_asset}
        return {**row, "rpiTakerAccess": False, "rpiMatchedQty": "0"}
    return {**row, "ocoTriggerBy": "", "basePrice": last_price}


def execution_row(
    listing: Listing, fill: FillState, fee_rate: Decimal, *, stream: bool = False
) -> dict[str, Any]:
    """One match of an order; ``execId`` is that of the public trade."""
    form, order = listing.format, fill.order
    request, spec = order.request, form.spec
    by_quote = bool(request.quote)
    left = 0 if not order.open else order.quantity - order.filled
    row: dict[str, Any] = {
        "symbol": form.name,
        "orderId": order_id(listing, order.id),
        "orderLinkId": request.client_order_id,
        "side": side(request.side),
        "orderPrice": form.price[request.price],
        "orderQty": padded(_ZERO, spec.lot) if by_quote else form.quantity[order.quantity],
        "leavesQty": form.quantity[left],
        "orderType": "Limit" if request.type == "limit" else "Market",
        "stopOrderType": "",
        "execFee": amount(fill.fee),
        "execId": fill_id(listing, fill.trade.trade_id),
        "execPrice": form.price[fill.trade.price],
        "execQty": form.quantity[fill.trade.quantity],
        "execType": "Trade",
        "execValue": amount(fill.quote),
        "execTime": milliseconds(fill.trade.at_ns),
        "feeCurrency": fill.fee_asset,
        "isMaker": fill.maker,
        "feeRate": f"{fee_rate.normalize():f}",
        "tradeIv": "",
        "markIv": "",
        "markPrice": "",
        "indexPrice": "",
        "underlyingPrice": "",
        "blockTradeId": "",
        "closedSize": "",
        "seq": SEQUENCE + fill.trade.trade_id,
    }
    if stream:
        more = {"isLeverage": "0", "marketUnit": "", "execPnl": "0", "extraFees": []}
        return {"category": "spot", **row, **more}
    return {**row, "extraFees": ""}


def fast_row(listing: Listing, fill: FillState) -> dict[str, Any]:
    """``execution.fast``: less, and no order link id for makers."""
    full = execution_row(listing, fill, _ZERO, stream=True)
    names = ("category", "symbol", "execId", "execPrice", "execQty", "orderId", "isMaker")
    more = ("orderLinkId", "side", "execTime", "seq")
    row = {name: full[name] for name in (*names, *more)}
    return {**row, "orderLinkId": ""} if fill.maker else row


_ACCOUNT = (
    *("accountIMRate", "accountMMRate", "accountIMRateByMp", "accountMMRateByMp"),
    *("totalPerpUPL", "totalInitialMargin", "totalInitialMarginByMp"),
    *("totalMaintenanceMargin", "totalMaintenanceMarginByMp", "accountLTV"),
)


def wallet_row(
    balances: Iterable[tuple[str, Decimal, Decimal]], prices: Mapping[str, Decimal], total: Decimal
) -> dict[str, Any]:
    """A wallet: (asset, free, locked) of the coins that are shown, ``total`` in USDT of all."""
    whole = amount(total)
    return {
        "accountType": "UNIFIED",
        **dict.fromkeys(_ACCOUNT, "0"),
        "totalEquity": whole,
        "totalWalletBalance": whole,
        "totalMarginBalance": whole,
        "totalAvailableBalance": whole,
        "coin": [coin_row(*one, prices.get(one[0], _ZERO)) for one in balances],
    }


def coin_row(asset: str, free: Decimal, locked: Decimal, price: Decimal) -> dict[str, Any]:
    """One coin: the wallet is free and locked together; what is free is not filled in any more
    (2025-01-09)."""
    together = amount(free + locked)
    nothing = (
        *("spotHedgingQty", "borrowAmount", "spotBorrow", "accruedInterest", "totalOrderIM"),
        *("totalPositionIM", "totalPositionMM", "unrealisedPnl", "cumRealisedPnl", "bonus"),
    )
    return {
        "coin": asset,
        "equity": together,
        "usdValue": shortest(int((free + locked) * price * 10**8)),
        "walletBalance": together,
        "locked": amount(locked),
        **dict.fromkeys(nothing, "0"),
        "marginCollateral": True,
        "collateralSwitch": True,
        "colRes": "0",
        "availableToWithdraw": "",
        "availableToBorrow": "",
        "free": "",
    }
