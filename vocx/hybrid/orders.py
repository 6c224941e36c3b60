"""One's own orders, and what is known of each: a table of facts, no network, no clock.

::

    intended --journaled--> sent --answer--> open <-> partially filled --> closed
                              |                ^
                              | no answer      | found by asking, or told by the private stream
                              v                |
                           unknown ------------+--> closed as "not placed" (or "gone", if it had
                                                    been there), when five questions over five
                                                    seconds or more, and a last one of another
                                                    kind, have all found nothing

The rules (rows 45 to 47 of the table in the tests of faults):

* The client order id is made and journaled before anything is sent, and an order is sent once.
* *Unknown* is a state. It is resolved by asking, 0.2, 0.5, 1, 2, 4 and 8 seconds after the loss,
  and by the private stream, whichever is first. Meanwhile the order counts as open.
* What comes twice, late or in another order changes nothing: an order never un-fills and never
  reopens, a fill counts once, a fill may come before the acknowledgement of its order.
* An order that is on its way is not asked for: that it is not there yet would prove nothing.
* Where a venue tells fills as the growth of an order (``Fill.derived``), such a fill counts when
  the order's own figure confirms it, and the exact rows, which stand for the same matches, are
  counted only by :meth:`OrderTable.take_rows`, less what was told.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Literal

import msgspec

from vocx.errors import VocxError
from vocx.exchange.pnl import Position, ProfitAndLoss
from vocx.facts import Fill, Order, OrderAck, OrderType, Side, TimeInForce

State = Literal["intended", "sent", "open", "unknown", "closed"]
ASK_AFTER_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""When an order of unknown outcome is asked for, in seconds after its answer was lost."""
NOT_FOUND_TIMES, NOT_FOUND_S = 5, 5.0
"""An order counts as never placed after so many answers "not found" over so many seconds."""
ASK_FOR_EVER_S = 8.0
"""How often the venue is asked once the schedule is over and it still did not answer."""
ACK_ASK_S = 1.0
"""An order that was only acknowledged, and of which no event came since, is asked for then: a
venue may turn it down after all."""
CANCEL_AGAIN_S = 1.0
"""An order that still rests so long after its cancel was sent may be cancelled again."""
CLOSED_KEPT = 1000
_INFERRED = frozenset({"not_placed", "gone"})
"""Ends that nobody told us, but that we concluded: a venue that says otherwise is right."""
_ZERO = Decimal(0)


class OwnOrder:
    """One order of this client.

    Attributes
    ----------
    slot : str
        What the strategy calls it: there is at most one order in a slot.
    state : str
        ``"intended"`` (journaled), ``"sent"`` (on its way), ``"open"``, ``"unknown"`` (sent, and no
        answer came), ``"closed"``.
    status : str
        The venue's word, or ours: ``"not_sent"``, ``"not_placed"``, ``"refused"``.
    filled, filled_quote : Decimal
        As last told, or as its fills add up, whichever is more.
    learnt : str
        How its latest state was learnt: ``"answer"``, ``"stream"``, ``"rest"`` or ``"journal"``.
    """

    def __init__(
        self,
        client_order_id: str,
        symbol: str,
        side: Side,
        type: OrderType,
        quantity: Decimal,
        price: Decimal | None,
        time_in_force: TimeInForce | None,
        slot: str,
        made_ns: int,
    ) -> None:
        self.client_order_id, self.symbol, self.side, self.type = (
            client_order_id,
            symbol,
            side,
            type,
        )
        self.quantity, self.price, self.time_in_force = quantity, price, time_in_force
        self.slot, self.made_ns = slot, made_ns
        self.id: int | str | None = None
        self.state: State = "intended"
        self.status, self.learnt, self.why = "intended", "journal", ""
        self.filled = self.filled_quote = _ZERO
        self.fills: dict[int | str, Fill] = {}
        self.filled_by_fills = self.derived_unmatched = _ZERO
        self.unconfirmed: list[Fill] = []
        self.fills_doubtful = False
        self.amending = False
        self.cancel_wanted_ns: int | None = None
        self.lost_ns: int | None = None
        self.asked = self.not_found = 0
        self.not_found_ns: int | None = None
        self.ask_ns: int | None = None

    @property
    def left(self) -> Decimal:
        """What can still be filled."""
        return max(self.quantity - self.filled, _ZERO)

    @property
    def alive(self) -> bool:
        """It rests at the venue, or may, or is about to: its slot is taken."""
        return self.state != "closed"

    @property
    def fills_missing(self) -> bool:
        """More is filled than its fills add up to, or may be."""
        return self.fills_doubtful or self.filled_by_fills < self.filled

    def __repr__(self) -> str:
        price = "" if self.price is None else f" at {self.price:f}"
        return (
            f"<OwnOrder {self.client_order_id} {self.side} {self.quantity:f} {self.symbol}{price}: "
            f"{self.state} ({self.status}), {self.filled:f} filled>"
        )


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Ask the venue for this order; ``last`` wants another kind of question first than by its id:
    the list of open orders."""

    order: OwnOrder
    last: bool = False


class OrderTable:
    """All orders of one client, by client order id. The caller holds the lock.

    Attributes
    ----------
    orders : dict
        By client order id; of the closed ones the latest thousand.
    strange_fills : deque
        Fills of this account that belong to no order of this client.
    records : list of dict
        What the journal should hear of: acknowledgements, fills, ends. The caller takes them away.
    """

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.orders: OrderedDict[str, OwnOrder] = OrderedDict()
        self.strange_fills: deque[Fill] = deque(maxlen=1000)
        self.records: list[dict[str, Any]] = []
        self.counts = {"sent": 0, "refused": 0, "unknown": 0, "resolved": 0, "late": 0}
        self._alive: dict[str, OwnOrder] = {}
        self._short: dict[str, OwnOrder] = {}
        self._by_id: dict[int | str, OwnOrder] = {}
        self._early: deque[Fill] = deque(maxlen=CLOSED_KEPT)
        self._seen: OrderedDict[int | str, None] = OrderedDict()
        self._position = Position(symbol)

    # what is there

    def alive(self) -> list[OwnOrder]:
        """Orders that rest, or may."""
        return list(self._alive.values())

    def unknown(self) -> list[OwnOrder]:
        """Orders of which nobody knows yet whether the venue has them."""
        return [one for one in self._alive.values() if one.state == "unknown"]

    def short(self) -> list[OwnOrder]:
        """Orders whose fills are not all known."""
        return [one for one in self._short.values() if one.id is not None]

    def pnl(self, mark: Decimal | None = None) -> ProfitAndLoss:
        """What the fills of this client's orders come to."""
        return self._position.result(mark)

    # sending

    def add(self, order: OwnOrder) -> None:
        """A new order, not sent yet."""
        self.orders[order.client_order_id] = self._alive[order.client_order_id] = order
        self._forget_old()

    def sending(self, order: OwnOrder) -> None:
        """It leaves now: from here on it may be at the venue."""
        order.state, order.status = "sent", "sent"
        self.counts["sent"] += 1

    def answered(self, order: OwnOrder, answer: Order | OrderAck, now_ns: int) -> None:
        """The venue answered a placement, an amendment or a cancel."""
        if isinstance(answer, Order):
            self._apply(order, answer, "answer")
            for fill in answer.fills:
                self._fill(order, fill)
            return
        news = order.state in ("sent", "unknown")
        self._accept(order, answer.id, "acknowledged" if news else order.status, "answer")
        self.ask(order, now_ns + int(ACK_ASK_S * 1e9))

    def failed(self, order: OwnOrder, error: VocxError, now_ns: int) -> None:
        """A placement ended in an error; its outcome says what that means."""
        order.why = str(error)
        if order.state not in ("intended", "sent"):
            return  # the private stream was quicker, and knows better
        if error.outcome in ("refused", "not_sent"):
            self.counts["refused"] += 1
            self._close(order, error.outcome, "answer")
        elif error.outcome == "accepted":
            order.state, order.status, order.learnt = "open", "accepted", "answer"
            order.ask_ns = now_ns
        else:
            self.lost(order, now_ns)

    def lost(self, order: OwnOrder, now_ns: int) -> None:
        """Sent, and no answer came (or the program was killed meanwhile): ask."""
        order.state, order.status = "unknown", "unknown"
        order.lost_ns, order.asked, order.not_found = now_ns, 0, 0
        order.not_found_ns = None
        order.ask_ns = now_ns + int(ASK_AFTER_S[0] * 1e9)
        self.counts["unknown"] += 1

    # asking

    def questions(self, now_ns: int) -> list[Question]:
        """Which orders to ask for now. Each question is answered by :meth:`found`,
        :meth:`missing` or :meth:`no_answer`."""
        due = [
            one
            for one in self._alive.values()
            if one.ask_ns is not None
            and one.ask_ns <= now_ns
            and one.state not in ("intended", "sent")
        ]
        out = []
        for order in due:
            order.ask_ns = None
            out.append(Question(order=order, last=self._enough(order, now_ns)))
        return out

    def _enough(self, order: OwnOrder, now_ns: int) -> bool:
        since_ns = order.not_found_ns
        return (
            order.not_found >= NOT_FOUND_TIMES
            and since_ns is not None
            and now_ns - since_ns >= NOT_FOUND_S * 1e9
        )

    def _ask_again(self, order: OwnOrder, now_ns: int) -> None:
        order.asked += 1
        begun_ns = order.lost_ns or now_ns
        if order.asked < len(ASK_AFTER_S):
            order.ask_ns = max(now_ns, begun_ns + int(ASK_AFTER_S[order.asked] * 1e9))
        else:
            order.ask_ns = now_ns + int(ASK_FOR_EVER_S * 1e9)

    def found(self, question: Question, known: Order, now_ns: int) -> None:
        """The venue has it."""
        order = question.order
        order.asked = order.not_found = 0
        order.not_found_ns = order.lost_ns = None
        self._apply(order, known, "rest")
        since_ns = order.cancel_wanted_ns
        if since_ns is not None and now_ns - since_ns > CANCEL_AGAIN_S * 1e9:
            order.cancel_wanted_ns = None

    def missing(self, question: Question, now_ns: int) -> None:
        """The venue says that it has no such order: perhaps not yet."""
        order = question.order
        if order.state == "closed":
            return
        if question.last:
            self.counts["resolved"] += order.state == "unknown"
            # One that was there is over and forgotten by the venue, perhaps filled before.
            order.fills_doubtful = order.id is not None
            self._close(order, "not_placed" if order.id is None else "gone", "rest")
            return
        order.not_found += 1
        if order.not_found_ns is None:
            order.not_found_ns = now_ns
        if order.lost_ns is None:
            order.lost_ns = now_ns
        self._ask_again(order, now_ns)

    def no_answer(self, question: Question, error: VocxError, now_ns: int) -> None:
        """The question itself failed: ask again, for as long as it takes."""
        question.order.why = str(error)
        self._ask_again(question.order, now_ns)

    def ask(self, order: OwnOrder, now_ns: int) -> None:
        """Something contradicts what is known of this order: ask for it soon."""
        if order.state != "closed" and (order.ask_ns is None or order.ask_ns > now_ns):
            order.ask_ns = now_ns

    # what the private stream and REST say

    def take(self, fact: Order | Fill, now_ns: int) -> OwnOrder | None:
        """Apply one event; the order of ours that it is about, if it is."""
        if isinstance(fact, Fill):
            return self._take_fill(fact)
        order = self.orders.get(fact.client_order_id) or self._by_id.get(fact.id)
        if order is not None:
            self._apply(order, fact, fact.source)
        return order

    def _take_fill(self, fill: Fill) -> OwnOrder | None:
        order = self.orders.get(fill.client_order_id or "") or self._by_id.get(fill.order_id)
        if order is not None:
            if fill.derived:
                order.unconfirmed.append(fill)
                self._confirm(order)
            elif not any(one.derived for one in order.fills.values()):
                self._fill(order, fill)
            return order
        named = fill.client_order_id is not None
        if not named and any(one.id is None for one in self._alive.values()):
            self._early.append(fill)  # perhaps before the acknowledgement of its order
        elif fill.id not in self._seen:
            self.strange_fills.append(fill)
        return None

    def _confirm(self, order: OwnOrder) -> None:
        """Count fills that the venue derived, as far as the order's own figure goes."""
        while order.unconfirmed:
            fill = order.unconfirmed[0]
            if order.filled_by_fills + fill.quantity > order.filled:
                return
            if fill.id not in self._seen:
                order.derived_unmatched += fill.quantity
            self._fill(order, order.unconfirmed.pop(0))

    def take_rows(self, order: OwnOrder, rows: Iterable[Fill]) -> None:
        """All fills of an order, as REST lists them. What was told before as the growth of the
        order stands for the oldest of those that were not counted yet."""
        for row in rows:
            if row.id in self._seen:
                continue
            told = min(order.derived_unmatched, row.quantity)
            order.derived_unmatched -= told
            if told == row.quantity:
                self._seen[row.id] = None
                continue
            left = row.quantity - told
            part = row.fee * left / row.quantity
            self._fill(order, msgspec.structs.replace(row, quantity=left, fee=part))
        order.fills_doubtful = False
        self._note_short(order)

    def _accept(self, order: OwnOrder, id: int | str, status: str, learnt: str) -> None:
        if order.id is None:
            order.id = id
            self._by_id[id] = order
            self.records.append({"do": "ack", "id": order.client_order_id, "venue_id": id})
            for fill in [one for one in self._early if one.order_id == id]:
                self._take_fill(fill)
        if order.state == "closed" and order.status not in _INFERRED:
            return
        if order.state == "unknown":
            self.counts["resolved"] += 1
        order.state, order.status, order.learnt = "open", status, learnt
        if order.cancel_wanted_ns is None:
            order.ask_ns = None
        self._alive[order.client_order_id] = order

    def _apply(self, order: OwnOrder, known: Order, learnt: str) -> None:
        told = order.status not in _INFERRED
        late = known.filled < order.filled or (known.open and order.state == "closed" and told)
        self._accept(order, known.id, known.status, learnt)
        if late:
            self.counts["late"] += 1
            return
        order.filled = max(order.filled, known.filled)
        order.filled_quote = max(order.filled_quote, known.filled_quote or _ZERO)
        if known.quantity is not None:
            order.quantity = known.quantity
        if known.price is not None:
            order.price = known.price
        self._confirm(order)
        order.unconfirmed.clear()  # it was counted by its rows already
        self._note_short(order)
        order.amending = False
        if not known.open:
            order.why = known.reason or order.why
            self._close(order, known.status, learnt)

    def _fill(self, order: OwnOrder, fill: Fill) -> None:
        if fill.id in self._seen:
            return
        self._seen[fill.id] = None
        while len(self._seen) > 100 * CLOSED_KEPT:
            self._seen.popitem(last=False)
        order.fills[fill.id] = fill
        self._position.add(fill)
        told = {name: getattr(fill, name) for name in fill.__struct_fields__}
        self.records.append({"do": "fill", "id": order.client_order_id, "fill": told})
        order.filled_by_fills += fill.quantity
        if order.filled_by_fills > order.filled:
            order.filled = order.filled_by_fills
            order.filled_quote = sum(
                (one.quantity * one.price for one in order.fills.values()), _ZERO
            )
        self._note_short(order)
        if order.state == "unknown":
            self.counts["resolved"] += 1
            order.state, order.ask_ns = "open", None
        if order.state == "open" and order.left == 0:
            self._close(order, "filled", fill.source)

    def _close(self, order: OwnOrder, status: str, learnt: str) -> None:
        if (order.state, order.status) == ("closed", status):
            return
        order.state, order.status, order.learnt, order.ask_ns = "closed", status, learnt, None
        self._alive.pop(order.client_order_id, None)
        self._note_short(order)
        ended = {"do": "end", "id": order.client_order_id, "status": status}
        self.records.append({**ended, "filled": f"{order.filled:f}"})

    def _note_short(self, order: OwnOrder) -> None:
        if order.fills_missing:
            self._short[order.client_order_id] = order
        else:
            self._short.pop(order.client_order_id, None)

    def _forget_old(self) -> None:
        over = len(self.orders) - len(self._alive) - CLOSED_KEPT
        if over <= 0:
            return
        closed = [key for key, one in self.orders.items() if one.state == "closed"]
        for key in closed[:over]:
            gone = self.orders.pop(key)
            self._short.pop(key, None)
            if gone.id is not None:
                self._by_id.pop(gone.id, None)

    # after a restart

    def restore(self, records: Iterable[dict[str, Any]], now_ns: int) -> list[OwnOrder]:
        """Orders of an earlier run that may still be open, from its journal; each is asked for."""
        for record in records:
            kind, name = record.get("do"), str(record.get("id", ""))
            if kind == "place" and record.get("symbol") == self.symbol:
                self.orders[name] = self._alive[name] = _from_journal(name, record)
            elif kind == "ack" and name in self.orders:
                self._by_id[record["venue_id"]] = self.orders[name]
                self.orders[name].id = record["venue_id"]
            elif kind == "end" and name in self.orders:
                order = self.orders[name]
                order.filled = max(order.filled, Decimal(record.get("filled", "0")))
                self._close(order, str(record.get("status", "closed")), "journal")
            elif kind == "fill" and name in self.orders:
                self._fill(self.orders[name], msgspec.convert(record["fill"], Fill, strict=False))
        restored = self.alive()
        for order in restored:
            self.lost(order, now_ns)
            order.ask_ns = now_ns
        self._forget_old()
        self.records.clear()
        return restored


def _from_journal(name: str, record: dict[str, Any]) -> OwnOrder:
    price = record.get("price")
    return OwnOrder(
        name,
        record["symbol"],
        record["side"],
        record["type"],
        Decimal(record["quantity"]),
        None if price is None else Decimal(price),
        record.get("time_in_force"),
        record.get("slot", ""),
        int(record["at_ns"]),
    )


def journal_record(order: OwnOrder) -> dict[str, Any]:
    """What stands in the journal before an order leaves."""
    return {
        "do": "place",
        "id": order.client_order_id,
        "at_ns": order.made_ns,
        "symbol": order.symbol,
        "side": order.side,
        "type": order.type,
        "quantity": f"{order.quantity:f}",
        "price": None if order.price is None else f"{order.price:f}",
        "time_in_force": order.time_in_force,
        "slot": order.slot,
    }
