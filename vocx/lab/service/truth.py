"""What the engine knows: the book now, and what happened when.

The stamps are ``CLOCK_MONOTONIC`` nanoseconds (:func:`vocx.timing.mono_ns`), which all processes
of one machine share exactly, so the age of what a client sees can be measured and not estimated.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from vocx.arguments import written_fields
from vocx.call_forms import methods_say_their_form
from vocx.facts import BookSnapshot
from vocx.lab.network import Controlled
from vocx.timing import wall_ns


class TruthEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that became true.

    Attributes
    ----------
    kind : str
        ``"trade"`` (``id``: trade id; ``side``: the taker's; ``price``, ``quantity``, orders),
        ``"level"`` (``id``: update id; ``side``, ``price`` and its new ``quantity``),
        ``"quote"`` (``id``: update id; best bid and ask; 0 for a missing side), ``"order"``
        (``id``: order id; ``owner``, ``what`` happened, its ``status`` and ``filled`` quantity
        afterwards, ``trade_id`` of a match; price 0 for a market order) or
        ``"frame"`` (a replayed frame: ``stream``, and ``id`` of the trade or update in it).
    mono_ns : int
        When, on the clock that all processes share.
    exchange_ns : int
        When, on the exchange's clock (years ago in a replay).
    """

    sequence: int
    kind: str
    symbol: str
    mono_ns: int
    exchange_ns: int
    id: int | None = None
    side: str | None = None
    price: Decimal | None = None
    quantity: Decimal | None = None
    bid: Decimal | None = None
    bid_quantity: Decimal | None = None
    ask: Decimal | None = None
    ask_quantity: Decimal | None = None
    maker_order: int | None = None
    taker_order: int | None = None
    stream: str | None = None
    owner: str | None = None
    what: str | None = None
    status: str | None = None
    filled: Decimal | None = None
    trade_id: int | None = None

    __repr__ = written_fields


class TruthEvents(list[TruthEvent]):
    """Events, oldest first.

    Attributes
    ----------
    next : int
        Ask again with ``since=events.next`` to go on without a hole.
    missed : int
        How many events had left the log before you asked.
    """

    next: int = 0
    missed: int = 0


@methods_say_their_form
class Truth:
    """What the lab's engine knows. Asking costs the lab a millisecond or so, not the market.

    Every venue of a lab has a market of its own: ``lab.truth`` is that of its first one,
    ``lab.truth.at("okx")`` that of another.
    """

    def __init__(self, lab: Controlled, venue: str | None = None) -> None:
        self._lab = lab
        self._venue = venue

    def at(self, venue: str) -> Truth:
        """The truth of one venue."""
        return Truth(self._lab, venue)

    def book(self, symbol: str, depth: int = 20) -> BookSnapshot:
        """The book of this moment, at most ``depth`` levels a side.

        ``sequence`` is the update id that the venue's wire carries, ``exchange_ns`` the exchange's
        clock when it was read.
        """
        reply = self._lab.control("truth.book", symbol=symbol, depth=depth, venue=self._venue)
        return BookSnapshot(
            symbol=symbol,
            bids=tuple((Decimal(price), Decimal(quantity)) for price, quantity in reply["bids"]),
            asks=tuple((Decimal(price), Decimal(quantity)) for price, quantity in reply["asks"]),
            sequence=reply["sequence"],
            depth=depth,
            exchange_ns=reply["exchange_ns"],
            arrived_ns=wall_ns(),
        )

    def offset_ns(self) -> int:
        """How far the exchange's clock is ahead of the one that all processes share
        (``CLOCK_MONOTONIC``): take it from a stamp of the wire to get the latter."""
        status = self._lab.control("status")
        symbols = status["venues"][self._venue]["symbols"] if self._venue else status["symbols"]
        reply = self._lab.control("truth.book", symbol=symbols[0], depth=1, venue=self._venue)
        return int(reply["exchange_ns"]) - int(reply["mono_ns"])

    def events(
        self,
        since: int | None = 1,
        *,
        symbol: str | None = None,
        kind: str | None = None,
        owner: str | None = None,
        limit: int | None = None,
    ) -> TruthEvents:
        """Everything since a sequence number that the log still has.

        Parameters
        ----------
        since : int or None
            First sequence number wanted. ``None`` gives no events, only :attr:`TruthEvents.next`:
            a mark to start from.
        symbol, kind : str, optional
            Only these.
        owner : str, optional
            Only what happened to the orders of this account.
        limit : int, optional
            At most so many (the oldest); all of them otherwise.
        """
        found = TruthEvents()
        at, end = since, None
        while limit is None or len(found) < limit:
            arguments = {
                "since": at,
                "symbol": symbol,
                "kind": kind,
                "owner": owner,
                "venue": self._venue,
            }
            if limit is not None:
                arguments["limit"] = limit - len(found)
            reply = self._lab.control("truth.events", **arguments)
            found.extend(msgspec.convert(reply["events"], list[TruthEvent]))
            found.missed += reply["missed"]
            found.next = at = reply["next"]
            end = reply["end"] if end is None else end
            if at >= end:
                break
        return found
