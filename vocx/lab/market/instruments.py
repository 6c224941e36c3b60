"""What the lab trades: its own instruments, their steps and how busy they are."""

from __future__ import annotations

from decimal import Decimal

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
