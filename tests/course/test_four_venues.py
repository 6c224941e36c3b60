"""What lesson 09 shows: one trade, order, book and plan at four venues, and a spread's truth."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

import vocx
from vocx.course import four_venues, venue_spreads
from vocx.course.four_venues import BTC, PublicTrade
from vocx.course.venue_comparison import VENUES
from vocx.course.venue_spreads import Spread, spread, watch_spread
from vocx.course.with_ccxt import pointed_at
from vocx.errors import BadInput
from vocx.exchange import Exchange
from vocx.lab import Lab

Four = dict[str, Exchange]


@pytest.fixture(scope="module")
def four_lab() -> Iterator[Lab]:
    with vocx.lab.open(name="four venues", venues=VENUES) as lab:
        yield lab


@pytest.fixture(scope="module")
def four(four_lab: Lab) -> Iterator[Four]:
    found = {name: vocx.connect(name, lab=four_lab) for name in VENUES}
    yield found
    for one in found.values():
        one.close()


@pytest.fixture(scope="module")
def trades(four: Four) -> list[PublicTrade]:
    return [four_venues.market_buy(one) for one in four.values()]


def test_our_trade_is_found_in_public(trades: list[PublicTrade]) -> None:
    """We bought on each: every fact says so, and Coinbase's row says the opposite word."""
    assert [one.venue for one in trades] == [*VENUES]
    assert {one.fact.side for one in trades} == {"buy"}
    assert trades[0].row["m"] is False
    assert [one.row[name] for one, name in zip(trades[1:], ("side", "S", "side"), strict=True)] == [
        "buy", "Buy", "SELL",
    ]  # fmt: skip
    for one in trades:
        shown = str(one)
        assert shown.startswith(one.venue) and max(map(len, shown.splitlines())) <= 96


def test_fields_that_mean_the_same_are_joined(trades: list[PublicTrade]) -> None:
    """Six meanings in four columns; each joined with the column before it."""
    meanings = [{meaning for meaning, _ in four_venues._meanings(one)} for one in trades]
    assert set.intersection(*meanings) == {*four_venues.CONCEPTS} - {"count"}
    assert len(four_venues.figure(trades).data) == 3 * 6


def test_frames_that_are_no_json_are_passed_over() -> None:
    """OKX answers a ping with a word."""
    frames = [b"pong", b'{"data": [{"sz": "1"}, {"sz": []}]}']
    assert [*four_venues._rows(frames, "sz")] == [{"sz": "1"}]


@pytest.mark.parametrize(
    ("venue", "proof"),
    [
        ("binance", "X-MBX-APIKEY"),
        ("okx", "OK-ACCESS-PASSPHRASE"),
        ("bybit", "X-BAPI-SIGN"),
        ("coinbase", "Authorization"),
    ],
)
def test_one_order_four_proofs(four_lab: Lab, four: Four, venue: str, proof: str) -> None:
    """What proves it is named, the signature's end at most is shown, and the secret never."""
    shown = four_venues.signed(four[venue], four_lab)
    assert proof in shown and four_lab.credentials(venue).secret not in shown
    assert max(map(len, shown.splitlines())) <= 110


def test_each_book_notices_a_hole_and_heals(four_lab: Lab, four: Four) -> None:
    """One lost change of the book at each venue: noticed by its rule, and no level is wrong."""
    streams = [one.stream("quotes", "book", symbols=BTC).wait(10) for one in four.values()]
    told = [four_venues.lose_one(four_lab, one, "book") for one in streams]
    assert all(one.endswith("book: a gap, and made whole again") for one in told), told
    audited = four_venues.audit(four_lab, streams).splitlines()
    assert all(line.endswith("0 of 40 levels wrong") for line in audited), audited
    assert not four_lab.faults and not four_lab.halted
    for one in streams:
        one.stop()


def test_limits_and_a_plan(four: Four) -> None:
    """Two channels of 300 symbols fit one connection each; limits are the venues' own."""
    found = {name: four_venues.allowance(one, 300) for name, one in four.items()}
    assert {one.plan.topics for one in found.values()} == {600}
    assert {name: one.plan.messages for name, one in found.items()} == {
        "binance": 3, "okx": 6, "bybit": 60, "coinbase": 3,
    }  # fmt: skip
    assert {name: one.orders_per_10_s for name, one in found.items()} == {
        "binance": 100, "okx": 300, "bybit": 200, "coinbase": 300,
    }  # fmt: skip
    assert found["binance"].quotes_per_minute == 3000
    assert len(four_venues.planner([*four.values()], 300).splitlines()) == 5


# between venues


def price(bid: str | None, ask: str | None) -> Any:
    return SimpleNamespace(
        bid=bid and Decimal(bid), ask=ask and Decimal(ask), in_sync=True, age_ms=5.0
    )


def test_the_best_pair_is_of_two_venues() -> None:
    """Never the ask and the bid of one, however narrow; a venue with one side is used for it."""
    quotes = {"a": price("99", "100"), "b": price("97", "98"), "c": price("100.5", None)}
    best = spread(quotes)
    assert best == Spread("b", "c", Decimal(98), Decimal("100.5")) and best.amount == Decimal("2.5")
    assert str(best) == "buy b, sell c: +2.50 (+255.10 bp)"
    apart = spread({"a": price("100", "101"), "b": price("98", "99")})
    nothing = spread({"a": price("100", "102"), "b": price("99", "101")})
    assert apart is not None and (apart.buy, apart.amount) == ("b", 1)
    assert nothing is not None and nothing.amount == -1
    assert spread({"a": price("99", "100")}) is None


@pytest.mark.parametrize(
    ("change", "good"),
    [({}, True), ({"in_sync": False}, False), ({"age_ms": 11.0}, False), ({"age_ms": None}, False),
     ({"ask": None}, False)],
)  # fmt: skip
def test_a_price_that_counts(change: dict[str, Any], good: bool) -> None:
    """Whole, in sync, and proven no older than the limit; without a limit age does not matter."""
    one = price("1", "2")
    one.__dict__.update(change)
    assert venue_spreads.usable(one, 10) is good
    assert venue_spreads.usable(one, None) is (good or "age_ms" in change)


def test_what_is_shown_between_venues_is_held_against_the_truth(four_lab: Lab, four: Four) -> None:
    """In a market that stands still, what is shown is true; without prices that is said."""
    streams = [one.stream("quotes", symbols=BTC).wait(10) for one in four.values()]
    four_lab.pause()
    try:
        for one in streams:
            one.wait(10)
        still = watch_spread(four_lab, streams, BTC, seconds=1.0, max_age_ms=60_000)
    finally:
        four_lab.resume()
    assert still.shown == pytest.approx(still.true, abs=0.02) and still.paid == 0
    assert f"0 of {still.looks} beyond fees" in str(still)
    for one in streams:
        one.stop()
    with pytest.raises(BadInput, match="wait for the streams"):
        watch_spread(four_lab, [], BTC, seconds=0.1)


# ccxt


class _Ccxt:
    """What is used of ccxt: an exchange with nested addresses that fetches."""

    class okx:
        def __init__(self, options: dict[str, Any]) -> None:
            self.options = options["options"]
            self.urls: dict[str, Any] = {
                "api": {"rest": "https://www.okx.com", "more": ["https://x.com/v2", None]}
            }

        def fetch(self, url: str, method: str = "GET") -> str:
            return f"{method} {url}"


def test_addresses_are_all_that_is_changed(four_lab: Lab) -> None:
    """Nested ones too, their paths kept; what is asked is noted without its query."""
    client, asked = pointed_at(four_lab, _Ccxt, "okx")
    url = four_lab.url("okx", "rest")
    assert client.urls["api"] == {"rest": url, "more": [f"{url}/v2", None]}
    assert client.fetch(f"{url}/api/v5/x?y=1") == f"GET {url}/api/v5/x?y=1"
    assert asked == ["/api/v5/x"]


@pytest.mark.parametrize("venue", VENUES)
def test_ccxt_itself(four_lab: Lab, four: Four, venue: str) -> None:
    """Where it is installed: the same two calls on all four. It passes Coinbase's side on as it is
    printed (4.5.90, 2026-11)."""
    client, asked = pointed_at(four_lab, pytest.importorskip("ccxt"), venue)
    quote = client.fetch_ticker(BTC)
    assert 0 < quote["bid"] < quote["ask"] and asked
    before = {one["id"] for one in client.fetch_trades(BTC)}
    ours = four_venues.market_buy(four[venue]).fact
    sides = {
        one["side"]
        for one in client.fetch_trades(BTC)
        if one["id"] not in before
        and (one["price"], one["amount"]) == (float(ours.price), float(ours.quantity))
    }
    assert sides == {"sell" if venue == "coinbase" else "buy"}


def test_a_body_made_twice_is_refused_within_200(four_lab: Lab) -> None:
    """Bybit's signature covers the bytes of the body; its refusal is no error of HTTP."""
    reply = four_venues.serialised_twice(four_lab)
    assert reply.status_code == 200 and reply.json()["retCode"] == 10004
