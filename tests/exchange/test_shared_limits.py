"""What several handles of one venue in one process know of each other: the limits by address."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any

import pytest
from scripted import Scripted, http

import vocx
import vocx.lab
from vocx import errors
from vocx.exchange import Exchange
from vocx.lab import Lab
from vocx.timing import wall_ns
from vocx.venues.base import GetTime

BTC = "BTC/USDT"
NOW_NS = wall_ns()
BANNED = b'{"code":-1003,"msg":"Way too much request weight used; IP banned."}'


@pytest.fixture(scope="module")
def okx_lab() -> Iterator[Lab]:
    with vocx.lab.open(name="shared limits", venues=["okx"]) as lab:
        yield lab


def used(ex: Exchange, bucket: str) -> int:
    """What a handle says is used of one limit."""
    return next(row.used for row in ex.budget.rows() if row.bucket == bucket)


def connect(venue: str = "okx", **more: Any) -> Exchange:
    """A handle for whose limits the time stands still: nothing is forgotten on a busy machine."""
    ex = vocx.connect(venue, **more)
    ex.budget._clock = lambda: NOW_NS
    return ex


def at(server: Scripted) -> Exchange:
    return connect("binance", where={"rest": server.url, "ws": "ws://127.0.0.1:9"})


def urls(lab: Lab) -> dict[str, str]:
    return {"rest": lab.url("okx", "rest"), "ws": "ws://127.0.0.1:9/ws/v5"}


def test_seven_handles_at_once_meet_no_429(okx_lab: Lab) -> None:
    """OKX tells an address its time ten times in 2 s, and an account its balance as often: of
    seven handles that measure the clock and look twice, those that are too many wait."""
    begin = threading.Barrier(7)

    def ask(ex: Exchange) -> int:
        begin.wait(10)
        assert ex.clock.known
        assert [ex.balances().http.status for _ in range(2)] == [200, 200]
        return ex._client.retries + ex._clock._client.retries + ex._calls.repeats

    with ExitStack() as opened, ThreadPoolExecutor(7) as pool:
        names = [f"handle {n}" for n in range(7)]
        connected = [vocx.connect("okx", lab=okx_lab, name=one) for one in names]
        handles = [opened.enter_context(one) for one in connected]
        assert list(pool.map(ask, handles)) == [0] * 7


def test_a_new_handle_knows_what_was_used(okx_lab: Lab) -> None:
    """Also one that speaks TLS, and one that was given the address; one that is closed takes
    nothing with it."""
    with connect(lab=okx_lab) as first:
        first.candles(BTC, "1m", limit=5)
        connect(lab=okx_lab).close()
        for more in ({"lab": okx_lab}, {"lab": okx_lab, "tls": True}, {"where": urls(okx_lab)}):
            with connect(**more) as other:
                assert used(other, "candles") == used(first, "candles") == 1
        other.candles(BTC, "1m", limit=5)
        assert used(other, "candles") == used(first, "candles") == 2


def test_a_handles_brake_is_its_own(okx_lab: Lab) -> None:
    """Who takes it off to see a 429 takes it from nobody else, and what is asked so counts."""
    with connect(lab=okx_lab) as ex, ex.clone() as twin:
        twin.budget.stop_at, twin.budget._clock = None, ex.budget._clock
        assert ex.budget.stop_at == 0.8
        twin.trades(BTC, limit=5)
        assert used(ex, "trades") == used(twin, "trades") == 1


def test_each_account_has_a_count_of_its_own(okx_lab: Lab) -> None:
    """Limits by account are counted together for one key, and apart for another's."""
    keys = okx_lab.account("first", venue="okx"), okx_lab.account("second", venue="okx")
    with ExitStack() as opened:
        one, same, other = (
            opened.enter_context(vocx.connect("okx", where=urls(okx_lab), credentials=key))
            for key in (keys[0], keys[0], keys[1])
        )
        for ex in (one, same, other):
            assert ex.clock.known
        for ex in (one, same, other):
            ex.budget._clock = lambda: NOW_NS
            ex.open_orders(BTC)
        assert [used(ex, "orders-pending") for ex in (one, same, other)] == [2, 2, 1]


def test_another_lab_at_the_same_port_begins_anew() -> None:
    """What was used of the one that was closed is not the other's; a handle whose lab is opened
    again finds that one's count by itself."""
    with vocx.lab.open(name="at the port", venues=["okx"]) as lab:
        port = int(lab.url("okx", "rest").rpartition(":")[2])
        ex = connect(lab=lab)
        ex.order_book(BTC, depth=5)
        assert used(ex, "books") == 1
    with closing(ex), vocx.lab.open(name="at it too", venues=["okx"], port=port) as lab:
        with connect(lab=lab) as other:
            assert other.url("rest").endswith(f":{port}") and used(other, "books") == 0
            other.order_book(BTC, depth=5)
            with vocx.lab.open(name="at the port", venues=["okx"]):
                assert used(ex, "books") == 0
                ex.order_book(BTC, depth=5)
                assert used(ex, "books") == used(other, "books") == 1


def test_a_ban_is_known_to_all_handles_of_a_host() -> None:
    """Who asks on while the address is banned is banned for longer; other hosts are asked."""
    banned = http("418 I'm a teapot", BANNED, "Retry-After: 60")
    with closing(Scripted(banned)) as server, closing(Scripted()) as elsewhere:
        with at(server) as first, at(server) as second, at(elsewhere) as other:
            with pytest.raises(errors.Banned):
                first.time()
            with pytest.raises(errors.Banned, match="nothing was sent"):
                second.time()
            assert len(server.requests) == 1
            assert other.time().http.status == 200
        with at(server) as third, pytest.raises(errors.Banned, match="nothing was sent"):
            third.time()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_goes_on_with_a_count_of_its_own() -> None:
    """From what was known at the fork, even where another thread held the lock then."""
    with closing(Scripted()) as server, at(server) as ex:
        ex.time()
        with ex.budget._host().lock, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
            if child == 0:
                signal.alarm(5)  # a lock that is held for ever ends the child, and fails the test
                before = used(ex, "weight")
                ex.budget.enter(ex.venue.request(GetTime()))
                os._exit(0 if (before, used(ex, "weight")) == (1, 2) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert used(ex, "weight") == 1
