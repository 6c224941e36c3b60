"""The hybrid client: listen for everything that changes, ask for everything that must be done.

::

    market stream --> book, trade --+                          +--> place, amend, cancel by REST
                                    +--> View --> strategy --> compare         |
    private stream -> orders, fills +       (its own thread)       |           v
         ^                                                         +<-- OrderTable <-- answers
         |          keeper: polls REST while a stream is stale, asks for orders of unknown outcome

Four threads besides those of the two streams: the strategy's, the private stream's reader, the
keeper, and up to :data:`WORKERS` that wait for the venue's answers, so that a slow answer holds up
neither the strategy nor the news. The rules are written where they are applied:
:mod:`vocx.hybrid.strategy` (bounds), :mod:`vocx.hybrid.orders` (outcomes),
:mod:`vocx.hybrid.fallback` (sources), :mod:`vocx.hybrid.journal` (what survives a crash).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Literal

import msgspec

from vocx.errors import (
    BadInput,
    DuplicateOrder,
    JournalError,
    Maintenance,
    NotReady,
    OrderNotFound,
    StreamStopped,
    VocxError,
    WaitTimeout,
)
from vocx.exchange import Exchange
from vocx.facts import BookSnapshot, Fill, Gap, Order, Trade
from vocx.hybrid.fallback import AccountCheck, ClosedVenue, MarketSource
from vocx.hybrid.journal import Journal, account_digest
from vocx.hybrid.orders import OrderTable, OwnOrder, Question, journal_record
from vocx.hybrid.pnl import ProfitAndLoss
from vocx.hybrid.strategy import (
    Action,
    Amend,
    Bounds,
    Cancel,
    Pace,
    Place,
    Rejected,
    Source,
    Strategy,
    View,
    Want,
    compare,
)
from vocx.stream import Stream
from vocx.timing import mono_ns, wall_ns

WORKERS = 4
STRATEGY_FAILURES = 10
"""After so many failures in a row a strategy is called no more, and its orders are cancelled."""
_KEEP_S = 0.05
_FILLS_PATIENCE_NS = 1_000_000_000
WhenStale = Literal["cancel", "hold"]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How a hybrid client does.

    Attributes
    ----------
    state : str
        ``"starting"``, ``"running"``, ``"waiting"`` (its view is not good enough to act on),
        ``"maintenance"``, ``"failed"`` (its strategy, or its journal), ``"stopped"``.
    why : str
        In words.
    source, age_ms, account_age_ms
        As in :class:`~vocx.hybrid.View`.
    reconnects, gaps, dropped : int
        Of both streams together.
    budget : float
        The fullest of the venue's limits, as a share of it.
    looks, skipped : int
        Times that the strategy was called, and times that it was not because of its view.
    placed, rejected, unknown, resolved : int
        Orders sent; wants that the bounds forbade; orders whose outcome was unknown at some time,
        and those of them that were found out.
    """

    state: str
    why: str
    source: Source
    age_ms: float | None
    account_age_ms: float | None
    reconnects: int
    gaps: int
    dropped: int
    budget: float
    open_orders: int
    unknown_now: int
    looks: int
    skipped: int
    placed: int
    rejected: int
    unknown: int
    resolved: int
    strategy_errors: int
    pnl: ProfitAndLoss


class HybridClient:
    """One strategy on one symbol of one venue. Nothing happens before :meth:`start`.

    Parameters
    ----------
    exchange : Exchange
        From :func:`vocx.connect`. Orders at a real venue need its two steps.
    symbol : str
        ``"BTC/USDT"``.
    strategy : callable
        From a :class:`~vocx.hybrid.View` to the orders that it wants to rest.
    bounds : Bounds
        What it may do at most.
    max_age_ms : float
        The oldest book on which the strategy is asked.
    every_s : float or None
        How often the strategy looks; ``None``: at each change of book, orders or balances.
    depth : int
        Levels of the book in its view.
    journal : path or None
        Where orders are written before they leave; by default ``vocx-journal-<venue>.jsonl`` in
        the working folder. Name one for each client.
    when_stale : str
        What becomes of resting orders while the view is not good enough: ``"cancel"`` or
        ``"hold"``.
    via : str
        ``"rest"`` or ``"websocket"`` for order entry.

    Examples
    --------
    >>> client = HybridClient(ex, "BTC/USDT", market_maker(quantity="0.01")).start()
    >>> client.status.pnl.total
    >>> client.stop()
    """

    def __init__(
        self,
        exchange: Exchange,
        symbol: str,
        strategy: Strategy,
        *,
        bounds: Bounds | None = None,
        max_age_ms: float = 500.0,
        every_s: float | None = 0.1,
        depth: int = 20,
        journal: str | Path | None = None,
        when_stale: WhenStale = "cancel",
        via: Literal["rest", "websocket"] = "rest",
    ) -> None:
        if when_stale not in ("cancel", "hold"):
            raise BadInput(f'when_stale is {when_stale!r}; write "cancel" or "hold"')
        self.exchange, self.symbol, self.strategy = exchange, symbol, strategy
        self.bounds = bounds or Bounds()
        self.max_age_ms, self.every_s, self.depth = max_age_ms, every_s, depth
        self.when_stale, self.via = when_stale, via
        self.journal_path = Path(journal or f"vocx-journal-{exchange.name}.jsonl")
        self.errors: deque[str] = deque(maxlen=100)
        self.rejected: deque[Rejected] = deque(maxlen=100)
        self.source = MarketSource()
        self._account_check = AccountCheck()
        self._maintenance = ClosedVenue()
        self._lock = threading.RLock()
        self._table = OrderTable(symbol)
        self._pace = Pace()
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._journal: Journal | None = None
        self._market: Stream | None = None
        self._account: Stream | None = None
        self._threads: list[threading.Thread] = []
        self._workers: ThreadPoolExecutor | None = None
        self._futures: set[Future[None]] = set()
        self._polled: tuple[BookSnapshot, int] | None = None
        self._counts = {"looks": 0, "skipped": 0, "rejected": 0, "strategy_errors": 0}
        self._failures_in_a_row = 0
        self._failed = ""
        self._state, self._why = "starting", "not started"
        self._fills_asked_ns: dict[str, int] = {}

    # life

    def start(self) -> HybridClient:
        """Listen, pick up what an earlier run left open, then let the strategy look.

        Raises
        ------
        JournalError
            The journal is in use, another account's, or damaged.
        NotAllowed, BadInput
            Orders are not allowed here, or there is no key.
        """
        if self._threads or self._stopping.is_set():
            raise StreamStopped("a hybrid client is started once; make a new one")
        exchange = self.exchange
        key = exchange.environment.credentials()
        self._journal = Journal(
            self.journal_path,
            venue=exchange.venue.name,
            place=exchange.where,
            account=account_digest(key.key),
        )
        try:
            self._listen()
        except BaseException:
            self._close()
            raise
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="vocx-hybrid-order")
        for work, name in (
            (self._follow_account, "account"),
            (self._keep, "keeper"),
            (self._run_strategy, "strategy"),
        ):
            thread = threading.Thread(target=work, name=f"vocx-hybrid-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def _listen(self) -> None:
        assert self._journal is not None
        exchange, name = self.exchange, f"hybrid {self.exchange.name} {self.symbol}"
        with self._lock:
            self._table.restore(self._journal, wall_ns())
        self._account = exchange.stream("orders", "fills", "balances", name=f"{name}: account")
        self._market = exchange.stream(
            "book", "trades", symbols=self.symbol, name=f"{name}: market"
        )
        self._events = self._account.subscribe(policy="gap")
        self._changes = self._market.subscribe(policy="latest") if self.every_s is None else None

    def stop(self, cancel: bool = True, within_s: float = 2.0) -> list[OwnOrder]:
        """Stop the strategy, cancel this client's orders, and end all threads.

        Returns the orders that may still rest: with ``cancel=False`` all that are open, else those
        that could not be cancelled, or whose end could not be found out, within ``within_s``.
        They stay in the journal, and the next client on it picks them up. Idempotent.
        """
        deadline = time.monotonic() + within_s
        already = self._stopping.is_set()
        self._stopping.set()
        self._wake.set()
        if self._workers is not None and not already:
            self._finish(cancel, deadline)
            self._workers.shutdown(wait=False, cancel_futures=True)
        self._close()
        me = threading.current_thread()
        for thread in self._threads:
            if thread is not me:
                thread.join(max(0.05, deadline - time.monotonic()))
        self._state, self._why = "stopped", "stopped by you" if not self._failed else self._failed
        with self._lock:
            return self._table.alive()

    def _finish(self, cancel: bool, deadline: float) -> None:
        """What is on its way first, then cancels, then questions, until the deadline."""
        for thread in self._threads:
            if thread.name.endswith("strategy") and thread is not threading.current_thread():
                thread.join(max(0.0, (deadline - time.monotonic()) / 2))
        wait_for(list(self._futures), timeout=max(0.0, deadline - time.monotonic()) / 2)
        while cancel and time.monotonic() < deadline:
            with self._lock:
                left = self._table.alive()
                todo = [one for one in left if one.cancel_wanted_ns is None]
                for order in left:
                    if order.state == "unknown" or order.cancel_wanted_ns is not None:
                        self._table.ask(order, wall_ns())
            if not left:
                return
            for order in todo:
                self._submit(self._do_cancel, order)
            self._ask_for_orders()
            wait_for(list(self._futures), timeout=min(0.1, max(0.0, deadline - time.monotonic())))

    def _close(self) -> None:
        for stream in (self._market, self._account):
            if stream is not None:
                stream.stop()
        if self._journal is not None:
            self._write_records()
            self._journal.close()

    def __enter__(self) -> HybridClient:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # what is known

    @property
    def orders(self) -> list[OwnOrder]:
        """This client's orders that rest, or may."""
        with self._lock:
            return self._table.alive()

    def all_orders(self) -> list[OwnOrder]:
        """The closed ones too, oldest first; of those the latest thousand."""
        with self._lock:
            return list(self._table.orders.values())

    def pnl(self, mark: Decimal | None = None) -> ProfitAndLoss:
        """What the fills of this client's orders come to."""
        with self._lock:
            return self._table.pnl(mark)

    def view(self) -> View:
        """What a strategy would see now."""
        market, account = self._market, self._account
        if market is None or account is None:
            raise NotReady("the client has not been started")
        now_ns = wall_ns()
        book, age_ms, source = self._book(market, now_ns)
        trade: Trade | None = None
        with suppress(VocxError):
            trade = market.trade(self.symbol)
        balances = {one.asset: one for one in account.balances()}
        account_age_ms = account.age_ms
        with self._lock:
            orders = tuple(self._table.alive())
            mid = _mid(book)
            pnl = self._table.pnl(mid)
        why = self._not_ready(book, age_ms, account_age_ms)
        return View(
            symbol=self.symbol,
            now_ns=now_ns,
            book=book,
            trade=trade,
            age_ms=age_ms,
            source=source,
            orders=orders,
            balances=balances,
            account_age_ms=account_age_ms,
            pnl=pnl,
            ready=not why,
            why=why,
        )

    def _book(
        self, market: Stream, now_ns: int
    ) -> tuple[BookSnapshot | None, float | None, Source]:
        """The book and its age, from the source that is believed."""
        state = None
        with suppress(NotReady):
            state = market.book(self.symbol, self.depth)
        good = state is not None and state.in_sync
        age_ms = None if state is None else state.age_ms
        good = good and age_ms is not None and age_ms <= self.max_age_ms
        if self.source.look(good, mono_ns()) == "stream":
            return (state, age_ms, "stream") if state is not None else (None, None, "none")
        if self._polled is None:
            return None, None, "none"
        book, as_of_ns = self._polled
        return book, (now_ns - as_of_ns) / 1e6, "rest"

    def _not_ready(
        self, book: BookSnapshot | None, age_ms: float | None, account_age_ms: float | None
    ) -> str:
        if self._maintenance.on:
            return f"maintenance: {self._maintenance.text}"
        if book is None:
            return "there is no book that can be vouched for"
        if age_ms is None:
            return "nothing proves how old the book is"
        limit_ms = self.max_age_ms if self.source.source == "stream" else self._poll_age_ms
        if age_ms > limit_ms:
            return f"the book is {age_ms:,.0f} ms old, and {limit_ms:,.0f} ms is the limit"
        if account_age_ms is None:
            return "the account is not known yet"
        return ""

    @property
    def _poll_age_ms(self) -> float:
        """A polled book is as old as the polls are apart; a strategy that wants younger ones says
        so by ``max_age_ms`` below a second, and is not asked on polled books."""
        return max(self.max_age_ms, 0.0)

    @property
    def status(self) -> Status:
        """How it does; see :class:`Status`."""
        streams = [one for one in (self._market, self._account) if one is not None]
        stats = [one.stats for one in streams]
        age_ms = account_age_ms = None
        source: Source = "none"
        if self._market is not None and self._account is not None:
            view = self.view()
            age_ms, account_age_ms, source = view.age_ms, view.account_age_ms, view.source
            pnl = view.pnl
        else:
            pnl = self.pnl()
        with self._lock:
            counts = self._table.counts
            return Status(
                state=self._state,
                why=self._why,
                source=source,
                age_ms=age_ms,
                account_age_ms=account_age_ms,
                reconnects=sum(one.reconnects for one in stats),
                gaps=sum(one.gaps for one in stats),
                dropped=sum(one.dropped for one in stats),
                budget=self._budget_share,
                open_orders=len(self._table.alive()),
                unknown_now=len(self._table.unknown()),
                placed=counts["sent"],
                unknown=counts["unknown"],
                resolved=counts["resolved"],
                pnl=pnl,
                **self._counts,
            )

    @property
    def _budget_share(self) -> float:
        """The fullest of the venue's limits, as a share of it."""
        return max((row.share for row in self.exchange.budget.rows()), default=0.0)

    # the strategy

    def _run_strategy(self) -> None:
        while not self._stopping.is_set():
            self._wait_for_a_look()
            if self._stopping.is_set():
                return
            try:
                self._look()
            except Exception as error:  # a defect of ours must show, and must not trade on
                self._fail(f"internal error: {error!r}")

    def _wait_for_a_look(self) -> None:
        if self.every_s is not None:
            self._stopping.wait(self.every_s)
            return
        assert self._changes is not None
        with suppress(WaitTimeout, StreamStopped):
            self._changes.get(0.1)

    def _look(self) -> None:
        view = self.view()
        if not view.ready or self._failed:
            self._counts["skipped"] += 1
            if not self._failed:
                self._state = "maintenance" if self._maintenance.on else "waiting"
                self._why = view.why
            if self._failed or (self.when_stale == "cancel" and not self._maintenance.on):
                self._do([Cancel(one, view.why) for one in view.orders if one.state == "open"])
            return
        self._state, self._why = "running", ""
        self._counts["looks"] += 1
        try:
            wanted = self.strategy(view)
            listed: Sequence[Want] | None = None if wanted is None else list(wanted)
            if listed is not None and not all(isinstance(one, Want) for one in listed):
                raise BadInput(f"a strategy returns orders made by want(...), not {wanted!r}")
        except Exception as error:  # the strategy is the user's: whatever it raises is shown
            self._strategy_failed(error)
            return
        self._failures_in_a_row = 0
        if listed is None:
            return
        with self._lock:
            may_send = self._pace.left(self.bounds, mono_ns())
        actions, rejected = compare(listed, view, self.bounds, may_send)
        for one in rejected:
            if not self.rejected or self.rejected[-1] != one:
                self.rejected.append(one)
        self._counts["rejected"] += len(rejected)
        self._do(actions)

    def _strategy_failed(self, error: Exception) -> None:
        self._counts["strategy_errors"] += 1
        self._failures_in_a_row += 1
        self.errors.append(f"strategy: {error!r}")
        if self._failures_in_a_row >= STRATEGY_FAILURES:
            self._fail(f"the strategy failed {STRATEGY_FAILURES} times in a row: {error!r}")

    def _fail(self, why: str) -> None:
        self._failed = why
        self._state, self._why = "failed", why
        self.errors.append(why)

    # acting

    def _do(self, actions: Sequence[Action]) -> None:
        for action in actions:
            if isinstance(action, Place):
                order = self._new_order(action.want)
                self._submit(self._do_place, order)
            elif isinstance(action, Amend):
                with self._lock:
                    self._pace.count(mono_ns())
                self._submit(self._do_amend, action.order, action.quantity)
            elif action.order.cancel_wanted_ns is None:
                self._submit(self._do_cancel, action.order)

    def _submit(self, work: Callable[..., None], order: OwnOrder, *more: Decimal) -> None:
        workers = self._workers
        if workers is None:
            return
        if work == self._do_cancel:
            order.cancel_wanted_ns = wall_ns()
        future = workers.submit(work, order, *more)
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)

    def _new_order(self, one: Want) -> OwnOrder:
        now_ns = wall_ns()
        order = OwnOrder(
            self.exchange.new_client_order_id(),
            self.symbol,
            one.side,
            one.type,
            one.quantity,
            one.price,
            "GTC" if one.type == "limit" else None,
            one.key,
            now_ns,
        )
        with self._lock:
            self._table.add(order)
            self._pace.count(mono_ns())
        return order

    def _do_place(self, order: OwnOrder) -> None:
        """Journal, then send, once; whatever comes of it is a fact of the table."""
        assert self._journal is not None
        try:
            self._journal.write(journal_record(order))
        except JournalError as error:
            error.outcome = "not_sent"
            with self._lock:
                self._table.failed(order, error, wall_ns())
            self._fail(str(error))
            return
        if self._stopping.is_set():
            with self._lock:
                stopped = StreamStopped("the client was stopped before this order was sent")
                stopped.outcome = "not_sent"
                self._table.failed(order, stopped, wall_ns())
            return
        with self._lock:
            self._table.sending(order)
        try:
            answer = self.exchange.place_order(
                order.symbol,
                order.side,
                order.quantity,
                type=order.type,
                price=order.price,
                time_in_force=order.time_in_force,
                client_order_id=order.client_order_id,
                via=self.via,
            )
        except DuplicateOrder:  # it is there already
            with self._lock:
                self._table.ask(order, wall_ns())
        except VocxError as error:
            self._note(error)
            with self._lock:
                self._table.failed(order, error, wall_ns())
        else:
            with self._lock:
                self._table.answered(order, answer)
        self._after()

    def _do_amend(self, order: OwnOrder, quantity: Decimal) -> None:
        if order.id is None:
            return
        try:
            answer = self.exchange.amend(order.id, quantity, symbol=order.symbol)
        except VocxError as error:
            self._note(error)
            with self._lock:
                self._table.ask(order, wall_ns())
        else:
            with self._lock:
                self._table.answered(order, answer)
        self._after()

    def _do_cancel(self, order: OwnOrder) -> None:
        """Cancel by the client's id: it works also while the venue's id is not known."""
        try:
            answer = self.exchange.cancel_order(order.client_order_id, order.symbol)
        except OrderNotFound:
            with self._lock:  # filled, cancelled, or not there yet: its end must be found out
                order.cancel_wanted_ns = None
                self._table.ask(order, wall_ns())
        except VocxError as error:
            self._note(error)
            with self._lock:
                order.cancel_wanted_ns = None  # try again at the next look
                self._table.ask(order, wall_ns())
        else:
            with self._lock:
                self._table.answered(order, answer)
                if order.state != "closed":
                    self._table.ask(order, wall_ns() + 500_000_000)
        self._after()

    def _note(self, error: VocxError) -> None:
        self.errors.append(str(error))
        if isinstance(error, Maintenance):
            self._maintenance.begin(error.text or "the venue is closed", mono_ns())

    def _after(self) -> None:
        self._write_records()
        self._wake.set()

    def _write_records(self) -> None:
        journal = self._journal
        if journal is None:
            return
        with self._lock:
            records, self._table.records = self._table.records, []
            try:
                for record in records:
                    journal.write(record, sync=False)
            except JournalError as error:
                self._fail(str(error))

    # the account's news

    def _follow_account(self) -> None:
        while not self._stopping.is_set():
            try:
                fact = self._events.get(0.2)
            except WaitTimeout:
                continue
            except StreamStopped as stopped:
                if not self._stopping.is_set():
                    self._fail(f"the private stream ended: {stopped}")
                return
            now_ns = wall_ns()
            with self._lock:
                if isinstance(fact, Gap):
                    for order in self._table.alive():
                        self._table.ask(order, now_ns)
                elif isinstance(fact, Order | Fill):
                    self._table.take(fact, now_ns)
            self._after()

    # the keeper

    def _keep(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(_KEEP_S)
            self._wake.clear()
            if self._stopping.is_set():
                return
            try:
                self._poll_market()
                self._ask_for_orders()
                self._check_account()
                self._ask_for_fills()
                self._ask_for_status()
            except VocxError as error:
                self._note(error)
            except Exception as error:  # must show, and must not end the keeper
                self.errors.append(f"keeper: {error!r}")

    def _poll_market(self) -> None:
        if not self.source.poll_due(mono_ns(), self._budget_share):
            return
        book = self.exchange.order_book(self.symbol, depth=self.depth)
        call = book.http
        as_of_ns = book.arrived_ns if call is None else (call.sent_ns + call.received_ns) // 2
        self._polled = (book, as_of_ns)

    def _ask_for_orders(self) -> None:
        with self._lock:
            questions = self._table.questions(wall_ns())
        for question in questions:
            self._ask_for(question)
        if questions:
            self._write_records()

    def _ask_for(self, question: Question) -> None:
        order = question.order
        try:
            known = self._last_look(order) if question.last else self._by_client_id(order)
        except OrderNotFound:
            with self._lock:
                self._table.missing(question, wall_ns())
        except VocxError as error:
            self._note(error)
            with self._lock:
                self._table.no_answer(question, error, wall_ns())
        else:
            with self._lock:
                self._table.found(question, known, wall_ns())

    def _by_client_id(self, order: OwnOrder) -> Order:
        return self.exchange.order(order.client_order_id, order.symbol)

    def _last_look(self, order: OwnOrder) -> Order:
        """Another kind of question: it neither rests, nor has it a fill."""
        for known in self.exchange.open_orders(order.symbol):
            if known.client_order_id == order.client_order_id:
                return known
        return self._by_client_id(order)

    def _check_account(self) -> None:
        assert self._account is not None
        age_ms = self._account.age_ms
        heard_ns = None if age_ms is None else mono_ns() - int(age_ms * 1e6)
        with self._lock:
            alive = bool(self._table.alive())
        if not self._account_check.due(heard_ns, alive, mono_ns()):
            return
        open_now = self.exchange.open_orders(self.symbol)
        names = {one.client_order_id for one in open_now}
        now_ns = wall_ns()
        with self._lock:
            for known in open_now:
                self._table.take(known, now_ns)
            for order in self._table.alive():
                if order.state == "open" and order.client_order_id not in names:
                    self._table.ask(order, now_ns)
        self._after()

    def _ask_for_fills(self) -> None:
        """An order that is known to be filled further than its fills say."""
        now_ns = mono_ns()
        with self._lock:
            short = [
                one
                for one in self._table.orders.values()
                if one.fills_missing and one.id is not None
            ]
            for one in list(self._fills_asked_ns):
                if all(order.client_order_id != one for order in short):
                    del self._fills_asked_ns[one]
        for order in short:
            first_ns = self._fills_asked_ns.setdefault(order.client_order_id, now_ns)
            if now_ns - first_ns < _FILLS_PATIENCE_NS:
                continue
            self._fills_asked_ns[order.client_order_id] = now_ns
            for fill in self.exchange.fills(order.symbol, order=order.id):
                with self._lock:
                    self._table.take(fill, wall_ns())
            self._after()

    def _ask_for_status(self) -> None:
        if self._maintenance.due(mono_ns()):
            told = self.exchange.status()
            if told.state != "maintenance":
                self._maintenance.end()


def _mid(book: BookSnapshot | None) -> Decimal | None:
    if book is None or book.bid is None or book.ask is None:
        return None
    return (book.bid + book.ask) / 2
