"""What Bybit's private channels say of an account's events: orders, executions, the wallet."""

from __future__ import annotations

from vocx.lab.dialects.bybit.account_book import AccountBook
from vocx.lab.dialects.bybit.calls import total_in_usdt, usdt_prices
from vocx.lab.dialects.bybit.reports import execution_row, fast_row, wallet_row
from vocx.lab.dialects.shared.connections import Connection
from vocx.lab.dialects.shared.numbers import NS_PER_MS, Catalogue, Listing
from vocx.lab.dialects.shared.reading import encode
from vocx.lab.dialects.shared.subscriptions import Made
from vocx.lab.events import AccountEvent, BalancesChanged, NewOrder


class PrivateChannels:
    """Payloads for whoever has subscribed.

    Parameters
    ----------
    catalogue, book
        The venue's.
    """

    def __init__(self, catalogue: Catalogue[Listing], book: AccountBook) -> None:
        self._catalogue = catalogue
        self._book = book
        self._messages = 0

    def payload(
        self, event: AccountEvent, channel: str, session: Connection, now_ns: int
    ) -> Made | None:
        """An event for a topic, ``.spot`` or all in one; ``None`` where it says nothing of it."""
        topic, kind = channel, channel.removesuffix(".spot")
        now_ms = event.at_ns // NS_PER_MS
        if isinstance(event, BalancesChanged):
            return self._wallet(event, topic, now_ms) if kind == "wallet" else None
        order = event.order
        listing = self._catalogue.by_symbol[order.request.symbol]
        head = {
            "id": f"{self._book.gateway.number_of(event.owner)}_22004_{event.execution_id}",
            "topic": topic,
            "creationTime": now_ms,
        }
        if kind == "order":
            if event.what == "new" and not self._rests(order.request, order.id):
                return None
            made = self._book.row(listing, order, stream=True)
            return topic, lambda: encode({**head, "data": [made]})
        fill = event.fill
        if fill is None:
            return None
        if kind == "execution.fast":
            fast = {"topic": topic, "creationTime": now_ms}
            return topic, lambda: encode({**fast, "data": [fast_row(listing, fill)]})
        if kind != "execution":
            return None
        fees = self._book.gateway.records.fees(event.owner)
        rate = fees.maker if fill.maker else fees.taker
        made = execution_row(listing, fill, rate, stream=True)
        return topic, lambda: encode({**head, "data": [made]})

    def _wallet(self, event: BalancesChanged, topic: str, now_ms: int) -> Made:
        prices = usdt_prices(self._catalogue)
        total = total_in_usdt(self._book.gateway.records.balances(event.owner), prices)
        row = wallet_row(event.balances, prices, total)
        self._messages += 1
        head = {
            "id": f"{now_ms}_20000_{self._messages}",
            "topic": topic,
            "creationTime": now_ms,
        }
        return topic, lambda: encode({**head, "data": [row]})

    def _rests(self, request: NewOrder, number: int) -> bool:
        """Whether an order came to rest as it was: only then is there a row ``New`` (a choice)."""
        order = self._book.gateway.records.order(request.owner, request.symbol, number)
        return order is not None and order.request.type == "limit" and not order.filled
