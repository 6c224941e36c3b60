"""Coinbase's official SDK (coinbase-advanced-py) against the lab: only its URLs are changed. It
speaks ``https`` whatever it is told, with the lab's authority in ``REQUESTS_CA_BUNDLE``."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("coinbase", reason="the official SDK is not installed")

from coinbase.rest import RESTClient
from coinbase.websocket import WSClient, WSUserClient
from coinbase.websocket.types.websocket_response import WebsocketResponse
from requests.exceptions import HTTPError

import vocx.lab
from vocx.lab import Lab
from vocx.venues.base import Credentials

# It leaves its HTTP sessions open, and asks websockets for what is called legacy.
pytestmark = pytest.mark.filterwarnings("ignore")
BTC = "BTC-USD"
DEADLINE_S = 15.0


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with vocx.lab.open(name="coinbase-advanced-py", seed=7, venues=["coinbase"]) as opened:
        yield opened


@pytest.fixture(autouse=True)
def authority(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(lab.certificate()))


def client(lab: Lab, key: Credentials | None = None, **more: Any) -> RESTClient:
    key = key or lab.credentials("coinbase")
    host = lab.tls_urls["coinbase"]["rest"].removeprefix("https://")
    return RESTClient(api_key=key.key, api_secret=key.secret, base_url=host, timeout=10, **more)


@pytest.fixture
def rest(lab: Lab) -> RESTClient:
    """With an account of its own: the SDK raises at the 31st call of a second."""
    return client(lab, lab.account(venue="coinbase"))


def until(true: Callable[[], object], why: str) -> None:
    end = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < end, why
        time.sleep(0.01)


def low_price(rest: RESTClient) -> str:
    best = rest.get_product_book(BTC, limit=1).pricebook.bids[0].price
    return f"{float(best) * 0.95:.2f}"


def test_public_calls(lab: Lab) -> None:
    """Without a key; the names of the limits' headers are those that the SDK looks up."""
    host = lab.tls_urls["coinbase"]["rest"].removeprefix("https://")
    rest = RESTClient(base_url=host, timeout=10, rate_limit_headers=True)
    told = rest.get_unix_time()
    assert abs(int(told.epoch_millis) / 1000 - time.time()) < 5
    assert told["rate_limit_limit"] == "10" and int(told["rate_limit_remaining"]) < 10
    listed = rest.get_public_products(product_ids=[BTC, "ETH-USD"], get_all_products=False)
    assert {one.product_id for one in listed.products} == {BTC, "ETH-USD"}
    assert rest.get_public_product(BTC).alias_to == ["BTC-USDC"]
    book = rest.get_public_product_book(BTC, limit=20).pricebook
    assert len(book.bids) == len(book.asks) == 20
    assert Decimal(book.bids[0].price) < Decimal(book.asks[0].price)
    now_s = int(time.time()) // 300 * 300
    bars = rest.get_public_candles(BTC, str(now_s - 1200), str(now_s), "FIVE_MINUTE").candles
    starts = [int(one.start) for one in bars]
    assert starts == sorted(starts, reverse=True) and set(starts) <= {
        now_s - n * 300 for n in range(5)
    }
    trades = rest.get_public_market_trades(BTC, 7)
    assert len(trades.trades) == 7 and Decimal(trades.best_bid) < Decimal(trades.best_ask)
    with pytest.raises(HTTPError, match="valid product_id is required"):
        rest.get_public_product("NO-SUCH")


def test_signed_market_data(rest: RESTClient) -> None:
    """The same under the other paths, and what has no public twin."""
    assert rest.get_product(BTC).product_id == BTC
    assert len(rest.get_products(limit=2, product_type="SPOT").products) == 2
    assert rest.get_products(product_type="FUTURE").products == []
    (one, two) = rest.get_best_bid_ask([BTC, "ETH-USD"]).pricebooks
    assert (one.product_id, two.product_id) == (BTC, "ETH-USD") and len(one.bids) == 1
    assert len(rest.get_market_trades(BTC, 3).trades) == 3
    with pytest.raises(HTTPError, match="is not a valid value"):
        rest.get_products(product_type="OPTIONS")


def test_an_account(rest: RESTClient) -> None:
    """Accounts page by cursor; the key, the fees, the portfolio."""
    found, cursor = [], None
    while True:
        page = rest.get_accounts(limit=2, cursor=cursor)
        found += page.accounts
        assert page.size == len(page.accounts) <= 2
        if not page.has_next:
            break
        cursor = page.cursor
    assert {one.currency for one in found} >= {"USD", "BTC"} and page.cursor == ""
    assert len({one.uuid for one in found}) == len(found)
    (usd,) = (one for one in found if one.currency == "USD")
    assert rest.get_account(usd.uuid).account.available_balance["currency"] == "USD"
    may = rest.get_api_key_permissions()
    assert (may.can_view, may.can_trade, may.can_transfer) == (True, True, False)
    tier = rest.get_transaction_summary().fee_tier
    assert (tier["maker_fee_rate"], tier["taker_fee_rate"]) == ("0.006", "0.012")
    assert [one.type for one in rest.get_portfolios().portfolios] == ["DEFAULT"]


def test_an_order_round_trip(rest: RESTClient) -> None:
    """Previewed, placed, replayed, shown, edited, listed, cancelled."""
    price = low_price(rest)
    shown = rest.preview_limit_order_gtc_buy(BTC, "0.01", price)
    assert shown.errs == [] and Decimal(shown.order_total) > Decimal(price) / 100
    assert rest.preview_limit_order_gtc_buy(BTC, "0.01", "1").errs
    mine = f"sdk-{time.time_ns()}"
    placed = rest.limit_order_gtc_buy(mine, BTC, "0.01", price, post_only=True)
    assert placed["success"] and placed.success_response["client_order_id"] == mine
    number = placed["success_response"]["order_id"]
    again = rest.limit_order_gtc_buy(mine, BTC, "0.01", price, post_only=True)
    assert again["success_response"]["order_id"] == number
    order = rest.get_order(number).order
    assert (order.status, order.filled_size, order.edit_history) == ("OPEN", "0", [])
    assert order.order_configuration.limit_limit_gtc["post_only"] is True
    assert rest.preview_edit_order(number, size="0.02", price=price).errors == []
    assert rest.edit_order(number, size="0.02", price=price).success
    order = rest.get_order(number).order
    assert order.order_configuration.limit_limit_gtc["base_size"] == "0.02"
    assert [one.size for one in order.edit_history] == ["0.02"]
    listed = rest.list_orders(product_ids=[BTC], order_status=["OPEN"])
    assert [one.order_id for one in listed.orders] == [number] and listed.has_next is False
    done, unknown = rest.cancel_orders([number, "0" * 8]).results
    assert (done.success, done.failure_reason) == (True, "UNKNOWN_CANCEL_FAILURE_REASON")
    assert (unknown.success, unknown.failure_reason) == (False, "UNKNOWN_CANCEL_ORDER")
    assert rest.get_order(number).order.status == "CANCELLED"
    late = rest.edit_order(number, size="0.03", price=price)
    assert not late.success
    assert late.errors[0].edit_failure_reason == "ONLY_OPEN_ORDERS_CAN_BE_EDITED"


def test_orders_that_trade(rest: RESTClient) -> None:
    """By quote, by base and at once; fees in quote; one fill for each match."""
    bought = rest.market_order_buy("", BTC, quote_size="100")
    order = rest.get_order(bought["success_response"]["order_id"]).order
    assert (order.status, order.settled, order.size_in_quote) == ("FILLED", True, True)
    assert Decimal(order.filled_value) + Decimal(order.total_fees) <= 100
    fills = rest.get_fills(order_ids=[order.order_id]).fills
    assert len(fills) == int(order.number_of_fills) > 0
    assert sum(Decimal(one.commission) for one in fills) == Decimal(order.total_fees)
    assert {one.liquidity_indicator for one in fills} == {"TAKER"}
    sold = rest.market_order_sell("", BTC, base_size=order.filled_size)
    assert rest.get_order(sold["success_response"]["order_id"]).order.side == "SELL"
    best = rest.get_product_book(BTC, limit=1).pricebook.asks[0].price
    high = f"{float(best) * 1.01:.2f}"
    for taken, kind in (
        (rest.limit_order_ioc_buy("", BTC, "0.001", high), "IMMEDIATE_OR_CANCEL"),
        (rest.limit_order_fok_buy("", BTC, "0.001", high), "FILL_OR_KILL"),
    ):
        order = rest.get_order(taken["success_response"]["order_id"]).order
        assert (order.time_in_force, order.status) == (kind, "FILLED")


@pytest.mark.parametrize(
    ("size", "share", "reason"),
    [
        ("9", "0.95", "INSUFFICIENT_FUND"),
        ("0.0000001", "0.95", "INVALID_SIZE_PRECISION"),
        ("0.000001", "0.95", "INVALID_REQUEST"),
        ("0.01", "1.05", "INVALID_LIMIT_PRICE_POST_ONLY"),
    ],
)
def test_refusals_come_in_good_answers(
    rest: RESTClient, size: str, share: str, reason: str
) -> None:
    """HTTP 200 with an ``error_response``, which an order that was taken has not."""
    price = f"{float(low_price(rest)) / 0.95 * float(share):.2f}"
    refused = rest.limit_order_gtc_buy("", BTC, size, price, post_only=True)
    assert refused.success is False and refused.error_response["error"] == reason
    assert refused.error_response["preview_failure_reason"].startswith("PREVIEW_")


def test_orders_that_are_not_offered(rest: RESTClient) -> None:
    """A stop is refused as such, and an end in time is kept."""
    price = low_price(rest)
    stop = rest.stop_limit_order_gtc_buy("", BTC, "0.01", price, price, "STOP_DIRECTION_STOP_UP")
    assert stop.error_response["error"] == "UNSUPPORTED_ORDER_CONFIGURATION"
    placed = rest.limit_order_gtd_buy("", BTC, "0.01", price, "2100-01-01T00:00:00Z")
    order = rest.get_order(placed["success_response"]["order_id"]).order
    assert order.time_in_force == "GOOD_UNTIL_DATE_TIME"


def test_keys(lab: Lab, rest: RESTClient) -> None:
    """A key that may only look is told so in the words that the SDK searches for; a stranger is
    told nothing."""
    looks = lab.account("looks", venue="coinbase", trade=False)
    with pytest.raises(HTTPError, match="Missing Required Scopes"):
        client(lab, looks).market_order_buy("", BTC, quote_size="100")
    assert client(lab, looks).get_api_key_permissions().can_trade is False
    stranger = Credentials(key=looks.key.replace("-4", "-5"), secret=looks.secret)
    with pytest.raises(HTTPError, match="401 Client Error: Unauthorized Unauthorized"):
        client(lab, stranger).get_accounts()


def test_limits_and_troubles(lab: Lab, rest: RESTClient) -> None:
    """It raises what it is told, also where that is no JSON."""
    with lab.fault("limited", venue="coinbase", count=1), pytest.raises(HTTPError, match="429"):
        rest.get_accounts()
    with (
        lab.fault("html", venue="coinbase", status=429, count=1),
        pytest.raises(HTTPError, match="<html>"),
    ):
        rest.get_accounts()


@pytest.fixture
def sockets(lab: Lab) -> Iterator[Callable[..., tuple[Any, list[Any]]]]:
    """Opens a client, and gives what it receives."""
    opened: list[Any] = []

    def make(
        kind: Any, purpose: str, rest: RESTClient | None = None, *, tls: bool = False
    ) -> tuple[Any, list[Any]]:
        got: list[Any] = []
        url = lab.url("coinbase", purpose, tls=tls)
        keys = {} if rest is None else {"api_key": rest.api_key, "api_secret": rest.api_secret}
        made = kind(base_url=url, on_message=lambda text: got.append(json.loads(text)), **keys)
        made.open()
        opened.append(made)
        return made, got

    yield make
    for one in opened:
        one.close()


def named(got: list[Any], channel: str) -> list[Any]:
    return [one for one in list(got) if one.get("channel") == channel]


def test_public_channels(sockets: Callable[..., tuple[Any, list[Any]]]) -> None:
    """All of them over one socket, over TLS, without a key; every frame is numbered and has the
    shape of the SDK's own types."""
    ws, got = sockets(WSClient, "ws", tls=True)
    channels = ["ticker", "market_trades", "level2", "candles", "status", "ticker_batch"]
    ws.subscribe([], ["heartbeats"])
    ws.subscribe([BTC, "ETH-USD"], channels)
    until(lambda: len(named(got, "heartbeats")) > 1, "no beats")
    until(lambda: len(named(got, "l2_data")) > 10, "the book does not go on")
    until(lambda: len(named(got, "market_trades")) > 3, "no trades")
    frames = list(got)
    assert [one["sequence_num"] for one in frames] == list(range(len(frames)))
    last = named(frames, "subscriptions")[-1]["events"][0]["subscriptions"]
    assert set(last) == {"heartbeats", *channels} and set(last["level2"]) == {BTC, "ETH-USD"}
    book = named(frames, "l2_data")[0]["events"][0]
    assert book["type"] == "snapshot" and {one["side"] for one in book["updates"]} == {
        "bid",
        "offer",
    }
    for frame in frames:
        read = WebsocketResponse(dict(frame))
        assert read.channel == frame["channel"] and len(read.events) == len(frame["events"])
    ws.unsubscribe_all()
    ws.unsubscribe([], ["heartbeats"])
    until(
        lambda: named(got, "subscriptions")[-1]["events"] == [{"subscriptions": {}}],
        "something is still subscribed",
    )


def test_the_account_on_its_socket(
    rest: RESTClient, sockets: Callable[..., tuple[Any, list[Any]]]
) -> None:
    """Open orders first, then each change, cumulative; the same on both addresses."""
    price = low_price(rest)
    resting = rest.limit_order_gtc_buy("", BTC, "0.01", price)["success_response"]["order_id"]
    sides = [sockets(WSUserClient, "ws_user", rest), sockets(WSClient, "ws", rest)]
    for ws, _ in sides:
        ws.subscribe([], ["heartbeats"])
        ws.subscribe([BTC], ["user"])
    for _, got in sides:
        until(lambda got=got: named(got, "user"), "no snapshot")
        first = named(got, "user")[0]["events"][0]
        assert first["type"] == "snapshot" and [o["order_id"] for o in first["orders"]] == [resting]
    bought = rest.market_order_buy("", BTC, quote_size="100")["success_response"]["order_id"]
    rest.cancel_orders([resting])

    def told(got: list[Any], number: str) -> list[Any]:
        return [
            order
            for frame in named(got, "user")[1:]
            for event in frame["events"]
            for order in event["orders"]
            if order["order_id"] == number
        ]

    for _, got in sides:
        until(lambda got=got: len(told(got, resting)) > 1, "the cancel is not told")
        assert [one["status"] for one in told(got, resting)] == ["CANCEL_QUEUED", "CANCELLED"]
        rows = told(got, bought)
        assert rows[-1]["status"] == "FILLED" and rows[-1]["leaves_quantity"] == "0"
        grown = [Decimal(one["cumulative_quantity"]) for one in rows]
        assert grown == sorted(grown) and grown[-1] > 0
        for frame in list(got):
            assert WebsocketResponse(dict(frame)).channel == frame["channel"]


def test_a_planned_restart_is_survived(
    lab: Lab, rest: RESTClient, sockets: Callable[..., tuple[Any, list[Any]]]
) -> None:
    """The SDK stops for good at 1000 and 1001, so the close is 1012: it connects again and
    subscribes to channels with products once more, numbered from 0."""
    ws, got = sockets(WSClient, "ws", rest)
    ws._retry_base = 0.01
    ws.subscribe([BTC], ["ticker"])
    until(lambda: len(named(got, "ticker")) > 1, "no ticker")
    before = len(got)
    lab.shutdown("coinbase")
    until(lambda: len(got) > before + 1, "it did not come back")
    assert [one["sequence_num"] for one in got[before : before + 2]] == [0, 1]
