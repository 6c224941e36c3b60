"""Lesson 01: ``polite``."""

USED = "X-MBX-USED-WEIGHT-1M"


def right(calls, time):
    used = 0
    for call in calls:
        if used + call.weight > 6000:
            time.sleep(60 - time.time() % 60)
            used = 0
        used = int(call().headers[USED])


def careful(calls, time):
    """At 80 % of the limit, and a second later than it must."""
    used = 0
    for call in sorted(calls, key=lambda one: one.weight):
        if used + call.weight > 4800:
            time.sleep(61 - time.time() % 60)
            used = 0
        used = int(call().headers[USED])


def twelve_hundred_a_minute(calls, time):
    for call in calls:
        call()
        time.sleep(60 / 1200)


def dearest_pause(calls, time):
    for call in calls:
        call()
        time.sleep(2.5)


def full_window_after_429(calls, time):
    for call in calls:
        if call().status_code == 429:
            time.sleep(60)
            call()


def reads_the_header_then_a_full_window(calls, time):
    for call in calls:
        if int(call().headers[USED]) > 5700:
            time.sleep(60)


def retry_after(calls, time):
    for call in calls:
        reply = call()
        if reply.status_code == 429:
            time.sleep(int(reply.headers["Retry-After"]))
            call()


def own_count(calls, time):
    used = 0
    for call in calls:
        if used + call.weight > 6000:
            time.sleep(60 - time.time() % 60)
            used = 0
        used += call.weight
        call()


def rude(calls, time):
    for call in calls:
        call()


def once_is_enough(calls, time):
    calls[0]()


def nothing(calls, time):
    return []


def forgets_the_limit(calls, time):
    return [call().headers["Used-Weight"] for call in calls]


def paced_by_weight(calls, time):
    """Never refused: 6,000 a minute are 100 a second. But the minute has a budget, not a rate."""
    for call in calls:
        call()
        time.sleep(call.weight / 100)


def waits_first(calls, time):
    time.sleep(60 - time.time() % 60)
    for call in calls:
        call()


def stops_at_the_limit(calls, time):
    for call in calls:
        if int(call().headers[USED]) > 5700:
            break


def skips_the_dear(calls, time):
    for call in calls:
        if call.weight < 250:
            call()


def again_until_it_works(calls, time):
    for call in calls:
        while call().status_code != 200:
            time.sleep(1)


def blank(calls, time):
    """Make every call."""
    ...


WRONG = {
    twelve_hundred_a_minute: "costs 250. A fixed pause counts calls, the venue counts weight",
    dearest_pause: "the venue counts weight, not calls",
    full_window_after_429: "you waited 60 s, but the window ended",
    reads_the_header_then_a_full_window: "windows start at second 00, not at your first call",
    retry_after: "you waited only after it",
    own_count: "Another program shares your address",
    rude: "A 429 is the warning, 418 the ban",
    once_is_enough: "1 of 60 calls were made",
    paced_by_weight: "Wait only when the next call does not fit",
    waits_first: "and you went on. A 429 is the warning",
    stops_at_the_limit: "of 60 calls were made",
    skips_the_dear: "of 60 calls were made",
    again_until_it_works: "and you went on. A 429 is the warning, 418 the ban",
    nothing: "no call was made",
    forgets_the_limit: "KeyError",
}
