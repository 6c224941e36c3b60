"""Bybit's orders and sockets in the lab: what is acknowledged, told, refused, counted."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from venue_bybit import MS, Venue
from venue_in_memory import tracebacks_after

from vocx.lab.dialects.base import Close
from vocx.lab.dialects.bybit import orders, sessions

S = 1000 * MS
PUBLIC, PRIVATE, TRADE = "/v5/public/spot", "/v5/private", "/v5/trade"


@pytest.fixture
def venue() -> Venue:
    return Venue()


def test_an_order_is_acknowledged_and_told(venue: Venue) -> None:
    """Nineteen digits; ``New`` while it rests, locked money, then cancelled: two l."""
    private = venue.connect(PRIVATE)
    assert private.login()["success"]
    private.subscribe("order", "execution", "wallet", req_id="a")
    placed = venue.place(orderLinkId="one")
    assert re.fullmatch("[0-9]{19}", placed["result"]["orderId"])
    assert not private.topic("order"), "the acknowledgement comes first"
    venue.settle()
    (message,) = private.topic("order")
    (row,) = message["data"]
    assert (row["orderStatus"], row["category"], row["smpGroup"]) == ("New", "spot", "0")
    assert not {"createType", "tpslMode"} & set(row) and row["avgPrice"] == ""
    by_rest = venue.row(placed)
    assert "category" not in by_rest and by_rest["smpGroup"] == 0
    assert by_rest["leavesQty"] == row["leavesQty"] == "0.01000"
    (coin,) = [
        one for one in private.topic("wallet")[0]["data"][0]["coin"] if one["coin"] == "USDT"
    ]
    assert Decimal(coin["locked"]) == Decimal(row["price"]) * Decimal("0.01")
    venue.ask("POST", "order/cancel", {**venue.order(), "orderLinkId": "one"})
    venue.settle()
    assert private.topic("order")[-1]["data"][0]["orderStatus"] == "Cancelled"
    assert private.topic("order")[-1]["data"][0]["rejectReason"] == "EC_PerCancelRequest"
    again = venue.place(orderLinkId="one")
    assert again["retCode"] == 170141, "a link id is used up"


def test_a_post_only_that_would_take_is_rejected_later(venue: Venue) -> None:
    """An acknowledgement with an id, then ``Rejected``; nothing is filled or held."""
    private = venue.connect(PRIVATE)
    private.login()
    private.subscribe("order", "execution")
    ask = venue.market.spec.to_price(venue.market.best()[2])
    placed = venue.place(price=str(ask + 5), timeInForce="PostOnly")
    assert placed["retCode"] == 0
    venue.settle()
    (row,) = [one for message in private.topic("order") for one in message["data"]]
    assert (row["orderStatus"], row["cumExecQty"]) == ("Rejected", "0")
    assert row["rejectReason"] == "EC_PostOnlyWillTakeLiquidity"
    assert venue.row(placed)["orderStatus"] == "Rejected" and not private.topic("execution")


def test_a_market_buy_is_by_quote_unless_it_says_otherwise(venue: Venue) -> None:
    """It ends with a rest that buys no step: one l. Fees are in what was bought."""
    private = venue.connect(PRIVATE)
    private.login()
    private.subscribe("order", "execution")
    bought = venue.place(orderType="Market", price=None, qty="100.03")
    venue.settle()
    row = venue.row(bought)
    assert row["orderStatus"] == "PartiallyFilledCanceled" and row["marketUnit"] == "quoteCoin"
    assert 0 < Decimal(row["leavesValue"]) < 1 and list(row["cumFeeDetail"]) == ["BTC"]
    fills = [one for message in private.topic("execution") for one in message["data"]]
    assert sum(Decimal(one["execQty"]) for one in fills) == Decimal(row["cumExecQty"])
    assert sum(Decimal(one["execFee"]) for one in fills) == Decimal(row["cumExecFee"])
    rows = [one for message in private.topic("order") for one in message["data"]]
    assert "New" not in {one["orderStatus"] for one in rows}
    by_base = venue.place(orderType="Market", price=None, qty="0.01", marketUnit="baseCoin")
    assert venue.row(by_base)["orderStatus"] == "Filled"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"symbol": "NOPE"}, 170121),
        ({"side": "buy"}, 170117),
        ({"orderType": "LIMIT"}, 170116),
        ({"timeInForce": "GTX"}, 170115),
        ({"orderLinkId": "a b"}, 10001),
        ({"price": "0"}, 170133),
        ({"price": "60000.001"}, 170134),
        ({"qty": "0.000001"}, 170136),
        ({"qty": "0.0100001"}, 170137),
        ({"qty": "0.00001"}, 170140),
        ({"qty": "9001"}, 170124),
        ({"qty": "8000"}, 170131),
        ({"triggerPrice": "60000"}, 170227),
        ({"qty": None}, 10001),
        ({"category": "linear"}, 10001),
    ],
)
def test_what_is_refused_at_once(venue: Venue, changed: dict[str, str], code: int) -> None:
    """By its code, and no order exists."""
    assert venue.place(**changed)["retCode"] == code
    assert venue.ask("GET", "order/realtime?category=spot")["result"]["list"] == []


def test_amendments_and_ends(venue: Venue) -> None:
    """Price and total may change; no change, too little and unknown orders are refused."""
    placed = venue.place(orderLinkId="one")
    named = {"category": "spot", "symbol": "BTCUSDT", "orderLinkId": "one"}
    price = venue.row(placed)["price"]
    same = venue.ask("POST", "order/amend", {**named, "price": price})
    assert same["retCode"] == 10001 and "remains unchanged" in same["retMsg"]
    lower = str(Decimal(price) - 10)
    assert (
        venue.ask("POST", "order/amend", {**named, "price": lower, "qty": "0.02"})["retCode"] == 0
    )
    row = venue.row(placed)
    assert (row["price"], row["qty"], row["orderId"]) == (
        lower,
        "0.02000",
        placed["result"]["orderId"],
    )
    assert venue.ask("POST", "order/cancel", {**named, "orderLinkId": "two"})["retCode"] == 170213
    del named["orderLinkId"]
    assert venue.ask("POST", "order/cancel", named)["retCode"] == 10001
    ended = venue.ask("POST", "order/cancel-all", {"category": "spot"})["result"]
    assert ended["success"] == "1" and len(ended["list"]) == 1


def test_batches_fail_one_by_one(venue: Venue) -> None:
    """Same index in both lists; what is beyond the limit fails alone; eleven are refused."""
    one = {name: value for name, value in venue.order().items() if name != "category"}
    requests = [one, {**one, "qty": "0"}, one]
    found = venue.ask("POST", "order/create-batch", {"category": "spot", "request": requests})
    assert [told["code"] for told in found["retExtInfo"]["list"]] == [0, 170130, 0]
    assert [bool(row["orderId"]) for row in found["result"]["list"]] == [True, False, True]
    venue.command("limits", **{"create-batch": 4})
    found = venue.ask("POST", "order/create-batch", {"category": "spot", "request": requests})
    assert [told["code"] for told in found["retExtInfo"]["list"]] == [0, 10006, 10006]
    many = venue.ask("POST", "order/create-batch", {"category": "spot", "request": [one] * 11})
    assert many["retCode"] == 10001


def test_pages_of_orders(venue: Venue) -> None:
    """Newest first; cursors of letters and digits that lead to the end."""
    placed = []
    for _ in range(5):
        placed.append(venue.place()["result"]["orderId"])
        venue.now_ns += MS
    found: list[str] = []
    cursor = ""
    while True:
        query = f"order/realtime?category=spot&limit=2&cursor={cursor}"
        page = venue.ask("GET", query)["result"]
        found += [row["orderId"] for row in page["list"]]
        cursor = page["nextPageCursor"]
        assert re.fullmatch("[A-Za-z0-9_-]*", cursor)
        if not cursor:
            break
    assert found == placed[::-1]


# Sockets


def test_public_answers(venue: Venue) -> None:
    """Wording, echoed ids, silence on what it has, refusals of a whole batch."""
    public = venue.connect(PUBLIC)
    (pong,) = public.say({"op": "ping", "req_id": 7, "args": 169})
    assert (pong["op"], pong["ret_msg"], pong["req_id"]) == ("ping", "pong", 7)
    ack, first = public.subscribe("orderbook.50.BTCUSDT", req_id="a")
    assert list(ack) == ["success", "ret_msg", "conn_id", "req_id", "op"]
    assert ack["ret_msg"] == "subscribe" and first["type"] == "snapshot"
    assert public.subscribe("orderbook.50.BTCUSDT") == []
    topics = [f"kline.{one}.BTCUSDT" for one in ("1", "3", "5", "15", "30", "60")]
    topics += [f"kline.{one}.ETHUSDT" for one in ("1", "3", "5", "15", "30")]
    for args, text in (
        (topics, "args size >10"),
        (["publicTrade.BTCUSDT", "tickers.NOPE"], "Invalid symbol :[tickers.NOPE]"),
        (["kline.7.BTCUSDT"], "Invalid kline type :[kline.7.BTCUSDT]"),
        (["orderbook.30.BTCUSDT"], "error:handler not found,topic:orderbook.30.BTCUSDT"),
        (["order"], "error:handler not found,topic:order"),
    ):
        (refused,) = public.subscribe(*args)
        assert (refused["success"], refused["ret_msg"]) == (False, text) and "req_id" not in refused
    assert list(venue.exchange.topics.topics) == ["orderbook.50.BTCUSDT"]
    assert public.say({"op": "auth", "args": []})[0]["ret_msg"] == "error:invalid op"
    assert "Failed to decode" in public.say(b"{")[0]["ret_msg"]
    (ended,) = public.subscribe("orderbook.50.BTCUSDT", op="unsubscribe")
    assert ended["ret_msg"] == "unsubscribe" and not venue.exchange.topics.topics


def test_names_of_one_socket_have_a_bound(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    """[33] 21,000 characters over all requests; hundreds of topics are none too many, and what is
    given up makes room."""
    assert sessions.LONGEST_ARGS == 21_000
    topics = ["publicTrade.BTCUSDT", "publicTrade.ETHUSDT", "tickers.BTCUSDT"]
    monkeypatch.setattr(sessions, "LONGEST_ARGS", len(topics[0]) + len(topics[1]))
    public = venue.connect(PUBLIC)
    for one in topics[:2]:
        assert public.subscribe(one)[0]["success"] is True
    (refused,) = public.subscribe(topics[2])
    assert refused["success"] is False and topics[2] not in venue.exchange.topics.topics
    public.subscribe(topics[0], op="unsubscribe")
    assert public.subscribe(topics[2])[0]["success"] is True


def test_open_orders_have_a_bound(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 of an account, over all symbols; one that ends makes room."""
    assert orders.MOST_OPEN == 500
    monkeypatch.setattr(orders, "MOST_OPEN", 2)
    first = venue.place()
    assert venue.place()["retCode"] == 0 and venue.place()["retCode"] == 170810
    named = {"category": "spot", "symbol": "BTCUSDT", "orderId": first["result"]["orderId"]}
    assert venue.ask("POST", "order/cancel", named)["retCode"] == 0
    assert venue.place()["retCode"] == 0


def test_a_book_is_a_snapshot_and_deltas_without_holes(venue: Venue) -> None:
    """``u`` one more each, the window kept, prices written alike, no empty delta."""
    public = venue.connect(PUBLIC)
    topic = "orderbook.50.BTCUSDT"
    public.subscribe(topic)
    for _ in range(40):
        venue.step(30)
        venue.pass_time(20 * MS)
    first, *deltas = (one["data"] for one in public.topic(topic))
    bids, asks = dict(first["b"]), dict(first["a"])
    u = first["u"]
    assert len(deltas) > 10
    for delta in deltas:
        assert delta["u"] == u + 1 and (delta["b"] or delta["a"])
        u = delta["u"]
        for side, rows in ((bids, delta["b"]), (asks, delta["a"])):
            for price, quantity in rows:
                if quantity == "0":
                    del side[price]
                else:
                    side[price] = quantity
        assert len(bids) == len(asks) == 50
    form = venue.exchange.catalogue.by_name["BTCUSDT"].format
    top = {form.price[ticks]: form.quantity[lots] for ticks, lots, _ in venue.market.top(50)[0]}
    assert bids == top
    venue.command("fault", name="snapshot", stream=topic, restart=True)
    venue.step(30)
    venue.pass_time(20 * MS)
    anew = public.topic(topic)[-1]
    assert (anew["type"], anew["data"]["u"]) == ("snapshot", 1)


def test_the_top_is_sent_again(venue: Venue) -> None:
    """Snapshots only; the same ``u`` after three seconds without a change."""
    public = venue.connect(PUBLIC)
    topic = "orderbook.1.BTCUSDT"
    public.subscribe(topic)
    venue.pass_time(3_100 * MS)
    first, again = public.topic(topic)
    assert again["type"] == "snapshot" and again["data"]["u"] == first["data"]["u"]
    public.subscribe("tickers.BTCUSDT")
    (ticker,) = public.topic("tickers.BTCUSDT")
    assert "bid1Price" not in ticker["data"] and ticker["data"]["lastPrice"]


def test_the_private_socket(venue: Venue) -> None:
    """The login, its refusals, both kinds of topics, and no snapshot."""
    private = venue.connect(PRIVATE)
    assert private.login(ahead_ms=-1)["ret_msg"] == "Params Error"
    assert private.login(key="nobodyKnowsThis")["ret_msg"] == "API key is invalid."
    assert private.subscribe("order")[0]["success"] is False
    assert private.login() == {
        "success": True,
        "ret_msg": "",
        "op": "auth",
        "conn_id": private.session.conn_id,
    }
    mixed = private.subscribe("order", "execution.spot")
    assert mixed[0]["success"] is False
    (ack,) = private.subscribe("order.spot", "execution.fast", req_id="x", op="subscribe")[:1]
    assert ack["success"] is False, "these are of both kinds"
    assert private.subscribe("order.spot", req_id="x") == [
        {
            "req_id": "x",
            "success": True,
            "ret_msg": "",
            "op": "subscribe",
            "conn_id": ack["conn_id"],
        }
    ]
    assert private.subscribe("tickers.BTCUSDT")[0]["success"] is False
    venue.place()
    venue.settle()
    assert len(private.topic("order.spot")) == 1 and not private.topic("order")
    (pong,) = private.say({"op": "ping"})
    assert pong["op"] == "pong" and "success" not in pong


def test_an_account_starts_no_recording(venue: Venue) -> None:
    """It would play to nobody until somebody subscribes to what it holds."""
    private = venue.connect(PRIVATE)
    private.login()
    private.subscribe("order", "wallet")
    assert not venue.exchange.listened
    venue.connect(PUBLIC).subscribe("publicTrade.BTCUSDT")
    assert venue.exchange.listened


def test_an_idle_private_socket_is_cut(venue: Venue) -> None:
    """After ``max_active_time``, without a close frame; a public one stays."""
    private = venue.connect(f"{PRIVATE}?max_active_time=1m")
    public = venue.connect(PUBLIC)
    venue.now_ns += 59 * S
    assert list(private.session.tick(venue.now_ns)) == []
    venue.now_ns += 2 * S
    (cut,) = private.session.tick(venue.now_ns)
    assert isinstance(cut, Close) and cut.code is None
    assert public.session.next_tick_ns > venue.now_ns + 1000 * S


def test_the_trade_socket(venue: Venue) -> None:
    """Commands after a login: echoed ids, times, headers, refusals by code."""
    trade = venue.connect(TRADE)

    def say(number: str, op: str = "order.create", **more: object) -> dict:
        header = {"X-BAPI-TIMESTAMP": venue.now_ns // MS}
        message = {"reqId": number, "header": header, "op": op, "args": [venue.order()], **more}
        return trade.say(message)[0]

    assert say("0")["retCode"] == 10007
    assert trade.login()["retCode"] == 0 and trade.login()["retCode"] == 20001
    placed = say("1")
    assert (placed["retCode"], placed["reqId"]) == (0, "1") and placed["data"]["orderId"]
    assert placed["header"]["X-Bapi-Limit-Status"] == "19" and placed["header"]["Traceid"]
    assert say("1")["retCode"] == 20006
    assert say("2", op="order.nothing")["retCode"] == 10404
    assert say("3", args=[venue.order(category="linear")])["retCode"] == 10404
    assert say("4", header={})["retCode"] == 10001
    assert say("5", header={"X-BAPI-TIMESTAMP": "1"})["retCode"] == 10002
    assert say("6", args=[venue.order(qty="8000")])["retCode"] == 170131
    assert trade.say({"op": "ping"})[0]["op"] == "pong"


def test_a_refusal_is_its_own(venue: Venue) -> None:
    """It tells the limit of its own call, whatever was refused before it, and keeps none of the
    requests alive that were."""
    trade = venue.connect(TRADE)
    trade.login()
    gone = {"category": "spot", "symbol": "BTCUSDT", "orderId": "1"}
    header = {"X-BAPI-TIMESTAMP": venue.now_ns // MS}
    for number in range(3):
        message = {"reqId": f"{number}", "header": header, "op": "order.cancel", "args": [gone]}
        assert trade.say(message)[0]["retCode"] == 170213
    venue.now_ns += 2 * S
    answer = venue.signed("POST", "order/cancel", gone)
    assert answer.headers["X-Bapi-Limit-Status"] == "19", "a second later it counts anew"

    def refuse() -> None:
        assert venue.ask("POST", "order/cancel", gone)["retCode"] == 170213

    assert tracebacks_after(refuse) == tracebacks_after(refuse)


def test_the_dead_man_switch(venue: Venue) -> None:
    """It fires when the last socket that holds it is gone for its window, and not before."""
    assert venue.ask("POST", "order/disconnected-cancel-all", {"timeWindow": 2})["retCode"] == 10001
    body = {"product": "SPOT", "timeWindow": 10}
    assert venue.ask("POST", "order/disconnected-cancel-all", body)["retCode"] == 0
    holding, other = venue.connect(PRIVATE), venue.connect(PRIVATE)
    for one in (holding, other):
        one.login()
    holding.subscribe("dcp.spot")
    other.subscribe("order")
    placed = venue.place()
    holding.session.closed(venue.now_ns)
    venue.pass_time(9 * S)
    assert venue.row(placed)["orderStatus"] == "New"
    venue.pass_time(2 * S)
    assert venue.row(placed)["cancelType"] == "CancelByDCP"
