"""Lesson 09: ``read(message, seq)``, a decoder of OKX's trades and of its book's sequence.

The messages are of the shapes that OKX sends (docs-v5, "Order book channel" and "Trades channel",
2026-07-28): an acknowledgement, rows that stand for several trades, a heartbeat, a number that
begins anew after maintenance, a hole, a notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from vocx.course.answer_runner import Trial, Wrong, short
from vocx.course.exercise import Check
from vocx.exchange import Exchange

Message = Mapping[str, Any]


class Step(msgspec.Struct, frozen=True):
    """A message, the number of the book before it, what it makes of both, and what to say to
    another number."""

    message: Message
    before: int | None
    after: int | None
    why: str
    trades: tuple[tuple[int, int, str, Decimal, Decimal], ...] = ()


def _trade(last: str, count: str, side: str, price: str, size: str) -> Message:
    return {
        "instId": "BTC-USDT", "tradeId": last, "px": price, "sz": size, "side": side,
        "ts": "1795334400100", "count": count, "source": "0", "seqId": 5001,
    }  # fmt: skip


def _trades(*rows: Message) -> Message:
    return {"arg": {"channel": "trades", "instId": "BTC-USDT"}, "data": list(rows)}


def _book(action: str, before: int, number: int, *, empty: bool = False) -> Message:
    levels: list[list[str]] = [] if empty else [["60000.1", "0.8", "0", "5"]]
    row = {
        "asks": [], "bids": levels, "ts": "1795334400200", "checksum": 0,
        "prevSeqId": before, "seqId": number,
    }  # fmt: skip
    arg = {"channel": "books", "instId": "BTC-USDT"}
    return {"arg": arg, "action": action, "data": [row]}


_ACK = {"event": "subscribe", "arg": {"channel": "books", "instId": "BTC-USDT"}, "connId": "a4d3"}
_NOTICE = {"event": "notice", "code": "64008", "msg": "The connection will soon be closed"}
_TICKER = {"arg": {"channel": "tickers", "instId": "BTC-USDT"}, "data": [{"last": "60000.1"}]}
_BEGINS = "a snapshot begins a book, whatever was before: its number is seqId"
_GROWS = "seqId grows, but not by one: compare prevSeqId with the number that you had"
_STAYS = "this message is not about the book: its number stays what it was"

STEPS = (
    Step(_ACK, before=None, after=None, why="an acknowledgement is no book"),
    Step(_book("snapshot", -1, 1000), before=None, after=1000, why=_BEGINS),
    Step(
        _trades(_trade("744876977", "1", "buy", "60000.2", "0.0042")),
        before=1000,
        trades=((744876977, 744876977, "buy", Decimal("60000.2"), Decimal("0.0042")),),
        after=1000,
        why=_STAYS,
    ),
    Step(_book("update", 1000, 1004), before=1000, after=1004, why=_GROWS),
    Step(
        _trades(
            _trade("744876980", "3", "sell", "60000.1", "0.5"),
            _trade("744876981", "1", "sell", "60000", "0.00017"),
        ),
        before=1004,
        trades=(
            (744876978, 744876980, "sell", Decimal("60000.1"), Decimal("0.5")),
            (744876981, 744876981, "sell", Decimal("60000"), Decimal("0.00017")),
        ),
        after=1004,
        why=_STAYS,
    ),
    Step(
        _book("update", 1004, 1004, empty=True),
        before=1004,
        after=1004,
        why="an empty update with seqId equal to prevSeqId is a heartbeat: the book is quiet, and "
        "nothing is missing",
    ),
    Step(
        _book("update", 1004, 3),
        before=1004,
        after=3,
        why="this is a legal reset after maintenance: prevSeqId is the number that you had, and "
        "the count goes on from 3. Compare prevSeqId only",
    ),
    Step(_book("update", 3, 9), before=3, after=9, why=_GROWS),
    Step(
        _book("update", 12, 20),
        before=9,
        after=None,
        why="prevSeqId says 12, and you had 9: a message is missing, and from here on the book is "
        "wrong",
    ),
    Step(
        _book("update", 20, 25),
        before=None,
        after=None,
        why="there is no book that this could change: wait for a snapshot",
    ),
    Step(
        _trades(_trade("744876985", "4", "buy", "60000.3", "1.25")),
        before=None,
        trades=((744876982, 744876985, "buy", Decimal("60000.3"), Decimal("1.25")),),
        after=None,
        why=_STAYS,
    ),
    Step(_book("snapshot", -1, 31), before=None, after=31, why=_BEGINS),
    Step(_NOTICE, before=31, after=31, why=_STAYS),
    Step(_TICKER, before=31, after=31, why=_STAYS),
)


def judge(read: Trial, exchange: Exchange | None) -> str:
    """Each message with the number that a right answer would have had before it."""
    for step in STEPS:
        got = read(step.message, step.before)
        shown = short(step.message)
        if not isinstance(got, tuple) or len(got) != 2 or not isinstance(got[0], list | tuple):
            raise Wrong(
                "return two things: a list of trades, and the number of the book", given=shown,
                seen=short(got), expected=f"({list(step.trades)}, {step.after})",
            )  # fmt: skip
        _trades_right(step, list(got[0]), shown)
        if got[1] != step.after or isinstance(got[1], bool):
            raise Wrong(
                step.why, given=f"{shown}, seq {step.before}", seen=short(got[1]),
                expected=str(step.after),
            )  # fmt: skip
    count = sum(last - first + 1 for step in STEPS for first, last, *_ in step.trades)
    return (
        f"{count} trades out of {sum(len(step.trades) for step in STEPS)} rows; a heartbeat and a "
        "reset followed, and the one hole found."
    )


def _trades_right(step: Step, got: list[Any], shown: str) -> None:
    expected = short(list(step.trades))
    if len(got) != len(step.trades):
        raise Wrong(
            f"{len(step.trades)} rows of trades came with it, you returned {len(got)}", given=shown,
            seen=short(got), expected=expected,
        )  # fmt: skip
    for row, right in zip(got, step.trades, strict=True):
        if not isinstance(row, list | tuple) or len(row) != len(right):
            why = "a trade is (first id, last id, side, price, quantity)"
        elif any(isinstance(one, float) for one in row):
            why = "a float crept in: prices and quantities are text on the wire; use Decimal"
        elif any(isinstance(one, str) for one in (row[0], row[1], row[3], row[4])):
            why = "numbers travel as text at OKX: int for ids, Decimal for price and quantity"
        elif tuple(row[:2]) != right[:2]:
            many = right[1] - right[0] + 1
            why = f"trade {right[1]} stands for {many}: ids {right[0]} to {right[1]}"
            if many == 1:
                why = f"count is 1: trade {right[1]} stands for itself alone"
        elif row[2] != right[2]:
            why = "the side is the taker's already at OKX; only Coinbase prints the maker's"
        elif tuple(row[3:]) != right[3:]:
            why = "px is the price, and sz the quantity"
        else:
            continue
        raise Wrong(why, given=shown, seen=short(row, 120), expected=short(right, 120))


CHECK = Check(
    id="09.1",
    task="Write read(message, seq): a list of trades, and the number of the book.",
    hint=(
        'channel = message.get("arg", {}).get("channel"); only messages with "data" count. '
        'trades: in each row last = int(row["tradeId"]), first = last - int(row["count"]) + 1. '
        "books: snapshot gives seqId; an update gives seqId if prevSeqId == seq, else None."
    ),
    judge=judge,
)
