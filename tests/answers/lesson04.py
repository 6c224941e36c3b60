"""Lesson 04: ``buy_below``."""

import base64
import hashlib
import hmac
import time


def pairs(symbol, quantity, price, now_ms):
    return (
        f"symbol={symbol}&side=BUY&type=LIMIT&timeInForce=GTC&quantity={quantity}"
        f"&price={price}&recvWindow=5000&timestamp={now_ms}"
    )


def digest(query, secret):
    return hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()


def right(symbol, quantity, bid, tick, now_ms, secret):
    query = pairs(symbol, quantity, bid - tick, now_ms)
    return f"{query}&signature={digest(query, secret)}"


def in_another_order(symbol, quantity, bid, tick, now_ms, secret):
    query = "&".join(sorted(pairs(symbol, quantity, bid - tick, now_ms).split("&")))
    return f"{query}&signature={digest(query, secret).upper()}"


def bare_sha(symbol, quantity, bid, tick, now_ms, secret):
    query = pairs(symbol, quantity, bid - tick, now_ms)
    return f"{query}&signature={hashlib.sha256((secret + query).encode()).hexdigest()}"


def floats(symbol, quantity, bid, tick, now_ms, secret):
    query = pairs(symbol, quantity, float(bid) - float(tick), now_ms)
    return f"{query}&signature={digest(query, secret)}"


def at_the_bid(symbol, quantity, bid, tick, now_ms, secret):
    query = pairs(symbol, quantity, bid, now_ms)
    return f"{query}&signature={digest(query, secret)}"


def above(symbol, quantity, bid, tick, now_ms, secret):
    query = pairs(symbol, quantity, bid + tick, now_ms)
    return f"{query}&signature={digest(query, secret)}"


def turned_round(symbol, quantity, bid, tick, now_ms, secret):
    query = pairs(symbol, quantity, bid - tick, now_ms)
    return f"{query}&signature={digest(secret, query)}"


def unsigned(symbol, quantity, bid, tick, now_ms, secret):
    return pairs(symbol, quantity, bid - tick, now_ms)


def sorted_afterwards(symbol, quantity, bid, tick, now_ms, secret):
    query = pairs(symbol, quantity, bid - tick, now_ms)
    ordered = "&".join(sorted(query.split("&")))
    return f"{query}&signature={digest(ordered, secret)}"


def in_base64(symbol, quantity, bid, tick, now_ms, secret):
    query = pairs(symbol, quantity, bid - tick, now_ms)
    raw = hmac.new(secret.encode(), query.encode(), hashlib.sha256).digest()
    return f"{query}&signature={base64.b64encode(raw).decode()}"


def own_clock(symbol, quantity, bid, tick, now_ms, secret):
    query = pairs(symbol, quantity, bid - tick, int(time.monotonic() * 1000))
    return f"{query}&signature={digest(query, secret)}"


def market(symbol, quantity, bid, tick, now_ms, secret):
    query = f"symbol={symbol}&side=BUY&type=MARKET&quantity={quantity}&timestamp={now_ms}"
    return f"{query}&signature={digest(query, secret)}"


def signature_alone(symbol, quantity, bid, tick, now_ms, secret):
    return digest(pairs(symbol, quantity, bid - tick, now_ms), secret)


def two_ticks_below(symbol, quantity, bid, tick, now_ms, secret):
    return right(symbol, quantity, bid - tick, tick, now_ms, secret)


def in_seconds(symbol, quantity, bid, tick, now_ms, secret):
    return right(symbol, quantity, bid, tick, now_ms // 1000, secret)


def small_letters(symbol, quantity, bid, tick, now_ms, secret):
    query = pairs(symbol, quantity, bid - tick, now_ms).replace("BUY", "buy")
    return f"{query}&signature={digest(query, secret)}"


def good_for_how_long(symbol, quantity, bid, tick, now_ms, secret):
    query = pairs(symbol, quantity, bid - tick, now_ms).replace("&timeInForce=GTC", "")
    return f"{query}&signature={digest(query, secret)}"


def signs_the_question_mark(symbol, quantity, bid, tick, now_ms, secret):
    query = pairs(symbol, quantity, bid - tick, now_ms)
    return f"{query}&signature={digest('?' + query, secret)}"


def prints(symbol, quantity, bid, tick, now_ms, secret):
    print(right(symbol, quantity, bid, tick, now_ms, secret))


def blank(symbol, quantity, bid, tick, now_ms, secret): ...


WRONG = {
    bare_sha: "64 hex digits, but the exchange computed another HMAC over these received bytes",
    floats: "is not a multiple of 0.01 (-1013): quantise with Decimal",
    at_the_bid: "that is the bid itself",
    above: "that is above the bid",
    turned_round: "the other way round",
    unsigned: "carries no signature (-1102)",
    sorted_afterwards: "signed the pairs sorted and sent them in another order",
    in_base64: "64 hex digits: .hexdigest()",
    own_clock: "outside of the window (-1021)",
    two_ticks_below: "that is more than one tick below the bid",
    in_seconds: "the timestamp is not now_ms",
    small_letters: "side is not what was asked for",
    good_for_how_long: "timeInForce was not sent (-1102)",
    signs_the_question_mark: "computed another HMAC over these received bytes",
    prints: "your function printed its answer",
    market: "a market order takes at once",
    signature_alone: "the whole query is wanted",
}
