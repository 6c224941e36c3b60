"""Orders and fills as Binance writes them (rest-api.md and web-socket-api.md, 2026-07-21)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from vocx.lab.dialects.binance.wire import ZERO, exact
from vocx.lab.dialects.shared.numbers import SymbolFormat
from vocx.lab.events import Executed, FillState, NewOrder, OrderState

Stamp = Callable[[int], int]
REASONS = {
    "unfilled_ioc": "UNFILLED_IOC_QUANTITY_EXPIRED",
    "unfilled_fok": "UNFILLED_FOK_ORDER_EXPIRED",
    "insufficient_liquidity": "INSUFFICIENT_LIQUIDITY",
}
"""Why an order expired; self-trade prevention has a status of its own instead."""


class Writer(msgspec.Struct, frozen=True):
    """Writes the orders of one symbol; ``stamp`` turns a time into the unit asked for."""

    form: SymbolFormat
    stamp: Stamp

    def placed(self, order: OrderState, response: str, fills: Iterable[Executed]) -> dict[str, Any]:
        """The answer to a placement: ACK, RESULT or FULL."""
        answer: dict[str, Any] = {
            "symbol": self.form.name,
            "orderId": order.id,
            "orderListId": -1,
            "clientOrderId": order.request.client_order_id,
            "transactTime": self.stamp(order.updated_ns),
        }
        if response == "ACK":
            return answer
        answer |= self._middle(order)
        answer["workingTime"] = self._working(order)
        if response == "FULL":
            answer["fills"] = [self._fill(one.fill) for one in fills if one.fill is not None]
        return answer | self._end(order)

    def canceled(self, order: OrderState) -> dict[str, Any]:
        """The answer to a cancel."""
        return {
            "symbol": self.form.name,
            "origClientOrderId": order.request.client_order_id,
            "orderId": order.id,
            "orderListId": -1,
            "clientOrderId": order.cancel_id,
            "transactTime": self.stamp(order.updated_ns),
            **self._middle(order),
            **self._end(order),
        }

    def amended(self, order: OrderState, before: str, number: int) -> dict[str, Any]:
        """The answer to an amendment; ``before`` is the client's id until then."""
        middle = self._middle(order)
        return {
            "transactTime": self.stamp(order.updated_ns),
            "executionId": number,
            "amendedOrder": {
                "symbol": self.form.name,
                "orderId": order.id,
                "orderListId": -1,
                "origClientOrderId": before,
                "clientOrderId": order.request.client_order_id,
                "price": middle["price"],
                "qty": middle["origQty"],
                "executedQty": middle["executedQty"],
                "preventedQty": ZERO,
                "quoteOrderQty": middle["origQuoteOrderQty"],
                "cumulativeQuoteQty": middle["cummulativeQuoteQty"],
                "status": middle["status"],
                "timeInForce": middle["timeInForce"],
                "type": middle["type"],
                "side": middle["side"],
                "workingTime": self._working(order),
                **self._end(order),
            },
        }

    def queried(self, order: OrderState) -> dict[str, Any]:
        """The answer to a query. A cancelled order is stored under its cancel's id."""
        middle = self._middle(order)
        orig_quote = middle.pop("origQuoteOrderQty")
        return {
            "symbol": self.form.name,
            "orderId": order.id,
            "orderListId": -1,
            "clientOrderId": order.cancel_id or order.request.client_order_id,
            **middle,
            "stopPrice": ZERO,
            "icebergQty": ZERO,
            "time": self.stamp(order.created_ns),
            "updateTime": self.stamp(order.updated_ns),
            "isWorking": True,
            "workingTime": self._working(order),
            "origQuoteOrderQty": orig_quote,
            **self._end(order),
        }

    def trade(self, fill: FillState) -> dict[str, Any]:
        """One row of ``myTrades``."""
        trade, form = fill.trade, self.form
        return {
            "symbol": form.name,
            "id": trade.trade_id,
            "orderId": fill.order.id,
            "orderListId": -1,
            "price": form.price[trade.price],
            "qty": form.quantity[trade.quantity],
            "quoteQty": form.quote(trade.price * trade.quantity),
            "commission": exact(fill.fee),
            "commissionAsset": fill.fee_asset,
            "time": self.stamp(trade.at_ns),
            "isBuyer": fill.order.request.side == "buy",
            "isMaker": fill.maker,
            "isBestMatch": True,
        }

    def _middle(self, order: OrderState) -> dict[str, Any]:
        request = order.request
        return {
            "price": self.form.price[request.price],
            "origQty": self.form.quantity[order.quantity],
            "executedQty": self.form.quantity[order.filled],
            "origQuoteOrderQty": exact(request.quote),
            "cummulativeQuoteQty": exact(order.filled_quote),
            "status": order.status.upper(),
            "timeInForce": _time_in_force(request),
            "type": _type(request),
            "side": request.side.upper(),
        }

    def _end(self, order: OrderState) -> dict[str, Any]:
        """STP mode, then what is only there when it matters."""
        end: dict[str, Any] = {"selfTradePreventionMode": order.request.self_trade.upper()}
        if order.reason in REASONS:
            end["expiryReason"] = REASONS[order.reason]
        return end

    def _fill(self, fill: FillState) -> dict[str, Any]:
        trade = fill.trade
        return {
            "price": self.form.price[trade.price],
            "qty": self.form.quantity[trade.quantity],
            "commission": exact(fill.fee),
            "commissionAsset": fill.fee_asset,
            "tradeId": trade.trade_id,
        }

    def _working(self, order: OrderState) -> int:
        return -1 if order.working_ns is None else self.stamp(order.working_ns)

    # -- user data -----------------------------------------------------------------------------

    def execution(self, event: Executed, now_ns: int) -> dict[str, Any]:
        """One ``executionReport`` (user-data-stream.md, 2026-07-21)."""
        order, request, fill = event.order, event.order.request, event.fill
        form, at = self.form, self.stamp(event.at_ns)
        canceled = event.what == "canceled"
        report: dict[str, Any] = {
            "e": "executionReport",
            "E": self.stamp(now_ns),
            "s": form.name,
            "c": order.cancel_id if canceled else request.client_order_id,
            "S": request.side.upper(),
            "o": _type(request),
            "f": _time_in_force(request),
            "q": form.quantity[order.quantity],
            "p": form.price[request.price],
            "P": ZERO,
            "F": ZERO,
            "g": -1,
            "C": request.client_order_id if canceled else event.previous_id,
            "x": _execution_type(event),
            "X": order.status.upper(),
            "r": "NONE",
            "i": order.id,
            "l": form.quantity[fill.trade.quantity] if fill else ZERO,
            "z": form.quantity[order.filled],
            "L": form.price[fill.trade.price] if fill else ZERO,
            "n": exact(fill.fee) if fill else "0",
            "N": fill.fee_asset if fill else None,
            "T": at,
            "t": fill.trade.trade_id if fill else -1,
            "I": event.execution_id,
            "w": event.what in ("new", "replaced")
            or (fill is not None and fill.maker and order.open),
            "m": fill is not None and fill.maker,
            "M": fill is not None,
            "O": self.stamp(order.created_ns),
            "Z": exact(order.filled_quote),
            "Y": form.quote(fill.trade.price * fill.trade.quantity) if fill else ZERO,
            "Q": exact(request.quote),
        }
        if order.working_ns is not None:
            report["W"] = self.stamp(order.working_ns)
        report["V"] = request.self_trade.upper()
        if order.reason in REASONS:
            report["eR"] = REASONS[order.reason]
        return report


def _execution_type(event: Executed) -> str:
    if event.order.status == "expired_in_match":
        return "TRADE_PREVENTION"
    return event.what.upper()


def _type(request: NewOrder) -> str:
    """A post-only order is a type of its own here."""
    return "LIMIT_MAKER" if request.time_in_force == "POST_ONLY" else request.type.upper()


def _time_in_force(request: NewOrder) -> str:
    return "GTC" if request.time_in_force == "POST_ONLY" else request.time_in_force
