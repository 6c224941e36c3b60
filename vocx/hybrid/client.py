"""The hybrid client: listen for everything that changes, ask for everything that must be done.

::

    market stream --> book, trade --+                          +--> place, amend, cancel by REST
                                    +--> View --> strategy --> compare         |
    private stream -> orders, fills +       (its own thread)       |           v
         ^                                                         +<-- OrderTable <-- answers
         |          keeper: polls REST while a stream is stale, asks for orders of unknown outcome

Three threads besides those of the two streams: the strategy's, the private stream's reader and
the keeper; and those of the order manager that wait for answers (:mod:`vocx.hybrid.manager`), so
that a slow answer holds up neither the strategy nor the news. The rules are written where they
are applied: :mod:`vocx.hybrid.strategy` (bounds), :mod:`vocx.hybrid.orders` (outcomes),
:mod:`vocx.hybrid.fallback` (sources), :mod:`vocx.hybrid.journal` (what survives a crash).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Literal, get_args

import msgspec

from vocx.arguments import brief, check_count, check_number, plain_text
from vocx.call_forms import methods_say_their_form
from vocx.errors import (
    BadInput,
    NotReady,
    StreamStopped,
    UnknownSymbol,
    VocxError,
    WaitTimeout,
)
from vocx.exchange import Exchange
from vocx.exchange.pnl import ProfitAndLoss
from vocx.exchange.private_calls import check_via
from vocx.facts import BookSnapshot, Trade
from vocx.hybrid.fallback import ACCOUNT_POLL_S, ACCOUNT_SILENT_S, MarketSource
from vocx.hybrid.journal import Journal, account_digest
from vocx.hybrid.manager import OrderManager
from vocx.hybrid.orders import OwnOrder
from vocx.hybrid.strategy import (
    Bounds,
    Cancel,
    Rejected,
    Source,
    Strategy,
    View,
    Want,
    check_strategy,
    compare,
)
from vocx.stream import Stream
from vocx.timing import mono_ns, wall_ns
from vocx.venues.base import split_symbol

STRATEGY_FAILURES = 10
"""After so many failures in a row a strategy is called no more, and its orders are cancelled."""
ACCOUNT_LIMIT_MS = (ACCOUNT_SILENT_S + 2 * ACCOUNT_POLL_S) * 1e3
"""Nothing is done on orders and balances that are older, by stream and by REST."""
_KEEP_S = 0.05
_CLOCK_EVERY_NS = 60_000_000_000
_CLOSE_S = 0.9
"""What :meth:`HybridClient.stop` keeps of its time for ending the streams."""
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


@methods_say_their_form
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
        The oldest book on which the strategy is asked. Below 1,250 ms it is not asked on polled
        books: it waits for the stream.
    every_s : float or None
        How often the strategy looks; ``None``: at each change of the book and each trade, and ten
        times a second at least.
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

    Raises
    ------
    BadInput, UnknownSymbol
        One of these is not what it has to be; nothing is written or sent.

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
        if not isinstance(exchange, Exchange):
            raise BadInput(f'{brief(exchange)} is no exchange; write vocx.connect("binance")')
        symbol = plain_text(symbol)
        split_symbol(symbol)
        check_strategy(strategy)
        if bounds is not None and not isinstance(bounds, Bounds):
            raise BadInput(f"bounds are {brief(bounds)}; write Bounds(open_orders=2)")
        if not isinstance(when_stale, str) or when_stale not in get_args(WhenStale):
            raise BadInput(f'when_stale is {brief(when_stale)}; write "cancel" or "hold"')
        check_via(via)
        if via == "websocket" and exchange.venue.order_socket is None:
            raise BadInput(f"{exchange.venue.name} takes no orders over a WebSocket: leave via out")
        self.exchange, self.symbol, self.strategy = exchange, symbol, strategy
        self.bounds = bounds or Bounds()
        self.max_age_ms = check_number(max_age_ms, "max_age_ms", above=0)
        self.every_s = None if every_s is None else check_number(every_s, "every_s", above=0)
        self.depth = check_count(depth, "depth", 1, 20)
        self.when_stale, self.via = when_stale, via
        self.journal_path = _path(journal, f"vocx-journal-{exchange.name}.jsonl")
        self.rejected: deque[Rejected] = deque(maxlen=100)
        self.source = MarketSource()
        self._wake, self._stopping = threading.Event(), threading.Event()
        # Its own connections, so that the end of this client is the end of its calls alone.
        self._exchange = exchange.background()
        self._manager = OrderManager(self._exchange, symbol, via=via, changed=self._wake.set)
        self.errors = self._manager.errors
        self._market: Stream | None = None
        self._account: Stream | None = None
        self._threads: list[threading.Thread] = []
        self._polled: tuple[BookSnapshot, int] | None = None
        self._counts = {"looks": 0, "skipped": 0, "rejected": 0, "strategy_errors": 0}
        self._failures_in_a_row = 0
        self._clock_due_ns = 0
        self._state, self._why = "starting", "not started"

    # life

    def start(self) -> HybridClient:
        """Listen, pick up what an earlier run left open, then let the strategy look.

        Raises
        ------
        JournalError
            The journal is in use, another account's, or damaged.
        NotAllowed, BadInput, UnknownSymbol
            Orders are not allowed here, there is no key, or the symbol is not traded.
        StreamStopped
            It was started before, or stopped meanwhile.
        """
        if self._threads or self._stopping.is_set():
            raise StreamStopped("a hybrid client is started once; make a new one")
        exchange = self._exchange
        try:
            exchange.instrument(self.symbol)
        except UnknownSymbol:
            self._stopping.set()
            self._manager.close(time.monotonic() + _CLOSE_S)
            raise
        except VocxError as error:  # whether it is traded shows once the venue answers
            self._manager.note(error)
        journal = Journal(
            self.journal_path,
            venue=exchange.venue.name,
            place=exchange.where,
            account=account_digest(exchange.environment.credentials().key),
        )
        try:
            self._manager.open(journal)
            self._listen()
            if self._stopping.is_set():
                raise StreamStopped("the client was stopped while it started")
        except BaseException:
            self._stopping.set()
            self._manager.close(time.monotonic() + _CLOSE_S)
            raise
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
        name = f"hybrid {self.exchange.name} {self.symbol}"
        account, exchange = ("orders", "fills", "balances"), self._exchange
        self._account = exchange.create_stream(account, (), name=f"{name}: account")
        self._events = self._account.subscribe(policy="gap")
        self._account.start()
        self._market = exchange.stream(
            "book", "trades", symbols=self.symbol, name=f"{name}: market"
        )
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
        if self._threads and not already:
            if self._market is not None:
                self._market.tell_stop()
            self._join(self._threads[-1:], deadline - _CLOSE_S)  # the strategy
            self._manager.finish(cancel, deadline - _CLOSE_S)
        if not already:
            self._manager.close(deadline)
        self._join(self._threads, deadline)
        self._state, self._why = "stopped", self._manager.failed or "stopped by you"
        with self._manager.lock:
            return self._manager.table.alive()

    @staticmethod
    def _join(threads: Sequence[threading.Thread], deadline: float) -> None:
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def __enter__(self) -> HybridClient:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # what is known

    @property
    def orders(self) -> list[OwnOrder]:
        """This client's orders that rest, or may."""
        with self._manager.lock:
            return self._manager.table.alive()

    def all_orders(self) -> list[OwnOrder]:
        """The closed ones too, oldest first; of those the latest thousand."""
        with self._manager.lock:
            return list(self._manager.table.orders.values())

    def pnl(self, mark: Decimal | None = None) -> ProfitAndLoss:
        """What the fills of this client's orders come to."""
        with self._manager.lock:
            return self._manager.table.pnl(mark)

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
        account_age_ms = self._manager.account_check.known_ms(account.age_ms, mono_ns())
        with self._manager.lock:
            orders = tuple(self._manager.table.alive())
            pnl = self._manager.table.pnl(_mid(book))
        why = self._not_ready(book, age_ms, source, account_age_ms)
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
        if self.source.source == "rest":
            if self._polled is None:
                return None, None, "none"
            book, as_of_ns = self._polled
            return book, (now_ns - as_of_ns) / 1e6, "rest"
        with suppress(VocxError):
            state = market.book(self.symbol, self.depth)
            if state.in_sync:
                return state, state.age_ms, "stream"
        return None, None, "none"

    def _stream_is_good(self) -> bool:
        """The stream's book is in sync and fresh, whatever is believed now."""
        assert self._market is not None
        with suppress(VocxError):
            state = self._market.book(self.symbol, 1)
            return state.in_sync and state.age_ms is not None and state.age_ms <= self.max_age_ms
        return False

    def _not_ready(
        self,
        book: BookSnapshot | None,
        age_ms: float | None,
        source: Source,
        account_age_ms: float | None,
    ) -> str:
        if self._manager.maintenance.on:
            return f"maintenance: {self._manager.maintenance.text}"
        polled_ms = self.source.polled_age_ms
        if self.source.source == "rest" and self.max_age_ms < polled_ms:
            return (
                f"the stream is stale, and a polled book may be {polled_ms:,.0f} ms old, where "
                f"{self.max_age_ms:,.0f} ms is the limit"
            )
        if book is None:
            return "there is no book that can be vouched for"
        if age_ms is None:
            return "nothing proves how old the book is"
        if age_ms > self.max_age_ms:
            return f"the book is {age_ms:,.0f} ms old, and {self.max_age_ms:,.0f} ms is the limit"
        if account_age_ms is None:
            return "the account is not known yet"
        if account_age_ms > ACCOUNT_LIMIT_MS:
            return f"orders and balances are {account_age_ms / 1e3:,.0f} s old"
        return ""

    @property
    def status(self) -> Status:
        """How it does; see :class:`Status`."""
        streams = [one for one in (self._market, self._account) if one is not None]
        stats = [one.stats for one in streams]
        age_ms = account_age_ms = None
        source: Source = "none"
        pnl = self.pnl()
        if self._market is not None and self._account is not None:
            view = self.view()
            age_ms, account_age_ms, source = view.age_ms, view.account_age_ms, view.source
            pnl = view.pnl
        state, why = self._state, self._why
        if self._manager.failed and state != "stopped":
            state, why = "failed", self._manager.failed
        with self._manager.lock:
            table = self._manager.table
            return Status(
                state=state,
                why=why,
                source=source,
                age_ms=age_ms,
                account_age_ms=account_age_ms,
                reconnects=sum(one.reconnects for one in stats),
                gaps=sum(one.gaps for one in stats),
                dropped=sum(one.dropped for one in stats),
                budget=self._budget_share,
                open_orders=len(table.alive()),
                unknown_now=len(table.unknown()),
                placed=table.counts["sent"],
                unknown=table.counts["unknown"],
                resolved=table.counts["resolved"],
                pnl=pnl,
                **self._counts,
            )

    @property
    def _budget_share(self) -> float:
        """The fullest of the venue's limits, as a share of it."""
        return max((row.share for row in self._exchange.budget.rows()), default=0.0)

    # the strategy

    def _run_strategy(self) -> None:
        while not self._stopping.is_set():
            self._wait_for_a_look()
            if self._stopping.is_set():
                return
            try:
                self._look()
            except Exception as error:  # a defect of ours must show, and must not trade on
                self._manager.fail(f"internal error: {error!r}")

    def _wait_for_a_look(self) -> None:
        if self.every_s is not None:
            self._stopping.wait(self.every_s)
            return
        assert self._changes is not None
        with suppress(WaitTimeout, StreamStopped):
            self._changes.get(0.1)

    def _look(self) -> None:
        self.source.look(self._stream_is_good(), mono_ns())
        view, failed = self.view(), self._manager.failed
        if failed or not view.ready:
            self._counts["skipped"] += 1
            closed = self._manager.maintenance.on
            self._state, self._why = "maintenance" if closed else "waiting", view.why
            if failed or (self.when_stale == "cancel" and not closed):
                for order in view.orders:
                    if order.state == "open":
                        self._manager.do(Cancel(order, failed or view.why))
            return
        self._state, self._why = "running", ""
        self._counts["looks"] += 1
        try:
            wanted = self.strategy(view)
            listed: Sequence[Want] | None = None if wanted is None else list(wanted)
            if listed is not None and not all(isinstance(one, Want) for one in listed):
                raise BadInput(f"a strategy returns orders made by want(...), not {brief(wanted)}")
        except Exception as error:  # the strategy is the user's: whatever it raises is shown
            self._strategy_failed(error)
            return
        self._failures_in_a_row = 0
        if listed is None:
            return
        may_send = self._manager.may_send(self.bounds)
        actions, rejected = compare(listed, view, self.bounds, may_send)
        for one in rejected:
            if not self.rejected or self.rejected[-1] != one:
                self.rejected.append(one)
        self._counts["rejected"] += len(rejected)
        for action in actions:
            self._manager.do(action)

    def _strategy_failed(self, error: Exception) -> None:
        self._counts["strategy_errors"] += 1
        self._failures_in_a_row += 1
        self.errors.append(f"strategy: {error!r}")
        if self._failures_in_a_row >= STRATEGY_FAILURES:
            self._manager.fail(f"the strategy failed {STRATEGY_FAILURES} times in a row: {error!r}")

    # the account's news, and what is asked besides

    def _follow_account(self) -> None:
        while True:
            try:
                self._manager.take(self._events.get(0.2))
            except WaitTimeout:
                continue
            except StreamStopped as stopped:
                if not self._stopping.is_set():
                    self._manager.fail(f"the private stream ended: {stopped}")
                return

    def _keep(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(_KEEP_S)
            self._wake.clear()
            if self._stopping.is_set():
                return
            try:
                self._keep_up()
            except Exception as error:  # a defect of ours must show, and must not end the keeper
                self._manager.fail(f"internal error: {error!r}")

    def _keep_up(self) -> None:
        """Begin what is due; each call waits in a thread of its own."""
        assert self._account is not None
        workers, now_ns = self._manager.workers, mono_ns()
        if self.source.poll_due(now_ns, self._budget_share):
            workers.submit_once("ask", self._poll_market)
        if now_ns >= self._clock_due_ns:  # before it is needed between a signal and an order
            self._clock_due_ns = now_ns + _CLOCK_EVERY_NS
            workers.submit_once("ask", self._prepare_orders)
        self._manager.keep(self._account.age_ms)

    def _poll_market(self) -> None:
        with self._noted():
            book = self._exchange.order_book(self.symbol, depth=self.depth)
            call = book.http
            sent_ns = book.arrived_ns if call is None else (call.sent_ns + call.received_ns) // 2
            self._polled = (book, sent_ns)

    def _prepare_orders(self) -> None:
        """What a placement would else ask for first: steps of the symbol, the venue's clock."""
        with self._noted():
            self._exchange.instrument(self.symbol)
            _ = self._exchange.clock

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except VocxError as error:
            self._manager.note(error)


def _path(given: object, default: str) -> Path:
    if given is None:
        return Path(default)
    text = str(given) if isinstance(given, Path) else plain_text(given)
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise BadInput(f'journal is {brief(given)}; write a file\'s name, such as "mine.jsonl"')
    return Path(text)


def _mid(book: BookSnapshot | None) -> Decimal | None:
    if book is None or book.bid is None or book.ask is None:
        return None
    return (book.bid + book.ask) / 2
