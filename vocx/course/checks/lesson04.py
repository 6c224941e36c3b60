"""Lesson 04: ``buy_below(symbol, quantity, bid, tick, now_ms, secret)``, a signed query.

First with the numbers and the secret that Binance publishes for examples (rest-api.md,
2026-07-21), then with a price that binary floats cannot hold, then on the lab: the order must
stand in the book, one tick below the bid.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from vocx import venues
from vocx.course.answer_runner import Trial, Wrong, short
from vocx.course.exercise import Check
from vocx.course.signing import EXAMPLE, digest, reply_text, send
from vocx.exchange import Exchange
from vocx.exchange.environment import LabEnvironment
from vocx.lab import Lab

SECRET = EXAMPLE[1]
PUBLISHED = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
LIVE = "BTC/USDT"
_NEEDED = ("symbol", "side", "type", "timeInForce", "quantity", "price", "timestamp")


class Case(msgspec.Struct, frozen=True):
    """One call of the answer."""

    symbol: str
    quantity: str
    bid: Decimal
    tick: Decimal
    now_ms: int
    secret: str

    @property
    def price(self) -> Decimal:
        return self.bid - self.tick

    @property
    def shown(self) -> str:
        return f"symbol {self.symbol}, bid {self.bid}, tick {self.tick}, now_ms {self.now_ms}"


VECTOR = Case("LTCBTC", "1", Decimal("0.2"), Decimal("0.1"), 1499827319559, SECRET)
FLOATY = Case("BTCUSDT", "0.001", Decimal("61837.63"), Decimal("0.01"), 1795334400300, SECRET[::-1])
"""``float(bid) - 0.01`` is 61837.619999999995."""


def judge(buy_below: Trial, exchange: Exchange | None) -> str:
    """The published example, an awkward price, and the lab's own book."""
    published = False
    for case in (VECTOR, FLOATY):
        text = signed_query(buy_below, case)
        published |= PUBLISHED in text.lower()
    vector = "The published signature came out" if published else "Every signature fits its bytes"
    if exchange is None or exchange.lab is None:
        return f"{vector}."
    return f"{vector}, {on_the_book(buy_below, exchange, exchange.lab)}."


def signed_query(buy_below: Trial, case: Case) -> str:
    got: Any = buy_below(case.symbol, case.quantity, case.bid, case.tick, case.now_ms, case.secret)
    if not isinstance(got, str) or "=" not in got:
        raise Wrong(
            "the whole query is wanted, as one text with its signature",
            given=case.shown,
            seen=short(got),
            expected="symbol=...&side=BUY&...&timestamp=...&signature=...",
        )
    text = got.removeprefix("?")
    parts = [one.partition("=") for one in text.split("&")]
    fields = {name: value for name, _, value in parts}
    _check_pairs(fields, case)
    _check_price(fields["price"], case)
    payload = "&".join(one for one in text.split("&") if not one.startswith("signature="))
    _check_signature(fields.get("signature"), payload, case)
    return text


def _check_pairs(fields: dict[str, str], case: Case) -> None:
    wanted = {
        "symbol": case.symbol,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "timestamp": str(case.now_ms),
    }
    if fields.get("type") == "MARKET":
        raise Wrong(
            "a market order takes at once; it never stands in the book",
            given=case.shown,
            seen="type=MARKET",
            expected="type=LIMIT",
        )
    for name in _NEEDED:
        if not fields.get(name):
            raise Wrong(f"{name} was not sent (-1102)", given=case.shown, seen=", ".join(fields))
    for name, right in wanted.items():
        if fields[name] == right:
            continue
        why = f"{name} is not what was asked for"
        if name == "timestamp":
            why = "the timestamp is not now_ms: outside of the window (-1021)"
        raise Wrong(why, given=case.shown, seen=f"{name}={fields[name]}", expected=right)
    if _number(fields["quantity"]) != Decimal(case.quantity):
        raise Wrong("another quantity", seen=fields["quantity"], expected=case.quantity)


def _check_price(text: str, case: Case) -> None:
    price = _number(text)
    if price == case.price:
        return
    if price is None:
        why = "the price is no plain number"
    elif price % case.tick:
        why = f"{text} is not a multiple of {case.tick} (-1013): quantise with Decimal"
    elif price == case.bid:
        why = "that is the bid itself: your order would join the queue there"
    elif price > case.bid:
        why = "that is above the bid: a lower price is a smaller number"
    else:
        why = "that is more than one tick below the bid"
    raise Wrong(why, given=case.shown, seen=f"price={text}", expected=f"price={case.price}")


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text) if re.fullmatch(r"[0-9.]+", text) else None
    except InvalidOperation:
        return None


def _check_signature(given: str | None, payload: str, case: Case) -> None:
    if given is None:
        raise Wrong("the query carries no signature (-1102)", given=case.shown, seen=payload)
    right = digest(payload, case.secret)
    if given.lower() == right:
        return
    if not re.fullmatch(r"[0-9A-Fa-f]{64}", given):
        raise Wrong(
            "an HMAC-SHA256 travels as 64 hex digits: .hexdigest()",
            given=case.shown,
            seen=f"signature={given[:80]}",
        )
    raise Wrong(
        "64 hex digits, but the exchange computed another HMAC over these received bytes: "
        f"{payload}{_habit(given.lower(), payload, case.secret)}",
        given=case.shown,
        seen=f"signature={given}",
        expected=f"signature={right}",
    )


def _habit(given: str, payload: str, secret: str) -> str:
    """Which slip it looks like."""
    plain = [(secret + payload).encode(), (payload + secret).encode(), payload.encode()]
    if given in [hashlib.sha256(one).hexdigest() for one in plain]:
        return ". A bare sha256 is no HMAC: hmac.new(key, message, hashlib.sha256)"
    if given == hmac.new(payload.encode(), secret.encode(), hashlib.sha256).hexdigest():
        return ". Key and message are the other way round"
    ordered = "&".join(sorted(payload.split("&")))
    if given == digest(ordered, secret):
        return ". You signed the pairs sorted and sent them in another order"
    return ""


def on_the_book(buy_below: Trial, exchange: Any, lab: Lab) -> str:
    """Send it while the market stands still, and look at the book."""
    stood = lab.pace == 0
    lab.pause()
    try:
        binance = _binance(exchange, lab)
        book = lab.truth.at("binance").book(LIVE, depth=1)
        bid = book.bid
        assert bid is not None and book.exchange_ns is not None
        key, tick = lab.credentials("binance"), binance.instrument(LIVE).tick
        now_ms = book.exchange_ns // 1_000_000
        case = Case("BTCUSDT", "0.001", bid, tick, now_ms, key.secret)
        reply = send(lab, signed_query(buy_below, case), path="/api/v3/order")
        if reply.status_code != 200:
            raise Wrong("the exchange refused it", given=case.shown, seen=reply_text(reply))
        return _seen(binance, lab, case, reply.json()["orderId"])
    finally:
        if not stood:
            lab.resume()


def _binance(exchange: Any, lab: Lab) -> Any:
    """Whichever venue the lesson runs on, the query is one of Binance."""
    if exchange.venue.name == "binance":
        return exchange
    adapter = venues.get("binance")
    return Exchange(adapter, LabEnvironment(adapter, lab, tls=False))


def _seen(exchange: Any, lab: Lab, case: Case, number: int) -> str:
    standing = {one.id: one for one in exchange.open_orders(LIVE)}
    order = standing.get(number)
    if order is None:
        raise Wrong("the exchange took your order, but it does not stand in the book")
    level = dict(lab.truth.at("binance").book(LIVE, depth=20).bids).get(case.price, Decimal(0))
    exchange.cancel_order(order)
    if order.price != case.price or level < order.quantity:
        raise Wrong(
            "your order stands at another price",
            given=case.shown,
            seen=f"{order.price}",
            expected=f"{case.price}",
        )
    return (
        f"and your order stood in the book at {case.price:,}, one tick below the bid of "
        f"{case.bid:,} (cancelled again)"
    )


CHECK = Check(
    id="04.1",
    task="Write buy_below(...): the signed query of a limit buy one tick below the bid.",
    hint=(
        "Join the pairs with &, take bid - tick as it is (Decimal), sign that very text with "
        "hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest(), append it."
    ),
    judge=judge,
)
