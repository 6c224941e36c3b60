"""The string that is signed, what is sent, and the answer, while an order is edited."""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import quote as percent

import ipywidgets

from vocx.course.instruments.instrument import instrument
from vocx.text import text_table
from vocx.views.view import View

STAMP_LIFE_S = 30.0
"""The view keeps its timestamp so long: then only what was edited differs."""
Pairs = list[tuple[str, str]]
Ask = Callable[[str, str], tuple[str, str]]
"""Takes the text to sign and the text to send; gives the signature and the answer."""
FIELDS = (
    ("symbol", "BTCUSDT"),
    ("side", "BUY"),
    ("type", "LIMIT"),
    ("timeInForce", "GTC"),
    ("quantity", "0.01"),
    ("price", "60000.00"),
    ("newClientOrderId", "mine-1"),
)


def joined(pairs: Pairs) -> str:
    """Pairs as they travel in a query, values percent-encoded."""
    return "&".join(f"{name}={percent(text, safe='')}" for name, text in pairs)


def _with_a_zero(pairs: Pairs) -> str:
    return joined([(name, f"{text}0" if name == "price" else text) for name, text in pairs])


SENT: dict[str, Callable[[Pairs], str]] = {
    "exactly that": joined,
    "the pairs, symbol moved to the end": lambda pairs: joined(pairs[1:] + pairs[:1]),
    "the price with one more zero": _with_a_zero,
}
"""What may be sent under that signature: each means the same, and is other bytes."""


class SignatureView(View):
    """Edit an order and watch what is signed, what is sent and what comes back.

    ``ask(signed, sent)`` gives the signature of one text and the answer to the other, sent under
    it: :class:`vocx.course.signing.SignatureTester` has a lab test it, and places nothing.
    Signatures are shown as they are, so no real key belongs here.
    """

    def __init__(self, ask: Ask, *, name: str | None = None, note: str = "") -> None:
        self._asked, self.dials_lab = ask, getattr(ask, "lab", None)
        self._wanted: tuple[Pairs, str] = (list(FIELDS), next(iter(SENT)))
        self._done: tuple[Pairs, str] | None = None
        self._stamp_ns = 0
        self._lines: dict[str, str] = {}
        self._made = ""
        super().__init__(
            name or "signature", "What is signed", stop=("Stop", "End this view"), note=note
        )
        self._begin()

    def _parts(self) -> list[Any]:
        label = {"description_width": "initial"}
        self._inputs = [
            ipywidgets.Text(value=text, description=name, style=label, layout={"width": width})
            for (name, text), width in zip(FIELDS, _WIDTHS, strict=True)
        ]
        self._how = ipywidgets.Dropdown(
            options=list(SENT),
            description="send",
            style=label,
            layout={"width": "330px", "max_width": "calc(100% - 4px)"},
        )
        for one in (*self._inputs, self._how):
            one.observe(self._edited, "value")
        row = ipywidgets.HBox(
            [*self._inputs, self._how], layout={"flex_flow": "row wrap", "overflow": "hidden"}
        )
        return [row, self.panel]

    def _edited(self, change: Any) -> None:
        """Leave what is wanted; the writer takes it at its next tick."""
        names = (name for name, _ in FIELDS)
        pairs = [(name, one.value) for name, one in zip(names, self._inputs, strict=True)]
        self._wanted = (pairs, self._how.value)

    def _draw(self, now_ns: int) -> str:
        if self._wanted != self._done:
            self._done = self._wanted
            self._try("exchange", self._ask)
        self.panel.body = self._made
        return "tested by the lab, which places nothing"

    def _ask(self) -> None:
        """Sign, send, keep what came; in the helper thread. An empty field is left out."""
        pairs, how = self._wanted
        if time.time_ns() - self._stamp_ns > STAMP_LIFE_S * 1e9:
            self._stamp_ns = time.time_ns()
        pairs = [(name, text) for name, text in pairs if text]
        pairs += [("recvWindow", "60000"), ("timestamp", str(self._stamp_ns // 1_000_000))]
        signed, sent = joined(pairs), SENT[how](pairs)
        before = self._lines
        made, answer = self._asked(signed, sent)
        now = {"signed": signed, "signature": made, "sent": sent, "answer": answer}
        self._lines, self._made = now, _html(before or now, now)

    def _rows(self) -> str:
        return text_table(("", "bytes"), list(self._lines.items()), left=2)


_WIDTHS = ("165px", "115px", "125px", "150px", "150px", "160px", "230px")
_CELL = "text-align:left;white-space:normal;word-break:break-all;max-width:760px"


def _html(before: dict[str, str], now: dict[str, str]) -> str:
    """A table that marks what is new in the signed text, and what was sent that was not signed."""
    new = sum(
        one != other for one, other in zip(before["signature"], now["signature"], strict=True)
    )
    digits = f" <i>({new} of 64 digits are new)</i>" if new else ""
    rows = [
        ("you sign", _marked(before["signed"], now["signed"])),
        ("signature", now["signature"] + digits),
        ("you send", _marked(now["signed"], now["sent"]) + "&amp;signature=..."),
        ("answer", f"<b>{escape(now['answer'])}</b>"),
    ]
    cells = "".join(
        f"<tr><th class=left style='border:0'>{name}</th><td style='{_CELL}'>{text}</td></tr>"
        for name, text in rows
    )
    return f"<table><tbody>{cells}</tbody></table>"


def _marked(before: str, now: str) -> str:
    """``now``, escaped, with what is between the common beginning and end underlined."""
    start = 0
    while start < min(len(before), len(now)) and before[start] == now[start]:
        start += 1
    end = 0
    most = min(len(before), len(now)) - start
    while end < most and before[-1 - end] == now[-1 - end]:
        end += 1
    head, middle, tail = now[:start], now[start : len(now) - end], now[len(now) - end :]
    changed = f"<u><b>{escape(middle)}</b></u>" if middle else ""
    return f"{escape(head)}{changed}{escape(tail)}"


signature = instrument("signature", SignatureView)
