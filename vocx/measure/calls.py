"""How long a call takes, from where its round trips come: a new connection against a kept one,
with TLS and without, phase by phase, beside what arithmetic says."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from numbers import Real
from statistics import median
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from vocx.call_forms import says_its_form
from vocx.lab.network import round_trip_ms
from vocx.measure import theory, validation
from vocx.measure.probes import Poller, calling, unbraked, unlimited
from vocx.measure.result import Column, Result, conditions, lab_of, pick
from vocx.measure.sampling import Interval, quantile_interval
from vocx.timing import HttpCall, Phases

if TYPE_CHECKING:
    from vocx.exchange import Exchange

PATH = "from this kernel to the exchange and back"
WARM_UP = 2
APART_MS = 30.0
"""Below this distance kinds take turns; above it they wait side by side without meeting."""
FIELDS = ("dns_ms", "connect_ms", "tls_ms", "send_ms", "first_byte_ms", "body_ms", "emulated_ms")
Kind = tuple[bool, bool]
"""Whether the connection is new, and whether it speaks TLS."""


class CallTime(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of call at one distance.

    Attributes
    ----------
    rtt_ms : float
        The distance dial.
    round_trips : int
        TCP's handshake one, TLS 1.3's one (RFC 8446, 2), request and reply one. A name that must
        be looked up comes on top.
    median_ms : Interval
        Of the call time: first byte sent to last byte received, opening included.
    theory_ms : float or None
        ``round_trips`` times the distance, plus the median at no distance in the same run;
        ``None`` at no distance.
    phases : Phases
        The median of each phase. ``emulated_ms`` is TCP's handshake at the dial's distance, which
        a relay has to charge to the first bytes.
    connections : int
        That the calls used.
    """

    new: bool
    tls: bool
    rtt_ms: float
    round_trips: int
    median_ms: Interval
    theory_ms: float | None
    phases: Phases
    connections: int

    @property
    def name(self) -> str:
        """``"https, new connection"``."""
        return f"http{'s' * self.tls}, {'new' if self.new else 'kept'} connection"

    @property
    def laid(self) -> dict[str, float]:
        """The phases where a real network has them: TCP's handshake apart from the first bytes
        that paid for it. Milliseconds by name."""
        held, phases = self.phases.emulated_ms or 0.0, self.phases
        return {
            "DNS": phases.dns_ms or 0.0,
            "TCP": (phases.connect_ms or 0.0) + held,
            "TLS": max(0.0, (phases.tls_ms or 0.0) - held * self.tls),
            "send": phases.send_ms,
            "first byte": max(0.0, phases.first_byte_ms - held * (not self.tls)),
            "body": phases.body_ms,
        }


class CallTimes(Result, frozen=True, kw_only=True):
    """Call times of new and kept connections, plain and over TLS (see :class:`CallTime`)."""

    calls: list[CallTime]

    title: ClassVar[str] = (
        "Call time of the best bid and ask, ms (phases: medians; at a distance TCP's handshake is "
        "emulated)"
    )

    def items(self) -> Sequence[CallTime]:
        return self.calls

    def columns(self) -> Sequence[Column]:
        return (
            Column("call", "name", "call"),
            Column("rtt_ms", "rtt_ms", "away", "g"),
            Column("round_trips", "round_trips"),
            Column("median_ms", "median_ms", "median", "±"),
            Column("theory_ms", "theory_ms", "theory"),
            Column("tcp_ms", lambda one: one.laid["TCP"], "TCP"),
            Column("tls_ms", lambda one: one.laid["TLS"], "TLS"),
            Column("first_byte_ms", lambda one: one.laid["first byte"], "first byte"),
            Column("body_ms", lambda one: one.laid["body"], "body"),
            Column("connections", "connections", "connections"),
        )

    def call(self, name: str, rtt_ms: float | None = None) -> CallTime:
        """One row by its name, such as ``"https, new connection"``, and its distance."""
        found = {f"{one.name}, {one.rtt_ms:g} ms away": one for one in self.calls}
        if rtt_ms is None:
            found = {one.name: one for one in reversed(self.calls)}
        return pick(found, name if rtt_ms is None else f"{name}, {rtt_ms:g} ms away")


@says_its_form
def calls(
    exchange: Exchange,
    *,
    repeats: int = 8,
    rtt_ms: float | Sequence[float] | None = None,
    symbol: str = "BTC/USDT",
    tls: Sequence[bool] = (False, True),
) -> CallTimes:
    """Measure the call time of new and kept connections, plain and over TLS.

    A kept connection was opened by a call that does not count. The lab is asked by address, so
    there is no DNS phase; a real name has one.

    Parameters
    ----------
    rtt_ms : float or sequence of float, optional
        The distances, for this venue and for as long as it takes; as the dial stands when left
        out. Where none of them is 0, a few calls are made at 0 first, as a base for theory: for
        that moment (and only then) everybody in this lab is near.

    Raises
    ------
    BadInput
        The exchange is not in a lab, or a number makes no sense.
    """
    lab = lab_of(exchange)
    repeats = validation.whole("repeats", repeats, 3, 1000)
    wires = validation.wires(tls)
    now = round_trip_ms(lab.network.state, exchange.venue.name)
    asked = [now] if rtt_ms is None else _distances(rtt_ms)
    made = conditions(
        exchange, path=PATH, clock="this kernel", symbol=symbol, warm_up=WARM_UP, repeats=repeats
    )
    found: list[CallTime] = []
    base: dict[Kind, float] = {}
    for distance in asked if 0 in asked else [0.0, *asked]:
        with unlimited(exchange, symbol), ExitStack() as dial:
            if distance != now or rtt_ms is not None:
                dial.enter_context(lab.network.latency(rtt_ms=distance, venue=made.venue))
            samples = _sampled(exchange, symbol, wires, repeats, distance)
        if distance == 0:
            base = {kind: median(_totals(done)) for kind, done in samples.items()}
        if distance in asked:
            found += [_call_time(kind, distance, done, base) for kind, done in samples.items()]
    if rtt_ms is not None:
        several = ", ".join(f"{one:g}" for one in asked)
        made = msgspec.structs.replace(
            made, dials=f"distance set to {several} ms for the run", rtt_ms=asked[-1], late_ms=0.0
        )
    return CallTimes(conditions=made, calls=found)


def _distances(rtt_ms: float | Sequence[float]) -> list[float]:
    single = isinstance(rtt_ms, Real | str)
    return sorted(set(validation.distances([rtt_ms] if single else rtt_ms)))


def _sampled(
    exchange: Exchange, symbol: str, tls: Sequence[bool], repeats: int, distance_ms: float
) -> dict[Kind, list[HttpCall]]:
    """The calls of each kind at the distance that is set, on connections of its own."""
    with ExitStack() as stack:
        pollers: dict[Kind, Poller] = {}
        for kind in [(new, secure) for secure in tls for new in (True, False)]:
            new, secure = kind
            twin = stack.enter_context(unbraked(exchange, tls=secure))
            call = calling(twin, partial(twin.quote, symbol), new=new)
            pollers[kind] = Poller(call, count=WARM_UP + repeats)
            stack.callback(pollers[kind].stop)
        if distance_ms < APART_MS:
            for _ in range(WARM_UP + repeats):
                for one in pollers.values():
                    one.once()
                    if one.error is not None:
                        raise one.error
        else:
            for one in pollers.values():
                one.start()
            for one in pollers.values():
                one.finish()
        return {kind: [call for _, call in one.replies[WARM_UP:]] for kind, one in pollers.items()}


def _totals(done: Sequence[HttpCall]) -> list[float]:
    return [call.phases.total_ms for call in done]


def _call_time(
    kind: Kind, rtt_ms: float, done: Sequence[HttpCall], base: dict[Kind, float]
) -> CallTime:
    new, tls = kind
    trips = theory.opening_round_trips(tls=tls, kept=not new)
    return CallTime(
        new=new,
        tls=tls,
        rtt_ms=rtt_ms,
        round_trips=trips,
        median_ms=quantile_interval(_totals(done)),
        theory_ms=trips * rtt_ms + base[kind] if rtt_ms else None,
        phases=_medians([call.phases for call in done]),
        connections=len({call.local_port for call in done}),
    )


def _medians(found: Sequence[Phases]) -> Phases:
    """The median of each phase, of the calls that had it."""
    values: dict[str, Any] = {}
    for field in FIELDS:
        had = [value for one in found if (value := getattr(one, field)) is not None]
        values[field] = median(had) if had else None
    return Phases(**values, new_connection=found[0].new_connection)
