"""Feeds while they are watched, each on a connection of its own: a poll and a stream that note what
they show and when, until what watches them has ended."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from vocx.measure.feeds import Feed, Poll, Push
from vocx.measure.probes import READY_S, Listener, Poller, http_of, unbraked, wait_until
from vocx.measure.reference import Reference, Sample, samples_of
from vocx.measure.steps import Observed
from vocx.text import counted
from vocx.timing import mono_ns, wall_ns
from vocx.venues.base import ChannelSpec

if TYPE_CHECKING:
    from vocx.exchange import Exchange

STAGGER_NS = 17_000_000
"""Feeds begin one after the other, so that their calls do not meet."""
FIRST = 40
"""Frames among which a price must come, if one comes at all."""


class PollWatch:
    """A poll that is being watched, on a kept connection of its own."""

    def __init__(
        self, feed: Poll, number: int, exchange: Exchange, symbol: str, stack: ExitStack
    ) -> None:
        self.feed, self._kept_ns = feed, 0
        self._symbol, self.exchange = symbol, unbraked(exchange)
        stack.callback(self.exchange.close)
        begin_ns = mono_ns() + number * STAGGER_NS
        self.poller = Poller(self.ask, feed.every_ms, begin_ns=begin_ns, patient=True)
        stack.callback(self.poller.stop)
        self.poller.start()

    def ask(self) -> Sample:
        """The best prices now. A first call, which opens the connection, is followed at once by
        the first that counts."""
        while True:
            quote = self.exchange.quote(self._symbol)
            here, call = mono_ns(), http_of(quote)
            taken_ns, new = call.received_ns - call.sent_ns, call.phases.new_connection
            # The price was read half-way of a call on a kept connection; one that had to be opened
            # anew is longer on its way out, and its way back is that of the last kept one.
            self._kept_ns = self._kept_ns if new else taken_ns
            if self._kept_ns:
                read_ns = here - (wall_ns() - call.received_ns) - self._kept_ns // 2
                call_ms = None if new else taken_ns / 1e6
                return Sample(here, quote.bid, quote.ask, read_ns=read_ns, call_ms=call_ms)

    @property
    def ready(self) -> bool:
        return bool(self.poller.replies)

    def samples(self) -> list[Sample]:
        return [sample for _, sample in self.poller.replies]

    def observed(self, log: Reference) -> Observed:
        return log.beats(self.samples())

    @property
    def failures(self) -> int:
        return self.poller.failures

    @property
    def trouble(self) -> str:
        """What went wrong, in words; empty where nothing did."""
        return f"{self.failures} failed: {self.poller.error}" if self.failures else ""


class PushWatch:
    """A stream that is being watched."""

    def __init__(self, feed: Push, exchange: Exchange, symbol: str, stack: ExitStack) -> None:
        self.feed = feed
        spec = ChannelSpec(channel=feed.channel, symbol=symbol, depth=feed.depth)
        self._cadence_ms = exchange.venue.cadence_ms(exchange.venue.validate_channel(spec))
        self._listener = Listener(
            partial(exchange.create_stream, [feed.channel], symbol, depth=feed.depth)
        )
        stack.callback(self._listener.stop)
        self._listener.start()

    @property
    def ready(self) -> bool:
        if self._listener.stream.state != "live":
            return False
        # The first frames are answers to the subscription and heartbeats, not prices.
        return any(True for _ in samples_of(self._listener.facts(FIRST)))

    def samples(self) -> list[Sample]:
        return list(samples_of(self._listener.facts()))

    def observed(self, log: Reference) -> Observed:
        samples, cadence_ms = self.samples(), self._cadence_ms
        return log.beats(samples, cadence_ms) if cadence_ms else log.changes(samples)

    @property
    def failures(self) -> int:
        return self._listener.stream.stats.reconnects

    @property
    def trouble(self) -> str:
        """What went wrong, in words; empty where nothing did."""
        lost = self.failures
        return f"connection lost {counted(lost, 'time')}" if lost else "nothing came"


Watch = PollWatch | PushWatch


def watch_all(
    exchange: Exchange, feeds: Sequence[Feed], symbol: str, stack: ExitStack
) -> list[Watch]:
    """Watches of all feeds, each with something to show; ``stack`` ends them.

    Raises
    ------
    WaitTimeout
        A feed has nothing to show within ten seconds and one of its cadence.
    """
    watches: list[Watch] = []
    for number, feed in enumerate(feeds):
        if isinstance(feed, Poll):
            watches.append(PollWatch(feed, number, exchange, symbol, stack))
        else:
            watches.append(PushWatch(feed, exchange, symbol, stack))

    def why(waiting: Sequence[int]) -> str:
        names = ", ".join(feeds[at].name for at in waiting)
        return f"{names}: {watches[waiting[0]].trouble}"

    patience_s = READY_S + max(feed.cadence_ms for feed in feeds) / 1000
    wait_until([partial(getattr, one, "ready") for one in watches], patience_s, why)
    return watches
