"""Lesson 11: ``minimum_rest``."""

import time

from vocx.lab.market.engine import Book


def guarded(rest_ns, names=("cancel", "reduce", "requeue"), *, refusal=None, early=None):
    """The rule, for some of the operations; variants of it are the wrong answers."""

    class RestingBook(Book):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            self.since = {}

        def _rest(self, result, order, at_ns):
            super()._rest(result, order, at_ns)
            self.since[order.id] = at_ns

        def too_early(self, at_ns, number):
            return number in self.since and at_ns - self.since[number] < rest_ns

    def guard(name):
        def operation(self, at_ns, number, *arguments, **named):
            if (early or RestingBook.too_early)(self, at_ns, number):
                return refusal
            return getattr(Book, name)(self, at_ns, number, *arguments, **named)

        return operation

    for name in names:
        setattr(RestingBook, name, guard(name))
    return RestingBook


def right(rest_ns):
    return guarded(rest_ns)


def tidy(rest_ns):
    """Written out, and forgets what no longer rests."""

    class RestingBook(Book):
        def __init__(self, symbol, **named):
            super().__init__(symbol, **named)
            self.until = {}

        def _rest(self, result, order, at_ns):
            self.until[order.id] = at_ns + rest_ns
            super()._rest(result, order, at_ns)

        def _forget(self, order):
            del self.until[order.id]
            super()._forget(order)

        def cancel(self, at_ns, order_id):
            return super().cancel(at_ns, order_id) if self._may(at_ns, order_id) else None

        def reduce(self, at_ns, order_id, by):
            return super().reduce(at_ns, order_id, by) if self._may(at_ns, order_id) else None

        def requeue(self, at_ns, order_id, price, quantity, *, self_trade="none"):
            if not self._may(at_ns, order_id):
                return None
            return super().requeue(at_ns, order_id, price, quantity, self_trade=self_trade)

        def _may(self, at_ns, order_id):
            return order_id in self.until and at_ns >= self.until[order_id]

    return RestingBook


def plain(rest_ns):
    return Book


def instance(rest_ns):
    return guarded(rest_ns)("BTC/USDT")


def from_nothing(rest_ns):
    class RestingBook:
        def cancel(self, at_ns, order_id):
            return None

    return RestingBook


def never(rest_ns):
    return guarded(rest_ns, early=lambda book, at_ns, number: True)


def one_too_many(rest_ns):
    return guarded(rest_ns + 1)


def milliseconds(rest_ns):
    return guarded(rest_ns // 1_000_000)


def only_cancel(rest_ns):
    return guarded(rest_ns, ["cancel"])


def reduce_forgotten(rest_ns):
    return guarded(rest_ns, ["cancel", "requeue"])


def requeue_forgotten(rest_ns):
    return guarded(rest_ns, ["cancel", "reduce"])


def refuses_in_words(rest_ns):
    return guarded(rest_ns, refusal="too early")


def own_clock(rest_ns):
    class RestingBook(guarded(rest_ns)):
        def _rest(self, result, order, at_ns):
            super()._rest(result, order, at_ns)
            self.since[order.id] = time.time_ns()

    return RestingBook


def from_the_last_question(rest_ns):
    def early(book, at_ns, number):
        since = book.since.get(number, at_ns)
        book.since[number] = at_ns
        return at_ns - since < rest_ns

    return guarded(rest_ns, early=early)


def newest_counts(rest_ns):
    return guarded(rest_ns, early=lambda book, at_ns, number: (
        at_ns - max(book.since.values(), default=at_ns) < rest_ns))  # fmt: skip


KEPT = {}


def in_one_place(rest_ns):
    class RestingBook(guarded(rest_ns)):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            self.since = KEPT

    return RestingBook


def first_rest_counts(rest_ns):
    class RestingBook(guarded(rest_ns)):
        def _rest(self, result, order, at_ns):
            since = self.since.get(order.id, at_ns)
            super()._rest(result, order, at_ns)
            self.since[order.id] = since

    return RestingBook


def locked(rest_ns):
    """The exchange itself is bound by the rule."""

    class RestingBook(guarded(rest_ns)):
        def cancel_owner(self, at_ns, owner):
            for number in list(self.owned.get(owner, {})):
                self.cancel(at_ns, number)

    return RestingBook


def matches_refused(rest_ns):
    class RestingBook(guarded(rest_ns)):
        def _match(self, result, taker, other, at_ns, worst, self_trade):
            if all(at_ns - self.since[one] >= rest_ns for one in self.orders):
                super()._match(result, taker, other, at_ns, worst, self_trade)

    return RestingBook


def newest_first(rest_ns):
    """Has turned the queue round on the way."""

    class RestingBook(guarded(rest_ns)):
        def _eat(self, result, taker, level, at_ns, self_trade):
            level.orders = dict(reversed(level.orders.items()))
            super()._eat(result, taker, level, at_ns, self_trade)

    return RestingBook


def raises(rest_ns):
    class RestingBook(Book):
        def cancel(self, at_ns, order_id):
            return super().cancel(at_ns, order_id) if self.since[order_id] else None

    return RestingBook


def hangs(rest_ns):
    def early(book, at_ns, number):
        while at_ns:
            pass

    return guarded(rest_ns, early=early)


def blank(rest_ns): ...


WRONG = {
    plain: "it had not rested 50 ms",
    instance: "a class that inherits from Book is wanted",
    from_nothing: "a class that inherits from Book is wanted",
    never: "the engine has no other clock",
    one_too_many: "it rested from 0 to 50 ms",
    milliseconds: "it had not rested 50 ms",
    only_cancel: "reduce took all but one lot away",
    reduce_forgotten: "reduce took all but one lot away",
    requeue_forgotten: "requeue moved it to a price of one tick",
    refuses_in_words: "it had not rested 50 ms",
    own_clock: "the engine has no other clock",
    from_the_last_question: "time runs from the order, not from the last question",
    newest_counts: "the second, and the first",
    in_one_place: "keep times in the object",
    first_rest_counts: "cancelled at 70 ms, and at 110 ms",
    locked: "what is left after cancel_owner",
    matches_refused: "matches, and what is left of the bid",
    newest_first: "an event of",
    raises: "your function raised AttributeError",
    hangs: "did not come back within",
}
"""Answers to the exercises, right and wrong: what CI hands to ``course.check``."""
