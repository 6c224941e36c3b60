"""One copy of plotly.js for all live figures.

Every ``go.FigureWidget`` carries plotly.js in its own state: 5 MB each. Here a hidden widget
holds the bundle once, compressed; the browser unpacks it, imports it from a blob URL and keeps
the promise on ``globalThis``; each figure waits for that promise and costs a few KB.

What the browser side (``plotly_bundle.js``) does beyond that, because live charts need it:

* Drawing waits for the bundle, but *initialising does not*: anywidget gives up on a model that
  takes longer than 2 s to initialise, which 1.5 MB over a slow line does.
* Updates are coalesced to one a frame: a slow or hidden page skips frames, it never falls behind.
  Each update of ours is whole: the newest is all there is to know.
* Nothing is reported back. plotly answers each update with its computed defaults, which nobody
  reads here and which would queue behind a busy cell.
* A view that leaves the page takes its handlers with it.

If plotly ever ships a bundle of another shape, figures fall back to the stock class, with one
warning.
"""

from __future__ import annotations

import gzip
import re
import threading
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import plotly
import plotly.graph_objects as go
import traitlets

from vocx.figures.deferred import defer

defer("nbformat")  # before the first FigureWidget is looked at

_KEY = f"__vocx_plotly_{plotly.__version__}"
_SCRIPT = (Path(__file__).parent / "plotly_bundle.js").read_text("utf-8").replace("__KEY__", _KEY)
_FIGURE_SCRIPT = """
export default {
  async render({ model, el }) {
    const key = "__KEY__";
    if (!globalThis[key]) {
      const made = {};
      made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
      made.promise.catch(() => {});
      globalThis[key] = made;
    }
    el.textContent = "Loading the chart library once for this page ...";
    try {
      const draw = await globalThis[key].promise;
      el.textContent = "";
      return await draw(model, el);
    } catch (error) {
      el.textContent = `No chart here (${error}). As text: .table()`;
    }
  },
};
""".replace("__KEY__", _KEY)
_EXPORTED = re.compile(r"export\s*\{(?P<names>[^{}]*)\}")
_FACTORY = r"[^\w$]{name}\s*=\s*(?:async\s*)?(?:\(\)\s*=>|function)|function\s+{name}\s*\("

_lock = threading.Lock()
_holder: Any = None


def usable(bundle: str) -> bool:
    """Whether plotly's bundle still is what sharing needs: its default export is a factory, so
    that one import can make many figures."""
    found = [match for match in _EXPORTED.finditer(bundle) if " as default" in match["names"]]
    if not found:
        return False
    exported = re.search(r"([\w$]+)\s+as\s+default", found[-1]["names"])
    if exported is None:
        return False
    pattern = _FACTORY.replace("{name}", re.escape(exported[1]))
    return re.search(pattern, bundle[: found[-1].start()]) is not None


class _Holder(anywidget.AnyWidget):
    """The hidden widget that carries the compressed bundle to the browser."""

    _esm = _SCRIPT
    bundle = traitlets.Bytes().tag(sync=True)


class SharedFigure(go.FigureWidget):  # type: ignore[misc]
    """A ``FigureWidget`` that draws with the page's one copy of plotly.js."""

    _esm = _FIGURE_SCRIPT

    def _perform_plotly_restyle(self, restyle_data: Any, trace_indexes: Any) -> Any:
        """Send all numbers each time, not only columns that changed: a page that shows the figure
        later has not heard the messages before, and x without y is drawn as 0, 1, 2, ..."""
        super()._perform_plotly_restyle(restyle_data, trace_indexes)
        return restyle_data


@cache
def _packed() -> bytes:
    """The compressed bundle; empty, with one warning, where it cannot be shared."""
    path = Path(plotly.__file__).parent / "package_data" / "widgetbundle.js"
    try:
        text = path.read_text("utf-8")
    except OSError:
        text = ""
    if usable(text):
        return gzip.compress(text.encode(), 6, mtime=0)
    warnings.warn(
        "plotly's browser bundle has a new shape, so each live chart carries its own copy "
        "(5 MB). Charts work; the page loads more slowly.",
        RuntimeWarning,
        stacklevel=3,
    )
    return b""


def live_figure(figure: go.Figure) -> Any:
    """A live copy of ``figure``: shared plotly.js where possible, the stock class otherwise.

    Returns
    -------
    plotly.graph_objects.FigureWidget
    """
    global _holder
    packed = _packed()
    if packed:
        with _lock:
            if _holder is None or _holder.comm is None:
                _holder = _Holder(bundle=packed)
        made = SharedFigure(figure)
    else:
        made = go.FigureWidget(figure)
    with made.hold_sync():
        made._view_count = None  # else a view that closes reports to a comm that is gone
        made._config = {"displaylogo": False, "responsive": False, "displayModeBar": False}
    return made
