"""Which replies go out compressed, as seen of the real venue."""

from __future__ import annotations

import gzip
import json

import pytest
from venue_binance import Venue

from vocx.exchange import Exchange
from vocx.lab.dialects.binance.encoding import LEAST_BYTES, QUICK_BYTES, takes_gzip

TICKER = "ticker/24hr?symbol=BTCUSDT"


@pytest.fixture(scope="module")
def venue() -> Venue:
    return Venue()


def test_a_ticker_goes_out_compressed(venue: Venue) -> None:
    """To who takes it; the same JSON, in about the 300 bytes that were seen."""
    packed = venue.http(TICKER, accept_encoding="gzip, deflate")
    plain = venue.http(TICKER)
    assert packed.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain.headers
    assert json.loads(gzip.decompress(packed.body)).keys() == json.loads(plain.body).keys()
    assert len(packed.body) < 350 < LEAST_BYTES <= len(plain.body)


@pytest.mark.parametrize("target", ["time", "ticker/bookTicker?symbol=BTCUSDT", "depth"])
def test_short_replies_go_out_as_they_are(venue: Venue, target: str) -> None:
    """A clock, one best price, a refusal."""
    answer = venue.http(target, accept_encoding="gzip")
    assert "Content-Encoding" not in answer.headers and answer.body.startswith(b"{")


def test_large_replies_are_packed_quickly(venue: Venue) -> None:
    """Another level, the same content."""
    target = "klines?symbol=BTCUSDT&interval=1m&limit=1000"
    packed = gzip.decompress(venue.http(target, accept_encoding="gzip").body)
    assert len(packed) > QUICK_BYTES and len(json.loads(packed)) == 1000


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0, *", False),
        ("gzip;q=no", False),
    ],
)
def test_who_takes_gzip(accepted: str, takes: bool) -> None:
    """RFC 9110, 12.5.3: a quality of 0 is a no, a star is the rest."""
    assert takes_gzip(accepted) is takes


def test_the_client_opens_it(exchange: Exchange) -> None:
    """Facts as ever; what crossed the wire is less than what is shown."""
    book = exchange.order_book("BTC/USDT", 100)
    call = book.exchange
    assert call is not None and len(book.bids) == 100
    assert b"Content-Encoding: gzip" in call.reply
    assert call.reply_wire_bytes < len(call.reply) / 2
