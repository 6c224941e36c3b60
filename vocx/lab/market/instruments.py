"""The lab's own market: its symbols, and a world of crowds that trade them.

``open_world`` puts together what belongs to each symbol: the history before the start, the
engine's book, the tape, and the order flow of :mod:`vocx.lab.market.order_flow`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from random import Random

from vocx.lab.events import Spec
from vocx.lab.market.engine import Book
from vocx.lab.market.history import DAYS, History
from vocx.lab.market.live import LiveMarket
from vocx.lab.market.order_flow import Flow
from vocx.lab.market.recent_trades import recent_trades
from vocx.lab.market.simulation import CrowdWorld
from vocx.lab.market.tape import Tape

TRADES_A_SECOND = 31.0
BTC_A_TRADE = 0.025


def _spec(
    base: str, quote: str, tick: str, lot: str, price: str, busy: float, daily: float
) -> Spec:
    tiny = quote in ("BTC", "ETH")
    return Spec(
        base=base,
        quote=quote,
        tick=Decimal(tick),
        lot=Decimal(lot),
        price=Decimal(price),
        activity=busy,
        volatility=daily,
        min_notional=Decimal("0.0001") if tiny else Decimal(5),
        max_quantity=Decimal(9_000) if base in ("BTC", "ETH") else Decimal(90_000),
    )


SPECS: tuple[Spec, ...] = (
    _spec("BTC", "USDT", "0.01", "0.00001", "61700.00", 1.0, 0.030),
    _spec("ETH", "USDT", "0.01", "0.0001", "2620.00", 0.45, 0.035),
    _spec("SOL", "USDT", "0.01", "0.001", "152.00", 0.20, 0.045),
    _spec("ETH", "BTC", "0.00001", "0.0001", "0.04246", 0.10, 0.020),
    _spec("BNB", "USDT", "0.01", "0.001", "520.00", 0.08, 0.030),
    _spec("XRP", "USDT", "0.0001", "0.1", "0.6100", 0.05, 0.040),
)
"""What the lab trades unless told otherwise, the busiest first."""


def open_world(
    *,
    seed: int,
    start_ns: int,
    specs: Sequence[Spec] | None = None,
    pace: float = 1.0,
) -> CrowdWorld:
    """A live world that begins at ``start_ns`` of the exchange's clock.

    Parameters
    ----------
    seed
        Same seed, same events, relative to the start.
    start_ns
        Nanoseconds since the epoch; also where candle history ends.
    specs
        The symbols; :data:`SPECS` by default.
    pace
        1.0 is the recorded session's rate, 0 starts paused.
    """
    chosen = SPECS if specs is None else tuple(specs)
    return CrowdWorld(
        [_open_market(spec, seed, start_ns) for spec in chosen], start_ns=start_ns, pace=pace
    )


def _open_market(spec: Spec, seed: int, start_ns: int) -> tuple[LiveMarket, Flow]:
    own = Random(f"{seed} {spec.symbol} start").getrandbits(62)
    daily = TRADES_A_SECOND * 86_400 * spec.activity
    # Room for all of history below it, and the same wherever on the calendar the lab starts.
    next_trade = int(daily * DAYS * 1.4) + 1_000_000
    book = Book(
        spec.symbol,
        update_id=own % 10**9 + 50 * 10**9,
        next_order=2 * next_trade,
        next_trade=next_trade,
    )
    flow = Flow(spec, book, seed)
    # Where a tick is coarse, more of the volume trades in sweeps of the best level.
    coarse = (
        min(2.4, 1 + 3 / math.sqrt(max(flow.burst_ticks, 1.0))) if flow.burst_ticks < 200 else 1
    )
    history = History(
        seed=own,
        start_ns=start_ns,
        price=flow.desk.home,
        trades_a_day=daily,
        lots_a_trade=max(BTC_A_TRADE * coarse * flow.desk.unit, flow.desk.least),
        volatility=spec.volatility,
        next_trade=next_trade,
    )
    flow.fill(start_ns)
    earlier = recent_trades(spec.symbol, history)
    tape = Tape(spec.symbol, start_ns, flow.desk.home, next_trade, earlier)
    return LiveMarket(spec, book, tape, history), flow
