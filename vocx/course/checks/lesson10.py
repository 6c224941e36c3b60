"""Lesson 10: ``choose(spec)``, a design for ten strategies, or ``None`` where there is none.

Every design that holds is accepted. One that does not is told what it would spend, miss or break.
Limits of orders are those that the venues' adapters state.
"""

from __future__ import annotations

from typing import Any

import msgspec

from vocx import venues
from vocx.course.answer_runner import Trial, Wrong, short
from vocx.course.choosing import Need, need
from vocx.course.exercise import Check
from vocx.course.venue_comparison import orders_per_s, span_s
from vocx.exchange import Exchange
from vocx.measure import theory

WEIGHT, WEIGHT_ALL, WEIGHT_ORDER, LIMIT = 2, 4, 4, 6000
"""Of a best price, of all of them, of one order; and a minute's (Binance, rest-api.md,
2026-07-21)."""
Q = 0.95
RARE_S = 3600.0
"""Who decides this rarely has no use for something that runs all the time."""
IN_REPLY_MS = 3_600_000.0
"""For fills that the reply to the order tells."""
STREAM_KIB_PER_S = 16.5
"""Of ``bookTicker`` on the recorded session."""
CHOICES = (("ask", "poll", "poll all", "stream"), ("rest", "ws"), ("ask", "listen"))


class Spec(Need, frozen=True, kw_only=True):
    """A strategy at a venue so far away, as the answer gets it."""

    fill_ms: float
    orders_allowed_per_s: float
    order_socket: bool
    rtt_ms: float

    @property
    def shown(self) -> str:
        """What tells it from the others."""
        return (
            f"{self.name}, each {span_s(self.every_s)}: waits for a {self.trigger}, price "
            f"{self.age_ms:g} ms, {self.symbols} symbol(s), {self.orders_per_s:g} of "
            f"{self.orders_allowed_per_s:g} orders/s, fill {self.fill_ms:g} ms, "
            f"{self.rtt_ms:g} ms away"
        )


def _spec(name: str, *, rtt_ms: float, venue: str = "binance", **dials: Any) -> Spec:
    """One of the chooser's strategies with some of its numbers turned."""
    adapter = venues.get(venue)
    wanted = msgspec.structs.asdict(need(name, **dials))
    wanted["fill_ms"] = wanted["fill_ms"] or IN_REPLY_MS
    return Spec(
        orders_allowed_per_s=orders_per_s(adapter),
        order_socket=adapter.order_socket is not None,
        rtt_ms=rtt_ms,
        **wanted,
    )


def specs() -> list[Spec]:
    """The ten."""
    return [
        _spec("dca", age_ms=60_000, rtt_ms=80),
        _spec("rebalance", rtt_ms=80),
        _spec("tracker", rtt_ms=80),
        _spec("alerts", age_ms=280, rtt_ms=80),
        _spec("grid", rtt_ms=80),
        _spec("news", react_ms=50, fill_ms=500, rtt_ms=80),
        _spec("arbitrage", venue="coinbase", fill_ms=30, rtt_ms=20),
        _spec("maker", rtt_ms=20),
        _spec("maker", every_s=0.25, orders_per_s=8, rtt_ms=20),
        _spec("scalp", age_ms=90, fill_ms=500, rtt_ms=200),
    ]


def judge(choose: Trial, exchange: Exchange | None) -> str:
    """Each of them, on its own."""
    found = [_design(spec, choose(spec)) for spec in specs()]
    none = found.count(None)
    return f"{len(found) - none} designs that hold, and {none} strategies that no protocol saves."


def _design(spec: Spec, got: Any) -> str | None:
    """The data's part of an answer, where it holds."""
    forbidden = _forbidden(spec)
    if got is None:
        if forbidden:
            return None
        raise Wrong(
            "there is a design: nothing forbids it", given=spec.shown, seen="None",
            expected='such as ("stream", "rest", "listen")',
        )  # fmt: skip
    data, orders, own = _words(spec, got)
    why = (
        forbidden
        or _wrong_data(spec, data)
        or (
            "this venue takes no orders by socket (Coinbase)"
            if orders == "ws" and not spec.order_socket
            else _wrong_own(spec, own)
        )
    )
    if why:
        expected = "None" if forbidden else "another design"
        raise Wrong(why, given=spec.shown, seen=short(got), expected=expected)
    return data


def _words(spec: Spec, got: Any) -> tuple[str, str, str]:
    good = isinstance(got, tuple | list) and len(got) == 3
    if not good or any(one not in words for one, words in zip(got, CHOICES, strict=True)):
        raise Wrong(
            "three words are wanted, for the price, the orders and your fills, or None",
            given=spec.shown, seen=short(got),
            expected="; ".join(" or ".join(map(repr, words)) for words in CHOICES),
        )  # fmt: skip
    data, orders, own = got
    return data, orders, own


def _forbidden(spec: Spec) -> str:
    """What no design can help with."""
    if spec.orders_per_s > spec.orders_allowed_per_s:
        return (
            f"{spec.orders_per_s:g} orders a second against {spec.orders_allowed_per_s:g}: the "
            "order limit forbids it, and no data feed helps"
        )
    if spec.rtt_ms / 2 > spec.age_ms:
        return (
            f"whatever you choose, a price is {spec.rtt_ms / 2:g} ms old when it arrives, and it "
            f"may be {spec.age_ms:g}: only a nearer machine helps"
        )
    return ""


def _rare(spec: Spec) -> bool:
    return spec.trigger == "clock" and spec.every_s >= RARE_S


def _wrong_data(spec: Spec, data: str) -> str:
    if data == "ask":
        if spec.trigger == "price":
            return (
                "nobody tells you when to ask: it waits for the price itself, and between two "
                "questions that comes and goes"
            )
        if spec.rtt_ms > spec.react_ms:
            return (
                f"the question takes {spec.rtt_ms:g} ms, and there are {spec.react_ms:g} from the "
                f"{spec.trigger} to the order"
            )
        return ""
    gib = STREAM_KIB_PER_S * spec.every_s * spec.symbols / 2**20
    if _rare(spec):
        if data == "stream":
            return f"it keeps a socket for {span_s(spec.every_s)} and {gib:.1f} GB for one decision"
        interval_ms = theory.interval_for_ms(spec.age_ms, spec.rtt_ms, Q) or spec.age_ms
        calls = spec.every_s * 1000 / interval_ms
        return f"{calls:,.0f} polls for one decision: ask when it is due"
    return "" if data == "stream" else _wrong_poll(spec, data)


def _wrong_poll(spec: Spec, data: str) -> str:
    interval_ms = theory.interval_for_ms(spec.age_ms, spec.rtt_ms, Q)
    if interval_ms is None:
        return f"{spec.rtt_ms:g} ms away no poll keeps {spec.age_ms:g} ms: it waits for its reply"
    each = WEIGHT_ALL if data == "poll all" else WEIGHT * spec.symbols
    weight = theory.weight_per_minute(interval_ms, each, spec.rtt_ms)
    if weight > LIMIT:
        calls = 1000 / interval_ms
        return (
            f"{spec.symbols} symbols one by one {calls:.1f} times a second: {weight:,.0f} weight a "
            f"minute, {weight / LIMIT:.0%} of the budget"
        )
    return ""


def _wrong_own(spec: Spec, own: str) -> str:
    if own == "listen":
        if _rare(spec):
            return (
                f"a socket that lives for {span_s(spec.every_s)} to hear of a fill that the reply "
                "to the order has told"
            )
        return ""
    interval_ms = theory.interval_for_ms(spec.fill_ms, spec.rtt_ms, Q)
    if interval_ms is None:
        return f"{spec.rtt_ms:g} ms away no poll tells you of a fill within {spec.fill_ms:g} ms"
    weight = theory.weight_per_minute(interval_ms, WEIGHT_ORDER, spec.rtt_ms)
    if weight > LIMIT:
        return (
            f"to ask for one order each {interval_ms:.0f} ms costs {weight:,.0f} a minute of "
            f"{LIMIT:,}, and you may have several"
        )
    return ""


CHECK = Check(
    id="10.1",
    task="Write choose(spec): (price, orders, fills) in three words, or None.",
    hint=(
        "None if orders_per_s > orders_allowed_per_s, or rtt_ms / 2 > age_ms. Ask for the "
        'price if trigger is not "price" and rtt_ms <= react_ms, else listen. "rest" is always '
        "there. Listen for fills if fill_ms is below 1000."
    ),
    judge=judge,
)
