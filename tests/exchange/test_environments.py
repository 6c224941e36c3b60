"""Where a venue is used: the lab, the venue, any server of its dialect; and how safe that is."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import Any

import pytest
from scripted import Scripted, http

import vocx
from vocx import errors, venues
from vocx.exchange import Exchange
from vocx.exchange.environment import VenueEnvironment
from vocx.exchange.private_calls import VenueClock
from vocx.exchange.symbol_names import SymbolNames
from vocx.exchange.trading import Trading
from vocx.facts import Facts
from vocx.stream.account import ReconcileRequest
from vocx.venues.base import Credentials, GetFills, GetInstruments, PlaceOrder

BTC, ETH = "BTC/USDT", "ETH/USDT"
FAR = {"rest": "https://proxy.example", "ws": "wss://proxy.example"}
KEYS = {"VOCX_BINANCE_KEY": "A" * 64, "VOCX_BINANCE_SECRET": "s3cret" * 10}


def there(lab: Any, **more: Any) -> dict[str, str]:
    return {"rest": lab.url("binance", "rest"), "ws": lab.url("binance", "ws")} | more


def test_a_server_of_this_machine_is_used_like_the_lab(lab: Any, capsys: Any) -> None:
    """Calls, orders both ways and streams, with a key that is given; no permission is needed."""
    key = lab.credentials("binance")
    with vocx.connect("binance", where=there(lab), credentials=key) as ex:
        assert "a server of this machine" in capsys.readouterr().out and ex.where == "custom"
        price = ex.instrument(BTC).round_price(ex.quote(BTC).bid * 9 / 10, "buy")
        for via in ("rest", "websocket"):
            order = ex.place_order(BTC, "buy", "0.01", type="limit", price=price, via=via)
            assert ex.cancel_order(order).status == "canceled"
        with ex.stream("quotes", "orders", symbols=BTC).wait(5) as stream:
            assert stream.quote(BTC).ask > 0


def test_no_key_of_the_environment_goes_to_a_server_of_this_machine(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could be anybody's program; the words say how a key is given."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with vocx.connect("binance", where=there(lab)) as ex:
        with pytest.raises(errors.NotAllowed, match="credentials="):
            ex.balances()


@pytest.mark.parametrize("where", [FAR, FAR | {"rest": "http://127.0.0.1:9"}])
def test_any_other_host_has_the_safety_of_the_real_one(
    where: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One address that is not this machine's is enough: keys from the environment only, and
    orders need both steps."""
    key = Credentials(key="k", secret="s")
    with pytest.raises(errors.NotAllowed, match="this machine only"):
        vocx.connect("binance", where=where, credentials=key)
    with pytest.raises(errors.NotAllowed, match="need a bound"):
        vocx.connect("binance", where=where, allow_orders=True)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with vocx.connect("binance", where=where) as ex:
        assert ex.environment.redact and ex.environment.credentials().key == "A" * 64
        with pytest.raises(errors.NotAllowed, match="two steps"):
            ex.place_order(BTC, "buy", "1", type="limit", price="1")
        monkeypatch.setenv("BINDER_PORT", "1")
        with pytest.raises(errors.NotAllowed, match="public host"):
            ex.environment.credentials()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"where": {}}, "no table of URLs"),
        ({"where": {"rest": 7}}, "no table of URLs"),
        ({"where": {"website": "https://x"}}, "no purpose 'website'; it has rest"),
        ({"where": "mars"}, "where is .mars.; write"),
        ({"where": "demo"}, "where is 'demo'"),
    ],
)
def test_places_that_are_none(arguments: dict[str, Any], says: str) -> None:
    """Said before anything is opened."""
    with pytest.raises(errors.BadInput, match=says):
        vocx.connect("binance", **arguments)


def test_a_key_in_a_cell_is_refused_elsewhere(lab: Any) -> None:
    """Neither in the lab, which has its own, nor at a venue."""
    key = Credentials(key="k", secret="s")
    for where in ("lab", "real"):
        with pytest.raises(errors.NotAllowed, match="never from a cell"):
            vocx.connect("binance", where=where, credentials=key)


def test_the_websocket_api_is_derived_from_the_streams() -> None:
    """``ws`` alone is the base of everything that is a socket."""
    found = venues.get("binance").derive_urls({"rest": "http://a", "ws": "ws://b/"})
    assert found["ws_api"] == "ws://b/ws-api/v3" and found["rest_signed"] == "http://a"


def test_the_status_of_a_venue(exchange: Exchange) -> None:
    """By its own word, or where it has none by its answering."""
    assert exchange.status().state == "online"


@pytest.mark.parametrize(("said", "state"), [(0, "online"), (1, "maintenance")])
def test_the_venues_own_word(said: int, state: str) -> None:
    """``system/status``: 0 is normal, 1 maintenance."""
    with closing(Scripted(http(body=b'{"status":%d,"msg":"words"}' % said))) as server:
        venue = venues.get("binance")
        ex = Exchange(venue, VenueEnvironment(venue, "custom", urls={"rest": server.url}))
        status = ex.status()
        ex.close()
    assert (status.state, status.text) == (state, "words")
    assert server.requests[0].startswith(b"GET /sapi/v1/system/status ")


# instruments


def test_instruments_are_asked_for_together(lab: Any) -> None:
    """Three symbols cost one call, not three at weight 20."""
    with vocx.connect(lab=lab) as ex:
        used = ex.budget.rows()[1].used
        stream = ex.create_stream(["quotes"], [BTC, ETH, "BNB/USDT"])
        calls = ex.budget.rows()[1].used - used
        assert calls <= 1 + 5 and {BTC, ETH, "BNB/USDT"} <= set(ex._instruments)
        assert stream.channels[1].symbol == ETH


def test_of_several_symbols_the_unknown_one_is_named(lab: Any) -> None:
    """The venue only says that one of them is wrong."""
    with vocx.connect(lab=lab) as ex:
        with pytest.raises(errors.UnknownSymbol, match='no "BTC/DOGE"'):
            ex.create_stream(["quotes"], [BTC, "BTC/DOGE"])


def test_a_stream_starts_though_rest_is_busy() -> None:
    """A 503 is no reason not to listen: a stream has its own patience."""
    busy = http("503 Service Unavailable", b"<html>busy</html>")
    with closing(Scripted(*[busy] * 20)) as server:
        venue = venues.get("binance")
        urls = {"rest": server.url, "ws": "ws://127.0.0.1:9"}
        ex = Exchange(venue, VenueEnvironment(venue, "custom", urls=urls))
        ex._client._sleep = lambda seconds: None
        assert ex.create_stream(["quotes"], [BTC]).channels[0].symbol == BTC
        ex.close()


def test_an_answer_about_another_instrument_is_refused() -> None:
    """Asked for one symbol, told of another: believed by nobody."""
    body = (
        b'{"serverTime":1,"symbols":[{"symbol":"ETHUSDT","status":"TRADING","baseAsset":"ETH",'
        b'"quoteAsset":"USDT","filters":[]}]}'
    )
    with closing(Scripted(*[http(body=body)] * 4)) as server:
        venue = venues.get("binance")
        ex = Exchange(venue, VenueEnvironment(venue, "custom", urls={"rest": server.url}))
        ex._client._sleep = lambda seconds: None
        with pytest.raises(errors.BadReply, match="BTC/USDT.*ETH/USDT"):
            ex.instrument(BTC)
        ex.close()


# what an outage swallowed


class Calls:
    """Stands for the account's calls: keeps what was asked."""

    repeats = 0

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def call(self, intent: Any, via: str = "rest", stopping: Any = None) -> Any:
        self.asked.append(intent)
        if isinstance(intent, PlaceOrder):
            from vocx.facts import OrderAck

            return OrderAck(symbol=intent.symbol, id="17", client_order_id=intent.client_order_id)
        return Facts()


class Clock(VenueClock):
    def __init__(self) -> None: ...

    def now_ns(self) -> int:
        return 1_000


@pytest.mark.parametrize(("since_ns", "expected"), [(500, 500), (None, 1_000)])
def test_fills_are_asked_for_every_symbol_that_was_traded(
    since_ns: int | None, expected: int
) -> None:
    """Also one that was traded for the first time while nobody listened, and before any event;
    and all of them, however many."""

    calls = Calls()
    names = SymbolNames(venues.get("binance"), lambda: None)
    trading = Trading(calls, Clock(), names)  # type: ignore[arg-type]
    order = PlaceOrder(symbol=ETH, side="buy", type="market", client_order_id="a")
    acknowledged = trading.place(order, "rest")
    assert trading.which(acknowledged, None) == {"symbol": ETH, "id": "17"}
    assert trading.which("17", None) == {"symbol": ETH, "id": "17"}
    missed = ReconcileRequest(open=(), symbols={BTC} if since_ns else set(), since_ns=since_ns)
    trading.reconcile(missed, threading.Event())
    fills = {one.symbol: one for one in calls.asked if isinstance(one, GetFills)}
    assert set(fills) == ({BTC, ETH} if since_ns else {ETH})
    assert fills[ETH].start_ns == expected and fills[ETH].limit is None


def test_all_fills_are_paged_by_id() -> None:
    """A full page is followed by the next, from the last id on; the last page ends it."""
    venue = venues.get("binance")
    first = venue.request(GetFills(symbol=BTC, start_ns=5_000_000, limit=None))
    assert "startTime=5&limit=1000" in first.target
    row = (
        b'{"symbol":"BTCUSDT","id":%d,"orderId":1,"price":"1","qty":"1","commission":"0",'
        b'"commissionAsset":"BNB","time":1,"isBuyer":true,"isMaker":false}'
    )
    full = b"[" + b",".join(row % number for number in range(1000)) + b"]"
    answer = venue.reply(first, 200, {}, full, 5)
    assert answer.next is not None and "fromId=1000" in answer.next.target
    assert "startTime" not in answer.next.target
    assert venue.reply(answer.next, 200, {}, b"[" + row % 1000 + b"]", 5).next is None


def test_instruments_that_are_unknown_are_one_typed_error() -> None:
    """The class decides above the venue, not its code."""
    venue = venues.get("binance")
    request = venue.request(GetInstruments(symbols=(BTC, "X/Y")))
    with pytest.raises(errors.UnknownSymbol, match="BTC/USDT or X/Y"):
        venue.reply(request, 400, {}, b'{"code":-1121,"msg":"Invalid symbol."}', 5)
