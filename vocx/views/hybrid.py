"""A view of a hybrid client: how it does, what rests, and what it came to."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from vocx.errors import BadInput, NotReady
from vocx.text import text_table
from vocx.views.formatting import age, first_line, html_table, with_thousands
from vocx.views.view import View

_ORDERS = 8
_EVERY_NS = 400_000_000
_HEAD = ("order", "side", "price", "quantity", "filled", "state", "learnt from")
_SIDES = {"buy": "▲ buy", "sell": "▼ sell"}


class HybridView(View):
    """See :func:`vocx.views.hybrid`."""

    def __init__(self, client: Any, name: str | None, note: str) -> None:
        if not hasattr(client, "all_orders"):
            raise BadInput(
                f"this view shows a hybrid client, not {client!r}: views.hybrid(HybridClient(...))"
            )
        self._client = client
        self.dials_lab = client.exchange.lab
        self._shown_ns = 0
        super().__init__(
            name or f"hybrid client on {client.symbol} at {client.exchange.name}",
            f"Hybrid client, {client.symbol} at {client.exchange.name}",
            stop=("Stop the client", "Cancel its orders and end it"),
            note=note,
        )
        self._begin()

    def _draw(self, now_ns: int) -> str:
        status = self._client.status
        waiting = status.state != "running"
        if now_ns - self._shown_ns >= _EVERY_NS or waiting:  # ages change with every picture
            self._shown_ns = now_ns
            facts, below = self._facts(status), self._below(status)
            self.panel.body = _html(facts, self._orders(), below, waiting)
        said = f"{status.state}: {first_line(status.why)}" if status.why else status.state
        if status.state == "stopped":
            self._finish(said)
        elif waiting:
            raise NotReady(said)
        return f"{said} · {status.looks} looks"

    def _rows(self) -> str:
        status = self._client.status
        said = f"{status.state}: {status.why}" if status.why else status.state
        orders = self._orders()
        parts = [
            said,
            text_table(("what", "now"), self._facts(status), 1),
            text_table(_HEAD, orders, 2) if orders else "no orders rest",
            self._below(status),
        ]
        return "\n\n".join(filter(None, parts))

    def _facts(self, status: Any) -> list[tuple[str, ...]]:
        """What there is to know, as rows of a name and a text."""
        pnl = status.pnl
        total = "needs a price" if pnl.total is None else f"{pnl.total:+,.2f}"
        quote = self._client.symbol.partition("/")[2]
        fees = [f"{pnl.fees:,.2f} {quote}"]
        fees += [f"{with_thousands(amount)} {asset}" for asset, amount in pnl.other_fees.items()]
        source = {"rest": "REST, polled", "none": "none"}.get(status.source, status.source)
        return [
            ("book", f"{source}, {age(status.age_ms)}"),
            ("account", age(status.account_age_ms)),
            ("reconnects, gaps, drops", f"{status.reconnects}, {status.gaps}, {status.dropped}"),
            ("fullest limit", f"{status.budget:.0%} used"),
            ("open orders", f"{status.open_orders}, of which {status.unknown_now} unknown"),
            (
                "sent, ever unknown, found out",
                f"{status.placed}, {status.unknown}, {status.resolved}",
            ),
            ("position", f"{with_thousands(pnl.position)}, in {pnl.fills} fills"),
            ("profit and loss", f"{total} {quote} after fees of {' and '.join(fees)}"),
        ]

    def _orders(self) -> list[tuple[str, ...]]:
        return [
            (
                one.client_order_id,
                _SIDES[one.side],
                with_thousands(one.price),
                with_thousands(one.quantity),
                with_thousands(one.filled),
                one.state if one.cancel_wanted_ns is None else f"{one.state}, being cancelled",
                one.learnt,
            )
            for one in self._client.orders[:_ORDERS]
        ]

    def _below(self, status: Any) -> str:
        """What went wrong last, and what the bounds forbade last."""
        lines = []
        if self._client.rejected:
            lines.append(
                f"{status.rejected} wants forbidden, last: {self._client.rejected[-1].why}"
            )
        if self._client.errors:
            lines.append(f"last error: {first_line(self._client.errors[-1])}")
        return "\n".join(lines)

    def _stop_data(self) -> None:
        self._try("stop", self._client.stop)


def _html(
    facts: Sequence[Sequence[str]], orders: Sequence[Sequence[str]], below: str, stale: bool
) -> str:
    parts = [html_table(("", ""), facts, left=2, stale=stale)]
    parts.append(html_table(_HEAD, orders, left=2, stale=stale) if orders else "")
    parts += [f"<div class=vocx-note>{escape(line)}</div>" for line in below.splitlines()]
    return f"<div class=vocx-dense>{''.join(parts)}</div>"
