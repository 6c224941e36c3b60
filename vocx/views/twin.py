"""The text that stands for a widget where it cannot be shown.

A widget lives as long as its kernel. A notebook that is opened without it would show an error in
the widget's place, so a second output follows each view, and each box of the reader's own with
views in it: what they last showed, as text. A style hides the text while the widget is there, and
the place of the widget while it is not. The text is written when data have come and when a view
pauses or ends, and not between: each change of an output makes a notebook ask to be saved.

What is shown in an ``ipywidgets.Output`` belongs to that widget, and goes with it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from html import escape
from typing import Any, NamedTuple

import ipywidgets

from vocx.views.panel import foreign_front_end

MARK = "vocx-widget"
"""The class of a widget that a twin stands for."""
_PLACE = ".jp-OutputArea-child"
_ALIVE = ".widget-container"
"""What is in the place of a box whose models are there; a Stack shows one child, perhaps none of
ours."""
_STYLE = f"""<style>
{_PLACE}:has({_ALIVE}) + {_PLACE}:has(.vocx-twin) {{ display: none; }}
{_PLACE}:not(:has({_ALIVE})):has(+ {_PLACE} .vocx-twin) {{ display: none; }}
.vocx-twin p {{ margin: 4px 0; font-size: 13px; }}
{_PLACE} .vocx-twin pre {{ margin: 4px 0; font-size: 12px; opacity: 0.6; overflow-x: auto;
  white-space: pre; word-break: normal; }}
</style>"""
"""The output before this one is the widget's."""

_twins: dict[str, Twin] = {}
"""Those on the page, by the model of what they stand for."""


class LastText(NamedTuple):
    """What a widget last showed; ``text`` is empty where nothing was known yet."""

    title: str
    text: str
    at: datetime


class BoxWithText(ipywidgets.VBox):  # type: ignore[misc]
    """A box that leaves a text where no kernel runs.

    Attributes
    ----------
    last_text : LastText
        What it leaves.
    """

    def __init__(self, children: Sequence[Any], title: str, text: str = "", **options: Any) -> None:
        self.last_text = LastText(title, text, datetime.now(UTC))
        super().__init__(children, _dom_classes=[MARK], **options)

    def keep_text(self, text: str) -> None:
        """Leave this from now on; from any thread."""
        self.last_text = LastText(self.last_text.title, text, datetime.now(UTC))
        for twin in twins_of(self):
            twin.update()

    def on_show(self) -> None:
        """It is put on a page now."""

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        made = dict(super()._repr_mimebundle_(**options))
        return made | ({"text/plain": self.last_text.text} if self.last_text.text else {})

    def _ipython_display_(self) -> None:
        show(self)


class Twin:
    """The output below ``box``, in the notebook that shows it."""

    def __init__(self, box: ipywidgets.Box) -> None:
        self._box = box
        self._key = box.model_id
        box.observe(self._on_comm, "comm")
        _twins[self._key] = self

    def holds(self, box: BoxWithText) -> bool:
        """Whether it has the text of this one."""
        return box in boxes_in(self._box)

    def show(self) -> None:
        """Put it below what the cell has shown so far."""
        self._publish(update=False)

    def update(self) -> None:
        """Write it anew, from any thread."""
        with suppress(Exception):  # a kernel that ends takes no more outputs
            self._publish(update=True)

    def _on_comm(self, change: Any) -> None:
        if change["new"] is None:
            self.update()
            _twins.pop(self._key, None)

    def _publish(self, *, update: bool) -> None:
        from IPython.display import publish_display_data

        left = boxes_in(self._box) if self._box.comm is not None else ()
        texts = [box.last_text for box in left if box.comm is not None]
        publish_display_data(  # type: ignore[no-untyped-call]
            {"text/html": page(texts), "text/plain": ", ".join(one.title for one in texts)},
            transient={"display_id": f"vocx-{self._key}"},
            update=update,
        )


def twins_of(box: BoxWithText) -> list[Twin]:
    """The texts that stand for a box alone, or for one that it is in."""
    return [twin for twin in list(_twins.values()) if twin.holds(box)]


def boxes_in(box: Any) -> Iterator[BoxWithText]:
    """The boxes with a text in a widget, itself among them, in the order in which they stand."""
    if isinstance(box, BoxWithText):
        yield box
    else:
        for child in getattr(box, "children", ()):
            yield from boxes_in(child)


def page(texts: Sequence[LastText]) -> str:
    """Last texts as HTML; empty where there are none."""
    if not texts:
        return ""
    run = f"Run the cell above to have {'it' if len(texts) == 1 else 'them'} live."
    parts = [
        f"<p><b>{escape(title)}</b> as it was at {at:%Y-%m-%d %H:%M:%S} UTC. {run}</p>"
        f"<pre>{escape(text or 'nothing was known yet')}</pre>"
        for title, text, at in texts
    ]
    return f"<div class=vocx-twin>{_STYLE}{''.join(parts)}</div>"


def show(box: ipywidgets.Box) -> None:
    """Show a box with its text below it."""
    from IPython.display import publish_display_data

    made = box._repr_mimebundle_()
    data, metadata = made if isinstance(made, tuple) else (made, None)
    publish_display_data(data, metadata)  # type: ignore[no-untyped-call]
    if foreign_front_end():  # the style is for JupyterLab
        return
    (_twins.get(box.model_id) or Twin(box)).show()
    for one in boxes_in(box):
        one.on_show()


def _show_any(box: ipywidgets.Box) -> None:
    """A box of anybody's, as IPython is asked to show it.

    Raises
    ------
    NotImplementedError
        There is nothing of ours in it: IPython then shows it as it shows all else.
    """
    if own := getattr(box, "_ipython_display_", None):
        own()
    elif any(True for _ in boxes_in(box)):
        show(box)
    else:
        raise NotImplementedError


def show_boxes() -> None:
    """Have IPython show boxes of ipywidgets with what is ours in them by :func:`show`, where a
    notebook's kernel runs this and nobody else shows them."""
    if "ipykernel" not in sys.modules:
        return
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None:
        formatter = shell.display_formatter.ipython_display_formatter
        if formatter.for_type(ipywidgets.Box) is None:
            formatter.for_type(ipywidgets.Box, _show_any)
