"""Lesson 07: ``diagnose``."""


def right(evidence):
    if evidence.status in (418, 429):
        return "banned"
    if evidence.status is not None and evidence.status >= 500:
        return "maintenance"
    if evidence.close is not None:
        return "rule broken" if evidence.close == 1008 else "connection lost"
    if evidence.missing:
        return "lost message"
    if evidence.data_s < 1:
        return "slow reader" if (evidence.behind or 0) > 20 else "healthy"
    if evidence.pong_s > 2:
        return "dead line"
    return "silent feed" if evidence.behind else "healthy"


def by_behind(evidence):
    """Another order, other numbers."""
    behind = evidence.behind or 0
    if evidence.close == 1008:
        return "rule broken"
    if evidence.status and evidence.status != 200:
        return "maintenance" if evidence.status > 499 else "banned"
    if evidence.close:
        return "connection lost"
    if evidence.missing > 0:
        return "lost message"
    if behind > 60 and evidence.data_s < 0.5:
        return "slow reader"
    if evidence.data_s > 1.5 and evidence.pong_s > 1.5:
        return "dead line"
    return "silent feed" if behind and evidence.data_s > 2 else "healthy"


def healthy(evidence):
    return "healthy"


def a_pong_is_enough(evidence):
    said = right(evidence)
    return "healthy" if said == "silent feed" and evidence.pong_s < 1 else said


def no_data_is_dead(evidence):
    return "dead line" if evidence.data_s > 2.5 else right(evidence)


def ahead_is_silent(evidence):
    said = right(evidence)
    return "silent feed" if evidence.behind and said == "healthy" else said


def pong_before_data(evidence):
    said = right(evidence)
    return "dead line" if said == "slow reader" and evidence.pong_s > 2 else said


def slow_is_silent(evidence):
    said = right(evidence)
    return "silent feed" if said == "slow reader" else said


def fresh_is_healthy(evidence):
    said = right(evidence)
    return "healthy" if evidence.data_s < 1 and said == "slow reader" else said


def sequence_forgotten(evidence):
    said = right(evidence)
    return "healthy" if said == "lost message" else said


def closed_is_lost(evidence):
    return "connection lost" if evidence.close else right(evidence)


def rule_is_lost(evidence):
    return "connection lost" if evidence.close == 1008 else right(evidence)


def banned_is_maintenance(evidence):
    said = right(evidence)
    return "maintenance" if said == "banned" else said


def status_only_when_closed(evidence):
    said = right(evidence)
    return "healthy" if said == "banned" and evidence.close is None else said


def code_1001_is_maintenance(evidence):
    return "maintenance" if evidence.close == 1001 else right(evidence)


def no_answer_is_maintenance(evidence):
    return "maintenance" if evidence.status is None else right(evidence)


def rest_answers_so_the_line_is_good(evidence):
    said = right(evidence)
    return "silent feed" if said == "dead line" and evidence.status == 200 else said


def many_ahead(evidence):
    said = right(evidence)
    return "healthy" if said == "silent feed" and evidence.behind < 20 else said


def raises(evidence):
    return "slow reader" if evidence.behind > 20 else right(evidence)


def nothing_when_well(evidence):
    said = right(evidence)
    return None if said == "healthy" else said


def another_word(evidence):
    said = right(evidence)
    return "quiet" if said == "healthy" else said


def hangs(evidence):
    while evidence:
        pass


def blank(evidence): ...


WRONG = {
    healthy: "no false alarm, and 16 of 16 faults missed",
    a_pong_is_enough: "missed 2 of 2 of 'silent feed': pongs come, and prove only the socket",
    no_data_is_dead: "false alarms in 2 of 2 quiet markets",
    ahead_is_silent: "a few trades are on their way",
    pong_before_data: "Pongs are late because they wait in the same queue",
    slow_is_silent: "Reconnecting does not make you faster",
    fresh_is_healthy: "it is an old one",
    sequence_forgotten: "the sequence skipped",
    closed_is_lost: "you would reconnect and break it again",
    rule_is_lost: "you would reconnect and break it again",
    banned_is_maintenance: "is about you, not about the exchange",
    status_only_when_closed: "the stream goes on, but REST says 418",
    code_1001_is_maintenance: "REST answers, so the exchange is there",
    no_answer_is_maintenance: "there was no answer at all",
    rest_answers_so_the_line_is_good: "not only this feed is silent",
    many_ahead: "missed 1 of 2 of 'silent feed'",
    raises: "your function raised TypeError",
    nothing_when_well: "where nothing is wrong, say so",
    another_word: "say one of silent feed, dead line",
    hangs: "did not come back within",
}
