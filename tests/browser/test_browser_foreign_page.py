"""A web page of somebody else, open in the same browser, can neither use the lab nor harm it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import vocx
import vocx.lab
from vocx.lab import Lab

IMAGES = 95
VENUES = ["binance", "bybit", "okx", "coinbase"]
PAGE = """<!doctype html><title>foreign</title><body><script>
const urls = %s, answers = [];
const note = (how) => (event) => answers.push(how);
for (const [name, url] of Object.entries(urls.rest)) {
  for (let number = 0; number < %d; number++) {
    const image = new Image();
    image.onload = note("loaded"); image.onerror = note("refused");
    image.src = url + urls.heavy[name] + "&n=" + number;
  }
  const script = document.createElement("script");
  script.onload = note("loaded"); script.onerror = note("refused");
  script.src = url + urls.heavy[name]; document.body.append(script);
  const frame = document.createElement("iframe");
  frame.onload = note("refused"); frame.src = url + urls.heavy[name]; document.body.append(frame);
  fetch(url + urls.heavy[name]).then(note("read"), note("refused"));
  fetch(url + urls.heavy[name], {method: "POST", mode: "no-cors", body: "a=b"})
    .then(note("refused"), note("refused"));
}
fetch(urls.control, {method: "POST", mode: "no-cors", body: '{"op":"close"}'})
  .then(note("refused"), note("refused"));
for (const url of urls.sockets) {
  const socket = new WebSocket(url);
  socket.onopen = note("opened"); socket.onerror = note("refused");
}
window.answers = answers;
</script>"""
HEAVY = {
    "binance": "/api/v3/depth?symbol=BTCUSDT&limit=5000",
    "bybit": "/v5/market/orderbook?category=spot&symbol=BTCUSDT&limit=200",
    "okx": "/api/v5/market/books-full?instId=BTC-USDT&sz=5000",
    "coinbase": "/api/v3/brokerage/market/product_book?product_id=BTC-USDT&limit=500",
}


@pytest.fixture
def lab() -> Iterator[Lab]:
    with vocx.lab.open(name="attacked", venues=VENUES) as opened:
        yield opened


@pytest.fixture
def foreign() -> Iterator[Callable[[str], str]]:
    """``foreign(html)`` serves a page on a port of its own; its number."""
    pages: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(pages[0])

        def log_message(self, *arguments: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def serve(html: str) -> str:
        pages.append(html.encode())
        return str(server.server_address[1])

    yield serve
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_foreign_page(lab: Lab, foreign: Callable[[str], str], chromium: Any, host: str) -> None:
    """95 images of each venue, scripts, frames, calls and sockets: all are refused before they
    count, from this machine's other ports (same site) as from another name (cross site), and
    clients of this machine go on as if nothing had been."""
    assert lab._ready is not None
    sockets = [url for urls in lab.urls.values() for name, url in urls.items() if name != "rest"]
    urls = {
        "rest": {name: lab.urls[name]["rest"] for name in VENUES},
        "heavy": HEAVY,
        "sockets": sockets,
        "control": lab._ready.control.url,
    }
    port = foreign(PAGE % (json.dumps(urls), IMAGES))
    page = chromium.new_page()
    statuses: list[int] = []
    page.on(
        "response",
        lambda answer: statuses.append(answer.status) if f":{port}/" not in answer.url else None,
    )
    page.goto(f"http://{host}:{port}/")
    expected = len(VENUES) * (IMAGES + 4) + 1 + len(sockets)
    deadline = time.monotonic() + 60
    while len(answers := page.evaluate("window.answers")) < expected:
        assert time.monotonic() < deadline, f"{len(answers)} of {expected}"
        page.wait_for_timeout(50)
    page.close()
    assert set(answers) == {"refused"} and set(statuses) == {403}
    for name in VENUES:
        state = lab.control("limits", venue=name)
        assert all(not peer["bans"] for peer in state["peers"].values())
        assert lab.status()["venues"][name].get("http requests", 0) == 0
        with closing(vocx.connect(name, lab=lab)) as exchange:
            assert exchange.order_book("BTC/USDT").bids
    assert lab.alive
