"""Lesson 06: ``strategy``."""

from vocx.hybrid import want


def right(view, limit):
    if view.book is None or not view.in_sync:
        return []
    if view.age_ms is None or view.age_ms > 500:
        return []
    if view.book.ask > limit:
        return []
    return [want("buy", "0.01", view.book.ask, type="limit")]


def by_exception(view, limit):
    """Whatever is unknown cannot be compared."""
    try:
        good = view.in_sync and view.age_ms <= 500 and view.book.ask <= limit
    except (AttributeError, TypeError):
        return None
    return [want("buy", "0.01", view.book.ask, type="limit")] if good else None


def order(view):
    return [want("buy", "0.01", view.book.ask, type="limit")]


def a_book_is_there(view, limit):
    return order(view) if view.book and view.book.ask <= limit else []


def in_sync_is_enough(view, limit):
    return order(view) if view.in_sync and view.book.ask <= limit else []


def age_is_enough(view, limit):
    good = view.book and view.age_ms is not None and view.age_ms <= 500
    return order(view) if good and view.book.ask <= limit else []


def last_change(view, limit):
    good = view.in_sync and view.changed_ms is not None and view.changed_ms <= 500
    return order(view) if good and view.age_ms <= 500 and view.book.ask <= limit else []


def only_streams(view, limit):
    return right(view, limit) if view.source == "stream" else []


def too_strict(view, limit):
    return right(view, limit) if view.age_ms is not None and view.age_ms <= 100 else []


def seconds(view, limit):
    return right(view, limit) if view.age_ms is not None and view.age_ms <= 0.5 else []


def second_long(view, limit):
    good = view.in_sync and view.age_ms is not None and view.age_ms <= 1000
    return order(view) if good and view.book.ask <= limit else []


def never(view, limit):
    return []


def any_price(view, limit):
    return right(view, view.book.ask) if view.book else []


def turned_round(view, limit):
    return right(view, view.book.ask) if view.book and view.book.ask > limit else []


def nothing_is_unknown(view, limit):
    return order(view) if view.age_ms <= 500 and view.book.ask <= limit else []


def at_the_bid(view, limit):
    return [want("buy", "0.01", view.book.bid, type="limit")] if right(view, limit) else []


def sells(view, limit):
    return [want("sell", "0.01", view.book.ask, type="limit")] if right(view, limit) else []


def only_rests(view, limit):
    return [want("buy", "0.01", view.book.ask)] if right(view, limit) else []


def twice(view, limit):
    return right(view, limit) * 2


def a_price(view, limit):
    return view.book.ask if right(view, limit) else None


def no_list(view, limit):
    return right(view, limit)[0] if right(view, limit) else None


def hangs(view, limit):
    while view:
        pass


def blank(view, limit): ...


WRONG = {
    a_book_is_there: "orders on a book that had ended up to 7.0 s earlier",
    in_sync_is_enough: "orders on the book of a silent feed: no error, in_sync True",
    age_is_enough: "orders on a book that had ended up to 0.5 s earlier",
    last_change: "of a healthy quiet market: nothing changed, and all was proven fresh",
    only_streams: "in which REST had a fresh book: where it comes from does not matter",
    too_strict: "in which REST had a fresh book",
    seconds: "safe, and",
    second_long: "orders on the book of a silent feed",
    never: "chances missed",
    any_price: "orders above the limit",
    turned_round: "orders above the limit",
    nothing_is_unknown: "your function raised TypeError",
    at_the_bid: "nobody sells; the ask is the price at which somebody does",
    sells: "it was to buy",
    only_rests: "a post_only order only ever rests: at the ask it is refused",
    twice: "2 orders at one look",
    a_price: "a list of orders is wanted",
    no_list: "a list of orders is wanted",
    hangs: "did not come back within",
}
