"""Lesson 08: ``place_once``."""

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


def one_question(send, ask, wait, new_id):
    name = new_id()
    try:
        return send(name)
    except TimeoutError:
        try:
            return "accepted" if ask(name) else "not placed"
        except TimeoutError:
            return "unknown"


def three_seconds(send, ask, wait, new_id):
    name = new_id()
    try:
        return send(name)
    except TimeoutError:
        for _ in range(3):
            wait(1)
            if ask(name):
                return "accepted"
        return "not placed"


def four_seconds(send, ask, wait, new_id):
    name = new_id()
    try:
        return send(name)
    except TimeoutError:
        for _ in range(4):
            wait(1)
            if ask(name):
                return "accepted"
        return "not placed"


def a_time_out_is_a_no(send, ask, wait, new_id):
    try:
        return send(new_id())
    except TimeoutError:
        return "not placed"


def a_time_out_is_a_refusal(send, ask, wait, new_id):
    try:
        return send(new_id())
    except TimeoutError:
        return "refused"


def a_time_out_is_a_yes(send, ask, wait, new_id):
    try:
        return send(new_id())
    except TimeoutError:
        return "accepted"


def never_asks(send, ask, wait, new_id):
    try:
        return send(new_id())
    except TimeoutError:
        return "unknown"


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


def six_at_once(send, ask, wait, new_id):
    name = new_id()
    try:
        return send(name)
    except TimeoutError:
        return "accepted" if any([ask(name) for _ in range(6)]) else "not placed"


def until_found(send, ask, wait, new_id):
    name = new_id()
    try:
        return send(name)
    except TimeoutError:
        while not ask(name):
            wait(0.1)
        return "accepted"


def questions_always_answered(send, ask, wait, new_id):
    name = new_id()
    try:
        return send(name)
    except TimeoutError:
        for seconds in WAITS:
            wait(seconds)
            if ask(name):
                return "accepted"
        return "not placed"


def silence_is_a_no(send, ask, wait, new_id):
    name = new_id()
    try:
        return send(name)
    except TimeoutError:
        for seconds in WAITS:
            wait(seconds)
            try:
                if ask(name):
                    return "accepted"
            except TimeoutError:
                pass
        return "not placed"


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
