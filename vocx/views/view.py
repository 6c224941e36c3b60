"""What all views have in common: a name, a life, a status line, buttons and a text twin.

A view is *live* until it is paused (by you, or because nobody looked for a while), *stopped* when
its data ended or you said so, and *closed* when another view took its name. A re-run cell
therefore replaces its view and leaves no widget and no thread behind.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from typing import Any

import ipywidgets
import msgspec
import numpy as np
import plotly.graph_objects as go

from vocx.call_forms import methods_say_their_form, says_its_form
from vocx.errors import NotReady, VocxError
from vocx.timing import mono_ns, wall_ns
from vocx.views.formatting import first_line
from vocx.views.panel import Panel, foreign_front_end
from vocx.views.plotly_bundle import live_figure
from vocx.views.sliders import Slider
from vocx.views.twin import BoxWithText, show, twins_of
from vocx.views.writer import helper, writer

PAUSE_AFTER_S = 600.0
"""A view that nobody looked at for so long pauses; it goes on when it is looked at again."""
UNSEEN_AFTER_S = 180.0
"""The same for one that no browser ever showed."""
_DIALS_EVERY_NS = 1_000_000_000
_SAY_EVERY_NS = 500_000_000
_PINGS = 3
"""After a turn: the first answer may have waited behind bytes that still came from afar."""
_BEAT_EVERY_NS = 1_000_000_000
_TWIN_AFTER_NS = 2_000_000_000
"""Data have come by then, or will not: time to write down what is shown."""
STOP_STREAM = ("Stop", "Stop the stream behind this view")
"""The label and the hint of a view's Stop."""
_PAUSE = ("pause", "Pause", "Freeze the picture; the data goes on")
_RESUME = ("resume", "Resume", "Go on with what is true now")

_LAYOUT = {"overflow": "hidden", "flex": "1 1 0%", "min_width": "0"}
"""In a row with others all get an even share."""

_NOWHERE = np.full(1, np.nan)
"""Of a trace without points."""

_INNER = {"dials_lab", "panel_kind", "tick", "moving", "keep_text", "on_show"}
"""What parts of the package ask of a view."""

_open: dict[str, View] = {}


class Text(str):
    """Text that a notebook shows as it is."""

    def __repr__(self) -> str:
        return str(self)


class ViewStats(msgspec.Struct, frozen=True, kw_only=True):
    """What a view costs. Milliseconds of the writer thread per refresh (processor time)."""

    refreshes: int
    per_second: float
    writer_ms: float
    writer_ms_worst: float


@methods_say_their_form
class View(BoxWithText):
    """Base of all views; made by the functions of :mod:`vocx.views`. A widget: it goes where
    widgets go, ``HBox([views.price(tape), views.book(tape)])`` for one.

    Attributes
    ----------
    name : str
        A view made under a name that is taken replaces it.
    mode : str
        ``"live"``, ``"paused"``, ``"stopped"`` or ``"closed"``.
    """

    mode = "closed"  # of one that was never made whole
    dials_lab: Any = None
    _controls: Any = None  # the dials that its sliders turn: ``NetworkControls``
    panel_kind: type[Panel] = Panel
    _unlabelled: Sequence[str] = ("xaxis", "yaxis")  # until something is known
    _drawn = False  # since the page was last told how the picture looks

    def __init__(
        self,
        name: str,
        title: str,
        *,
        streams: Sequence[Any] = (),
        figure: go.Figure | None = None,
        stop: tuple[str, str] = STOP_STREAM,
        note: str = "",
    ) -> None:
        self.name = name
        self.mode = "live"
        self._streams = list(streams)
        self._stop_action = ("stop", *stop)
        self._commands: deque[str] = deque(maxlen=16)
        self._looked_ns = mono_ns()
        self._looked = self._by_itself = False
        self._errors: dict[str, str] = {}
        self._dials_at = self._said_at = self._beat_at = 0
        self._dials_text = ""
        self._pings_due = 0
        self._costs: deque[tuple[int, int]] = deque(maxlen=200)
        self._refreshes = 0
        self._sliders: Sequence[Slider] = ()
        self._shown_at: Sequence[tuple[float, int]] = ()
        notes = " · ".join(filter(None, [note, foreign_front_end()]))
        self.panel = self.panel_kind(title=title, note=notes)
        self.panel.on_msg(self._on_message)
        self.figure = figure
        self._text_due_ns: int | None = mono_ns() + _TWIN_AFTER_NS
        super().__init__((), title, layout=_LAYOUT)
        self._show_actions()

    def _parts(self) -> list[Any]:
        """What stands below each other."""
        return [self.panel] if self.figure is None else [self.panel, self.figure]

    def _begin(self) -> None:
        """Take the name, replace who had it, be drawn. The last line of a constructor."""
        if self.figure is not None:
            self.figure = self._first_picture(self.figure)
        self.children = self._parts()
        with writer.lock:
            before = _open.pop(self.name, None)
            _open[self.name] = self
        if before is not None:
            before.close()
        writer.add(self)

    def _first_picture(self, figure: go.Figure) -> Any:
        """The live figure, with what is known already: a page first paints what it is made with,
        and would show axes of nothing. Where nothing is known yet they bear no numbers."""
        for name in self._unlabelled:
            figure.layout[name].showticklabels = False
        with suppress(VocxError):  # nothing is known yet; the first tick says why
            self._draw(wall_ns())
        self._drawn = False
        return live_figure(figure)

    # what kinds of views provide

    def _draw(self, now_ns: int) -> str:
        """Draw what is known at ``now_ns`` (wall clock); returns the status text."""
        raise NotImplementedError

    def _rows(self) -> str:
        """The same data as text."""
        raise NotImplementedError

    def _in_force(self) -> str:
        """What the reader does to the data of this view, in words; empty for nothing."""
        return ""

    def _picture(self) -> go.Figure | None:
        return None if self.figure is None else go.Figure(self.figure)

    def _end(self) -> None:
        """Stop what this view started itself. Called in the helper thread; must be quick."""

    # for the reader

    def table(self) -> Text:
        """What is shown, as text."""
        with writer.lock:
            return Text(self._rows())

    def pause(self) -> None:
        """Freeze the picture; the data goes on."""
        self._command("pause")

    def resume(self) -> None:
        """Go on with what is true now."""
        self._command("resume")

    def stop(self) -> None:
        """End this view. Its stream goes on: ``stream.stop()`` or the Stop button ends that."""
        helper.do((id(self), "end"), self._end)
        with writer.lock:
            if self.mode in ("live", "paused"):
                self._finish("view stopped")
        writer.remove(self)

    def close(self) -> None:
        """End it and take it off the page, with all its widgets."""
        if self.mode == "closed":
            return
        self.stop()
        with writer.lock:
            self.mode = "closed"
            if _open.get(self.name) is self:
                del _open[self.name]
            _close(self)
        for twin in twins_of(self):
            twin.update()

    def watch(self, seconds: float = 20.0) -> None:
        """Show it from this cell for ``seconds``: for front ends where live widgets freeze.

        Blocks; interrupt the kernel to end it early.
        """
        from IPython.display import display

        end = time.monotonic() + seconds
        shown = display(self._still(), display_id=True)  # type: ignore[no-untyped-call]
        with suppress(KeyboardInterrupt):
            while (left := end - time.monotonic()) > 0 and self.mode == "live":
                time.sleep(min(0.5, left))
                if shown is not None:
                    shown.update(self._still())

    def _still(self) -> Any:
        with writer.lock:
            return self._picture() or Text(self._rows())

    @property
    def stats(self) -> ViewStats:
        """How often it is drawn and what that costs."""
        costs = list(self._costs)
        span = (costs[-1][0] - costs[0][0]) / 1e9 if len(costs) > 1 else 0.0
        times = sorted(cost / 1e6 for _, cost in costs)
        return ViewStats(
            refreshes=self._refreshes,
            per_second=(len(costs) - 1) / span if span else 0.0,
            writer_ms=times[len(times) // 2] if times else 0.0,
            writer_ms_worst=times[-1] if times else 0.0,
        )

    def __repr__(self) -> str:
        return f"<View {self.name}: {self.mode}>"

    def __dir__(self) -> list[str]:
        """What belongs to a view, not the sixty names of a widget."""
        ours = (vars(kind) for kind in type(self).__mro__ if kind.__module__.startswith("vocx."))
        found = {name for names in ours for name in names if not name.startswith("_")}
        return sorted(found - _INNER | {"name", "layout"})

    def _ipython_display_(self) -> None:
        """The widget, and below it the text that stands for it where no kernel runs."""
        if not in_notebook() or self.mode == "closed":
            print(repr(self))
        else:
            show(self)

    def on_show(self) -> None:
        """Have the text written as soon as there is something to say."""
        self._text_due_ns = mono_ns() + _TWIN_AFTER_NS
        if self.mode not in ("live", "paused"):
            self._keep_text()

    def _keep_text(self) -> None:
        """Have the text below the widget say what is shown now. Asking may wait for a network."""
        if twins_of(self):
            self._text_due_ns = None
            helper.do((id(self), "twin"), self._write_text)

    def _write_text(self) -> None:
        try:
            text = str(self.table())
        except Exception as error:
            text = self.last_text.text or f"nothing was known yet: {first_line(error)}"
        self.keep_text(text)

    # callbacks: they leave a command and nothing else

    def _on_message(self, _widget: Any, message: Any, _buffers: Any) -> None:
        command = message.get("do") if isinstance(message, dict) else None
        if command == "look":
            self._looked, self._looked_ns = True, mono_ns()
        elif command == "dial":
            self._on_slider(message)
        elif isinstance(command, str):
            self._commands.append(command)
        writer.wake()

    def _command(self, command: str) -> None:
        self._commands.append(command)
        writer.wake()

    def _try(self, key: str, job: Callable[[], object]) -> None:
        """Do ``job`` in the helper thread; its error is shown in the status line."""

        def run() -> None:
            try:
                job()
                self._errors.pop(key, None)
            except Exception as error:
                self._errors[key] = f"{key}: {first_line(error)}"

        helper.do((id(self), key), run)

    # sliders

    def _put_sliders(self, *sliders: Slider) -> None:
        """Have these from now on; none of them when the view ends."""
        self._sliders = sliders
        self._show_sliders()

    def _show_sliders(self) -> None:
        """In the writer's tick: let them follow what is in force."""
        at = tuple((one.now(), one.applied) for one in self._sliders)
        if at != self._shown_at:
            self._shown_at = at
            self.panel.sliders = [one.spec() for one in self._sliders]

    def _on_slider(self, message: Mapping[str, Any]) -> None:
        """A slider was moved: have it done, and say when it is."""
        wanted = message.get("id")
        slider = next((one for one in self._sliders if wanted in (None, one.key)), None)
        if slider is None:
            return

        def apply() -> None:
            try:
                slider.apply(float(message["value"]))
                if self.dials_lab is not None:
                    self._ask_dials()
            finally:
                slider.applied += 1

        self._try(slider.key, apply)

    # the writer's tick

    @property
    def moving(self) -> bool:
        """Whether it wants to be drawn again soon."""
        return self.mode == "live"

    def tick(self, now_ns: int) -> bool:
        """One tick of the writer thread: commands, then a picture."""
        spent = time.thread_time_ns()
        try:
            if now_ns - self._beat_at > _BEAT_EVERY_NS:
                self._beat_at = now_ns
                self.panel.beat += 1
            self._run_commands(now_ns)
            self._show_sliders()
            if self._text_due_ns is not None and now_ns > self._text_due_ns:
                self._keep_text()
            if self.mode == "live":
                self._refresh()
                self._refreshes += 1
                self._costs.append((now_ns, time.thread_time_ns() - spent))
        except Exception as error:
            with suppress(Exception):
                self._say("error", f"{type(error).__name__}: {first_line(error)}")
        return self.mode in ("live", "paused")

    def _run_commands(self, now_ns: int) -> None:
        while self._commands:
            command = self._commands.popleft()
            if command == "pause" and self.mode == "live":
                self._pause("paused by you; the data goes on", by_itself=False)
            elif command == "resume" and self.mode == "paused":
                self._resume(now_ns)
            elif command == "stop":
                self._stop_data()
            else:
                self._on_button(command)
        patience = PAUSE_AFTER_S if self._looked else UNSEEN_AFTER_S
        unseen_s = (now_ns - self._looked_ns) / 1e9
        if self.mode == "live" and unseen_s > patience:
            self._pause(f"paused: nobody looked for {patience / 60:.0f} min", by_itself=True)
        elif self.mode == "paused" and self._by_itself and self._looked and unseen_s < 1:
            self._resume(now_ns)

    def _pause(self, why: str, *, by_itself: bool) -> None:
        self.mode, self._by_itself = "paused", by_itself
        self._settle()
        self._show_actions()
        self._say("paused", why)
        self._keep_text()

    def _resume(self, now_ns: int) -> None:
        self.mode, self._looked_ns = "live", now_ns
        self._show_actions()

    def _on_button(self, switch: str) -> None:
        """A button of this kind of view was pressed."""

    def _stop_data(self) -> None:
        for stream in self._streams:
            self._try("stop", stream.stop)
        self._try("end", self._end)
        if not self._streams:
            self._finish("stopped by you")

    def _refresh(self) -> None:
        dead = next((s for s in self._streams if s.state in ("stopped", "fatal")), None)
        level = "live"
        try:
            status = self._draw(wall_ns())
            if any(stream.state != "live" for stream in self._streams):
                level = "waiting"
        except NotReady as error:
            level, status = "waiting", first_line(error)
        except VocxError as error:
            level, status = "error", first_line(error)
        if dead is not None:
            self._try("end", self._end)
            why = first_line(dead.why)
            by_you = " by you" if dead.state == "stopped" else ""
            self._finish(f"stream {dead.state}{f': {why}' if why else by_you}")
            return
        if said := self._in_force():
            level, status = "waiting" if level == "live" else level, f"{said} · {status}"
        if self._errors:
            level, status = "error", "; ".join(list(self._errors.values()))
        self._say(level, status)
        self._look_at_dials()

    def _send_points(self, x: Sequence[Any], y: Sequence[Any]) -> None:
        """Replace the numbers of all traces in one message, as binary (never views of others:
        the wire takes contiguous memory only). A trace without points keeps its place in the
        legend."""
        places = [np.ascontiguousarray(one) if len(one) else _NOWHERE for one in x]
        values = [np.ascontiguousarray(one) if len(one) else _NOWHERE for one in y]
        self._send_columns({"x": places, "y": values}, known=any(map(len, y)))

    def _send_columns(self, data: dict[str, list[Any]], *, known: bool) -> None:
        """Replace columns of all traces in one message; ``known``: there is something to see."""
        assert self.figure is not None
        layout = {f"{name}.showticklabels": True for name in self._unlabelled if known}
        traces = list(range(len(self.figure.data)))
        self.figure.plotly_update(restyle_data=data, relayout_data=layout, trace_indexes=traces)
        self._drawn = True
        if layout:
            self._unlabelled = ()
            self._settle_layout()

    def _finish(self, why: str) -> None:
        self.mode = "stopped"
        self._settle()
        self._put_sliders()
        self.panel.actions = []
        self.panel.dials = ""
        self._say("stopped", f"{why}. Run the cell again for a new view")
        self._keep_text()

    def _say(self, level: str, status: str) -> None:
        """Show a state. The same level again is shown twice a second: faster cannot be read."""
        now_ns = mono_ns()
        if level == self.panel.level == "live" and now_ns - self._said_at < _SAY_EVERY_NS:
            return
        self._said_at = now_ns
        self.panel.level, self.panel.status = level, status

    def _show_actions(self) -> None:
        first = _RESUME if self.mode == "paused" else _PAUSE
        self.panel.actions = [list(first), list(self._stop_action)]

    def _settle(self) -> None:
        """Let the page keep the last picture when it is loaded again."""
        if self._drawn and self.figure is not None:
            self._drawn = False
            self.figure._widget_data = deepcopy(self.figure._data)

    def _settle_layout(self) -> None:
        """Let a page that is loaded later have the axes of now."""
        if isinstance(self.figure, go.FigureWidget):
            self.figure._widget_layout = deepcopy(self.figure._layout)

    def _look_at_dials(self) -> None:
        """Ask the lab now and then which dials are in force, and show it."""
        if self.dials_lab is None:
            return
        now_ns = mono_ns()
        if now_ns - self._dials_at > _DIALS_EVERY_NS:
            self._dials_at = now_ns
            self._try("dials", self._ask_dials)
        if self._dials_text != self.panel.dials:
            self.panel.dials = self._dials_text

    def _ask_dials(self) -> None:
        """What is in force. Where that has changed streams measure their distance anew, or their
        ages would stand on an old one for half a minute."""
        if self._controls is not None:
            self._controls.look()
        text = f"dials in force: {self.dials_lab.network}"
        if text != self._dials_text:
            self._dials_text, self._pings_due = text, _PINGS
        if self._pings_due:
            self._pings_due -= 1
            for stream in self._streams:
                stream.ping()


def _close(widget: Any) -> None:
    """Close a widget with its children, its layout and its style: none is collected by itself."""
    if not isinstance(widget, ipywidgets.Widget):
        return
    for child in getattr(widget, "children", ()):
        _close(child)
    if not isinstance(widget, go.FigureWidget):
        for name in ("layout", "style"):
            with suppress(Exception):
                _close(getattr(widget, name))
    ipywidgets.Widget.close(widget)  # a view's own close() ends here


@says_its_form
def opened() -> list[View]:
    """The open views, oldest first."""
    with writer.lock:
        return list(_open.values())


@says_its_form
def stop_all() -> None:
    """Stop every view: no thread of theirs is left. The pictures stay."""
    for view in opened():
        view.stop()
    with writer.lock:
        _open.clear()
    writer.join(2.0)
    helper.join(2.0)


def in_notebook() -> bool:
    """Whether a notebook's kernel runs this."""
    return "ipykernel" in sys.modules
