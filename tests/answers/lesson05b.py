"""Lesson 05b: ``plan``."""


def right(p95_age_ms, rtt_ms):
    interval_ms = (p95_age_ms - rtt_ms / 2) / 0.95
    if interval_ms < max(rtt_ms, 20):
        return None
    return interval_ms, 2 * 60_000 / interval_ms


def whole_milliseconds(p95_age_ms, rtt_ms):
    """By trying each interval that the limit and the distance allow."""
    for every in range(2000, max(rtt_ms, 20) - 1, -1):
        if rtt_ms / 2 + 0.95 * every <= p95_age_ms:
            return [every, round(2 * 60_000 / every)]
    return None


def mean(p95_age_ms, rtt_ms):
    interval_ms = 2 * (p95_age_ms - rtt_ms / 2)
    return None if interval_ms < rtt_ms else (interval_ms, 120_000 / interval_ms)


def forgets_the_distance(p95_age_ms, rtt_ms):
    return p95_age_ms / 0.95, 120_000 * 0.95 / p95_age_ms


def whole_way(p95_age_ms, rtt_ms):
    interval_ms = (p95_age_ms - rtt_ms) / 0.95
    return None if interval_ms < rtt_ms else (interval_ms, 120_000 / interval_ms)


def oldest(p95_age_ms, rtt_ms):
    interval_ms = p95_age_ms - rtt_ms / 2
    return None if interval_ms < rtt_ms else (interval_ms, 120_000 / interval_ms)


def as_fast_as_allowed(p95_age_ms, rtt_ms):
    return 20, 6000


def negative(p95_age_ms, rtt_ms):
    interval_ms = (p95_age_ms - rtt_ms / 2) / 0.95
    return interval_ms, 120_000 / interval_ms


def waits_for_nobody(p95_age_ms, rtt_ms):
    interval_ms = (p95_age_ms - rtt_ms / 2) / 0.95
    return None if interval_ms < 20 else (interval_ms, 120_000 / interval_ms)


def never_refused(p95_age_ms, rtt_ms):
    interval_ms = (p95_age_ms - rtt_ms / 2) / 0.95
    return None if interval_ms < rtt_ms else (interval_ms, 120_000 / interval_ms)


def counts_calls(p95_age_ms, rtt_ms):
    found = right(p95_age_ms, rtt_ms)
    return found and (found[0], found[1] / 2)


def weight_of_a_second(p95_age_ms, rtt_ms):
    found = right(p95_age_ms, rtt_ms)
    return found and (found[0], found[1] / 60)


def weight_from_nowhere(p95_age_ms, rtt_ms):
    found = right(p95_age_ms, rtt_ms)
    return found and (found[0], 1)


def seconds(p95_age_ms, rtt_ms):
    found = right(p95_age_ms, rtt_ms)
    return found and (found[0] / 1000, found[1])


def interval_alone(p95_age_ms, rtt_ms):
    return (p95_age_ms - rtt_ms / 2) / 0.95


def gives_up_early(p95_age_ms, rtt_ms):
    return right(p95_age_ms, rtt_ms) if rtt_ms < 50 else None


def hangs(p95_age_ms, rtt_ms):
    while p95_age_ms:
        pass


def blank(p95_age_ms, rtt_ms): ...


WRONG = {
    mean: "you were asked for 150: it is 0.95 of the interval plus half the round trip",
    forgets_the_distance: "you were asked for 150: it is 10 ms old already when it arrives",
    whole_way: "150 was enough: you pay 8% too much: the price was read half-way",
    oldest: "the oldest may be older, 5 % of the time",
    as_fast_as_allowed: "take the longest interval that keeps it",
    negative: "half the round trip is already 100 ms: no interval reaches 90",
    waits_for_nobody: "a poll waits for its reply: you wanted one every 158 ms, one came every 2",
    never_refused: "and meet a 429 after 47 s",
    counts_calls: "each of them costs weight 2",
    weight_of_a_second: "the limit counts minutes",
    weight_from_nowhere: "the interval is right, its weight is not",
    seconds: "answer in milliseconds",
    interval_alone: "a pair is wanted",
    gives_up_early: "a poll can keep that: one every 274 ms was below",
    hangs: "did not come back within",
}
