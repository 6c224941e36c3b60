"""The handle that a notebook holds: what a venue can be asked, and how it is listened to."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from contextlib import suppress
from datetime import datetime
from time import sleep
from typing import TYPE_CHECKING, Literal, TypeVar, cast

from msgspec.structs import replace

from vocx import errors
from vocx.exchange import words
from vocx.exchange.entry import Allowance
from vocx.exchange.listening import Listening
from vocx.exchange.orders import Orders
from vocx.exchange.sending import Sending
from vocx.facts import (
    BookSnapshot,
    Candle,
    Facts,
    Instrument,
    Quote,
    ServerTime,
    Ticker,
    Trade,
)
from vocx.lab.network import round_trip_ms
from vocx.limits import Budget
from vocx.rest import Client, Gate, Standing
from vocx.timing import ClockOffset, HttpExchange, mono_ns
from vocx.venues.base import (
    GetBook,
    GetCandles,
    GetInstruments,
    GetQuote,
    GetTicker,
    GetTime,
    GetTrades,
    Intent,
    Venue,
    split_symbol,
)

if TYPE_CHECKING:
    from vocx.lab import Lab
    from vocx.stream import Stream

Where = Literal["lab", "testnet", "real"]
CLOCK_LIFE_NS = 600_000_000_000
"""The clock offset is measured again when it is older than ten minutes."""
CLOCK_SAMPLES = 5
CLOCK_PATIENCE_NS = 500_000_000
DYING_NS = 300_000_000

T = TypeVar("T")


class Exchange(Orders, Listening):
    """One venue at one place. Made by :func:`connect`; storing only, nothing is sent here.

    Attributes
    ----------
    venue : Venue
        The adapter; ``.venue.name`` is ``"binance"``.
    where : str
        ``"lab"``, ``"testnet"`` or ``"real"``.
    lab : Lab or None
        The lab behind it; ``None`` elsewhere.
    name : str
        Given by you, else the venue's.
    tls : bool
        Whether the lab is asked over https and wss (elsewhere that is always so).
    """

    def __init__(
        self,
        venue: Venue,
        where: Where,
        *,
        lab: Lab | None = None,
        name: str | None = None,
        tls: bool = False,
        allowance: Allowance | None = None,
    ) -> None:
        self.venue = venue
        self.where = where
        self.lab = lab
        self.name = name or venue.name
        self.tls = tls or where != "lab"
        self.budget = Budget(venue.limits)
        self._clock = ClockOffset()
        self._clock_at = 0
        self._instruments: dict[str, Instrument] = {}
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()
        gate = Gate(
            venue.name,
            self.budget,
            notice=words.say,
            standing=self._standing if lab is not None else None,
        )
        self._client = self._new_client(gate)
        self._snapshots = self._new_client(gate)
        self._allowance = allowance or Allowance(where=where)
        self._symbols: OrderedDict[int | str, str] = OrderedDict()
        self._sending = Sending(
            self._new_client(gate, "rest_signed"),
            lambda: self.url("ws_api"),
            ca_file=self.ca_file,
            redact=lab is None,
            explain=self._explain,
            name=self._label,
        )

    def _new_client(self, gate: Gate, purpose: str = "rest") -> Client:
        return Client(
            self.venue,
            lambda: self.url(purpose),
            gate=gate,
            ca_file=self.ca_file,
            redact=self.lab is None,
            distance_ms=self._distance_ms if self.lab is not None else None,
            explain=self._explain,
        )

    # where it is

    @property
    def place(self) -> str:
        """Where this is, in one line."""
        if self.lab is not None:
            return f"{self.name} {words.in_lab(self.lab.config)}: no account, no network"
        if self.where == "testnet":
            return f"{self.name} testnet ({self.url('rest')}): play money, a real network"
        if self._allowance.allow_orders:
            return f"{self.name}, the real one ({self.url('rest_signed')}): REAL ORDERS, REAL MONEY"
        return f"{self.name}, the real one ({self.url('rest')}): public data, no key, no orders"

    @property
    def _label(self) -> str:
        """The name, and the place unless it is the default lab: streams of two labs do not
        replace each other."""
        if self.lab is None:
            return f"{self.name} {self.where}"
        return self.name if self.lab.name == "default" else f"{self.name} (lab {self.lab.name})"

    def __repr__(self) -> str:
        return f"<Exchange {self.name} {self.where}>"

    def __enter__(self) -> Exchange:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def url(self, purpose: str) -> str:
        """The base URL in force for ``"rest"``, ``"rest_signed"``, ``"ws"`` or ``"ws_api"``.

        Raises
        ------
        LabDied
            When the lab behind it is gone.
        """
        if self.lab is not None:
            # One host answers everything here; real venues keep public data apart.
            purpose = "rest" if purpose == "rest_signed" else purpose
            return self.lab.url(self.venue.name, purpose, tls=self.tls)
        return self.venue.hosts[self.where].urls[purpose]

    def ca_file(self) -> str | None:
        """The authority of the lab's certificate; elsewhere the usual ones."""
        return str(self.lab.certificate()) if self.lab is not None and self.tls else None

    def _distance_ms(self) -> float | None:
        """The lab's distance dial for this venue, as a round trip."""
        assert self.lab is not None
        with suppress(errors.VocxError):
            return round_trip_ms(self.lab.network.state, self.venue.name)
        return None

    def _standing(self) -> Standing | None:
        """What the lab's limits say of this machine now: its owner may have scaled them."""
        assert self.lab is not None
        with suppress(errors.VocxError):
            return words.standing(self.lab.control("limits", venue=self.venue.name))
        return None

    def _explain(self, error: errors.TransportError) -> errors.VocxError:
        """A connection that failed because the lab is gone is the lab's death.

        Its sockets close a moment before its process is seen to be gone.
        """
        if self.lab is None:
            return error
        patience = mono_ns() + (DYING_NS if isinstance(error, errors.ConnectFailed) else 0)
        try:
            while True:
                self.lab.url(self.venue.name, "rest")
                if mono_ns() > patience:
                    return error
                sleep(0.01)
        except errors.LabDied as died:
            return died

    # asking

    def time(self) -> ServerTime:
        """The venue's clock now; each call also refines :attr:`clock`."""
        now = self._ask(GetTime(), ServerTime)
        call, stamp = now.exchange, now.exchange_ns
        if call is not None and stamp is not None:
            # A stamp cut to whole milliseconds is half of one too early on average.
            cut = 0 if stamp % 1_000_000 else 500_000
            # The lab's distance holds a new connection's first bytes for the handshake's round
            # trip: that part is over before the request travels (over TLS it is paid earlier).
            phases = call.phases
            held_ms = (phases.emulated_ms or 0.0) if phases.tls_ms is None else 0.0
            sent_ns = call.sent_ns + int(held_ms * 1e6)
            self._clock.add(sent_ns, stamp + cut, call.received_ns)
        return now

    @property
    def clock(self) -> ClockOffset:
        """How far the venue's clock is ahead of ours: round-trip midpoint, median of five;
        measured at first use and again after ten minutes."""
        if not self._clock.known or mono_ns() - self._clock_at > CLOCK_LIFE_NS:
            self._measure_clock()
        return self._clock

    def _measure_clock(self) -> None:
        begun = mono_ns()
        for _ in range(CLOCK_SAMPLES):
            self.time()
            if mono_ns() - begun > CLOCK_PATIENCE_NS:
                break
        self._clock_at = mono_ns()

    def instruments(self) -> Facts[Instrument]:
        """Everything that trades here, with steps and bounds."""
        found = cast("Facts[Instrument]", self._client.call(GetInstruments()))
        self._learn_limits(found.exchange)
        self._instruments.update(
            {one.symbol: replace(one, exchange=found.exchange) for one in found}
        )
        return found

    def instrument(self, symbol: str) -> Instrument:
        """Steps and bounds of one symbol. Asked once, then remembered.

        Raises
        ------
        UnknownSymbol
            With the closest symbols that do exist.
        """
        split_symbol(symbol)
        if symbol not in self._instruments:
            found = self._ask(GetInstruments(symbol=symbol), Instrument)
            self._instruments[symbol] = found
            self._learn_limits(found.exchange)
        return self._instruments[symbol]

    def _learn_limits(self, call: HttpExchange | None) -> None:
        """The budget goes by what the venue says, not by what its documents said once."""
        if call is not None:
            self.budget.learn(self.venue.told_limits(call.reply.partition(b"\r\n\r\n")[2]))

    def ticker(self, symbol: str) -> Ticker:
        """The last 24 hours of a symbol."""
        return self._ask(GetTicker(symbol=symbol), Ticker)

    def quote(self, symbol: str) -> Quote:
        """Best bid and ask."""
        return self._ask(GetQuote(symbol=symbol), Quote)

    def order_book(self, symbol: str, depth: int = 100) -> BookSnapshot:
        """The order book, ``depth`` levels a side."""
        return self._ask(GetBook(symbol=symbol, depth=depth), BookSnapshot)

    def trades(self, symbol: str, limit: int = 500) -> Facts[Trade]:
        """The latest public trades, newest last."""
        return self._ask(GetTrades(symbol=symbol, limit=limit), Facts)

    def candles(
        self,
        symbol: str,
        interval: str,
        limit: int = 500,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> Facts[Candle]:
        """Candles, oldest first; the last one may still be open. ``start`` and ``end`` are
        aware datetimes; ``.frame()`` of the result is a DataFrame."""
        intent = GetCandles(
            symbol=symbol,
            interval=interval,
            limit=limit,
            start_ns=words.epoch_ns(start, "start"),
            end_ns=words.epoch_ns(end, "end"),
        )
        return self._ask(intent, Facts)

    def _ask(self, intent: Intent, kind: type[T]) -> T:
        try:
            result = self._client.call(intent)
        except errors.VocxError as error:
            symbol = getattr(intent, "symbol", None)
            if symbol and error.exchange is not None and words.means_unknown(error):
                raise self._unknown(symbol) from None
            raise
        assert isinstance(result, kind)
        return result

    def _unknown(self, symbol: str) -> errors.UnknownSymbol:
        """The error for a well-formed symbol that is not traded here, with what is."""
        if len(self._instruments) < 2:
            with suppress(errors.VocxError):
                self.instruments()
        return words.unknown_symbol(self.venue.name, symbol, self._instruments)

    def twin(self, *, name: str | None = None, tls: bool | None = None) -> Exchange:
        """Another handle at the same place with connections and a count of its own, so that what
        is measured on one is not paid on the other's. In a lab ``tls`` may differ. Close it."""
        return Exchange(
            self.venue,
            self.where,
            lab=self.lab,
            name=name or self.name,
            tls=self.tls if tls is None else tls,
            allowance=self._allowance,
        )

    def close(self) -> None:
        """Stop the streams that were started here and close the kept connections. The lab goes
        on: others may use it."""
        for stream in list(self._streams):
            stream.stop()
        self._client.close()
        self._snapshots.close()
        self._sending.close()
