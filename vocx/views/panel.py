"""The head of each view: title, state in words, buttons, perhaps a dial, perhaps a table."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import anywidget
import traitlets

_HERE = Path(__file__).parent
_SCRIPT = (_HERE / "panel.js").read_text("utf-8")
_STYLE = (_HERE / "panel.css").read_text("utf-8")


class Panel(anywidget.AnyWidget):
    """What is shown above a chart. Written by the writer thread; reports ``{"do": ...}``.

    ``level`` is ``"live"``, ``"waiting"``, ``"paused"``, ``"stopped"`` or ``"error"``;
    ``actions`` are (id, label, hint); ``body`` is HTML whose values are escaped by its maker.
    """

    _esm = _SCRIPT
    _css = _STYLE
    title = traitlets.Unicode().tag(sync=True)
    status = traitlets.Unicode().tag(sync=True)
    level = traitlets.Unicode("waiting").tag(sync=True)
    actions: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    dial = traitlets.Dict().tag(sync=True)
    dials = traitlets.Unicode().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    body = traitlets.Unicode().tag(sync=True)


def foreign_front_end() -> str:
    """A sentence for front ends where live widgets freeze, empty in JupyterLab."""
    if "google.colab" in sys.modules or any(name.startswith("VSCODE_") for name in os.environ):
        return "If this does not move here, run view.watch(20)"
    return ""
