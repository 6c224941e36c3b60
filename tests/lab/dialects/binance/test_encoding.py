"""Which replies go out compressed, as seen of the real venue."""

from __future__ import annotations

import pytest
from venue_binance import Venue

from vocx.exchange import Exchange
from vocx.lab.dialects.binance.wire import COMPRESSED_FROM_BYTES


@pytest.fixture(scope="module")
def venue() -> Venue:
    return Venue()


def test_a_ticker_goes_out_compressed(venue: Venue) -> None:
    """To who takes it: the server asks the client, the dialect says that it may."""
    answer = venue.http("ticker/24hr?symbol=BTCUSDT")
    assert answer.compress and len(answer.body) >= COMPRESSED_FROM_BYTES


@pytest.mark.parametrize("target", ["time", "ticker/bookTicker?symbol=BTCUSDT", "depth"])
def test_short_replies_go_out_as_they_are(venue: Venue, target: str) -> None:
    """A clock, one best price, a refusal."""
    assert not venue.http(target).compress


def test_the_client_opens_it(exchange: Exchange) -> None:
    """Facts as ever; what crossed the wire is less than what is shown."""
    book = exchange.order_book("BTC/USDT", 100)
    call = book.http
    assert call is not None and len(book.bids) == 100
    assert b"Content-Encoding: gzip" in call.reply
    assert call.reply_wire_bytes < len(call.reply) / 2
