"""User data and the signed WebSocket API of the Binance dialect."""

from __future__ import annotations

import json
from base64 import b64encode
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from trading_binance import KEY, MARKET, ORDER, RESTING, SECRET, Exchange, Trader
from venue_binance import MS, T0, Client, S


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange()
    exchange.command("account", name="default", key=KEY, secret=SECRET)
    return exchange


@pytest.fixture
def trader(exchange: Exchange) -> Trader:
    return Trader(exchange)


@pytest.fixture
def user(trader: Trader) -> Client:
    """A connection that is subscribed to the trader's events."""
    return trader.connect()


def events(client: Client) -> list[Any]:
    """The events that came since the last reading, unwrapped."""
    return [message["event"] for message in client.read() if "event" in message]


class Logged:
    """A connection of an Ed25519 key of the default account."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.pair = exchange.command("account", name="default", ed25519=True)
        self.private: Any = load_pem_private_key(self.pair["secret"].encode(), None)
        self.client = exchange.connect("/ws-api/v3")

    def log_on(self) -> Any:
        sent: dict[str, Any] = {"apiKey": self.pair["key"], "timestamp": T0 // MS}
        payload = "&".join(f"{name}={sent[name]}" for name in sorted(sent)).encode()
        signature = b64encode(self.private.sign(payload)).decode()
        return self.client.ask("session.logon", {**sent, "signature": signature})


# -- requests ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "params", "verb", "path"),
    [
        ("order.test", RESTING, "POST", "order/test"),
        ("order.status", {"symbol": "BTCUSDT", "origClientOrderId": "one"}, "GET", "order"),
        ("openOrders.status", {}, "GET", "openOrders"),
        ("allOrders", {"symbol": "BTCUSDT"}, "GET", "allOrders"),
        ("account.status", {}, "GET", "account"),
        ("myTrades", {"symbol": "BTCUSDT"}, "GET", "myTrades"),
        ("account.rateLimits.orders", {}, "GET", "rateLimit/order"),
        ("account.commission", {"symbol": "BTCUSDT"}, "GET", "account/commission"),
        ("myFilters", {"symbol": "BTCUSDT"}, "GET", "myFilters"),
    ],
)
def test_results_are_rests(
    trader: Trader, method: str, params: dict[str, Any], verb: str, path: str
) -> None:
    """One implementation serves both surfaces."""
    trader.place(**RESTING, newClientOrderId="one")
    trader.place(**MARKET)
    api = trader.exchange.connect("/ws-api/v3")
    assert trader.call(api, method, **params)["result"] == trader.ask(verb, path, **params)


def test_placing_lists_the_orders_limits(trader: Trader) -> None:
    """ORDERS twice, then the weight: 0 for a success, 1 for a failure."""
    api = trader.exchange.connect("/ws-api/v3")
    placed = trader.call(api, "order.place", **RESTING)
    failed = trader.call(api, "order.place", **{**RESTING, "price": "1"})
    shown = [[one["count"] for one in answer["rateLimits"]] for answer in (placed, failed)]
    assert shown == [[1, 1, 2], [1, 1, 3]]
    assert failed["error"] == {"code": -1013, "msg": "Filter failure: PERCENT_PRICE_BY_SIDE"}
    canceled = trader.call(api, "openOrders.cancelAll", symbol="BTCUSDT")
    assert [one["rateLimitType"] for one in canceled["rateLimits"]] == ["REQUEST_WEIGHT"]


def test_numbers_and_booleans(trader: Trader) -> None:
    """JSON numbers are taken as written; the flag about limits is signed with the rest."""
    api = trader.exchange.connect("/ws-api/v3")
    wanted = {**RESTING, "quantity": 0.001, "price": 60000.5, "returnRateLimits": False}
    answer = trader.call(api, "order.place", **wanted)
    assert answer["result"]["price"] == "60000.50000000" and "rateLimits" not in answer


def test_too_many_orders(trader: Trader) -> None:
    """429, with the end of the window as a time."""
    trader.exchange.command("limits", orders=1)
    api = trader.exchange.connect("/ws-api/v3")
    trader.call(api, "order.place", **RESTING)
    answer = trader.call(api, "order.place", **RESTING)
    assert answer["status"] == 429 and answer["error"]["code"] == -1015
    assert answer["error"]["data"] == {"serverTime": T0 // MS, "retryAfter": T0 // MS + 10_000}


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"apiKey": None}, 400, -1102),
        ({"apiKey": "short"}, 401, -2014),
        ({"apiKey": "0" * 64}, 401, -2015),
        ({"signature": None}, 400, -1102),
        ({"signature": "00"}, 400, -1022),
        ({"timestamp": None}, 400, -1102),
        ({"timestamp": 1}, 400, -1021),
        ({"nonsense": 1}, 400, -1104),
    ],
)
def test_refused_requests(trader: Trader, changed: dict[str, Any], status: int, code: int) -> None:
    """The same checks as on REST."""
    sent = {**trader.signed(symbol="BTCUSDT"), **changed}
    sent = {name: value for name, value in sent.items() if value is not None}
    answer = trader.exchange.connect("/ws-api/v3").ask("account.commission", sent)
    assert (answer["status"], answer["error"]["code"]) == (status, code)


# -- logon -------------------------------------------------------------------------------------


def test_logon(exchange: Exchange) -> None:
    """Afterwards neither key nor signature is needed, but the timestamp still is."""
    logged = Logged(exchange)
    answer = logged.log_on()
    assert json.dumps(answer["result"]) == json.dumps(
        {
            "apiKey": logged.pair["key"],
            "authorizedSince": T0 // MS,
            "connectedSince": T0 // MS,
            "returnRateLimits": True,
            "serverTime": T0 // MS,
            "userDataStream": False,
        }
    )
    ask = logged.client.ask
    assert ask("order.place", {**RESTING, "timestamp": T0 // MS})["result"]["status"] == "NEW"
    assert ask("order.place", RESTING)["error"]["code"] == -1102
    assert ask("account.status", {"timestamp": 1})["error"]["code"] == -1021


def test_another_key_for_one_request(exchange: Exchange, trader: Trader) -> None:
    """A key that is named counts, and needs its signature."""
    logged = Logged(exchange)
    logged.log_on()
    made = exchange.command("account", balances={"USDT": "7"})
    other = Trader(exchange, key=made["key"], secret=made["secret"])
    answer = other.call(logged.client, "account.status", omitZeroBalances=True)
    assert [row["free"] for row in answer["result"]["balances"]] == ["7.00000000"]
    sent = {"apiKey": made["key"], "timestamp": T0 // MS}
    assert logged.client.ask("account.status", sent)["error"]["code"] == -1102


def test_logout(exchange: Exchange) -> None:
    """The key and its subscription are gone, the connection is not."""
    logged = Logged(exchange)
    logged.log_on()
    ask = logged.client.ask
    assert ask("userDataStream.subscribe")["result"] == {"subscriptionId": 0}
    assert ask("session.status")["result"]["userDataStream"] is True
    logged.client.read()
    out, ended = logged.client.say({"id": 1, "method": "session.logout"})
    assert out["result"]["apiKey"] is None and out["result"]["authorizedSince"] is None
    assert ended["event"]["e"] == "eventStreamTerminated"
    assert ask("account.status", {"timestamp": T0 // MS})["error"]["code"] == -1102


def test_logon_needs_ed25519(trader: Trader) -> None:
    """An HMAC key cannot log on, and without a logon there is nothing to subscribe to."""
    api = trader.exchange.connect("/ws-api/v3")
    assert trader.call(api, "session.logon")["error"]["code"] == -1020
    assert api.ask("session.status")["result"]["apiKey"] is None
    answer = api.ask("userDataStream.subscribe")
    assert (answer["status"], answer["error"]["code"]) == (401, -1002)


def test_revoked_logon(exchange: Exchange) -> None:
    """The next request ends the logon and gets an answer without an id."""
    logged = Logged(exchange)
    logged.log_on()
    exchange.command("account", revoke=logged.pair["key"])
    assert logged.client.ask("account.status", {"timestamp": T0 // MS}) == {
        "id": None,
        "status": 401,
        "error": {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."},
    }
    assert logged.client.ask("session.status")["result"]["apiKey"] is None


# -- subscriptions -----------------------------------------------------------------------------


def test_subscriptions(trader: Trader) -> None:
    """One for each account on a connection; ids are never used again."""
    api = trader.exchange.connect("/ws-api/v3")
    subscribe = "userDataStream.subscribe.signature"
    assert trader.call(api, subscribe)["result"] == {"subscriptionId": 0}
    again = trader.call(api, subscribe)
    assert again["error"] == {"code": -2035, "msg": "User Data Stream subscription already active."}
    made = trader.exchange.command("account")
    other = Trader(trader.exchange, key=made["key"], secret=made["secret"])
    assert other.call(api, subscribe)["result"] == {"subscriptionId": 1}
    listed = api.ask("session.subscriptions")["result"]
    assert listed == [{"subscriptionId": 0}, {"subscriptionId": 1}]
    api.ask("userDataStream.unsubscribe", {"subscriptionId": 0})
    assert trader.call(api, subscribe)["result"] == {"subscriptionId": 2}


def test_unsubscribe(trader: Trader, user: Client) -> None:
    """The answer, then the end of the stream; unknown subscriptions are refused."""
    answer, ended = user.say({"id": 5, "method": "userDataStream.unsubscribe"})
    assert answer["result"] == {} and answer["id"] == 5
    assert ended == {
        "subscriptionId": 0,
        "event": {"e": "eventStreamTerminated", "E": T0 // MS},
    }
    refused = user.ask("userDataStream.unsubscribe", {"subscriptionId": 0})
    assert refused["error"] == {"code": -2036, "msg": "User Data Stream subscription not active."}
    trader.place(**RESTING)
    trader.exchange.settle()
    user.read()
    assert events(user) == []


def test_closed_connections_are_forgotten(trader: Trader, user: Client) -> None:
    user.session.closed(T0)
    user.read()
    trader.place(**RESTING)
    trader.exchange.settle()
    assert user.read() == []


def test_events_are_private(exchange: Exchange, trader: Trader, user: Client) -> None:
    """Only the account's own subscribers are told; both sides of a trade are."""
    made = exchange.command("account", balances={"BTC": "100"})
    other = Trader(exchange, key=made["key"], secret=made["secret"])
    theirs = other.connect()
    best = exchange.get("ticker/bookTicker?symbol=BTCUSDT")
    trader.place(**{**RESTING, "price": best["bidPrice"]})
    exchange.settle()
    assert [one["e"] for one in events(user)] == ["executionReport", "outboundAccountPosition"]
    assert events(theirs) == []
    taken = str(Decimal(best["bidQty"]) + Decimal("0.001"))
    other.place(**{**MARKET, "side": "SELL", "quantity": taken})
    exchange.settle()
    made_, took = events(user), events(theirs)
    assert (made_[0]["x"], made_[0]["m"], made_[0]["X"]) == ("TRADE", True, "FILLED")
    assert took[0]["x"] == "NEW" and took[-2]["t"] == made_[0]["t"] and took[-2]["m"] is False


# -- what is told ------------------------------------------------------------------------------


def test_new_order(trader: Trader, user: Client) -> None:
    """Every field, in the documented order; then the balances that it locked."""
    order = trader.place(**RESTING, newClientOrderId="vocx-0001")
    trader.exchange.now_ns += 2 * MS
    trader.exchange.settle()
    report, position = user.read()
    number = report["event"]["I"]
    assert json.dumps(report, separators=(",", ":")) == (
        '{"subscriptionId":0,"event":{"e":"executionReport",'
        f'"E":{T0 // MS + 2},"s":"BTCUSDT","c":"vocx-0001","S":"BUY","o":"LIMIT","f":"GTC",'
        '"q":"0.00100000","p":"60000.00000000","P":"0.00000000","F":"0.00000000","g":-1,"C":"",'
        f'"x":"NEW","X":"NEW","r":"NONE","i":{order["orderId"]},"l":"0.00000000",'
        '"z":"0.00000000","L":"0.00000000","n":"0","N":null,'
        f'"T":{T0 // MS},"t":-1,"I":{number},"w":true,"m":false,"M":false,"O":{T0 // MS},'
        '"Z":"0.00000000","Y":"0.00000000","Q":"0.00000000",'
        f'"W":{T0 // MS},"V":"EXPIRE_MAKER"}}}}'
    )
    rows = [
        {"a": "BTC", "f": "10.00000000", "l": "0.00000000"},
        {"a": "USDT", "f": "499940.00000000", "l": "60.00000000"},
    ]
    event = {"e": "outboundAccountPosition", "E": T0 // MS + 2, "u": T0 // MS, "B": rows}
    assert position == {"subscriptionId": 0, "event": event}


def test_cancel(trader: Trader, user: Client) -> None:
    """``c`` is the cancel's id, ``C`` the order's."""
    trader.place(**RESTING, newClientOrderId="one")
    ids = {"symbol": "BTCUSDT", "origClientOrderId": "one", "newClientOrderId": "away"}
    trader.ask("DELETE", "order", **ids)
    trader.exchange.settle()
    new, _, canceled, position = events(user)
    assert (canceled["c"], canceled["C"], canceled["x"]) == ("away", "one", "CANCELED")
    assert (canceled["X"], canceled["w"], canceled["l"]) == ("CANCELED", False, "0.00000000")
    assert canceled["I"] > new["I"] and position["B"][1]["l"] == "0.00000000"


def test_fills_and_expiry(exchange: Exchange) -> None:
    """NEW, a TRADE for each fill, EXPIRED with its reason, then one position: sums agree."""
    made = exchange.command("account", balances={"USDT": "900000000"})
    rich = Trader(exchange, key=made["key"], secret=made["secret"])
    user = rich.connect()
    wanted = {**ORDER, "timeInForce": "IOC", "price": "60125", "quantity": "140"}
    order = rich.place(**wanted)
    exchange.settle()
    new, *trades, expired, position = events(user)
    assert new["x"] == "NEW" and {one["x"] for one in trades} == {"TRADE"} and len(trades) > 1
    assert (expired["x"], expired["X"], expired["t"]) == ("EXPIRED", "EXPIRED", -1)
    assert expired["eR"] == "UNFILLED_IOC_QUANTITY_EXPIRED" and expired["l"] == "0.00000000"
    assert position["e"] == "outboundAccountPosition"
    numbers = [one["I"] for one in (new, *trades, expired)]
    assert numbers == sorted(set(numbers))
    assert [one["n"] for one in trades] == [one["commission"] for one in order["fills"]]
    assert sum(Decimal(one["l"]) for one in trades) == Decimal(expired["z"])
    assert sum(Decimal(one["Y"]) for one in trades) == Decimal(expired["Z"])
    bought = sum(Decimal(one["l"]) - Decimal(one["n"]) for one in trades)
    assert Decimal(position["B"][0]["f"]) == bought


def test_the_crowd_takes(exchange: Exchange, trader: Trader, user: Client) -> None:
    """A resting order that the crowd takes is told as a maker's trade."""
    best = exchange.get("ticker/bookTicker?symbol=BTCUSDT")
    trader.place(**{**RESTING, "price": best["bidPrice"], "quantity": "0.002"})
    made = exchange.command("account", balances={"BTC": "100"})
    other = Trader(exchange, key=made["key"], secret=made["secret"])
    other.place(**{**MARKET, "side": "SELL", "quantity": best["bidQty"]})
    exchange.settle()
    user.read()
    for _ in range(100):
        exchange.step(20)
        if told := events(user):
            break
    assert (told[0]["x"], told[0]["m"], told[0]["N"]) == ("TRADE", True, "BTC")
    assert told[0]["w"] is (told[0]["X"] == "PARTIALLY_FILLED")
    assert told[-1]["e"] == "outboundAccountPosition"


def test_the_reply_comes_before_its_events(trader: Trader, user: Client) -> None:
    """On the connection that placed the order."""
    answer = trader.call(user, "order.place", **RESTING)
    assert answer["result"]["status"] == "NEW" and len(user.read()) == 1
    trader.exchange.settle()
    assert [one["x"] for one in events(user) if "x" in one] == ["NEW"]


def test_streams_see_what_accounts_do(trader: Trader) -> None:
    """An account's trade is on the public streams like any other."""
    public = trader.exchange.connect("/ws/btcusdt@trade")
    order = trader.place(**MARKET)
    trader.exchange.settle()
    assert public.read()[0]["t"] == order["fills"][0]["tradeId"]


def test_microseconds(trader: Trader) -> None:
    """The connection's unit of time holds for its events."""
    api = trader.exchange.connect("/ws-api/v3?timeUnit=MICROSECOND")
    trader.call(api, "userDataStream.subscribe.signature")
    api.read()
    trader.place(**RESTING)
    trader.exchange.settle()
    assert events(api)[0]["T"] // 1000 == T0 // MS


def test_own_orders_do_not_trade(trader: Trader, user: Client) -> None:
    """Self-trade prevention: the resting order ends with a status of its own."""
    best = trader.exchange.get("ticker/bookTicker?symbol=BTCUSDT")
    both = {**ORDER, "price": best["askPrice"], "quantity": "0.01", "side": "SELL"}
    resting = trader.place(**both)
    trader.exchange.now_ns += S
    trader.place(**{**both, "side": "BUY", "quantity": str(Decimal(best["askQty"]) + 1)})
    trader.exchange.settle()
    ended = [one for one in events(user) if one.get("i") == resting["orderId"]][-1]
    assert (ended["x"], ended["X"]) == ("TRADE_PREVENTION", "EXPIRED_IN_MATCH")
    ids = {"symbol": "BTCUSDT", "orderId": resting["orderId"]}
    assert trader.ask("GET", "order", **ids)["status"] == "EXPIRED_IN_MATCH"


@pytest.mark.parametrize(
    ("fault", "answers", "orders"),
    [("lost_answer", 0, 1), ("lost_request", 0, 0), ("delivered_twice", 1, 2), ("timeout", 1, 1)],
)
def test_faults(trader: Trader, user: Client, fault: str, answers: int, orders: int) -> None:
    """Whatever becomes of the answer, the events tell what was executed."""
    trader.exchange.command("fault", name=fault, path="/ws-api/v3/order.place")
    said = user.say({"id": 1, "method": "order.place", "params": trader.signed(**RESTING)})
    assert len(said) == answers
    user.read()
    trader.exchange.settle()
    assert [one["x"] for one in events(user) if "x" in one] == ["NEW"] * orders
