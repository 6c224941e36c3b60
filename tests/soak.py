"""Random faults from a seed, a market maker through the hybrid client, and the lab's truth.

    python tests/soak.py [--minutes N] [--seed S] [--venue V]

After each fault, and at the end, the market is paused and everything is compared with what the
lab holds: the book, balances, the position, fills and open orders. Objects by type and the length
of every queue are bounded; from thirty minutes on the slope of the memory is judged, too.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from faults import BTC, Missed, Trial, until  # noqa: E402

from vocx.errors import NotReady, VocxError  # noqa: E402
from vocx.hybrid import Bounds, HybridClient, market_maker  # noqa: E402

SETTLE_S = 75.0
"""An order whose request was lost is known never to have been there after twenty seconds; after a
minute of losses a socket is dialled again within half a minute."""
MEMORY_MB_PER_HOUR = 10.0
MORE_OBJECTS = 20_000
"""By so many objects a type may grow between a minute after the start and the end."""


class Faults:
    """What goes wrong, drawn by name."""

    def __init__(self, trial: Trial, dice: random.Random) -> None:
        self._trial, self._dice = trial, dice

    def draw(self) -> str:
        """Cause one fault and wait until it is over; its name."""
        names = [one[3:] for one in dir(self) if one.startswith("do_")]
        name = self._dice.choice(names)
        getattr(self, f"do_{name}")()
        return name

    def _fault(self, name: str, seconds: float, **options: Any) -> None:
        with self._trial.fault(name, **options):
            time.sleep(seconds)

    def do_reset(self) -> None:
        with self._trial.lab.network.reset_peer(venue=self._trial.venue):
            pass

    def do_outage(self) -> None:
        with self._trial.lab.network.reset_peer(venue=self._trial.venue):
            time.sleep(self._dice.uniform(1, 6))

    def do_black_hole(self) -> None:
        with self._trial.lab.network.timeout(venue=self._trial.venue):
            time.sleep(self._dice.uniform(1, 12))

    def do_close(self) -> None:
        code = self._dice.choice([None, 1000, 1001, 1012])
        self._fault("close", 1.0, stream="*", code=code)

    def do_broken_frames(self) -> None:
        name = self._dice.choice(["malformed", "array", "unknown_event", "duplicate", "reorder"])
        self._fault(name, 1.0, stream="*", count=self._dice.randint(1, 5))

    def do_lost_deltas(self) -> None:
        self._fault("drop", 1.0, stream=self._trial.book_topic, count=self._dice.randint(1, 5))

    def do_half_frame(self) -> None:
        self._fault("truncated", 1.0, stream=self._trial.book_topic)

    def do_lost_answers(self) -> None:
        name = self._dice.choice(["lost_answer", "late_answer", "truncated_json", "html"])
        self._fault(name, 2.0, path=self._trial.place_path, count=self._dice.randint(1, 3))

    def do_lost_requests(self) -> None:
        path = self._dice.choice([self._trial.place_path, self._trial.cancel_path])
        self._fault("lost_request", 1.0, path=path, count=1)

    def do_delivered_twice(self) -> None:
        self._fault("delivered_twice", 1.0, path=self._trial.place_path, count=2)

    def do_errors(self) -> None:
        name = self._dice.choice(["overloaded", "internal", "html"])
        self._fault(name, 1.0, path="/", count=self._dice.randint(1, 10))

    def do_distance(self) -> None:
        with self._trial.lab.network.latency(
            rtt_ms=self._dice.uniform(20, 200), jitter_ms=10, venue=self._trial.venue
        ):
            time.sleep(self._dice.uniform(1, 4))


class Truth:
    """What the lab holds, against what the client knows."""

    def __init__(self, trial: Trial, client: HybridClient) -> None:
        self._trial, self._client = trial, client
        with trial.exchange.clone() as own:
            self._before = {one.asset: one.total for one in own.balances()}

    def check(self) -> None:
        """Pause the market, wait until everything has been told, and compare.

        Raises
        ------
        Missed
            Something differs, still after :data:`SETTLE_S`.
        """
        trial, client = self._trial, self._client
        strategy, client.strategy = client.strategy, lambda view: None
        trial.lab.pause()
        try:
            until(self._settled, SETTLE_S, "settled")
        except Missed:
            raise Missed(f"differs from the lab: {self._differences()}; {client.status}") from None
        finally:
            trial.lab.resume()
            client.strategy = strategy

    def _settled(self) -> bool:
        time.sleep(0.3)  # each look costs calls of the budget that the client shares
        try:
            return not self._differences()
        except (NotReady, VocxError):
            return False

    def _differences(self) -> list[str]:
        trial, client, found = self._trial, self._client, []
        there = trial.exchange.open_orders(BTC)
        mine = client.orders
        if {one.client_order_id for one in there} != {one.client_order_id for one in mine}:
            found.append(f"open there {[one.client_order_id for one in there]}, here {mine}")
        if any(one.state != "open" for one in mine):
            found.append(f"not settled: {mine}")
        filled = {one.client_order_id: one.filled for one in there}
        if any(one.filled != filled.get(one.client_order_id, one.filled) for one in mine):
            found.append("filled quantities differ")
        balances = {one.asset: one for one in trial.exchange.balances()}
        pnl = client.pnl()
        if balances["BTC"].total - self._before["BTC"] != pnl.position:
            found.append(
                f"position {balances['BTC'].total - self._before['BTC']} and {pnl.position}"
            )
        told = client.view().balances
        for asset in ("BTC", "USDT"):
            if asset in told and told[asset].total != balances[asset].total:
                found.append(f"{asset}: {balances[asset].total} there, {told[asset].total} here")
        short = [one for one in client.all_orders() if one.fills_missing]
        if short:
            found.append(f"fills missing: {short}")
        if client.view().source == "stream":
            truth, copy = trial.lab.truth.book(BTC, 10), trial.market.book(BTC, 10)
            if (truth.bids, truth.asks) != (copy.bids, copy.asks):
                found.append("the book differs")
        else:
            found.append(f"the stream is not back yet: {trial.market.why}")
        return found


def objects() -> Counter[str]:
    """Objects that the collector knows, by type."""
    gc.collect()
    return Counter(type(one).__qualname__ for one in gc.get_objects())


def queues(trial: Trial, client: HybridClient) -> dict[str, int]:
    """The lengths of everything that could pile up."""
    table = client._manager.table
    return {
        "orders": len(table.orders),
        "early fills": len(table._early),
        "calls under way": client._manager.workers.under_way,
        "journal records": len(table.records),
        "account events": len(client._events),
        "errors": len(client.errors),
    }


LIMITS = {
    "orders": 1100,
    "early fills": 1000,
    "calls under way": 20,
    "journal records": 50,
    "account events": 1000,
    "errors": 100,
}


def soak(
    minutes: float, seed: int, venue: str, say: Callable[[str], None] = print
) -> dict[str, Any]:
    """Run it; gives what happened.

    Raises
    ------
    Missed
        Something was not as the lab has it, or grew.
    """
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(venue, Path(folder))
        try:
            return _soak(trial, dice, minutes, say)
        finally:
            trial.close()


def _soak(
    trial: Trial, dice: random.Random, minutes: float, say: Callable[[str], None]
) -> dict[str, Any]:
    tick = trial.exchange.instrument(BTC).tick
    maker = market_maker("0.01", tick=tick, distance_ticks=0)
    # The truth is what the account had before any order of the client.
    client = trial.make(maker, bounds=Bounds(position=Decimal("0.05"), orders_per_s=10))
    truth = Truth(trial, client)
    client.start()
    trial.until(lambda: client.status.state == "running", 15, "it runs")
    faults, happened = Faults(trial, dice), Counter[str]()
    begun, memory, first = time.monotonic(), [], None
    while (past_s := time.monotonic() - begun) < minutes * 60:
        time.sleep(dice.uniform(1.0, 8.0))
        name = faults.draw()
        happened[name] += 1
        truth.check()
        memory.append((past_s, _rss_mb()))
        grown = {key: value for key, value in queues(trial, client).items() if value > LIMITS[key]}
        if grown:
            raise Missed(f"piled up: {grown}")
        if first is None and past_s > min(60.0, minutes * 20):
            first = objects()
        say(f"{past_s:6.0f} s  {name:16} {client.status.pnl.fills} fills, {memory[-1][1]:.0f} MB")
    more = objects() - (first or Counter())
    worst, count = more.most_common(1)[0] if more else ("nothing", 0)
    if first is not None and count > MORE_OBJECTS:
        raise Missed(f"{count} more objects of type {worst}")
    slope = _slope(memory)
    if minutes >= 30 and slope > MEMORY_MB_PER_HOUR:
        raise Missed(f"memory grows by {slope:.1f} MB an hour")
    wrong = trial.stop()
    if wrong:
        raise Missed(wrong)
    status = client.status
    return {
        "minutes": minutes,
        "faults": dict(happened),
        "placed": status.placed,
        "unknown": status.unknown,
        "resolved": status.resolved,
        "fills": status.pnl.fills,
        "reconnects": status.reconnects,
        "most new objects": f"{count} of {worst}",
        "memory_mb_per_hour": round(slope, 1),
    }


def _slope(memory: list[tuple[float, float]]) -> float:
    """Megabytes an hour, by the second half: the first fills caches."""
    half = memory[len(memory) // 2 :]
    if len(half) < 3:
        return 0.0
    times, sizes = zip(*half, strict=True)
    return float(np.polyfit(times, sizes, 1)[0] * 3600)


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--venue", default="binance")
    options = parser.parse_args()
    try:
        result = soak(options.minutes, options.seed, options.venue)
    except Missed as missed:
        print(f"seed {options.seed}: {missed}")
        return 1
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
