"""Coinbase as an exchange: the checklist "a faithful local exchange must" of its wire
specification, over a paused market, in virtual time. Numbers in brackets are its lines."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import jwt
import pytest
import venue_in_memory
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from venue_binance import MS, T0, S

from vocx.lab.dialects.base import Close, HttpIn, HttpOut, KeyPair
from vocx.lab.dialects.coinbase import Coinbase
from vocx.lab.market.instruments import INSTRUMENTS

NAME = (
    "organizations/11111111-2222-4333-8444-555555555555/apiKeys/"
    "66666666-7777-4888-9999-aaaaaaaaaaaa"
)
SECRET = "40egGSDm/M31oP2FMmK/JEsvNCSeLxYaRbtyJeeSGsOYNS2a1MDrYg3whAc7eL7K2HwqxdXuhHGULoW0o/ufSA=="
ELLIPTIC = "99999999-7777-4888-9999-aaaaaaaaaaaa"
PEM = """-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIHpu1F8uvkRE+dtz8KR6SzEPloPBN8FFmocUUMv7KmppoAoGCCqGSM49
AwEHoUQDQgAEp3DT+Py4+5+yE1XHT5A1XM/xq9Ky3JiVF7VkI9qcDx3vIxGnBk2b
tRE7CKixalkLEslP0uIwx6rRcdjXZU9cgw==
-----END EC PRIVATE KEY-----
"""
ROOT = "/api/v3/brokerage/"
BTC = "BTC-USD"
VECTOR_NS = 1_795_334_400_000_000_000
"""2026-11-22T08:00:00Z, the clock of the published tokens."""
HEADER = (
    "eyJhbGciOiJFZERTQSIsImtpZCI6Im9yZ2FuaXphdGlvbnMvMTExMTExMTEtMjIyMi00MzMzLTg0NDQtNTU1NTU1NTU1"
    "NTU1L2FwaUtleXMvNjY2NjY2NjYtNzc3Ny00ODg4LTk5OTktYWFhYWFhYWFhYWFhIiwibm9uY2UiOiIwMDExMjIzMzQ0"
    "NTU2Njc3ODg5OWFhYmJjY2RkZWVmZjAwMTEyMjMzNDQ1NTY2Nzc4ODk5YWFiYmNjZGRlZWZmIiwidHlwIjoiSldUIn0"
)
CLAIMS = (
    "eyJzdWIiOiJvcmdhbml6YXRpb25zLzExMTExMTExLTIyMjItNDMzMy04NDQ0LTU1NTU1NTU1NTU1NS9hcGlLZXlzLzY2"
    "NjY2NjY2LTc3NzctNDg4OC05OTk5LWFhYWFhYWFhYWFhYSIsImlzcyI6ImNkcCIsIm5iZiI6MTc5NTMzNDQwMCwiZXhw"
    "IjoxNzk1MzM0NTIwLCJ1cmkiOiJHRVQgMTI3LjAuMC4xOjgwODAvYXBpL3YzL2Jyb2tlcmFnZS9hY2NvdW50cyJ9"
)
SIGNATURE = "RGnlhOptlPqDls-HvDUS7U1zc-AuncfXaVftJpjkXkz0scfy0afvuXsJpW7JaHpfZV_cM0Lgajsc_IgzXyuSBQ"


def token(now_ns: int, call: str = "", key: str = NAME, **changed: Any) -> str:
    """What a client shows: ``call`` is ``METHOD host/path``; claims that are ``None`` are left
    out."""
    now_s = now_ns // S
    claims: dict[str, Any] = {"sub": key, "iss": "cdp", "nbf": now_s, "exp": now_s + 120}
    if call:
        claims["uri"] = call
    claims = {name: one for name, one in {**claims, **changed}.items() if one is not None}
    if key == ELLIPTIC:
        private: Any = load_pem_private_key(PEM.encode(), password=None)
        return jwt.encode(claims, private, "ES256", headers={"kid": key, "nonce": "00"})
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(SECRET)[:32])
    return jwt.encode(claims, private, "EdDSA", headers={"kid": key, "nonce": "00"})


class Venue(venue_in_memory.Venue):
    """The exchange over a market of its own, with a clock that the test turns."""

    def __init__(self, now_ns: int = T0) -> None:
        pair = KeyPair(key=NAME, secret=SECRET)
        super().__init__(
            lambda simulation: Coinbase(simulation, start_ns=now_ns, credentials=pair),
            Coinbase.crowd.specs(INSTRUMENTS[:2]).values(),
            now_ns,
        )
        self.market = self.simulation.markets["BTC/USD"]
        self.named = 0

    def raw(
        self,
        verb: str,
        target: str,
        body: bytes = b"",
        *,
        signed: Any = True,
        peer: str = "1.1.1.1",
    ) -> HttpOut:
        """``signed`` may be a token."""
        headers = {"host": "127.0.0.1:8080"}
        if signed:
            path = target.partition("?")[0]
            made = token(self.now_ns, f"{verb} api.coinbase.com{path}")
            headers["authorization"] = f"Bearer {made if signed is True else signed}"
        request = HttpIn(method=verb, target=target, headers=headers, body=body, peer=peer)
        self.now_ns += 40 * MS
        return self.exchange.http(request, self.now_ns)

    def ask(self, path: str, body: Any = None, *, status: int = 200, signed: Any = True) -> Any:
        verb = "GET" if body is None else "POST"
        raw = b"{}" if body is None else json.dumps(body).encode()
        answer = self.raw(verb, ROOT + path, raw, signed=signed)
        assert answer.status == status, answer.body
        self.settle()
        return json.loads(answer.body)

    def price(self, share: str) -> str:
        best = self.market.spec.to_price(self.market.best()[0])
        return format((best * Decimal(share)).quantize(Decimal("0.01")), "f")

    def wish(self, kind: str = "limit_limit_gtc", **changed: Any) -> dict[str, Any]:
        """A body; sizes are set by their names, what is ``None`` is left out."""
        self.named += 1
        sizes: dict[str, Any] = {"base_size": "0.01", "limit_price": self.price("0.99")}
        if kind == "market_market_ioc":
            sizes = {"quote_size": "100"}
        outer = {"client_order_id": f"mine-{self.named}", "product_id": BTC, "side": "BUY"}
        for name, value in changed.items():
            (outer if name in ("client_order_id", "product_id", "side") else sizes)[name] = value
        sizes = {name: value for name, value in sizes.items() if value is not None}
        return {**outer, "order_configuration": {kind: sizes}}

    def place(self, *kind: str, **changed: Any) -> str:
        answer = self.ask("orders", self.wish(*kind, **changed))
        assert answer["success"], answer
        return str(answer["success_response"]["order_id"])

    def refused(self, *kind: str, **changed: Any) -> tuple[str, str]:
        """Both reasons of an order that is not placed."""
        answer = self.ask("orders", self.wish(*kind, **changed))
        assert answer["success"] is False and "success_response" not in answer
        why = answer["error_response"]
        return why["error"], why["preview_failure_reason"]

    def order(self, number: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask(f"orders/historical/{number}")["order"]
        return found

    def balance(self, asset: str) -> tuple[Decimal, Decimal]:
        """Available and on hold."""
        (row,) = (one for one in self.ask("accounts")["accounts"] if one["currency"] == asset)
        return Decimal(row["available_balance"]["value"]), Decimal(row["hold"]["value"])

    def connect(self, path: str = "/ws") -> Client:
        opened = self.opened(path)
        self.now_ns += S
        return Client(self, opened)


class Client(venue_in_memory.Client):
    """One connection in memory, and everything that was sent to it."""

    def subscribe(self, channel: str, *products: str, wanted: str = "subscribe") -> list[Any]:
        message: dict[str, Any] = {"type": wanted, "channel": channel}
        if products:
            message["product_ids"] = list(products)
        return self.say({**message, "jwt": token(self.venue.now_ns)})

    def events(self, channel: str) -> list[Any]:
        return [
            event
            for one in self.got
            if isinstance(one, dict) and one.get("channel") == channel
            for event in one["events"]
        ]

    def orders(self, number: str) -> list[dict[str, Any]]:
        """The updates of an order."""
        return [
            row
            for event in self.events("user")
            if event["type"] == "update"
            for row in event["orders"]
            if row["order_id"] == number
        ]


@pytest.fixture
def venue() -> Iterator[Venue]:
    made = Venue()
    yield made
    for owner in made.simulation.accounts.owners:  # [27] whatever a test has done
        held: dict[str, Decimal] = {}
        for order in made.simulation.accounts.orders(owner, open_only=True):
            spec = made.simulation.markets[order.request.symbol].spec
            left = spec.to_quantity(order.quantity - order.filled)
            asset = spec.base
            if order.request.side == "buy":
                asset = spec.quote
                left *= spec.to_price(order.request.price) * Decimal("1.012")
            held[asset] = held.get(asset, Decimal(0)) + left
        for asset, (free, locked) in made.simulation.accounts.balances(owner).items():
            assert free >= 0 and abs(locked - held.get(asset, Decimal(0))) < Decimal("1e-6"), asset


@pytest.fixture(scope="module")
def one_venue() -> Venue:
    return Venue()


@pytest.fixture
def steady(one_venue: Venue) -> Venue:
    """One for all tests after which it is as before: nothing is placed."""
    one_venue.now_ns += S
    return one_venue


# Tokens


def test_a_published_token() -> None:
    """[2, 3] the official SDK's, for a lab at 127.0.0.1:8080."""
    venue = Venue(VECTOR_NS)
    shown = f"{HEADER}.{CLAIMS}.{SIGNATURE}"
    assert venue.ask("accounts", signed=shown)["accounts"]
    wrong = f"{HEADER}.{CLAIMS}.{SIGNATURE[:-4]}AAAA"
    assert venue.raw("GET", f"{ROOT}accounts", signed=wrong).status == 401


def test_keys_of_both_kinds(venue: Venue) -> None:
    """[2] P-256 in PEM, also with its line ends escaped, under a name that is a bare UUID."""
    venue.command("account", name="elliptic", key=ELLIPTIC, secret=PEM.replace("\n", "\\n"))
    mine = token(venue.now_ns, f"GET api.coinbase.com{ROOT}accounts", ELLIPTIC)
    theirs = venue.ask("accounts", signed=mine)["accounts"]
    assert theirs[0]["uuid"] != venue.ask("accounts")["accounts"][0]["uuid"]
    forged = jwt.encode(
        {"nbf": 0, "exp": 2**40, "uri": f"GET api.coinbase.com{ROOT}accounts"},
        "a" * 64,
        "HS256",
        headers={"kid": ELLIPTIC},
    )
    assert venue.raw("GET", f"{ROOT}accounts", signed=forged).status == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"uri": f"GET API.Coinbase.com{ROOT}accounts"},
        {"uri": f"GET http://127.0.0.1:8080{ROOT}accounts"},
        {"uri": f"GET https://api.coinbase.com{ROOT}accounts"},
        {"uri": f"GET localhost:9{ROOT}accounts"},
        {"uri": None, "uris": ["x", f"GET api.coinbase.com{ROOT}accounts"]},
        {"iss": "coinbase-cloud", "aud": ["retail_rest_api_proxy"], "iat": T0 // S},
        {"aud": ["cdp_service"], "sub": None, "iss": None},
    ],
)  # fmt: skip
def test_tokens_that_are_taken(venue: Venue, changed: dict[str, Any]) -> None:
    """[3, 4] a scheme, another port, a list; issuers and audiences are nobody's business; twice."""
    given = {"uri": f"GET api.coinbase.com{ROOT}accounts", **changed}
    shown = token(venue.now_ns, **given)
    for _ in range(2):
        venue.ask("accounts?limit=3", signed=shown)


@pytest.mark.parametrize(
    "changed",
    [
        {"uri": None},
        {"uri": f"POST api.coinbase.com{ROOT}accounts"},
        {"uri": f"GET api.coinbase.com{ROOT}accounts?limit=3"},
        {"uri": f"GET evil.example{ROOT}accounts"},
        {"uri": [f"GET api.coinbase.com{ROOT}accounts"]},
        {"uris": []},
        {"uris": [7, None]},
        {"exp": T0 // S - 6},
        {"nbf": T0 // S + 7},
        {"exp": None},
        {"nbf": "soon"},
        {"exp": True},
        {"key": NAME.replace("a", "b")},
    ],
)
def test_tokens_that_are_not(venue: Venue, changed: dict[str, Any]) -> None:
    """[5] whatever is wrong with them: plain text that says nothing."""
    given = {"uri": f"GET api.coinbase.com{ROOT}accounts", **changed}
    answer = venue.raw("GET", f"{ROOT}accounts?limit=3", signed=token(venue.now_ns, **given))
    assert (answer.status, answer.body) == (401, b"Unauthorized\n")
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_a_token_ends_by_the_exchanges_clock(venue: Venue) -> None:
    """[2] two minutes and a leeway of five seconds; the clock may be set."""
    shown = token(venue.now_ns, f"GET api.coinbase.com{ROOT}accounts")
    venue.now_ns += 120 * S
    venue.ask("accounts", signed=shown)
    venue.now_ns += 6 * S
    assert venue.raw("GET", f"{ROOT}accounts", signed=shown).status == 401
    venue.command("skew", seconds=-60)
    assert venue.raw("GET", f"{ROOT}accounts").status == 401
    assert int(venue.ask("time")["epochSeconds"]) == venue.now_ns // S - 60


@pytest.mark.parametrize("shown", ["", "x", "a.b.c", "..", "ü" * 9, "e30.e30.", "A" * 5000])
def test_garbage_for_a_token(steady: Venue, shown: str) -> None:
    """[5] and none at all."""
    assert steady.raw("GET", f"{ROOT}accounts", signed=shown).status == 401
    client = steady.connect()
    (error,) = client.say({"type": "subscribe", "channel": "user", "jwt": shown})
    assert error == {"type": "error", "message": "authentication failure"}


def test_missing_scopes(venue: Venue) -> None:
    """[6] compact, in the words that the official SDK searches for; looking is allowed."""
    venue.command("account", name="elliptic", key=ELLIPTIC, secret=PEM, trade=False)
    shown = token(venue.now_ns, f"POST api.coinbase.com{ROOT}orders", ELLIPTIC)
    body = json.dumps(venue.wish()).encode()
    answer = venue.raw("POST", f"{ROOT}orders", body, signed=shown)
    assert answer.status == 403
    assert b'"error_details":"Missing required scopes"' in answer.body
    shown = token(venue.now_ns, f"GET api.coinbase.com{ROOT}key_permissions", ELLIPTIC)
    assert venue.ask("key_permissions", signed=shown)["can_trade"] is False


# Public REST


def test_twins(venue: Venue) -> None:
    """[9] public under ``market``, signed without; ``best_bid_ask`` is signed only."""
    for path in (
        "products",
        f"products/{BTC}",
        f"product_book?product_id={BTC}",
        f"products/{BTC}/ticker?limit=5",
    ):
        venue.ask(f"market/{path}", signed=False)
        venue.ask(path)
        assert venue.raw("GET", ROOT + path, signed=False).status == 401
        venue.now_ns += S
    assert venue.raw("GET", f"{ROOT}market/best_bid_ask", signed=False).status == 404
    (one,) = venue.ask(f"best_bid_ask?product_ids={BTC}")["pricebooks"]
    assert len(one["bids"]) == len(one["asks"]) == 1
    assert len(venue.ask("best_bid_ask")["pricebooks"]) == len(venue.exchange.products.by_name)
    assert venue.raw("GET", f"{ROOT}no/such", signed=False).status == 404


def test_texts_and_times(venue: Venue) -> None:
    """[7, 8] decimals are texts, unknown ones are empty; repeated keys; flags as Python writes
    them."""
    target = f"market/products?product_ids={BTC}&product_ids=ETH-USD&get_all_products=False"
    answer = venue.ask(target, signed=False)
    assert [one["product_id"] for one in answer["products"]] == [BTC, "ETH-USD"]
    assert (answer["num_products"], answer["pagination"]) == (2, None)
    row = answer["products"][0]
    assert all(type(row[name]) is str for name in ("price", "base_increment", "volume_24h"))
    assert (row["mid_market_price"], row["fcm_trading_session_details"]) == ("", None)
    assert (row["alias"], row["alias_to"]) == ("", ["BTC-USDC"])
    alias = venue.ask("market/products/BTC-USDC", signed=False)
    assert (alias["alias"], alias["alias_to"], alias["view_only"]) == (BTC, [], True)


def test_products_by_pages(venue: Venue) -> None:
    """By volume; the cursor is the last id of the page before."""
    whole = [one["product_id"] for one in venue.ask("market/products", signed=False)["products"]]
    found: list[str] = []
    cursor = ""
    while True:
        page = venue.ask(f"market/products?limit=2&cursor={cursor}", signed=False)
        found += [one["product_id"] for one in page["products"]]
        paging = page["pagination"]
        assert paging["has_prev"] is bool(cursor)
        if not paging["has_next"]:
            break
        cursor = paging["next_cursor"]
        assert base64.urlsafe_b64decode(cursor).decode() == found[-1]
        venue.now_ns += S
    assert found == whole and len(whole) > 4
    offset = venue.ask("market/products?limit=2&offset=1", signed=False)["products"]
    assert [one["product_id"] for one in offset] == whole[1:3]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("market/products/NO-SUCH", 404, "NOT_FOUND"),
        ("market/product_book", 404, "NOT_FOUND"),
        ("market/products?product_type=OPTIONS", 400, "unknown"),
        ("market/products?get_all_products=perhaps", 400, "unknown"),
        (f"market/products/{BTC}/candles?granularity=ONE_HOUR", 400, "INVALID_ARGUMENT"),
        (f"market/products/{BTC}/candles?start=1&end=2&granularity=X", 400, "unknown"),
        (f"market/products/{BTC}/ticker?limit=-1", 400, "unknown"),
        (f"market/product_book?product_id={BTC}&limit=x", 400, "unknown"),
        ("market/products?limit=2&cursor=%F0%9F", 400, "INVALID_ARGUMENT"),
    ],
)
def test_refusals_of_parameters(steady: Venue, path: str, status: int, code: str) -> None:
    """[10] without an envelope, the message twice."""
    answer = steady.ask(path, status=status, signed=False)
    assert answer["error"] == code and answer["error_details"] == answer["message"]


def test_candles(venue: Venue) -> None:
    """[11] at most 350 buckets, both ends included, newest first, gaps left out."""
    last_s = T0 // S // 60 * 60
    target = f"market/products/{BTC}/candles?granularity=ONE_MINUTE&start={{}}&end={last_s}"
    rows = venue.ask(target.format(last_s - 349 * 60), signed=False)["candles"]
    starts = [int(row["start"]) for row in rows]
    assert starts == sorted(starts, reverse=True) and 300 < len(rows) <= 350
    assert starts[0] == last_s and starts[-1] >= last_s - 349 * 60
    assert all(Decimal(row["volume"]) > 0 for row in rows)
    venue.ask(target.format(last_s - 350 * 60), status=400, signed=False)
    assert len(venue.ask(target.format(last_s - 120), signed=False)["candles"]) == 3


def test_ticker(venue: Venue) -> None:
    """[12] trades with the maker's side, newest first, and the best prices."""
    answer = venue.ask(f"market/products/{BTC}/ticker?limit=5", signed=False)
    true = {str(one.trade_id): {"buy": "SELL", "sell": "BUY"}[one.taker]
            for one in venue.market.trades(5)}  # fmt: skip
    assert {row["trade_id"]: row["side"] for row in answer["trades"]} == true
    times = [row["time"] for row in answer["trades"]]
    assert times == sorted(times, reverse=True)
    assert Decimal(answer["best_bid"]) < Decimal(answer["best_ask"])


def test_books_by_rest(venue: Venue) -> None:
    """Best first, put together on request: bids down, asks up."""
    book = venue.ask(f"market/product_book?product_id={BTC}&limit=3", signed=False)["pricebook"]
    assert len(book["bids"]) == len(book["asks"]) == 3
    target = f"market/product_book?product_id={BTC}&aggregation_price_increment="
    one = venue.ask(target + "0.01", signed=False)["pricebook"]
    ten = venue.ask(target + "10", signed=False)["pricebook"]
    assert all(Decimal(level["price"]) % 10 == 0 for level in ten["bids"] + ten["asks"])
    for side in ("bids", "asks"):
        assert len(ten[side]) < len(one[side])
    assert Decimal(ten["bids"][0]["price"]) <= Decimal(one["bids"][0]["price"])
    assert Decimal(ten["asks"][0]["price"]) >= Decimal(one["asks"][0]["price"])
    venue.ask(target + "3", status=400, signed=False)


def test_what_ccxt_asks_besides(venue: Venue) -> None:
    """[13] a little of the older API; balances there are totals."""

    def old(path: str, signed: bool = False) -> Any:
        return json.loads(venue.raw("GET", f"/v2/{path}", signed=signed).body)["data"]

    assert old("time")["epoch"] == venue.now_ns // S
    assert [one["id"] for one in old("currencies")] == ["USD"]
    assert {one["code"] for one in old("currencies/crypto")} >= {"BTC", "USDT"}
    assert Decimal(old("exchange-rates")["rates"]["BTC"]) < 1
    venue.place()
    free, held = venue.balance("USD")
    assert held > 0
    (usd,) = (one for one in old("accounts?limit=250", True) if one["currency"]["code"] == "USD")
    assert Decimal(usd["balance"]["amount"]) == free + held


def test_what_a_spot_account_does_not_have_is_empty(venue: Venue) -> None:
    """Payment methods, futures; and the fee tier has all its members."""
    assert venue.ask("payment_methods") == {"payment_methods": []}
    assert venue.ask("cfm/positions") == {"positions": []}
    told = venue.ask("transaction_summary")
    assert told["volume_breakdown"] == [] and told["has_cost_plus_commission"] is False


# Orders


@pytest.mark.parametrize(
    "broken",
    [
        {"client_order_id": ""},
        {"client_order_id": None},
        {"client_order_id": "x" * 129},
        {"client_order_id": "a\nb"},
        {"client_order_id": 7},
        {"client_order_id": 7.5},
        {"product_id": None},
        {"side": "buy"},
        {"side": []},
        {"base_size": 0.01},
        {"base_size": 1},
        {"base_size": "1e-2"},
        {"base_size": "-1"},
        {"base_size": ["1"]},
        {"base_size": "9" * 40},
        {"post_only": "true"},
        {"post_only": 1},
    ],
)
def test_bodies_that_are_no_orders(steady: Venue, broken: dict[str, Any]) -> None:
    """[14] are 400, and nothing is placed."""
    answer = steady.ask("orders", steady.wish(**broken), status=400)
    assert answer["error"] == "INVALID_ARGUMENT"
    assert steady.ask("orders/historical/batch")["orders"] == []


@pytest.mark.parametrize("found", [None, {}, [], "x", {"limit_limit_gtc": 7},
                                   {"limit_limit_gtc": {}, "sor_limit_ioc": {}}])  # fmt: skip
def test_exactly_one_configuration(steady: Venue, found: Any) -> None:
    """[14]"""
    steady.ask("orders", {**steady.wish(), "order_configuration": found}, status=400)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"7", b"[]", b"[" * 99, b"\xff", b'{"a":"\\ud800"}', b"9" * 999]
)
def test_bodies_that_are_none(steady: Venue, body: bytes) -> None:
    """400, in the form of all errors."""
    for path in ("orders", "orders/preview", "orders/batch_cancel", "orders/edit"):
        answer = steady.raw("POST", ROOT + path, body)
        assert answer.status == 400 and json.loads(answer.body)["message"]


def test_a_repeated_order_is_answered_again(venue: Venue) -> None:
    """[15] the same body: the same answer, also when the order is over; another body: refused."""
    wish = venue.wish()
    first = venue.ask("orders", wish)
    assert venue.ask("orders", wish) == first
    assert len(venue.ask("orders/historical/batch")["orders"]) == 1
    venue.ask("orders/batch_cancel", {"order_ids": [first["success_response"]["order_id"]]})
    assert venue.ask("orders", wish) == first
    other = venue.wish(client_order_id=wish["client_order_id"], base_size="0.02")
    answer = venue.ask("orders", other)
    assert answer["error_response"]["error"] == "DUPLICATE_CLIENT_ORDER_ID"


def test_answers_of_orders(venue: Venue) -> None:
    """[16, 17] either success or an error, never both; the configuration comes back."""
    wish = venue.wish(post_only=False)
    good = venue.ask("orders", wish)
    assert good["success"] is True and "error_response" not in good
    assert good["order_configuration"] == wish["order_configuration"]
    wish = venue.wish(base_size="5000")
    bad = venue.ask("orders", wish)
    assert bad["success"] is False and "success_response" not in bad
    assert bad["order_configuration"] == wish["order_configuration"]


@pytest.mark.parametrize(
    ("kind", "changed", "error", "preview"),
    [
        ("limit_limit_gtc", {"base_size": "8999"}, "INSUFFICIENT_FUND", ""),
        ("limit_limit_gtc", {"product_id": "NO-SUCH"}, "INVALID_PRODUCT_ID", ""),
        ("limit_limit_gtc", {"product_id": "BTC-USDC"}, "UNTRADABLE_PRODUCT", ""),
        ("limit_limit_gtc", {"base_size": "0.0000001"}, "INVALID_SIZE_PRECISION", ""),
        ("limit_limit_gtc", {"limit_price": "50000.001"}, "INVALID_PRICE_PRECISION", ""),
        ("limit_limit_gtc", {"base_size": "0.000001"}, "INVALID_REQUEST", "BASE_SIZE_TOO_SMALL"),
        ("limit_limit_gtc", {"base_size": "9001"}, "INVALID_REQUEST", "BASE_SIZE_TOO_LARGE"),
        ("limit_limit_gtc", {"base_size": None}, "INVALID_REQUEST", "ORDER_CONFIG"),
        ("market_market_ioc", {"quote_size": "1"}, "INVALID_REQUEST", "QUOTE_SIZE_TOO_SMALL"),
        ("market_market_ioc", {"quote_size": "150000001"}, "INVALID_REQUEST",
         "QUOTE_SIZE_TOO_LARGE"),
        ("market_market_ioc", {"quote_size": "50.001"}, "INVALID_SIZE_PRECISION",
         "QUOTE_SIZE_PRECISION"),
        ("market_market_ioc", {"base_size": "0.1"}, "INVALID_REQUEST", "ORDER_CONFIG"),
        ("market_market_fok", {}, "FOK_ONLY_ALLOWED_ON_LIMIT_ORDERS", ""),
        ("twap_limit_gtd", {}, "UNSUPPORTED_ORDER_CONFIGURATION", "ORDER_CONFIG"),
        ("no_such", {}, "UNSUPPORTED_ORDER_CONFIGURATION", "ORDER_CONFIG"),
        ("limit_limit_gtd", {"end_time": "2020-01-01T00:00:00Z"}, "INVALID_REQUEST",
         "ORDER_CONFIG"),
    ],
)  # fmt: skip
def test_reasons(
    steady: Venue, kind: str, changed: dict[str, Any], error: str, preview: str
) -> None:
    """[16, 19] both reasons of each refusal; nothing is rounded."""
    second = f"PREVIEW_INVALID_{preview}" if preview else f"PREVIEW_{error}"
    assert steady.refused(kind, **changed) == (error, second)
    assert steady.ask("orders/historical/batch")["orders"] == []


def test_post_only(venue: Venue) -> None:
    """[19] one that would cross is refused, one that rests does."""
    crossing = venue.price("1.01")
    reason = "INVALID_LIMIT_PRICE_POST_ONLY"
    assert venue.refused(post_only=True, limit_price=crossing) == (reason, f"PREVIEW_{reason}")
    assert venue.order(venue.place(post_only=True))["status"] == "OPEN"


def test_a_buy_by_quote_pays_its_fee_out_of_it(venue: Venue) -> None:
    """[18, 20] value and fees never exceed the size; the fee is the taker's rate, in quote."""
    before, _ = venue.balance("USD")
    row = venue.order(venue.place("market_market_ioc", quote_size="1000"))
    value, fees = Decimal(row["filled_value"]), Decimal(row["total_fees"])
    assert Decimal(990) < value + fees <= 1000
    assert (row["size_in_quote"], row["size_inclusive_of_fees"]) == (True, True)
    assert abs(fees - value * Decimal("0.012")) < Decimal("1e-6")
    assert Decimal(row["total_value_after_fees"]) == value + fees
    after, held = venue.balance("USD")
    assert before - after == value + fees and held == 0


def test_fees_come_out_of_a_sell(venue: Venue) -> None:
    """[20] in the quote currency too; a resting sell holds the coin alone."""
    usd, _ = venue.balance("USD")
    sold = {"quote_size": None, "base_size": "0.01", "side": "SELL"}
    row = venue.order(venue.place("market_market_ioc", **sold))
    value, fees = Decimal(row["filled_value"]), Decimal(row["total_fees"])
    assert Decimal(row["total_value_after_fees"]) == value - fees
    assert venue.balance("USD")[0] - usd == value - fees
    assert (row["size_in_quote"], row["size_inclusive_of_fees"]) == (False, False)
    rests = venue.place(side="SELL", limit_price=venue.price("1.02"))
    assert venue.balance("BTC")[1] == Decimal("0.01")
    assert venue.order(rests)["outstanding_hold_amount"] == "0.01"


def own_price(venue: Venue) -> str:
    """A price at which nobody else buys, best of all: asks in the way are bought first."""
    while (best := venue.market.best())[0] + 1 >= best[2]:
        size, price = best[3], venue.market.spec.to_price(best[2])
        sizes = {"base_size": str(venue.market.spec.to_quantity(size)), "limit_price": str(price)}
        venue.place("limit_limit_fok", **sizes)
    return str(venue.market.spec.to_price(best[0] + 1))


def take(venue: Venue, size: str, price: str) -> None:
    """Another account sells into what rests."""
    venue.command("account", name="other", key=ELLIPTIC, secret=PEM)
    shown = token(venue.now_ns, f"POST api.coinbase.com{ROOT}orders", ELLIPTIC)
    body = venue.wish("sor_limit_ioc", side="SELL", base_size=size, limit_price=price)
    assert venue.ask("orders", body, signed=shown)["success"]


def test_the_life_of_an_order(venue: Venue) -> None:
    """[20-22, 27, 37] placed, filled in part as maker, cancelled: both surfaces and the balances.
    There is no state for what is filled in part."""
    price = own_price(venue)
    client = venue.connect("/ws-user")
    client.subscribe("user")
    usd, _ = venue.balance("USD")
    number = venue.place(limit_price=price, base_size="0.001")
    rate = Decimal("1.012")  # what a hold reckons with: the order may become a taker
    held = Decimal(price) * Decimal("0.001") * rate
    assert venue.balance("USD") == (usd - held, held)
    assert Decimal(venue.order(number)["outstanding_hold_amount"]) == held
    take(venue, "0.0004", price)
    row = venue.order(number)
    value, fee = Decimal(price) * Decimal("0.0004"), Decimal(price) * Decimal("0.0000024")
    assert (row["status"], row["filled_size"], row["number_of_fills"]) == ("OPEN", "0.0004", "1")
    assert (row["completion_percentage"], row["settled"]) == ("40", False)
    assert Decimal(row["filled_value"]) == value and Decimal(row["total_fees"]) == fee
    assert Decimal(row["average_filled_price"]) == Decimal(price)
    (fill,) = venue.ask(f"orders/historical/fills?order_ids={number}")["fills"]
    assert (fill["liquidity_indicator"], fill["size"], fill["side"]) == ("MAKER", "0.0004", "BUY")
    assert Decimal(fill["commission"]) == fee and fill["order_id"] == number
    (result,) = venue.ask("orders/batch_cancel", {"order_ids": [number]})["results"]
    assert result == {
        "success": True,
        "failure_reason": "UNKNOWN_CANCEL_FAILURE_REASON",
        "order_id": number,
    }
    row = venue.order(number)
    assert (row["status"], row["settled"], row["filled_size"]) == ("CANCELLED", True, "0.0004")
    assert Decimal(row["total_value_after_fees"]) == value + fee
    assert venue.balance("USD") == (usd - value - fee, 0)
    told = client.orders(number)
    assert [one["status"] for one in told] == ["OPEN", "OPEN", "CANCEL_QUEUED", "CANCELLED"]
    assert [one["cumulative_quantity"] for one in told] == ["0", *["0.0004"] * 3]
    assert [one["leaves_quantity"] for one in told] == ["0.001", *["0.0006"] * 3]
    assert [one["number_of_fills"] for one in told] == ["0", "1", "1", "1"]
    assert told[-1]["outstanding_hold_amount"] == "0" and told[-1]["completion_percentage"] == "40"
    assert told[-1]["cancel_reason"] == "User requested cancel" and not told[-2]["cancel_reason"]


def test_orders_that_never_rest(venue: Venue) -> None:
    """[24] what is left of an IOC is cancelled, a FOK is filled whole or not at all; neither is
    ever open."""
    client = venue.connect()
    client.subscribe("user")
    best = venue.market.best()
    asked = str(venue.market.spec.to_price(best[2]))
    more = str(venue.market.spec.to_quantity(best[3]) + 1)
    part = venue.place("sor_limit_ioc", base_size=more, limit_price=asked)
    row = venue.order(part)
    assert (row["status"], row["time_in_force"]) == ("CANCELLED", "IMMEDIATE_OR_CANCEL")
    assert 0 < Decimal(row["filled_size"]) < Decimal(more) and row["cancel_message"] == ""
    none = venue.place("limit_limit_fok", base_size="0.01", limit_price=venue.price("0.99"))
    row = venue.order(none)
    assert (row["status"], row["filled_size"], row["number_of_fills"]) == ("CANCELLED", "0", "0")
    whole = venue.place("limit_limit_fok", base_size="0.001", limit_price=venue.price("1.01"))
    assert venue.order(whole)["status"] == "FILLED"
    market = venue.place("market_market_ioc")
    for number, end in ((part, "CANCELLED"), (none, "CANCELLED"), (whole, "FILLED"),
                        (market, "FILLED")):  # fmt: skip
        told = client.orders(number)
        assert (told[0]["status"], told[-1]["status"]) == ("PENDING", end)
        assert not [
            one for one in told if one["status"] == "OPEN" and one["cumulative_quantity"] == "0"
        ]


def test_gtd_orders_expire(venue: Venue) -> None:
    """[24] at their time, without having been cancelled; until then the time is told."""
    client = venue.connect()
    client.subscribe("user")
    end = "2100-01-01T00:00:00Z"
    kept = venue.order(venue.place("limit_limit_gtd", end_time=end))
    assert (kept["status"], kept["time_in_force"]) == ("OPEN", "GOOD_UNTIL_DATE_TIME")
    soon = datetime.fromtimestamp(venue.now_ns // S + 10, UTC).isoformat()
    number = venue.place("limit_limit_gtd", end_time=soon)
    venue.pass_time(8 * S)
    assert venue.order(number)["status"] == "OPEN"
    venue.pass_time(4 * S)
    row = venue.order(number)
    assert (row["status"], row["settled"], row["cancel_message"]) == ("EXPIRED", True, "")
    told = client.orders(number)
    assert [one["status"] for one in told] == ["OPEN", "EXPIRED"]
    assert told[0]["end_time"].startswith(soon[:19]) and told[0]["start_time"].startswith("0001-")
    assert venue.order(kept["order_id"])["status"] == "OPEN"


def test_what_was_filled_does_not_expire(venue: Venue) -> None:
    """A GTD order that is over before its time stays what it became."""
    soon = datetime.fromtimestamp(venue.now_ns // S + 5, UTC).isoformat()
    price = own_price(venue)
    wish = venue.wish("limit_limit_gtd", end_time=soon, limit_price=price, base_size="0.001")
    number = venue.ask("orders", wish)["success_response"]["order_id"]
    venue.command("account", name="other", key=ELLIPTIC, secret=PEM)
    body = venue.wish("sor_limit_ioc", side="SELL", base_size="0.001", limit_price=price)
    shown = token(venue.now_ns, f"POST api.coinbase.com{ROOT}orders", ELLIPTIC)
    venue.raw("POST", f"{ROOT}orders", json.dumps(body).encode(), signed=shown)
    venue.now_ns += 6 * S  # nobody has been told yet
    assert venue.order(number)["status"] == "FILLED"


@pytest.mark.parametrize("end", ["", "tomorrow", 7, None, "2100-01-01", "9999-01-01T00:00:00Z"])
def test_ends_that_are_none(steady: Venue, end: Any) -> None:
    """A time without a zone is none either."""
    steady.ask("orders", steady.wish("limit_limit_gtd", end_time=end), status=400)


def test_cancels(venue: Venue) -> None:
    """[22] up to a hundred ids, each its own result in the order of the request."""
    open_one, filled = venue.place(), venue.place("market_market_ioc")
    ids = [open_one, "no-such", filled, open_one]
    results = venue.ask("orders/batch_cancel", {"order_ids": ids})["results"]
    assert [one["order_id"] for one in results] == ids
    assert [(one["success"], one["failure_reason"]) for one in results] == [
        (True, "UNKNOWN_CANCEL_FAILURE_REASON"),
        (False, "UNKNOWN_CANCEL_ORDER"),
        (False, "ORDER_IS_FULLY_FILLED"),
        (False, "DUPLICATE_CANCEL_REQUEST"),
    ]
    assert len(venue.ask("orders/batch_cancel", {"order_ids": ["x"] * 100})["results"]) == 100
    for ids_ in (["x"] * 101, [], None, "x", [7]):
        answer = venue.ask("orders/batch_cancel", {"order_ids": ids_}, status=400)
        assert answer["error"] == "INVALID_ARGUMENT"


def test_orders_of_others(venue: Venue) -> None:
    """Are neither shown nor cancelled nor edited."""
    number = venue.place()
    venue.command("account", name="other", key=ELLIPTIC, secret=PEM)

    def other(verb: str, path: str) -> str:
        return token(venue.now_ns, f"{verb} api.coinbase.com{ROOT}{path}", ELLIPTIC)

    path = f"orders/historical/{number}"
    assert venue.ask(path, status=404, signed=other("GET", path))["message"]
    path = "orders/batch_cancel"
    (row,) = venue.ask(path, {"order_ids": [number]}, signed=other("POST", path))["results"]
    assert row["failure_reason"] == "UNKNOWN_CANCEL_ORDER"
    body = {"order_id": number, "price": "50000", "size": "1"}
    answer = venue.ask("orders/edit", body, signed=other("POST", "orders/edit"))
    assert answer["errors"][0]["edit_failure_reason"] == "ORDER_NOT_FOUND"


def test_edits(venue: Venue) -> None:
    """[23] price and size of a resting limit GTC order; it keeps its id, and the history grows."""
    client = venue.connect()
    client.subscribe("user")
    number, first, second = venue.place(), venue.price("0.98"), venue.price("0.97")
    for at, (price, size) in enumerate(((first, "0.02"), (second, "0.02"), (second, "0.005")), 1):
        body = {"order_id": number, "price": price, "size": size}
        assert venue.ask("orders/edit_preview", body)["errors"] == []
        assert venue.ask("orders/edit", body) == {
            "success": True,
            "errors": [],
            "success_response": {"order_id": body["order_id"]},
        }
        row = venue.order(number)
        assert row["order_configuration"]["limit_limit_gtc"] == {
            "base_size": size, "limit_price": price
        }  # fmt: skip
        assert len(row["edit_history"]) == at and row["edit_history"][-1]["price"] == price
        assert (row["order_id"], row["status"], row["workable_size"]) == (number, "OPEN", size)
    told = client.orders(number)
    assert [one["status"] for one in told] == ["OPEN", *["EDIT_QUEUED", "OPEN"] * 3]
    assert told[-1]["leaves_quantity"] == "0.005" and told[-1]["limit_price"] == second


def test_edits_that_are_refused(venue: Venue) -> None:
    """[23] each with its reason, and the order stays as it was."""
    number, price = venue.place(post_only=True), venue.price("0.98")

    def reason(**changed: Any) -> str:
        body = {"order_id": number, "price": price, "size": "0.02", **changed}
        answer = venue.ask("orders/edit", body)
        assert answer["success"] is False
        return str(answer["errors"][0]["edit_failure_reason"])

    assert reason(order_id="x") == "ORDER_NOT_FOUND"
    assert reason(order_id=None) == "ORDER_NOT_FOUND"
    assert reason(price=None) == "INVALID_EDITED_PRICE"
    assert reason(price="1.001") == "INVALID_EDITED_PRICE"
    assert reason(size=None) == "INVALID_EDITED_SIZE"
    assert reason(size="0.0000001") == "INVALID_EDITED_SIZE"
    assert reason(size="0.000001") == "INVALID_EDITED_SIZE"
    assert reason(size="8000") == "UNKNOWN_EDIT_ORDER_FAILURE_REASON"
    assert reason(price=venue.price("1.01")) == "UNKNOWN_EDIT_ORDER_FAILURE_REASON"
    same = venue.order(number)["order_configuration"]["limit_limit_gtc"]
    equal = {"price": same["limit_price"], "size": same["base_size"]}
    assert reason(**equal) == "EDIT_REQUEST_EQUAL_TO_ORIGINAL_REQUEST"
    assert venue.order(number)["edit_history"] == []
    ioc = venue.place("market_market_ioc")
    assert reason(order_id=ioc) == "ONLY_OPEN_ORDERS_CAN_BE_EDITED"
    gtd = venue.place("limit_limit_gtd", end_time="2100-01-01T00:00:00Z")
    assert reason(order_id=gtd) == "ONLY_LIMIT_ORDER_EDITS_SUPPORTED"
    venue.ask("orders/edit", {"order_id": number, "price": "x", "size": "1"}, status=400)


def test_an_edit_below_what_is_filled(venue: Venue) -> None:
    """[23] is refused."""
    price = own_price(venue)
    number = venue.place(limit_price=price, base_size="0.001")
    take(venue, "0.0004", price)
    for size in ("0.0003", "0.0004"):
        answer = venue.ask("orders/edit", {"order_id": number, "price": price, "size": size})
        reason = answer["errors"][0]["edit_failure_reason"]
        assert reason == "CANNOT_EDIT_TO_BELOW_FILLED_SIZE"


def test_previews(venue: Venue) -> None:
    """What an order would be, without one; reasons are preview codes."""
    for share in ("0.99", "1.01"):
        wish = venue.wish(limit_price=venue.price(share))
        del wish["client_order_id"]
        answer = venue.ask("orders/preview", wish)
        assert answer["errs"] == [] and Decimal(answer["order_total"]) > 0
    for changed, reason in (
        ({"base_size": "8000"}, "PREVIEW_INSUFFICIENT_FUND"),
        ({"base_size": "0.0000001"}, "PREVIEW_INVALID_SIZE_PRECISION"),
        ({"post_only": True, "limit_price": venue.price("1.01")},
         "PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY"),
    ):  # fmt: skip
        assert venue.ask("orders/preview", venue.wish(**changed))["errs"] == [reason]
    assert venue.ask("orders/historical/batch")["orders"] == []


# Lists


def test_orders_by_filters(venue: Venue) -> None:
    """[25] each of them; the newest first."""
    eth = venue.place(product_id="ETH-USD", limit_price="100.5", base_size="0.1")
    venue.now_ns += S + 123_777  # times are told in whole microseconds
    done = venue.place("market_market_ioc")
    venue.now_ns += S
    sell = venue.place(side="SELL", limit_price=venue.price("1.02"))
    every = [sell, done, eth]

    def found(query: str) -> list[str]:
        return [one["order_id"] for one in venue.ask(f"orders/historical/batch?{query}")["orders"]]

    assert found("") == every
    assert found("order_status=OPEN") == [sell, eth]
    assert found("order_status=OPEN&order_status=FILLED") == every
    assert found("product_ids=ETH-USD") == found("product_id=ETH-USD") == [eth]
    assert found("product_ids=ETH-USD&product_ids=BTC-USD") == every
    assert found(f"order_ids={done}&order_ids={eth}") == [done, eth]
    assert found("order_side=SELL") == [sell]
    assert found("order_types=MARKET") == [done]
    assert found("time_in_forces=IMMEDIATE_OR_CANCEL") == [done]
    assert found("asset_filters=ETH") == [eth]
    assert found("product_type=FUTURE") == []
    assert found("order_placement_source=RETAIL_ADVANCED&product_type=SPOT") == every
    middle = venue.order(done)["created_time"]
    assert found(f"end_date={middle}") == [done, eth]
    assert found(f"start_date={middle}") == [sell, done]
    for wrong in ("order_status=HALF", "order_side=UP", "start_date=noon", "limit=many"):
        venue.ask(f"orders/historical/batch?{wrong}", status=400)


def test_orders_by_pages(venue: Venue) -> None:
    """[25] an opaque cursor; the last page has none."""
    placed = [venue.place() for _ in range(5)][::-1]
    seen: list[str] = []
    cursor, pages = "", 0
    while True:
        answer = venue.ask(f"orders/historical/batch?limit=2&cursor={cursor}")
        seen += [one["order_id"] for one in answer["orders"]]
        pages, cursor = pages + 1, answer["cursor"]
        assert answer["has_next"] is bool(cursor)
        if not cursor:
            break
        venue.place()  # what is placed meanwhile moves nothing
    assert seen == placed and pages == 3
    venue.ask("orders/historical/batch?cursor=%00", status=400)


def test_fills(venue: Venue) -> None:
    """[26] a row for each match, newest first, by pages that end with an empty cursor."""
    venue.now_ns += 123_777  # times are told in whole microseconds
    numbers = [venue.place("market_market_ioc", quote_size="200000") for _ in range(2)]
    rows = venue.ask("orders/historical/fills?limit=1000")["fills"]
    assert len(rows) > 2 and len({row["entry_id"] for row in rows}) == len(rows)
    assert {row["liquidity_indicator"] for row in rows} == {"TAKER"}
    assert {row["fillSource"] for row in rows} == {"FILL_SOURCE_CLOB"}
    assert [row["trade_time"] for row in rows] == sorted(
        (row["trade_time"] for row in rows), reverse=True
    )
    for number in numbers:
        own = venue.ask(f"orders/historical/fills?order_ids={number}")["fills"]
        row = venue.order(number)
        assert len(own) == int(row["number_of_fills"])
        assert sum(Decimal(one["commission"]) for one in own) == Decimal(row["total_fees"])
        assert sum(Decimal(one["size"]) for one in own) == Decimal(row["filled_size"])
    seen: list[Any] = []
    cursor = ""
    while True:
        answer = venue.ask(f"orders/historical/fills?limit=2&cursor={cursor}")
        seen += answer["fills"]
        cursor = answer["cursor"]
        if not cursor:
            break
    assert seen == rows
    one = rows[-1]["trade_id"]
    assert [
        r["trade_id"] for r in venue.ask(f"orders/historical/fills?trade_ids={one}")["fills"]
    ] == [one]
    assert venue.ask("orders/historical/fills?product_ids=ETH-USD")["fills"] == []
    last = rows[0]["sequence_timestamp"]
    for bound, found in (
        (f"start_sequence_timestamp={last}", [row for row in rows if row["trade_time"] == last]),
        (f"end_sequence_timestamp={last}", rows),
        ("start_sequence_timestamp=2100-01-01T00:00:00Z", []),
        ("end_sequence_timestamp=2020-01-01T00:00:00Z", []),
    ):
        assert venue.ask(f"orders/historical/fills?limit=1000&{bound}")["fills"] == found


def test_orders_that_were_long_ago(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that the exchange still knows can be shown, however much was placed since."""
    from vocx.lab.accounts import order_store
    from vocx.lab.dialects.coinbase import account_book

    for room in (order_store, account_book):
        monkeypatch.setattr(room, "CLOSED_ORDERS", 3)
    rests, old = venue.place(), venue.place("market_market_ioc")
    for _ in range(4):
        venue.ask("orders/batch_cancel", {"order_ids": [venue.place()]})
    assert venue.order(rests)["status"] == "OPEN"
    assert [one["status"] for one in venue.ask("orders/historical/batch")["orders"]] == [
        "CANCELLED", "CANCELLED", "CANCELLED", "OPEN"
    ]  # fmt: skip
    venue.ask(f"orders/historical/{old}", status=404)
    assert len(venue.exchange.backend.book) == 4


def test_unknown_orders_and_accounts(venue: Venue) -> None:
    """404, whatever the text."""
    for text in ("x", "%00", "%FF", "0" * 36, "3f0a1b2c-4d5e-4f60-8a7b-9c0d1e2f3a4b"):
        answer = venue.ask(f"orders/historical/{text}", status=404)
        assert "was not found" in answer["error_details"]
        venue.ask(f"accounts/{text}", status=404)


def test_accounts_by_pages(venue: Venue) -> None:
    """[27] one for each currency."""
    first = venue.ask("accounts?limit=2")
    assert (first["size"], first["has_next"]) == (2, True)
    rest = venue.ask(f"accounts?cursor={first['cursor']}")
    assert (rest["has_next"], rest["cursor"]) == (False, "")
    rows = first["accounts"] + rest["accounts"]
    assert {row["currency"]: row["type"] for row in rows}["USD"] == "ACCOUNT_TYPE_FIAT"
    one = rows[0]
    assert venue.ask(f"accounts/{one['uuid']}")["account"] == one


# Limits


def test_too_many_calls(venue: Venue) -> None:
    """Ten a second for an address, thirty for a user; headers in lower case say what is left."""
    path = f"{ROOT}time"
    answers = [venue.raw("GET", path, signed=False) for _ in range(11)]
    assert [one.status for one in answers] == [200] * 10 + [429]
    left = [one.headers["x-ratelimit-remaining"] for one in answers]
    assert left == [*map(str, range(9, -1, -1)), "0"]
    assert answers[-1].headers["x-ratelimit-limit"] == "10"
    assert int(answers[-1].headers["x-ratelimit-reset"]) * S > venue.now_ns
    assert json.loads(answers[-1].body) == {
        "errors": [{"id": "rate_limit_exceeded", "message": "Too many requests"}]
    }
    assert venue.raw("GET", path, signed=False, peer="2.2.2.2").status == 200
    venue.now_ns += S
    assert venue.raw("GET", path, signed=False).status == 200


def test_too_many_signed_calls(venue: Venue) -> None:
    """They count for the user, from wherever; a stranger's for the address."""
    statuses = []
    for number in range(31):
        venue.now_ns -= 39 * MS
        peer = f"1.1.1.{number}"
        answer = venue.raw("GET", f"{ROOT}key_permissions", peer=peer)
        statuses.append(answer.status)
    assert statuses == [200] * 30 + [429] and answer.headers["x-ratelimit-limit"] == "30"
    assert venue.raw("GET", f"{ROOT}key_permissions", signed=False).status == 401


def test_a_page_instead_of_json(venue: Venue) -> None:
    """[41] the 429 of the machines in front is HTML, on request."""
    venue.command("fault", name="html", status=429, count=1)
    answer = venue.raw("POST", f"{ROOT}orders", json.dumps(venue.wish()).encode())
    assert answer.status == 429 and answer.body.startswith(b"<html>")
    assert venue.ask("orders/historical/batch")["orders"] == []


# Sockets


def test_a_subscription_within_five_seconds(venue: Venue) -> None:
    """[28] or the connection is dropped, without a close frame; so is one that gave all up."""
    silent, busy = venue.connect(), venue.connect("/ws-user")
    busy.subscribe("heartbeats")
    venue.pass_time(6 * S, [silent, busy])
    assert silent.got == [Close(None)] and not isinstance(busy.got[-1], Close)
    busy.subscribe("heartbeats", wanted="unsubscribe")
    venue.pass_time(6 * S, [busy])
    assert busy.got[-1] == Close(None)


def test_silent_connections_end(venue: Venue) -> None:
    """[39] after 75 s without a frame, unless there are heartbeats."""
    quiet, kept = venue.connect(), venue.connect()
    quiet.subscribe("user")
    kept.subscribe("user")
    kept.subscribe("heartbeats")
    venue.pass_time(60 * S, [quiet, kept])
    assert not isinstance(quiet.got[-1], Close)
    venue.pass_time(20 * S, [quiet, kept])
    assert quiet.got[-1] == Close(None) and not isinstance(kept.got[-1], Close)


@pytest.mark.parametrize(
    "message",
    [b"", b"{", b"7", b"null", b"[" * 99, b"\xff", b'{"type":"shout"}', b'{"type":["subscribe"]}',
     b'{"channel":"ticker"}',
     b'{"type":"subscribe","channel":"ticker","product_ids":"BTC-USD"}',
     b'{"type":"subscribe","channel":"ticker","product_ids":[7]}'],
)  # fmt: skip
def test_garbage(steady: Venue, message: bytes) -> None:
    """[29] an error frame without a number; the connection goes on."""
    client = steady.connect()
    assert client.say(message) == [
        {"type": "error", "message": "subscribe or unsubscribe required"}
    ]
    assert client.subscribe("heartbeats")[0]["sequence_num"] == 0


@pytest.mark.parametrize("channel", ["heartbeat", "l2_data", "", None, 7, ["ticker"], "futures"])
def test_unknown_channels(steady: Venue, channel: Any) -> None:
    """[29] are told in the words of a bad token."""
    said = steady.connect().say({"type": "subscribe", "channel": channel, "product_ids": [BTC]})
    assert said == [{"type": "error", "message": "authentication failure"}]


def test_tokens_on_the_socket(venue: Venue) -> None:
    """[29, 37] needed for ``user``; one that is there must be good; one for REST is good, too."""
    client = venue.connect()
    failed = [{"type": "error", "message": "authentication failure"}]
    assert client.say({"type": "subscribe", "channel": "user"}) == failed
    late = token(venue.now_ns - 126 * S)
    assert client.say({"type": "subscribe", "channel": "user", "jwt": late}) == failed
    public = {"type": "subscribe", "channel": "ticker", "product_ids": [BTC]}
    assert client.say({**public, "jwt": late}) == failed
    assert client.say({**public, "jwt": 7}) == failed
    assert [one["channel"] for one in client.say(public)] == ["ticker", "subscriptions"]


def test_every_frame_is_numbered(venue: Venue) -> None:
    """[30] from 0, over all channels, acknowledgements included, error frames not."""
    client = venue.connect()
    client.subscribe("heartbeats")
    client.say(b"garbage")
    for channel in ("ticker", "market_trades", "level2", "candles", "status", "user"):
        client.subscribe(channel, BTC)
    for _ in range(5):
        venue.step(200)
        venue.pass_time(600 * MS, [client])
    client.subscribe("level2", BTC, wanted="unsubscribe")
    frames = [one for one in client.got if "channel" in one]
    assert len(frames) == len(client.got) - 1 > 20
    assert [one["sequence_num"] for one in frames] == list(range(len(frames)))
    other = venue.connect()
    assert other.subscribe("heartbeats")[0]["sequence_num"] == 0


def test_acknowledgements(venue: Venue) -> None:
    """[31, 32] after the first data (for heartbeats before), all that is subscribed, under the
    names by which one subscribes; nothing in the end."""
    client = venue.connect()

    def state(said: list[Any]) -> Any:
        (event,) = said[-1]["events"]
        return event["subscriptions"]

    assert state(client.subscribe("heartbeats", BTC)) == {"heartbeats": ["heartbeats"]}
    said = client.subscribe("level2", BTC)
    assert [one["channel"] for one in said] == ["l2_data", "subscriptions"]
    assert state(said) == {"heartbeats": ["heartbeats"], "level2": [BTC]}
    assert state(client.subscribe("level2", "ETH-USD"))["level2"] == [BTC, "ETH-USD"]
    (user,) = state(client.subscribe("user"))["user"]
    assert len(user) == 36
    assert "ticker" not in state(client.subscribe("ticker"))
    assert "ticker" not in state(client.subscribe("ticker", "NO-SUCH"))
    assert len(client.subscribe("level2", BTC)) == 1, "a second time brings no second snapshot"
    for channel, products in (("user", ()), ("heartbeats", ()), ("level2", (BTC, "ETH-USD"))):
        said = client.subscribe(channel, *products, wanted="unsubscribe")
    assert state(said) == {} and len(said) == 1


def test_the_book(venue: Venue) -> None:
    """[33] ``l2_data``: the whole book, ``offer`` for asks, then absolute quantities that lead to
    the book as it is."""
    client = venue.connect()
    client.subscribe("level2", BTC)
    book: dict[str, dict[Decimal, Decimal]] = {"bid": {}, "offer": {}}
    for _ in range(8):
        venue.step(40)
        venue.pass_time(60 * MS, [client])
    events = client.events("l2_data")
    assert [one["type"] for one in events] == ["snapshot"] + ["update"] * (len(events) - 1)
    assert len(events) > 4 and len(events[0]["updates"]) > 200
    assert {row["event_time"] for row in events[0]["updates"]} == {"1970-01-01T00:00:00Z"}
    for event in events:
        for row in event["updates"]:
            book[row["side"]][Decimal(row["price_level"])] = Decimal(row["new_quantity"])
    spec, sides = venue.market.spec, venue.market.top(2**31)
    for name, side in zip(("bid", "offer"), sides, strict=True):
        true = {spec.to_price(ticks): spec.to_quantity(lots) for ticks, lots, _ in side}
        assert {price: size for price, size in book[name].items() if size} == true


def test_client_id_is_a_switch(venue: Venue) -> None:
    """[34] an empty one by default, which the SDK's types need; none as production sends."""
    assert venue.connect().subscribe("heartbeats")[0]["client_id"] == ""
    venue.exchange.client_id = False
    assert "client_id" not in venue.connect().subscribe("heartbeats")[0]


def test_trades(venue: Venue) -> None:
    """[35] recent ones, then those of each quarter of a second, newest first, maker's side."""
    client = venue.connect()
    client.subscribe("market_trades", BTC)
    last = venue.market.trades(1)[-1].trade_id
    for _ in range(6):
        venue.step(400)
        venue.pass_time(250 * MS, [client])
    first, *updates = client.events("market_trades")
    assert first["type"] == "snapshot" and int(first["trades"][0]["trade_id"]) == last
    assert len(updates) > 2
    ids = [int(row["trade_id"]) for one in updates for row in reversed(one["trades"])]
    assert ids == list(range(last + 1, last + 1 + len(ids)))
    true = {one.trade_id: one.taker for one in venue.market.trades(1000)}
    for one in updates:
        for row in one["trades"]:
            assert row["side"] == {"buy": "SELL", "sell": "BUY"}[true[int(row["trade_id"])]]


def test_tickers_candles_and_beats(venue: Venue) -> None:
    """[36] their cadences; a batch has no best prices; candles of five minutes; Go's time."""
    client = venue.connect()
    for channel in ("heartbeats", "ticker", "ticker_batch", "candles", "status"):
        client.subscribe(channel, BTC)
    for _ in range(22):
        venue.step(100)
        venue.pass_time(500 * MS, [client])
    beats = client.events("heartbeats")
    counters = [one["heartbeat_counter"] for one in beats]
    assert len(beats) in (10, 11) and counters == list(range(counters[0], counters[0] + len(beats)))
    assert " +0000 UTC m=+" in beats[0]["current_time"]
    (row,) = client.events("ticker")[0]["tickers"]
    assert Decimal(row["best_bid"]) < Decimal(row["best_ask"]) and row["best_bid_quantity"]
    batches = client.events("ticker_batch")
    assert [one["type"] for one in batches] == ["snapshot", "update", "update"]
    assert not [name for name in batches[0]["tickers"][0] if name.startswith("best")]
    first, *rest = client.events("candles")
    starts = [int(one["start"]) for one in first["candles"]]
    assert starts == sorted(starts, reverse=True) and {one % 300 for one in starts} == {0}
    assert 3 < len(rest) < 12 and {one["type"] for one in rest} == {"update"}
    assert client.events("status")[0]["products"][0]["id"] == BTC


def test_open_orders_by_fifties(venue: Venue) -> None:
    """[37] a batch below fifty ends the snapshot; an empty one where there is nothing."""
    sizes = []
    for count in (0, 49, 1, 50):
        for _ in range(count):
            venue.place()
        client = venue.connect()
        client.subscribe("user")
        events = client.events("user")
        assert {one["type"] for one in events} == {"snapshot"}
        sizes.append([len(one["orders"]) for one in events])
    assert sizes == [[0], [49], [50, 0], [50, 50, 0]]
    assert set(events[0]["positions"]) >= {"perpetual_futures_positions"}


def test_orders_of_some_products(venue: Venue) -> None:
    """[37] ``product_ids`` filter; none, or an empty list, means all."""
    bitcoin, ether = venue.connect(), venue.connect()
    bitcoin.subscribe("user", BTC)
    ether.say(
        {"type": "subscribe", "channel": "user", "product_ids": [], "jwt": token(venue.now_ns)}
    )
    number = venue.place(product_id="ETH-USD", limit_price="100.5", base_size="0.1")
    assert len(ether.orders(number)) == 1 and bitcoin.orders(number) == []
    mine = venue.place()
    assert len(ether.orders(mine)) == len(bitcoin.orders(mine)) == 1


def test_names_in_usdc(venue: Venue) -> None:
    """[38] market data come under the USD name, once for both names; the acknowledgement says what
    was asked for."""
    client = venue.connect()
    said = client.subscribe("level2", "BTC-USDC")
    assert said[0]["events"][0]["product_id"] == BTC
    assert said[-1]["events"] == [{"subscriptions": {"level2": ["BTC-USDC"]}}]
    client.subscribe("level2", BTC)
    client.subscribe("market_trades", "BTC-USDC")
    for _ in range(4):
        venue.step(60)
        venue.pass_time(300 * MS, [client])
    assert {one["product_id"] for one in client.events("l2_data")} == {BTC}
    rows = [row for one in client.events("market_trades") for row in one["trades"]]
    assert {row["product_id"] for row in rows} == {BTC}
    assert len({row["trade_id"] for row in rows}) == len(rows)
    client.subscribe("level2", "BTC-USDC", wanted="unsubscribe")
    before = len(client.events("l2_data"))
    venue.step(60)
    venue.pass_time(300 * MS, [client])
    assert len(client.events("l2_data")) > before, "the other name is still subscribed"


def test_too_many_messages_and_connections(venue: Venue) -> None:
    """[40] eight a second for an address: unsigned messages, good or bad, and handshakes."""
    client = venue.connect()
    bad = {"type": "subscribe", "channel": "user", "jwt": "x"}
    for number in range(8):
        client.say(bad if number % 2 else {"type": "subscribe", "channel": "heartbeats"})
    told = [{"type": "error", "message": "rate limit exceeded"}]
    assert client.say({"type": "subscribe", "channel": "heartbeats"}) == told
    assert client.subscribe("heartbeats")[0]["channel"] == "subscriptions", "signed: not counted"
    venue.now_ns += S
    opened = []
    for _ in range(9):
        venue.now_ns += 1
        opened.append(venue.upgrade("/ws"))
    assert [isinstance(one, HttpOut) for one in opened] == [False] * 8 + [True]
    assert opened[-1].status == 429
    assert not isinstance(venue.upgrade("/ws", peer="2.2.2.2"), HttpOut)
    assert venue.upgrade("/nowhere", peer="2.2.2.2").status == 404


@pytest.mark.parametrize("path", ["/", "/?x=1", "/ws/", "/ws-user"])
def test_addresses(venue: Venue, path: str) -> None:
    """The venue's sockets have no path: a client that changes the host alone has none."""
    assert venue.connect(path).subscribe("heartbeats")[0]["channel"] == "subscriptions"


def test_scripted_faults(venue: Venue) -> None:
    """[41] a number that is missing, a frame of another channel, a snapshot of five megabytes,
    a dropped socket."""
    client = venue.connect()
    client.subscribe("heartbeats")
    venue.command("fault", name="drop", stream="heartbeats", count=1)
    venue.pass_time(2 * S, [client])
    numbers = [one["sequence_num"] for one in client.got]
    assert numbers == [0, 2]
    venue.command("fault", name="unknown_event", stream="heartbeats", count=1)
    venue.pass_time(1 * S, [client])
    assert "news" in [one.get("channel") for one in client.got]
    venue.command("fault", name="huge", stream="heartbeats", count=1, bytes=5_000_000)
    venue.pass_time(1 * S, [client])
    assert len(json.dumps([one for one in client.got if one.get("channel") == "l2_data"])) > 5e6
    venue.command("fault", name="close", stream="heartbeats", count=1, code=1012)
    venue.pass_time(1 * S, [client])
    assert isinstance(client.got[-1], Close) and client.got[-1].code == 1012
