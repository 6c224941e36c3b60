"""Feeds side by side in a real lab, perfect feeds over recorded prices, and who pays."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

import vocx
from vocx import measure, venues
from vocx.errors import BadInput
from vocx.measure import Poll, Push
from vocx.measure.feeds import at_venue
from vocx.measure.simulation import REFERENCE
from vocx.measure.steps import ages, steps_of
from vocx.timing import mono_ns, wall_ns

TIMERS_MS = 5.0
"""What a busy machine's timers and the lab's turns may add to half a call."""
TRIES = 3
"""What a machine with other work spoils comes out at one of them."""
FEEDS = [Push("quotes"), Push("book"), Poll(100.0), Poll(500.0)]


@pytest.fixture(scope="module")
def exchange() -> Iterator[vocx.Exchange]:
    with vocx.lab.open(seed=7, name="freshness") as lab:
        with vocx.connect("binance", lab=lab) as made:
            yield made


@pytest.fixture(scope="module")
def far(exchange) -> measure.Freshness:
    with exchange.lab.network.latency(rtt_ms=80):
        for _ in range(TRIES):
            found = measure.freshness(exchange, FEEDS, seconds=4)
            if found.call_ms < 100 and all(fits(one, TIMERS_MS) for one in found.feeds):
                break
    return found


def fits(one: Any, slack_ms: float) -> bool:
    """Whether the age of a feed is what arithmetic says."""
    return bool(one.age.mean.holds(one.expected_age_ms, slack=slack_ms))


@pytest.mark.parametrize(("name", "expected"), [("binance", None), ("okx", 100.0)])
def test_a_stream_has_the_cadence_of_its_venue(name: str, expected: float | None) -> None:
    """A ticker comes each second at Binance and each 100 ms at OKX; what is usual is not said."""
    at = at_venue(venues.get(name), "BTC/USDT", Push("ticker"))
    assert at == Push("ticker", expected) and at.cadence_ms == (expected or 1000.0)
    assert at_venue(venues.get(name), "BTC/USDT", Poll(50.0)) == Poll(50.0)


def test_ages_are_those_of_arithmetic(far) -> None:
    """Half a call and half a cadence, within the interval and what timers add."""
    assert 80 <= far.call_ms < 100
    for one in far.feeds:
        assert fits(one, TIMERS_MS), far.table()


def test_the_three_words_are_kept_apart(far) -> None:
    """A poll pays the whole trip and shows what is half of it old; a stream has no call time."""
    poll, push = far.find(Poll(500.0)), far.find(Push("quotes"))
    assert poll.call_ms.value >= 80 and push.call_ms is None
    assert 40 <= push.age.p50.value < 60
    assert poll.age.mean.value > push.age.mean.value + 200


def test_a_slow_stream_is_a_poll(far) -> None:
    """At the same cadence they are equally old and equally wrong, give or take timers."""
    poll, push = far.find(Poll(100.0)), far.find(Push("book"))
    assert push.age.mean.holds(poll.age.mean.value, slack=2 * TIMERS_MS), far.table()


def test_updates_missed_and_weight_spent_are_counted(far) -> None:
    """Two polls a second show a small part of a hundred updates; a stream shows them all."""
    assert far.updates > 100 and far.find(Poll(500.0)).missed > 0.9
    assert far.find(Push("quotes")).missed < 0.05
    assert far.find(Poll(500.0)).weight_per_minute == pytest.approx(240, rel=0.15)
    assert far.find(Push("quotes")).weight_per_minute == 0


def test_a_read_is_half_way_of_its_call(exchange) -> None:
    """The middle of a call lies between the book's id in the reply and the next one, by the
    exchange's own log: what a poll's age is counted from."""
    exchange.order_book("BTC/USDT", depth=5)
    with exchange.lab.network.latency(rtt_ms=80):
        mark = exchange.lab.truth.events(None).next
        books = [exchange.order_book("BTC/USDT", depth=5) for _ in range(6)]
        events = exchange.lab.truth.events(mark, symbol="BTC/USDT", kind="level")
    shift = mono_ns() - wall_ns()
    born = {event.id: event.mono_ns for event in events}
    inside = []
    for book in books:
        call = book.http
        middle = (call.sent_ns + call.received_ns) // 2 + shift
        if book.sequence in born and book.sequence + 1 in born:
            inside.append(born[book.sequence] - 4e6 < middle < born[book.sequence + 1] + 4e6)
    assert inside and sum(inside) > len(inside) / 2, "a stalled machine may delay one, not most"


def test_a_result_is_saved_and_opened_again(far, tmp_path) -> None:
    """Everything is in the file; nothing is overwritten unasked; rubbish is refused."""
    path = far.save(tmp_path / "far")
    assert measure.load(path) == far and path.suffix == ".json"
    with pytest.raises(BadInput, match="overwrite=True"):
        far.save(path)
    path.write_text('{"result":"Nothing"}')
    with pytest.raises(BadInput, match="no saved result"):
        measure.load(path)
    with pytest.raises(BadInput, match="cannot be read"):
        measure.load(tmp_path / "absent.json")


def test_a_result_says_under_which_conditions(far) -> None:
    """From where to where, whose clock, dials, seed; rows as a frame with intervals."""
    stated = far.conditions
    assert stated.seed == 7 and stated.rtt_ms == 80 and "kernel" in stated.path
    assert "latency 80 ms" in str(far) and "clock" in str(far)
    table = far.frame()
    assert len(table) == len(FEEDS) and {"age_mean_ms_low", "wrong_share_high"} <= set(table)


def test_a_table_can_be_pasted_as_markdown(far) -> None:
    """The same heads and cells as the text, in Markdown's columns."""
    heads, rule, *lines = far.markdown().splitlines()
    assert heads.count("|") == rule.count("|") and "| mean age |" in heads
    assert [line.split(" | ")[0] for line in lines] == [f"| {one.feed.name}" for one in far.feeds]
    for line in lines:
        assert all(cell in far.table() for cell in line.strip("| ").split(" | "))


def test_prices_are_drawn_above_the_true_ones(far) -> None:
    """Two measurements above each other share one axis of time, each with the true price, both
    feeds and the replies; a stream alone is no comparison."""
    made = measure.prices(far, far)
    assert len(made.data) == 8 and {trace.yaxis for trace in made.data} >= {"y2"}
    assert sum("latency 80 ms" in one.text for one in made.layout.annotations) == 2
    with pytest.raises(BadInput, match="needs a poll and a stream"):
        measure.prices(msgspec.structs.replace(far, feeds=far.feeds[:1]))


def test_what_freshness_costs_is_a_line_and_points(exchange, far) -> None:
    """Near by, polls above the limit are marked; a stream that sends every change costs more bytes
    and is fresher than any poll."""
    near = msgspec.structs.replace(far, call_ms=1.0)
    cost = measure.traffic(
        exchange, polls=["quote"], streams=["quotes", "top"], tls=[False], seconds=2
    )
    made = {trace.name: trace for trace in measure.frontier(near, cost).data}
    line, pushed = made["polling one symbol, by arithmetic"], made[Push("quotes").name]
    assert "above the weight limit: 429" in made and len(made["polls, measured"].x) == 2
    assert pushed.x[0] > made["polls, measured"].x.max() / 2
    assert all(after < before for before, after in pairwise(line.y[::-1]))


def test_nothing_is_left_running(exchange, far) -> None:
    """No thread, stream or dial of the measurement."""
    assert not vocx.running() and "no dial" in str(exchange.lab.network)
    assert not [one for one in threading.enumerate() if "every" in one.name]


@pytest.mark.parametrize(
    ("feeds", "seconds", "why"),
    [
        ([], 5, "at least one"),
        ([Poll(1000.0), Poll(1000.0)], 5, "each feed once"),
        ([Poll(5000.0)], 4, "write a number from 10 to"),
        ([Poll(100.0)], "4", "write a number"),
    ],
)
def test_what_cannot_be_measured_is_refused(exchange, feeds, seconds, why) -> None:
    """In words that say what to write."""
    with pytest.raises(BadInput, match=why):
        measure.freshness(exchange, feeds, seconds=seconds)


def test_feeds_are_checked_where_they_are_written() -> None:
    """Before anything runs."""
    with pytest.raises(BadInput, match="every_ms is 0"):
        Poll(0)
    with pytest.raises(BadInput, match="one of quotes, book, ticker"):
        Push("trades")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="only a lab knows"):
        measure.freshness(vocx.connect("binance", "real"), [Poll()])


def test_a_sweep_turns_the_dial_and_puts_it_back(exchange) -> None:
    """One result per distance, in the order asked for; the nearer is the fresher."""
    began: list[float] = []
    swept = measure.sweep(
        exchange, [0, 60], [Push("quotes"), Poll(100.0)], seconds=2, progress=began.append
    )
    assert began == [0, 60] and [one.conditions.rtt_ms for one in swept.results] == began
    near, away = (swept.at(rtt).find(Push("quotes")).age.mean.value for rtt in (0, 60))
    assert away - near == pytest.approx(30, abs=2 * TIMERS_MS)
    assert "no dial" in str(exchange.lab.network) and "60 ms away" in str(swept)
    assert len(swept.figure().data) >= 6
    with pytest.raises(BadInput, match="was not measured"):
        swept.at(20)


def test_perfect_feeds_over_the_last_minute(exchange, far) -> None:
    """The truth log is a market for arithmetic: staler is wronger."""
    found = measure.simulate(
        measure.truth_of(exchange.lab, seconds=20), [Push(), Poll(500.0)], [80]
    )
    push, poll = (found.find(feed, 80).wrong.value for feed in (Push(), Poll(500.0)))
    assert 0 < push < poll < 1
    assert found.find(Poll(500.0), 80).age.value == pytest.approx(290, abs=2)


def test_who_pays_by_hand() -> None:
    """The ask rises by 10 ticks half-way: a screen that is older than that fills nothing, pays
    10 more at the market and loses on its quote; a fresh one does none of that."""
    second = 1_000_000_000
    true = steps_of([(0, 100, 101), (55 * second, 110, 111), (100 * second, 110, 111)], 1)
    fresh, stale = measure.adverse_selection(
        true, [Push(), Poll(20_000.0)], rtt_ms=0, orders=4000
    ).costs
    assert fresh.feed == Push()
    assert fresh.filled.value == 1 and fresh.left.value == 0 and fresh.slippage_sd_bp == 0
    late = 1 - stale.filled.value
    assert 0.1 < late < 0.25 and stale.left.value == pytest.approx(late)
    assert stale.slippage_bp.value == pytest.approx(late * 10 / 110.5 * 1e4, rel=0.01)
    assert stale.lost_bp.value == pytest.approx(9.5 / 110.5 * 1e4, rel=0.01)


def test_the_recorded_session_gives_the_reference_values(recorded: Path) -> None:
    """Mean age and wrong share of six feeds at four distances, over 650 s of the real market."""
    folder = recorded / "binance" / "hftbacktest"
    true = measure.truth_in(sorted(folder.glob("btcusdt_2024080*.gz")))
    found = measure.simulate(true, phases=2)
    wrong = {
        Push("quotes"): (0, 2.6, 6.3, 11.6),
        Push("book"): (6.9, 7.9, 10.6, 15.2),
        Push("ticker"): (30, 31, 32, 35),
        Poll(250.0): (13, 14, 16, 20),
        Poll(1000.0): (31, 31, 32, 36),
        Poll(5000.0): (69, 66, 67, 71),
    }
    assert tuple(wrong) == REFERENCE
    for feed, shares in wrong.items():
        for rtt, share in zip((0, 20, 80, 200), shares, strict=True):
            row = found.find(feed, rtt)
            assert row.wrong.value * 100 == pytest.approx(share, abs=0.2 + 0.07 * share)
            assert row.age.value == pytest.approx(feed.expected_age_ms(rtt), rel=0.01, abs=0.1)
    paid = measure.adverse_selection(true, rtt_ms=80, orders=8000)
    fills = [one.filled.value * 100 for one in paid.costs]
    assert fills == pytest.approx([95, 91, 82, 70], abs=2)
    assert [one.slippage_sd_bp for one in paid.costs] == pytest.approx(
        [0.3, 0.5, 0.9, 1.9], rel=0.2
    )


def test_the_time_that_is_measured_ends_before_its_truth_is_fetched(exchange, monkeypatch) -> None:
    """What is watched while the log travels has no truth: a slow answer must not be counted."""
    asked: list[int] = []
    truth = type(exchange.lab.truth)
    events = truth.events

    def slow(self, *arguments, **options):
        asked.append(mono_ns())
        found = events(self, *arguments, **options)
        threading.Event().wait(0.5)
        return found

    monkeypatch.setattr(truth, "events", slow)
    found = measure.freshness(exchange, [Push("quotes"), Poll(50.0)], seconds=1, changes=0)
    assert found.until_ns <= asked[-1] and found.seconds == pytest.approx(1, abs=0.01)
    assert found.find(Push("quotes")).wrong.value < 0.1, found.table()


@pytest.mark.parametrize(("changes", "seconds"), [(0, 1), (1_000_000, 2)])
def test_a_market_that_stands_still_is_watched_longer_and_said(exchange, changes, seconds) -> None:
    """Up to twice as long for so many price changes; wrong shares of fewer are not trusted."""
    found = measure.freshness(exchange, [Poll(100.0)], seconds=1, changes=changes)
    assert found.seconds == found.conditions.seconds == pytest.approx(seconds, abs=0.001)
    for text in (str(found), found.brief()):
        assert ("stood still" in text and "run it again" in text) == (seconds == 2)


def test_limits_are_put_aside_and_put_back(exchange) -> None:
    """A wait for the limits would be taken for an age."""
    limits = exchange.lab.limits
    limits(weight=20)
    try:
        found = measure.freshness(exchange, [Poll(50.0)], seconds=2).find(Poll(50.0))
        assert found.errors == 0 and found.messages > 30 and found.age.mean.value < 60
        assert not limits.state["off"] and limits.state["limits"][0]["limit"] == 20
    finally:
        limits(weight=6000)
        limits.advance()


def test_the_age_grows_while_a_feed_is_silent(exchange) -> None:
    """No change that happened may be missing from what is called complete: of a stream that sends
    each, of one with a beat and of a poll that hangs; and the table says why."""
    lab, feeds = exchange.lab, [Push("quotes"), Push("book"), Poll(100.0)]
    try:
        hole = threading.Timer(3.0, lab.network.timeout)
        hole.start()
        found = measure.freshness(exchange, feeds, seconds=5)
    finally:
        hole.cancel()
        lab.network.clear()
    for one in found.feeds:
        assert one.age.p99.value > 1000 and one.age.mean.value > 200, found.table()
        at_the_end = ages(one.known, found.until_ns - 2_000_000, found.until_ns)
        assert one.missed > 0.1 and at_the_end.mean.value > 1000
    assert "1 failed" in found.find(Poll(100.0)).trouble
    assert "at the end timeout" in str(found) and "no dial" in str(lab.network)


def test_ways_of_different_length_are_told_apart(exchange) -> None:
    """What is turned up only delays the question, what is turned down only the answer: whoever
    took half of both for one of them would be 30 ms wrong."""
    feeds = [Push("quotes"), Push("book"), Poll(100.0)]
    for direction, back_ms in (("up", 0), ("down", 60)):
        with exchange.lab.network.latency(rtt_ms=120, direction=direction):
            for _ in range(TRIES):
                found = measure.freshness(exchange, feeds, seconds=2)
                if all(fits(one, 2 * TIMERS_MS) for one in found.feeds):
                    break
        assert found.conditions.rtt_ms == 60
        assert all(fits(one, 4 * TIMERS_MS) for one in found.feeds), found.table()
        assert abs(found.find(Push("quotes")).age.p50.value - back_ms) < 4 * TIMERS_MS


def test_a_lost_connection_is_said(exchange) -> None:
    """And no reply is left out because its connection was new."""
    reset = threading.Timer(1.2, lambda: exchange.lab.network.reset_peer().__exit__(*[None] * 3))
    reset.start()
    found = measure.freshness(exchange, [Push("book"), Poll(100.0)], seconds=3)
    reset.join()
    assert "connection lost 1 time" in str(found), found.table()
    assert found.find(Poll(100.0)).age.mean.value < 60


def test_two_measurements_at_once_leave_each_other_alone(exchange) -> None:
    """Streams are known by name, and a name that starts again stops its predecessor."""
    found: list[measure.Freshness] = []

    def run() -> None:
        found.append(measure.freshness(exchange, [Push("quotes"), Push("book")], seconds=1))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 2 and not any(seen.errors for one in found for seen in one.feeds)
