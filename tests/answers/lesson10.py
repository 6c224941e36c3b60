"""Lesson 10: ``choose``."""


def right(spec):
    if spec.orders_per_s > spec.orders_allowed_per_s or spec.rtt_ms / 2 > spec.age_ms:
        return None
    due = spec.trigger != "price" and spec.rtt_ms <= spec.react_ms
    return "ask" if due else "stream", "rest", "listen" if spec.fill_ms < 1000 else "ask"


def frugal(spec):
    """Sockets only where asking cannot do it."""
    made = right(spec)
    if made is None or made[0] == "ask":
        return made
    orders = "ws" if spec.order_socket else "rest"
    return ["stream" if spec.age_ms < 250 else "poll all", orders, made[2]]


def one_word(spec):
    return "stream"


def sockets_for_all(spec):
    return right(spec) and ("stream", "rest", "listen")


def own_by_socket(spec):
    return right(spec) and (right(spec)[0], "rest", "listen")


def polls_for_all(spec):
    if not right(spec):
        return None
    return right(spec) if spec.every_s > 60 else ("poll", "rest", right(spec)[2])


def polls_always(spec):
    return right(spec) and ("poll", "rest", "ask")


def asks_for_all(spec):
    return right(spec) and ("ask", "rest", right(spec)[2])


def asks_at_headlines(spec):
    made = right(spec)
    return made and ("ask" if spec.trigger != "price" else "stream", *made[1:])


def asks_for_fills(spec):
    return right(spec) and (*right(spec)[:2], "ask")


def orders_by_socket(spec):
    return right(spec) and (right(spec)[0], "ws", right(spec)[2])


def order_limit_forgotten(spec):
    return None if spec.rtt_ms / 2 > spec.age_ms else ("stream", "rest", "listen") if (
        spec.trigger == "price") else right(spec)  # fmt: skip


def distance_forgotten(spec):
    if spec.orders_per_s > spec.orders_allowed_per_s:
        return None
    return right(spec) or ("stream", "rest", "listen")


def whole_way(spec):
    return None if spec.rtt_ms > spec.react_ms or spec.orders_per_s > 5 else right(spec)


def no_makers(spec):
    return None if spec.orders_per_s > 5 else right(spec)


def raises(spec):
    return right(spec) if spec.rtt_ms < 200 else spec.distance_ms


def hangs(spec):
    while spec:
        pass


def blank(spec): ...


WRONG = {
    one_word: "three words are wanted",
    sockets_for_all: "it keeps a socket for 7 d and 9.5 GB for one decision",
    own_by_socket: "a fill that the reply to the order has told",
    polls_for_all: "40 symbols one by one 4.0 times a second: 19,000 weight a minute, 317% of",
    polls_always: "polls for one decision: ask when it is due",
    asks_for_all: "nobody tells you when to ask",
    asks_at_headlines: "the question takes 80 ms, and there are 50",
    asks_for_fills: "to ask for one order each 21 ms costs 11,400 a minute",
    orders_by_socket: "takes no orders by socket",
    order_limit_forgotten: "40 orders a second against 10: the order limit forbids it",
    distance_forgotten: "a price is 100 ms old when it arrives, and it may be 90",
    whole_way: "there is a design",
    no_makers: "there is a design",
    raises: "your function raised AttributeError",
    hangs: "did not come back within",
}
