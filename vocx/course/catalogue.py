"""The lessons in order, the checks and the strategies, each at a place that never changes.

Places are what a resume code is made of: append, never reorder.
"""

from __future__ import annotations

import msgspec

from vocx.errors import BadInput
from vocx.text import suggest


class Lesson(msgspec.Struct, frozen=True):
    """One notebook. ``optional``: not counted, and not what comes next. ``exam``: it has the quiz
    and the tasks of the practical exam, and neither predictions nor solutions."""

    id: str
    file: str
    title: str
    minutes: int
    optional: bool = False
    exam: bool = False


LESSONS = (
    Lesson("00", "00_start_here", "What do REST and WebSocket feel like?", 20),
    Lesson("01", "01_rest", "What happens when you ask?", 35),
    Lesson("02", "02_websocket", "What happens when you listen?", 35),
    Lesson("02b", "02b_asyncio", "Why does the listing from the web fail here?", 25, optional=True),
    Lesson("03", "03_order_book", "Can you trust your copy of the book?", 40),
    Lesson("04", "04_orders", "What does the exchange accept from you?", 40),
    Lesson("05", "05_comparison", "How old is your price?", 40),
    Lesson("05b", "05b_cost_of_freshness", "What does fresh cost, and who pays for stale?", 35),
    Lesson("06", "06_hybrid", "How do production systems combine them?", 40),
    Lesson("07", "07_diagnosis", "The line is flat. What broke?", 35),
    Lesson("08", "08_unknown_orders", "Did my order arrive?", 35),
    Lesson("09", "09_many_exchanges", "Four venues, one program?", 40),
    Lesson("10", "10_choose", "Which protocol for which strategy?", 30),
    Lesson("11", "11_read_the_exchange", "What is on the other side?", 40, optional=True),
    Lesson("12", "12_exam", "Can you do it alone?", 90, exam=True),
)
"""A resume code has room for 15."""

EXAM = ("book", "name", "pace", "once", "age", "close", "sign", "quiet", "reconcile", "budget")
"""The tasks of the practical exam."""

CHECKS = (
    *("00.1", "01.1", "02.1", "02b.1", "03.1", "04.1", "05.1", "05b.1", "06.1", "07.1"),
    *("08.1", "09.1", "10.1", "11.1"),
    *(f"exam.{task}" for task in EXAM),
)
"""Places of the checks in a resume code (at most 24)."""

STRATEGIES = {
    "dca": "buy a fixed amount every Monday (DCA)",
    "rebalance": "rebalance a portfolio once a day",
    "grid": "run a grid of resting orders in a range",
    "news": "react to a headline",
    "scalp": "scalp moves of a few ticks",
    "arbitrage": "arbitrage the same coin on two exchanges",
    "maker": "quote both sides as a market maker",
}
"""The seven of lesson 00, chosen again in lesson 10."""

PROTOCOLS = {"rest": "ask (REST)", "ws": "listen (WebSocket)", "both": "both"}


def lesson(name: str) -> Lesson:
    """The lesson of an id such as ``"03"``, or of its file's name."""
    for one in LESSONS:
        if name in (one.id, one.file, f"{one.file}.ipynb"):
            return one
    ids = [one.id for one in LESSONS]
    raise BadInput(f"there is no lesson {name!r}; there are {', '.join(ids)}.{suggest(name, ids)}")


def lesson_of(check: str) -> Lesson:
    """Where a check (``"03.1"``) or a task of the exam (``"exam.book"``) stands."""
    first = check.partition(".")[0]
    return next(one for one in LESSONS if one.exam) if first == "exam" else lesson(first)


def counted() -> list[Lesson]:
    """The lessons that count: those that are not optional."""
    return [one for one in LESSONS if not one.optional]


def following(one: Lesson) -> Lesson | None:
    """The next lesson that counts; ``None`` after the last."""
    rest = LESSONS[LESSONS.index(one) + 1 :]
    return next((later for later in rest if not later.optional), None)
