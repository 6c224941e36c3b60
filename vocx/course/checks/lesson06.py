"""Lesson 06: ``strategy(view, limit)``, called 600 times through a minute with four mishaps.

The minute is played in virtual time and is the same for everybody. What is judged is only what
was ordered when: on a view that was not good, or too dear, or not at all where it could have been.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby
from typing import Any, Literal

import msgspec

from vocx.course.answer_runner import Trial, Wrong, short
from vocx.course.exercise import Check
from vocx.exchange import Exchange
from vocx.facts import BookSnapshot
from vocx.hybrid import Want

EVERY_S = 0.1
MAX_AGE_MS = 500.0
LIMIT = Decimal("60000.00")
_CHEAP, _DEAR, _STEP = Decimal("59999.98"), Decimal("60000.03"), Decimal("0.01")

Phase = Literal["start", "stream", "cut", "rest", "gap", "silent", "quiet"]
MINUTE: tuple[tuple[Phase, float], ...] = (
    ("start", 0.5),
    ("stream", 9.5),
    ("cut", 7.0),
    ("rest", 7.0),
    ("stream", 4.0),
    ("gap", 3.0),
    ("stream", 4.0),
    ("silent", 9.0),
    ("stream", 3.0),
    ("quiet", 13.0),
)
"""What happens, and for how many seconds."""


class PlayedView(msgspec.Struct, frozen=True, kw_only=True):
    """A moment of the minute, as the answer sees it."""

    book: BookSnapshot | None
    in_sync: bool
    age_ms: float | None
    changed_ms: float | None
    source: str


class Look(msgspec.Struct, frozen=True):
    """A view with what it is part of."""

    at_s: float
    phase: Phase
    view: PlayedView

    @property
    def good(self) -> bool:
        """An order may rest on it."""
        view = self.view
        return (
            view.book is not None
            and view.in_sync
            and view.age_ms is not None
            and view.age_ms <= MAX_AGE_MS
        )

    @property
    def cheap(self) -> bool:
        book = self.view.book
        return book is not None and book.ask is not None and book.ask <= LIMIT

    @property
    def shown(self) -> str:
        view, ask = self.view, None if self.view.book is None else self.view.book.ask
        return (
            f"{self.at_s:.1f} s: ask {ask}, limit {LIMIT}, in_sync {view.in_sync}, age_ms "
            f"{view.age_ms}, changed_ms {view.changed_ms}, source {view.source}"
        )


def minute() -> Iterator[Look]:
    """Ten looks a second."""
    at = 0
    for phase, seconds in MINUTE:
        for number in range(round(seconds / EVERY_S)):
            yield Look(round(at * EVERY_S, 1), phase, _view(phase, number, at))
            at += 1


def _view(phase: Phase, number: int, at: int) -> PlayedView:
    """What a client would show ``number`` looks after the phase began."""
    gone_ms = 100.0 * number
    moving = _CHEAP if at // 7 % 3 == 0 else _DEAR
    lively = 30.0 + 90.0 * (at % 5) if at % 11 else 450.0
    in_sync, source = True, "stream"
    age, changed, ask = lively, lively + 20 * (at % 3), moving
    if phase == "start":
        return PlayedView(book=None, in_sync=False, age_ms=None, changed_ms=None, source="none")
    if phase == "cut":
        in_sync, age, changed, ask = False, 50 + gone_ms, 50 + gone_ms, _CHEAP
    elif phase == "rest":
        source, age, ask = "rest", 20 + gone_ms % 1000, _CHEAP if number // 20 % 2 else moving
        changed = age
    elif phase == "gap":
        in_sync, ask = False, _CHEAP
    elif phase == "silent":
        age, changed, ask = 20 + gone_ms, 20 + gone_ms, _CHEAP
    elif phase == "quiet":
        age, changed, ask = 20.0 + 10 * (at % 4), 60 + gone_ms, _CHEAP
    unproven = phase == "silent" and number >= 80
    return PlayedView(
        book=BookSnapshot(
            symbol="BTC/USDT",
            bids=((ask - _STEP, Decimal(1)),),
            asks=((ask, Decimal(1)),),
            arrived_ns=0,
        ),
        in_sync=in_sync,
        age_ms=None if unproven else age,
        changed_ms=changed,
        source=source,
    )


_ON_BAD: dict[Phase, str] = {
    "cut": "{n} orders on a book that had ended up to {age:.1f} s earlier: there was one, but "
    "in_sync was False",
    "gap": "{n} orders on a book with a hole in it: messages came and it looked fresh, but in_sync "
    "was False",
    "silent": "{n} orders on the book of a silent feed: no error, in_sync True, and nothing had "
    "proven it for up to {age:.1f} s",
    "rest": "{n} orders on an asked book that was older than 500 ms: it ages until the next reply",
    "stream": "{n} orders on a book older than 500 ms",
}
_MISSED: dict[Phase, str] = {
    "quiet": "you stayed out {s:.1f} s of a healthy quiet market: nothing changed, and all was "
    "proven fresh (age_ms at most 50). changed_ms is no age",
    "rest": "you stayed out {s:.1f} s in which REST had a fresh book: where it comes from does not "
    "matter, its age does",
    "stream": "you stayed out {s:.1f} s of a lively market: in sync, and at most 500 ms old",
}


def judge(strategy: Trial, exchange: Exchange | None) -> str:
    """The whole minute first, then what was wrong with it."""
    played = [(look, _orders(strategy, look)) for look in minute()]
    for phase, text in _ON_BAD.items():
        bad = [one for one, orders in played if orders and one.phase == phase and not one.good]
        if bad:
            age_s = max(one.view.changed_ms or 0.0 for one in bad) / 1000
            raise _acted(bad[-1], text.format(n=len(bad), age=age_s))
    dear = [one for one, orders in played if orders and not one.cheap]
    if dear:
        raise _acted(dear[0], f"{len(dear)} orders above the limit")
    chances = [one for one, _ in played if one.good and one.cheap]
    missed = [one for one, orders in played if one.good and one.cheap and not orders]
    episodes = _episodes([one.good and one.cheap for one, _ in played])
    if len(missed) == len(chances):
        raise _stayed_out(missed[0], f"safe, and {episodes} of {episodes} chances missed")
    for phase, text in _MISSED.items():
        out = [one for one in missed if one.phase == phase]
        if out:
            raise _stayed_out(out[-1], text.format(s=len(out) * EVERY_S))
    for look, orders in played:
        if orders:
            _form(look, orders)
    bad_s = sum(not one.good for one, _ in played) * EVERY_S
    return (
        f"All {episodes} chances taken, {MINUTE[-1][1]:g} s of a quiet market included, and no "
        f"order in the {bad_s:.0f} s in which the view was not good."
    )


def _acted(look: Look, why: str) -> Wrong:
    return Wrong(why, given=look.shown, seen="an order", expected="[]")


def _stayed_out(look: Look, why: str) -> Wrong:
    return Wrong(why, given=look.shown, seen="[]", expected="an order")


def _orders(strategy: Trial, look: Look) -> list[Any]:
    got = strategy(look.view, LIMIT)
    if got is None:
        return []
    if not isinstance(got, list | tuple) or not all(isinstance(one, Want) for one in got):
        raise Wrong(
            "a list of orders is wanted", given=look.shown, seen=short(got),
            expected='[] or [want("buy", "0.01", view.book.ask, type="limit")]',
        )  # fmt: skip
    return list(got)


def _form(look: Look, orders: list[Want]) -> None:
    ask = look.view.book.ask if look.view.book is not None else None
    first, why = orders[0], ""
    if len(orders) > 1:
        why = f"{len(orders)} orders at one look"
    elif first.side != "buy":
        why = "it was to buy"
    elif first.price != ask:
        why = f"at {first.price} nobody sells; the ask is the price at which somebody does"
    elif first.quantity != Decimal("0.01"):
        why = "another quantity"
    elif first.type != "limit":
        why = "a post_only order only ever rests: at the ask it is refused, and buys nothing"
    if why:
        raise Wrong(
            why,
            given=look.shown,
            seen=short(orders),
            expected=f'[want("buy", "0.01", "{ask}", type="limit")]',
        )


def _episodes(flags: list[bool]) -> int:
    return sum(flag for flag, _ in groupby(flags))


CHECK = Check(
    id="06.1",
    task="Write strategy(view, limit): a list with one order, or an empty one.",
    hint=(
        "Empty unless view.book is there, view.in_sync, view.age_ms is not None and at most "
        "500, and view.book.ask <= limit. Leave changed_ms and source alone."
    ),
    judge=judge,
)
