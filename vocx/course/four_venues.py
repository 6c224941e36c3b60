"""Lesson 09: the same trade, order, book and subscription in the dialects of four exchanges."""

from __future__ import annotations

import hmac
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import requests

from vocx.course.venue_comparison import SubscriptionPlan, calls_per_minute, subscription_plan
from vocx.course.waiting import wait_for
from vocx.errors import VocxError, WaitTimeout, optional_parts
from vocx.facts import Order, OrderAck, Trade
from vocx.text import counted, text_table
from vocx.timing import wall_ns
from vocx.venues.base import GetQuote, PlaceOrder

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.lab import Lab
    from vocx.stream import Stream

BTC = "BTC/USDT"
CONCEPTS = ("symbol", "price", "quantity", "side", "id", "time", "count")

FIELDS: Mapping[str, Mapping[str, str]] = {
    "binance": {
        "s": "symbol", "p": "price", "q": "quantity", "m": "side", "t": "id", "T": "time",
    },
    "okx": {
        "instId": "symbol", "px": "price", "sz": "quantity", "side": "side", "tradeId": "id",
        "ts": "time", "count": "count",
    },
    "bybit": {
        "s": "symbol", "p": "price", "v": "quantity", "S": "side", "i": "id", "T": "time",
    },
    "coinbase": {
        "product_id": "symbol", "price": "price", "size": "quantity", "side": "side",
        "trade_id": "id", "time": "time",
    },
}  # fmt: skip
"""What the names of a public trade's fields mean, by venue."""

_ORDER = PlaceOrder(
    symbol=BTC, side="buy", quantity=Decimal("0.01"), type="limit", price=Decimal("60000.00"),
    client_order_id="lesson09",
)  # fmt: skip
_ON_THE_WIRE: Mapping[str, Mapping[str, str]] = {
    "binance": {"quotes": "*@bookTicker", "book": "*@depth*"},
    "okx": {"quotes": "bbo-tbt*", "book": "books*"},
    "bybit": {"quotes": "orderbook.1.*", "book": "orderbook.200.*"},
    "coinbase": {"quotes": "ticker*", "book": "l*2*"},
}
"""What the channels are called there: as patterns for the lab's faults."""
LEVELS = 20
"""Of each side, that are held against the truth."""
_TRIES = 6
_PATIENCE_S = 3.0
_WIDTH = 92


class PublicTrade(NamedTuple):
    """A trade of ours as everybody sees it: the raw row, and the fact that it becomes."""

    venue: str
    row: Mapping[str, Any]
    fact: Trade

    def __str__(self) -> str:
        lines = textwrap.wrap(json.dumps(self.row), _WIDTH - 4, break_on_hyphens=False)
        return "\n    ".join([self.venue, *lines])


def market_buy(exchange: Exchange) -> PublicTrade:
    """Buy a little at the market and find the trade in the public stream.

    Raises
    ------
    WaitTimeout
        Six orders were filled in several pieces, or their trades did not come.
    """
    frames: list[bytes] = []
    stream = exchange.create_stream(
        ("trades",), BTC, name=f"{exchange.name}: own trade",
        on_frame=lambda frame, _: frames.append(bytes(frame)),
    ).start()  # fmt: skip
    try:
        stream.wait(5)
        for number in range(_TRIES):
            quantity = Decimal(f"0.001{37 + 2 * number}")
            order = exchange.place_order(BTC, "buy", quantity, type="market")
            found = None
            if _pieces(exchange, order, quantity) == 1:
                found = _find(exchange.name, stream, frames, quantity)
            if found is not None:
                return found
    finally:
        stream.stop()
    raise WaitTimeout(f"no trade of ours in one piece at {exchange.name} in {_TRIES} orders")


def _pieces(exchange: Exchange, order: Order | OrderAck, quantity: Decimal) -> int:
    """How many trades it took; on some venues a fill is told a little after the answer."""

    def count() -> int:
        fills = exchange.fills(BTC, order=order)
        return len(fills) if sum(one.quantity for one in fills) == quantity else 0

    return wait_for(count, _PATIENCE_S, every_s=0.05) or 0


def _find(venue: str, stream: Stream, frames: list[bytes], quantity: Decimal) -> PublicTrade | None:
    names = {meaning: name for name, meaning in FIELDS[venue].items()}

    def find() -> PublicTrade | None:
        facts = {str(one.id): one for one in stream.trades(BTC)}
        for row in _rows(frames.copy(), names["quantity"]):
            fact = facts.get(str(row[names["id"]]))
            if fact is not None and Decimal(row[names["quantity"]]) == quantity:
                return PublicTrade(venue, row, fact)
        return None

    return wait_for(find, _PATIENCE_S)


def _rows(frames: Sequence[bytes], quantity: str) -> Iterator[dict[str, Any]]:
    """Every object, however deep, that has such a field. An OKX pong is a word, no JSON."""
    waiting: list[Any] = [msgspec.json.decode(frame) for frame in frames if frame[:1] == b"{"]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            if quantity in one and not isinstance(one[quantity], list | dict):
                yield one
            waiting += one.values()


def figure(trades: Sequence[PublicTrade], *, height: int = 330) -> Any:
    """One fact in several dialects: fields in the order in which they travel, those that mean the
    same joined by lines."""
    with optional_parts():
        import plotly.graph_objects as go

        from vocx import figures

    made: Any = go.Figure(layout=figures.layout(x="", y="", height=height, showlegend=False))
    colors = (figures.BID, figures.ASK, figures.ASKED, "#3a9d5d", "#8464c9", "#b08a2e", figures.INK)
    color_of = dict(zip(CONCEPTS, colors, strict=True))
    before: dict[str, int] = {}
    for column, trade in enumerate(trades):
        here = _meanings(trade)
        for place, (meaning, text) in enumerate(here):
            made.add_annotation(
                x=column, y=-place, text=text, showarrow=False, xanchor="left",
                font={"size": 11, "family": "monospace", "color": color_of[meaning]},
            )  # fmt: skip
            if meaning in before:
                made.add_scatter(
                    x=[column - 0.18, column - 0.03],
                    y=[-before[meaning], -place],
                    mode="lines+text",
                    line={"color": color_of[meaning], "width": 1.4},
                    hovertemplate=meaning + "<extra></extra>",
                )
        before = {meaning: place for place, (meaning, _) in enumerate(here)}
        made.add_annotation(
            x=column, y=1, text=f"<b>{trade.venue}</b>", showarrow=False, xanchor="left"
        )
    most = max(len(_meanings(trade)) for trade in trades)
    made.update_xaxes(range=[-0.02, len(trades) - 0.1], visible=False)
    made.update_yaxes(range=[-most + 0.4, 1.6], visible=False)
    return made


def _meanings(trade: PublicTrade) -> list[tuple[str, str]]:
    """(what it means, how it is written) of each field that has a meaning here."""
    found = []
    for name, value in trade.row.items():
        if meaning := FIELDS[trade.venue].get(name):
            text = json.dumps(value)
            found.append((meaning, f"{name}: {text if len(text) <= 15 else text[:14] + '…'}"))
    return found


def signed(exchange: Exchange, lab: Lab) -> str:
    """The same limit order as each venue gets it, with what proves it: keys shortened."""
    venue = exchange.venue
    plain = venue.request(_ORDER, wall_ns())
    request = venue.sign(plain, wall_ns(), lab.credentials(venue.name), "nonce")
    lines = [f"{venue.name}: {request.method} {_cut(request.target)}"]
    if request.body:
        lines.append(f"  body    {_cut(request.body.decode())}")
    proof = [name for name in request.headers if name != "Content-Type"]
    lines.append(f"  headers {', '.join(proof)}")
    return "\n".join(lines)


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 34]}...{text[-31:]}"


def serialised_twice(lab: Lab) -> requests.Response:
    """An order to Bybit whose body is made once to be signed and once more to be sent, as by a
    client that signs ``json.dumps(body)`` and leaves the sending to another library."""
    body = {"category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market",
            "qty": "10"}  # fmt: skip
    key, stamp, window = lab.credentials("bybit"), str(wall_ns() // 1_000_000), "5000"
    signed_text = f"{stamp}{key.key}{window}{json.dumps(body)}"
    headers = {
        "X-BAPI-API-KEY": key.key,
        "X-BAPI-TIMESTAMP": stamp,
        "X-BAPI-RECV-WINDOW": window,
        "X-BAPI-SIGN": hmac.new(key.secret.encode(), signed_text.encode(), "sha256").hexdigest(),
        "Content-Type": "application/json",
    }
    sent = json.dumps(body, separators=(",", ":"))
    with requests.Session() as session:
        session.trust_env = False
        url = f"{lab.url('bybit', 'rest')}/v5/order/create"
        return session.post(url, data=sent, headers=headers, timeout=5)


def lose_one(lab: Lab, stream: Stream, channel: str) -> str:
    """Let one message of a channel get lost on its way to this stream; who noticed, and how."""
    venue = stream.venue.name
    before = stream.stats.gaps
    with lab.fault("drop", venue=venue, stream=_ON_THE_WIRE[venue][channel], count=1):
        if not wait_for(lambda: not lab.faults, _PATIENCE_S):
            return f"{venue:<9}no message of {channel} came"
        noticed = wait_for(lambda: stream.stats.gaps > before, 1.0)
    how = "a gap, and made whole again" if noticed else "not noticed"
    if noticed:
        stream.wait(5)
    return f"{venue:<9}{channel}: {how}"


def audit(lab: Lab, streams: Sequence[Stream]) -> str:
    """Pause the market and hold each stream's book against its venue's truth, level by level."""
    lab.pause()
    try:
        return "\n".join(_audited(lab, one) for one in streams)
    finally:
        lab.resume()


def _audited(lab: Lab, stream: Stream) -> str:
    name = stream.venue.name
    truth = lab.truth.at(name).book(BTC, depth=LEVELS)
    there, wrong = {*truth.bids, *truth.asks}, LEVELS * 2

    def right() -> bool:
        nonlocal wrong
        with suppress(VocxError):
            mine = stream.book(BTC, depth=LEVELS)
            wrong = len(there - {*mine.bids, *mine.asks})
        return not wrong

    wait_for(right, 2, every_s=0.05)
    gaps = counted(stream.stats.gaps, "gap")
    fresh = counted(stream.stats.resyncs, "new snapshot")
    return f"{name:<9}{gaps}, {fresh}, {wrong} of {LEVELS * 2} levels wrong"


class Allowance(NamedTuple):
    """What a venue's limits leave of two calls, and what listening to many topics takes.

    ``quotes_per_minute``: the best price asked for by REST; ``orders_per_10_s``: orders placed by
    REST, of one account and instrument.
    """

    venue: str
    quotes_per_minute: float
    orders_per_10_s: float
    plan: SubscriptionPlan


def allowance(
    exchange: Exchange, symbols: int, channels: Sequence[str] = ("trades", "quotes")
) -> Allowance:
    """By the venue's own limits, as this exchange's adapter has them; nothing is sent."""
    venue = exchange.venue
    return Allowance(
        venue=venue.name,
        quotes_per_minute=calls_per_minute(venue, GetQuote(symbol=BTC)),
        orders_per_10_s=calls_per_minute(venue, _ORDER) / 6,
        plan=subscription_plan(venue, symbols, channels),
    )


def planner(exchanges: Sequence[Exchange], symbols: int) -> str:
    """Four venues' allowances beside each other, for two channels of so many symbols."""
    rows = [
        (
            one.venue, f"{one.quotes_per_minute:,.0f}", f"{one.orders_per_10_s:,.0f}",
            f"{one.plan.connections}", f"{one.plan.messages}", f"{one.plan.seconds:.1f} s",
        )
        for one in (allowance(exchange, symbols) for exchange in exchanges)
    ]  # fmt: skip
    head = ("", "prices a minute", "orders in 10 s", "sockets", "subscribe messages", "take")
    return text_table(head, rows)
