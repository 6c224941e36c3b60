"""Lessons 09 and 10: what venues allow and offer, side by side, read from their adapters.

Nothing here is a number of its own: limits, cadences, sockets and proofs of life are what each
adapter in :mod:`vocx.venues` declares, with its source.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from vocx import venues
from vocx.course.signing import reply_text, send
from vocx.rate_limits import dearest
from vocx.text import text_table
from vocx.venues.base import CancelOrder, ChannelSpec, Intent, Limit, PlaceOrder, Venue

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.lab import Lab

SYMBOL = "BTC/USDT"
VENUES = ("binance", "okx", "bybit", "coinbase")
SHORT_S = 60.0
"""Limits over at most so long decide how fast a program may go; longer ones, for how long."""
MOST_ORDERS = 400
"""A venue that has refused none by then refuses none."""
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def span_s(seconds: float) -> str:
    """``"2.5 s"``, ``"83 min"``, ``"7 d"``."""
    for size, unit in _UNITS:
        if seconds >= 2 * size or size == 1:
            return f"{seconds / size:.3g} {unit}"
    raise AssertionError  # the last unit takes everything


def _charges(venue: Venue) -> dict[str, int]:
    """What an order costs of each limit, with the cancel of the one before it."""
    place = PlaceOrder(
        symbol=SYMBOL,
        side="buy",
        type="limit",
        client_order_id=venue.make_client_order_id(1),
        quantity=Decimal(1),
        price=Decimal(1),
        time_in_force="GTC",
    )
    costs: dict[str, int] = {}
    for intent in (place, CancelOrder(symbol=SYMBOL, id="1", client_order_id=None)):
        for bucket, amount in venue.request(intent).charges.items():
            name = bucket.partition(":")[0]  # one per instrument is charged with its name
            costs[name] = costs.get(name, 0) + amount
    return costs


def orders_per_s(venue: Venue) -> float:
    """New orders a second that the venue's short limits allow, cancels included."""
    return _allowed_per_minute(venue, _charges(venue)) / 60


def calls_per_minute(venue: Venue, call: Intent) -> float:
    """How often the venue's short limits allow one call."""
    return _allowed_per_minute(venue, venue.request(call).charges)


def _allowed_per_minute(venue: Venue, charges: Mapping[str, int]) -> float:
    short = [one for one in venue.limits if one.window_s <= SHORT_S]
    charge = dearest(charges, short)
    return charge.per_minute / charge.amount


class Requote(NamedTuple):
    """A quoter's plan against one limit of one venue: ``per_s`` orders a second, each of which
    costs ``amount`` of it."""

    venue: str
    limit: Limit
    amount: int
    per_s: float

    @property
    def allowed_per_s(self) -> float:
        """How many orders a second the limit allows for ever."""
        return self.limit.amount / self.limit.window_s / self.amount

    @property
    def refused_after_s(self) -> float | None:
        """Seconds of a fresh window until a call is refused; ``None``: never."""
        after_s = self.limit.amount / (self.per_s * self.amount)
        return after_s if after_s < self.limit.window_s else None


class Requotes(list[Requote]):
    """What :func:`requote` found; printed as a table."""

    def tightest(self, venue: str) -> Requote:
        """The limit of a venue that refuses first; where none does, the one that is nearest."""
        mine = [one for one in self if one.venue == venue]
        return min(mine, key=lambda one: (one.refused_after_s or float("inf"), one.allowed_per_s))

    def __str__(self) -> str:
        rows = []
        for one in self:
            limit, after_s = one.limit, one.refused_after_s
            rows.append(
                (
                    one.venue,
                    f"{limit.bucket}: {limit.amount:,} in {span_s(limit.window_s)}",
                    limit.per,
                    f"{one.allowed_per_s:.1f}",
                    f"{one.per_s:g}",
                    "holds" if after_s is None else f"refused after {span_s(after_s)}",
                )
            )
        head = ("venue", "limit", "counted by", "allows/s", "you want/s", "so")
        sources = {
            one.venue: f"{one.venue}: {self.tightest(one.venue).limit.source}" for one in self
        }
        return "\n".join([text_table(head, rows, left=3), *sources.values()])


def requote(every_ms: float) -> Requotes:
    """Placing an order of each side anew every ``every_ms``, after cancelling the one before,
    against each venue's own limits: how fast they allow it, and when a call is refused."""
    per_s = 2 * 1000 / every_ms
    found = Requotes()
    for venue in map(venues.get, VENUES):
        costs = _charges(venue)
        mine = [one for one in venue.limits if one.bucket in costs]
        found += [Requote(venue.name, one, costs[one.bucket], per_s) for one in mine]
    return found


def _order_texts(price: Decimal) -> Iterator[str]:
    while True:
        yield (
            f"symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price={price:f}"
            f"&timestamp={int(time.time() * 1000)}"
        )


def until_refused(lab: Lab, exchange: Exchange, per_s: float) -> tuple[int, float, str]:
    """Place real orders, far from the market, ``per_s`` of them a second, with a plain client that
    has no brake of its own, until the exchange refuses one; then cancel them all.

    Begins with a fresh window of the lab's meter.

    Returns
    -------
    tuple
        Orders that were taken, seconds, and what the refusal says (empty: none came).
    """
    tick, bid = exchange.instrument(SYMBOL).tick, exchange.quote(SYMBOL).bid
    assert bid is not None
    texts = _order_texts(bid * 9 // 10 // tick * tick)
    lab.limits.advance()  # to the beginning of the next window
    began, taken, said = time.monotonic(), 0, ""
    try:
        while taken < MOST_ORDERS and not said:
            reply = send(lab, next(texts), path="/api/v3/order")
            if reply.ok:
                taken += 1
                time.sleep(max(0.0, began + taken / per_s - time.monotonic()))
            else:
                said = reply_text(reply)
        return taken, time.monotonic() - began, said
    finally:
        lab.limits.advance()
        exchange.cancel_all(SYMBOL)


def streams() -> str:
    """What each venue's sockets are like, as a table: which of them is best depends on the row."""
    rows: dict[str, list[str]] = {}
    for venue in map(venues.get, VENUES):
        quotes, book = (
            venue.validate_channel(ChannelSpec(channel=name, symbol=SYMBOL))
            for name in ("quotes", "book")
        )
        (plan,) = venue.plan_sockets([quotes])
        keep, limits = venue.keepalive(plan.purpose), venue.socket_limits
        entry = venue.order_socket
        logs_in = "none" if entry is None else "one login" if entry.login else "each order signed"
        life = "not stated" if keep.max_life_s is None else span_s(keep.max_life_s)
        for row, text in {
            "best price, at most each": _each(venue.cadence_ms(quotes)),
            "book, at most each": _each(venue.cadence_ms(book)),
            "silence is proven by": venue.proof_of_life(quotes),
            "a book starts by": venue.book_start,
            "after a gap": venue.book_recovery,
            "a connection lives": life,
            "topics a connection": "not stated" if limits.topics is None else f"{limits.topics:,}",
            "orders by socket": logs_in,
        }.items():
            rows.setdefault(row, []).append(text)
    return text_table(("", *VENUES), [(row, *texts) for row, texts in rows.items()])


def _each(cadence_ms: int) -> str:
    return f"{cadence_ms} ms" if cadence_ms else "change"


class SubscriptionPlan(NamedTuple):
    """What listening to many topics takes: ``seconds`` for the ``messages`` that subscribe to
    them, as fast as the adapter sends them."""

    topics: int
    connections: int
    messages: int
    seconds: float


def subscription_plan(venue: Venue, symbols: int, channels: Sequence[str]) -> SubscriptionPlan:
    """For these channels of so many symbols."""
    specs = [
        venue.validate_channel(ChannelSpec(channel=channel, symbol=f"A{number}/USDT"))
        for number in range(symbols)
        for channel in channels
    ]
    plans = venue.plan_sockets(specs)
    sent = [len(venue.subscribe_frames(one, [*one.topics], 0, None, "n")) for one in plans]
    return SubscriptionPlan(
        topics=sum(len(one.topics) for one in plans),
        connections=len(plans),
        messages=sum(sent),
        seconds=max(count / one.control_per_s for count, one in zip(sent, plans, strict=True)),
    )


def connections(symbols: int, channels: Sequence[str]) -> str:
    """Connections, subscribe messages and seconds that so many symbols take, as a table."""
    plans = {name: subscription_plan(venues.get(name), symbols, channels) for name in VENUES}
    rows = [
        (name, f"{one.topics:,}", f"{one.connections}", f"{one.messages}", f"{one.seconds:.1f} s")
        for name, one in plans.items()
    ]
    return text_table(("venue", "topics", "connections", "messages", "takes"), rows)
