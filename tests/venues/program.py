"""One user program that knows no venue: what a learner does with an exchange, in its order."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

from vocx import errors
from vocx.exchange import Exchange

SYMBOL = "BTC/USDT"
MARKET = ("trades", "quotes", "book", "ticker", "candles")
ACCOUNT = ("orders", "fills", "balances")


def ask(ex: Exchange) -> None:
    """Everything that can be asked without a key, and some of it wrongly."""
    ex.instruments()
    ex.instrument(SYMBOL)
    ex.ticker(SYMBOL)
    ex.quote(SYMBOL)
    ex.order_book(SYMBOL, depth=10)
    ex.trades(SYMBOL, limit=10)
    ex.candles(SYMBOL, "5m", limit=5)
    with suppress(errors.UnknownSymbol):
        ex.ticker("NO/SUCH")


def trade(ex: Exchange) -> None:
    """Orders that rest, take, are cancelled and are refused; then what the account says."""
    rules = ex.instrument(SYMBOL)
    quote = ex.quote(SYMBOL)
    low = rules.round_price(quote.bid * Decimal("0.95"), "buy")
    amount = rules.round_quantity(Decimal(40) / low + rules.lot)
    placed = ex.place_order(SYMBOL, "buy", amount, type="limit", price=low)
    ex.open_orders(SYMBOL)
    ex.balances()
    ex.order(placed)
    ex.cancel_order(placed)
    with suppress(errors.OrderNotFound):
        ex.cancel_order(placed)
    ex.place_order(SYMBOL, "buy", amount, type="market")
    with suppress(errors.OrderRefused):
        ex.place_order(SYMBOL, "buy", amount * 100_000, type="limit", price=low)
    ex.place_order(SYMBOL, "buy", amount, type="limit", price=low)
    ex.cancel_all(SYMBOL)
    with suppress(errors.BadInput):  # a venue without order entry by socket says so
        ex.cancel_order(
            ex.place_order(SYMBOL, "buy", amount, type="limit", price=low, via="websocket"),
            via="websocket",
        )
    ex.fills(SYMBOL)
    ex.balances()


def listen(ex: Exchange, seconds: float = 10) -> Any:
    """One stream of everything, live."""
    return ex.stream(*MARKET, *ACCOUNT, symbols=SYMBOL, interval="5m").wait(seconds)
