"""What is known of an account: its orders, fills and balances, kept from a private stream.

Events are applied so that one that comes twice, late, or again by REST changes nothing: an order
never un-fills and never reopens, a fill counts once, a balance gives way only to a younger one.

A private stream has no past: what happened during an outage was told to nobody. So after each
login the account is asked by REST (:class:`Reconciler`), and what that adds is handed on like any
event, marked ``source="rest"``, behind the :class:`~vocx.facts.Gap` that names the outage. The
window that is asked about begins at the last event before the outage and is fixed when the
connection is lost: nothing that comes later moves it, until an answer has come.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal

import msgspec

from vocx.errors import VocxError
from vocx.facts import Balance, Fact, Fill, Order
from vocx.stream.background import Background
from vocx.stream.stats import Counters
from vocx.venues.base import Credentials

ORDERS, FILLS = 1000, 1000
_FILLS_SEEN = 10_000
_OVERLAP_NS = 60_000_000_000
_FIRST_RETRY_S, _RETRY_CAP_S = 0.5, 10.0


class ReconcileRequest(msgspec.Struct, frozen=True):
    """What to ask for after a login: orders last known open, symbols seen, and since when fills
    may be missing (nanoseconds since the epoch by the venue's clock; ``None``: nothing was known
    before, this is the first login)."""

    open: Sequence[Order]
    symbols: Collection[str]
    since_ns: int | None


Reconcile = Callable[[ReconcileRequest, threading.Event], Sequence[Fact]]
"""Asks for the account by REST; the event ends its waiting."""


class AccountAccess(msgspec.Struct, frozen=True, kw_only=True):
    """What the private channels of a stream need of their owner.

    ``credentials`` gives the key (or raises why there is none), ``now_ns`` the time by the
    venue's clock, ``measure_clock`` measures that again, ``reconcile`` asks by REST what an
    outage swallowed (``None``: nobody asks), ``settle`` gives a fact the symbol that the venue's
    instruments say (``None``: as its adapter read it).
    """

    credentials: Callable[[], Credentials]
    now_ns: Callable[[], int]
    measure_clock: Callable[[], object]
    reconcile: Reconcile | None = None
    settle: Callable[[Fact], Fact] | None = None


class Account:
    """All that one private socket told. Its reader writes, anybody reads.

    Attributes
    ----------
    orders : dict
        Latest state by (symbol, id), the latest changed last; at most 1,000.
    recent : deque
        Fills, newest last.
    balances : dict
        By asset.
    """

    def __init__(self, counters: Counters) -> None:
        self.orders: OrderedDict[tuple[str, int | str], Order] = OrderedDict()
        self.recent: deque[Fill] = deque(maxlen=FILLS)
        self.balances: dict[str, Balance] = {}
        self._counters = counters
        self._seen: OrderedDict[tuple[str, int | str], None] = OrderedDict()
        self._derived: OrderedDict[tuple[str, int | str], tuple[int, Decimal]] = OrderedDict()
        self._symbols: set[str] = set()
        self._stamp_ns: int | None = None
        self._since_ns: int | None = None
        self.changed_ns: int | None = None

    def take(self, fact: Fact) -> bool:
        """Apply one fact; whether it was news."""
        if isinstance(fact, Order):
            news = self._order(fact)
        elif isinstance(fact, Fill):
            news = self._fill(fact)
        else:
            assert isinstance(fact, Balance)
            news = self._balance(fact)
        if news:
            self.changed_ns = fact.arrived_ns
            if fact.exchange_ns is not None:
                self._stamp_ns = max(self._stamp_ns or 0, fact.exchange_ns)
        return news

    def on_connect(self, venue_ns: int) -> None:
        """A login; the venue's time of it. Before any event, fills may be missing from here."""
        if self._stamp_ns is None:
            self._stamp_ns = venue_ns

    def on_disconnect(self) -> None:
        """What comes from now on is missed: the window begins at the last event, and stays."""
        if self._since_ns is None and self._stamp_ns is not None:
            self._since_ns = self._stamp_ns - _OVERLAP_NS

    def on_reconciled(self, request: ReconcileRequest) -> None:
        """What was missed is known: the next outage has a window of its own."""
        if self._since_ns == request.since_ns:
            self._since_ns = None

    def _order(self, fact: Order) -> bool:
        key = (fact.symbol, fact.id)
        before = self.orders.get(key)
        if before is not None:
            if _same(before, fact):
                self._count(fact, late=False)
                return False
            if (
                fact.filled < before.filled
                or (fact.open and not before.open)
                or _is_late_row(fact, before)
            ):
                self._count(fact, late=True)
                return False
        self._symbols.add(fact.symbol)
        self.orders[key] = fact
        self.orders.move_to_end(key)
        while len(self.orders) > ORDERS:
            closed = (one for one, order in self.orders.items() if not order.open)
            del self.orders[next(closed, next(iter(self.orders)))]
        return True

    def _fill(self, fact: Fill) -> bool:
        key = (fact.symbol, fact.id)
        if key in self._seen:
            self._count(fact, late=False)
            return False
        self._seen[key] = None
        if len(self._seen) > _FILLS_SEEN:
            self._seen.popitem(last=False)
        if self._was_derived(fact):
            return False
        self._symbols.add(fact.symbol)
        self.recent.append(fact)
        return True

    def _was_derived(self, fact: Fill) -> bool:
        """Whether REST's row is of what a stream told as the growth of its order: what the order
        had before that was never derived, so older rows are news."""
        key = (fact.symbol, fact.order_id)
        before = self.orders.get(key)
        begun_ns = (before.exchange_ns if before is not None and before.filled else None) or 0
        begun_ns, quantity = self._derived.get(key, (begun_ns, Decimal(0)))
        if fact.derived:
            self._derived[key] = (begun_ns, quantity + fact.quantity)
            if len(self._derived) > ORDERS:
                self._derived.popitem(last=False)
            return False
        if fact.quantity > quantity or (fact.exchange_ns or 0) <= begun_ns:
            return False
        self._derived[key] = (begun_ns, quantity - fact.quantity)
        return True

    def _balance(self, fact: Balance) -> bool:
        before = self.balances.get(fact.asset)
        if before is not None:
            if (before.exchange_ns or 0) > (fact.exchange_ns or 0):
                self._count(fact, late=True)
                return False
            if fact.source == "rest" and (before.free, before.locked) == (fact.free, fact.locked):
                return False
        self.balances[fact.asset] = fact
        return True

    def _count(self, fact: Order | Fill | Balance, *, late: bool) -> None:
        """REST repeats what is known by its nature; from a stream it is worth counting."""
        if fact.source == "stream":
            self._counters.out_of_order += late
            self._counters.duplicates += not late

    def reconcile_request(self) -> ReconcileRequest:
        """What to ask for now."""
        still_open = [one for one in list(self.orders.values()) if one.open]
        return ReconcileRequest(still_open, sorted(self._symbols), self._since_ns)


def _is_late_row(fact: Order, before: Order) -> bool:
    """Whether a stream's row of an open order is older than what the stream told before: one of
    before an amendment. REST's time of a last change says nothing of when it was asked."""
    both = fact.source == before.source == "stream" and fact.open and before.open
    grown = fact.filled > before.filled
    return both and not grown and (fact.exchange_ns or 0) < (before.exchange_ns or 0)


def _same(one: Order, other: Order) -> bool:
    return (one.status, one.filled, one.quantity, one.price) == (
        other.status,
        other.filled,
        other.quantity,
        other.price,
    )


class Reconciler:
    """Asks for the account after each login. Driven by the socket's worker: :meth:`tick` never
    waits; the asking has a thread of its own, and is repeated until it succeeds.

    Attributes
    ----------
    problem : VocxError or None
        Why the latest try failed.
    """

    def __init__(self, account: Account, reconcile: Reconcile, background: Background) -> None:
        self.problem: VocxError | None = None
        self._account, self._reconcile, self._background = account, reconcile, background
        self._arrived: deque[tuple[int, ReconcileRequest, Sequence[Fact] | VocxError]] = deque()
        self._round = 0
        self._due_ns: int | None = None
        self._tries = 0

    def on_connect(self) -> None:
        """A new connection: what an older one asked for is void."""
        self._round += 1
        self._due_ns, self._tries = 0, 0

    def tick(self, now_ns: int, live: bool) -> Sequence[Fact] | None:
        """Facts that have come, else perhaps start to ask."""
        while self._arrived:
            number, request, got = self._arrived.popleft()
            if number != self._round:
                continue
            if not isinstance(got, VocxError):
                self.problem = None
                self._account.on_reconciled(request)
                return got
            self.problem = got
            wait_s = min(_RETRY_CAP_S, _FIRST_RETRY_S * 2.0 ** min(self._tries, 8))
            self._tries += 1
            wait_s = max(wait_s, getattr(got, "retry_after_s", None) or 0.0)
            self._due_ns = now_ns + int(wait_s * 1e9)
        if live and self._due_ns is not None and now_ns >= self._due_ns:
            self._due_ns = None
            request, number = self._account.reconcile_request(), self._round
            self._background.start("vocx-reconcile", lambda: self._work(request, number))
        return None

    def _work(self, request: ReconcileRequest, number: int) -> None:
        got: Sequence[Fact] | VocxError
        try:
            got = self._reconcile(request, self._background.stopping)
        except VocxError as error:
            got = error
        except Exception as error:  # injected: whatever it raises must not be lost
            got = VocxError(f"asking for the account failed: {error!r}")
        self._arrived.append((number, request, got))
