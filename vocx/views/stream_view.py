"""Views of a stream, and what their reader may do to it where it listens to a lab: cut the line,
silence the feed, lose one message; by buttons of the view, and by the same from code.

They meet the stream that is shown: its own connections, and of its venue the topics that the view
shows (another stream that listens to the same topics does not hear them either). An account's line
can be cut and no more: its messages are no topic, and the lab's faults are of topics. At a real
venue there is nothing of the kind.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from vocx.call_forms import methods_say_their_form
from vocx.errors import BadInput, LabError
from vocx.timing import mono_ns
from vocx.venues.base import PRIVATE, ChannelSpec
from vocx.views.view import STOP_STREAM, View

if TYPE_CHECKING:
    from vocx.lab import Lab

_OF_TOPICS = {"lose_one", "silence"}
_SAID_FOR_NS = 5_000_000_000
"""How long a view names what happened once."""
_LOSS_TELLS = ("book", "trades", "candles", "quotes")
"""Of which channel a message gets lost: of the first one shown, as its loss tells most."""
_CUT = ["cut", "Cut the line", "Reset (RST) the connections of this stream, once"]
_SILENCE_HINT = (
    "No message of what is shown here is sent, until pressed again; a book's repair waits"
)
_LOSE = ["lose", "Lose one message", "The next message of what is shown here never arrives"]


def topics_shown(
    stream: Any, symbol: str | None, channels: Collection[str]
) -> dict[str, ChannelSpec]:
    """The venue's own topics of what a stream listens to, of one symbol's public ``channels``; a
    channel that is polled has none."""
    venue = stream.venue
    streamed = [spec for spec in stream.channels if venue.poll_intent(spec) is None]
    return {
        venue.wire_topic(topic): spec
        for plan in (venue.plan_sockets(streamed) if streamed else ())
        for topic, spec in plan.topics.items()
        if spec.symbol == symbol and spec.channel in channels and spec.channel not in PRIVATE
    }


def has_line(stream: Any, channels: Collection[str]) -> bool:
    """Whether any of these channels comes over a connection, and is not polled."""
    shown = (spec for spec in stream.channels if spec.channel in channels)
    return any(stream.venue.poll_intent(spec) is None for spec in shown)


def _is_over(stream: Any) -> bool:
    return stream.state in ("stopped", "fatal")


class StreamFaults:
    """What a reader does to one stream of a lab. Called from the views' helper thread and from
    cells; nothing is left in force after :meth:`end`, which sets ``ended``."""

    def __init__(self, lab: Lab, stream: Any, topics: Mapping[str, ChannelSpec]) -> None:
        self._lab, self._stream, self._topics = lab, stream, topics
        self._venue: str = stream.venue.name
        self._lock = threading.Lock()
        self._silence = ExitStack()
        self._losing = ExitStack()
        self._losing_id: int | None = None
        self._happened: tuple[int, str] = (0, "")
        self.ended = False
        self.silent = False
        if topics:
            first = min(topics, key=lambda topic: _LOSS_TELLS.index(topics[topic].channel))
            self._lossy, self._lossy_channel = first, topics[first].channel

    def cut(self) -> None:
        """Reset the stream's connections, once."""
        with self._lock:
            self._demand_life()
            self._lab.network.reset_ports(self._stream.stats.ports, venue=self._venue)
            self._happened = mono_ns(), "line cut by you"

    def silence(self, on: bool) -> None:
        """Let the topics be silent, or speak again."""
        with self._lock:
            if on and not self.silent:
                self._demand_life()
                with ExitStack() as stack:
                    for topic in self._topics:
                        fault = self._lab.fault("silence", stream=topic, venue=self._venue)
                        stack.enter_context(fault)
                    if any(spec.channel == "book" for spec in self._topics.values()):
                        self._stream.hold_books(True)
                        stack.callback(self._stream.hold_books, False)
                    self._silence = stack.pop_all()
                self.silent = True
            elif not on and self.silent:
                self._silence.close()
                self.silent = False

    def toggle_silence(self) -> None:
        """As the button does."""
        self.silence(not self.silent)

    def lose_one(self) -> None:
        """Let the next message get lost."""
        with self._lock:
            self._demand_life()
            if self._losing_id is not None:
                return
            fault = self._lab.fault("drop", stream=self._lossy, venue=self._venue, count=1)
            self._losing.enter_context(fault)
            self._losing_id = fault[-1]["id"]

    def look(self) -> None:
        """Ask the lab whether the message that was to be lost is."""
        with self._lock:
            if self._losing_id is None:
                return
            known = {(one["venue"], one["id"]) for one in self._lab.faults}
            if (self._venue, self._losing_id) not in known:
                self._losing.pop_all()
                self._losing_id = None
                self._happened = mono_ns(), f"one message of {self._lossy_channel} lost by you"

    def end(self) -> None:
        """Lift whatever is in force, for good. Never raises: a lab that is gone has lost it."""
        with suppress(LabError):
            self.silence(False)
        with self._lock, suppress(LabError):
            self.ended = True
            self._losing_id = None
            self._losing.close()

    @property
    def of_topics(self) -> bool:
        """Whether there is a feed to silence, and to lose messages of."""
        return bool(self._topics)

    def _demand_life(self) -> None:
        if self.ended:
            raise BadInput("this view has ended; run its cell again")

    def __str__(self) -> str:
        """What is in force, or has just happened; empty for nothing."""
        channels = " and ".join(dict.fromkeys(spec.channel for spec in self._topics.values()))
        at_ns, happened = self._happened
        said = [f"silenced by you: {channels}" if self.silent else ""]
        said.append(f"the next {self._lossy_channel} message gets lost" if self._losing_id else "")
        said.append(happened if mono_ns() - at_ns < _SAID_FOR_NS else "")
        return " · ".join(filter(None, said))

    @property
    def switches(self) -> list[list[str]]:
        """The buttons, as a panel takes them."""
        if not self.of_topics:
            return [_CUT]
        label = "Silenced (lift)" if self.silent else "Silence this feed"
        return [_CUT, ["silence", label, _SILENCE_HINT, str(self.silent).lower()], _LOSE]


class Silence:
    """A feed that was silenced. Leaving its ``with`` block lets it speak again, as does
    :meth:`lift`, the view's button, and the end of the view."""

    def __init__(self, faults: StreamFaults) -> None:
        self._faults = faults

    def lift(self) -> None:
        """Let it speak again."""
        self._faults.silence(False)

    def __enter__(self) -> Silence:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.lift()

    def __repr__(self) -> str:
        return str(self._faults) or "no longer silenced"


@methods_say_their_form
class StreamView(View):
    """A view of channels of a stream, of one symbol or of an account.

    In a lab it has three more buttons, :meth:`cut`, :meth:`silence` and :meth:`lose_one` (that of
    an account the first), and its status says what is in force; whatever was switched on ends with
    the view.
    """

    def __init__(
        self,
        stream: Any,
        symbol: str | None,
        channels: Collection[str],
        name: str,
        title: str,
        *,
        figure: go.Figure | None = None,
        stop: tuple[str, str] = STOP_STREAM,
        note: str = "",
    ) -> None:
        self.symbol, self._stream = symbol, stream
        self.dials_lab = lab = getattr(stream, "lab", None)
        self._faults: StreamFaults | None = None
        if lab is not None and has_line(stream, channels):
            self._faults = StreamFaults(lab, stream, topics_shown(stream, symbol, channels))
        super().__init__(name, title, streams=[stream], figure=figure, stop=stop, note=note)

    def cut(self) -> None:
        """Cut the line: reset (RST) the connections of the stream, once.

        Raises
        ------
        BadInput
            It listens to no lab, or the view has ended.
        """
        self._in_a_lab("cut").cut()

    def silence(self, on: bool = True) -> Silence:
        """Silence this feed from now on: no message of what is shown is sent, also on a new
        connection, and a book that is out of sync asks for no snapshot (see
        :meth:`vocx.stream.Stream.hold_books`). ``with view.silence(): ...`` ends it with the
        block; ``view.silence(False)`` or ``.lift()`` end it at once, whoever began it.

        Raises
        ------
        BadInput
            It listens to no lab, or to an account, or the view has ended.
        """
        faults = self._in_a_lab("silence")
        faults.silence(on)
        return Silence(faults)

    def lose_one(self) -> None:
        """Let the next message get lost: of the book, else of the trades, candles or quotes.

        Raises
        ------
        BadInput
            It listens to no lab, or to an account, or the view has ended.
        """
        self._in_a_lab("lose_one").lose_one()

    def __dir__(self) -> list[str]:
        """Without what only a lab lets one do, where there is none."""
        faults = self._faults
        found = {*super().__dir__()} - (set() if faults is not None else {"cut"})
        return sorted(found - (set() if faults is not None and faults.of_topics else _OF_TOPICS))

    def _in_a_lab(self, wish: str) -> StreamFaults:
        if self._faults is None:
            why = "is polled" if self.dials_lab is not None else "listens to no lab"
            raise BadInput(f"{self._stream.name} {why}: there is no line of it to tamper with")
        if wish in _OF_TOPICS and not self._faults.of_topics:
            raise BadInput(f"an account's messages are no topic of the lab: {wish} meets topics")
        return self._faults

    def _in_force(self) -> str:
        return "" if self._faults is None else str(self._faults)

    def _on_button(self, switch: str) -> None:
        if self._faults is None:
            return
        jobs = {
            "cut": self._faults.cut,
            "silence": self._faults.toggle_silence,
            "lose": self._faults.lose_one,
        }
        if switch in jobs:
            self._try(switch, jobs[switch])

    def _show_sliders(self) -> None:
        super()._show_sliders()
        if self._faults is not None and not self._faults.ended and _is_over(self._stream):
            self._try("lift", self._faults.end)  # a paused view does not look at its stream
        shown = self._faults is not None and self.mode in ("live", "paused")
        switches = self._faults.switches if shown and self._faults is not None else []
        if switches != self.panel.switches:
            self.panel.switches = switches

    def _ask_dials(self) -> None:
        super()._ask_dials()
        if self._faults is not None:
            self._faults.look()

    def _end(self) -> None:
        if self._faults is not None:
            self._faults.end()
