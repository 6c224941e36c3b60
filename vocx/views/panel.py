"""The head of each view: title, state in words, buttons, perhaps sliders, perhaps a table."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import anywidget
import traitlets

_HERE = Path(__file__).parent


def _lean(*names: str) -> str:
    """Files without indentation and comment lines: each panel carries a copy to the page."""
    lines = (line.strip() for name in names for line in _read(name).splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _read(name: str) -> str:
    return (_HERE / name).read_text("utf-8")


def _style(*names: str) -> str:
    return re.sub(r"\s*([{};,])\s*|(:)\s+", r"\1\2", _lean(*names))


class Panel(anywidget.AnyWidget):
    """What is shown above a chart. Written by the writer thread; reports ``{"do": ...}``.

    ``level`` is ``"live"``, ``"waiting"``, ``"paused"``, ``"stopped"`` or ``"error"``;
    ``actions`` in the head and ``switches`` below it are (id, label, hint), with ``"true"`` or
    ``"false"`` for a button that may be pressed in; ``body`` is HTML whose values are escaped by
    its maker. ``beat`` counts on once a second: a page that misses it for 3 s greys the view and
    says so, without the kernel.
    """

    _esm = _lean("panel.js")
    _css = _style("panel.css")
    title = traitlets.Unicode().tag(sync=True)
    status = traitlets.Unicode().tag(sync=True)
    level = traitlets.Unicode("waiting").tag(sync=True)
    actions: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    switches: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    dials = traitlets.Unicode().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    body = traitlets.Unicode().tag(sync=True)
    beat = traitlets.Int().tag(sync=True)


class SliderPanel(Panel):
    """One with ``sliders``, made by :class:`~vocx.views.sliders.Slider`."""

    _esm = _lean("sliders.js", "panel.js")
    _css = _style("panel.css", "sliders.css")
    sliders: traitlets.List[dict[str, object]] = traitlets.List().tag(sync=True)


def foreign_front_end() -> str:
    """A sentence for front ends where live widgets freeze, empty in JupyterLab."""
    if "google.colab" in sys.modules or any(name.startswith("VSCODE_") for name in os.environ):
        return "If this does not move here, run view.watch(20)"
    return ""
