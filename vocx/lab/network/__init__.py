"""The network dials as the owner of a lab turns them: ``lab.network.latency(rtt_ms=80)``.

Each call applies at once, also to connections that are already open, and returns a context
manager that puts back what was before::

    lab.network.latency(rtt_ms=80)              # from now on
    with lab.network.latency(rtt_ms=200):       # for these lines
        ...
    lab.network.clear()

``venue`` narrows a dial to one venue, ``direction`` to ``"up"`` (client to exchange) or
``"down"``; ``None`` means all and both. The names are toxiproxy's. All of it happens inside the
lab's process, on the bytes of each connection; nothing is done to the machine's network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol

from vocx.call_forms import methods_say_their_form
from vocx.errors import LabDied
from vocx.lab.network.dials import describe, validate_values


class Controlled(Protocol):
    """The handle's side of the control port."""

    def control(self, op: str, **arguments: Any) -> Any:
        """One call on the control port."""


def one_way_ms(state: Iterable[Mapping[str, Any]], venue: str | None) -> tuple[float, float]:
    """Milliseconds that the distance dials of a :attr:`Network.state` add up and down, to one
    venue's bytes (``None``: whatever is turned)."""
    delays_ms = {"up": 0.0, "down": 0.0}
    for setting in state:
        if setting["dial"] == "latency" and (venue is None or setting["venue"] in (None, venue)):
            for direction in [setting["direction"]] if setting["direction"] else list(delays_ms):
                delays_ms[direction] = setting["values"]["rtt_ms"] / 2
    return delays_ms["up"], delays_ms["down"]


def round_trip_ms(state: Iterable[Mapping[str, Any]], venue: str | None) -> float:
    """Both ways of :func:`one_way_ms` together."""
    return sum(one_way_ms(state, venue))


class DialHandle:
    """A dial that was turned. Leaving its ``with`` block puts back what was before."""

    def __init__(
        self, lab: Controlled, dial: str, before: Sequence[Mapping[str, Any]], text: str
    ) -> None:
        self._lab, self._dial, self._before, self._text = lab, dial, before, text

    def __enter__(self) -> DialHandle:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._lab.control("network.restore", dial=self._dial, settings=self._before)
        except LabDied:
            if error is None:
                raise

    def __repr__(self) -> str:
        return self._text


@methods_say_their_form
class Network:
    """The network dials of one lab. Printing it shows those in force, in one line."""

    def __init__(self, lab: Controlled) -> None:
        self._lab = lab

    def latency(
        self,
        *,
        rtt_ms: float,
        jitter_ms: float = 0,
        venue: str | None = None,
        direction: str | None = None,
    ) -> DialHandle:
        """Put the exchange ``rtt_ms`` away: half of it each way.

        With one ``direction`` only that half is added. ``jitter_ms`` varies each delay evenly by
        up to that much either way; bytes never overtake each other.

        Emulated: the distance; one more round trip before the first bytes of a new connection
        (the relay cannot delay ``connect()`` itself, so it looks instant and totals are right);
        the round trips of TLS; and TCP's window as Linux has it with BBR: ten segments at first,
        growing, and sent spaced, so that a large reply or burst takes several round trips on a
        new connection. Not emulated: loss and reordering, and the bursts and rests of a server
        with CUBIC (:mod:`vocx.lab.network.path` has numbers). Totals agree with real packets
        within 10 % at 20, 80 and 200 ms: replies of 200 B to 150 KB on new, kept and rested
        connections, with and without TLS, and the age of pushed messages in small and large bursts.
        """
        values = {"rtt_ms": rtt_ms, "jitter_ms": jitter_ms}
        return self._set("latency", venue, direction, values)

    def bandwidth(
        self, *, kib_per_s: float, venue: str | None = None, direction: str | None = None
    ) -> DialHandle:
        """Let at most so many KiB a second through, per connection and direction.

        Emulated: the time each byte needs on the line, and the sender that has to wait. Not
        emulated: a line shared by several connections.
        """
        return self._set("bandwidth", venue, direction, {"kib_per_s": kib_per_s})

    def timeout(self, *, venue: str | None = None, direction: str | None = None) -> DialHandle:
        """A black hole: every byte vanishes while TCP stays up, and nobody is told.

        A connection that lost bytes stays silent also after the dial is turned back, as a byte
        stream cannot go on with a piece missing; new connections work again. Not emulated: TCP's
        own retransmissions, which would mend a short hole.
        """
        return self._set("timeout", venue, direction, {})

    def reset_peer(self, *, venue: str | None = None) -> DialHandle:
        """Reset (RST) every open connection now, and every new one until turned back.

        To reset once: ``with lab.network.reset_peer(): pass``. A real RST leaves the socket; what
        was on its way is lost.
        """
        return self._set("reset_peer", venue, None, {})

    def reset_ports(self, ports: Iterable[int], *, venue: str | None = None) -> int:
        """Reset (RST) the open connections from these local ports, once; how many there were.

        For one client among several: ``lab.network.reset_ports(stream.stats.ports)``. New
        connections are not met.
        """
        arguments: dict[str, Any] = {"ports": list(ports)}
        if venue is not None:
            arguments["venue"] = venue
        return int(self._lab.control("network.reset_ports", **arguments))

    def slow_close(
        self, *, ms: float, venue: str | None = None, direction: str | None = None
    ) -> DialHandle:
        """Hold back the end of a connection (FIN) by ``ms``; its data is not delayed."""
        return self._set("slow_close", venue, direction, {"ms": ms})

    def slicer(
        self,
        *,
        size: int,
        delay_ms: float = 0,
        venue: str | None = None,
        direction: str | None = None,
    ) -> DialHandle:
        """Cut the bytes into pieces of at most ``size``, ``delay_ms`` apart.

        Shows code that takes one ``recv`` for one message. Pieces without a delay between them
        may be joined again by the kernel.
        """
        return self._set("slicer", venue, direction, {"size": size, "delay_ms": delay_ms})

    def clear(self) -> None:
        """Turn every dial back to zero."""
        self._lab.control("network.clear")

    @property
    def state(self) -> list[dict[str, Any]]:
        """The dials in force, oldest first: ``dial``, ``venue``, ``direction``, ``values``."""
        return list(self._lab.control("network.state")["state"])

    def _set(
        self, dial: str, venue: str | None, direction: str | None, values: dict[str, float]
    ) -> DialHandle:
        reply = self._lab.control(
            "network.set",
            dial=dial,
            venue=venue,
            direction=direction,
            values=validate_values(dial, values),
        )
        return DialHandle(self._lab, dial, reply["before"], describe(reply["state"]))

    def __str__(self) -> str:
        try:
            return describe(self.state)
        except LabDied:
            return "the lab is gone"

    __repr__ = __str__
