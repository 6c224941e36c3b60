"""What a venue sends can be anything: its adapter answers with facts, a typed error or a counted
unknown, quickly, and nothing absurd reaches a book, a budget or a text."""

from __future__ import annotations

import gc
import re
import tempfile
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from pathlib import Path
from time import thread_time_ns
from typing import Any

import pytest
from fake_venue import adapter, registered
from fake_venue.profile import PROFILES
from venues import program
from venues.decoders import DECODERS, Call, Observed, cases

import vocx.lab
from vocx import errors, venues
from vocx.book import LocalBook
from vocx.exchange import Exchange
from vocx.exchange.environment import LabEnvironment
from vocx.facts import BookDelta, BookSnapshot, Fact
from vocx.rate_limits import RateLimits
from vocx.venues.base import Ack, Answer, Limit, LoginResult, Usage, Venue
from vocx.venues.base.reading import SANE

NAMES = (*venues.names(), *PROFILES)
CPU_LIMIT_MS = 50
SIZES = (
    *("quantity", "bid_quantity", "ask_quantity", "volume", "quote_volume", "quote_quantity"),
    *("filled", "filled_quote", "locked"),
)
"""What there may be none of, and never less."""
NOW_NS = 1_795_334_400_000_000_000


@cache
def samples(name: str) -> list[Call]:
    """What reaches the decoders of a venue while the user program runs in a lab."""
    observed = Observed(adapter(name))
    with registered(), vocx.lab.open(seed=7, name=f"fuzz {name}", venues=[name]) as lab:
        ex = Exchange(observed, LabEnvironment(observed, lab, tls=False))  # type: ignore[arg-type]
        with ex:
            stream = program.listen(ex)
            program.ask(ex)
            program.trade(ex)
            for _ in zip(range(300), stream.facts(seconds=5), strict=False):
                pass
            stream.stop()
    return observed.calls


def read(venue: Venue, call: Call) -> Any:
    """What the decoder says, judged; a refusal is an answer."""
    arguments = call.arguments
    if call.decoder == "decode":  # each connection remembers what only it was told
        arguments = (*arguments[:3], venue.open_session(arguments[2]))
    try:
        found = getattr(venue, call.decoder)(*arguments)
    except errors.VocxError as error:
        found = error
    judge(venue, found)
    return found


def judge(venue: Venue, found: Any) -> None:
    """Whatever was decoded can be shown, counted and applied."""
    if isinstance(found, errors.VocxError):
        judge_error(found)
    elif isinstance(found, Fact):
        judge_fact(venue, found)
    elif isinstance(found, Ack | LoginResult):
        if found.error is not None:
            judge_error(found.error)
    elif isinstance(found, Answer):
        judge(venue, found.result)
    elif isinstance(found, Limit):
        assert 0 < found.amount < 2**63 and 0 < found.window_s < 1e9
        RateLimits([found]).wait_s({found.bucket: 1}, NOW_NS)
    elif isinstance(found, Usage):
        given = (found.used, found.left, found.amount, found.resets_ns)
        assert all(one is None or 0 <= one < 2**63 for one in given)
        limits = RateLimits(venue.limits)
        limits.correct([found], NOW_NS)
        assert limits.wait_s({found.bucket: 1}, NOW_NS) < 1e9 and limits.rows(NOW_NS)
    elif isinstance(found, list | tuple):
        for one in found:
            judge(venue, one)
    else:
        assert len(repr(found)) < 1_000_000


def judge_error(error: errors.VocxError) -> None:
    assert len(str(error)) < 2_000
    wait_s = getattr(error, "retry_after_s", None)
    assert wait_s is None or 0 <= wait_s < 1e9
    until_ns = getattr(error, "until_ns", None)
    assert until_ns is None or 0 <= until_ns < 2**63


def judge_fact(venue: Venue, fact: Fact) -> None:
    for number in numbers(fact.__getattribute__(name) for name in fact.__struct_fields__):
        if isinstance(number, Decimal):
            assert number.is_finite() and number.adjusted() in SANE, f"{number} in a fact"
        else:
            assert abs(number) < 2**63, f"{number} in a fact"
    _ = fact.time
    judge_signs(fact)
    if isinstance(fact, BookSnapshot | BookDelta):
        for price, quantity in (*fact.bids, *fact.asks):
            assert quantity >= 0 and (price > 0 or not price and not quantity), f"level of {price}"
        book = LocalBook(fact.symbol, venue.check_sequence)
        if isinstance(fact, BookDelta):
            book.feed(BookSnapshot(symbol=fact.symbol, bids=(), asks=(), sequence=fact.first))
        book.feed(fact)
        if book.in_sync:
            book.snapshot(20)


def judge_signs(fact: Fact) -> None:
    """What does not exist is ``None``: no price is zero, and no amount less than nothing."""
    for name in ("price", "bid", "ask", "last", "open", "high", "low", "close", "average_price"):
        price = getattr(fact, name, None)
        assert not isinstance(price, Decimal) or price > 0, f"{name} {price}"
    for name in SIZES:
        amount = getattr(fact, name, None)
        assert amount is None or amount >= 0, f"{name} {amount}"


def numbers(values: Iterable[Any]) -> Iterable[Decimal | int]:
    for value in values:
        if isinstance(value, Decimal | int):
            yield value
        elif isinstance(value, tuple):
            yield from numbers(value)


def fuzz(name: str, count: int, seed: int) -> None:
    venue, collected = adapter(name), samples(name)
    optional = {"refused_upgrade"}
    optional |= set() if venue.order_socket else {"parse_response"}
    missing = set(DECODERS) - {call.decoder for call in collected} - optional
    assert not missing, f"the program never reached {missing}"
    collected = [*collected, Call("refused_upgrade", (429, {"Retry-After": "1"}, b'{"code":1}'))]
    gc.disable()  # a collection falls on whoever runs when it is due
    try:
        for number, case in enumerate(cases(collected, count, seed)):
            try:
                spent_ms = cpu_ms(venue, case)
                if spent_ms > CPU_LIMIT_MS:  # again: the first may have met something rare
                    spent_ms = min(cpu_ms(venue, case) for _ in range(3))
                assert spent_ms <= CPU_LIMIT_MS, f"{spent_ms:.0f} ms of CPU"
            except Exception as error:
                kept = Path(tempfile.mkdtemp()) / "case.txt"
                kept.write_text("\n".join(repr(one) for one in case.arguments))
                shown = [repr(one)[:400] for one in case.arguments]
                pytest.fail(
                    f"{name} case {number} of seed {seed}, {case.decoder}: {error!r:.400}\n"
                    + "\n".join([*shown, f"whole in {kept}"])
                )
            if number % 500 == 0:
                gc.collect()
    finally:
        gc.enable()


def cpu_ms(venue: Venue, case: Call) -> float:
    begun_ns = thread_time_ns()
    read(venue, case)
    return (thread_time_ns() - begun_ns) / 1e6


@pytest.mark.parametrize("name", NAMES)
def test_decoders_survive_anything(name: str, pytestconfig: pytest.Config) -> None:
    """A typed error or a counted unknown for any bytes, within 50 ms of CPU."""
    fuzz(name, int(pytestconfig.getoption("cases") or 4_000), seed=1)


@pytest.mark.parametrize("name", NAMES)
def test_no_size_is_negative_and_no_price_zero(name: str) -> None:
    """Each number of each sample in turn made negative, and zero: refused, or a fact that says
    that there is none."""
    venue = adapter(name)
    for call in samples(name):
        for at, value in enumerate(call.arguments):
            for text in altered(value) if isinstance(value, bytes) else ():
                case = Call(call.decoder, (*call.arguments[:at], text, *call.arguments[at + 1 :]))
                try:
                    read(venue, case)
                except AssertionError as error:
                    pytest.fail(f"{name} {case.decoder}: {error} of {text[:400]!r}")


def altered(text: bytes) -> Iterable[bytes]:
    """The text with one of its first hundred numbers less than nothing, then nothing, also where it
    is a number of JSON and no text."""
    for found in list(re.finditer(rb"(?<![\w.:-])\d+(?:\.\d+)?(?![\w.:-])", text))[:100]:
        begin, end = found.span()
        yield text[:begin] + b"-" + text[begin:]
        yield text[:begin] + b"0" + text[end:]
        if text[begin - 1 : begin] == text[end : end + 1] == b'"':
            yield text[: begin - 1] + b"0" + text[end + 1 :]


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", NAMES)
def test_decoders_survive_a_hundred_thousand(name: str, pytestconfig: pytest.Config) -> None:
    """The same, for long: other bytes than those of every day."""
    fuzz(name, int(pytestconfig.getoption("cases") or 100_000), seed=2)
