"""Lesson 02: ``tape(frames)``, trades out of everything that a socket says."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from vocx.course.answer_runner import Trial, Wrong, short
from vocx.course.exercise import Check
from vocx.exchange import Exchange

_Row = tuple[str, Decimal, Decimal]


def _trade(number: int, price: str, quantity: str, maker_bought: bool) -> str:
    return (
        f'{{"e":"trade","E":1795334400405,"s":"BTCUSDT","t":{number},"p":"{price}",'
        f'"q":"{quantity}","T":1795334400400,"m":{"true" if maker_bought else "false"},"M":true}}'
    )


SCRIPT = (
    _trade(810045, "60120.50000000", "0.00300000", False),
    _trade(810046, "60120.40000000", "0.10000000", True),
    '{"result":null,"id":1}',
    _trade(810047, "60120.40000000", "0.02500000", True),
    '{"e":"aggTrade","E":1795334400405,"s":"BTCUSDT","a":512002,"p":"60120.40000000",'
    '"q":"0.02500000","f":810047,"l":810047,"T":1795334400400,"m":true,"M":true}',
    _trade(810046, "60120.40000000", "0.10000000", True),
    _trade(810047, "60120.40000000", "0.02500000", True),
    '{"e":"serverShutdown","E":1795334400500}',
    _trade(810048, "60120.50000000", "0.10000000", False),
    _trade(810049, "60120.40000000", "0.02500000", True),
    _trade(810050, "60120.30000000", "1.00000000", True),
)
"""An ack after the first trades, the same match under another name, two trades that are repeated
after a reconnect, a notice, and a trade that only its id tells from an earlier one."""

EXPECTED: tuple[_Row, ...] = (
    ("buy", Decimal("60120.5"), Decimal("0.003")),
    ("sell", Decimal("60120.4"), Decimal("0.1")),
    ("sell", Decimal("60120.4"), Decimal("0.025")),
    ("buy", Decimal("60120.5"), Decimal("0.1")),
    ("sell", Decimal("60120.4"), Decimal("0.025")),
    ("sell", Decimal("60120.3"), Decimal("1")),
)


def judge(tape: Trial, exchange: Exchange | None) -> str:
    """The script as one list of texts, then nothing at all."""
    frames = list(SCRIPT)
    try:
        got = tape(frames)
    except Wrong as wrong:
        raise _crash(wrong) from wrong
    if got is None or got is Ellipsis:
        raise Wrong("it returned nothing", expected="a list of (side, price, quantity)")
    rows = _rows(got)
    _count(rows)
    if rows != list(EXPECTED) and sorted(rows) == sorted(EXPECTED):
        raise Wrong(
            "all trades are there, but not in the order of their arrival",
            given=f"{len(frames)} frames",
            seen=f"{rows[0]} first",
            expected=f"{EXPECTED[0]} first",
        )
    _sides(rows)
    for number, (row, right) in enumerate(zip(rows, EXPECTED, strict=True), 1):
        if row[1:] != right[1:]:
            exchanged = row[1:] == right[:0:-1]
            raise Wrong(
                f"row {number}: price and quantity are exchanged"
                if exchanged
                else f"row {number} has another price or quantity",
                given=f"{len(frames)} frames",
                seen=f"{row[1]}, {row[2]}",
                expected=f"{right[1]}, {right[2]}",
            )
    if list(tape([])) != []:
        raise Wrong("no frames, no rows", given="tape([])", expected="[]")
    return "6 trades out of 11 frames: 4 sells, 2 buys, nothing twice and nothing lost."


def _crash(wrong: Wrong) -> Wrong:
    """Which frame a missing key or an ack brought down."""
    missing = wrong.seen.removeprefix("KeyError: ").strip("'") if "KeyError" in wrong.seen else None
    for number, frame in enumerate(SCRIPT, 1):
        if missing is not None and missing not in json.loads(frame):
            return Wrong(
                f"frame {number} was {frame}: not every frame is a trade",
                given=f"frames 1 to {len(SCRIPT)}",
                seen=wrong.seen,
                expected='only frames whose "e" is "trade" make a row',
            )
    return wrong


def _rows(got: Any) -> list[_Row]:
    if isinstance(got, str | bytes | dict) or not hasattr(got, "__iter__"):
        raise Wrong(
            "a list of rows is wanted",
            seen=short(got),
            expected='[("buy", Decimal("60120.5"), Decimal("0.003")), ...]',
        )
    return [_row(number, one) for number, one in enumerate(got, 1)]


def _row(number: int, one: Any) -> _Row:
    try:
        side, price, quantity = one
    except (TypeError, ValueError):
        raise Wrong(
            f"row {number} is not (side, price, quantity)",
            seen=short(one),
            expected='("buy", Decimal("60120.5"), Decimal("0.003"))',
        ) from None
    for value in (price, quantity):
        if isinstance(value, float):
            raise Wrong(
                f"a float crept into row {number}; the wire sends text, so that no digit is lost",
                seen=short(one),
                expected="Decimal(...) of the text, or the text itself",
            )
    try:
        return str(side).lower(), Decimal(str(price)), Decimal(str(quantity))
    except InvalidOperation:
        raise Wrong(f"row {number} holds no numbers", seen=short(one)) from None


def _count(rows: list[_Row]) -> None:
    if len(rows) == len(EXPECTED):
        return
    seen, expected = f"{len(rows)} rows", f"{len(EXPECTED)} rows"
    if not rows:
        why = "no row at all: 6 of the 11 frames are new trades"
    elif EXPECTED[0] not in rows and EXPECTED[2] in rows:
        why = "trade 810045 came before the ack and is lost: data may come first"
    elif rows.count(EXPECTED[2]) == 1 and sorted({*rows}) == sorted({*EXPECTED}):
        why = (
            "trades 810047 and 810049 have the same side, price and quantity, and are two trades: "
            "only the id `t` tells a repeated trade from an equal one"
        )
    elif len(rows) == 1:
        why = "one row: many trades share a millisecond, only the id `t` tells them apart"
    elif len(rows) == len(EXPECTED) + 3:
        why = (
            "trade 810047 is on your tape three times: frame 5 is an aggTrade (the same match "
            "under another name), frame 7 repeats its id after a reconnect"
        )
    elif len(rows) > len(EXPECTED):
        why = (
            "a trade is on your tape twice: a frame may repeat any trade id after a reconnect, and "
            "an aggTrade is the same match under another name"
        )
    elif rows == list(EXPECTED[: len(rows)]):
        why = f"your tape ends after trade {810044 + len(rows)}: go on after what is no trade"
    else:
        why = f"your tape has {len(rows)} rows, the market had {len(EXPECTED)} trades"
    raise Wrong(why, given=f"{len(SCRIPT)} frames", seen=seen, expected=expected)


def _sides(rows: list[_Row]) -> None:
    off = sum(row[0] != right[0] for row, right in zip(rows, EXPECTED, strict=True))
    if not off:
        return
    words = {row[0] for row in rows}
    why = f"{off} of {len(EXPECTED)} sides differ: "
    if not words <= {"buy", "sell"}:
        why += 'write "buy" or "sell"'
    else:
        why += "`m` says the *buyer was the maker*, so the taker sold"
    sides = [row[0] for row in rows]
    raise Wrong(why, seen=", ".join(sides), expected=", ".join(row[0] for row in EXPECTED))


CHECK = Check(
    id="02.1",
    task="Write tape(frames): a list of (taker side, price, quantity), one row a trade.",
    hint=(
        'json.loads each frame, keep those with e == "trade" whose t is new; '
        '"sell" where m is true; Decimal(p), Decimal(q).'
    ),
    judge=judge,
)
