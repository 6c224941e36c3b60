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


def rows_not_seen(frames):
    rows = []
    for event in map(json.loads, frames):
        if event.get("e") == "trade":
            row = ("sell" if event["m"] else "buy", Decimal(event["p"]), Decimal(event["q"]))
            if row not in rows:
                rows.append(row)
    return rows


def trades(frames):
    return [event for event in map(json.loads, frames) if event.get("e") == "trade"]


def rows_of(events):
    return [("sell" if e["m"] else "buy", e["p"], e["q"]) for e in events]


def not_the_same_as_before(frames):
    """A repeat may come later than at once."""
    events = trades(frames)
    return rows_of(
        event
        for before, event in zip([None, *events], events, strict=False)
        if before is None or before["t"] != event["t"]
    )


def by_time(frames):
    return rows_of({event["T"]: event for event in trades(frames)}.values())


def newest_first(frames):
    return right(frames)[::-1]


def until_the_first_other_frame(frames):
    found = []
    for event in map(json.loads, frames):
        if "e" not in event:
            break
        found.append(event)
    return rows_of(found)


def price_and_quantity_exchanged(frames):
    return [(side, quantity, price) for side, price, quantity in right(frames)]


def numbers_for_sides(frames):
    return [
        (1 if side == "buy" else -1, price, quantity) for side, price, quantity in right(frames)
    ]


def one_text(frames):
    return "\n".join(map(str, right(frames)))


def dictionaries(frames):
    return {number: row for number, row in enumerate(right(frames))}


def prints(frames):
    for row in right(frames):
        print(row)


def blank(frames):
    """Turn frames into rows."""
    ...


WRONG = {
    turned_round: "6 of 6 sides differ: `m` says the *buyer was the maker*",
    bold: 'frame 3 was {"result":null,"id":1}: not every frame is a trade',
    any_with_a_price: "three times",
    repeats: "twice",
    waits_for_the_ack: "before the ack",
    floats: "a float crept into row 1",
    nothing: "no row at all",
    rows_not_seen: "trades 810047 and 810049 have the same side, price and quantity",
    not_the_same_as_before: "may repeat any trade id after a reconnect",
    by_time: "many trades share a millisecond",
    newest_first: "in the order of their arrival",
    until_the_first_other_frame: "your tape ends after trade 810046",
    price_and_quantity_exchanged: "price and quantity are exchanged",
    numbers_for_sides: 'write "buy" or "sell"',
    one_text: "a list of rows is wanted",
    dictionaries: "a list of rows is wanted",
    prints: "your function printed its answer",
    prices_only: "row 1 is not (side, price, quantity)",
}
