"""How far is the exchange from you? Measured at the venue, or typed; then set on the lab's dial.

Two numbers, because a venue may stand behind an edge (a content network's machine near you):

*connect*  one round trip of TCP, to the edge that answers;
*warm*     a small request on a kept connection: to the exchange itself and back, and what it needs
           to answer.

What a warm request takes there, less what the same request takes in a lab at 0 ms (this machine's
and an exchange's own milliseconds), is the distance for the dial.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import msgspec

from vocx import errors, venues
from vocx.call_forms import says_its_form
from vocx.lab import Lab
from vocx.measure import validation
from vocx.measure.probes import http_of
from vocx.measure.result import Column, Conditions, Result, machine
from vocx.measure.sampling import Interval, quantile_interval
from vocx.net import Environment
from vocx.rest import Client
from vocx.timing import Phases
from vocx.venues.base import GetTime

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.lab.network import DialHandle

CALLS = 20
OPENINGS = 5
WARM_UP = 3
FARTHEST_MS = 10_000.0
TYPED = "vocx.measure.distance(rtt_ms=35)"
"""What to write where a venue cannot be reached."""


class Latencies(msgspec.Struct, frozen=True, kw_only=True):
    """Medians of one place, milliseconds. ``tls`` is ``None`` without TLS."""

    connect: Interval
    tls: Interval | None
    warm: Interval


class Distance(Result, frozen=True, kw_only=True):
    """How far an exchange is from this machine.

    Attributes
    ----------
    host : str
        Who was asked; empty where the distance was typed.
    rtt : Interval
        There and back, milliseconds: what the lab's dial is to show.
    there, here : Latencies or None
        The venue, and a lab at 0 ms (``None`` where none was given: nothing is then taken off).
    """

    title: ClassVar[str] = "how far the exchange is from you"
    host: str
    rtt: Interval
    there: Latencies | None = None
    here: Latencies | None = None

    @property
    def rtt_ms(self) -> float:
        """The distance as one number: a round trip, milliseconds."""
        return self.rtt.value

    @property
    def typed(self) -> bool:
        """Whether somebody typed it, and nothing was measured."""
        return self.there is None

    def items(self) -> Sequence[tuple[str, Interval]]:
        """What was timed, and the distance that follows."""
        found: list[tuple[str, Interval]] = []
        if self.there is not None:
            found.append((f"TCP connect, to what answers for {self.host}", self.there.connect))
            if self.there.tls is not None:
                found.append(("TLS handshake", self.there.tls))
            warm = "request on a kept connection, to the exchange and back"
            found.append((warm, self.there.warm))
        if self.here is not None:
            found.append(("the same request in a lab at 0 ms", self.here.warm))
        how = "as typed" if self.typed else "for the dial"
        return [*found, (f"distance, {how}", self.rtt)]

    def columns(self) -> Sequence[Column]:
        return (
            Column("what", lambda one: one[0], "what"),
            Column("ms", lambda one: one[1], "ms"),
        )

    def notes(self) -> Sequence[str]:
        if self.host.startswith("127.0.0.1:"):
            return [
                "in a lab TCP's connect looks instant: its relay charges the first bytes for it"
            ]
        return ()

    def table(self) -> str:
        if self.typed:
            return (
                f"{self.title}\n{self.rtt_ms:g} ms there and back, as typed: nothing was measured"
            )
        return super().table()

    def dial(self, lab: Lab | Exchange) -> DialHandle:
        """Put the exchange of a lab so far away: from now on, or with ``with`` for a block."""
        found = lab if isinstance(lab, Lab) else getattr(lab, "lab", None)
        if found is None:
            raise errors.BadInput(
                "only a lab's distance can be dialled: distance.dial(ex.lab) of an exchange that "
                "is in one"
            )
        return found.network.latency(rtt_ms=round(self.rtt_ms, 1))


@says_its_form
def distance(
    exchange: Exchange | None = None,
    *,
    rtt_ms: float | None = None,
    lab: Lab | None = None,
    calls: int = CALLS,
) -> Distance:
    """Your distance to the real venue; or to wherever ``exchange`` is.

    Opens five connections and asks ``calls`` times for the time (weight 1) on a kept one; without
    DNS. Blocks for some seconds.

    Parameters
    ----------
    exchange : Exchange or None
        Its venue and place (also a lab); by default public data of the real default venue, no key.
    rtt_ms : float or None
        Typed instead of measured: there and back, milliseconds. Nothing is sent.
    lab : Lab or None
        Where one's own milliseconds, which are taken off, are measured: its dial is 0 meanwhile.
    calls : int
        5 to 200.

    Raises
    ------
    BadInput
        A number beyond bounds.
    VenueError, TransportError
        The venue cannot be reached from here; the text says why, and what to write instead.

    Examples
    --------
    >>> far = measure.distance(lab=binance.lab)
    >>> with far.dial(binance.lab): ...
    """
    if rtt_ms is not None:
        return _typed(rtt_ms)
    calls = validation.whole("calls", calls, 5, 200)
    there = _venue(exchange, calls)
    here = _own(validation.lab(lab), there[1], calls) if lab is not None else None
    parts = urlsplit(there[0])
    where = "a lab on it" if parts.hostname == "127.0.0.1" else "the exchange"
    return Distance(
        conditions=_conditions(f"from this machine to {where} and back", calls),
        host=parts.netloc,
        rtt=_less(there[1].warm, here.warm if here is not None else None),
        there=there[1],
        here=here,
    )


def _typed(rtt_ms: float) -> Distance:
    rtt_ms = validation.number("rtt_ms", rtt_ms, 0, FARTHEST_MS, what=" ms, there and back")
    return Distance(
        conditions=_conditions("as typed, not measured", 0), host="", rtt=Interval(float(rtt_ms))
    )


def _venue(exchange: Exchange | None, calls: int) -> tuple[str, Latencies]:
    """The URL that was asked, and what it took."""
    if exchange is not None and not hasattr(exchange, "venue"):
        raise errors.BadInput("that is no exchange: write measure.distance(lab=ex.lab), or ex")
    venue = exchange.venue if exchange is not None else venues.get(venues.DEFAULT)
    if exchange is None:
        url, authority = venue.environments["real"].urls["rest"], None
    else:
        url, authority = exchange.url("rest"), exchange.environment.ca_file()
    try:
        return url, _latencies(venue, url, authority, calls)
    except (errors.TransportError, errors.VenueError) as error:
        text = f"your distance cannot be measured from here: {error}. Type it instead: {TYPED}"
        raise type(error)(text, venue=venue.name) from None


def _own(lab: Lab, there: Latencies, calls: int) -> Latencies:
    """The same in a lab at 0 ms, over TLS where the venue was asked over TLS."""
    tls = there.tls is not None
    name = next(iter(lab.urls))
    authority = str(lab.certificate()) if tls else None
    with lab.network.latency(rtt_ms=0):
        return _latencies(venues.get(name), lab.url(name, "rest", tls=tls), authority, calls)


def _latencies(venue: Any, url: str, authority: str | None, calls: int) -> Latencies:
    connects: list[float] = []
    tls: list[float] = []
    warm: list[float] = []
    for number in range(OPENINGS):
        with closing(Client(venue, Environment({"rest": url}, ca_file=authority))) as client:
            phases = _asked(client)
            connects.append(phases.connect_ms or 0.0)
            tls += [phases.tls_ms] if phases.tls_ms is not None else []
            if number < OPENINGS - 1:
                continue
            for _ in range(WARM_UP):
                _asked(client)
            while len(warm) < calls:
                phases = _asked(client)
                warm += [] if phases.new_connection else [phases.total_ms]
    return Latencies(
        connect=quantile_interval(connects),
        tls=quantile_interval(tls) if tls else None,
        warm=quantile_interval(warm),
    )


def _asked(client: Client) -> Phases:
    return http_of(client.call(GetTime())).phases


def _less(there: Interval, here: Interval | None) -> Interval:
    """A difference of medians; its interval holds the ends of both."""
    if here is None:
        return there
    low = None if there.low is None or here.high is None else max(0.0, there.low - here.high)
    high = None if there.high is None or here.low is None else max(0.0, there.high - here.low)
    return Interval(max(0.0, there.value - here.value), low, high, min(there.n, here.n))


def _conditions(path: str, calls: int) -> Conditions:
    return Conditions(
        path=path,
        clock="this machine",
        warm_up=WARM_UP if calls else 0,
        repeats=calls,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=machine(),
    )
