"""A venue of a few lines for a lab: it answers with its name, and does what its owner commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from vocx.errors import BadInput
from vocx.lab.dialects.base import Close, HttpIn, HttpOut, KeyPair, Out, Publication, Session
from vocx.lab.events import AnyEvent
from vocx.lab.market.instruments import CrowdTraits
from vocx.lab.ports import MarketSimulation

NEVER_NS = 2**62


class SmallVenue:
    """REST says its name; a socket hears of each event, and the text ``fail`` raises."""

    name = "small"
    paths: Mapping[str, str] = {"rest": "/v1", "public": "/socket"}
    recording: Any = SimpleNamespace(event_id=lambda data: None)
    next_tick_ns = NEVER_NS
    crowd = CrowdTraits()

    def __init__(self, start_ns: int, entropy: bytes) -> None:
        self.credentials: KeyPair | None = KeyPair(
            key=entropy[:8].hex(), secret=entropy[8:16].hex(), passphrase="open"
        )
        self.emit: Callable[[Sequence[AnyEvent]], None] = lambda events: None
        self.listened = False
        self.failing = False
        self.start_ns = start_ns
        self._sessions: list[SmallSession] = []
        self._state: dict[str, Any] = {"scale": 1.0, "off": False, "seconds": 0.0}
        self._faults: list[dict[str, Any]] = []
        self._numbers = 0

    @classmethod
    def create(cls, simulation: MarketSimulation, *, start_ns: int, entropy: bytes) -> SmallVenue:
        return cls(start_ns, entropy)

    def http(self, request: HttpIn, now_ns: int) -> HttpOut:
        if request.target == "/v1/fail":
            raise ZeroDivisionError("a fault of ours")
        return HttpOut(status=200, headers={}, body=b'"small"')

    def open(self, request: HttpIn, now_ns: int) -> Session | HttpOut:
        self._sessions.append(SmallSession())
        return self._sessions[-1]

    def internal_error(self, request: HttpIn, now_ns: int) -> HttpOut:
        return HttpOut(status=500, headers={}, body=b'"ours"')

    def publish(self, events: Iterable[AnyEvent], now_ns: int) -> Iterable[Publication]:
        if self.failing:
            raise ZeroDivisionError("a fault of ours")
        return [Publication(b"event", list(self._sessions)) for _ in events]

    def tick(self, now_ns: int) -> Iterable[Publication]:
        return []

    def pause_limits(self, paused: bool) -> None: ...

    def command(self, name: str, arguments: Mapping[str, Any], now_ns: int) -> Any:
        if name == "account":
            return {"account": arguments.get("name"), "key": "k", "secret": "s", "passphrase": "p"}
        if name == "fault":
            return self._fault(arguments)
        if name == "shutdown":
            self.failing = True
            return {"connections": len(self._sessions)}
        if unknown := set(arguments) - {*self._state, "reset", "advance"}:
            raise BadInput(f"small has no {sorted(unknown)[0]!r}")
        self._state |= arguments
        return dict(self._state)

    def _fault(self, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        if "off" in arguments:
            off = arguments["off"]
            kept = [one for one in self._faults if off not in ("all", one["id"], one["name"])]
            if off != "all" and kept == self._faults:
                raise BadInput(f"no fault {off!r} is on")
            self._faults = kept
        elif arguments:
            self._numbers += 1
            self._faults.append({"id": self._numbers, **arguments})
        return list(self._faults)


class SmallSession:
    """One connection."""

    next_tick_ns = NEVER_NS
    handle: Any = None

    def text(self, message: bytes, now_ns: int) -> Iterable[Out]:
        if message == b"fail":
            raise ZeroDivisionError("a fault of ours")
        return [message]

    def ping(self, payload: bytes, now_ns: int) -> Iterable[Out]:
        return []

    def pong(self, payload: bytes, now_ns: int) -> Iterable[Out]:
        return []

    def tick(self, now_ns: int) -> Iterable[Out]:
        return []

    def closed(self, now_ns: int) -> None: ...

    def internal_error(self, now_ns: int) -> Iterable[Out]:
        return [Close(1011, "ours")]
