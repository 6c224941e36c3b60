"""Views of an account: my orders with my fills, and balances.

They read what a private stream keeps. An :class:`~vocx.exchange.Exchange` in place of a stream
gets one: the views of one exchange share it, and it ends with the last of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal
from html import escape
from typing import Any, NamedTuple
from weakref import WeakSet

from vocx.errors import BadInput, NotReady
from vocx.facts import Balance, Fill, Order
from vocx.stream import running as running_streams
from vocx.text import text_table
from vocx.views.formatting import (
    SIDES,
    clock,
    first_line,
    fixed,
    html_table,
    state_text,
    with_thousands,
)
from vocx.views.stream_view import StreamView
from vocx.views.view import opened

CHANNELS = ("orders", "fills", "balances")
_NINE_DIGITS = Context(prec=9)
"""An average is a quotient: it is shown rounded."""
_NONE = "–"
_made: WeakSet[Any] = WeakSet()
"""Streams that views started, and end."""


class Table(NamedTuple):
    """Rows under a head, the first ``left`` columns aligned to the left; ``below`` is a line of
    text: what is not shown, or why there is nothing."""

    head: tuple[str, ...]
    rows: list[tuple[str, ...]]
    left: int
    below: str


class AccountView(StreamView):
    """What views of an account have in common: where from, when it is complete, what was lost.

    Of a stream's buttons it has only "Cut the line": see :mod:`vocx.views.stream_view`.
    """

    def __init__(
        self,
        source: Any,
        channel: str,
        title: str,
        name: str | None,
        note: str,
        *,
        symbol: str | None = None,
        of: str = "",
    ) -> None:
        self._channel = channel
        self._shown: object = None
        stream = listening(source, channel)
        super().__init__(
            stream,
            symbol,
            [channel],
            name or " ".join(filter(None, [channel, of, "of", stream.name])),
            title,
            note=note,
        )
        self._begin()

    def _tables(self) -> list[Table]:
        """What is known now."""
        raise NotImplementedError

    def _count(self) -> str:
        """The same in a few words, for the status line."""
        raise NotImplementedError

    def _draw(self, now_ns: int) -> str:
        doubt = self._doubt()
        shown = (self._tables(), self._outage(doubt), bool(doubt))
        if shown != self._shown:
            self._shown = shown
            self.panel.body = _html(*shown)
        if doubt.startswith("reconciling"):
            raise NotReady(f"{doubt} · {self._count()}")
        return f"{state_text(self._stream, self._stream.age_ms)} · {self._count()}"

    def _rows(self) -> str:
        doubt = self._doubt()
        parts = [doubt, *map(_text, self._tables()), self._outage(doubt)]
        return "\n\n".join(filter(None, parts))

    def _doubt(self) -> str:
        """Why this may be out of date; empty while it is complete."""
        stream = self._stream
        if stream.state != "live":
            return state_text(stream, stream.age_ms)
        return f"reconciling: {first_line(why)}" if (why := stream.reconciling) else ""

    def _outage(self, doubt: str) -> str:
        """The latest time without a connection, in words."""
        found = self._stream.outages(self._channel)
        if not found:
            return ""
        gap, count = found[-1], len(found)
        which = "1 outage" if count == 1 else f"{count} outages, the last"
        seconds = (gap.to_ns - gap.from_ns) / 1e9
        then = "what it hid is being asked for" if doubt else "what it hid was asked for by REST"
        return f"{which} of {seconds:.1f} s until {clock(gap.time)} ({gap.reason}): {then}"

    def _end(self) -> None:
        """The stream too, if views made it and no other view shows it."""
        super()._end()
        others = (one for one in opened() if one is not self and one.mode in ("live", "paused"))
        if self._stream in _made and not any(self._stream in one._streams for one in others):
            self._stream.stop()


class OrdersView(AccountView):
    """See :func:`vocx.views.orders`."""

    def __init__(
        self, source: Any, symbol: str | None, n: int, name: str | None, note: str
    ) -> None:
        self._n = n
        super().__init__(source, "orders", "My orders", name, note, symbol=symbol, of=symbol or "")

    def _found(self) -> tuple[list[Order], int]:
        """Orders as shown, open ones first, the latest changed first; and how many are open."""
        newest = self._stream.orders(self.symbol)[::-1]
        still_open = [one for one in newest if one.open]
        return still_open + [one for one in newest if not one.open], len(still_open)

    def _tables(self) -> list[Table]:
        found, count_open = self._found()
        shown = found[: self._n]
        notes = [f"{clock(one.time)} {_because(one)}" for one in shown if one.reason]
        if len(found) > len(shown):
            open_too = max(0, count_open - self._n)
            notes.append(f"not shown: {open_too} open, {len(found) - len(shown)} in all")
        below = " · ".join(notes)
        if not found and not self._doubt():
            below = "no orders yet: one that is placed with this key, here or elsewhere, shows here"
        tables = [Table(_ORDER_HEAD, _order_rows(shown), 5, below)]
        if _carries(self._stream, "fills"):
            fills = self._stream.fills(self.symbol, max(3, self._n // 2))[::-1]
            tables.append(Table(_FILL_HEAD, _fill_rows(fills), 3, "" if fills else "no fills yet"))
        return tables

    def _count(self) -> str:
        found, count_open = self._found()
        return f"{count_open} open, {len(found) - count_open} closed"


class BalancesView(AccountView):
    """See :func:`vocx.views.balances`."""

    def __init__(
        self, source: Any, assets: Sequence[str] | None, n: int, name: str | None, note: str
    ) -> None:
        self._assets = None if assets is None else list(assets)
        self._n = n
        super().__init__(source, "balances", "Balances", name, note, of=",".join(assets or ()))

    def _found(self) -> list[Balance]:
        """The assets that were named; or those held, and those used up while listening."""
        known = self._stream.balances()
        if self._assets is None:
            return [one for one in known if one.total or one.source == "stream"]
        by_asset = {one.asset: one for one in known}
        return [by_asset[asset] for asset in self._assets if asset in by_asset]

    def _tables(self) -> list[Table]:
        found = self._found()
        below = f"{len(found) - self._n} more are not shown" if len(found) > self._n else ""
        if not found and not self._doubt():
            below = "nothing is held here yet"
        return [Table(_BALANCE_HEAD, [_balance_row(one) for one in found[: self._n]], 1, below)]

    def _count(self) -> str:
        found = self._found()
        locked = sum(bool(one.locked) for one in found)
        return f"{len(found)} assets, {locked} with locked parts"


_ORDER_HEAD = ("time (UTC)", "symbol", "side", "type", "status", "price", "quantity",
               "filled", "average", "client order id")  # fmt: skip
_ORDER_SIDES = {"buy": "▲ buy", "sell": "▼ sell"}
_FILL_HEAD = ("time (UTC)", "symbol", "side", "price", "quantity", "fee", "as", "told by",
              "client order id")  # fmt: skip
_BALANCE_HEAD = ("asset", "free", "locked", "total", "changed (UTC, exchange)")


def _order_rows(orders: Sequence[Order]) -> list[tuple[str, ...]]:
    prices = _even([(one.symbol, one.price) for one in orders])
    return [
        (
            clock(one.time),
            one.symbol,
            _ORDER_SIDES[one.side],
            _type(one),
            one.status.replace("_", " "),
            price,
            _wanted(one),
            with_thousands(one.filled),
            _average(one),
            one.client_order_id,
        )
        for one, price in zip(orders, prices, strict=True)
    ]


def _fill_rows(fills: Sequence[Fill]) -> list[tuple[str, ...]]:
    prices = _even([(one.symbol, one.price) for one in fills])
    return [
        (
            clock(one.time),
            one.symbol,
            SIDES[one.side],
            price,
            with_thousands(one.quantity),
            f"{with_thousands(one.fee)} {one.fee_asset or ''}".rstrip(),
            one.role or _NONE,
            "stream" if one.source == "stream" else "REST, later",
            one.client_order_id or f"order {one.order_id}",
        )
        for one, price in zip(fills, prices, strict=True)
    ]


def _balance_row(one: Balance) -> tuple[str, ...]:
    return (one.asset, *fixed([one.free, one.locked, one.total]), clock(one.time))


def _type(order: Order) -> str:
    usual = order.type == "market" or order.time_in_force in (None, "GTC")
    return f"{order.type.replace('_', ' ')}{'' if usual else f' {order.time_in_force}'}"


def _because(order: Order) -> str:
    """The exchange's word for why, which is too long for a column."""
    return f"{order.status}: {str(order.reason).replace('_', ' ').lower()}"


def _wanted(order: Order) -> str:
    if order.quantity is None and order.quote_quantity is not None:
        return f"{with_thousands(order.quote_quantity)} {order.symbol.partition('/')[2]}"
    return with_thousands(order.quantity)


def _average(order: Order) -> str:
    average = order.average_price
    return _NONE if average is None else with_thousands(_NINE_DIGITS.plus(average))


def _even(prices: Sequence[tuple[str, Decimal | None]]) -> list[str]:
    """Prices with as many places as the longest of their symbol."""
    by_symbol: dict[str, list[Decimal]] = {}
    for symbol, price in prices:
        if price is not None:
            by_symbol.setdefault(symbol, []).append(price)
    texts = {symbol: iter(fixed(found)) for symbol, found in by_symbol.items()}
    return [_NONE if price is None else next(texts[symbol]) for symbol, price in prices]


def _html(tables: Sequence[Table], outage: str, stale: bool) -> str:
    parts = []
    for head, rows, left, below in tables:
        if rows:
            parts.append(html_table(head, rows, left, stale))
        if below:
            parts.append(f"<div class=vocx-note>{escape(below)}</div>")
    if outage:
        parts.append(f"<div class=vocx-note>{escape(outage)}</div>")
    return f"<div class=vocx-dense>{''.join(parts)}</div>"


def _text(table: Table) -> str:
    rows = text_table(table.head, table.rows, table.left) if table.rows else ""
    return "\n".join(filter(None, [rows, table.below]))


def _carries(stream: Any, channel: str) -> bool:
    return any(one.channel == channel for one in stream.channels)


def listening(source: Any, channel: str) -> Any:
    """The stream to read: ``source``, or the one of views of this exchange.

    Raises
    ------
    BadInput
        It does not listen to this channel of an account; the text says how to.
    """
    if hasattr(source, "channels"):
        if not _carries(source, channel):
            raise BadInput(
                f"{source.name} does not carry {channel} of an account; make one that does: "
                'exchange.stream("orders", "fills", "balances")'
            )
        return source
    if not hasattr(source, "stream"):
        raise BadInput(f"{type(source).__name__} is neither a stream nor an exchange")
    for stream in running_streams():
        mine = stream.venue is source.venue and stream.lab is source.lab
        if mine and stream.state != "fatal" and all(_carries(stream, one) for one in CHANNELS):
            return stream
    stream = source.stream(*CHANNELS)
    _made.add(stream)
    return stream
