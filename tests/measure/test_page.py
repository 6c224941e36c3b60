"""The article's table as a page."""

from __future__ import annotations

import re

from vocx import measure
from vocx.measure.page import page


def test_each_row_has_both_ways_and_what_follows() -> None:
    """Eight names, a line for REST and one for WebSocket each; the conditions are folded."""
    shown = measure.article(code_size=measure.code_size())._repr_mimebundle_()["text/html"]
    assert re.findall(r"rowspan=\d style=\"[^\"]*\"><b>([a-z ]+)</b>", shown) == [
        "connection", "latency", "data flow", "rate limits", "best for", "complexity",
        "bandwidth", "auth",
    ]  # fmt: skip
    assert shown.count(">REST<") == shown.count(">WebSocket<") == 8
    assert re.search(r"<td[^>]*colspan=4[^>]*><i>A hybrid with orders", shown)
    assert shown.index("<details>") > shown.index("</table>")


def test_text_is_escaped() -> None:
    """Whatever a result says, it is text."""
    ways = {f"{teller}_{path}": "<b>&" for teller in ("article", "documented", "measured")
            for path in ("REST", "WebSocket")}  # fmt: skip
    shown = page("a < b", [{"row": "x", "so": "<i>", **ways}], ["<script>"])
    assert "<script>" not in shown and shown.count("&lt;b&gt;&amp;") == 6
