"""The article's eight rows: filled from results that are given, and from nothing else."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import structs

from vocx import measure, venues
from vocx.errors import BadInput
from vocx.exchange import Exchange
from vocx.measure import Article, Conditions, FillTimes, Interval, OrderEntry, article, load
from vocx.measure.article import ABSENT, page
from vocx.measure.claims import UNKNOWN, claims
from vocx.measure.findings import ROWS
from vocx.measure.order_paths import PlacedOrder
from vocx.measure.orders import SentOrders

MADE = Conditions(path="from here to there", clock="this machine", rtt_ms=40.0, made="2026-11-22")


def sent(path: str, signatures: int, ms: float) -> SentOrders:
    order = PlacedOrder(
        id=1,
        price=Decimal(1),
        begun_ns=0,
        accepted_ns=int(ms * 5e5),
        ended_ns=int(ms * 1e6),
        signatures=signatures,
        sent_bytes=500,
        received_bytes=500,
    )
    return SentOrders(path=path, new=False, connections=0, orders=[order])


ORDERS = OrderEntry(
    conditions=MADE,
    sent=[
        one
        for ms in (40.0, 41.0, 42.0, 43.0)
        for one in (
            sent("REST", 1, 2 * ms),
            sent("WebSocket", 1, ms),
            sent("WebSocket, logged on", 0, ms),
        )
    ],
    opening_trips={"REST": 0, "WebSocket": 1, "WebSocket, logged on": 2},
    made_us={"HMAC": 30.0},
    logon_signatures=1,
)
FILLS = FillTimes(
    conditions=MADE,
    every_ms=[250.0, 1000.0],
    pushed_ms=[20.0, 20.0],
    polled_ms=[[100.0, 200.0], [400.0, 600.0]],
    polls=[8, 8],
    call_ms=40.0,
    weight=4,
    limit=6000,
)


def row(found: Article, name: str) -> dict[str, str]:
    return next(one for one in found.rows() if one["row"] == name)


def test_eight_rows_each_with_a_source_and_its_date() -> None:
    """A fact of a venue carries its date."""
    assert [one.row for one in claims()] == list(ROWS) and len(claims()) == 8
    assert all(re.search(r"20\d\d-\d\d", one.source) for one in claims())


@pytest.mark.parametrize("venue", venues.names())
def test_documentation_is_that_of_the_venue(venue: str) -> None:
    """The same eight claims, and beside each what this venue says, with its date."""
    for one, general in zip(claims(venue), claims(), strict=True):
        assert (one.row, one.rest, one.websocket) == (general.row, general.rest, general.websocket)
        assert venue in one.source.lower() and re.search(r"20\d\d-\d\d", one.source)
        assert UNKNOWN not in (one.rest_today, one.websocket_today)
        if venue != "binance":
            assert "binance" not in f"{one.source} {one.rest_today} {one.websocket_today}".lower()
            assert one.websocket_today != general.websocket_today


def test_of_a_venue_that_is_not_known_nothing_is_documented() -> None:
    """Another one's documentation is not said of it."""
    made = structs.replace(ORDERS, conditions=structs.replace(MADE, venue="mine"))
    found = article(orders=made)
    assert {one["documented_REST"] for one in found.rows()} == {UNKNOWN}
    assert "Binance" not in found.table() and "documented: " not in found.table()


def test_what_was_not_measured_says_so() -> None:
    """No number is made up: only the row of the given result has one."""
    found = article(code_size=measure.code_size())
    for one in found.rows():
        measured = one["measured_REST"], one["measured_WebSocket"]
        assert (ABSENT in measured) == (one["row"] != "complexity")
        assert bool(one["so"]) == (one["row"] == "complexity")
    assert found.table().count(ABSENT) == 14


def test_signatures_and_orders_are_those_of_the_result() -> None:
    """Counted by path, with the distance they were measured at."""
    found = article(orders=ORDERS)
    auth = row(found, "auth")
    assert auth["measured_REST"] == "4 signatures on 4 orders, HMAC key"
    assert "1 to log on, then 0 signatures on 4 orders" in auth["measured_WebSocket"]
    best = row(found, "best for")
    assert "40 ms away: 83.0 ms" in best["measured_REST"]
    assert "REST 2.00 times WebSocket" in best["so"]


def test_fills_are_told_of_the_slowest_poll() -> None:
    """And how many times as late it is."""
    best = row(article(fills=FILLS), "best for")
    assert "after 500 " in best["measured_REST"] and "polled every 1 s" in best["measured_REST"]
    assert "25.0 (" in best["so"] and "order" not in best["measured_WebSocket"]


def test_ages_of_one_distance_are_enough(exchange: Exchange) -> None:
    """A lesson has watched two feeds for some seconds: that fills its rows."""
    feeds = [measure.Push("quotes"), measure.Poll(1000)]
    seen = measure.freshness(exchange, feeds, seconds=2)
    found = article(sweep=seen, code_size=measure.code_size())
    flow = row(found, "data flow")
    assert f"of {seen.updates:,} updates seen" in flow["measured_WebSocket"]
    assert "0 ms away" in flow["so"] and row(found, "latency")["measured_REST"] == ABSENT
    assert "network" not in found.table() and "0 ms, one after" in " ".join(found.notes())


def test_nothing_given_is_refused() -> None:
    """With what to write."""
    with pytest.raises(BadInput, match=r"measure\.article\(ex\)"):
        article()


def test_it_is_kept_and_wrapped(tmp_path: Path) -> None:
    """All parts are in the file, and a narrow terminal shows every line whole."""
    found = article(orders=ORDERS, fills=FILLS, code_size=measure.code_size())
    assert load(found.save(tmp_path / "found")) == found
    assert len(found.frame()) == 8
    assert max(map(len, found.table(width=80).splitlines())) <= 80


@pytest.mark.parametrize(
    ("of", "by", "wanted"),
    [
        (Interval(10, 8, 12, 5), Interval(2, 1, 4, 9), Interval(5, 2, 12, 5)),
        (Interval(10), Interval(2, 1, 4, 9), Interval(5, n=1)),
    ],
)
def test_a_quotient_holds_the_ends_of_both(of: Interval, by: Interval, wanted: Interval) -> None:
    """The widest that both allow; none where one has none."""
    assert of / by == wanted and (of / Interval(0.0)).n == 0


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
