"""What OKX's private channels say: snapshots, and an account's events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from msgspec.structs import replace

from vocx.lab.dialects.okx import reports
from vocx.lab.dialects.okx.account_book import AccountBook
from vocx.lab.dialects.shared.connections import Connection
from vocx.lab.dialects.shared.numbers import Catalogue, Listing, milliseconds
from vocx.lab.dialects.shared.reading import encode, read_json
from vocx.lab.dialects.shared.subscriptions import Made
from vocx.lab.events import AccountEvent, AnyEvent, BalancesChanged, Executed

_PAGED = {"eventType": "snapshot", "curPage": 1, "lastPage": True}


@lru_cache(1024)
def argument(name: str) -> Mapping[str, str]:
    """A private subscription's argument, which is its name as well."""
    found: Mapping[str, str] = read_json(name.encode())
    return found


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

    def account_snapshot(self, owner: str, arg: Mapping[str, str]) -> bytes:
        """What ``account`` begins with, and says again each few seconds."""
        data = [self._book.balances(owner, _currencies(arg))]
        return encode({"arg": self._arg(arg, owner), **_PAGED, "data": data})

    def cash_snapshot(self, owner: str, arg: Mapping[str, str], now_ns: int) -> bytes:
        """What ``balance_and_position`` begins with."""
        gateway = self._book.gateway
        at = milliseconds(now_ns + gateway.skew_ns)
        row = reports.cash(gateway.records.balances(owner), at, "snapshot", [])
        return encode({"arg": self._arg(arg, owner), "data": [row]})

    def positions_snapshot(self, owner: str, arg: Mapping[str, str]) -> bytes:
        """What ``positions`` begins with, and all that it says: a spot account has none."""
        return encode({"arg": self._arg(arg, owner), **_PAGED, "data": []})

    def _arg(self, arg: Mapping[str, str], owner: str) -> dict[str, str]:
        return {**arg, "uid": str(self._book.gateway.number_of(owner))}

    def payload(
        self, event: AccountEvent, channel: str, session: Connection, now_ns: int
    ) -> Made | None:
        """An event for a subscription; ``None`` where that says nothing of it."""
        arg = argument(channel)
        if isinstance(event, BalancesChanged):
            if arg["channel"] == "account":
                return channel, lambda: self._balances(event, arg)
            return None
        listing = self._catalogue.by_symbol[event.order.request.symbol]
        if arg["channel"] == "balance_and_position" and event.fill is not None:
            return channel, lambda: self._cash(event, arg, listing)
        if arg["channel"] != "orders":
            return None
        if arg.get("instId") not in (None, "", listing.format.name):
            return None
        return channel, lambda: self._order(event, arg, listing)

    def _order(self, event: Executed, arg: Mapping[str, str], listing: Listing) -> bytes:
        request_id = self._book.requests.get(event.execution_id)
        amended = event.what == "replaced" or request_id is not None
        row = self._book.order(event.order)
        row = reports.pushed(listing, row, event.fill, amended, request_id or "")
        return encode({"arg": self._arg(arg, event.owner), "data": [row]})

    def _cash(self, event: Executed, arg: Mapping[str, str], listing: Listing) -> bytes:
        """Only what is held or not differs else, which this channel does not tell."""
        assert event.fill is not None
        form, trade = listing.format, event.fill.trade
        have = self._book.gateway.records.balances(event.owner)
        moved = {one: have[one] for one in (form.spec.base, form.spec.quote) if one in have}
        trades = [{"instId": form.name, "tradeId": str(trade.trade_id)}]
        row = reports.cash(moved, milliseconds(trade.at_ns), "filled", trades)
        return encode({"arg": self._arg(arg, event.owner), "data": [row]})

    def _balances(self, event: BalancesChanged, arg: Mapping[str, str]) -> bytes:
        both = {asset: (free, locked) for asset, free, locked in event.balances}
        data = [self._book.account(both, _currencies(arg), milliseconds(event.at_ns))]
        arg = self._arg(arg, event.owner)
        return encode({"arg": arg, "eventType": "event_update", "data": data})


def _currencies(arg: Mapping[str, str]) -> list[str]:
    return [arg["ccy"]] if arg.get("ccy") else []


def with_ends(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """The events, with the end of a filled market order as one of its own: it is never filled by
    a push with a trade (seen)."""
    found: list[AnyEvent] = []
    for event in events:
        if (
            isinstance(event, Executed)
            and event.fill is not None
            and event.order.request.type == "market"
            and event.order.status == "filled"
        ):
            found.append(replace(event, order=replace(event.order, status="partially_filled")))
            found.append(replace(event, fill=None, what="filled"))
        else:
            found.append(event)
    return found
