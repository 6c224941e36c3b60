"""Orders: a signed round trip against a bare one, and what signing costs."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from decimal import Decimal
from functools import partial
from io import StringIO
from multiprocessing.connection import Connection
from statistics import median

import requests

import vocx
from benches.row import Row
from vocx.venues.base import Credentials, PlaceOrder, Venue

ROUNDS, WARM = 400, 50


def _nothing(out: Connection) -> None:
    """A handler that does nothing, in the lab's own kind of server and process."""
    from aiohttp import web

    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=b"{}", content_type="application/json")

    app = web.Application()
    app.router.add_post("/order", handle)

    async def started(_: web.Application) -> None:
        out.send("ready")

    app.on_startup.append(started)
    import socket

    listener = socket.create_server(("127.0.0.1", 0))
    out.send(listener.getsockname()[1])
    web.run_app(app, sock=listener, print=None)


def round_trips() -> Iterator[Row]:
    """Alternately: a bare POST, an order by REST, an order by WebSocket."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_nothing, args=(theirs,), daemon=True)
    child.start()
    url = f"http://127.0.0.1:{ours.recv()}/order"
    ours.recv()
    try:
        with redirect_stdout(StringIO()):
            lab = vocx.lab.open(name="bench-orders")
            ex = vocx.connect(lab=lab)
        with lab, ex, requests.Session() as session:
            session.trust_env = False
            lab.pause()
            lab.limits(off=True)
            ex.budget.stop_at = None
            yield from _measured(session, url, ex)
    finally:
        child.terminate()
        child.join()


def _measured(session: requests.Session, url: str, ex: vocx.Exchange) -> Iterator[Row]:
    def order(via: str) -> None:
        ex.place_order(
            "BTC/USDT", "buy", "0.001", type="limit", price="40000", time_in_force="IOC", via=via
        )

    ways: dict[str, Callable[[], object]] = {
        "bare": lambda: session.post(url, data=b"", timeout=5).content,
        "rest": lambda: order("rest"),
        "websocket": lambda: order("websocket"),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(WARM + ROUNDS):
        for name, act in ways.items():
            begun = time.perf_counter()
            act()
            if number >= WARM:
                taken[name].append((time.perf_counter() - begun) * 1e3)
    p50 = {name: median(values) for name, values in taken.items()}
    notes = {f"{name}_p50_ms": round(value, 3) for name, value in p50.items()}
    yield Row("order round trip by REST", p50["rest"] / p50["bare"], "x bare POST", "<= 2", notes)
    yield Row(
        "order round trip by WebSocket",
        p50["websocket"] / p50["bare"],
        "x bare POST",
        "<= 2",
        notes,
    )


def signing() -> Iterator[Row]:
    """Microseconds to build and sign one order, with each kind of key."""
    venue = vocx.venues.get("binance")
    order = PlaceOrder(
        symbol="BTC/USDT",
        side="buy",
        type="limit",
        client_order_id="vocx-01M81HERF0T8RS18YFZ2TPPRJG",
        quantity=Decimal("0.01"),
        price=Decimal("60000"),
        time_in_force="GTC",
    )
    now_ns = 1_795_334_400_000_000_000
    for kind, secret in (("HMAC", "s" * 64), ("Ed25519", _pem())):
        key = Credentials(key="k" * 64, secret=secret)
        ways: dict[str, Callable[[], object]] = {
            "REST": partial(_signed, venue, order, now_ns, key),
            "WebSocket": partial(venue.ws_request, order, 1, now_ns, key, ""),
        }
        for way, build in ways.items():
            micros = min(_micros(build) for _ in range(5))
            yield Row(f"build and sign an order, {kind}, {way}", micros, "us", "<= 500")


def _signed(venue: Venue, order: PlaceOrder, now_ns: int, key: Credentials) -> object:
    return venue.sign(venue.request(order), now_ns, key, "")


def _micros(build: Callable[[], object], times: int = 1000) -> float:
    begun = time.process_time()
    for _ in range(times):
        build()
    return (time.process_time() - begun) / times * 1e6


def _pem() -> str:
    """A new private key, as one is kept in a file."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    made = Ed25519PrivateKey.generate()
    plain = form.NoEncryption()
    return made.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, plain).decode()


def orders() -> Iterator[Row]:
    """Both."""
    yield from round_trips()
    yield from signing()
