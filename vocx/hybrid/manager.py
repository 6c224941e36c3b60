"""The order manager: places, amends, cancels and asks by REST, each call in a thread that may wait.

What is known of each order stands in an :class:`~vocx.hybrid.orders.OrderTable`, which has the
rules of outcomes; what was meant stands in a :class:`~vocx.hybrid.journal.Journal` before it
leaves. Placements, cancels and questions wait in threads of their own kind: ten slow answers to
placements do not hold up a cancel.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Literal

from vocx.errors import (
    DuplicateOrder,
    JournalError,
    Maintenance,
    OrderNotFound,
    StreamStopped,
    VocxError,
)
from vocx.exchange import Exchange
from vocx.facts import Fact, Fill, Gap, Order, OrderAck
from vocx.hybrid.fallback import AccountCheck, ClosedVenue
from vocx.hybrid.journal import Journal
from vocx.hybrid.orders import OrderTable, OwnOrder, Question, journal_record
from vocx.hybrid.strategy import Action, Amend, Bounds, Pace, Place, Want
from vocx.hybrid.workers import Workers
from vocx.timing import mono_ns, wall_ns

THREADS = {"place": 4, "cancel": 4, "ask": 4}
FILLS_PATIENCE_NS, FILLS_PATIENCE_CAP_NS = 1_000_000_000, 60_000_000_000
"""Fills that an order's figure says there are, and that no event told, are asked for after a
second; each further time after twice as long."""
FINISH_NS = 100_000_000
"""While it ends, an unknown order is asked for so often."""


class OrderManager:
    """Orders of one symbol at one venue.

    Parameters
    ----------
    exchange : Exchange
        A handle of its own (:meth:`~vocx.exchange.Exchange.background`): it is aborted at the end.
    via : str
        ``"rest"`` or ``"websocket"`` for placements.
    changed : callable
        Told, from any thread, that something may be due.

    Attributes
    ----------
    failed : str
        Why nothing may be placed any more: the journal, or a defect; empty while all is well.
    errors : deque of str
        The latest hundred.
    """

    def __init__(
        self,
        exchange: Exchange,
        symbol: str,
        *,
        via: Literal["rest", "websocket"],
        changed: Callable[[], None],
    ) -> None:
        self.exchange, self.symbol = exchange, symbol
        self.lock = threading.RLock()
        self.table = OrderTable(symbol)
        self.account_check = AccountCheck()
        self.maintenance = ClosedVenue()
        self.errors: deque[str] = deque(maxlen=100)
        self.failed = ""
        self.workers = Workers(THREADS, self._defect)
        self._pace = Pace()
        self._journal: Journal | None = None
        self._via, self._changed = via, changed
        self._stopping = False
        self._fills_due: dict[str, tuple[int, int]] = {}

    def open(self, journal: Journal) -> None:
        """Take up what an earlier run left open. The journal is closed by :meth:`close`."""
        self._journal = journal
        with self.lock:
            self.table.restore(journal, wall_ns())
        journal.records.clear()

    def fail(self, why: str) -> None:
        """Place nothing any more."""
        self.failed = why
        self.errors.append(why)

    def _defect(self, kind: str, error: Exception) -> None:
        self.fail(f"internal error ({kind}): {error!r}")

    def note(self, error: VocxError) -> None:
        """Keep an error to be shown; a closed venue is remembered."""
        self.errors.append(str(error))
        if isinstance(error, Maintenance):
            self.maintenance.begin(error.text or "the venue is closed", mono_ns())

    # what the strategy wants done

    def may_send(self, bounds: Bounds) -> int:
        """Placements and amendments that may leave now."""
        with self.lock:
            return self._pace.left(bounds, mono_ns())

    def do(self, action: Action) -> None:
        """Begin it; what comes of it shows in the table."""
        if isinstance(action, Place):
            order = self._new_order(action.want)
            self.workers.submit("place", self._place, order)
        elif isinstance(action, Amend):
            with self.lock:
                self._pace.count(mono_ns())
                action.order.amending = True
            self.workers.submit("place", self._amend, action.order, action.quantity)
        else:
            self.cancel(action.order)

    def cancel(self, order: OwnOrder) -> None:
        """Begin to cancel, unless that is under way."""
        with self.lock:
            if order.cancel_wanted_ns is not None or not order.alive:
                return
            order.cancel_wanted_ns = wall_ns()
        self.workers.submit("cancel", self._cancel, order)

    def _new_order(self, one: Want) -> OwnOrder:
        order = OwnOrder(
            self.exchange.new_client_order_id(),
            self.symbol,
            one.side,
            one.type,
            one.quantity,
            one.price,
            "GTC" if one.type == "limit" else None,
            one.key,
            wall_ns(),
        )
        with self.lock:
            self.table.add(order)
            self._pace.count(mono_ns())
        return order

    def _place(self, order: OwnOrder) -> None:
        """Journal, then send, once; whatever comes of it is a fact of the table."""
        assert self._journal is not None
        try:
            self._journal.write(journal_record(order))
        except JournalError as error:
            self.fail(str(error))
        with self.lock:
            if self._stopping or self.failed:
                self._not_sent(order)
                return
            self.table.sending(order)
        try:
            answer = self.exchange.place_order(
                order.symbol,
                order.side,
                order.quantity,
                type=order.type,
                price=order.price,
                time_in_force=order.time_in_force,
                client_order_id=order.client_order_id,
                via=self._via,
            )
        except DuplicateOrder:  # it is there already
            with self.lock:
                self.table.lost(order, wall_ns())
        except VocxError as error:
            self.note(error)
            with self.lock:
                self.table.failed(order, error, wall_ns())
        else:
            with self.lock:
                self.table.answered(order, answer, wall_ns())
        self._told()

    def _not_sent(self, order: OwnOrder) -> None:
        why = self.failed or "the client was stopped before this order was sent"
        self.table.failed(order, StreamStopped(why, outcome="not_sent"), wall_ns())

    def _amend(self, order: OwnOrder, quantity: object) -> None:
        """Less of the same, which every venue does in place. Should one make a new order of it
        all the same, that one is cancelled: no journal knows its name."""
        try:
            answer = self.exchange.amend(self._named(order), quantity)  # type: ignore[arg-type]
        except VocxError as error:
            self.note(error)
            with self.lock:
                self.table.ask(order, wall_ns())
        else:
            with self.lock:
                if answer.id == order.id:
                    self.table.answered(order, answer, wall_ns())
                else:
                    self.table.ask(order, wall_ns())
            if answer.id != order.id:
                self.exchange.cancel_order(answer)
        finally:
            order.amending = False
        self._told()

    def _named(self, order: OwnOrder) -> OrderAck | str:
        """By the venue's id as soon as it is known: some venues are slow to find the client's."""
        if order.id is None:
            return order.client_order_id
        return OrderAck(
            symbol=order.symbol,
            id=order.id,
            client_order_id=order.client_order_id,
        )

    def _cancel(self, order: OwnOrder) -> None:
        try:
            answer = self.exchange.cancel_order(self._named(order), order.symbol)
        except VocxError as error:
            # Not found: filled, cancelled, or not there yet; else: try again at the next look.
            if not isinstance(error, OrderNotFound):
                self.note(error)
            with self.lock:
                order.cancel_wanted_ns = None
                self.table.ask(order, wall_ns())
        else:
            with self.lock:
                self.table.answered(order, answer, wall_ns())
        self._told()

    # what the private stream says

    def take(self, fact: Fact) -> None:
        """Apply one event of the account."""
        now_ns = wall_ns()
        with self.lock:
            if isinstance(fact, Gap):
                for order in self.table.alive():
                    self.table.ask(order, now_ns)
            elif isinstance(fact, Order | Fill):
                self.table.take(fact, now_ns)
        self._told()

    def _told(self) -> None:
        self._write_records()
        self._changed()

    def _write_records(self) -> None:
        journal = self._journal
        if journal is None:
            return
        with self.lock:
            records, self.table.records = self.table.records, []
            try:
                for record in records:
                    journal.write(record, sync=False)
            except JournalError as error:
                self.fail(str(error))

    # what is asked by REST

    def keep(self, account_age_ms: float | None) -> None:
        """Begin to ask for whatever is due; never waits."""
        self._ask_for_orders()
        now_ns = mono_ns()
        if self.account_check.due(account_age_ms, now_ns):
            self.workers.submit_once("ask", self._check_account)
        if self.maintenance.due(now_ns):
            self.workers.submit_once("ask", self._ask_for_status)
        if self._fills_wanted(now_ns):
            self.workers.submit_once("ask", self._ask_for_fills)

    def _ask_for_orders(self) -> None:
        with self.lock:
            questions = self.table.questions(wall_ns())
        for question in questions:
            self.workers.submit("ask", self._ask_for, question)

    def _ask_for(self, question: Question) -> None:
        order = question.order
        try:
            known = self._resting(order) if question.last else None
            if known is None:
                known = self.exchange.order(self._named(order), order.symbol)
        except OrderNotFound:
            with self.lock:
                self.table.missing(question, wall_ns())
        except VocxError as error:
            self.note(error)
            with self.lock:
                self.table.no_answer(question, error, wall_ns())
        else:
            with self.lock:
                self.table.found(question, known, wall_ns())
        self._told()

    def _resting(self, order: OwnOrder) -> Order | None:
        """Another kind of question: is it among the open ones?"""
        found = self.exchange.open_orders(order.symbol)
        names = (order.client_order_id, order.id)
        return next((one for one in found if one.client_order_id in names or one.id in names), None)

    def _check_account(self) -> None:
        begun_ns = mono_ns()
        try:
            open_now = self.exchange.open_orders(self.symbol)
        except VocxError as error:
            self.note(error)
            return
        self.account_check.checked_ns = begun_ns
        names = {one.client_order_id for one in open_now} | {one.id for one in open_now}
        now_ns = wall_ns()
        with self.lock:
            for known in open_now:
                self.table.take(known, now_ns)
            for order in self.table.alive():
                if order.client_order_id not in names and order.id not in names:
                    self.table.ask(order, now_ns)
        self._told()

    def _fills_wanted(self, now_ns: int) -> list[OwnOrder]:
        """Orders that are known to be filled further than their fills say, for long enough."""
        with self.lock:
            short = self.table.short()
            names = {one.client_order_id for one in short}
            for gone in self._fills_due.keys() - names:
                del self._fills_due[gone]
            for name in names:
                first = (now_ns + FILLS_PATIENCE_NS, FILLS_PATIENCE_NS)
                self._fills_due.setdefault(name, first)
            return [one for one in short if self._fills_due[one.client_order_id][0] <= now_ns]

    def _ask_for_fills(self) -> None:
        for order in self._fills_wanted(mono_ns()):
            try:
                rows = self.exchange.fills(order.symbol, order=order.id)
            except VocxError as error:
                self.note(error)
                rows = None
            with self.lock:
                if rows is not None:
                    self.table.take_rows(order, rows)
                _, waited_ns = self._fills_due.get(order.client_order_id, (0, FILLS_PATIENCE_NS))
                next_ns = min(2 * waited_ns, FILLS_PATIENCE_CAP_NS)
                self._fills_due[order.client_order_id] = (mono_ns() + next_ns, next_ns)
        self._told()

    def _ask_for_status(self) -> None:
        try:
            told = self.exchange.status()
        except VocxError as error:
            self.note(error)
            return
        if told.state != "maintenance":
            self.maintenance.end()

    # the end

    def finish(self, cancel: bool, deadline: float) -> None:
        """Place nothing more, cancel what is open, find out what is unknown and which fills are
        missing, until this ``time.monotonic()``."""
        with self.lock:
            self._stopping = True
        hurried: set[str] = set()
        while time.monotonic() < deadline:
            with self.lock:
                left, short = self.table.alive(), self.table.short()
                now_ns = wall_ns()
                for name in {one.client_order_id for one in short} - hurried:
                    self._fills_due[name] = (0, FINISH_NS)
                    hurried.add(name)
                for order in left:
                    if order.ask_ns is not None:  # sooner than by the schedule
                        self.table.ask(order, now_ns + FINISH_NS)
            on_its_way = any(one.state in ("intended", "sent") for one in left)
            if not on_its_way and not short and not (cancel and left):
                return
            if cancel:
                for order in left:
                    if order.state not in ("intended", "sent"):
                        self.cancel(order)
            self._ask_for_orders()
            if self._fills_wanted(mono_ns()):
                self.workers.submit_once("ask", self._ask_for_fills)
            begun = time.monotonic()
            ended = self.workers.wait(min(deadline, begun + FINISH_NS / 1e9))
            if ended and (
                self.table.alive() or short
            ):  # a venue that refuses at once is not asked at once
                time.sleep(max(0.0, begun + FINISH_NS / 2e9 - time.monotonic()))

    def close(self, deadline: float) -> None:
        """End all threads; what still waits is cut off."""
        with self.lock:
            self._stopping = True
        self.workers.close()
        self.exchange.abort()
        self.workers.join(deadline)
        with self.lock:
            for order in self.table.alive():
                if order.state == "intended":
                    self._not_sent(order)
        self._write_records()
        if self._journal is not None:
            self._journal.close()
