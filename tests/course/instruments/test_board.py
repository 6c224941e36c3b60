"""The board of several venues, without a browser: what it draws, counts and refuses."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from faulty import until

from vocx import course
from vocx.errors import BadInput, NotReady
from vocx.timing import wall_ns

if TYPE_CHECKING:
    from vocx.exchange import Exchange

BTC = "BTC/USDT"


class Feed:
    """What a board asks of a stream, with answers that a test sets."""

    def __init__(self, venue: str, bid: str, ask: str, channel: str = "quotes") -> None:
        self.name = self.state = self.why = ""
        self.name, self.state = venue, "live"
        self.venue = SimpleNamespace(name=venue)
        self.channels = [SimpleNamespace(channel=channel, symbol=BTC)]
        self.known, self.age_ms, self.in_sync = True, 5.0, True
        self.set(bid, ask)

    def set(self, bid: str, ask: str) -> None:
        self.bid, self.ask, self.arrived_ns = Decimal(bid), Decimal(ask), wall_ns()

    def quote(self, symbol: str) -> Any:
        if not self.known:
            raise NotReady("no quotes have arrived yet")
        return SimpleNamespace(
            bid=self.bid, ask=self.ask, age_ms=self.age_ms, in_sync=self.in_sync,
            arrived_ns=self.arrived_ns,
        )  # fmt: skip

    def recent_quotes(self, symbol: str, seconds: float) -> list[Any]:
        return []

    def ping(self) -> None:
        """Nothing to measure."""

    def stop(self) -> None:
        self.state = "stopped"


@pytest.fixture
def feeds() -> list[Any]:
    return [Feed("near", "100.0", "100.1"), Feed("dear", "103.00", "103.01")]


def lines(shown: Any) -> list[Any]:
    """The last value of each line that is drawn; not a number where it is broken."""
    shown.figure.plotly_update, sent = lambda **kept: sent.append(kept), []
    shown._draw(wall_ns())
    return [np.asarray(y)[-1] if len(y) else None for y in sent[0]["restyle_data"]["y"]]


def test_who_is_cheap_and_what_is_between(feeds: list[Any]) -> None:
    """Mid prices above, the spread below; the table says what selling there would gain."""
    shown: Any = course.board(feeds)
    until(lambda: "buy near, sell dear: +2.90" in shown.panel.status)
    until(lambda: shown.panel.body)
    mids = lines(shown)
    assert mids == pytest.approx([100.05, 103.005, 2.9])
    head, near, dear, below = shown.table().splitlines()
    assert "sold here, bought at near" in head and below.startswith("buy near, sell dear: +2.90")
    assert near.split()[:6] == ["near", "100.00", "100.10", "5", "ms", "-0.10"]
    assert dear.split()[-2:] == ["+2.90", "live"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"age_ms": 2001.0}, "too old: not counted"),
        ({"age_ms": None}, "too old: not counted"),
        ({"in_sync": False}, "out of sync: not counted"),
        ({"known": False}, "waits"),
    ],
)
def test_what_is_not_proven_is_not_counted(
    feeds: list[Any], change: dict[str, Any], said: str
) -> None:
    """Its line breaks, and with one venue left there is no spread."""
    shown: Any = course.board(feeds)
    until(lambda: "buy near" in shown.panel.status)
    feeds[1].__dict__.update(change)
    until(lambda: "fewer than two venues" in shown.panel.status)
    near, dear, between = lines(shown)
    assert near == pytest.approx(100.05) and np.isnan(dear) and np.isnan(between)
    assert said in shown.table() and shown.table().endswith("no spread")


def test_a_venue_that_connects_again_is_said(feeds: list[Any]) -> None:
    """The state of its stream stands in its row."""
    shown = course.board(feeds)
    feeds[0].state = "reconnecting"
    assert "reconnecting: not counted" in shown.table()


def test_its_slider_follows_the_dial(feeds: list[Any], exchange: Exchange) -> None:
    """However the distance of that venue was turned."""
    assert exchange.lab is not None
    shown: Any = course.board(feeds, dials=exchange.lab, far="dear")
    with exchange.lab.network.latency(rtt_ms=80):
        until(lambda: shown.panel.sliders[0]["value"] == 80, 10)


def test_what_a_board_refuses(feeds: list[Any]) -> None:
    """One venue, twice the same, or a stream without best prices."""
    with pytest.raises(BadInput, match="of 2 to 4 venues"):
        course.board(feeds[:1])
    with pytest.raises(BadInput, match="one of each"):
        course.board([*feeds, feeds[0]])
    with pytest.raises(BadInput, match="does not carry quotes"):
        course.board([feeds[0], Feed("other", "1", "2", channel="trades")])  # type: ignore[list-item]
