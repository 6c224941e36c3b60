"""Every view of the package, for tests that look at them all."""

from __future__ import annotations

START = """
import time
from decimal import Decimal
import vocx
from ipywidgets import HBox, Tab, VBox
from vocx import course, measure, views
from vocx.course.signing import SignatureTester
from vocx.hybrid import HybridClient, want
lab = vocx.lab.open(venues=["binance", "okx"])
ex, other = (vocx.connect(name, lab=lab) for name in ("binance", "okx"))
tape = ex.stream("trades", "quotes", "book", symbols="BTC/USDT").wait(10)
alone = ex.stream("quotes", symbols="BTC/USDT").wait(10)
there = other.stream("quotes", symbols="BTC/USDT").wait(10)
bars = ex.stream("candles", symbols="BTC/USDT", interval="1m").wait(10)
bid = ex.quote("BTC/USDT").bid * Decimal("0.98") // 1
order = ex.place_order("BTC/USDT", "buy", "0.01", type="post_only", price=bid)
ex.place_order("BTC/USDT", "buy", "0.02", type="market")
client = HybridClient(ex, "BTC/USDT", lambda view: [want("buy", "0.01", bid)],
                      journal=f"all_views_{lab.pid}.jsonl").start()
cost = measure.traffic(ex, every_ms=250, seconds=1, polls=["quote"], streams=["quotes"], tls=[True])
"""
VIEWS = [
    "views.price(tape)",
    "views.book(tape)",
    "views.tape(tape)",
    "views.candles(bars, history=ex.candles('BTC/USDT', '1m', limit=40))",
    "views.dials(ex.lab)",
    "views.orders(ex)",
    "views.balances(ex)",
    "views.running()",
    "views.budget(ex)",
    "views.hybrid(client)",
    "course.compare(asked=ex, pushed=tape, dials=ex.lab, note='Which line is first?')",
    "course.freshness(asked=ex, pushed=tape, dials=ex.lab)",
    "course.frontier(asked=ex, pushed=alone, cost=cost)",
    "course.board([tape, there], dials=ex.lab, far='okx')",
    "course.signature(SignatureTester(lab))",
]
PAUSE = "time.sleep(3)\nfor one in views.opened(): one.pause()"
"""So that the page has time to be looked at."""
END = "client.stop(); views.stop_all(); vocx.stop_all(); lab.close()"
