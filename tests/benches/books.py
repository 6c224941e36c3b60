"""Frames of a venue's book to a local book, in process, against what SDKs ship (python-binance's
``DepthCache``): ``json.loads``, a dict of prices as they are written for each side, and a sorted
list made of it at each look. Both look at the best prices once a message."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from operator import itemgetter
from statistics import median
from typing import Any

import vocx
from benches.row import Row
from vocx.book import LocalBook
from vocx.facts import BookDelta, BookSnapshot
from vocx.venues.base import ChannelSpec, Venue

SECONDS = 30
FRAMES = 3_000
ROUNDS = 7
SYMBOL = "BTC/USDT"
Rows = list[tuple[str, str]]
Read = Callable[[Any], tuple[bool, Rows, Rows] | None]
"""What a plain loop takes of a message: whether it is a snapshot, bids and asks."""


def _okx(message: Any) -> tuple[bool, Rows, Rows] | None:
    if "action" not in message:
        return None
    (row,) = message["data"]
    bids, asks = ([level[:2] for level in row[side]] for side in ("bids", "asks"))
    return message["action"] == "snapshot", bids, asks


def _bybit(message: Any) -> tuple[bool, Rows, Rows] | None:
    if "data" not in message:
        return None
    return message["type"] == "snapshot", message["data"]["b"], message["data"]["a"]


def _coinbase(message: Any) -> tuple[bool, Rows, Rows] | None:
    if message.get("channel") != "l2_data":
        return None
    (event,) = message["events"]
    sides: dict[str, Rows] = {"bid": [], "offer": []}
    for one in event["updates"]:
        sides[one["side"]].append((one["price_level"], one["new_quantity"]))
    return event["type"] == "snapshot", sides["bid"], sides["offer"]


VENUES: dict[str, Read] = {"okx": _okx, "bybit": _bybit, "coinbase": _coinbase}
TARGETS = {"bybit": ">= 2"}
"""Where not 3: Bybit's local book has 200 levels a side, so there is half as much to sort."""


def listened() -> dict[str, list[bytes]]:
    """What the lab's crowd makes the venues send on the connections of their books."""
    found: dict[str, list[bytes]] = {name: [] for name in VENUES}
    with vocx.lab.open(name="bench", seed=7, venues=list(VENUES)) as lab:
        streams = [
            vocx.connect(name, lab=lab).create_stream(
                ["book"], SYMBOL, on_frame=lambda text, arrived_ns, to=texts: to.append(text)
            )
            for name, texts in found.items()
        ]
        for stream in streams:
            stream.start()
        time.sleep(SECONDS)
        for stream in streams:
            stream.stop()
    return {name: [one for one in texts if one[:1] == b"{"] for name, texts in found.items()}


def ours(venue: Venue, texts: list[bytes]) -> Callable[[], LocalBook]:
    """Decode and book, as a stream does."""
    spec = venue.validate_channel(ChannelSpec(channel="book", symbol=SYMBOL))
    (plan,) = venue.plan_sockets([spec])

    def run() -> LocalBook:
        book = LocalBook(SYMBOL, venue.check_sequence, in_stream=True)
        state = venue.open_session(plan)
        for number, text in enumerate(texts):
            for fact in venue.decode(text, number, plan, state):
                if isinstance(fact, BookDelta | BookSnapshot):
                    book.feed(fact)
                    assert book.bid is not None and book.ask is not None
        return book

    return run


def plain(read: Read, texts: list[bytes]) -> Callable[[], list[list[list[float]]]]:
    """A dict for each side, sorted at each look; the last look."""

    def run() -> list[list[list[float]]]:
        bids: dict[str, float] = {}
        asks: dict[str, float] = {}
        look: list[list[list[float]]] = []
        for text in texts:
            found = read(json.loads(text))
            if found is None:
                continue
            snapshot, *sides = found
            if snapshot:
                bids, asks = {}, {}
            look.clear()
            for side, rows in zip((bids, asks), sides, strict=True):
                for price, quantity in rows:
                    side[price] = float(quantity)
                    if not side[price]:
                        del side[price]
                pairs = [[float(price), quantity] for price, quantity in side.items()]
                look.append(sorted(pairs, key=itemgetter(0), reverse=side is bids))
        return look

    return run


def books() -> Iterator[Row]:
    """One row a venue; both in turns, so that a drift of the machine hits both alike."""
    for name, texts in listened().items():
        read = VENUES[name]
        venue = vocx.venues.get(name)
        mine, theirs = ours(venue, texts), plain(read, texts)
        top, look = mine().snapshot(1_000_000), theirs()
        for levels, pairs in zip((top.bids, top.asks), look, strict=True):
            assert [[float(price), float(quantity)] for price, quantity in levels] == pairs
        micros: list[tuple[float, float]] = []
        for _ in range(ROUNDS):
            spent = []
            for run in (mine, theirs):
                start = time.process_time()
                for _ in range(max(1, FRAMES // len(texts))):
                    run()
                spent.append((time.process_time() - start) * 1e6)
            micros.append((spent[0], spent[1]))
        count = len(texts) * max(1, FRAMES // len(texts))
        yield Row(
            f"{name}: json, dicts and sort / decode and book",
            median(theirs / mine for mine, theirs in micros),
            "ratio",
            TARGETS.get(name, ">= 3"),
            {
                "frames": len(texts),
                "bytes_a_frame": sum(map(len, texts)) // len(texts),
                "ours_us": round(median(mine for mine, _ in micros) / count, 1),
                "plain_us": round(median(theirs for _, theirs in micros) / count, 1),
            },
        )
