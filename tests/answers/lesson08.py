"""Lesson 08: ``place_once``."""

from functools import partial

WAITS = (0.2, 0.5, 1, 2, 4, 8)


def right(send, ask, wait, new_id):
    name = new_id()
    try:
        return send(name)
    except TimeoutError:
        outcome = "unknown"
    for seconds in WAITS:
        wait(seconds)
        try:
            if ask(name):
                return "accepted"
            outcome = "not placed"
        except TimeoutError:
            outcome = "unknown"
    return outcome


def each_second(send, ask, wait, new_id):
    """Another schedule, long enough."""
    name, heard = new_id(), None
    try:
        return send(name)
    except TimeoutError:
        pass
    for _ in range(8):
        wait(1)
        try:
            heard = ask(name)
        except TimeoutError:
            heard = None
        if heard:
            return "accepted"
    return "unknown" if heard is None else "not placed"


def again_with_a_new_id(send, ask, wait, new_id):
    for _ in range(3):
        try:
            return send(new_id())
        except TimeoutError:
            wait(1)
    return "unknown"


def again_with_the_same_id(send, ask, wait, new_id):
    name = new_id()
    for _ in range(3):
        try:
            return send(name)
        except TimeoutError:
            wait(1)
    return "unknown"


def after_a_time_out(then):
    """An answer that sends once; ``then`` says what a time-out means."""

    def place_once(send, ask, wait, new_id):
        name = new_id()
        try:
            return send(name)
        except TimeoutError:
            return then(partial(ask, name), wait)

    place_once.__name__ = then.__name__
    return place_once


def saying(name, word):
    """An answer to which a time-out is a word, and nothing is asked."""

    def said(ask, wait):
        return word

    said.__name__ = name
    return after_a_time_out(said)


def asking(name, waits):
    """An answer that asks after each of these waits, and believes the last no."""

    def asked(ask, wait):
        for seconds in waits:
            wait(seconds)
            if ask():
                return "accepted"
        return "not placed"

    asked.__name__ = name
    return after_a_time_out(asked)


@after_a_time_out
def one_question(ask, wait):
    try:
        return "accepted" if ask() else "not placed"
    except TimeoutError:
        return "unknown"


@after_a_time_out
def six_at_once(ask, wait):
    return "accepted" if any([ask() for _ in range(6)]) else "not placed"


@after_a_time_out
def until_found(ask, wait):
    while not ask():
        wait(0.1)
    return "accepted"


@after_a_time_out
def silence_is_a_no(ask, wait):
    for seconds in WAITS:
        wait(seconds)
        try:
            if ask():
                return "accepted"
        except TimeoutError:
            pass
    return "not placed"


def asks_for_another(send, ask, wait, new_id):
    try:
        return send(new_id())
    except TimeoutError:
        name = new_id()
        for seconds in WAITS:
            wait(seconds)
            if ask(name):
                return "accepted"
        return "not placed"


def no_id(send, ask, wait, new_id):
    try:
        return send()
    except TimeoutError:
        return "unknown"


def catches_nothing(send, ask, wait, new_id):
    return send(new_id())


def true_or_false(send, ask, wait, new_id):
    return right(send, ask, wait, new_id) == "accepted"


def never_sends(send, ask, wait, new_id):
    return "not placed"


def hangs(send, ask, wait, new_id):
    while send:
        pass


def blank(send, ask, wait, new_id): ...


three_seconds = asking("three_seconds", [1] * 3)
four_seconds = asking("four_seconds", [1] * 4)
a_time_out_is_a_no = saying("a_time_out_is_a_no", "not placed")
a_time_out_is_a_refusal = saying("a_time_out_is_a_refusal", "refused")
a_time_out_is_a_yes = saying("a_time_out_is_a_yes", "accepted")
never_asks = saying("never_asks", "unknown")
questions_always_answered = asking("questions_always_answered", WAITS)

WRONG = {
    again_with_a_new_id: "3 orders, 0.03 BTC: the first had arrived, only its answer was lost",
    again_with_the_same_id: "the order went over the wire 3 times",
    one_question: "you reported not placed; the order appeared 700 ms after it was sent",
    three_seconds: "you reported not placed; the order appeared 4200 ms after it was sent",
    four_seconds: "it was true this time, and you could not know it yet",
    a_time_out_is_a_no: "a time-out is not a no: the order was there, and nobody had asked",
    a_time_out_is_a_refusal: "nobody refused it",
    a_time_out_is_a_yes: "nobody had said so",
    never_asks: "it could be found out",
    asks_for_another: "you asked for 'order-2', and sent 'order-1'",
    no_id: "it was sent without an id of yours",
    six_at_once: "6 questions in the same moment are one question",
    until_found: "a question costs weight, and without an end it is a hot loop",
    questions_always_answered: "your function raised TimeoutError",
    silence_is_a_no: "a question without an answer is not a no either",
    catches_nothing: "your function raised TimeoutError",
    true_or_false: "report one of accepted, refused, not placed, unknown",
    never_sends: "the order was never sent",
    hangs: "did not come back within",
}
