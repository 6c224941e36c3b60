"""Reading a new order: which parameters each type needs, and which it must not have.

The form is checked before the key is looked at, so nothing here knows an account or a market
(rest-api.md, 2026-07-21; -1106 where a parameter has no business, seen in public reports).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, cast

import msgspec

from vocx.lab.dialects.binance.params import Params, missing, not_valid
from vocx.lab.dialects.binance.wire import Refusal
from vocx.lab.events import SelfTrade, Side

STOPS = ("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
KINDS = ("LIMIT", "MARKET", "LIMIT_MAKER", *STOPS)
RULES = ("GTC", "IOC", "FOK")
RESPONSES = ("ACK", "RESULT", "FULL")
SELF_TRADES = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH")
NOT_OFFERED = ("DECREMENT", "TRANSFER")
"""Self-trade prevention modes that exist and that the symbols do not allow."""
LEAST_STRATEGY_TYPE = 1_000_000
PRECISION = 8
_PEGS = ("pegPriceType", "pegOffsetValue", "pegOffsetType")
_STOP_PRICES = ("stopPrice", "trailingDelta")
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "LIMIT": ("timeInForce", "quantity", "price"),
    "LIMIT_MAKER": ("quantity", "price"),
    "STOP_LOSS": ("quantity",),
    "TAKE_PROFIT": ("quantity",),
    "STOP_LOSS_LIMIT": ("timeInForce", "quantity", "price"),
    "TAKE_PROFIT_LIMIT": ("timeInForce", "quantity", "price"),
}
_BARRED: Mapping[str, tuple[str, ...]] = {
    "LIMIT": ("quoteOrderQty", *_STOP_PRICES),
    "LIMIT_MAKER": ("timeInForce", "quoteOrderQty", *_STOP_PRICES),
    "MARKET": ("timeInForce", "price", "icebergQty", *_STOP_PRICES),
}
ALLOWED = (
    "symbol",
    "side",
    "type",
    "timeInForce",
    "quantity",
    "quoteOrderQty",
    "price",
    "newClientOrderId",
    "strategyId",
    "strategyType",
    "stopPrice",
    "trailingDelta",
    "icebergQty",
    "newOrderRespType",
    "selfTradePreventionMode",
    *_PEGS,
)
MANDATORY = ("symbol", "side", "type")


class OrderForm(msgspec.Struct, frozen=True, kw_only=True):
    """A new order as it was sent, well-formed. ``extras`` are features that no symbol has."""

    symbol: str
    side: Side
    kind: str
    rule: Literal["GTC", "IOC", "FOK"] = "GTC"
    price: Decimal | None = None
    quantity: Decimal | None = None
    quote: Decimal | None = None
    client_id: str | None = None
    response: str = "FULL"
    self_trade: str = "EXPIRE_MAKER"
    iceberg: bool = False
    pegged: bool = False
    rates: bool = False

    @property
    def self_trade_rule(self) -> SelfTrade:
        return cast(SelfTrade, self.self_trade.lower())


def read(params: Params) -> OrderForm:
    """The form of ``POST /order``, or the first thing that is wrong with it."""
    symbol = params.symbol()
    assert symbol is not None, "symbol is mandatory"
    side = _one_of(params, "side", ("BUY", "SELL"), Refusal(-1117, "Invalid side."))
    kind = _one_of(params, "type", KINDS, Refusal(-1116, "Invalid orderType."))
    rule = _one_of(params, "timeInForce", RULES, Refusal(-1115, "Invalid timeInForce."))
    default = "FULL" if kind in ("LIMIT", "MARKET") else "ACK"
    response = _one_of(params, "newOrderRespType", RESPONSES, not_valid("newOrderRespType"))
    mode = "selfTradePreventionMode"
    self_trade = _one_of(params, mode, SELF_TRADES + NOT_OFFERED, not_valid(mode))
    form = OrderForm(
        symbol=symbol,
        side="buy" if side == "BUY" else "sell",
        kind=kind or "",
        rule=cast(Literal["GTC", "IOC", "FOK"], rule or "GTC"),
        price=params.amount("price"),
        quantity=params.amount("quantity"),
        quote=params.amount("quoteOrderQty"),
        client_id=params.client_id("newClientOrderId"),
        response=response or default,
        self_trade=self_trade or "EXPIRE_MAKER",
        iceberg=bool(params.amount("icebergQty")),
        pegged=any(params.has(name) for name in _PEGS),
        rates=params.flag("computeCommissionRates", False),
    )
    params.amount("stopPrice")
    params.number("trailingDelta")
    _check_marks(params)
    _complete(params, form.kind)
    return form


def _one_of(params: Params, name: str, legal: tuple[str, ...], refusal: Refusal) -> str | None:
    value = params.text(name)
    if value is not None and value not in legal:
        raise refusal
    return value


def _check_marks(params: Params) -> None:
    """``strategyId`` and ``strategyType`` are taken and not shown again."""
    params.number("strategyId")
    if (params.number("strategyType") or LEAST_STRATEGY_TYPE) < LEAST_STRATEGY_TYPE:
        raise Refusal(-1134, "`strategyType` was less than 1000000.")


def _complete(params: Params, kind: str) -> None:
    """Everything there that the type needs, and nothing that it must not have."""
    for name in _NEEDED.get(kind, ()):
        if not params.has(name):
            raise missing(name)
    if kind == "MARKET" and not params.has("quantity") and not params.has("quoteOrderQty"):
        raise neither("quantity", "quoteOrderQty")
    if kind in STOPS and not any(params.has(name) for name in _STOP_PRICES):
        raise neither(*_STOP_PRICES)
    barred = _BARRED.get(kind, ())
    if kind == "MARKET" and params.has("quoteOrderQty"):
        barred = ("quantity", *barred)
    for name in barred:
        if params.has(name):
            raise Refusal(-1106, f"Parameter '{name}' sent when not required.")


def neither(one: str, other: str) -> Refusal:
    """-1102 where one of two is needed."""
    return Refusal(-1102, f"Param '{one}' or '{other}' must be sent, but both were empty/null!")


def check_precision(params: Params) -> None:
    """Refuse more decimals than the assets have (-1111), whatever the steps are."""
    for name in ("quantity", "price", "quoteOrderQty"):
        if len((params.text(name) or "").partition(".")[2]) > PRECISION:
            raise Refusal(-1111, f"Parameter '{name}' has too much precision.")
