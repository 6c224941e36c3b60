"""The text that stands for a view where its widget cannot be shown.

A widget lives as long as its kernel. A notebook that is opened without it would show an error in
the widget's place, so a second output follows each view: what it last showed, as text. A style
hides the text while the widget is there, and the place of the widget while it is not. The text is
written when data have come and when the view pauses or ends, and not between: each change of an
output makes a notebook ask to be saved.

A view inside a box of the reader's own has none: the box is the output, and of its models nothing
is left where no kernel runs (widget state that is saved makes other pages refuse a notebook).
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import UTC, datetime
from html import escape

MARK = "vocx-widget"
"""The class of a widget that a twin stands for."""
_PLACE = ".jp-OutputArea-child"
_STYLE = f"""<style>
{_PLACE}:has(.{MARK}) + {_PLACE}:has(.vocx-twin) {{ display: none; }}
{_PLACE}:not(:has(.{MARK})):has(+ {_PLACE} .vocx-twin) {{ display: none; }}
.vocx-twin p {{ margin: 4px 0; font-size: 13px; }}
.vocx-twin pre {{ margin: 4px 0; font-size: 12px; opacity: 0.6; overflow-x: auto; }}
</style>"""
"""The output before this one is the widget's."""


class Twin:
    """One output below a widget, in the notebook that shows it.

    Attributes
    ----------
    shown : bool
        Whether there is one yet.
    """

    def __init__(self) -> None:
        self._display_id = secrets.token_hex(8)
        self.shown = False

    def show(self, title: str, text: str) -> None:
        """Put it below what the cell has shown so far."""
        self._publish(title, text, update=False)
        self.shown = True

    def update(self, title: str, text: str) -> None:
        """Replace it, from any thread; nothing where it was never shown."""
        if self.shown:
            with suppress(Exception):  # a kernel that ends takes no more outputs
                self._publish(title, text, update=True)

    def _publish(self, title: str, text: str, *, update: bool) -> None:
        from IPython.display import publish_display_data

        publish_display_data(  # type: ignore[no-untyped-call]
            {"text/html": page(title, text), "text/plain": title if text else ""},
            transient={"display_id": self._display_id},
            update=update,
        )


def page(title: str, text: str, at: datetime | None = None) -> str:
    """A view's last text as HTML; empty for one that was taken off the page."""
    if not text:
        return ""
    moment = f"{at or datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    head = f"<b>{escape(title)}</b> as it was at {moment}. Run the cell above to have it live."
    return f"<div class=vocx-twin>{_STYLE}<p>{head}</p><pre>{escape(text)}</pre></div>"
