"""The venue contract, held by every venue: those that are registered, and the fake's three
profiles, of which each is odd in other ways. A new venue is in here as soon as it is registered.

The pure half asks the adapter alone. What a venue refuses it must refuse by name: with a typed
``BadInput`` whose text says who refuses what.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fake_venue import adapter, registered
from fake_venue.profile import PROFILES
from msgspec.structs import replace
from venues import program

import vocx
import vocx.lab
from vocx import errors, venues, views
from vocx.doctor.hosts import Target, probe, targets
from vocx.facts import BookDelta, BookSnapshot, Instrument, Order, OrderAck, Trade, aware
from vocx.record import record
from vocx.recording import read, split
from vocx.rest.redaction import redacted
from vocx.venues import base

NAMES = (*venues.names(), *PROFILES)
NOW_NS = 1_795_334_400_123_456_789
KEYS = base.Credentials(
    key="k3yOf40Characters" * 3,
    secret="AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    passphrase="p4ssphraseOf40Characters",
)
"""Its secret is base64 of 32 bytes, so it can be a private key too."""
ANOTHER = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
NONCE = "0123456789abcdef"
BTC = "BTC/USDT"
RULES = Instrument(
    symbol=BTC,
    venue="any",
    venue_symbol="any",
    base="BTC",
    quote="USDT",
    tick=Decimal("0.01"),
    lot=Decimal("0.00001"),
    code=7,
)
LIMIT = base.PlaceOrder(
    symbol=BTC,
    side="buy",
    type="limit",
    client_order_id="a1",
    quantity=Decimal("1E-5"),
    price=Decimal("6E+4"),
    time_in_force="GTC",
    instrument=RULES,
)
INTENTS: Sequence[base.Intent] = (
    base.GetTime(),
    base.GetStatus(),
    base.GetInstruments(),
    base.GetInstruments(symbols=(BTC,)),
    base.GetInstruments(symbols=(BTC, "ETH/USDT")),
    base.GetTicker(symbol=BTC),
    base.GetQuote(symbol=BTC),
    base.GetBook(symbol=BTC, depth=20),
    base.GetTrades(symbol=BTC, limit=50),
    base.GetTrades(symbol=BTC, limit=50, from_id=1),
    base.GetCandles(symbol=BTC, interval="5m", limit=50),
    base.GetCandles(symbol=BTC, interval="5m", limit=50, start_ns=0, end_ns=NOW_NS),
    LIMIT,
    replace(LIMIT, type="post_only", time_in_force=None),
    replace(LIMIT, type="market", price=None, time_in_force=None),
    replace(
        LIMIT,
        type="market",
        price=None,
        time_in_force=None,
        quantity=None,
        quote_quantity=Decimal("1E+2"),
    ),
    replace(LIMIT, test=True),
    base.AmendOrder(symbol=BTC, id=1, quantity=Decimal("1E-5"), instrument=RULES),
    base.AmendOrder(symbol=BTC, client_order_id="a1", price=Decimal(1), instrument=RULES),
    base.AmendOrder(symbol=BTC, id=1, quantity=Decimal("1E-5"), price=Decimal(1), instrument=RULES),
    base.CancelOrder(symbol=BTC, id=1, instrument=RULES),
    base.CancelOrder(symbol=BTC, client_order_id="a1", instrument=RULES),
    base.PlaceOrders(orders=(LIMIT, replace(LIMIT, client_order_id="a2"))),
    base.CancelOrders(
        orders=(
            base.CancelOrder(symbol=BTC, id=1, instrument=RULES),
            base.CancelOrder(symbol=BTC, client_order_id="a1", instrument=RULES),
        )
    ),
    base.CancelAll(symbol=BTC),
    base.CancelAllAfter(seconds=60),
    base.CancelAllAfter(seconds=0),
    base.GetOrder(symbol=BTC, id=1),
    base.GetOrder(symbol=BTC, client_order_id="a1"),
    base.GetOpenOrders(),
    base.GetOpenOrders(symbol=BTC),
    base.GetFills(symbol=BTC, limit=50),
    base.GetFills(symbol=BTC, limit=50, order_id=1),
    base.GetFills(symbol=BTC, limit=50, start_ns=NOW_NS),
    base.GetBalances(),
)
ACCOUNT = (
    *(base.PlaceOrder, base.AmendOrder, base.CancelOrder, base.CancelAll),
    *(base.PlaceOrders, base.CancelOrders, base.CancelAllAfter),
    *(base.GetOrder, base.GetOpenOrders, base.GetFills, base.GetBalances),
)
CHANGES = base.SENT_ONCE
SPECS: Sequence[base.ChannelSpec] = (
    *(base.ChannelSpec(channel=one, symbol=BTC) for one in base.CHANNELS),
    *(base.ChannelSpec(channel=one, symbol=None) for one in base.PRIVATE),
    *(base.ChannelSpec(channel="candles", symbol=BTC, interval=one) for one in ("1m", "5m", "1h")),
    *(base.ChannelSpec(channel="book", symbol=BTC, depth=depth) for depth in (5, 10, 20)),
    base.ChannelSpec(channel="trades", symbol="ETH/USDT"),
)
MISSPELT = ("BTCUSDT", "btc/usdt", "BTC-USDT", "BTC/USDT:USDT", "", "/", "BTC/", "BTC/USDT/X")
HOSTILE = ("BTC/USDT\r\nX-Key: 1", "BTC/\ud800", "B C/USDT", "BTC&a=1/USDT", "BTC/US?T", "../USDT")


@pytest.fixture(params=NAMES)
def venue(request: pytest.FixtureRequest) -> Any:
    return adapter(request.param)


def by_name(error: errors.VocxError, venue: Any, *also: str) -> bool:
    """Whether a refusal says who refuses, or what."""
    said = str(error).lower()
    return any(name.lower() in said for name in (venue.name, *also))


def built(venue: Any) -> Iterator[base.Request]:
    """The requests of all intents that the venue takes."""
    for intent in INTENTS:
        try:
            yield venue.request(intent)
        except errors.BadInput:
            continue


def streamed(venue: Any) -> list[base.ChannelSpec]:
    """All channels as the venue takes them, without those that it refuses."""
    found = []
    for spec in SPECS:
        try:
            found.append(venue.validate_channel(spec))
        except errors.BadInput:
            continue
    return list(dict.fromkeys(found))


def plans(venue: Any) -> Sequence[base.SocketPlan]:
    found: Sequence[base.SocketPlan] = venue.plan_sockets(streamed(venue))
    return found


def frames(venue: Any, plan: base.SocketPlan) -> Sequence[base.ControlFrame]:
    said: Sequence[base.ControlFrame] = venue.subscribe_frames(
        plan, list(plan.topics), NOW_NS, KEYS, NONCE
    )
    return said


def purposes(venue: Any) -> set[str]:
    """Everything that an address is needed for."""
    found = {request.purpose for request in built(venue)} | {one.purpose for one in plans(venue)}
    return found | ({venue.order_socket.purpose} if venue.order_socket else set())


# Names and addresses


def test_every_intent_has_an_example() -> None:
    """An intent that is added to the contract is added here, and so asked of every venue."""
    of_contract = "vocx.venues.base."
    every = {one for one in base.Intent.__subclasses__() if one.__module__.startswith(of_contract)}
    missing = every - {type(one) for one in INTENTS} - {base.ChannelSpec}
    assert not {one for one in missing if not one.__name__.startswith("_")}


def test_a_venue_has_a_name_for_variables_and_files(venue: Any) -> None:
    """Its name is what it is registered as."""
    assert re.fullmatch("[a-z][a-z0-9_]*", venue.name) and venue.name in NAMES


def test_symbols_there_and_back(venue: Any) -> None:
    """A symbol in the venue's spelling is read back, by what is known or by the venue's rules."""
    for symbol in (BTC, "ETH/USDT", "ETH/BTC"):
        spelt = venue.venue_symbol(symbol)
        assert venue.symbol_of(spelt, [symbol]) == symbol
        assert venue.symbol_of(spelt, []) in (symbol, None)
    assert venue.symbol_of("") is None


@pytest.mark.parametrize("symbol", [*MISSPELT, *HOSTILE, None, 7])
def test_a_symbol_that_is_none_is_refused(venue: Any, symbol: Any) -> None:
    """Before anything is made of it: no header, path or query can be smuggled in."""
    for intent in (base.GetTicker(symbol=symbol), base.CancelAll(symbol=symbol)):
        with pytest.raises(errors.BadInput):
            venue.request(intent)
    with pytest.raises(errors.BadInput):
        venue.validate_channel(base.ChannelSpec(channel="trades", symbol=symbol))


def test_addresses_derive_from_two(venue: Any) -> None:
    """``rest`` and ``ws`` of a server that speaks for the venue are enough for every purpose;
    what is given is kept, what does not exist is refused by name."""
    given = {"rest": "http://127.0.0.1:1", "ws": "ws://127.0.0.1:2"}
    urls = venue.derive_urls(given)
    assert purposes(venue) <= set(urls)
    assert all(urlsplit(url).hostname == "127.0.0.1" for url in urls.values())
    for purpose in sorted(purposes(venue)):
        own = {**given, purpose: "ws://127.0.0.1:3/own"}
        assert venue.derive_urls(own)[purpose] == "ws://127.0.0.1:3/own"
    with pytest.raises(errors.BadInput, match="carrier_pigeon") as caught:
        venue.derive_urls({"carrier_pigeon": "ws://127.0.0.1:1"})
    assert by_name(caught.value, venue)


def test_environments_have_addresses_or_a_reason(venue: Any) -> None:
    """Every purpose by TLS, or words why there is none."""
    assert set(venue.environments) <= {"real", "testnet", "demo"}
    for environment in venue.environments.values():
        if environment.urls:
            assert purposes(venue) <= set(environment.urls)
            assert {urlsplit(url).scheme for url in environment.urls.values()} <= {"https", "wss"}
        else:
            assert len(environment.note) > 10


def test_client_order_ids_are_the_venues(venue: Any) -> None:
    """Any number of 128 bits makes one that is valid, unlike all others and in order."""
    numbers = (0, 1, 31, 32, 2**64, 2**127, 2**128 - 1)
    made = [venue.make_client_order_id(number) for number in numbers]
    assert len(set(made)) == len(made) and made == sorted(made)
    for one in made:
        venue.validate_client_order_id(one)
        venue.request(replace(LIMIT, client_order_id=one))


@pytest.mark.parametrize("bad", ["", "x" * 1000, "a\nb", "\ud800", None, 7])
def test_client_order_ids_that_are_not_are_refused(venue: Any, bad: Any) -> None:
    """By the venue's rule, and nothing was sent."""
    for refuse in (
        lambda: venue.validate_client_order_id(bad),
        lambda: venue.request(replace(LIMIT, client_order_id=bad)),
    ):
        with pytest.raises(errors.BadInput) as caught:
            refuse()
        assert by_name(caught.value, venue) and caught.value.outcome == "not_sent"


def test_a_key_of_the_lab_looks_like_one(ex: vocx.Exchange) -> None:
    """What tells a mixed-up key apart takes the venue's own."""
    assert re.fullmatch(ex.venue.key_pattern, ex.lab.credentials(ex.venue.name).key)


# Requests and signatures


@pytest.mark.parametrize("intent", INTENTS, ids=repr)
def test_an_intent_builds_or_is_refused_by_name(venue: Any, intent: base.Intent) -> None:
    """Bytes that can travel, with charges that the venue's table counts; or who refuses what."""
    try:
        request = venue.request(intent)
    except errors.BadInput as refused:
        assert by_name(refused, venue)
        return
    assert request.method in ("GET", "POST", "PUT", "DELETE")
    assert re.fullmatch(r"/[!-~]*", request.target) and "#" not in request.target
    assert request.signed == isinstance(intent, ACCOUNT)
    assert request.charges and all(amount > 0 for amount in request.charges.values())
    counted = {limit.bucket for limit in venue.limits}
    assert {bucket.partition(":")[0] for bucket in request.charges} <= counted
    changes = isinstance(intent, CHANGES) and request.method != "GET"
    tested = isinstance(intent, base.PlaceOrder) and intent.test
    assert tested or request.safe_to_retry is not changes
    written = request.target.encode() + request.body
    assert not re.search(rb"[0-9][eE][+-]?[0-9]+\b", written), "a number with an exponent"


@pytest.mark.parametrize(
    "intent",
    [
        base.GetBook(symbol=BTC, depth=0),
        base.GetBook(symbol=BTC, depth=10**9),
        base.GetBook(symbol=BTC, depth=True),
        base.GetTrades(symbol=BTC, limit=-1),
        base.GetTrades(symbol=BTC, limit=1.5),  # type: ignore[arg-type]
        base.GetCandles(symbol=BTC, interval="7x"),
        base.GetCandles(symbol=BTC, interval="1m", limit=0),
        base.GetOrder(symbol=BTC),
        base.CancelOrder(symbol=BTC),
        base.AmendOrder(symbol=BTC, id=1),
    ],
    ids=repr,
)
def test_what_cannot_be_asked_is_refused(venue: Any, intent: base.Intent) -> None:
    """Nothing is clamped silently."""
    with pytest.raises(errors.BadInput):
        venue.request(intent)


def test_signing_is_a_function_of_its_arguments(venue: Any) -> None:
    """The same for the same time, key and nonce; another for another time or secret."""
    for request in built(venue):
        if not request.signed:
            continue
        signed = venue.sign(request, NOW_NS, KEYS, NONCE)
        assert signed == venue.sign(request, NOW_NS, KEYS, NONCE)
        assert signed != venue.sign(request, NOW_NS + 10**9, KEYS, NONCE)
        assert signed != venue.sign(request, NOW_NS, replace(KEYS, secret=ANOTHER), NONCE)
        assert signed.intent == request.intent and signed.method == request.method
        assert signed.charges == request.charges


def test_no_secret_leaves(venue: Any) -> None:
    """Neither in a signed request nor in a frame stands the secret itself; and what proves the
    key is hidden where it is shown."""
    shown = []
    for request in built(venue):
        if request.signed:
            signed = venue.sign(request, NOW_NS, KEYS, NONCE)
            heads = "".join(f"{name}: {value}\r\n" for name, value in signed.headers.items())
            shown.append(f"{signed.target}\r\n{heads}\r\n{signed.body.decode()}")
            if venue.order_socket and isinstance(request.intent, base.CancelOrder):
                called = venue.ws_request(request.intent, 1, NOW_NS, KEYS, NONCE)
                shown.append(called.body.decode())
    for plan in plans(venue):
        login = venue.login_frame(plan, NOW_NS, KEYS, NONCE)
        shown += [frame.text for frame in (*([login] if login else []), *frames(venue, plan))]
    assert shown and not any(KEYS.secret in one for one in shown)
    for one in shown:
        hidden = redacted(one.encode(), venue.secrets).decode()
        assert KEYS.key not in hidden
        proofs = re.findall(r"\b[0-9a-f]{64}\b|[A-Za-z0-9+/]{43}=", hidden)
        assert not proofs, f"a signature is shown: {hidden[:300]}"


def test_a_key_of_another_venue_signs_nothing(venue: Any) -> None:
    """It is refused before anything is made."""
    foreign = replace(KEYS, venue="elsewhere")
    signed = next(request for request in built(venue) if request.signed)
    with pytest.raises(errors.BadInput, match="elsewhere"):
        venue.sign(signed, NOW_NS, foreign, NONCE)


# Limits and replies


def test_limits_have_sizes_and_sources(venue: Any) -> None:
    """Each window of a bucket once, with the document that states it."""
    assert venue.limits
    for limit in venue.limits:
        assert limit.amount > 0 and limit.window_s > 0 and limit.source
    windows = [(limit.bucket, limit.window_s, limit.per) for limit in venue.limits]
    assert len(set(windows)) == len(windows)


BODIES = (b"", b"{}", b"[]", b"null", b"12", b"<html>no</html>", b'{"a":', b"\xff", b'{"x":1}')
HEADERS: Mapping[str, str] = {"Retry-After": "7"}


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 418, 429, 451, 500, 503])
def test_a_reply_that_cannot_be_read_is_one_typed_error(venue: Any, status: int) -> None:
    """By status where the body says nothing; an order's outcome is never invented."""
    for request in built(venue):
        for body in BODIES:
            try:
                answer = venue.reply(request, status, HEADERS, body, NOW_NS)
            except errors.VocxError as error:
                assert isinstance(error, errors.VenueError | errors.BadReply)
                assert error.venue == venue.name and len(str(error)) < 2000
                lost = isinstance(error, errors.BadReply | errors.VenueUnavailable)
                if not request.safe_to_retry and lost:
                    assert error.outcome in (None, "unknown")
            else:
                tested = getattr(request.intent, "test", False)
                good = status == 200 or answer.next is not None
                assert good and (tested or not answer.result), f"{body!r} is {answer}"


def test_too_much_is_told_from_the_rest(venue: Any) -> None:
    """429 makes everybody wait for as long as it says; 5xx may be tried again."""
    request = venue.request(base.GetTime())
    for status, kind in ((429, errors.RateLimited), (503, errors.VenueUnavailable)):
        with pytest.raises(kind) as caught:
            venue.reply(request, status, HEADERS, b"<html>no</html>", NOW_NS)
        assert status != 429 or caught.value.retry_after_s == 7


def test_limits_and_usage_are_empty_where_nothing_is_said(venue: Any) -> None:
    """And nothing that a header can hold breaks them."""
    for request in built(venue):
        for body in BODIES:
            assert not venue.parse_limits(request, body)
        assert not venue.parse_usage(request, {})
        assert not venue.parse_usage(request, {"X-Unknown": "1", "Date": "²"})


def test_an_answer_about_another_order_is_refused() -> None:
    """Checked once, for every venue: it would be believed."""
    mine = OrderAck(symbol=BTC, id="1", client_order_id="a1")
    asked = base.CancelOrder(symbol=BTC, client_order_id="a1")
    base.check_answer("any", asked, base.Answer(result=mine))
    for other in ({"symbol": "ETH/USDT"}, {"client_order_id": "a2"}):
        with pytest.raises(errors.BadReply, match="answered about"):
            base.check_answer("any", asked, base.Answer(result=replace(mine, **other)))


# Channels and plans


@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_a_channel_validates_or_is_refused_by_name(venue: Any, spec: base.ChannelSpec) -> None:
    """With defaults filled in once: what is valid stays as it is."""
    try:
        valid = venue.validate_channel(spec)
    except errors.BadInput as refused:
        assert by_name(refused, venue, spec.channel)
        return
    assert valid == venue.validate_channel(valid)
    assert (valid.channel, valid.symbol) == (spec.channel, spec.symbol)
    assert venue.cadence_ms(valid) >= 0 and venue.stale_after_s(valid) > 0
    assert venue.proof_of_life(valid) in ("sequence", "top", "heartbeat", "pong")
    assert valid.channel != "candles" or valid.interval in venue.intervals


@pytest.mark.parametrize(
    "spec",
    [
        base.ChannelSpec(channel="trade", symbol=BTC),
        base.ChannelSpec(channel="", symbol=BTC),
        base.ChannelSpec(channel="trades", symbol=BTC, interval="1m"),
        base.ChannelSpec(channel="trades", symbol=BTC, depth=5),
        base.ChannelSpec(channel="candles", symbol=BTC, interval="7x"),
        base.ChannelSpec(channel="book", symbol=BTC, depth=-1),
        base.ChannelSpec(channel="book", symbol=BTC, cadence_ms=7),
        base.ChannelSpec(channel="orders", symbol=None, depth=5),
    ],
    ids=repr,
)
def test_a_channel_that_is_none_is_refused(venue: Any, spec: base.ChannelSpec) -> None:
    """A venue may acknowledge a misspelt channel and stay silent; here it is refused, and the
    text lists what exists or says which option is not there."""
    with pytest.raises(errors.BadInput) as caught:
        venue.validate_channel(spec)
    assert by_name(caught.value, venue, spec.channel or "it has")


def test_every_channel_is_streamed_once_or_polled(venue: Any) -> None:
    """No channel is lost between the sockets, and none comes twice."""
    wanted = streamed(venue)
    polled = [spec for spec in wanted if venue.poll_intent(spec) is not None]
    planned = [spec for plan in plans(venue) for spec in plan.topics.values()]
    assert sorted(map(repr, planned + polled)) == sorted(map(repr, wanted))
    for spec in polled:
        venue.request(venue.poll_intent(spec))
    for plan in plans(venue):
        private = {spec.channel in base.PRIVATE for spec in plan.topics.values()}
        assert private == {plan.private} and (plan.private or not plan.login)


def test_control_frames_cover_their_plan(venue: Any) -> None:
    """Every topic is subscribed by one frame; ids are all different and made of the nonce."""
    for plan in plans(venue):
        made = frames(venue, plan)
        topics = [topic for frame in made for topic in frame.topics]
        assert sorted(topics) == sorted(plan.topics)
        ids = [frame.id for frame in made if frame.id is not None]
        assert len(set(ids)) == len(ids) and plan.control_per_s > 0
        again = venue.subscribe_frames(plan, list(plan.topics), NOW_NS, KEYS, "fedcba9876543210")
        assert not set(ids) & {frame.id for frame in again if frame.id is not None}
        assert all(isinstance(json.loads(frame.text), dict) for frame in made)
        login = venue.login_frame(plan, NOW_NS, KEYS, NONCE)
        assert (login is not None) == plan.login
        assert venue.open_session(plan) is not venue.open_session(plan) or (
            venue.open_session(plan) is None
        )


def test_one_topic_can_be_subscribed_again(venue: Any) -> None:
    """Where a book starts in its stream: unsubscribe and subscribe that one, no other."""
    if venue.book_recovery != "resubscribe":
        venue.request(venue.snapshot_intent(BTC))
        return
    for plan in plans(venue):
        for topic, spec in plan.topics.items():
            if spec.channel == "book":
                for change in (venue.unsubscribe_frames, venue.subscribe_frames):
                    made = change(plan, [topic], NOW_NS, KEYS, NONCE)
                    assert [one for frame in made for one in frame.topics] == [topic]


def test_many_topics_keep_the_bounds(venue: Any) -> None:
    """Topics a connection, topics and bytes a request."""
    specs = [base.ChannelSpec(channel="trades", symbol=f"A{n}/USDT") for n in range(1500)]
    bounds, planned = venue.socket_limits, venue.plan_sockets(specs)
    assert sum(len(plan.topics) for plan in planned) == 1500
    for plan in planned:
        assert bounds.topics is None or len(plan.topics) <= bounds.topics
        for frame in frames(venue, plan):
            most = bounds.topics_per_request
            assert most is None or len(frame.topics) <= most
            assert bounds.bytes_per_request is None or len(frame.text) <= bounds.bytes_per_request
            assert len(frame.text) < 100_000


# Connections


def test_a_connection_is_kept(venue: Any) -> None:
    """Each purpose has pings and deadlines that find a dead line within a minute."""
    for plan in plans(venue):
        kept = venue.keepalive(plan.purpose)
        assert 0 < kept.client_ping_s + kept.pong_deadline_s < 60
        assert kept.ping_text is None or kept.ping_text
        assert kept.max_life_s is None or (kept.rotate_s or 0) < kept.max_life_s


def test_closes_and_refused_handshakes_are_classified(venue: Any) -> None:
    """Any code and any status, with and without words."""
    kinds = {"lost", "going_away", "restart", "overload", "policy", "refused"}
    for code in (0, 1000, 1001, 1006, 1008, 1011, 1012, 1013, 3000, 4001, 4004, 4999):
        for reason in ("", "\ufffd" * 100, "idle"):
            assert venue.classify_close(code, reason) in kinds
    for status in (200, 302, 400, 401, 403, 404, 429, 451, 500, 502, 503):
        for body in BODIES:
            error = venue.refused_upgrade(status, HEADERS, body)
            assert isinstance(error, errors.VenueError) and error.venue == venue.name
            assert (status == 429) <= isinstance(error, errors.RateLimited)


@pytest.mark.parametrize("frame", [b"", b"{", b"hello", b"[]", b"12", b'{"a":\xff}', b'"x"'])
def test_unreadable_frames_are_bad_replies(venue: Any, frame: bytes) -> None:
    """Neither facts nor unknown ones: such bytes count as damage."""
    for plan in plans(venue):
        with pytest.raises(errors.BadReply) as caught:
            venue.decode(frame, NOW_NS, plan, venue.open_session(plan))
        assert caught.value.venue == venue.name


@pytest.mark.parametrize("frame", [b"{}", b'{"somethingNew":{"a":[1]}}', b'{"id":null}'])
def test_frames_of_another_kind_are_unknown(venue: Any, frame: bytes) -> None:
    """They are counted and sampled, never fatal."""
    for plan in plans(venue):
        (found,) = venue.decode(frame, NOW_NS, plan, venue.open_session(plan))
        assert isinstance(found, base.Unknown)


def test_continuity_rules_answer(venue: Any) -> None:
    """For books before, at and behind a change, and for trades of any id."""
    for first, last, previous in ((1, 1, 0), (5, 9, 4), (10, 11, 9), (90, 91, 89)):
        delta = BookDelta(symbol=BTC, bids=(), asks=(), first=first, last=last, previous=previous)
        assert venue.check_sequence(9, delta) in ("drop", "apply", "resync")
    trade = Trade(symbol=BTC, price=Decimal(1), quantity=Decimal(1), side="buy", id=7)
    for last_id in (6, 7, 99, "6", "x"):
        assert venue.check_trade(last_id, trade) >= -1
    assert venue.check_trade(6, trade) == 0


def test_a_snapshot_of_a_book_is_asked_for(venue: Any) -> None:
    """It starts a book, or proves one."""
    request = venue.request(venue.snapshot_intent(BTC))
    assert isinstance(request.intent, base.GetBook) and not request.signed
    assert BookSnapshot(symbol=BTC, bids=(), asks=()).sequence is None


# One user program on each venue, in a lab


@pytest.fixture(scope="module")
def known() -> Iterator[None]:
    with registered():
        yield


@pytest.fixture(scope="module", params=NAMES)
def ex(request: pytest.FixtureRequest, known: None) -> Iterator[vocx.Exchange]:
    """The venue in a lab of its own."""
    name = request.param
    with vocx.lab.open(name=f"contract {name}", seed=7, venues=[name]) as lab:
        with vocx.connect(name, lab=lab) as exchange:
            yield exchange


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test leaves no stream, no view, no order and no dial behind."""
    yield
    if "ex" in request.fixturenames:
        exchange = request.getfixturevalue("ex")
        views.stop_all()
        vocx.stop_all()
        exchange.lab.resume()
        exchange.lab.network.clear()
        exchange.cancel_all(BTC)


def until(true: Callable[[], object], why: Callable[[], object] | str, seconds: float = 10) -> None:
    """Wait for a state, with a deadline."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, why if isinstance(why, str) else why()
        time.sleep(0.01)


def equals_the_truth(ex: vocx.Exchange, stream: Any) -> None:
    """With the market paused, the copy of the book is the original, to its last level."""
    ex.lab.pause()
    try:
        truth = ex.lab.truth.book(BTC, depth=200)

        def same() -> bool:
            with suppress(errors.BookOutOfSync):
                copy = stream.book(BTC, depth=200)
                return (copy.bids, copy.asks) == (truth.bids, truth.asks)
            return False

        until(same, lambda: f"the copy differs from the truth: {stream.stats}")
    finally:
        ex.lab.resume()


def test_what_can_be_asked(ex: vocx.Exchange) -> None:
    """Everything public, in the terms of no venue."""
    listed = {one.symbol: one for one in ex.instruments()}
    rules = ex.instrument(BTC)
    assert replace(listed[BTC], http=None, arrived_ns=0) == replace(rules, http=None, arrived_ns=0)
    assert rules.venue == ex.venue.name and rules.tick > 0 and rules.lot > 0 and rules.trading
    assert ex.status().state == "online"
    quote, book = ex.quote(BTC), ex.order_book(BTC, depth=10)
    assert 0 < quote.bid < quote.ask and len(book.bids) == len(book.asks) == 10
    assert book.bids == tuple(sorted(book.bids, reverse=True)) and book.bid < book.ask
    assert book.asks == tuple(sorted(book.asks))
    assert abs(ex.ticker(BTC).last / quote.mid - 1) < Decimal("0.05")
    trades = ex.trades(BTC, limit=10)
    assert len(trades) == 10 and {one.symbol for one in trades} == {BTC}
    times = [one.exchange_ns for one in trades]
    assert times == sorted(times) and all(one.id is not None for one in trades)
    for interval in ("1m", "5m", "1h"):
        candles = ex.candles(BTC, interval, limit=5)
        opened = [one.open_ns for one in candles]
        assert opened == sorted(opened) and len(set(opened)) == 5
        assert all(one.low <= one.open <= one.high for one in candles)
    assert abs(ex.clock.offset_ns) < 100_000_000
    with pytest.raises(errors.UnknownSymbol, match="NO/SUCH"):
        ex.ticker("NO/SUCH")
    assert ex.budget.rows() and ex.budget.table()


def test_what_can_be_heard(ex: vocx.Exchange) -> None:
    """Every channel in one stream: state, facts in order, a book equal to the truth."""
    with ex.stream(*program.MARKET, symbols=BTC, interval="1m").wait(10) as stream:
        kinds: Counter[str] = Counter()
        for fact in stream.facts(seconds=3):
            kinds[type(fact).__name__] += 1
            assert getattr(fact, "symbol", BTC) == BTC
        assert {"Trade", "Quote", "BookDelta"} <= set(kinds) and not kinds["Gap"], kinds
        assert stream.quote(BTC).bid < stream.quote(BTC).ask
        assert stream.ticker(BTC).last > 0 and stream.candle(BTC).interval == "1m"
        assert stream.trades(BTC)
        stats = stream.stats
        assert (stats.parse_errors, stats.unknown, stats.gaps) == (0, 0, 0), stats.unknown_samples
        equals_the_truth(ex, stream)


@pytest.mark.parametrize("spec", ["candles 1m", "candles 5m", "candles 1h", "book 5", "book 20"])
def test_every_form_of_a_channel_is_heard(ex: vocx.Exchange, spec: str) -> None:
    """Streamed, or asked for by REST where the venue does not stream it so; a depth that it does
    not have is refused by name, with those that it has."""
    channel, option = spec.split()
    more: Any = {"interval": option} if channel == "candles" else {"depth": int(option)}
    try:
        ex.venue.validate_channel(base.ChannelSpec(channel=channel, symbol=BTC, **more))
    except errors.UnknownChannel as refused:
        assert channel == "book" and by_name(refused, ex.venue)
        return
    with ex.stream(channel, symbols=BTC, **more).wait(10) as stream:
        if channel == "candles":
            assert stream.candle(BTC).interval == option
        else:
            top = stream.book(BTC, depth=int(option))
            assert 0 < len(top.bids) <= int(option) and top.bid < top.ask


def test_a_refused_channel_names_itself_and_the_others_run(ex: vocx.Exchange) -> None:
    """A symbol that the venue does not have, among good ones."""
    specs = [base.ChannelSpec(channel="trades", symbol=one) for one in (BTC, "NO/SUCH")]
    specs += [base.ChannelSpec(channel="quotes", symbol=BTC)]
    with stream_of(ex, specs).start() as stream:
        until(lambda: len(stream.trades(BTC)) > 3, "the good one does not run")
        until(lambda: has_quote(stream), "the other one does not run")
        # A venue may acknowledge what it does not have, and stay silent.
        with pytest.raises((errors.SubscribeRefused, errors.WaitTimeout), match="NO.?SUCH"):
            stream.wait(2)


def has_quote(stream: Any) -> bool:
    with suppress(errors.NotReady):
        return bool(stream.quote(BTC).bid > 0)
    return False


def stream_of(ex: vocx.Exchange, specs: Sequence[base.ChannelSpec]) -> Any:
    """A stream of channels that ``ex.stream`` would have refused before anything was sent."""
    return ex._streaming.create(specs, name="with a refused one")


def receipt(ex: vocx.Exchange, found: Any) -> Any:
    """The order behind what a call gave, when it has got there."""
    assert isinstance(found, Order | OrderAck)
    return ex.order(found)


def test_orders_from_placing_to_the_end(ex: vocx.Exchange) -> None:
    """Placed, asked for, amended, cancelled; filled; refused; and the account says the same."""
    rules, bid = ex.instrument(BTC), ex.quote(BTC).bid
    low = rules.round_price(bid * Decimal("0.95"), "buy")
    amount = rules.round_quantity(Decimal(100) / low)
    before = ex.balances()
    try:
        checked = ex.place_order(BTC, "buy", amount, type="limit", price=low, test=True)
        assert checked.status == "tested"
    except errors.BadInput as refused:  # a venue without a check that places nothing says so
        assert by_name(refused, ex.venue) and refused.outcome == "not_sent"
    assert not ex.open_orders(BTC)

    placed = ex.place_order(BTC, "buy", amount, type="limit", price=low)
    order = receipt(ex, placed)
    assert (order.status, order.price, order.quantity) == ("new", low, amount)
    assert order.id == placed.id and order.client_order_id == placed.client_order_id
    assert [one.id for one in ex.open_orders(BTC)] == [one.id for one in ex.open_orders()]
    less = rules.round_quantity(amount / 2)
    amended = receipt(ex, ex.amend(order, quantity=less))
    assert (amended.quantity, amended.price, amended.open) == (less, low, True)
    ended = receipt(ex, ex.cancel_order(order))
    assert (ended.id, ended.status) == (order.id, "canceled")
    # Under its own name too, which is all that is known of an order whose answer was lost.
    named = ex.order(str(order.client_order_id), symbol=BTC)
    assert (named.id, named.client_order_id) == (order.id, order.client_order_id)
    with pytest.raises(errors.OrderNotFound):
        ex.cancel_order(order)
    assert not ex.open_orders(BTC)

    bought = receipt(ex, ex.place_order(BTC, "buy", amount, type="market"))
    assert (bought.status, bought.filled) == ("filled", amount)
    fills = ex.fills(BTC, order=bought)
    assert sum(one.quantity for one in fills) == amount
    assert {one.order_id for one in fills} == {bought.id} and all(one.fee >= 0 for one in fills)
    after = ex.balances()
    spent = sum(one.price * one.quantity for one in fills)
    fees = sum(one.fee for one in fills if one.fee_asset == "USDT")
    assert before["USDT"].total - after["USDT"].total == spent + fees
    resting = [ex.place_order(BTC, "buy", amount, type="post_only", price=low) for _ in range(3)]
    assert {one.id for one in ex.open_orders(BTC)} == {one.id for one in resting}
    assert {one.id for one in ex.cancel_all(BTC)} == {one.id for one in resting}
    assert not ex.open_orders(BTC) and not ex.cancel_all(BTC)


def test_a_clock_that_was_set_is_that_of_the_account(ex: vocx.Exchange) -> None:
    """Orders and fills bear times of the exchange's clock, by REST and by stream, and are found by
    them; the market keeps its own."""
    minute = timedelta(minutes=1)
    _ = ex.clock  # measured while it is right, for what comes after
    with ex.lab.skew(3600, venue=ex.venue.name), ex.background() as ahead:
        assert ahead.clock.offset_ns > 3_000 * 10**9
        now_ns = time.time_ns() + ahead.clock.offset_ns
        now = aware(now_ns)
        assert now is not None
        with ahead.stream("orders", "fills", name="ahead") as stream:
            stream.wait(10)
            placed = ahead.place_order(BTC, "buy", "0.001", type="market")
            until(lambda: not ahead.order(placed).open, "it was never filled")
            until(lambda: [one for one in stream.fills() if one.order_id == placed.id], "no fill")
            told = [*stream.fills(), stream.order(placed)]
        order, since = ahead.order(placed), ahead.fills(BTC, start=now - minute)
        since = [one for one in since if one.order_id == placed.id]
        assert since, "what the clock says has happened since is not found"
        assert ahead.fills(BTC, start=now + minute) == []
        for at_ns in (order.created_ns, *(one.exchange_ns for one in [order, *since, *told])):
            assert at_ns is not None and abs(at_ns - now_ns) < 60 * 10**9
        traded_ns = ahead.trades(BTC, limit=1)[-1].exchange_ns
        assert traded_ns is not None and traded_ns < now_ns - 3_000 * 10**9


def test_refusals_of_orders_are_classes(ex: vocx.Exchange) -> None:
    """Of every venue the same, with the outcome and the id to ask for."""
    rules, quote = ex.instrument(BTC), ex.quote(BTC)
    low = rules.round_price(quote.bid * Decimal("0.95"), "buy")
    high = rules.round_price(quote.ask * Decimal("1.02"), "buy")
    amount = rules.round_quantity(Decimal(100) / low)
    much = rules.round_quantity(ex.balances()["USDT"].free * 2 / low)
    with pytest.raises(errors.OrderRefused) as caught:
        ex.place_order(BTC, "buy", much, type="limit", price=low)
    assert caught.value.outcome == "refused" and caught.value.client_order_id
    try:
        crossed = ex.place_order(BTC, "buy", amount, type="post_only", price=high)
    except errors.OrderRefused:
        pass
    else:  # a venue may acknowledge first, and refuse in the order's state
        assert isinstance(crossed, OrderAck)
        ended = receipt(ex, crossed)
        assert ended.status in ("rejected", "canceled") and not ended.filled and ended.reason
    mine = ex.place_order(BTC, "buy", amount, type="limit", price=low)
    again: dict[str, Any] = {
        "type": "limit",
        "price": low,
        "client_order_id": mine.client_order_id,
    }
    try:
        answered = ex.place_order(BTC, "buy", amount, **again)
    except errors.DuplicateOrder as refused:
        assert refused.outcome == "accepted"
    else:  # the same order is answered with the first one, another under its id is refused
        assert answered.id == mine.id
        with pytest.raises(errors.DuplicateOrder):
            ex.place_order(BTC, "buy", amount * 2, **again)
    assert [one.id for one in ex.open_orders(BTC)] == [mine.id]
    assert ex.order(mine.client_order_id, symbol=BTC).id == mine.id
    with pytest.raises(errors.OrderNotFound):
        ex.order(ex.venue.make_client_order_id(1), symbol=BTC)


def ways(ex: vocx.Exchange) -> list[Any]:
    """Over which orders go at a venue."""
    return ["rest", "websocket"] if ex.venue.order_socket else ["rest"]


def test_several_orders_have_an_outcome_each(ex: vocx.Exchange) -> None:
    """More than one call takes, of two symbols, some refused: each is placed once, known by its
    id, and cancelled or told why not; by REST and by socket."""
    prices = {one: ex.instrument(one).round_price(ex.quote(one).bid * Decimal("0.97"), "buy")
              for one in (BTC, "ETH/USDT")}  # fmt: skip
    for via in ways(ex):
        # One by one over a socket, few: a venue may bound its messages by the second.
        each = 6 if via == "rest" or ex.venue.batch_sizes else 2
        orders = [
            {"symbol": symbol, "side": "buy", "type": "post_only", "price": prices[symbol]}
            | {"quantity": ex.instrument(symbol).round_quantity(200 / prices[symbol])}
            for symbol in (BTC, "ETH/USDT")
            for _ in range(each)
        ]
        orders[1]["quantity"] = ex.instrument(BTC).round_quantity(Decimal(2_000_000) / prices[BTC])
        placed = ex.place_orders(orders, via=via)
        assert [one.symbol for one in placed] == [one["symbol"] for one in orders]
        refused = placed[1]
        assert refused.outcome == "refused" and isinstance(refused.error, errors.OrderRefused)
        assert refused.client_order_id == refused.error.client_order_id and refused.order is None
        good = [one for one in placed if one is not refused]
        assert {one.outcome for one in good} == {"accepted"}, [one.error for one in good]
        assert {one.id for one in ex.open_orders()} == {one.id for one in good}
        assert ex.order(good[0]).client_order_id == good[0].client_order_id
        with pytest.raises(errors.OrderNotFound):
            ex.order(refused)

        gone = good[-1]
        ex.cancel_order(gone)
        named = [one.client_order_id if at % 2 else one.id for at, one in enumerate(good)]
        ended = ex.cancel_orders(named, via=via)
        assert [one.outcome for one in ended] == [
            "refused" if one is gone else "accepted" for one in good
        ]
        assert isinstance(ended[-1].error, errors.OrderNotFound)
        assert not ex.open_orders()
    assert ex.place_orders([]) == ex.cancel_orders([]) == []


def test_a_countdown_is_set_and_ended(ex: vocx.Exchange) -> None:
    """Where the venue has one; elsewhere it says so, and nothing was sent."""
    try:
        timer = ex.cancel_all_after(60)
    except errors.BadInput as refused:
        assert by_name(refused, ex.venue)
        return
    assert timer.fires_ns is not None and timer.exchange_ns is not None
    assert timer.fires_ns - timer.exchange_ns == 60 * 10**9
    for wrong in (1, 10_000):
        with pytest.raises(errors.BadInput, match=f"seconds is {wrong}"):
            ex.cancel_all_after(wrong)
    assert ex.cancel_all_after(0).fires_ns is None


def test_orders_over_a_socket(ex: vocx.Exchange) -> None:
    """Where the venue has one; elsewhere it says so, and nothing was sent."""
    rules, bid = ex.instrument(BTC), ex.quote(BTC).bid
    low = rules.round_price(bid * Decimal("0.95"), "buy")
    wish = {"quantity": rules.round_quantity(Decimal(100) / low), "type": "limit", "price": low}
    if ex.venue.order_socket is None:
        with pytest.raises(errors.BadInput, match=ex.venue.name):
            ex.place_order(BTC, "buy", **wish, via="websocket")
        return
    placed = ex.place_order(BTC, "buy", **wish, via="websocket")
    assert receipt(ex, placed).status == "new"
    assert receipt(ex, ex.cancel_order(placed, via="websocket")).status == "canceled"


def test_an_account_is_heard(ex: vocx.Exchange) -> None:
    """Orders, fills and balances, told or asked for, once each and equal to what REST says."""
    rules = ex.instrument(BTC)
    with ex.stream(*program.ACCOUNT).wait(10) as stream:
        low = rules.round_price(ex.quote(BTC).bid * Decimal("0.95"), "buy")
        amount = rules.round_quantity(Decimal(100) / low)
        rests = ex.place_order(BTC, "buy", amount, type="limit", price=low)
        until(lambda: status_of(stream, rests) == "new", "the order was not told")
        ex.cancel_order(rests)
        until(lambda: status_of(stream, rests) == "canceled", "its end was not told")
        taken = ex.place_order(BTC, "buy", amount, type="market")
        until(lambda: sum(one.quantity for one in fills_of(stream, taken)) == amount, "no fills")
        until(lambda: status_of(stream, taken) == "filled", "not filled")
        assert stream.order(taken.id).filled == amount
        told, asked = fills_of(stream, taken), ex.fills(BTC, order=taken.id)
        assert sum(one.price * one.quantity for one in told) == sum(
            one.price * one.quantity for one in asked
        )
        assert sum(one.fee for one in told) == sum(one.fee for one in asked)
        usdt = ex.balances()["USDT"]
        until(lambda: usdt.total in {one.total for one in stream.balances()}, "no balance")


def status_of(stream: Any, order: Any) -> str:
    with suppress(errors.NotReady):
        return str(stream.order(order.id).status)
    return "not heard of"


def fills_of(stream: Any, order: Any) -> list[Any]:
    return [one for one in stream.fills() if one.order_id == order.id]


def test_an_outage_of_an_account_is_asked_for(ex: vocx.Exchange) -> None:
    """What happened while the connection was lost comes by REST, each fill once."""
    rules = ex.instrument(BTC)
    low = rules.round_price(ex.quote(BTC).bid * Decimal("0.95"), "buy")
    amount = rules.round_quantity(Decimal(100) / low)
    with ex.stream("orders", "fills").wait(10) as stream:
        first = ex.place_order(BTC, "buy", amount, type="market")
        until(lambda: sum(one.quantity for one in fills_of(stream, first)) == amount, "no fills")
        with ex.lab.fault("refuse_upgrade", venue=ex.venue.name, path="/", count=2):
            ex.lab.shutdown(ex.venue.name, notice_s=0)
            until(lambda: stream.state == "reconnecting", "no cut")
            second = ex.place_order(BTC, "buy", amount, type="market")
            until(lambda: sum(one.quantity for one in fills_of(stream, second)) == amount,
                  "the fill of the outage was not asked for", 20)  # fmt: skip
        assert sum(one.quantity for one in fills_of(stream, first)) == amount


def test_a_lost_connection_comes_back(ex: vocx.Exchange) -> None:
    """A gap for each channel, the book in sync again and equal to the truth."""
    with ex.stream("trades", "quotes", "book", symbols=BTC).wait(10) as stream:
        with ex.lab.network.reset_peer(venue=ex.venue.name):
            until(lambda: stream.state == "reconnecting", "the reset was not noticed")
        until(lambda: stream.stats.reconnects >= 1, "no reconnect")
        stream.wait(10)
        assert stream.stats.gaps >= 3
        equals_the_truth(ex, stream)


def test_a_gap_of_a_book_heals(ex: vocx.Exchange) -> None:
    """A message that went missing is noticed, the book rebuilt, the connection kept."""
    spec = ex.venue.validate_channel(base.ChannelSpec(channel="book", symbol=BTC))
    topic = next(iter(ex.venue.plan_sockets([spec])[0].topics))
    with ex.stream("trades", "book", symbols=BTC).wait(10) as stream:
        with ex.lab.fault("drop", venue=ex.venue.name, stream=topic, count=1):
            until(lambda: stream.stats.gaps >= 1, "the gap was not noticed")
        stream.wait(10)
        assert stream.stats.reconnects == 0
        equals_the_truth(ex, stream)


# Tools


def test_the_doctor_looks_at_every_venue(ex: vocx.Exchange) -> None:
    """Every address: asked the time, or upgraded, in the venue's own way."""
    for purpose, url in ex.lab.urls[ex.venue.name].items():
        target = Target(venue=ex.venue.name, where="lab", purpose=purpose, url=url)
        with ex.lab.limits.paused():  # other tests have dialled a moment ago
            answer = probe(target, 5)
        assert answer.reached, answer
    public = [one for one in ex.venue.environments.values() if one.urls]
    assert bool(targets([ex.venue.name])) == bool(public)


def test_a_recording_is_made_and_played(ex: vocx.Exchange, tmp_path: Path) -> None:
    """Frames as they came, which the venue's adapter reads; no key in them; and the lab plays
    them again, to the same stream."""
    channels = ["trades", "quotes", "book"]
    made = record(ex, channels, BTC, 3, tmp_path / "a.gz")
    frames = [split(line)[1] for line in read([made.path])]
    assert len(frames) == made.lines > 10
    key = ex.lab.credentials(ex.venue.name)
    assert not any(key.key.encode() in one or key.secret.encode() in one for one in frames)
    name = ex.venue.name
    with vocx.lab.open(name=f"replay {name}", replay=made.path, venues=[name]) as lab:
        with vocx.connect(name, lab=lab) as replayed:
            with replayed.stream(*channels, symbols=BTC) as stream:
                until(lambda: heard(stream) >= {"Trade", "Quote"}, lambda: repr(stream.stats))
                assert stream.book(BTC, depth=5).bid < stream.book(BTC, depth=5).ask


def heard(stream: Any) -> set[str]:
    """What there is of each channel, and a book that is in sync."""
    found = set()
    with suppress(errors.NotReady):
        stream.book(BTC, depth=1)
        found |= {"Trade"} if stream.trades(BTC) else set()
        found |= {"Quote"} if stream.quote(BTC).bid else set()
    return found


def test_a_server_elsewhere_is_a_place(ex: vocx.Exchange) -> None:
    """Whoever speaks the venue's dialect is reached by its URLs, and trusted with no key."""
    urls, name = ex.lab.urls[ex.venue.name], ex.venue.name
    with vocx.connect(name, where=urls, credentials=ex.lab.credentials(name)) as there:
        assert there.quote(BTC).bid and there.balances()["USDT"].total > 0
        with there.stream("quotes", symbols=BTC).wait(10) as stream:
            assert stream.quote(BTC).bid
    with vocx.connect(name, where=urls) as nobody, pytest.raises(errors.NotAllowed):
        nobody.balances()


def test_connect_opens_the_lab_that_plays_it(known: None, ex: vocx.Exchange) -> None:
    """The default one, or one of the venue's own."""
    with vocx.connect(ex.venue.name) as exchange:
        assert exchange.venue.name in exchange.lab.urls and exchange.quote(BTC).bid
        exchange.lab.close()


def test_a_comparison_is_measured(ex: vocx.Exchange) -> None:
    """Ages against the truth, call times, bytes, fills and orders: what ``vocx compare`` shows,
    of samples as small as they may be."""
    from vocx import measure

    fills = measure.fills(ex, every_ms=(250,), repeats=3)
    orders = measure.orders(ex, repeats=3)
    found = measure.article(ex, fills=fills, orders=orders, rtts=[0.0], seconds=2)
    assert len(found.rows()) >= 8 and found.table()
    feeds = found.parts.sweep.results[0].feeds
    names = {one.feed.name for one in feeds}
    assert "stream quotes" in names and "REST every 1 s" in names
    assert all(0 < one.age.mean.value < 5_000 for one in feeds), found.parts.sweep.table()


def test_every_view_shows_it(ex: vocx.Exchange) -> None:
    """Each with its twin in text."""
    with ex.stream(*program.MARKET, *program.ACCOUNT, symbols=BTC, interval="5m").wait(10) as all_:
        made = [
            views.price(all_, BTC),
            views.book(all_, BTC),
            views.tape(all_, BTC),
            views.orders(all_),
            views.balances(all_),
            views.budget(ex),
            views.dials(ex.lab),
            views.running(),
        ]
        for view in made:
            until(lambda: view.table().strip(), f"{view} shows nothing")  # noqa: B023
            assert "error" not in view.table().lower()
