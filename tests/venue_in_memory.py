"""An exchange in memory, whichever venue's: a paused market, a clock that the test turns, and
connections with everything that was sent to them."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

from venue_binance import T0

from vocx.lab.dialects.base import HttpIn, HttpOut
from vocx.lab.events import InstrumentSpec
from vocx.lab.market.simulation import CrowdSimulation, open_crowd


class Venue:
    """The exchange over a market of its own.

    Parameters
    ----------
    make : callable
        The dialect over a simulation.
    specs : iterable
        What it lists.
    """

    def __init__(
        self,
        make: Callable[[CrowdSimulation], Any],
        specs: Iterable[InstrumentSpec],
        now_ns: int = T0,
    ) -> None:
        self.now_ns = now_ns
        self.simulation = open_crowd(seed=7, start_ns=now_ns, specs=tuple(specs), pace=0)
        self.simulation.step(300, now_ns)
        self.exchange = make(self.simulation)
        self.told: list[Any] = []
        self.simulation.accounts.on_events = self.told.extend

    def command(self, command: str, /, **arguments: Any) -> Any:
        return self.exchange.command(command, arguments, self.now_ns)

    def upgrade(self, path: str, peer: str = "127.0.0.1") -> Any:
        request = HttpIn(method="GET", target=path, headers={}, peer=peer)
        return self.exchange.open(request, self.now_ns)

    def opened(self, path: str) -> Any:
        """A session, not a refusal."""
        found = self.upgrade(path)
        assert not isinstance(found, HttpOut), found
        return found

    def settle(self) -> None:
        """Publish what requests have changed."""
        events, self.told[:] = list(self.told), []
        deliver(self.exchange.publish(events, self.now_ns))

    def step(self, count: int) -> None:
        deliver(self.exchange.publish(self.simulation.step(count, self.now_ns), self.now_ns))

    def pass_time(self, ns: int, clients: Iterable[Client] = ()) -> None:
        """The exchange does what is due, and so do these connections."""
        end_ns = self.now_ns + ns
        while True:
            due = [self.exchange.next_tick_ns, *(one.session.next_tick_ns for one in clients)]
            if min(due) > end_ns:
                break
            self.now_ns = max(min(due), self.now_ns)
            deliver(self.exchange.tick(self.now_ns))
            self.settle()
            for one in clients:
                if one.session.next_tick_ns <= self.now_ns:
                    one.take(one.session.tick(self.now_ns))
        self.now_ns = end_ns


class Client:
    """One connection, and everything that was sent to it: JSON decoded, all else as it is."""

    def __init__(self, venue: Any, session: Any) -> None:
        self.venue, self.session = venue, session
        session.handle = self
        self.got: list[Any] = []

    def take(self, outs: Iterable[Any]) -> list[Any]:
        new = [
            json.loads(one) if isinstance(one, bytes) and one != b"pong" else one for one in outs
        ]
        self.got += new
        return new

    def say(self, message: Any) -> list[Any]:
        """What comes at once."""
        text = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.venue.now_ns += 1
        return self.take(self.session.text(text, self.venue.now_ns))


def tracebacks_after(work: Callable[[], Any]) -> int:
    """How many tracebacks, each with its frame, are alive when something has been done."""
    work()
    gc.collect()
    return sum(isinstance(one, TracebackType) for one in gc.get_objects())


def deliver(publications: Iterable[Any]) -> None:
    for publication in publications:
        for session in publication.to:
            session.handle.take([publication.payload])
