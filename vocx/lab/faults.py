"""Venue faults that can be switched on: what a venue does wrong, apart from the network.

Two kinds, told apart by what they are scoped to:

* **answers** (``path="/api/v3/depth"`` and below, or a pattern; default ``"/"``, everything)
  change what one request gets: an error, an HTML page, truncated JSON, no answer, a late answer.
  ``executed`` says whether the request is carried out before the error is answered (its default
  is what the error promises); ``lost_answer`` has been, ``lost_request`` has not, and
  ``delivered_twice`` has been twice. ``path="POST /api/v3/order"`` hits one HTTP method only;
* **streams** (``stream="btcusdt@depth@100ms"``, a name or a pattern such as ``"*@trade"``;
  default ``"*"``) change what the listeners of a stream get: broken frames, silence, duplicates,
  swapped or missing messages, a closed connection;
* ``dial`` (``path="/ws"``) refuses WebSocket upgrades.

Each fault lives until it is switched off, or for ``count`` messages. Nothing here knows a venue:
its dialect brings the answers' bodies.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from vocx.errors import BadInput
from vocx.lab.dialects.base import Close, HttpOut, Out, Raw

ANSWER = "answer"
STREAM = "stream"
DIAL = "dial"
HUGE_BYTES = 22 * 2**20
_TEXT_FRAME = 0x81

KINDS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "region": (ANSWER, {}),
    "forbidden": (ANSWER, {}),
    "timeout": (ANSWER, {"executed": True}),
    "overloaded": (ANSWER, {"executed": False}),
    "internal": (ANSWER, {"executed": False}),
    "gone": (ANSWER, {}),
    "html": (ANSWER, {"status": 503, "executed": False}),
    "truncated_json": (ANSWER, {}),
    "lost_answer": (ANSWER, {}),
    "lost_request": (ANSWER, {}),
    "delivered_twice": (ANSWER, {}),
    "late_answer": (ANSWER, {"seconds": 1.0}),
    "dial": (DIAL, {"status": 503, "retry_after": None}),
    "malformed": (STREAM, {"instead": True}),
    "truncated": (STREAM, {}),
    "array": (STREAM, {"instead": False}),
    "unknown_event": (STREAM, {"instead": False}),
    "huge": (STREAM, {"instead": False, "bytes": HUGE_BYTES}),
    "silence": (STREAM, {}),
    "duplicate": (STREAM, {}),
    "reorder": (STREAM, {}),
    "drop": (STREAM, {}),
    "close": (STREAM, {"code": 1001, "reason": ""}),
}
"""Every fault: what it is scoped to, and its options with their defaults."""
_TOUCHES = frozenset({"truncated_json", "lost_answer", "delivered_twice", "late_answer"})
"""Answer faults that spoil a real answer: the request is executed."""
UNTIL_OFF = frozenset({"silence", "region"})
"""Faults that last until they are switched off unless ``count`` says otherwise; the others
happen once."""


class Fault(msgspec.Struct, kw_only=True):
    """One fault in force. ``left`` is how many messages it still hits, ``None`` for all."""

    id: int
    name: str
    kind: str
    scope: str
    left: int | None
    options: dict[str, Any]
    hits: int = 0

    @property
    def executes(self) -> bool:
        """Whether the request is carried out all the same."""
        return bool(self.options.get("executed", self.name in _TOUCHES))

    def hits_path(self, path: str, verb: str = "") -> bool:
        """Whether a path is the scope or lies below it (``/ws`` does not hit ``/ws-api``); a scope
        may name the HTTP method as well: ``POST /api/v3/order``."""
        wanted, space, scope = self.scope.partition(" ")
        if not space:
            wanted, scope = verb, self.scope
        below = path == scope.rstrip("/") or path.startswith(f"{scope.rstrip('/')}/")
        return wanted == verb and (below or fnmatchcase(path, scope))

    def hits_stream(self, stream: str) -> bool:
        return fnmatchcase(stream, self.scope)

    def state(self) -> dict[str, Any]:
        """As the owner reads it."""
        scope = "stream" if self.kind == STREAM else "path"
        return {
            "id": self.id,
            "name": self.name,
            scope: self.scope,
            "left": self.left,
            "hits": self.hits,
            **self.options,
        }


class Faults:
    """The faults in force, oldest first: the oldest that fits is the one that happens."""

    def __init__(self) -> None:
        self.active: list[Fault] = []
        self._ids = 0

    def command(self, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The owner's ``fault`` command; answers with what is in force afterwards.

        ``name`` with ``path`` or ``stream``, ``count`` (an integer, or ``"all"``: until switched
        off) and the fault's own options switches one on; ``off=`` an id, a name or ``"all"``
        switches off; nothing at all just lists.
        """
        given = dict(arguments)
        if "off" in given:
            self.off(given.pop("off"))
            if given:
                raise BadInput('off stands alone: lab.fault(off="all")')
        elif given:
            self.add(given.pop("name", None), **given)
        return self.state()

    def state(self) -> list[dict[str, Any]]:
        """Every fault in force: id, name, scope, messages left, hits, options."""
        return [fault.state() for fault in self.active]

    def add(
        self,
        name: Any,
        *,
        path: str | None = None,
        stream: str | None = None,
        count: int | str | None = None,
        **options: Any,
    ) -> Fault:
        """Switch one fault on."""
        if name not in KINDS:
            raise BadInput(f"no fault {name!r}; there are: {', '.join(KINDS)}")
        kind, defaults = KINDS[name]
        if unknown := set(options) - set(defaults):
            has = ", ".join(defaults) or "none"
            raise BadInput(f"{name} has no option {sorted(unknown)[0]!r}; it has: {has}")
        if kind == STREAM and path is not None:
            raise BadInput(f'{name} hits streams: write stream="btcusdt@trade", not path')
        if kind != STREAM and stream is not None:
            raise BadInput(f'{name} hits requests: write path="/api/v3/depth", not stream')
        self._ids += 1
        fault = Fault(
            id=self._ids,
            name=name,
            kind=kind,
            scope=(stream or "*") if kind == STREAM else (path or "/"),
            left=_left(name, count),
            options={**defaults, **options},
        )
        self.active.append(fault)
        return fault

    def off(self, which: int | str) -> None:
        """Switch off by id, by name, or ``"all"``."""
        kept = [one for one in self.active if which not in ("all", one.id, one.name)]
        if len(kept) == len(self.active) and which != "all":
            raise BadInput(f"no fault {which!r} is on; see lab.faults")
        self.active = kept

    def answer(self, path: str, verb: str = "") -> Fault | None:
        """The fault that this request meets, counted."""
        return self._take(
            one for one in self.active if one.kind == ANSWER and one.hits_path(path, verb)
        )

    def dial(self, path: str) -> Fault | None:
        """The fault that this upgrade meets, counted; a restricted region refuses it, too."""
        return self._take(
            one
            for one in self.active
            if (one.kind == DIAL or one.name == "region") and one.hits_path(path)
        )

    def message(self, stream: str) -> Fault | None:
        """The fault that this message of a stream meets, counted."""
        return self._take(
            one for one in self.active if one.kind == STREAM and one.hits_stream(stream)
        )

    def hit_stream(self, stream: str) -> bool:
        """Whether a stream is, or may come to be, hit."""
        return any(one.kind == STREAM and one.hits_stream(stream) for one in self.active)

    def _take(self, fitting: Iterable[Fault]) -> Fault | None:
        fault = next(iter(fitting), None)
        if fault is None:
            return None
        fault.hits += 1
        if fault.left is not None:
            fault.left -= 1
            if fault.left <= 0:
                self.active.remove(fault)
        return fault


def _left(name: str, count: int | str | None) -> int | None:
    if count == "all":
        return None
    if count is None:
        return None if name in UNTIL_OFF else 1
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise BadInput(f'count is {count!r}; write a whole number from 1, or "all"')
    return count


def spoil(fault: Fault, answer: HttpOut) -> HttpOut:
    """The answer to a request after a fault that touches answers."""
    if fault.name in ("lost_answer", "lost_request"):
        return msgspec.structs.replace(answer, delay_ns=None)
    if fault.name == "late_answer":
        return msgspec.structs.replace(answer, delay_ns=int(float(fault.options["seconds"]) * 1e9))
    if fault.name == "truncated_json":
        return msgspec.structs.replace(answer, body=cut(answer.body))
    return answer


def cut(body: bytes) -> bytes:
    """The first half of a body, never valid JSON."""
    return body[: max(len(body) // 2, 1)]


def distort(fault: Fault, payload: bytes) -> Iterator[Out]:
    """What the listeners get for one message (``reorder`` is the stream's own matter).

    With ``instead`` the broken frame takes the message's place, otherwise it comes before it.
    """
    name = fault.name
    if name in _BROKEN:
        yield _BROKEN[name](fault, payload)
        if not fault.options["instead"]:
            yield payload
    elif name == "truncated":
        yield Raw(truncated_frame(payload))
    elif name == "duplicate":
        yield payload
        yield payload
    elif name == "close":
        code = fault.options["code"]
        yield payload
        yield Close(None if code is None else int(code), str(fault.options["reason"]))
    elif name not in ("silence", "drop"):
        yield payload


def renamed(payload: bytes) -> bytes:
    """The message as an event of a type that nobody knows."""
    changed, found = _EVENT_TYPE.subn(_UNKNOWN, payload, count=1)
    return changed if found else _OPENING.sub(rb"\g<0>" + _UNKNOWN + b",", payload, count=1)


_EVENT_TYPE = re.compile(rb'"e":"[^"]*"')
_OPENING = re.compile(rb'(?:^\{"stream":"[^"]*","data":)?\{')
_UNKNOWN = b'"e":"somethingNew"'
_BROKEN: Mapping[str, Callable[[Fault, bytes], bytes]] = {
    "malformed": lambda fault, payload: cut(payload) + b"}{",
    "array": lambda fault, payload: b"[" + payload + b"]",
    "unknown_event": lambda fault, payload: renamed(payload),
    "huge": lambda fault, payload: (
        b'{"e":"huge","x":"' + b"x" * int(fault.options["bytes"]) + b'"}'
    ),
}


def truncated_frame(payload: bytes) -> bytes:
    """A text frame that announces far more bytes than it brings: the rest never comes.

    A megabyte is announced, so that pongs that a server still sends do not complete it.
    """
    return bytes([_TEXT_FRAME, 127]) + (2**20).to_bytes(8, "big") + payload[: len(payload) // 2]
