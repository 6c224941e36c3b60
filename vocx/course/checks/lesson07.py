"""Lesson 07: ``diagnose(evidence)``, asked twice a second through sixteen faults and two quiet
spells.

All of it is played, from a seed. Judged is what was said while nothing was wrong, and what was
said from three seconds after a fault on: until then it may still look like something else.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import msgspec

from vocx.course.answer_runner import Trial, Wrong, short
from vocx.course.diagnosis import WORDS, Evidence
from vocx.course.exercise import Check
from vocx.exchange import Exchange

EVERY_S = 0.5
HEALTHY_S, WITHIN_S, BROKEN_S = 3.0, 3.0, 6.0
QUIET_S = 13.0
SEED = 7


class Look(msgspec.Struct, frozen=True):
    """One moment of one case: what is known, and what is true by then (``None``: it may be said
    either way)."""

    case: int
    at_s: float
    evidence: Evidence
    right: str | None

    @property
    def shown(self) -> str:
        return str(self.evidence)


def looks() -> Iterator[Look]:
    """Each fault twice, the second time in another dress, and two quiet spells."""
    rng = random.Random(SEED)
    cases = [(word, second) for word in WORDS for second in (False, True)]
    rng.shuffle(cases)
    for number, (word, second) in enumerate(cases):
        at_s = 0.0
        while at_s < HEALTHY_S:
            yield Look(number, at_s, _healthy(rng), "healthy")
            at_s += EVERY_S
        longest_s = QUIET_S if word == "healthy" else BROKEN_S
        while (gone_s := at_s - HEALTHY_S) <= longest_s:
            known = word == "healthy" or gone_s >= WITHIN_S
            yield Look(number, at_s, _BROKEN[word](rng, gone_s, second), word if known else None)
            at_s += EVERY_S


def _healthy(rng: random.Random, **other: Any) -> Evidence:
    usual: dict[str, Any] = {
        "data_s": rng.uniform(0.0, 0.4),
        "pong_s": rng.uniform(0.0, 0.35),
        "behind": rng.choice((0, 0, 0, 1, 3, 6)),
    }
    return Evidence(**{**usual, **other})


def _quiet(rng: random.Random, gone_s: float, second: bool) -> Evidence:
    over = second and gone_s > 9
    return _healthy(rng) if over else _healthy(rng, data_s=gone_s + 0.2, behind=0)


def _silent(rng: random.Random, gone_s: float, second: bool) -> Evidence:
    behind = int(gone_s / 2.5) if second else int(gone_s * rng.uniform(20, 35))
    return _healthy(rng, data_s=gone_s + 0.2, behind=behind)


def _dead(rng: random.Random, gone_s: float, second: bool) -> Evidence:
    rest = {"status": 200, "behind": int(25 * gone_s)} if second else {
        "status": None, "behind": None}  # fmt: skip
    return _healthy(rng, data_s=gone_s + 0.2, pong_s=gone_s + 0.3, **rest)


def _lost_message(rng: random.Random, gone_s: float, second: bool) -> Evidence:
    return _healthy(rng, missing=12 if second else 1)


def _slow(rng: random.Random, gone_s: float, second: bool) -> Evidence:
    late_s = 0.3 if second else 0.8 * gone_s
    return _healthy(
        rng, data_s=rng.uniform(0.0, 0.1), pong_s=late_s, behind=int(gone_s * rng.uniform(25, 30))
    )


def _over(gone_s: float, rng: random.Random, **other: Any) -> Evidence:
    usual = {"data_s": gone_s + 0.1, "pong_s": gone_s + 0.2, "behind": int(25 * gone_s)}
    return _healthy(rng, **{**usual, **other})


def _lost(rng: random.Random, gone_s: float, second: bool) -> Evidence:
    return _over(gone_s, rng, close=1001 if second else 1006)


def _rule(rng: random.Random, gone_s: float, second: bool) -> Evidence:
    return _over(gone_s, rng, close=1008)


def _maintenance(rng: random.Random, gone_s: float, second: bool) -> Evidence:
    how = {"close": 1006, "status": 502} if second else {"close": 1001, "status": 503}
    return _over(gone_s, rng, behind=None, **how)


def _banned(rng: random.Random, gone_s: float, second: bool) -> Evidence:
    if second:  # REST refuses while the stream goes on
        return _healthy(rng, status=418, behind=None)
    return _over(gone_s, rng, behind=None, close=1006, status=429)


_BROKEN = {
    "healthy": _quiet,
    "silent feed": _silent,
    "dead line": _dead,
    "lost message": _lost_message,
    "slow reader": _slow,
    "connection lost": _lost,
    "rule broken": _rule,
    "maintenance": _maintenance,
    "banned": _banned,
}

_INSTEAD: dict[tuple[str, str], str] = {
    ("silent feed", "healthy"): "pongs come, and prove only the socket. REST shows trades that "
    "you do not have: {e.behind}",
    ("silent feed", "dead line"): "a pong came {e.pong_s:.1f} s ago: the line is not dead, it is "
    "the feed that says nothing",
    ("dead line", "healthy"): "no data and no pong for {e.pong_s:.1f} s: nobody hung up, and "
    "nobody is there",
    ("dead line", "silent feed"): "no pong for {e.pong_s:.1f} s: not only this feed is silent",
    ("dead line", "maintenance"): "nobody said that; there was no answer at all",
    ("lost message", "healthy"): "data flow and look fresh, but the sequence skipped {e.missing}: "
    "what you build from them is wrong",
    ("slow reader", "dead line"): "a message was read {e.data_s:.1f} s ago. Pongs are late because "
    "they wait in the same queue, behind {e.behind} messages",
    ("slow reader", "silent feed"): "a message was read {e.data_s:.1f} s ago: the feed speaks, and "
    "you are {e.behind} behind. Reconnecting does not make you faster",
    ("slow reader", "healthy"): "a message was read just now, but it is an old one: REST is "
    "{e.behind} trades ahead",
    ("rule broken", "connection lost"): "1008 says that you broke a rule; you would reconnect "
    "and break it again",
    ("maintenance", "connection lost"): "REST says {e.status}: the exchange is not there, and "
    "no place to send orders to",
    ("banned", "connection lost"): "HTTP {e.status}: you asked too much, and each further question "
    "makes it longer",
    ("banned", "maintenance"): "HTTP {e.status} is about you, not about the exchange",
    ("banned", "healthy"): "the stream goes on, but REST says {e.status}: each further question "
    "makes it longer",
    ("connection lost", "maintenance"): "REST answers, so the exchange is there: reconnect",
    ("connection lost", "dead line"): "the connection was closed with {e.close}. A dead line says "
    "nothing",
}


def judge(diagnose: Trial, exchange: Exchange | None) -> str:
    """All cases first, then what was wrong: false alarms, then each fault in turn."""
    played = [(look, _word(diagnose, look)) for look in looks()]
    faults = {(one.case, one.right) for one, _ in played if one.right not in (None, "healthy")}
    if all(got == "healthy" for _, got in played):
        missed = next(one for one, _ in played if one.right == "silent feed")
        why = f"no false alarm, and {len(faults)} of {len(faults)} faults missed"
        raise _wrong(missed, "healthy", why)
    _no_alarms(played)
    for word in WORDS:
        wrong = [(one, got) for one, got in played if one.right == word and got != word]
        if not wrong:
            continue
        look, got = wrong[-1]
        count = len({one.case for one, _ in wrong})
        why = _INSTEAD.get((word, got), f"it was not {got!r}").format(e=look.evidence)
        raise _wrong(look, got, f"missed {count} of 2 of {word!r}: {why}")
    return (
        f"{len(faults)} faults of {len(WORDS) - 1} kinds named within {WITHIN_S:g} s, and no false "
        f"alarm, {QUIET_S:g} s of a quiet market included."
    )


def _wrong(look: Look, got: str, why: str) -> Wrong:
    return Wrong(why, given=look.shown, seen=repr(got), expected=repr(look.right))


def _word(diagnose: Trial, look: Look) -> str:
    got = diagnose(look.evidence)
    if got is None or got is Ellipsis:
        return str(got)
    if not isinstance(got, str) or got not in WORDS:
        raise Wrong(
            f"say one of {', '.join(WORDS)}", given=look.shown, seen=short(got),
            expected=repr(look.right or "one of them"),
        )  # fmt: skip
    return got


def _no_alarms(played: list[tuple[Look, str]]) -> None:
    alarms = [(one, got) for one, got in played if one.right == "healthy" and got != "healthy"]
    if not alarms:
        return
    if all(got == "None" for _, got in alarms):
        why = "where nothing is wrong, say so"
        raise Wrong(why, given=alarms[0][0].shown, seen="None", expected="'healthy'")
    quiet = [one for one in alarms if one[0].evidence.data_s > 1]
    if quiet:
        count = sum(1 for _ in groupby(quiet, key=lambda one: one[0].case))
        why = (
            f"false alarms in {count} of 2 quiet markets: nothing came for "
            f"{quiet[-1][0].evidence.data_s:.1f} s, and nothing happened either. Ask REST before "
            "you reconnect"
        )
        look, got = quiet[-1]
    else:
        look, got = alarms[-1]
        why = f"{len(alarms)} false alarms on a healthy feed"
        if look.evidence.behind:
            why += ": REST is read at another moment, and a few trades are on their way"
    raise _wrong(look, got, why)


CHECK = Check(
    id="07.1",
    task="Write diagnose(evidence): one of the nine words.",
    hint=(
        "What is certain first: status (418, 429: banned; 500 and above: maintenance), then "
        "close (1008: rule broken; any other: connection lost), then missing. Then data_s < 1: "
        "slow reader if behind is above 20, else healthy. Then pong_s > 2: dead line. Last: "
        "behind, silent feed; nothing behind, healthy."
    ),
    judge=judge,
)
