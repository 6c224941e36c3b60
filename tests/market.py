"""The crowd beside the recorded session: ``python tests/market.py [--seconds 650] [--seed 7]``.

Both are reduced to the same :class:`Tape` of best prices, trades and depth messages, and the same
figures are taken of it. The crowd runs in virtual time, so a figure depends on the seed and the
length only. The recorded column appears where the recording is present.
"""

from __future__ import annotations

import argparse
import gzip
import os
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from vocx.lab.events import BestChanged, LevelChanged, Traded
from vocx.lab.market.instruments import INSTRUMENTS
from vocx.lab.market.simulation import open_crowd

START_NS = 1_795_305_600_000_000_000
SECOND = 1_000_000_000
CADENCE_NS = 100_000_000
RECORDED = Path(
    os.environ.get(
        "VOCX_RECORDED", str(Path(__file__).resolve().parents[2] / "shared" / "recorded")
    )
)


@dataclass
class Tape:
    """One session: best prices (ns, bid, ask), trades (ns, BTC) and depth messages (ids, levels,
    bytes)."""

    best: list[tuple[int, int, int]] = field(default_factory=list)
    trades: list[tuple[int, float]] = field(default_factory=list)
    depth: list[tuple[int, int, int]] = field(default_factory=list)


def of_crowd(seconds: int, seed: int) -> Tape:
    """BTC/USDT of the lab at pace 1.0, in virtual time."""
    spec = INSTRUMENTS[0]
    simulation = open_crowd(seed=seed, start_ns=START_NS, specs=[spec])
    tape = Tape()
    for tick in range(1, seconds * 10 + 1):
        changed: dict[tuple[str, int], int] = {}
        first = simulation.markets[spec.symbol].update_id + 1
        now_ns = START_NS + tick * CADENCE_NS
        while events := simulation.advance(now_ns):
            for event in events:
                if isinstance(event, LevelChanged):
                    changed[event.side, event.price] = event.quantity
                elif isinstance(event, BestChanged):
                    tape.best.append((event.at_ns, event.bid, event.ask))
                elif isinstance(event, Traded):
                    tape.trades.append((event.at_ns, float(spec.to_quantity(event.quantity))))
        if changed:
            last = simulation.markets[spec.symbol].update_id
            tape.depth.append((last - first + 1, len(changed), depth_bytes(changed, first, last)))
    return tape


def depth_bytes(changed: dict[tuple[str, int], int], first: int, last: int) -> int:
    """How long Binance's diff depth message is for these levels."""
    sides: dict[str, list[tuple[str, str]]] = {"buy": [], "sell": []}
    for (side, price), lots in changed.items():
        sides[side].append((f"{price / 100:.8f}", f"{lots / 1e5:.8f}"))
    body = {"e": "depthUpdate", "E": 1795305600123, "s": "BTCUSDT", "U": first, "u": last}
    return len(msgspec.json.encode({**body, "b": sides["buy"], "a": sides["sell"]}))


def of_recording(folder: Path = RECORDED) -> Tape | None:
    """The recorded session, or ``None`` where it is absent."""
    files = sorted((folder / "binance" / "hftbacktest").glob("btcusdt_*.gz"))
    tape = Tape()
    for path in files:
        with gzip.open(path, "rb") as lines:
            for line in lines:
                stamp, _, text = line.partition(b" ")
                frame = msgspec.json.decode(text)
                data = frame.get("data", {})
                if "B" in data:
                    tape.best.append((int(stamp), ticks(data["b"]), ticks(data["a"])))
                elif data.get("e") == "trade":
                    tape.trades.append((int(stamp), float(data["q"])))
                elif data.get("e") == "depthUpdate":
                    size = len(msgspec.json.encode(data))
                    levels = len(data["b"]) + len(data["a"])
                    tape.depth.append((data["u"] - data["U"] + 1, levels, size))
    return tape if files else None


def ticks(price: str) -> int:
    return round(float(price) * 100)


def wrong_share(best: np.ndarray, every_s: float, phase: float) -> float:
    """Share of time in which the best price read every ``every_s`` is not the true one."""
    ns = best[:, 0]
    reads = np.arange(ns[0] + int(phase * every_s * SECOND), ns[-1], int(every_s * SECOND))
    # True prices change at ns, shown ones at reads: compare in every stretch between the two.
    edges = np.union1d(ns[ns >= reads[0]], reads)
    true = np.searchsorted(ns, edges, "right") - 1
    shown = np.searchsorted(ns, reads, "right")[np.searchsorted(reads, edges, "right") - 1] - 1
    wrong = (best[true, 1:] != best[shown, 1:]).any(axis=1)
    length = np.diff(edges, append=ns[-1])
    return float(length[wrong].sum() / length.sum())


def polled(best: np.ndarray, every_s: float) -> float:
    return float(np.mean([wrong_share(best, every_s, phase / 4) for phase in range(4)]))


def figures(tape: Tape) -> dict[str, float]:
    """The figures of ``LESSONS.md``, "The market the lab must have", and a few more."""
    best = np.array(tape.best, np.int64)
    ns = best[:, 0]
    seconds = (ns[-1] - ns[0]) / SECOND
    moved = (np.diff(best[:, 1:], axis=0) != 0).any(axis=1)
    moves = ns[1:][moved]
    gaps_ms = np.diff(moves) / 1e6
    in_second = np.bincount((moves - ns[0]) // SECOND, minlength=int(seconds) + 1)
    one_tick = best[:-1, 2] - best[:-1, 1] == 1
    sizes = np.array([size for _, size in tape.trades])
    depth = np.array(tape.depth, np.float64)
    each = np.bincount((ns - ns[0]) // SECOND)
    middle = (best[:, 1] + best[:, 2]) / 2
    minutes = middle[np.searchsorted(ns, np.arange(ns[0], ns[-1], 10 * SECOND), "right") - 1]
    daily = np.diff(np.log(minutes)).std() * np.sqrt(8_640)
    return {
        "seconds": seconds,
        "best changes a second": len(best) / seconds,
        "  p10 / s": np.percentile(each, 10),
        "  p90 / s": np.percentile(each, 90),
        "share that change a price, %": 100 * moved.mean(),
        "best-price changes a second": len(moves) / seconds,
        "seconds without one, %": 100 * (in_second == 0).mean(),
        "busiest second": in_second.max(),
        "gap median, ms": np.median(gaps_ms),
        "gap p90, ms": np.percentile(gaps_ms, 90),
        "gap p99, ms": np.percentile(gaps_ms, 99),
        "gap longest, ms": gaps_ms.max(),
        "spread one tick, % of time": 100 * np.diff(ns)[one_tick].sum() / (ns[-1] - ns[0]),
        "volatility a day, % (10 s)": 100 * daily,
        "trades a second": len(sizes) / seconds,
        "trade size median, BTC": np.median(sizes),
        "trade size p90, BTC": np.percentile(sizes, 90),
        "BTC a second": sizes.sum() / seconds,
        "depth messages a second": len(depth) / seconds,
        "depth update ids, mean": depth[:, 0].mean(),
        "depth update ids, median": np.median(depth[:, 0]),
        "depth levels, mean": depth[:, 1].mean(),
        "depth levels, p99": np.percentile(depth[:, 1], 99),
        "depth bytes, mean": depth[:, 2].mean(),
        "wrong share, 250 ms poll, %": 100 * polled(best, 0.25),
        "wrong share, 1 s poll, %": 100 * polled(best, 1.0),
        "wrong share, 5 s poll, %": 100 * polled(best, 5.0),
        "wrong share, 1 s ticker stream, %": 100 * wrong_share(best, 1.0, 0.9),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=650, help="market time of the crowd")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    crowd = figures(of_crowd(given.seconds, given.seed))
    recording = of_recording()
    recorded = figures(recording) if recording else {}
    print(f"{'':36}{'crowd':>12}" + (f"{'recorded':>12}" if recorded else ""))
    for name, value in crowd.items():
        beside = f"{recorded[name]:12.4g}" if recorded else ""
        print(f"{name:36}{value:12.4g}{beside}")


if __name__ == "__main__":
    main()
