"""Every fault that can meet a hybrid client, caused by the lab, in real time.

    python tests/faults.py [--venue V] [--only NAME]... [--list]

prints row (of the table of faults), name, expected, seen. Each row has a lab and a client of its
own, a strategy that wants one order to rest, and ends with ``stop()``: within two seconds, with no
thread and no socket left, and with the orders that the lab has.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import vocx
import vocx.lab
from vocx.errors import NotReady, StreamStopped, VocxError, WaitTimeout
from vocx.hybrid import HybridClient, OwnOrder, View, Want, want
from vocx.venues.base import CancelOrder, GetBook, GetOpenOrders, PlaceOrder

BTC = "BTC/USDT"
STOP_S = 2.0
ASKING = ("vocx-reconcile", "vocx-snapshot", "vocx-probe")
"""Threads of a stream that end with the answer to a REST call, which nothing can end."""
_numbers = itertools.count()


class Missed(Exception):
    """Something did not come to pass in time."""


class NotApplicable(Exception):
    """This venue has no such thing; the text says why."""


def one_order(view: View) -> list[Want]:
    """A bid 2 % below the market: it rests and is never filled."""
    assert view.mid is not None
    resting = [one.price for one in view.orders if one.price is not None]
    price = (view.mid * Decimal("0.98")).quantize(Decimal(1))
    return [want("buy", "0.01", resting[0] if resting else price)]


class WantOnce:
    """Wants one order, once, and then leaves everything as it is: what becomes of it shows."""

    def __init__(self) -> None:
        self._wanted: list[Want] | None = None
        self.armed = threading.Event()

    def __call__(self, view: View) -> list[Want] | None:
        if not self.armed.is_set() or self._wanted is not None:
            return None
        self._wanted = one_order(view)
        return self._wanted


def until(true: Callable[[], Any], seconds: float, what: str) -> float:
    """Seconds until something is true.

    Raises
    ------
    Missed
        It did not become true in time.
    """
    begun = time.monotonic()
    while True:
        with suppress(NotReady):
            if true():
                return time.monotonic() - begun
        if time.monotonic() - begun > seconds:
            raise Missed(f"not within {seconds:g} s: {what}")
        time.sleep(0.005)


def sockets() -> set[str]:
    """Open sockets of this process."""
    found = set()
    for entry in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            found.add(os.readlink(f"/proc/self/fd/{entry}"))
    return {one for one in found if one.startswith("socket:")}


def threads() -> set[threading.Thread]:
    """Threads of clients and streams."""
    return {one for one in threading.enumerate() if one.name.startswith("vocx-")}


class Trial:
    """A lab with one venue, and a hybrid client on it that is given back stopped."""

    def __init__(self, venue: str, folder: Path) -> None:
        self.venue = venue
        self._threads = threads()
        self.lab = vocx.lab.open(seed=7, venues=(venue,), name=f"faults-{next(_numbers)}")
        self.exchange = vocx.connect(venue, lab=self.lab)
        self._journal = folder / f"journal-{self.lab.name}"
        ours = self.exchange.venue
        (plan,) = ours.plan_sockets(
            [ours.validate_channel(vocx.venues.base.ChannelSpec(channel="book", symbol=BTC))]
        )
        (self.book_topic,) = plan.topics
        self.place_path = self._path(self._placement())
        number = 1 if venue == "binance" else "1"
        self.cancel_path = self._path(CancelOrder(symbol=BTC, id=number))
        self.book_path = self._path(GetBook(symbol=BTC, depth=20))
        self.open_path = self._path(GetOpenOrders(symbol=BTC))
        self.client: HybridClient | None = None
        self.exchange.open_orders(BTC)
        self.exchange.close()
        self.lab.faults.off()  # the control connection is open from here on
        self._sockets = sockets()

    def _placement(self) -> PlaceOrder:
        instrument = self.exchange.instrument(BTC)
        return PlaceOrder(
            symbol=BTC,
            side="buy",
            type="limit",
            quantity=instrument.round_quantity("0.01"),
            price=instrument.round_price("50000", "buy"),
            time_in_force="GTC",
            client_order_id=self.exchange.new_client_order_id(),
            instrument=instrument,
        )

    def _path(self, intent: Any) -> str:
        request = self.exchange.venue.request(intent)
        return f"{request.method} {urlsplit(request.target).path}"

    def start(self, strategy: Any = one_order, **options: Any) -> HybridClient:
        """A client that runs, with its order open where it wants one at once. What becomes of one
        that is wanted once is not that a book came late and the client cancelled it."""
        if isinstance(strategy, WantOnce):
            options = {"when_stale": "hold", **options}
        client = self.make(strategy, **options).start()
        self.until(lambda: client.status.state == "running", 15, "it runs")
        if strategy is one_order:
            self.until(lambda: self.states() == ["open"], 5, "its order is open")
        return client

    def make(self, strategy: Any, **options: Any) -> HybridClient:
        """A client that is not started yet."""
        options = {"max_age_ms": 1500.0, **options}
        self.client = HybridClient(self.exchange, BTC, strategy, journal=self._journal, **options)
        return self.client

    def until(self, true: Callable[[], Any], seconds: float, what: str) -> float:
        return until(true, seconds, what)

    @property
    def market(self) -> Any:
        assert self.client is not None and self.client._market is not None
        return self.client._market

    @property
    def account(self) -> Any:
        assert self.client is not None and self.client._account is not None
        return self.client._account

    def states(self) -> list[str]:
        assert self.client is not None
        return [one.state for one in self.client.orders]

    def fault(self, name: str, **options: Any) -> Any:
        return self.lab.fault(name, venue=self.venue, **options)

    def hits(self) -> int:
        """How many requests or messages the oldest fault in force has met."""
        return int(self.lab.faults[0]["hits"])

    def fresh(self) -> bool:
        """The book is in sync and younger than half a second, from the stream."""
        state = self.market.book(BTC, 1)
        return bool(state.in_sync and state.age_ms is not None and state.age_ms < 500)

    def vouched_for(self) -> bool:
        """The stream says that its book is a true copy."""
        with suppress(NotReady):
            return bool(self.market.book(BTC, 1).in_sync)
        return False

    def back(self, since: int, within_s: float) -> float:
        """Seconds until the stream has connected anew and its book is fresh."""
        return self.until(
            lambda: self.market.stats.reconnects > since and self.fresh(), within_s, "book is back"
        )

    def stop(self) -> str:
        """The end of every row; what is wrong with it, or nothing."""
        assert self.client is not None
        begun = time.monotonic()
        left = self.client.stop()
        taken = time.monotonic() - begun
        self.exchange.close()
        with suppress(Missed):  # what asks by REST may still wait for its answer
            until(
                lambda: not any(one.name.startswith(ASKING) for one in self._left()), 3, "answers"
            )
        alive, open_sockets = self._left(), sockets() - self._sockets
        self.lab.network.clear()
        self.lab.faults.off()
        named = {one.client_order_id for one in left}
        there = {one.client_order_id for one in self.exchange.open_orders(BTC)}
        wrong = []
        if taken > STOP_S:
            wrong.append(f"stop() took {taken:.2f} s")
        if alive:
            wrong.append(f"threads left: {', '.join(one.name for one in alive)}")
        if open_sockets:
            wrong.append(f"{len(open_sockets)} sockets left")
        if not there <= named:
            wrong.append(f"orders rest that stop() did not name: {there - named}")
        return "; ".join(wrong)

    def _left(self) -> set[threading.Thread]:
        return threads() - self._threads

    def close(self) -> None:
        if self.client is not None:
            self.client.stop()
        self.exchange.close()
        self.lab.close()


Run = Callable[[Trial], str]


class Row(NamedTuple):
    """A fault of the table, what is expected of a client, and how to find out."""

    number: str
    name: str
    expected: str
    run: Run


ROWS: list[Row] = []


def row(number: str, name: str, expected: str) -> Callable[[Run], Run]:
    """Register a row; its function gives what was seen, and raises ``Missed``."""

    def register(run: Run) -> Run:
        ROWS.append(Row(number, name, expected, run))
        return run

    return register


# market streams


def _cut(
    number: str,
    name: str,
    expected: str,
    within_s: float,
    cut: Callable[[Trial], Any],
    not_before_s: float = 0.0,
) -> None:
    @row(number, name, expected)
    def run(trial: Trial) -> str:
        trial.start()
        before = trial.market.stats.reconnects
        cut(trial)
        trial.until(
            lambda: trial.market.stats.reconnects > before or trial.market.state != "live",
            5,
            "the cut is noticed",
        )
        back_s = trial.back(before, within_s)
        if back_s < not_before_s:
            raise Missed(f"back after {back_s:.2f} s already")
        outage = trial.market.outages()[-1]
        trial.until(lambda: trial.client.status.state == "running", 8, "it acts again")
        return f"back after {back_s:.2f} s; on record: {outage.reason}"


def _reset(trial: Trial) -> None:
    with trial.lab.network.reset_peer(venue=trial.venue):
        pass


def _close(code: int | None) -> Callable[[Trial], None]:
    def close(trial: Trial) -> None:
        trial.fault("close", stream=trial.book_topic, code=code)

    return close


_cut("1", "reset", "back within 1 s", 1.0, _reset)
_cut("2", "eof", "back within 1 s", 1.0, _close(None))
_cut("3", "close 1000", "back within 1 s", 1.0, _close(1000))
_cut("4", "close 1001", "back within 1 s", 1.0, _close(1001))
_cut("5", "close 1008", "back after 5 s or more", 12.0, _close(1008), 4.9)
_cut("6", "close 1012", "back within 5 s and a moment", 6.0, _close(1012))
_cut("6", "close 1013", "back after 30 s or more", 45.0, _close(1013), 29.9)
_cut(
    "24",
    "huge message",
    "cut by us, back within 1 s",
    3.0,
    lambda t: t.fault("huge", stream=t.book_topic),
)


@row("7", "shutdown announced", "back within 1 s, the gap on record")
def shutdown(trial: Trial) -> str:
    trial.start()
    before = trial.market.stats.reconnects
    trial.lab.shutdown(trial.venue)
    back_s = trial.back(before, 3.0)
    return f"back after {back_s:.2f} s; {len(trial.market.outages())} outages on record"


@row("9", "outage of 30 s", "at most 12 tries, back within 5 s of its end")
def outage(trial: Trial) -> str:
    trial.start(when_stale="hold")
    before = trial.market.stats
    with trial.lab.network.reset_peer(venue=trial.venue):
        time.sleep(30.0)
        connects = trial.market.stats.connects - before.connects
    back_s = trial.back(before.reconnects, 5.0)
    trial.until(
        lambda: trial.account.state == "live", 5.0 - min(back_s, 4.9), "the account is back"
    )
    if connects > 12:
        raise Missed(f"{connects} connects")
    return f"{connects} connects, back {back_s:.1f} s after its end"


@row("11", "429 to a connection with Retry-After", "the next try 3 to 3.3 s later")
def upgrade_limited(trial: Trial) -> str:
    trial.start(when_stale="hold")
    before = trial.market.stats
    with trial.fault("refuse_upgrade", path="/", status=429, retry_after=3, count=2):
        _reset(trial)
        trial.until(lambda: trial.market.stats.connects > before.connects, 3, "it connects")
        waited_s = trial.until(
            lambda: trial.market.stats.connects > before.connects + 1, 5, "again"
        )
    back_s = trial.back(before.reconnects, 3.0)
    if not 2.95 <= waited_s <= 3.35:
        raise Missed(f"connected again after {waited_s:.2f} s")
    return f"connected again after {waited_s:.2f} s, back {back_s:.2f} s later"


@row("12", "503 to a connection", "goes on connecting, back within 3 s of the end")
def upgrade_unavailable(trial: Trial) -> str:
    trial.start(when_stale="hold")
    before = trial.market.stats
    with trial.fault("refuse_upgrade", path="/", status=503, count="all"):
        _reset(trial)
        time.sleep(3.0)
    back_s = trial.back(before.reconnects, 5.0)
    connects = trial.market.stats.connects - before.connects
    return f"{connects} connects, back {back_s:.1f} s after the end"


@row("13", "403 to a connection", "one try, fatal, the client fails and says why")
def upgrade_forbidden(trial: Trial) -> str:
    client = trial.start()
    if trial.venue == "bybit":
        raise NotApplicable("a 403 is the ban of ten minutes here, and waited out")
    with trial.fault("refuse_upgrade", path="/", status=403, count="all"):
        _reset(trial)
        trial.until(lambda: client.status.state == "failed", 5, "it fails")
    trial.until(lambda: not trial.exchange.open_orders(BTC), 3, "its order is cancelled")
    return client.status.why[:60]


@row("17", "black hole", "noticed within 16 s, the strategy is not asked, back after")
def black_hole(trial: Trial) -> str:
    client = trial.start(when_stale="hold")
    before = trial.market.stats.reconnects
    with trial.lab.network.timeout(venue=trial.venue):
        begun = time.monotonic()
        waits_s = trial.until(lambda: client.status.state == "waiting", 5, "it waits")
        left_s = 16.5 - (time.monotonic() - begun)
        trial.until(lambda: trial.market.state != "live", left_s, "the black hole is noticed")
        noticed_s = time.monotonic() - begun
    back_s = trial.back(before, 8.0)
    return (
        f"waits after {waits_s:.1f} s, noticed after {noticed_s:.1f} s, back {back_s:.1f} s later"
    )


@row("18", "truncated frame", "noticed within 10 s, back within 1 s")
def truncated(trial: Trial) -> str:
    trial.start(when_stale="hold")
    before = trial.market.stats.reconnects
    trial.fault("truncated", stream=trial.book_topic)
    trial.until(lambda: not trial.lab.faults, 3, "a frame is cut off")
    noticed_s = trial.until(lambda: trial.market.state != "live", 10.0, "it is noticed")
    back_s = trial.back(before, 2.0)
    return f"noticed after {noticed_s:.1f} s, back {back_s:.2f} s later"


@row("19", "silent book", "found within 15 s although all else lives, and healed")
def silent_book(trial: Trial) -> str:
    trial.start(when_stale="hold")
    with trial.fault("drop", stream=trial.book_topic, count="all"):
        found_s = trial.until(
            lambda: not trial.vouched_for() or trial.market.stats.reconnects, 16.5, "found"
        )
    healed_s = trial.until(trial.fresh, 20.0, "healed")
    return f"found after {found_s:.1f} s, healed {healed_s:.1f} s later"


@row("22, 23", "malformed, array, unknown", "counted; the same connection goes on")
def malformed(trial: Trial) -> str:
    trial.start()
    before = trial.market.stats
    for name in ("malformed", "array", "unknown_event"):
        with trial.fault(name, stream=trial.book_topic, count=2):
            trial.until(lambda: not trial.lab.faults, 3, f"{name} was sent")
    trial.until(lambda: _strange(trial) - before.parse_errors - before.unknown >= 4, 3, "counted")
    trial.until(trial.fresh, 6, "the book is fresh")
    after = trial.market.stats
    if after.reconnects > before.reconnects:
        raise Missed("it connected again")
    return f"{after.parse_errors} parse errors, {after.unknown} unknown, no new connection"


def _strange(trial: Trial) -> int:
    return int(trial.market.stats.parse_errors + trial.market.stats.unknown)


@row("25, 26, 27", "duplicate, reordered, lost", "counted or synchronized again, on one connection")
def out_of_order(trial: Trial) -> str:
    trial.start(when_stale="hold")
    before = trial.market.stats
    worst_s = 0.0
    for name in ("duplicate", "reorder", "drop"):
        trial.fault(name, stream=trial.book_topic)
        trial.until(lambda: not trial.lab.faults, 3, f"{name} happened")
        time.sleep(0.3)
        worst_s = max(worst_s, 0.3 + trial.until(trial.fresh, 6, "the book is fresh"))
    after = trial.market.stats
    if trial.venue != "coinbase" and after.reconnects > before.reconnects:
        raise Missed("it connected again")
    return f"fresh within {worst_s:.1f} s; {after.resyncs - before.resyncs} resyncs"


@row("36", "slow consumer, 5 times too much", "reader never blocked, drops counted, below 20 MB")
def overload(trial: Trial) -> str:
    client = trial.start(when_stale="hold")
    trial.lab.set_pace(20.0)
    slow = trial.market.subscribe(policy="drop_oldest", size=200)
    before, frames = trial.market.stats, trial.market.stats.frames
    time.sleep(1.0)
    rate = max(trial.market.stats.frames - frames, 10)
    memory = _rss_mb()
    end = time.monotonic() + 20.0
    while time.monotonic() < end:
        with suppress(WaitTimeout):
            slow.get(0.2)
        time.sleep(5.0 / rate)
    grown = _rss_mb() - memory
    after = trial.market.stats
    lag = after.reader_lag_ms
    trial.until(trial.fresh, 2, "the book is as fresh as ever")
    wrong = [
        f"{after.reconnects - before.reconnects} reconnects"
        * (after.reconnects > before.reconnects),
        "no drops counted" * (after.dropped == before.dropped),
        f"{grown:.0f} MB more" * (grown > 20),
        f"state {client.status.state}" * (client.status.state != "running"),
    ]
    if any(wrong):
        raise Missed("; ".join(filter(None, wrong)))
    return f"{rate}/s, {after.dropped - before.dropped} dropped, {grown:+.1f} MB, reader lag {lag}"


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


@row("37", "strategy raises", "counted, and it goes on; ten in a row end it")
def strategy_raises(trial: Trial) -> str:
    looks = itertools.count()

    def sometimes(view: View) -> list[Want]:
        if next(looks) % 3 == 2:
            raise ZeroDivisionError("the strategy's own")
        return one_order(view)

    client = trial.start(sometimes)
    trial.until(lambda: client.status.strategy_errors >= 3, 5, "errors are counted")
    if client.status.state != "running" or trial.states() != ["open"]:
        raise Missed(f"{client.status.state}, orders {trial.states()}")
    return f"{client.status.strategy_errors} errors counted, its order rests"


# orders


def _order(
    name: str, expected: str, wanted: set[str], fault: Callable[[Trial], Any], within_s: float = 5.0
) -> None:
    """One placement meets a fault: exactly one request leaves, and its end is the lab's."""

    @row("45, 46", name, expected)
    def run(trial: Trial) -> str:
        strategy = WantOnce()
        client = trial.start(strategy)
        with fault(trial):
            strategy.armed.set()
            trial.until(lambda: client.all_orders(), 2, "it placed an order")
            known: OwnOrder = client.all_orders()[0]
            settled_s = trial.until(
                lambda: known.state in ("open", "closed") and known.learnt != "journal",
                within_s,
                "known",
            )
            time.sleep(0.5)
            sent = trial.hits()
        there = [one.client_order_id for one in trial.exchange.open_orders(BTC)]
        mine = [one.client_order_id for one in client.orders]
        if sent != 1 or there != mine:
            raise Missed(f"{sent} requests; open there {there}, here {mine}")
        end = "open" if known.state == "open" else known.status
        if end not in wanted:
            raise Missed(f"it ended as {end}")
        return f"1 request, {end} (by {known.learnt}) after {settled_s:.1f} s, as the lab has it"


def _answers(name: str, **options: Any) -> Callable[[Trial], Any]:
    return lambda trial: trial.fault(name, path=trial.place_path, count="all", **options)


_order("answer lost", "one request, open", {"open"}, _answers("lost_answer"), 14.0)
_order("request lost", "one request, not placed", {"not_placed"}, _answers("lost_request"), 26.0)
_order("answer late", "one request, open", {"open"}, _answers("late_answer", seconds=2.0))
_order("delivered twice", "one request, open", {"open"}, _answers("delivered_twice"), 9.0)
_order("truncated answer", "one request, open", {"open"}, _answers("truncated_json"))
_order("503 and executed", "one request, open", {"open"}, _answers("html", executed=True))
_order("503 in HTML", "one request, not placed", {"not_placed", "refused"}, _answers("html"), 16.0)
_order("time-out said, executed", "one request, open", {"open"}, _answers("timeout"), 14.0)


@row("43", "order by REST, connection reset", "one request, its end is the lab's")
def order_reset(trial: Trial) -> str:
    strategy = WantOnce()
    client = trial.start(strategy)
    with trial.fault("lost_answer", path=trial.place_path, count="all"):
        strategy.armed.set()
        trial.until(lambda: trial.lab.faults and trial.hits() == 1, 3, "the request is there")
        _reset(trial)
        trial.until(lambda: trial.states() == ["open"], 12, "it is found")
        sent = trial.hits()
    if sent != 1 or len(trial.exchange.open_orders(BTC)) != 1:
        raise Missed(f"{sent} requests")
    return f"1 request, open (by {client.orders[0].learnt}), as the lab has it"


@row("44", "clock 10 s off", "measured again, one order rests")
def clock_skew(trial: Trial) -> str:
    strategy = WantOnce()
    client = trial.start(strategy)
    with trial.lab.skew(10, venue=trial.venue):
        strategy.armed.set()
        trial.until(lambda: trial.states() == ["open"], 5, "its order is open")
        there = len(trial.exchange.open_orders(BTC))
        client.stop()
    if there != 1:
        raise Missed(f"{there} orders rest")
    return "one order rests"


@row("38", "cancel refused for the limit", "cancelled as soon as the venue lets it")
def cancel_limited(trial: Trial) -> str:
    client = trial.start()
    fault = "overloaded" if trial.venue in ("binance", "coinbase") else "limited"
    with trial.fault(fault, path=trial.cancel_path, count=2):
        client.strategy = lambda view: []
        trial.until(lambda: not client.orders, 12, "it is cancelled")
    if trial.exchange.open_orders(BTC):
        raise Missed("it rests at the lab")
    return "cancelled"


@row("47", "filled in an outage", "fills by REST afterwards, each once, the position is the lab's")
def fills_in_outage(trial: Trial) -> str:
    held = trial.exchange.balances()["BTC"].total
    trial.lab.pause()

    def near(view: View) -> list[Want]:
        assert view.book is not None and view.book.bid is not None
        return [want("buy", "0.01", view.book.bid)]

    client = trial.start(near, when_stale="hold")
    trial.until(lambda: trial.states() == ["open"], 5, "its order is open")
    client.strategy = lambda view: None
    order = client.orders[0]
    other = trial.lab.account("other", venue=trial.venue)
    urls = dict(trial.lab.urls[trial.venue])
    before = trial.account.stats.reconnects
    with (
        vocx.connect(trial.venue, where=urls, credentials=other) as taker,
        trial.fault("refuse_upgrade", path="/", status=503, count="all"),
    ):
        _reset(trial)
        trial.until(lambda: trial.account.state != "live", 3, "the private stream is gone")
        assert order.price is not None
        there = taker.order_book(BTC, 20).bids[0][1]
        for size in (there - Decimal("0.006"), Decimal("0.006")):
            taker.place_order(
                BTC, "sell", size, type="limit", price=order.price, time_in_force="IOC"
            )
    trial.until(lambda: trial.account.stats.reconnects > before, 8, "it is back")
    trial.until(
        lambda: order.state == "closed" and not order.fills_missing, 8, "its fills are known"
    )
    change = trial.exchange.balances()["BTC"].total - held
    if change != client.pnl().position:
        raise Missed(f"position {client.pnl().position}, at the lab {change}")
    sources = sorted({one.source for one in order.fills.values()})
    return f"{len(order.fills)} fills by {', '.join(sources)}, position {change:f}"


@row("48", "cancelled by hand in an outage", "known within 8 s of its end")
def private_silent(trial: Trial) -> str:
    client = trial.start(when_stale="hold")
    client.strategy = lambda view: None
    with trial.fault("refuse_upgrade", path="/", status=503, count="all"):
        _reset(trial)
        trial.exchange.cancel_all(BTC)
        time.sleep(2.0)
    closed_s = trial.until(lambda: not client.orders, 8, "its end is known")
    return f"its cancellation is known {closed_s:.1f} s after the end"


@row(
    "49",
    "market stream down, REST answers",
    "REST books marked so within 6.5 s, the stream again after",
)
def market_down(trial: Trial) -> str:
    client = trial.start()
    with trial.fault("refuse_upgrade", path="/", status=503, count="all"):
        _reset(trial)
        rest_s = trial.until(lambda: client.view().source == "rest", 8.0, "books come by REST")
        trial.until(lambda: client.view().ready, 4.0, "it acts on them")
    stream_s = trial.until(lambda: client.view().source == "stream", 8.0, "the stream is believed")
    return f"by REST after {rest_s:.1f} s, by stream {stream_s:.1f} s after the end"


@row("49", "polls slower than max_age_ms", "says that it waits, and does not flap")
def no_flapping(trial: Trial) -> str:
    client = trial.start(max_age_ms=800.0)
    with trial.fault("refuse_upgrade", path="/", status=503, count="all"):
        _reset(trial)
        trial.until(lambda: client.view().source == "rest", 9.0, "books come by REST")
        placed = client.status.placed
        end = time.monotonic() + 4.0
        while time.monotonic() < end:
            if client.view().ready:
                raise Missed("it acts between two polls")
            time.sleep(0.05)
        why = client.status.why
    if client.status.placed != placed:
        raise Missed("it placed orders")
    return why


@row("50", "maintenance", "says so, sends no order, goes on after")
def maintenance(trial: Trial) -> str:
    if trial.venue != "okx":
        raise NotApplicable("answers do not tell maintenance from being overloaded here")
    strategy = WantOnce()
    client = trial.start(strategy)
    with trial.fault("overloaded", path="/", count="all"):
        strategy.armed.set()
        trial.until(lambda: client.status.state == "maintenance", 5, "it says so")
        sent = client.status.placed
        time.sleep(1.0)
        if client.status.placed != sent:
            raise Missed("it sent orders")
    after_s = trial.until(lambda: client.status.state == "running", 32, "it goes on")
    return f"no order sent, on again after {after_s:.0f} s"


# the end


def _stop(name: str, fault: Callable[[Trial], Any], pause_s: float = 0.5) -> None:
    @row("51, 53", f"stop: {name}", "within 2 s, nothing left, no connection afterwards")
    def run(trial: Trial) -> str:
        client = trial.start()
        with fault(trial):
            time.sleep(pause_s)
            begun = time.monotonic()
            left = client.stop()
            taken = time.monotonic() - begun
            wrong = trial.stop()
            connects = trial.market.stats.connects
            time.sleep(0.5)
            if trial.market.stats.connects != connects:
                raise Missed("it connected after stop()")
        if taken > STOP_S or wrong:
            raise Missed(f"{taken:.2f} s; {wrong}")
        return f"{taken:.2f} s, {len(left)} orders named that may rest"


@contextmanager
def _connecting(trial: Trial) -> Iterator[None]:
    with trial.lab.network.reset_peer(venue=trial.venue):
        yield


@contextmanager
def _half_frame(trial: Trial) -> Iterator[None]:
    with trial.fault("truncated", stream=trial.book_topic):
        yield


@contextmanager
def _healthy(trial: Trial) -> Iterator[None]:
    yield


_stop("healthy", _healthy)
_stop("black hole", lambda trial: trial.lab.network.timeout(venue=trial.venue))
_stop("truncated frame", _half_frame)
_stop("connecting", _connecting, 1.5)
_stop("every call hangs", lambda t: t.fault("lost_answer", path="/", count="all"))
_stop("cancels hang", lambda t: t.fault("lost_answer", path=t.cancel_path, count="all"))


VIRTUAL = {
    "8, 10": "a day's rotation, an outage of an hour: tests/stream/test_lifecycle.py",
    "14, 15": "names that do not resolve, certificates: tests/stream/test_lifecycle.py, tests/net",
    "16, 20, 21": "poison, pings of both kinds: tests/stream/test_lifecycle.py, test_faults.py",
    "28 to 31": "snapshots and their pace, crossed books: tests/test_book.py, tests/stream",
    "32 to 35": "subscriptions, logins: tests/stream/test_session.py, test_lifecycle.py",
    "39, 40": "bans and budgets: tests/rest, tests/test_rate_limits.py",
    "52": "a cell that runs twice, a killed program: tests/stream, tests/hybrid/test_in_lab.py",
    "54": "secrets: tests/hybrid/test_secrets.py",
}
"""Rows of the table that need no real time, and where they are."""


def run_row(found: Row, venue: str) -> tuple[str, bool]:
    """One row at one venue: what was seen, and whether it is as expected."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(venue, Path(folder))
        try:
            seen = found.run(trial)
            wrong = trial.stop()
            return (f"{seen}; {wrong}" if wrong else seen), not wrong
        except NotApplicable as why:
            return f"does not apply: {why}", True
        except (Missed, VocxError, StreamStopped) as error:
            status = trial.client.status if trial.client is not None else None
            state = "" if status is None else f" ({status.state}: {status.why})"
            return f"{type(error).__name__}: {error}{state}", False
        finally:
            trial.close()


def selected(names: list[str]) -> list[Row]:
    """Rows by a part of their name or by number; all of them without one."""
    return [
        one
        for one in ROWS
        if not names or any(part in one.name or part in one.number.split(", ") for part in names)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--venue", default="binance")
    parser.add_argument("--only", action="append", default=[], help="part of a name, or a number")
    parser.add_argument("--list", action="store_true", help="name the rows and run none")
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    rows, failed = selected(options.only), 0
    for one in rows:
        if options.list:
            print(f"{one.number:>12}  {one.name:38}  {one.expected}")
            continue
        seen, met = run_row(one, options.venue)
        failed += not met
        told = {"row": one.number, "name": one.name, "expected": one.expected, "seen": seen}
        if options.json:
            print(json.dumps({**told, "met": met}), flush=True)
        else:
            mark = "ok " if met else "NOT"
            print(
                f"{mark} {one.number:>12}  {one.name:38}  {one.expected}\n{'':18}{seen}", flush=True
            )
    if not options.only:
        for number, where in VIRTUAL.items():
            print(f"    {number:>12}  in virtual time: {where}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
