"""Lesson 08: ``place_once(send, ask, wait, new_id)`` against a venue that loses things.

Time is virtual: ``wait`` moves it. Counted are orders at the venue and how often one was sent;
then what was reported is held against what became of it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from vocx.course.answer_runner import Trial, Wrong, short
from vocx.course.exercise import Check
from vocx.exchange import Exchange

WORDS = ("accepted", "refused", "not placed", "unknown")
LEAST_S = 5.0
"""How long a venue may take to carry out what it was sent (Binance's default window)."""
MOST_S, MOST_CALLS = 60.0, 60


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One mishap: whether an answer comes, when the order arrives, which questions are answered.

    ``arrives_s`` is ``None`` for an order that never does; ``deaf`` counts questions, from the
    first one on, that get no answer.
    """

    name: str
    right: str
    answer: str | None = None
    arrives_s: float | None = 0.0
    deaf: int = 0


CASES = (
    Case(name="all is well", right="accepted", answer="accepted"),
    Case(name="the venue refuses", right="refused", answer="refused", arrives_s=None),
    Case(name="executed, its answer lost", right="accepted"),
    Case(name="carried out 700 ms later, its answer lost", right="accepted", arrives_s=0.7),
    Case(name="carried out 4.2 s later, its answer lost", right="accepted", arrives_s=4.2),
    Case(name="lost on the way there", right="not placed", arrives_s=None),
    Case(name="executed, answer and first question lost", right="accepted", deaf=1),
    Case(name="no answer to anything", right="unknown", deaf=MOST_CALLS),
)


class PlayedVenue:
    """What the answer's four functions do."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.now_s = 0.0
        self.sent: list[tuple[float, Any]] = []
        self.ids: list[str] = []
        self.asked: list[tuple[float, Any]] = []

    def new_id(self) -> str:
        """A client order id."""
        self.ids.append(f"order-{len(self.ids) + 1}")
        return self.ids[-1]

    def send(self, name: Any = None) -> str:
        """Send the order once."""
        self._bounded(len(self.sent), "send")
        self.sent.append((self.now_s, name))
        if self.case.answer is None:
            self.now_s += 0.5
            raise TimeoutError("no answer")
        return self.case.answer

    def ask(self, name: Any) -> bool:
        """Is there an order of this id?"""
        self._bounded(len(self.asked), "ask")
        self.asked.append((self.now_s, name))
        if len(self.asked) <= self.case.deaf:
            self.now_s += 0.5
            raise TimeoutError("no answer")
        return name in {one for at_s, one in self.sent if self._arrived(at_s)}

    def wait(self, seconds: Any) -> None:
        """Let time pass."""
        if not isinstance(seconds, int | float) or seconds < 0:
            raise Wrong("wait(seconds) takes a number of seconds", seen=short(seconds))
        self.now_s += seconds
        if self.now_s > MOST_S:
            raise Wrong(
                f"after {MOST_S:g} s you had not reported anything", given=self.case.name,
                seen=self.seen, expected=repr(self.case.right),
            )  # fmt: skip

    def _arrived(self, at_s: float) -> bool:
        delay_s = self.case.arrives_s
        return delay_s is not None and self.now_s >= at_s + delay_s

    def _bounded(self, count: int, what: str) -> None:
        if count >= MOST_CALLS:
            raise Wrong(
                f"you called {what} {MOST_CALLS} times: a question costs weight, and without an "
                "end it is a hot loop", given=self.case.name, seen=self.seen,
            )  # fmt: skip

    @property
    def orders(self) -> int:
        """How many there will be at the venue."""
        if self.case.arrives_s is None:
            return 0
        return len({one if one is not None else number
                    for number, (_, one) in enumerate(self.sent)})  # fmt: skip

    @property
    def seen(self) -> str:
        """What was done, in short."""
        when = ", ".join(f"{at_s:.1f}" for at_s, _ in self.asked[:8])
        return f"{len(self.sent)} sent, asked at {when or 'no time'} s"


def judge(place_once: Trial, exchange: Exchange | None) -> str:
    """Each mishap on a venue of its own."""
    for case in CASES:
        venue = PlayedVenue(case)
        try:
            got = place_once(venue.send, venue.ask, venue.wait, venue.new_id)
        except Wrong as wrong:
            if isinstance(wrong.__cause__, Wrong):
                raise wrong.__cause__ from None
            wrong.given = case.name
            raise
        _sent_once(venue)
        _asked_well(venue)
        _reported(venue, got)
    return f"{len(CASES)} mishaps, one order each at most, and no report that was not true."


def _wrong(venue: PlayedVenue, why: str, got: Any = None) -> Wrong:
    seen = venue.seen if got is None else f"{got!r}; {venue.seen}"
    return Wrong(why, given=venue.case.name, seen=seen, expected=repr(venue.case.right))


def _sent_once(venue: PlayedVenue) -> None:
    if not venue.sent:
        raise _wrong(venue, "the order was never sent")
    if venue.orders > 1:
        amount = f"{0.01 * venue.orders:.2f} BTC"
        raise _wrong(
            venue,
            f"{venue.orders} orders, {amount}: the first had arrived, only its answer was lost",
        )
    if len(venue.sent) > 1:
        raise _wrong(
            venue,
            f"the order went over the wire {len(venue.sent)} times: a venue that has closed the "
            "first one takes the second, same id or not",
        )
    if venue.sent[0][1] not in venue.ids:
        raise _wrong(venue, "it was sent without an id of yours: nobody can ask for it afterwards")


def _asked_well(venue: PlayedVenue) -> None:
    strange = [name for _, name in venue.asked if name != venue.sent[0][1]]
    if strange:
        raise _wrong(venue, f"you asked for {strange[0]!r}, and sent {venue.sent[0][1]!r}")
    times = [at_s for at_s, _ in venue.asked]
    if len(times) > 2 and times[0] == times[-1] and not venue.case.deaf:
        raise _wrong(
            venue, f"{len(times)} questions in the same moment are one question: wait in between"
        )


def _reported(venue: PlayedVenue, got: Any) -> None:
    case = venue.case
    if got == case.right and not (got == "not placed" and _too_soon(venue)):
        return
    if got not in WORDS:
        raise _wrong(venue, f"report one of {', '.join(WORDS)}", got)
    if got == "not placed":
        if case.arrives_s is None:
            why = (
                "it was true this time, and you could not know it yet: an order may be carried "
                f"out up to {LEAST_S:g} s after it was sent"
            )
        elif not venue.asked:
            why = "a time-out is not a no: the order was there, and nobody had asked"
        elif case.deaf:
            why = "a question without an answer is not a no either"
        else:
            why = (
                f"you reported not placed; the order appeared {case.arrives_s * 1000:.0f} ms "
                "after it was sent. Ask again: 0.2, 0.5, 1, 2, 4, 8 s"
            )
    elif got == "unknown":
        why = "it could be found out: by asking, for long enough"
    elif got == "refused":
        why = "nobody refused it: a time-out is not a no"
    else:
        why = "nobody had said so"
    raise _wrong(venue, why, got)


def _too_soon(venue: PlayedVenue) -> bool:
    return not venue.asked or venue.asked[-1][0] < LEAST_S


CHECK = Check(
    id="08.1",
    task="Write place_once(send, ask, wait, new_id): what became of the order, in a word.",
    hint=(
        "name = new_id(); try send(name), once. On TimeoutError: for each of 0.2, 0.5, 1, 2, "
        "4, 8 wait so long, then ask(name) in a try of its own. True: accepted. At the end: "
        "not placed if the last question was answered with False, else unknown."
    ),
    judge=judge,
)
