"""What the tests of the Binance dialect share: a venue in memory, a paused market, exact events."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from typing import Any

from vocx.lab.dialects.base import Close, HttpIn, HttpOut, Ping, Publication, Raw
from vocx.lab.dialects.binance import Binance
from vocx.lab.events import BestChanged, InstrumentSpec, LevelChanged, Traded
from vocx.lab.market.simulation import CrowdSimulation, open_crowd

T0 = 1_795_334_400_000_000_000
"""2026-11-22 08:00:00 UTC: a whole second, minute and hour."""
MS = 1_000_000
S = 1_000_000_000
INSTRUMENTS = (
    InstrumentSpec(
        base="BTC",
        quote="USDT",
        tick=Decimal("0.01"),
        lot=Decimal("0.00001"),
        price=Decimal("60120.50"),
    ),
    InstrumentSpec(
        base="ETH",
        quote="USDT",
        tick=Decimal("0.01"),
        lot=Decimal("0.0001"),
        price=Decimal("2620"),
        activity=0.3,
    ),
)


def trade(**changed: Any) -> Traded:
    """The trade of the documentation's samples: 0.003 BTC bought at 60120.50."""
    usual: dict[str, Any] = {
        "symbol": "BTC/USDT",
        "at_ns": T0 + 400 * MS,
        "trade_id": 810046,
        "price": 6012050,
        "quantity": 300,
        "taker": "buy",
        "maker_order": 1,
        "taker_order": 2,
    }
    return Traded(**{**usual, **changed})


BEST = BestChanged("BTC/USDT", T0, 7200452, 6012040, 50000, 6012060, 199802)


def level(update_id: int, side: Any, price: int, quantity: int) -> LevelChanged:
    return LevelChanged("BTC/USDT", T0, update_id, side, price, quantity, 1)


def _simulation() -> CrowdSimulation:
    return open_crowd(seed=7, start_ns=T0, specs=INSTRUMENTS, pace=0)


@cache
def _standing_simulation() -> CrowdSimulation:
    simulation = _simulation()
    simulation.step(300, T0)
    return simulation


class Client:
    """One WebSocket connection in memory and everything that was sent to it."""

    def __init__(self, venue: Venue, session: Any) -> None:
        self.venue = venue
        self.session = session
        session.handle = self
        self.got: list[Any] = []
        self.take(session.tick(venue.now_ns) if session.next_tick_ns <= venue.now_ns else ())

    def take(self, outs: Iterable[Any]) -> list[Any]:
        new = [out if isinstance(out, Close | Ping | Raw) else _text(out) for out in outs]
        self.got += new
        return new

    def say(self, message: Any) -> list[Any]:
        """Send one message; what came back at once."""
        text = message if isinstance(message, bytes) else json.dumps(message).encode()
        return self.take(self.session.text(text, self.venue.moment()))

    def ask(self, method: str, params: Any = None, request_id: Any = 1) -> Any:
        """One control message or WebSocket API request; its answer."""
        message = {"method": method, "id": request_id}
        if params is not None:
            message["params"] = params
        return self.say(message)[0]

    def pong(self, payload: bytes) -> list[Any]:
        return self.take(self.session.pong(payload, self.venue.moment()))

    def read(self) -> list[Any]:
        """What arrived since the last reading."""
        new, self.got = self.got, []
        return new


def absolute(target: str) -> str:
    """A target below ``/api/v3/``, unless it is a whole path."""
    return target if target.startswith("/") else "/api/v3/" + target


def _text(out: bytes) -> Any:
    try:
        return json.loads(out)
    except ValueError:
        return out


class Venue:
    """The dialect over a paused market, with a clock that the test turns.

    ``own``: over a market of its own, which the test may step; else over one that stands still.
    """

    def __init__(self, *, own: bool = False) -> None:
        self.now_ns = T0
        self.simulation = _simulation() if own else _standing_simulation()
        self.dialect = Binance(self.simulation, start_ns=T0)
        self._moments = 0

    def moment(self) -> int:
        """The clock now, a nanosecond further each time: a clock that runs."""
        self._moments += 1
        return self.now_ns + self._moments - 1

    def http(self, target: str, method: str = "GET", body: bytes = b"", **headers: str) -> HttpOut:
        """One REST request below ``/api/v3/``, or of a whole path."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = HttpIn(method=method, target=absolute(target), headers=named, body=body)
        return self.dialect.http(request, self.moment())

    def get(self, target: str, **headers: str) -> Any:
        """The body of one GET."""
        return json.loads(self.http(target, **headers).body)

    def error(self, target: str) -> tuple[int, int, str]:
        """Status, code and text of one refused GET."""
        answer = self.http(target)
        body = json.loads(answer.body)
        return answer.status, body["code"], body["msg"]

    def upgrade(self, target: str) -> HttpOut | Client:
        """One upgrade: a client, or the refusal."""
        opened = self.dialect.open(HttpIn(method="GET", target=target, headers={}), self.moment())
        return opened if isinstance(opened, HttpOut) else Client(self, opened)

    def connect(self, target: str) -> Client:
        client = self.upgrade(target)
        assert isinstance(client, Client)
        return client

    def publish(self, *events: Any) -> None:
        """Hand events to whoever listens."""
        _deliver(self.dialect.publish(events, self.now_ns))

    def step(self, count: int) -> list[Any]:
        """Let the crowd act; the events, published."""
        events = self.simulation.step(count, self.now_ns)
        self.publish(*events)
        return events

    def step_to_trade(self) -> None:
        """Let the crowd act until BTC/USDT has traded."""
        while not any(
            isinstance(event, Traded) and event.symbol == "BTC/USDT" for event in self.step(20)
        ):
            pass

    def pass_time(self, ns: int) -> None:
        """Turn the clock, with every tick that is due on the way."""
        end_ns = self.now_ns + ns
        while (due_ns := self.dialect.next_tick_ns) <= end_ns:
            self.now_ns = max(due_ns, self.now_ns)
            _deliver(self.dialect.tick(self.now_ns))
        self.now_ns = end_ns

    def command(self, command: str, /, **arguments: Any) -> Any:
        return self.dialect.command(command, arguments, self.now_ns)


def _deliver(publications: Iterable[Publication]) -> None:
    for publication in publications:
        for session in publication.to:
            session.handle.take([publication.payload])
