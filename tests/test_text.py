"""Tables, suggestions and hidden secrets: one of each for all rooms."""

from __future__ import annotations

import doctest
import time
from decimal import Decimal

import pytest

from vocx import text
from vocx.text import nearest, plain, redact, suggest, text_table


def test_the_examples_are_true() -> None:
    """What the module's docstring shows."""
    assert doctest.testmod(text).failed == 0


def test_a_table_without_rows_is_its_head() -> None:
    """Nothing to show is no error."""
    assert text_table(("limit", "used"), []) == "limit  used"


def test_columns_align_and_end_without_blanks() -> None:
    """The first columns to the left, the others to the right."""
    rows = [("weight", "minute", "6,000"), ("orders", "10 s", "2")]
    assert text_table(("kind", "per", "left"), rows, left=2).splitlines() == [
        "kind    per      left",
        "weight  minute  6,000",
        "orders  10 s        2",
    ]


def test_a_suggestion_ignores_case_and_keeps_the_spelling() -> None:
    """What is near is named as it has to be written; what is far is not guessed."""
    assert suggest("btc", ["BTC", "ETH"]) == ' Did you mean "BTC"?'
    assert suggest("trade", ["trades", "traders"], most=2) == ' Did you mean "trades" or "traders"?'
    assert suggest("xyz", ["trades"]) == "" and nearest(None, ["trades"]) == []


HEADERS = {
    "X-MBX-APIKEY": "binance", "X-BAPI-SIGN": "bybit", "X-BAPI-API-KEY": "bybit",
    "OK-ACCESS-KEY": "okx", "OK-ACCESS-SIGN": "okx", "OK-ACCESS-PASSPHRASE": "okx",
    "Authorization": "coinbase", "Cookie": "any", "Set-Cookie": "any",
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_secret_headers_are_hidden(name: str) -> None:
    """Of each venue, whatever the case; what stands around them stays."""
    data = f"GET /x HTTP/1.1\r\nHost: h\r\n{name}: s3cret words\r\nAccept: */*\r\n\r\n".encode()
    for shown in (redact(data), redact(data.lower())):
        assert b"s3cret" not in shown and b"words" not in shown
        assert b"<hidden>\r\naccept: */*" in shown.lower() and b"host: h\r\n" in shown.lower()


@pytest.mark.parametrize(
    "secret",
    [
        "timestamp=1&signature={}&x=1",
        "wss://host/ws?listenKey={}",
        "https://me:{}@host/path",
        '{{"apiKey": "{}", "side": "BUY"}}',
        '{{"op":"login","args":[{{"passphrase":"{}","sign":"{}"}}]}}',
        '{{"type":"subscribe","jwt":"{}"}}',
        "Bearer eyJhbGciOi.{}.c2ln",
    ],
)
def test_secrets_are_hidden_wherever_they_travel(secret: str) -> None:
    """Queries, addresses, JSON, tokens; as text and as bytes."""
    data = secret.replace("{}", "s3cret").replace("{{", "{").replace("}}", "}")
    assert "s3cret" not in redact(data) and "<hidden>" in redact(data)
    assert redact(data.encode()) == redact(data).encode()


def test_what_is_no_secret_is_shown() -> None:
    """Prices, order ids, stream names and the handshake's nonce teach: they stay."""
    for data in (
        "GET /api/v3/depth?symbol=BTCUSDT&limit=5 HTTP/1.1\r\nSec-WebSocket-Key: abc==\r\n",
        '{"clientOrderId":"mine-1","price":"60000.00","signed":true}',
        "wss://host/stream?streams=btcusdt@trade/btcusdt@depth",
    ):
        assert redact(data) == data


def test_large_replies_are_read_once() -> None:
    """A megabyte of levels is looked through in well under a second."""
    levels = ",".join('["60000.10000000","0.00300000"]' for _ in range(32_000))
    data = f'{{"lastUpdateId":1,"bids":[{levels}]}}'.encode()
    spent = time.thread_time()
    assert redact(data) == data
    assert time.thread_time() - spent < 1.0


def test_a_number_is_written_as_people_do() -> None:
    """No exponent, no padding."""
    assert [plain(Decimal(one)) for one in ("0.00100", "1E+3", "5")] == ["0.001", "1000", "5"]
