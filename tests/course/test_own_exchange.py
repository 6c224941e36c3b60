"""What lesson 11 shows and tests: excerpts as installed, a rule, and a dial."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from answers import lesson11

import vocx
from vocx.course.order_examples import refusal
from vocx.course.own_exchange import (
    AGAIN_MS,
    DIAL_TESTS,
    RTT_MS,
    RULE_TESTS,
    delays_ms,
    excerpt,
    green,
    price_of_loss,
)
from vocx.lab.market import engine
from vocx.lab.market.book_side import BookSide
from vocx.lab.market.engine import Book
from vocx.lab.network import path

Printed = pytest.CaptureFixture[str]


def lossy(every: int) -> path.Path:
    """Each n-th packet is lost."""
    sent = count(1)
    return path.Path(lambda: float(next(sent) % every == 0))


def at_the_first(every: int) -> path.Path:
    """Begins to count at the wrong end."""
    sent = count()
    return path.Path(lambda: float(next(sent) % every == 0))


def half_as_late(every: int) -> path.Path:
    """An answer of 0.5 is half of the jitter."""
    sent = count(1)
    return path.Path(lambda: 0.5 * (next(sent) % every == 0))


ALL_SENT = count(1)


def counts_for_all(every: int) -> path.Path:
    """One counter for all connections."""
    return path.Path(lambda: float(next(ALL_SENT) % every == 0))


def drops(every: int) -> path.Path:
    """Loses the bytes for good, as no byte stream may."""

    class Dropping(path.Path):
        def push(self, data: bytes, now_s: float, hold_s: float = 0.0) -> None:
            if next(sent) % every:
                super().push(data, now_s, hold_s)

    sent = count(1)
    return Dropping(lambda: 0.0)


def only_a_number(every: int) -> float:
    return 1 / every


def blank(every: int) -> None: ...


@pytest.mark.parametrize(
    ("made", "red"),
    [
        (lossy, ""),
        (at_the_first, "✗ While none is lost, each message takes 40 ms."),
        (half_as_late, "✗ The 50th is lost"),
        (counts_for_all, "✗ Two paths"),
        (drops, "✗ TCP sends again"),
        (only_a_number, "a Path is wanted"),
    ],
)
def test_a_dial_is_told_what_is_red(
    made: Callable[[int], object], red: str, capsys: Printed
) -> None:
    """The right one is green throughout; each mistake has a test that sees it."""
    said = green(DIAL_TESTS, made)
    printed = capsys.readouterr().out
    assert red in printed and printed.count("✗") + int(said.split()[0]) == len(DIAL_TESTS)
    assert bool(red) == ("✗" in printed)


def test_who_is_behind_a_lost_packet_waits() -> None:
    """The lost one is late by the round trip and three messages, each behind it by 10 ms less."""
    found = delays_ms(lossy(50), 65)
    one_way_ms = RTT_MS // 2
    late = list(range(one_way_ms + AGAIN_MS, one_way_ms, -10))
    assert found == [one_way_ms] * 49 + late + [one_way_ms] * (16 - len(late))
    assert price_of_loss(lossy) == "Of 100 messages 2 were lost, and 12 came late."
    assert lossy(1).settings == path.CLEAR


def test_blanks_wait(capsys: Printed) -> None:
    """What the notebook ships with is neither red nor green."""
    assert green(RULE_TESTS, lesson11.blank) == "… blank is not written yet: its 10 tests wait"
    assert green(DIAL_TESTS, blank) == "… blank is not written yet: its 4 tests wait"
    assert price_of_loss(blank) == "… blank is not written yet"
    assert price_of_loss(only_a_number).startswith("✗ a Path is wanted")
    assert capsys.readouterr().out == ""


def test_rules_are_red_and_green(capsys: Printed) -> None:
    """The engine as it is keeps half of them; what a reader's code raises is a line, too."""
    assert green(RULE_TESTS, lesson11.right) == "10 of 10 tests green"
    assert green(RULE_TESTS, lesson11.plain) == "5 of 10 tests green"
    capsys.readouterr()
    assert green(RULE_TESTS, lesson11.raises).startswith("2 of 10")
    assert "AttributeError: 'RestingBook' object has no attribute" in capsys.readouterr().out


def test_a_rule_acts_in_a_whole_lab() -> None:
    """The end of the rule's section: an ordinary client's cancel is refused while the order is
    young, and is done in the lab of the plain engine."""
    for book, said in ((lesson11.right(3600 * 10**9), "-2011"), (Book, "it was not refused")):
        lab = vocx.lab.open(name="own rule", pace=0.0, book=book, replace=True)
        with lab, vocx.connect("binance", lab=lab) as exchange:
            order = exchange.place_order("BTC/USDT", "buy", "0.01", type="limit", price=50_000)
            assert said in refusal(exchange.cancel_order, order)


def test_excerpts_say_where_they_stand(capsys: Printed) -> None:
    """File and line, then the lines themselves, moved to the left."""
    excerpt(Book._match, "while keys", "level = ")
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith("# vocx/lab/market/engine.py, line ")
    installed = Path(engine.__file__).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "while keys and taker.remaining:"
    assert installed[int(head.split()[-1]) - 1].strip() == lines[0]
    assert lines[-1] == "    level = levels[price]"
    excerpt(BookSide.add)
    assert capsys.readouterr().out.splitlines()[1].startswith("def add(self, order: Order)")
