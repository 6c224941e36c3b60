"""Lesson 05: ``expected_age``."""


def right(interval_ms, rtt_ms):
    return rtt_ms / 2 + max(interval_ms, rtt_ms) / 2


def sampled(interval_ms, rtt_ms):
    """The same by looking at it at a thousand moments."""
    period = max(interval_ms, rtt_ms)
    return sum(rtt_ms / 2 + period * moment / 1000 for moment in range(1000)) / 1000


def sum_of_both(interval_ms, rtt_ms):
    return interval_ms + rtt_ms


def oldest(interval_ms, rtt_ms):
    return interval_ms + rtt_ms / 2


def call_time(interval_ms, rtt_ms):
    return rtt_ms


def on_arrival(interval_ms, rtt_ms):
    return rtt_ms / 2


def interval_alone(interval_ms, rtt_ms):
    return interval_ms


def period(interval_ms, rtt_ms):
    return max(interval_ms, rtt_ms)


def near_by(interval_ms, rtt_ms):
    return interval_ms / 2


def half_a_period(interval_ms, rtt_ms):
    return max(interval_ms, rtt_ms) / 2


def waits_for_nobody(interval_ms, rtt_ms):
    return (interval_ms + rtt_ms) / 2


def whole_way(interval_ms, rtt_ms):
    return max(interval_ms, rtt_ms) / 2 + rtt_ms


def whole_way_waiting_for_nobody(interval_ms, rtt_ms):
    return interval_ms / 2 + rtt_ms


def seconds(interval_ms, rtt_ms):
    return right(interval_ms, rtt_ms) / 1000


def a_third(interval_ms, rtt_ms):
    return right(interval_ms, rtt_ms) / 3


def always_zero(interval_ms, rtt_ms):
    return 0


def text(interval_ms, rtt_ms):
    return f"{right(interval_ms, rtt_ms)} ms"


def truth(interval_ms, rtt_ms):
    return True


def hangs(interval_ms, rtt_ms):
    while interval_ms:
        pass


def blank(interval_ms, rtt_ms): ...


WRONG = {
    sum_of_both: "On average it is half the interval and half the round trip",
    oldest: "that is the oldest it gets",
    call_time: "the price was read half-way, and then you looked at it until the next reply",
    on_arrival: "so old it is on arrival",
    interval_alone: "its age grows from half a round trip",
    period: "so long it is from one reply to the next",
    near_by: "80 ms away the price is 40 ms old when it arrives",
    half_a_period: "80 ms away it is 40 ms old already when it arrives",
    waits_for_nobody: "you wanted one every 50 ms, and one came every",
    whole_way: "but the exchange read the price half-way",
    whole_way_waiting_for_nobody: "but the exchange read the price half-way",
    seconds: "answer in milliseconds",
    a_third: "too young. On arrival it is half a round trip old",
    always_zero: "too young",
    text: "a number of milliseconds is wanted",
    truth: "a number of milliseconds is wanted",
    hangs: "did not come back within",
}
