"""What the lab trades: its own instruments, their steps and how busy they are; and how a venue's
market differs from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from vocx.lab.events import InstrumentSpec


def _spec(
    base: str, quote: str, tick: str, lot: str, price: str, busy: float, daily: float
) -> InstrumentSpec:
    tiny = quote in ("BTC", "ETH")
    return InstrumentSpec(
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


INSTRUMENTS: tuple[InstrumentSpec, ...] = (
    _spec("BTC", "USDT", "0.01", "0.00001", "61700.00", 1.0, 0.030),
    _spec("ETH", "USDT", "0.01", "0.0001", "2620.00", 0.45, 0.035),
    _spec("SOL", "USDT", "0.01", "0.001", "152.00", 0.20, 0.045),
    _spec("ETH", "BTC", "0.00001", "0.0001", "0.04246", 0.10, 0.020),
    _spec("BNB", "USDT", "0.01", "0.001", "520.00", 0.08, 0.030),
    _spec("XRP", "USDT", "0.0001", "0.1", "0.6100", 0.05, 0.040),
)
"""What the lab trades unless told otherwise, the busiest first."""


class CrowdTraits(msgspec.Struct, frozen=True, kw_only=True):
    """How a venue's crowd differs from the leader's; a dialect says so in ``crowd``.

    Parameters
    ----------
    activity, depth : float
        How busy it is, and how large its orders are; 1.0 as on the leader.
    lag_s : float
        How long after the leader it moves, on average.
    noise : float
        Standard deviation of its premium over the leader's price, as a share.
    cost : float
        The share of the price below which a difference is not worth a trade.
    symbols : mapping
        Symbols that it lists besides, and which of the lab's each is priced like:
        ``{"BTC/USD": "BTC/USDT"}``.
    steps : mapping
        Tick and lot of a symbol where the venue has others than the lab's.
    """

    activity: float = 0.6
    depth: float = 0.7
    lag_s: float = 0.06
    noise: float = 0.00005
    cost: float = 0.00003
    symbols: Mapping[str, str] = {}
    steps: Mapping[str, tuple[Decimal, Decimal]] = {}

    def specs(self, specs: Iterable[InstrumentSpec]) -> dict[str, InstrumentSpec]:
        """The venue's own instruments, from the lab's: by symbol."""
        listed = {spec.symbol: spec for spec in specs}
        for symbol, model in self.symbols.items():
            if model in listed:
                base, _, quote = symbol.partition("/")
                listed[symbol] = msgspec.structs.replace(listed[model], base=base, quote=quote)
        for symbol, (tick, lot) in self.steps.items():
            if symbol in listed:
                listed[symbol] = msgspec.structs.replace(listed[symbol], tick=tick, lot=lot)
        return listed
