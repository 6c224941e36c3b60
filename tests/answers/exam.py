"""The practical exam: for each task a right answer, and what most people write first."""

import time
from decimal import Decimal

from answers import lesson01, lesson04, lesson07, lesson08


def book(messages, snapshot):
    at, sides = None, {}

    def load():
        found = snapshot()
        for name, mine in (("bids", "b"), ("asks", "a")):
            sides[mine] = {Decimal(price): Decimal(size) for price, size in found[name]}
        return found["lastUpdateId"]

    for message in messages:
        if at is None or message["U"] > at + 1:
            at = load()
        if message["u"] <= at:
            continue
        for name in "ba":
            sides[name] |= {Decimal(price): Decimal(size) for price, size in message[name]}
        at = message["u"]
    return tuple({p: q for p, q in sides[name].items() if q} for name in "ba")


def book_with_holes(messages, snapshot):
    found = snapshot()
    sides = {name: dict(found[long]) for name, long in (("b", "bids"), ("a", "asks"))}
    for message in messages:
        for name in "ba":
            sides[name].update(message[name])
    return sides["b"], sides["a"]


def after_a_while(look):
    time.sleep(2.5)
    return lesson07.right(look())


def pongs_are_enough(look):
    time.sleep(1)
    return "healthy" if look().pong_s < 1 else "connection lost"


def dead(look):
    time.sleep(2.5)
    found = look()
    return found.pong_s > 2 or bool(found.behind)


def no_data_is_dead(look):
    time.sleep(1.5)
    return look().data_s > 1


def age(samples):
    shown = list(zip(samples, samples[1:], strict=False))
    whole = sum(there[1] - here[1] for here, there in shown)
    return (
        sum(((here[1] + there[1]) / 2 - here[0]) * (there[1] - here[1]) for here, there in shown)
        / whole
    )


def on_arrival(samples):
    return sum(arrived - made for made, arrived in samples) / len(samples)


def close(frames):
    if not frames:
        return "nobody", 1006, "connect later"
    how, code = frames[0]
    if how == "sent":
        return "me", code, "done"
    return (
        "exchange",
        code,
        {1001: "connect at once", 1008: "mend the program"}.get(code, "connect later"),
    )


def always_reconnects(frames):
    return "exchange", frames[0][1] if frames else 1006, "connect at once"


def position(heard, asked):
    fills = {one.id: one for one in [*heard, *asked]}
    change = Decimal(0)
    for one in fills.values():
        change += one.quantity if one.side == "buy" else -one.quantity
        change -= one.fee if one.fee_asset == "BTC" else 0
    return change


def adds_up(heard, asked):
    return sum(one.quantity if one.side == "buy" else -one.quantity for one in [*heard, *asked])


def budget(symbols, weight, used, rtt_ms):
    calls = (6000 - used) // (symbols * weight)
    return max(60_000 / calls, rtt_ms)


def counts_calls(symbols, weight, used, rtt_ms):
    return 60_000 / 6000 * symbols


RIGHT = {
    "book": book,
    "name": after_a_while,
    "pace": lesson01.right,
    "once": lesson08.right,
    "age": age,
    "close": close,
    "sign": lesson04.right,
    "quiet": dead,
    "reconcile": position,
    "budget": budget,
}

NAIVE = {
    "book": (book_with_holes, "and you took no snapshot after it"),
    "name": (pongs_are_enough, "another"),
    "pace": (lesson01.dearest_pause, "the venue counts weight, not calls"),
    "once": (lesson08.again_with_a_new_id, "it was sent"),
    "age": (on_arrival, "so old a message is when it arrives"),
    "close": (always_reconnects, "close frame"),
    "sign": (lesson04.bare_sha, "the exchange computed another HMAC"),
    "quiet": (no_data_is_dead, "a false alarm: nothing happened"),
    "reconcile": (adds_up, "count each id once"),
    "budget": (counts_calls, "429 after"),
}
"""With what it is told."""
