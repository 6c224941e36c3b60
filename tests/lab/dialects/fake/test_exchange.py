"""The fake venue's exchange in its three profiles: each switch of ``WIRE.md`` as it says."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from fake_venue.exchange import EXCHANGES
from fake_venue.profile import PROFILES
from venue_binance import INSTRUMENTS, MS, T0, S

from vocx.lab.dialects.base import Close, HttpIn, HttpOut, Ping, Publication, Raw
from vocx.lab.market.simulation import open_crowd

KEY, SECRET = "k" * 16, "secret"
NAMES = tuple(PROFILES)


class Fake:
    """One profile's exchange over a paused market of its own, with a clock that the test turns."""

    def __init__(self, name: str) -> None:
        self.profile = PROFILES[name]
        self.now_ns = T0
        self.simulation = open_crowd(seed=7, start_ns=T0, specs=INSTRUMENTS, pace=0)
        self.simulation.step(300, T0)
        self.exchange = EXCHANGES[name](self.simulation, start_ns=T0)
        self.exchange.command("account", {"name": "default", "key": KEY, "secret": SECRET}, T0)
        self.told: list[Any] = []
        self.simulation.accounts.on_events = self.told.extend
        self.symbol = "BTC" + self.profile.separator + "USDT"
        self.market = self.simulation.markets["BTC/USDT"]

    def moment(self) -> int:
        self.now_ns += 1
        return self.now_ns

    def sign(self, text: str) -> str:
        return hmac.new(SECRET.encode(), text.encode(), sha256).hexdigest()

    def http(self, verb: str, target: str, body: Any = None, *, signed: bool = False) -> HttpOut:
        raw = b"" if body is None else json.dumps(body).encode()
        headers = {}
        if signed:
            time = str(self.now_ns // MS)
            text = time + verb + target + raw.decode()
            headers = {"x-key": KEY, "x-time": time, "x-sign": self.sign(text)}
        request = HttpIn(method=verb, target=target, headers=headers, body=raw)
        return self.exchange.http(request, self.moment())

    def ask(self, verb: str, target: str, body: Any = None, *, signed: bool = False) -> Any:
        answer = self.http(verb, target, body, signed=signed)
        return json.loads(answer.body)

    def order(self, **changed: Any) -> dict[str, Any]:
        """A resting order's body."""
        best = self.market.best()[0]
        price = self.market.spec.to_price(best) - 100
        named = {"code": 1} if self.profile.order_names == "code" else {"symbol": self.symbol}
        return {
            **named,
            "side": "buy",
            "type": "limit",
            "price": str(price),
            "quantity": "0.01",
            "client_id": "one",
            **changed,
        }

    def place(self, **changed: Any) -> Any:
        return self.ask("POST", "/v1/orders", self.order(**changed), signed=True)

    def settle(self) -> None:
        """Publish what requests have changed."""
        events, self.told[:] = list(self.told), []
        self.publish(*events)

    def publish(self, *events: Any) -> None:
        _deliver(self.exchange.publish(events, self.now_ns))

    def step(self, count: int) -> None:
        self.publish(*self.simulation.step(count, self.now_ns))

    def pass_time(self, ns: int) -> None:
        end_ns = self.now_ns + ns
        while (due_ns := self.exchange.next_tick_ns) <= end_ns:
            self.now_ns = max(due_ns, self.now_ns)
            _deliver(self.exchange.tick(self.now_ns))
        self.now_ns = end_ns

    def connect(self, purpose: str) -> Client:
        path = self.profile.sockets.get(purpose) or self.profile.sockets["all"]
        opened = self.exchange.open(HttpIn(method="GET", target=path, headers={}), self.moment())
        assert not isinstance(opened, HttpOut)
        return Client(self, opened)


class Client:
    """One connection in memory, and everything that was sent to it."""

    def __init__(self, fake: Fake, session: Any) -> None:
        self.fake, self.session = fake, session
        session.handle = self
        self.got: list[Any] = []

    def take(self, outs: Iterable[Any]) -> list[Any]:
        new = [one if isinstance(one, Close | Ping | Raw) else _text(one) for one in outs]
        self.got += new
        return new

    def say(self, message: Any) -> list[Any]:
        raw = message if isinstance(message, bytes) else json.dumps(message).encode()
        return self.take(self.session.text(raw, self.fake.moment()))

    def subscribe(self, *channels: str, op: str = "subscribe", **more: Any) -> list[Any]:
        args = [self.fake_arg(channel) for channel in channels]
        named = {} if self.fake.profile.ack == "state" else {"id": 1}
        return self.say({**named, "op": op, "args": args, **more})

    def fake_arg(self, channel: str) -> dict[str, Any]:
        if channel in ("orders", "fills", "balances", "heartbeat"):
            return {"channel": channel}
        more = {"candles": {"interval": "5m"}, "top": {"depth": 5}}.get(channel, {})
        return {"channel": channel, "symbol": self.fake.symbol, **more}

    def proof(self) -> dict[str, Any]:
        """What a signed frame carries."""
        time = self.fake.now_ns // MS
        return {"key": KEY, "time": time, "sign": self.fake.sign(f"{time}GET/ws/login")}

    def follow(self, *channels: str) -> list[Any]:
        """Subscribe to private channels in the profile's manner."""
        if self.fake.profile.login == "frame":
            assert self.say({"id": 0, "op": "login", **self.proof()}) == [
                {"id": 0, "event": "login"}
            ]
            return self.subscribe(*channels)
        return self.subscribe(*channels, **self.proof())

    def read(self) -> list[Any]:
        new, self.got = self.got, []
        return new


def _text(out: bytes) -> Any:
    try:
        return json.loads(out)
    except ValueError:
        return out


def _deliver(publications: Iterable[Publication]) -> None:
    for publication in publications:
        for session in publication.to:
            session.handle.take([publication.payload])


@pytest.fixture(params=NAMES)
def fake(request: pytest.FixtureRequest) -> Fake:
    return Fake(request.param)


@pytest.fixture
def alpha() -> Fake:
    return Fake("alpha")


@pytest.fixture
def beta() -> Fake:
    return Fake("beta")


@pytest.fixture
def gamma() -> Fake:
    return Fake("gamma")


# -- REST --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target", ["time", "status", "instruments", "ticker", "quote", "book", "trades", "candles"]
)
def test_market_data(fake: Fake, target: str) -> None:
    """Each call answers without a key."""
    more = "&interval=1m" if target == "candles" else ""
    answer = fake.http("GET", f"/v1/{target}?symbol={fake.symbol}{more}")
    assert answer.status == 200 and json.loads(answer.body)


def test_the_book_is_the_market(fake: Fake) -> None:
    """Best levels first, texts without trailing zeros, the market's update id."""
    book = fake.ask("GET", f"/v1/book?symbol={fake.symbol}&depth=5")
    bids, _ = fake.market.top(5)
    assert [Decimal(price) for price, _ in book["bids"]] == [
        fake.market.spec.to_price(ticks) for ticks, *_ in bids
    ]
    assert book["sequence"] == fake.market.update_id
    assert not any(text.endswith("0") and "." in text for row in book["asks"] for text in row)


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("book", 400, "bad_request"),
        ("book?symbol=NOPE", 400, "unknown_symbol"),
        ("trades?symbol={}&limit=x", 400, "bad_request"),
        ("candles?symbol={}&interval=7m", 400, "unknown_interval"),
        ("candles?symbol={}&interval=1m&start=999999999999999", 400, "bad_request"),
        ("nope", 404, "not_found"),
    ],
)
def test_refusals(fake: Fake, target: str, status: int, code: str) -> None:
    """A status and a code; beta answers 200 and lets the code speak."""
    answer = fake.http("GET", "/v1/" + target.format(fake.symbol))
    expected = 200 if fake.profile.errors == "ok" and status == 400 else status
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (expected, code)


def test_signatures(fake: Fake) -> None:
    """A wrong signature, an old time and no key are refused; gamma says only one word."""
    assert "data" in fake.ask("GET", "/v1/balances", signed=True)
    answer = fake.http("GET", "/v1/balances")
    if fake.profile.errors == "text":
        assert (answer.status, answer.body) == (401, b"Unauthorized")
    else:
        assert json.loads(answer.body)["error"]["code"] == "bad_key"
    fake.exchange.command("skew", {"seconds": 10}, T0)
    late = fake.http("GET", "/v1/balances", signed=True)
    assert late.body == b"Unauthorized" or json.loads(late.body)["error"]["code"] == "bad_time"


def test_order_life(fake: Fake) -> None:
    """Place, query, list, cancel; an acknowledgement says nothing but the ids."""
    placed = fake.place()
    full = fake.profile.replies == "full"
    assert (placed.get("status") == "open") is full and placed["client_id"] == "one"
    assert isinstance(placed["id"], int if fake.profile.order_ids == "number" else str)
    target = f"/v1/order?symbol={fake.symbol}&id={placed['id']}"
    found = fake.ask("GET", target, signed=True)
    assert (found["status"], found["filled"], found["quantity"]) == ("open", "0", "0.01")
    assert fake.ask("GET", "/v1/orders", signed=True)["data"] == [found]
    fake.ask("DELETE", f"/v1/orders?symbol={fake.symbol}&client_id=one", signed=True)
    assert fake.ask("GET", target, signed=True)["status"] == "canceled"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"price": "1.001"}, "bad_price"),
        ({"quantity": "0.0000001"}, "bad_quantity"),
        ({"quantity": "0.00001"}, "too_small"),
        ({"client_id": ""}, "bad_request"),
        ({"side": "up"}, "bad_request"),
        ({"quantity": 0.01}, "bad_request"),
        ({"quantity": "5000"}, "insufficient_balance"),
        ({"price": "90000", "post_only": True}, "would_match"),
    ],
)
def test_refused_orders(fake: Fake, changed: dict[str, Any], code: str) -> None:
    """Form, steps, size, money, matching."""
    assert fake.place(**changed)["error"]["code"] == code


def test_client_ids(beta: Fake) -> None:
    """Each venue has its alphabet."""
    assert beta.place(client_id="a-b")["error"]["code"] == "bad_request"
    assert beta.place(client_id="ab")["client_id"] == "ab"
    assert beta.place(client_id="ab")["error"]["code"] == "duplicate_client_id"


def test_fills_by_pages(fake: Fake) -> None:
    """Oldest first; a cursor leads on."""
    for number in range(3):
        fake.place(type="market", price=None, client_id=f"m{number}")
    one, rows = f"/v1/fills?symbol={fake.symbol}&limit=2", []
    page = fake.ask("GET", one, signed=True)
    rows += page["data"]
    while page["next"]:
        page = fake.ask("GET", f"{one}&cursor={page['next']}", signed=True)
        rows += page["data"]
    ids = [row["id"] for row in rows]
    assert ids == sorted(set(ids)) and sum(Decimal(row["quantity"]) for row in rows) == Decimal(
        "0.03"
    )


def test_maintenance_and_cancel_all(fake: Fake) -> None:
    """A fault of the owner's is the venue's maintenance; gamma has no cancelling of all."""
    fake.place()
    answer = fake.http("DELETE", f"/v1/orders/all?symbol={fake.symbol}", signed=True)
    assert (answer.status == 404) is (fake.profile.name == "gamma")
    fake.exchange.command("fault", {"name": "overloaded", "path": "/v1/orders"}, T0)
    assert fake.ask("GET", "/v1/status")["status"] == "maintenance"
    assert fake.place(client_id="two")["error"]["code"] == "maintenance"


def test_amend(fake: Fake) -> None:
    """A smaller quantity keeps the order's place; another price, or more, is refused."""
    placed = fake.place(quantity="0.03")
    price = fake.order()["price"]
    client = fake.connect("private")
    client.follow("orders")
    client.read()

    def amend(quantity: str, **more: Any) -> Any:
        named = {"code": 1} if fake.profile.order_names == "code" else {"symbol": fake.symbol}
        both = {"price": price} if fake.profile.amend == "both" else {}
        body = {**named, "id": placed["id"], "quantity": quantity, **both, **more}
        return fake.ask("POST", "/v1/orders/amend", body, signed=True)

    assert amend("0.04")["error"]["code"] == "amend_refused"
    assert amend("0.01")["id"] == placed["id"]
    fake.settle()
    (row,) = client.got[-1]["data"]
    assert (row["quantity"], row["status"]) == ("0.01", "open")
    if fake.profile.amend == "both":
        assert amend("0.005", price="1")["error"]["code"] == "amend_refused"
    else:
        assert "id" in amend("0.005")


# -- limits ------------------------------------------------------------------------------------


def test_weights_and_bans(alpha: Fake) -> None:
    """A weight per address: 429, then 418."""
    alpha.exchange.command("limits", {"weight": 11}, T0)
    assert alpha.http("GET", "/v1/instruments").headers["X-Used-Weight"] == "10"
    alpha.http("GET", "/v1/time")
    seen = [alpha.http("GET", "/v1/time").status for _ in range(7)]
    assert seen == [429] * 5 + [418] * 2
    alpha.pass_time(120 * S)
    assert alpha.http("GET", "/v1/time").status == 200


def test_limits_per_endpoint_and_instrument(beta: Fake) -> None:
    """Each signed endpoint has its own bucket, orders one per symbol; 200, and when to come."""
    beta.exchange.command("limits", {"signed": 2, "orders": 1}, T0)
    target = "/v1/balances"
    assert [beta.http("GET", target, signed=True).headers["X-Remaining"] for _ in range(2)] == [
        "1",
        "0",
    ]
    over = beta.http("GET", target, signed=True)
    assert over.status == 200 and json.loads(over.body)["error"]["code"] == "too_many_requests"
    assert int(over.headers["X-Reset"]) > beta.now_ns // MS
    assert "data" in beta.ask("GET", "/v1/orders", signed=True)
    assert "id" in beta.place() and "id" in beta.place(
        code=2, price="2000", quantity="0.1", client_id="two"
    )
    assert beta.place(client_id="x")["error"]["code"] == "too_many_requests"
    beta.pass_time(2 * S)
    assert "id" in beta.place(client_id="y")


def test_an_address_is_banned_at_once(beta: Fake) -> None:
    """403 and a text, for ten minutes."""
    beta.exchange.command("limits", {"address": 2}, T0)
    answers = [beta.http("GET", "/v1/time") for _ in range(3)]
    assert [one.status for one in answers] == [200, 200, 403]
    assert answers[2].body == b"access too frequent"
    beta.pass_time(599 * S)
    assert beta.http("GET", "/v1/time").status == 403
    beta.pass_time(S)
    assert beta.http("GET", "/v1/time").status == 200


def test_public_and_signed_calls_apart(gamma: Fake) -> None:
    """Ten a second by address, thirty by key; the answer above is a page."""
    answers = [gamma.http("GET", "/v1/time") for _ in range(11)]
    assert answers[9].headers["X-RateLimit-Remaining"] == "0"
    assert answers[10].status == 429 and b"<html>" in answers[10].body
    assert gamma.http("GET", "/v1/balances", signed=True).status == 200


# -- sockets -----------------------------------------------------------------------------------


def test_acknowledgements(fake: Fake) -> None:
    """By request, by argument, or as cumulative state; the good arguments of a refused frame run
    where the venue lets them."""
    client, bad = fake.connect("public"), {"channel": "trades", "symbol": "NOPE"}
    good = client.fake_arg("trades")
    named = {} if fake.profile.ack == "state" else {"id": 7}
    answers = client.say({**named, "op": "subscribe", "args": [good, bad]})
    words = {"code": "unknown_symbol", "message": "unknown symbol"}
    if fake.profile.ack == "request":
        assert answers == [{"id": 7, "event": "error", **words, "arg": bad}]
    elif fake.profile.ack == "argument":
        assert answers == [
            {"id": 7, "event": "subscribe", "arg": good},
            {"id": 7, "event": "error", **words, "arg": bad},
        ]
    else:
        state = {"trades": [fake.symbol]}
        assert answers == [
            {"event": "error", **words},
            {"sequence": 0, "event": "subscriptions", "subscriptions": state},
        ]
    client.read()
    fake.step(100)
    fake.pass_time(250 * MS)
    assert bool(client.got) is (fake.profile.ack != "request")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"nonsense", "bad_request"),
        (b"[" * 500, "bad_request"),
        (b'{"op":"subscribe","args":"x"}', "bad_request"),
        (b'{"op":"fly"}', "unknown_op"),
    ],
)
def test_unreadable_frames(fake: Fake, message: bytes, code: str) -> None:
    """Told, and the connection goes on."""
    client = fake.connect("public")
    assert client.say(message)[0]["code"] == code
    assert client.subscribe("trades")


def test_channels_that_are_elsewhere(beta: Fake, gamma: Fake) -> None:
    """Candles have a socket of their own, or come in five minutes only."""
    assert beta.connect("public").subscribe("candles")[0]["code"] == "wrong_socket"
    assert beta.connect("candles").subscribe("candles")[0]["event"] == "subscribe"
    arg = {"channel": "candles", "symbol": gamma.symbol, "interval": "1m"}
    answers = gamma.connect("all").say({"op": "subscribe", "args": [arg]})
    assert answers[0]["code"] == "unknown_interval"


def test_market_channels(fake: Fake) -> None:
    """Each sends, under the symbol that the venue calls it by."""
    client = fake.connect("public")
    channels = [c for c in ("trades", "quotes", "book", "ticker", "top") if c in PROFILE(fake)]
    for channel in channels:
        client.subscribe(channel)
    client.read()
    for _ in range(15):
        fake.step(40)
        fake.pass_time(100 * MS)
    got = {one["channel"] for one in client.got if "channel" in one}
    assert got == set(channels)
    label = "BTC-USD" if fake.profile.relabel else fake.symbol
    assert {one["symbol"] for one in client.got} == {label}


def PROFILE(fake: Fake) -> tuple[str, ...]:
    return fake.profile.channels


@pytest.mark.parametrize("name", NAMES)
def test_trades_come_together(name: str) -> None:
    """Those of a moment in one frame, or those of a quarter of a second; each once, in order."""
    fake = Fake(name)
    client = fake.connect("public")
    client.subscribe("trades")
    client.read()
    for _ in range(6):
        fake.step(60)
        fake.pass_time(50 * MS)
    fake.pass_time(250 * MS)
    rows = [row["id"] for one in client.got for row in one["data"]]
    known = fake.market.trades(len(rows))
    assert rows == [one.trade_id for one in known]
    assert (len(client.got) <= 2) is (name == "gamma")


def rebuilt(fake: Fake, snapshot: Any, frames: list[Any]) -> dict[str, dict[str, str]]:
    """A local book from a snapshot and what came after it."""
    book = {side: dict(snapshot[side]) for side in ("bids", "asks")}
    for frame in frames:
        for side in book:
            book[side].update(frame["data"][side])
    return {
        side: {price: size for price, size in rows.items() if size != "0"}
        for side, rows in book.items()
    }


def test_book_from_rest(alpha: Fake) -> None:
    """Deltas without a hole in their ids, on top of a REST snapshot."""
    client = alpha.connect("public")
    client.subscribe("book")
    snapshot = alpha.ask("GET", f"/v1/book?symbol={alpha.symbol}&depth=1000")
    client.read()
    for _ in range(10):
        alpha.step(20)
        alpha.pass_time(100 * MS)
    last = snapshot["sequence"]
    for frame in client.got:
        assert frame["data"]["first"] == last + 1
        last = frame["data"]["last"]
    after = alpha.ask("GET", f"/v1/book?symbol={alpha.symbol}&depth=1000")
    assert rebuilt(alpha, snapshot, client.got)["bids"].items() >= dict(after["bids"]).items()
    assert last == after["sequence"]


@pytest.mark.parametrize("name", ["beta", "gamma"])
def test_book_in_band(name: str) -> None:
    """A snapshot first, then linked updates, for whoever comes and whenever he comes; together
    they are REST's book."""
    fake = Fake(name)
    first, second = fake.connect("public"), fake.connect("public")
    first.subscribe("book")
    for _ in range(5):
        fake.step(20)
        fake.pass_time(100 * MS)
    fake.step(20)
    second.subscribe("book")
    for _ in range(5):
        fake.step(20)
        fake.pass_time(100 * MS)
    after = fake.ask("GET", f"/v1/book?symbol={fake.symbol}&depth=1000")
    for client in (first, second):
        frames = [one for one in client.got if one.get("channel") == "book"]
        snapshot, *updates = frames
        assert snapshot["type"] == "snapshot" and {one["type"] for one in updates} == {"update"}
        if name == "beta":
            assert snapshot["data"]["previous"] == -1
            pairs = zip(frames, updates, strict=False)
            assert all(b["data"]["previous"] == a["data"]["sequence"] for a, b in pairs)
        book = rebuilt(fake, snapshot["data"], updates)
        assert all(book[side].items() >= dict(after[side]).items() for side in book)


def test_sequence_of_a_connection(gamma: Fake) -> None:
    """Every frame but errors counts, across channels, acknowledgements and heartbeats."""
    client = gamma.connect("all")
    client.subscribe("book")
    client.subscribe("trades")
    client.say({"op": "subscribe", "args": [{"channel": "nope"}]})
    client.subscribe("heartbeat")
    for _ in range(12):
        gamma.step(20)
        gamma.pass_time(100 * MS)
    numbers = [one["sequence"] for one in client.got if one.get("event") != "error"]
    assert numbers == list(range(len(numbers))) and len(numbers) > 15
    beats = [one["counter"] for one in client.got if one.get("channel") == "heartbeat"]
    assert beats == [1]


def test_a_quiet_book_proves_that_it_lives(beta: Fake) -> None:
    """An empty update after five seconds, its sequence as before."""
    client = beta.connect("public")
    client.subscribe("book")
    beta.pass_time(5 * S + 200 * MS)
    empty = client.got[-1]["data"]
    assert empty["bids"] == empty["asks"] == [] and empty["sequence"] == empty["previous"]


def test_resubscribing_one_topic(beta: Fake) -> None:
    """After a gap: unsubscribe, subscribe, a new snapshot; the others go on."""
    client = beta.connect("public")
    client.subscribe("book", "trades")
    beta.exchange.command("fault", {"name": "drop", "stream": f"book:{beta.symbol}"}, T0)
    for _ in range(2):
        beta.step(20)
        beta.pass_time(100 * MS)
    frames = [one["data"] for one in client.read() if one.get("channel") == "book"]
    assert frames[1]["previous"] != frames[0]["sequence"]
    client.subscribe("book", op="unsubscribe")
    client.subscribe("book")
    assert client.got[-1]["type"] == "snapshot"


def test_text_pings(beta: Fake) -> None:
    """``ping`` gets ``pong``; thirty seconds without the client end the connection."""
    client = beta.connect("public")
    assert client.say(b"ping") == [b"pong"]
    due_ns = client.session.next_tick_ns
    assert due_ns == beta.now_ns + 30 * S
    assert client.take(client.session.tick(due_ns)) == [Close(4004, "no ping")]


def test_frame_pings(alpha: Fake) -> None:
    """The server pings."""
    client = alpha.connect("public")
    assert isinstance(client.take(client.session.tick(client.session.next_tick_ns))[0], Ping)


def test_a_connection_needs_a_subscription(gamma: Fake) -> None:
    """Five seconds, then 4004."""
    client = gamma.connect("all")
    due_ns = client.session.next_tick_ns
    assert client.take(client.session.tick(due_ns)) == [Close(4004, "no subscription")]
    other = gamma.connect("all")
    other.subscribe("heartbeat")
    assert other.session.next_tick_ns > gamma.now_ns + 10**15


def test_login(fake: Fake) -> None:
    """Private channels need it; a wrong signature is told, and ends a login."""
    client = fake.connect("private")
    refused = client.subscribe("orders")
    codes = {one.get("code") for one in refused}
    assert codes & {"not_logged_in", "bad_key", "bad_time"}
    wrong = {**client.proof(), "sign": "00"}
    if fake.profile.login == "frame":
        error, close = client.say({"id": 2, "op": "login", **wrong})
        assert error["code"] == "bad_signature" and close == Close(4001, "login failed")
    else:
        assert client.subscribe("orders", **wrong)[0]["code"] == "bad_signature"


def test_private_events(fake: Fake) -> None:
    """Orders as they change; fills and balances where the venue streams them."""
    client = fake.connect("private")
    channels = [one for one in ("orders", "fills", "balances") if one in fake.profile.channels]
    for channel in channels:
        client.follow(channel) if channel == "orders" else client.subscribe(
            channel, **client.proof()
        )
    client.read()
    fake.place(type="market", price=None, client_id="m")
    fake.settle()
    got = client.read()
    rows = [one["data"][0] for one in got if one["channel"] == "orders"]
    assert rows[0]["status"] == "open" and rows[-1]["status"] == "filled"
    assert rows[-1]["filled"] == "0.01" and Decimal(rows[-1]["fees"]) > 0
    assert {one["channel"] for one in got} == set(channels)
    if "fills" in channels:
        fills = [one["data"][0] for one in got if one["channel"] == "fills"]
        assert sum(Decimal(one["quantity"]) for one in fills) == Decimal("0.01")


def test_paged_snapshots(beta: Fake, gamma: Fake) -> None:
    """Beta's balances and gamma's open orders come first, page by page."""
    pages = [one for one in beta.connect("private").follow("balances") if "page" in one]
    assert [one["last"] for one in pages][-1] is True
    rows = [row for one in pages for row in one["data"]]
    assert rows == beta.ask("GET", "/v1/balances", signed=True)["data"]
    empty = [one for one in gamma.connect("all").follow("orders") if "page" in one]
    assert [one["data"] for one in empty] == [[]] and empty[0]["last"] is True
    for number in range(52):
        gamma.place(client_id=f"n{number}", quantity="0.001")
        gamma.now_ns += 100 * MS
    pages = [one for one in gamma.connect("all").follow("orders") if "page" in one]
    assert [len(one["data"]) for one in pages] == [50, 2]


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_calls_over_a_socket(name: str) -> None:
    """REST's own answers, with the id that was sent; what cannot be read has none."""
    fake = Fake(name)
    client = fake.connect("calls")
    (answer,) = client.say({"id": "a", "method": "GET", "target": "/v1/time", "headers": {}})
    assert (answer["id"], answer["status"]) == ("a", 200) and "time" in answer["body"]
    body, time = json.dumps(fake.order()), str(fake.now_ns // MS)
    sign = fake.sign(time + "POST/v1/orders" + body)
    headers = {"X-Key": KEY, "X-Time": time, "X-Sign": sign}
    call = {"id": 2, "method": "POST", "target": "/v1/orders", "headers": headers, "body": body}
    (placed,) = client.say(call)
    assert placed["body"]["client_id"] == "one"
    for bad in (b"x", b'{"id":[],"method":"GET"}', b'{"id":1,"headers":5}'):
        assert client.say(bad)[0]["status"] == 400


def test_planned_end(fake: Fake) -> None:
    """Told, then 1001."""
    client = fake.connect("public")
    fake.exchange.command("shutdown", {}, T0)
    fake.pass_time(0)
    notice, close = client.got
    assert notice["event"] == "shutdown" and close == Close(1001, "Server shutdown")
