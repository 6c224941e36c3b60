"""Lesson 03: ``decide(book_id, U, u)``, the rule that keeps a book true.

A minute of a made-up market is played through the answer: ten changes a second, two of them lost.
A lost change must cost exactly one new snapshot; each snapshot falls into the middle of a change,
as real ones do. Whatever goes wrong is told with the ids of this minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from vocx.course.answer_runner import Trial, Wrong, short
from vocx.course.exercise import Check
from vocx.exchange import Exchange

SECONDS = 60
PER_SECOND = 10
LOST = (173, 431)
"""Changes that never arrive."""

WORDS = ("drop", "apply", "resync")

EDGES: tuple[tuple[int, int, int, tuple[str, ...], str], ...] = (
    (1003, 990, 1002, ("drop",), "everything in it is older than the book"),
    (1003, 990, 1003, ("drop", "apply"), "it ends where the book is"),
    (1003, 1000, 1010, ("apply",), "it overlaps the snapshot; quantities are absolute"),
    (1003, 1003, 1004, ("apply",), "it overlaps by one id"),
    (1003, 1004, 1004, ("apply",), "it follows"),
    (1003, 1004, 1060, ("apply",), "it follows, and covers many ids"),
    (1003, 1005, 1006, ("resync",), "id 1004 is missing"),
    (1003, 2000, 2009, ("resync",), "996 ids are missing"),
)
"""Book id, U, u, what is right, and why."""


class _Change(msgspec.Struct, frozen=True):
    number: int
    U: int
    u: int


def _minute() -> Iterator[_Change]:
    """600 changes of 3 to 12 ids each, the same every time."""
    at, size = 50_093_239_000, 7
    for number in range(SECONDS * PER_SECOND):
        size = (size * 5 + 3) % 10 + 3
        yield _Change(number, at + 1, at + size)
        at += size


class _Counts:
    """What happened, and the first mistake of each kind."""

    def __init__(self) -> None:
        self.resyncs = 0
        self.early = 0
        self.first: dict[str, tuple[int, _Change]] = {}
        self.applied_old = self.stood_still = 0

    def note(self, kind: str, book_id: int, change: _Change) -> None:
        self.first.setdefault(kind, (book_id, change))


def judge(decide: Trial, exchange: Exchange | None) -> str:
    """A minute with two cuts, then the edge cases."""
    counts = _play(decide)
    _complain(counts, decide.name)
    for book_id, first, last, right, why in EDGES:
        got = _word(decide, book_id, first, last)
        if got not in right:
            raise Wrong(
                why,
                given=f"{decide.name}({book_id}, {first}, {last})",
                seen=got,
                expected=" or ".join(right),
            )
    return f"600 changes, 2 lost, {counts.resyncs} resyncs, and {len(EDGES)} edge cases."


def _word(decide: Trial, book_id: int, first: int, last: int) -> str:
    got: Any = decide(book_id, first, last)
    word = got.strip().lower() if isinstance(got, str) else got
    if word not in WORDS:
        raise Wrong(
            "it must say one of three words",
            given=f"{decide.name}({book_id}, {first}, {last})",
            seen=short(got),
            expected='"drop", "apply" or "resync"',
        )
    return str(word)


def _play(decide: Trial) -> _Counts:
    """The minute. A snapshot takes the time of one change and lands in the middle of the next."""
    counts = _Counts()
    book_id: int | None = None
    waiting = 1
    for change in _minute():
        if change.number in LOST:
            continue
        if book_id is None:
            waiting -= 1
            if waiting > 0:
                continue
            # U <= id < u: the overlap that only the first change after a snapshot may have.
            book_id = change.U + (change.u - change.U) // 2
            old = _Change(change.number, change.U - 9, change.U - 1)
            if _word(decide, book_id, old.U, old.u) == "apply":
                counts.note("old", book_id, old)
        word = _word(decide, book_id, change.U, change.u)
        _score(counts, word, book_id, change)
        if word == "apply":
            book_id = change.u
        elif word == "resync":
            counts.resyncs += 1
            counts.early += change.number < 2 * PER_SECOND
            book_id, waiting = None, 1
    return counts


def _score(counts: _Counts, word: str, book_id: int, change: _Change) -> None:
    hole = change.U > book_id + 1
    if word == "resync" and not hole:
        counts.note("follows" if change.U == book_id + 1 else "overlap", book_id, change)
    elif word == "apply" and hole:
        counts.note("hole", book_id, change)
    elif word == "drop":
        counts.note("missed" if hole else "idle", book_id, change)
        counts.stood_still += 1


def _complain(counts: _Counts, name: str) -> None:
    """The mistakes of the minute, the most telling first."""
    texts = {
        "idle": (
            f"change {{U}} to {{u}} reaches beyond your book at {{id}} and you dropped it: "
            f"your book stood still for {counts.stood_still / PER_SECOND:g} of {SECONDS} s",
            "apply",
        ),
        "overlap": (
            f"{counts.early} resyncs in the first 2 s, {counts.resyncs} in the minute: the first "
            "change after a snapshot may overlap ({U} <= {id} < {u}); quantities are absolute",
            "apply",
        ),
        "follows": (
            f"{counts.resyncs} resyncs: change {{U}} follows {{id}} and you threw the book away; "
            "a gap begins at id + 2",
            "apply",
        ),
        "hole": (
            "after id {id} came {U}: {lost} ids were lost, and you went on. From here the book "
            "only gets worse",
            "resync",
        ),
        "missed": (
            "after id {id} came {U}: {lost} ids were lost. Dropping what follows hides the hole",
            "resync",
        ),
        "old": (
            "change {U} to {u} is older than your book at {id}; applying it writes old "
            "quantities over newer ones",
            "drop",
        ),
    }
    for kind, (text, right) in texts.items():
        if kind in counts.first:
            book_id, change = counts.first[kind]
            lost = change.U - book_id - 1
            raise Wrong(
                text.format(U=change.U, u=change.u, id=book_id, lost=lost),
                given=f"{name}({book_id}, {change.U}, {change.u})",
                seen={"idle": "drop", "missed": "drop", "hole": "apply", "old": "apply"}.get(
                    kind, "resync"
                ),
                expected=right,
            )


CHECK = Check(
    id="03.1",
    task='Write decide(book_id, U, u): "drop", "apply" or "resync" for one change.',
    hint=(
        "Old when u <= book_id; a hole when U > book_id + 1; everything else applies, "
        "also when it overlaps."
    ),
    judge=judge,
)
