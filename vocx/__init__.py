"""vocx: learn REST and WebSocket market APIs by measuring them.

>>> import vocx
>>> ex = vocx.connect("binance")                         # an exchange in a box, on this machine
>>> ex.order_book("BTC/USDT", depth=5).bid
>>> tape = ex.stream("trades", "quotes", symbols="BTC/USDT").wait(5)
>>> tape.quote("BTC/USDT").ask
>>> vocx.stop_all()

Names are loaded when they are first used, so that ``import vocx`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vocx import (
        book,
        course,
        doctor,
        errors,
        facts,
        hybrid,
        lab,
        measure,
        record,
        venues,
        views,
    )
    from vocx.exchange import Exchange
    from vocx.exchange.connect import connect
    from vocx.stream import Stream, running, stop_all

__version__ = "0.1.0"

_NAMES = {
    "Exchange": "vocx.exchange",
    "Stream": "vocx.stream",
    "connect": "vocx.exchange",
    "running": "vocx.stream",
    "stop_all": "vocx.stream",
}
_MODULES = (
    *("book", "course", "doctor", "errors", "facts", "hybrid", "lab", "measure", "record"),
    *("venues", "views"),
)

__all__ = [
    "Exchange",
    "Stream",
    "__version__",
    "book",
    "connect",
    "course",
    "doctor",
    "errors",
    "facts",
    "hybrid",
    "lab",
    "measure",
    "record",
    "running",
    "stop_all",
    "venues",
    "views",
]


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = getattr(import_module(_NAMES[name]), name)
    elif name in _MODULES:
        value = import_module(f"vocx.{name}")
    else:
        raise AttributeError(f"module 'vocx' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
