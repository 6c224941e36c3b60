"""A new order as it was sent: its form, and the order that the exchange takes. (Advanced Trade
reference, 2026-02.)"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any, Literal, cast

import msgspec

from vocx.lab.dialects.coinbase.catalogue import Products
from vocx.lab.dialects.coinbase.wire import (
    NotPlaced,
    Refusal,
    decimal,
    invalid,
    is_text,
    read_time,
)
from vocx.lab.dialects.shared.numbers import Listing
from vocx.lab.events import NewOrder, TimeInForce

CONFIGURATIONS: Mapping[str, TimeInForce] = {
    "market_market_ioc": "IOC",
    "sor_limit_ioc": "IOC",
    "limit_limit_gtc": "GTC",
    "limit_limit_gtd": "GTC",
    "limit_limit_fok": "FOK",
}
"""What is offered. Stops, brackets, TWAP and scaled orders are not: nothing here watches prices
for them."""
_CLIENT_ID = re.compile("[ -~]{1,128}")


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it was sent: which product, which side, which one configuration."""

    listing: Listing
    side: Literal["buy", "sell"]
    name: str
    sizes: Mapping[str, Any]
    end_ns: int | None = None

    @property
    def configuration(self) -> dict[str, Mapping[str, Any]]:
        """As replies repeat it."""
        return {self.name: self.sizes}


def client_order_id(body: Mapping[str, Any]) -> str:
    """Needed; its alphabet is not documented (printable ASCII, a choice)."""
    text = body.get("client_order_id")
    if not is_text(text) or not text:
        raise invalid("client_order_id is required")
    if not _CLIENT_ID.fullmatch(text):
        raise invalid("client_order_id must be 1 to 128 printable characters")
    return text


def read_order(body: Mapping[str, Any], products: Products, now_ns: int) -> Sent:
    """The form of an order.

    Raises
    ------
    Refusal
        For what is no order at all.
    NotPlaced
        For one that this venue does not take.
    """
    product, side = body.get("product_id"), body.get("side")
    found = body.get("order_configuration")
    if not isinstance(product, str) or not product:
        raise invalid("product_id is required")
    if side not in ("BUY", "SELL"):
        raise invalid("side is required: BUY or SELL")
    if not isinstance(found, dict) or len(found) != 1:
        raise invalid("order_configuration has exactly one key")
    name, sizes = next(iter(found.items()))
    if not isinstance(sizes, dict):
        raise invalid("order_configuration has exactly one object")
    try:
        listing = products.named(product)
    except Refusal:
        raise NotPlaced("INVALID_PRODUCT_ID") from None
    if product in products.aliases:
        raise NotPlaced("UNTRADABLE_PRODUCT", message="This product can only be viewed")
    if name == "market_market_fok":
        raise NotPlaced("FOK_ONLY_ALLOWED_ON_LIMIT_ORDERS")
    if name not in CONFIGURATIONS:
        raise NotPlaced("UNSUPPORTED_ORDER_CONFIGURATION", "PREVIEW_INVALID_ORDER_CONFIG")
    end_ns = None
    if name == "limit_limit_gtd":
        end_ns = read_time(str(sizes.get("end_time", "")))
        if end_ns <= now_ns:
            raise NotPlaced("INVALID_REQUEST", "PREVIEW_INVALID_ORDER_CONFIG", "end_time is over")
    return Sent(
        listing=listing,
        side=cast(Literal["buy", "sell"], side.lower()),
        name=name,
        sizes=sizes,
        end_ns=end_ns,
    )


def new_order(sent: Sent, owner: str, named: str, taker_rate: Decimal) -> NewOrder:
    """The order as the exchange takes it; nothing is rounded.

    The fee of a buy by ``quote_size`` comes out of that size (``size_inclusive_of_fees``): the
    field exists, its exact rule is not published (a choice).
    """
    spec = sent.listing.format.spec
    base, quote = decimal(sent.sizes, "base_size"), decimal(sent.sizes, "quote_size")
    price = decimal(sent.sizes, "limit_price")
    limit = sent.name != "market_market_ioc"
    if (base is None) == (quote is None) or (limit and (base is None or price is None)):
        raise NotPlaced("INVALID_REQUEST", "PREVIEW_INVALID_ORDER_CONFIG", "Sizes do not fit")
    rule, post_only = CONFIGURATIONS[sent.name], sent.sizes.get("post_only")
    if not (post_only is None or isinstance(post_only, bool)):
        raise invalid("post_only is no boolean")
    if post_only and rule == "GTC":
        rule = "POST_ONLY"
    ticks = lots = 0
    if price is not None and limit:
        ticks = _steps(price, spec.tick, "INVALID_PRICE_PRECISION")
    if base is not None:
        lots = _steps(base, spec.lot, "INVALID_SIZE_PRECISION")
        if base > spec.max_quantity:
            raise NotPlaced("INVALID_REQUEST", "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE")
        worth = base * (price or _reference(sent))
        if worth < spec.min_notional:
            raise NotPlaced("INVALID_REQUEST", "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL")
    if quote is not None:
        if quote % spec.tick:
            raise NotPlaced("INVALID_SIZE_PRECISION", "PREVIEW_INVALID_QUOTE_SIZE_PRECISION")
        if quote < spec.min_notional:
            raise NotPlaced("INVALID_REQUEST", "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL")
        if quote > 150_000_000:
            raise NotPlaced("INVALID_REQUEST", "PREVIEW_INVALID_QUOTE_SIZE_TOO_LARGE")
        if sent.side == "buy":
            quote = (quote / (1 + taker_rate)).quantize(Decimal("1e-8"), ROUND_DOWN)
    return NewOrder(
        owner=owner,
        symbol=spec.symbol,
        side=sent.side,
        type="limit" if limit else "market",
        time_in_force=rule if limit else "GTC",
        price=ticks,
        quantity=lots,
        quote=quote or Decimal(0),
        client_order_id=named,
    )


def _steps(value: Decimal, step: Decimal, error: str) -> int:
    if value <= 0 or value % step:
        raise NotPlaced(error)
    return int(value / step)


def _reference(sent: Sent) -> Decimal:
    """The price at which a market order is worth something."""
    bid, _, ask, _ = sent.listing.market.best()
    return sent.listing.format.spec.to_price(ask or bid)
