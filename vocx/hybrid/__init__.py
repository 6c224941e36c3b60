"""The hybrid client: market data and private events by stream, orders by REST, one object.

>>> from vocx.hybrid import HybridClient, Bounds, market_maker
>>> client = HybridClient(ex, "BTC/USDT", market_maker("0.01"), bounds=Bounds(open_orders=2))
>>> with client:
...     time.sleep(60)
...     print(client.status.pnl)
"""

from vocx.exchange.pnl import ProfitAndLoss, profit_and_loss
from vocx.hybrid.client import HybridClient, Status
from vocx.hybrid.examples import SpreadMonitor, market_maker
from vocx.hybrid.journal import Journal
from vocx.hybrid.orders import OwnOrder
from vocx.hybrid.strategy import Bounds, View, Want, want

__all__ = [
    "Bounds",
    "HybridClient",
    "Journal",
    "OwnOrder",
    "ProfitAndLoss",
    "SpreadMonitor",
    "Status",
    "View",
    "Want",
    "market_maker",
    "profit_and_loss",
    "want",
]
