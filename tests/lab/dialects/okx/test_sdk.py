"""OKX's official SDK (python-okx) against the lab: only its URLs are changed. Its sockets are
``wss`` with the lab's authority in ``SSL_CERT_FILE``, unpatched."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("okx", reason="the official SDK is not installed")

from okx import Account, MarketData, PublicData, Trade
from okx.websocket.WsPrivateAsync import WsPrivateAsync
from okx.websocket.WsPublicAsync import WsPublicAsync

import vocx.lab
from vocx.lab import Lab
from vocx.venues.base import Credentials

# The SDK asks for a loop before there is one.
pytestmark = pytest.mark.filterwarnings("ignore")
BTC = "BTC-USDT"
_made: list[Any] = []
"""The SDK's HTTP clients, which it does not close."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with vocx.lab.open(name="python-okx", seed=7, venues=["okx"]) as opened:
        yield opened
    for one in _made:
        one.close()


def client(lab: Lab, kind: Any, key: Credentials | None = None, flag: str = "0") -> Any:
    key = key or lab.credentials("okx")
    domain = lab.urls["okx"]["rest"]
    made = kind(key.key, key.secret, key.passphrase, flag=flag, domain=domain, debug=False)
    _made.append(made)
    return made


def rows(answer: Any) -> list[Any]:
    assert answer["code"] == "0", answer
    found: list[Any] = answer["data"]
    return found


def test_what_can_be_asked(lab: Lab) -> None:
    """Everything public that the SDK has a method for."""
    public, market = client(lab, PublicData.PublicAPI), client(lab, MarketData.MarketAPI)
    assert {one["instId"] for one in rows(public.get_instruments("SPOT"))} >= {BTC, "ETH-USDT"}
    assert rows(public.get_instruments("SWAP")) == []
    assert abs(int(rows(public.get_system_time())[0]["ts"]) / 1000 - time.time()) < 5
    assert rows(market.get_ticker(BTC))[0]["instId"] == BTC
    assert len(rows(market.get_tickers("SPOT"))) > 3
    (book,) = rows(market.get_orderbook(BTC, sz="20"))
    assert len(book["asks"]) == len(book["bids"]) == 20 and len(book["asks"][0]) == 4
    assert len(rows(market.get_trades(BTC, limit="7"))) == 7
    candles = rows(market.get_candlesticks(BTC, bar="1H", limit="5"))
    assert len(candles) == 5 and [one[8] for one in candles] == ["0", "1", "1", "1", "1"]
    assert market.get_ticker("NO-SUCH")["code"] == "51001"


def test_orders(lab: Lab) -> None:
    """Placed, asked for, amended, cancelled, in batches; empty texts mean absent."""
    trade, account = client(lab, Trade.TradeAPI), client(lab, Account.AccountAPI)
    market = client(lab, MarketData.MarketAPI)
    bid = Decimal(rows(market.get_ticker(BTC))[0]["bidPx"])
    low = format((bid * Decimal("0.96")).quantize(Decimal(1)) + Decimal("0.1"), "f")
    wish = {"instId": BTC, "tdMode": "cash", "side": "buy", "ordType": "limit", "px": low}
    placed = trade.place_order(**wish, sz="0.001", clOrdId="sdk1")
    (row,) = rows(placed)
    assert row["sCode"] == "0" and len(placed["inTime"]) == 16
    again = trade.place_order(**wish, sz="0.001", clOrdId="sdk1")
    assert again["code"] == "1" and again["data"][0]["sCode"] == "51016"
    (shown,) = rows(trade.get_order(BTC, clOrdId="sdk1"))
    assert (shown["state"], shown["px"], shown["avgPx"]) == ("live", low, "")
    assert [one["ordId"] for one in rows(trade.get_order_list("SPOT"))] == [row["ordId"]]
    (usdt,) = rows(account.get_account_balance(ccy="USDT"))[0]["details"]
    assert Decimal(usdt["cashBal"]) == Decimal(usdt["availBal"]) + Decimal(usdt["frozenBal"])
    assert Decimal(usdt["ordFrozen"]) == Decimal(low) * Decimal("0.001")
    rows(trade.amend_order(BTC, ordId=row["ordId"], newSz="0.002"))
    assert rows(trade.get_order(BTC, ordId=row["ordId"]))[0]["sz"] == "0.002"
    rows(trade.cancel_order(BTC, ordId=row["ordId"]))
    ended = trade.cancel_order(BTC, ordId=row["ordId"])
    assert ended["code"] == "1" and ended["data"][0]["sCode"] == "51400"
    batch = trade.place_multiple_orders([{**wish, "sz": "0.001"}, {**wish, "sz": "0.000001"}])
    assert batch["code"] == "2" and [one["sCode"] for one in batch["data"]] == ["0", "51020"]
    rows(trade.cancel_multiple_orders([{"instId": BTC, "ordId": batch["data"][0]["ordId"]}]))
    bought = rows(trade.place_order(BTC, "cash", "buy", "market", "100", clOrdId="sdk2"))[0]
    (done,) = rows(trade.get_order(BTC, ordId=bought["ordId"]))
    assert (done["state"], done["tgtCcy"], done["sz"]) == ("filled", "quote_ccy", "100")
    fills = rows(trade.get_fills("SPOT"))
    assert all(Decimal(one["fee"]) < 0 and one["feeCcy"] == "BTC" for one in fills)
    assert sum(Decimal(one["fillSz"]) for one in fills) == Decimal(done["accFillSz"])
    assert len(rows(trade.get_orders_history("SPOT"))) >= 3
    assert rows(account.get_account_config())[0]["acctLv"] == "1"
    assert rows(account.get_fee_rates("SPOT"))[0]["maker"] == "-0.0008"


def test_keys_belong_to_an_environment(lab: Lab) -> None:
    """A live key with the header of demo trading is refused, and the other way round."""
    assert client(lab, Account.AccountAPI, flag="1").get_account_balance()["code"] == "50101"
    demo = lab.account("demo", venue="okx", demo=True)
    assert client(lab, Account.AccountAPI, demo, "0").get_account_balance()["code"] == "50101"
    rows(client(lab, Account.AccountAPI, demo, "1").get_account_balance())


async def _heard(got: list[Any], true: Callable[[list[Any]], bool]) -> None:
    async with asyncio.timeout(15):
        while not true(got):
            await asyncio.sleep(0.02)


def test_sockets_over_tls(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Public at once; private after the login that each ``subscribe`` sends."""
    monkeypatch.setenv("SSL_CERT_FILE", str(lab.certificate()))
    urls, key = lab.tls_urls["okx"], lab.credentials("okx")
    trade = client(lab, Trade.TradeAPI)

    async def story() -> None:
        public: list[Any] = []
        private: list[Any] = []
        market = WsPublicAsync(url=urls["ws_public"])
        await market.start()
        await market.subscribe(
            [{"channel": "books", "instId": BTC}, {"channel": "trades", "instId": BTC}],
            lambda text: public.append(json.loads(text)),
        )
        account = WsPrivateAsync(
            apiKey=key.key,
            passphrase=key.passphrase,
            secretKey=key.secret,
            url=urls["ws_private"],
        )
        await account.start()
        await account.subscribe(
            [{"channel": "orders", "instType": "SPOT"}, {"channel": "account"}],
            lambda text: private.append(json.loads(text)),
        )
        await _heard(public, lambda got: len(got) > 20)
        assert [one["event"] for one in public[:2] if "event" in one]
        books = [one for one in public if one.get("arg", {}).get("channel") == "books"
                 and "data" in one]  # fmt: skip
        assert books[0]["action"] == "snapshot" and books[0]["data"][0]["prevSeqId"] == -1
        for before, after in zip(books, books[1:], strict=False):
            assert after["data"][0]["prevSeqId"] == before["data"][0]["seqId"]
        await _heard(private, lambda got: any(one.get("eventType") == "snapshot" for one in got))
        taken = await asyncio.to_thread(trade.place_order, BTC, "cash", "buy", "market", "50")
        number = rows(taken)[0]["ordId"]

        def states(got: list[Any]) -> list[str]:
            told = [one["data"][0] for one in got if one.get("arg", {}).get("channel") == "orders"
                    and "data" in one]  # fmt: skip
            return [one["state"] for one in told if one["ordId"] == number]

        await _heard(private, lambda got: "filled" in states(got))
        told = states(private)
        assert told[0] == "live" and told[-1] == "filled" and "partially_filled" in told
        for one in (market, account):
            await one.factory.close()

    asyncio.run(story())
