"""The article's table as HTML, for a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_LEFT = "text-align:left;vertical-align:top;white-space:normal;padding:3px 8px"
_ROW = '<tr style="background:none">'
"""Stripes would not follow rows that span lines."""
_HEADS = ("", "", "the article says", "documented", "measured here")
_WIDTHS = (11, 10, 15, 30, 34)


def page(title: str, rows: Sequence[Mapping[str, Any]], notes: Sequence[str]) -> str:
    """A row for REST and one for WebSocket under each name, and below them what follows; the
    conditions folded. All text is escaped here; colours are the page's own."""
    head = "".join(
        f'<th style="{_LEFT};width:{wide}%">{escape(text)}</th>'
        for text, wide in zip(_HEADS, _WIDTHS, strict=True)
    )
    body = "".join(_block(row) for row in rows)
    below = "<br>".join(escape(one) for one in notes)
    return (
        f'<div><b>{escape(title)}</b><table style="width:100%;table-layout:fixed">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"<details><summary>From where to where, by whose clock</summary>{below}</details></div>"
    )


def _block(row: Mapping[str, Any]) -> str:
    lines = 2 + bool(row["so"])
    made = ""
    for number, path in enumerate(("REST", "WebSocket")):
        name = _cell(f"<b>{escape(str(row['row']))}</b>", f" rowspan={lines}") * (not number)
        told = (row[f"{teller}_{path}"] for teller in ("article", "documented", "measured"))
        cells = "".join(_cell(escape(str(one)).replace("\n", "<br>")) for one in told)
        made += f"{_ROW}{name}{_cell(path)}{cells}</tr>"
    if row["so"]:
        so = f"<i>{escape(str(row['so']))}</i>"
        made += f"{_ROW}{_cell(so, ' colspan=4')}</tr>"
    return made


def _cell(html: str, more: str = "") -> str:
    return f'<td{more} style="{_LEFT}">{html}</td>'
