"""Lesson 02: ``tape``."""

import json
from decimal import Decimal


def right(frames):
    rows, seen = [], set()
    for frame in frames:
        event = json.loads(frame)
        if event.get("e") == "trade" and event["t"] not in seen:
            seen.add(event["t"])
            side = "sell" if event["m"] else "buy"
            rows.append((side, Decimal(event["p"]), Decimal(event["q"])))
    return rows


def generator(frames):
    yield from right(frames)


def as_text(frames):
    return [[side.upper(), str(price), str(quantity)] for side, price, quantity in right(frames)]


def turned_round(frames):
    return [({"buy": "sell", "sell": "buy"}[side], p, q) for side, p, q in right(frames)]


def bold(frames):
    events = [json.loads(frame) for frame in frames]
    return [("sell" if e["m"] else "buy", e["p"], e["q"]) for e in events]


def any_with_a_price(frames):
    events = [json.loads(frame) for frame in frames]
    return [("sell" if e["m"] else "buy", e["p"], e["q"]) for e in events if "p" in e]


def repeats(frames):
    events = [json.loads(frame) for frame in frames]
    return [("sell" if e["m"] else "buy", e["p"], e["q"]) for e in events if e.get("e") == "trade"]


def waits_for_the_ack(frames):
    started, rest = False, []
    for frame in frames:
        started = started or '"result"' in frame
        rest += [frame] if started else []
    return right(rest)


def floats(frames):
    return [(side, float(price), float(quantity)) for side, price, quantity in right(frames)]


def nothing(frames):
    return []


def prices_only(frames):
    return [price for _, price, _ in right(frames)]


def blank(frames):
    """Turn frames into rows."""
    ...


WRONG = {
    turned_round: "5 of 5 sides differ: `m` says the *buyer was the maker*",
    bold: 'frame 3 was {"result":null,"id":1}: not every frame is a trade',
    any_with_a_price: "three times",
    repeats: "twice",
    waits_for_the_ack: "before the ack",
    floats: "a float crept into row 1",
    nothing: "no row at all",
    prices_only: "row 1 is not (side, price, quantity)",
}
