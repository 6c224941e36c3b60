"""What every adapter refuses in the same words before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from vocx.arguments import brief
from vocx.errors import BadInput, UnknownChannel
from vocx.text import suggest
from vocx.venues.base.bars import Bars
from vocx.venues.base.calls import (
    AmendOrder,
    CancelOrders,
    Credentials,
    GetFills,
    PlaceOrder,
    PlaceOrders,
)
from vocx.venues.base.sockets import CHANNELS, PRIVATE, ChannelSpec
from vocx.venues.base.spelling import split_symbol

_ELSEWHERE = {
    "trades": {"aggtrade", "aggtrades", "publictrade", "markettrades", "matches", "tape"},
    "quotes": {"bookticker", "bbo", "bbotbt", "bestprice", "level1", "l1", "quote"},
    "book": {"depth", "books", "orderbook", "level2", "l2", "l2data", "l2book"},
    "ticker": {"tickers", "24hrticker", "miniticker", "tickerbatch"},
    "candles": {
        "kline",
        "klines",
        "candle",
        "candlestick",
        "candlesticks",
        "ohlc",
        "ohlcv",
        "bars",
    },
    "orders": {"user", "executionreport", "userdata", "openorders"},
    "fills": {"execution", "executions", "mytrades", "usertrades"},
    "balances": {"account", "wallet", "balance", "outboundaccountposition"},
}
"""What venues and other libraries call our channels."""


def _plain(name: object) -> set[str]:
    """A channel's name without case and signs; the same without the parameter that venues append
    (``depth@100ms``, ``kline_1m``, ``books5``)."""
    whole = str(name).casefold()
    return {re.sub("[^a-z0-9]", "", one) for one in (whole, re.sub(r"(@|[._]?\d).*", "", whole))}


def check_count(venue: str, name: str, value: object, most: int) -> int:
    """A number of rows or levels, 1 to ``most``."""
    if type(value) is not int or not 1 <= value <= most:
        raise BadInput(f"{name} is {brief(value)}; {venue} gives 1 to {most}")
    return value


def check_fills(venue: str, intent: GetFills) -> None:
    """All fills, or 1 to 10,000, in as many pages as that takes."""
    if intent.limit is not None and not 1 <= intent.limit <= 10_000:
        raise BadInput(f"limit is {intent.limit!r}; {venue} gives 1 to 10,000 fills")


def refuse_test(venue: str, intent: PlaceOrder) -> None:
    """Of a venue that has no order that is only checked."""
    if intent.test:
        raise BadInput(
            f"{venue} has no order that is only checked: leave test out, and practise in the lab. "
            "Nothing was sent"
        )


def check_batch(venue: str, intent: PlaceOrders | CancelOrders, most: int) -> None:
    """1 to ``most`` orders in one call."""
    check_count(venue, "the number of orders", len(intent.orders), most)


def refuse_timer(venue: str, why: str) -> BadInput:
    """The error of a venue that counts nothing down for its clients."""
    return BadInput(
        f"{venue} has no countdown that cancels all orders: {why}. Nothing was sent, and your "
        "orders stay open when your program ends",
        outcome="not_sent",
    )


def check_order_named(intent: Any) -> None:
    """An order is named by the venue's id or by the client's."""
    if intent.id is None and not intent.client_order_id:
        raise BadInput(
            "an order is named by its id or by its client order id; give one", outcome="not_sent"
        )


def check_amendment(intent: AmendOrder) -> None:
    """A change names an order and says what is to be changed."""
    check_order_named(intent)
    if intent.quantity is None and intent.price is None:
        raise BadInput("an amendment has a quantity, a price or both", outcome="not_sent")


def check_purposes(venue: str, given: Iterable[str], known: Collection[str]) -> None:
    """The keys of ``where={...}`` are purposes that the venue has."""
    for purpose in given:
        if purpose not in known:
            raise BadInput(f"{venue} has no purpose {brief(purpose)}; it has {', '.join(known)}")


def refuse_client_order_id(venue: str, text: object, rule: str) -> BadInput:
    """The error for a client order id that the venue would not take."""
    shown = brief(text)
    hint = "" if isinstance(text, str) else f', as a text: "{shown}"'
    return BadInput(
        f"client order id {shown} cannot be used: {venue} takes {rule}{hint}", outcome="not_sent"
    )


def check_owner(venue: str, credentials: Credentials) -> Credentials:
    """A key that this exchange can know."""
    if credentials.venue not in (None, venue):
        raise BadInput(
            f"this key is for {credentials.venue}; {venue} does not know it. Nothing was sent"
        )
    return credentials


def check_channel(
    venue: str,
    spec: ChannelSpec,
    bars: Bars,
    *,
    interval: str = "1m",
    depths: Mapping[int | None, Collection[int]],
) -> ChannelSpec:
    """A channel with the venue's defaults filled in, or a refusal that names what exists.

    Parameters
    ----------
    interval : str
        Of candles, unless one is named.
    depths : mapping
        Depth of a book (``None``: the full local one) to the milliseconds between its changes that
        may be asked for, the usual one first; empty where there is none to choose and none known.
    """
    channel = spec.channel
    if channel not in CHANNELS + PRIVATE:
        listed = ", ".join(CHANNELS + PRIVATE)
        meant = next((ours for ours, names in _ELSEWHERE.items() if _plain(channel) & names), None)
        hint = suggest(meant or channel, CHANNELS + PRIVATE)
        raise UnknownChannel(f"{venue} has no channel {brief(channel)}; it has {listed}.{hint}")
    if spec.interval is not None and channel != "candles":
        raise UnknownChannel(f"{channel} has no interval; only candles have one")
    if channel != "book":
        for name in ("depth", "cadence_ms"):
            if getattr(spec, name) is not None:
                raise UnknownChannel(f"{channel} has no {name} on {venue}; only book may have one")
    if channel in PRIVATE:
        return replace(spec, symbol=None)
    if spec.symbol is None:
        raise BadInput(f'{channel} needs a symbol, such as "BTC/USDT"')
    split_symbol(spec.symbol)
    if channel == "candles":
        return replace(
            spec, interval=bars.check(interval if spec.interval is None else spec.interval)
        )
    return _check_book(venue, spec, depths) if channel == "book" else spec


def _check_book(
    venue: str, spec: ChannelSpec, depths: Mapping[int | None, Collection[int]]
) -> ChannelSpec:
    known = spec.depth is None or type(spec.depth) is int
    if not known or spec.depth not in depths:
        tops = ", ".join(str(one) for one in depths if one is not None)
        said = f"the top {tops} levels of a book" if tops else "the whole book only"
        raise UnknownChannel(
            f"{venue} streams {said}, not {brief(spec.depth)}; leave depth out for the full local "
            "book"
        )
    cadences = tuple(depths[spec.depth])
    if spec.cadence_ms is None:
        return replace(spec, cadence_ms=cadences[0]) if cadences else spec
    if type(spec.cadence_ms) is not int or spec.cadence_ms not in cadences:
        named = " or ".join(map(str, cadences)) or "no stated number of"
        raise UnknownChannel(
            f"{venue} sends this book each {named} ms, not each {brief(spec.cadence_ms)}"
        )
    return spec
