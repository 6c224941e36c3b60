"""Venue faults that can be switched on: what a venue does wrong, apart from the network.

Two kinds, told apart by what they are scoped to:

* **answers** (``path="/api/v3/depth"`` and below, or a pattern; default ``"/"``, everything)
  change what one request gets: an error, an HTML page, truncated JSON, no answer, a late answer.
  ``executed`` says whether the request is carried out before the error is answered (its default
  is what the error promises); ``lost_answer`` has been, ``lost_request`` has not, and
  ``delivered_twice`` has been twice. ``path="POST /api/v3/order"`` hits one HTTP method only;
* **streams** (``stream="btcusdt@depth@100ms"``, a name or a pattern such as ``"*@trade"``;
  default ``"*"``) change what the listeners of a stream get: broken frames, silence (also in
  place of what a new subscriber gets first), duplicates, swapped or missing messages, the book
  anew in mid-stream (``snapshot``; with ``restart=True`` its numbers begin anew, too), a closed
  connection;
* ``refuse_upgrade`` (``path="/ws"``) answers the request that would open a WebSocket.

Each fault lives until it is switched off, or for ``count`` messages. Nothing here knows a venue:
its dialect brings the answers' bodies and the shapes of broken frames.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Protocol, TypeVar

import msgspec

from vocx.arguments import as_count, brief
from vocx.errors import BadInput
from vocx.lab.dialects.base import Close, HttpIn, HttpOut, Out, Publication, Raw
from vocx.lab.dialects.shared.connections import Connection
from vocx.lab.dialects.shared.topics import Topic
from vocx.lab.settings import LONGEST_S, number, whole
from vocx.text import suggest

ANSWER = "answer"
STREAM = "stream"
UPGRADE = "upgrade"
HUGE_BYTES = 22 * 2**20
LONGEST_REASON = 123
"""Bytes that a close frame can say (RFC 6455, 5.5)."""
_TEXT_FRAME = 0x81

KINDS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "region": (ANSWER, {}),
    "forbidden": (ANSWER, {}),
    "timeout": (ANSWER, {"executed": True}),
    "overloaded": (ANSWER, {"executed": False}),
    "internal": (ANSWER, {"executed": False}),
    "gone": (ANSWER, {}),
    "limited": (ANSWER, {"reset_s": -1.0}),
    "html": (ANSWER, {"status": 503, "executed": False}),
    "truncated_json": (ANSWER, {}),
    "lost_answer": (ANSWER, {}),
    "lost_request": (ANSWER, {}),
    "delivered_twice": (ANSWER, {}),
    "late_answer": (ANSWER, {"seconds": 1.0}),
    "refuse_upgrade": (UPGRADE, {"status": 503, "retry_after": None}),
    "malformed": (STREAM, {"instead": True}),
    "truncated": (STREAM, {}),
    "array": (STREAM, {"instead": False}),
    "unknown_event": (STREAM, {"instead": False}),
    "huge": (STREAM, {"instead": False, "bytes": HUGE_BYTES}),
    "silence": (STREAM, {}),
    "duplicate": (STREAM, {}),
    "reorder": (STREAM, {}),
    "drop": (STREAM, {}),
    "snapshot": (STREAM, {"restart": False}),
    "close": (STREAM, {"code": 1001, "reason": ""}),
}
"""Every fault: what it is scoped to, and its options with their defaults."""
_EXECUTED = frozenset({"truncated_json", "lost_answer", "delivered_twice", "late_answer"})
"""Answer faults that change a real answer: the request is executed."""
_PAGES = {"region": 451, "forbidden": 403, "gone": 410}
_BOUNDS: Mapping[str, tuple[float, float]] = {
    "reset_s": (-LONGEST_S, LONGEST_S),
    "retry_after": (0, LONGEST_S),
    "seconds": (0, LONGEST_S),
    "status": (200, 599),
    "bytes": (0, 64 * 2**20),
    "code": (0, 65_535),
}
"""Least and greatest of an option that is a number; ``retry_after`` and ``code`` may be None."""
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
        return bool(self.options.get("executed", self.name in _EXECUTED))

    @property
    def page_status(self) -> int | None:
        """The status of the page with which what stands in front of a venue answers, where the
        fault is that."""
        given = self.options.get("status", _PAGES.get(self.name))
        return None if given is None else int(given)

    def hits_path(self, path: str, verb: str = "") -> bool:
        """Whether a path is the scope or lies below it (``/ws`` does not hit ``/ws-api``); a scope
        may name the HTTP method as well: ``POST /api/v3/order``."""
        method, space, scope = self.scope.partition(" ")
        if not space:
            method, scope = verb, self.scope
        below = path == scope.rstrip("/") or path.startswith(f"{scope.rstrip('/')}/")
        return method == verb and (below or fnmatchcase(path, scope))

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


A = TypeVar("A")


class FaultResponses(Protocol):
    """What a venue answers and sends for faults: answers, and frames that no client knows."""

    def instead(self, fault: Fault, now_ns: int) -> HttpOut | None:
        """The answer in place of the real one; ``None``: the fault only touches the answer."""

    def refused_upgrade(self, fault: Fault, now_ns: int) -> HttpOut:
        """The refusal of an upgrade."""

    def unknown_event(self, payload: bytes) -> bytes:
        """The message as an event of a type that nobody knows."""

    def huge(self, size: int) -> bytes:
        """A well-formed message of at least so many bytes."""


class FaultInjector:
    """The faults in force, oldest first: the oldest that fits is the one that happens.

    Parameters
    ----------
    responses : FaultResponses
        The venue's.
    topics : mapping
        What is subscribed to, by name, as the publisher keeps it.
    """

    def __init__(self, responses: FaultResponses, topics: Mapping[str, Topic]) -> None:
        self.active: list[Fault] = []
        self._responses = responses
        self._topics = topics
        self._held: dict[str, list[Publication]] = {}
        self._ids = 0

    # -- the owner -----------------------------------------------------------------------------

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
        for name, topic in self._topics.items():
            topic.inject = self.injection(name)
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
        if not isinstance(name, str) or name not in KINDS:
            listed, hint = ", ".join(KINDS), suggest(name, KINDS)
            raise BadInput(f"no fault {brief(name)}; there are: {listed}.{hint}")
        kind, defaults = KINDS[name]
        if unknown := set(options) - set(defaults):
            has = ", ".join(defaults) or "none"
            raise BadInput(f"{name} has no option {sorted(unknown)[0]!r}; it has: {has}")
        if kind == STREAM and path is not None:
            raise BadInput(f"{name} hits streams: write stream= and a stream's name, not path=")
        if kind != STREAM and stream is not None:
            raise BadInput(f"{name} hits requests: write path= and a path, not stream=")
        options = {one: _option(name, one, value) for one, value in options.items()}
        scope = stream if kind == STREAM else path
        if not isinstance(scope, str | None):
            raise BadInput(f"{name} wants a name or a pattern as text, not {brief(scope)}")
        self._ids += 1
        fault = Fault(
            id=self._ids,
            name=name,
            kind=kind,
            scope=scope or ("*" if kind == STREAM else "/"),
            left=_left(name, count),
            options={**defaults, **options},
        )
        self.active.append(fault)
        return fault

    def off(self, which: int | str) -> None:
        """Switch off by id, by name, or ``"all"``."""
        kept = [one for one in self.active if which not in ("all", one.id, one.name)]
        if len(kept) == len(self.active) and which != "all":
            raise BadInput(f"no fault {brief(which)} is on; see lab.faults")
        self.active = kept

    def is_on(self, name: str) -> bool:
        """Whether a fault of that name is in force."""
        return any(one.name == name for one in self.active)

    # -- requests ------------------------------------------------------------------------------

    def answer(
        self,
        path: str,
        verb: str,
        execute: Callable[[], A],
        instead: Callable[[Fault], A | None],
    ) -> tuple[A | None, Fault | None]:
        """One request through the fault that it meets, if any.

        Parameters
        ----------
        execute : callable
            Carries the request out and gives its answer.
        instead : callable
            The venue's answer of a fault that has one.

        Returns
        -------
        tuple
            The answer (``None`` for a request that got lost), and the fault, whose change of the
            answer's bytes and time is the surface's to make.
        """
        if not self.active:
            return execute(), None
        fault = self._take(
            one for one in self.active if one.kind == ANSWER and one.hits_path(path, verb)
        )
        if fault is None:
            return execute(), None
        answer: A | None = None
        if fault.executes:
            answer = execute()
            if fault.name == "delivered_twice":
                answer = execute()
        replaced = instead(fault)
        return (answer if replaced is None else replaced), fault

    def http_answer(self, request: HttpIn, execute: Callable[[], HttpOut], now_ns: int) -> HttpOut:
        """The same for one REST request, the change of its bytes and time made."""
        path = request.target.partition("?")[0]
        answer, fault = self.answer(
            path, request.method, execute, lambda fault: self._responses.instead(fault, now_ns)
        )
        answer = _NO_ANSWER if answer is None else answer
        if fault is None:
            return answer
        if fault.name in ("lost_answer", "lost_request"):
            return msgspec.structs.replace(answer, delay_ns=None)
        if fault.name == "late_answer":
            return msgspec.structs.replace(answer, delay_ns=late_ns(fault))
        if fault.name == "truncated_json":
            return msgspec.structs.replace(answer, body=cut(answer.body))
        return answer

    @staticmethod
    def socket_answer(
        connection: Connection, answer: bytes | None, fault: Fault | None, now_ns: int
    ) -> Iterator[bytes]:
        """The same for one request over a socket that :meth:`answer` has answered."""
        name = "" if fault is None else fault.name
        if answer is None or name in ("lost_answer", "lost_request"):
            return
        if fault is not None and name == "late_answer":
            connection.later(now_ns + late_ns(fault), answer)
            return
        yield cut(answer) if name == "truncated_json" else answer

    def refused_upgrade(self, request: HttpIn, now_ns: int) -> HttpOut | None:
        """The refusal of an upgrade that meets a fault; a restricted region refuses it, too."""
        path = request.target.partition("?")[0]
        fault = self._take(
            one
            for one in self.active
            if (one.kind == UPGRADE or one.name == "region") and one.hits_path(path)
        )
        if fault is None:
            return None
        refused = self._responses.refused_upgrade(fault, now_ns)
        after = fault.options.get("retry_after")
        headers = {} if after is None else {"Retry-After": str(after)}
        return msgspec.structs.replace(refused, headers={**refused.headers, **headers})

    # -- streams -------------------------------------------------------------------------------

    def injection(self, stream: str) -> Injection | None:
        """What a stream's messages must pass now, if anything."""
        hit = any(one.kind == STREAM and one.hits_stream(stream) for one in self.active)
        return self.inject if hit or stream in self._held else None

    def silences(self, stream: str) -> bool:
        """Whether what a new subscriber would get first is kept back, counted."""
        silent = (one for one in self.active if one.name == "silence" and one.hits_stream(stream))
        return self._take(silent) is not None

    def inject(self, topic: Topic, message: list[Publication]) -> list[Publication]:
        """One message in all its encodings, as the fault leaves it. A truncated frame is the last
        that its subscribers get: their connections fall silent."""
        fault = self._take(
            one for one in self.active if one.kind == STREAM and one.hits_stream(topic.name)
        )
        held = self._held.pop(topic.name, [])
        if fault is None:
            topic.inject = self.injection(topic.name)
            return message + held
        if fault.name == "reorder":
            self._held[topic.name] = message
            return held
        if fault.name == "snapshot":
            return self._anew(fault, topic, message) + held
        out = [
            Publication(payload, one.to)
            for one in message
            if isinstance(one.payload, bytes)
            for payload in self._change(fault, one.payload)
        ]
        if fault.name == "truncated":
            for session in {session for one in message for session in one.to}:
                if isinstance(session, Connection):
                    session.fall_silent()
        return out + held

    def _anew(self, fault: Fault, topic: Topic, message: list[Publication]) -> list[Publication]:
        """Instead of the message what a new subscriber would get first, where there is that; of a
        recording nothing is derived."""
        state = topic.state
        if state is None or topic.recorded:
            return message
        if fault.options["restart"]:
            state.restart()
        out: list[Publication] = []
        for (unit_ns, wrapped), sessions in topic.subscribers.items():
            first = state.welcome(topic, 0, unit_ns)
            if first is not None:
                out += topic.envelope(topic, first, wrapped, sessions)
        return out or message

    def _change(self, fault: Fault, payload: bytes) -> Iterator[Out]:
        """What the subscribers get for one message (``reorder`` is the stream's own matter).

        With ``instead`` the broken frame takes the message's place, otherwise it comes before it.
        """
        name = fault.name
        broken: bytes | None = None
        if name == "malformed":
            broken = cut(payload) + b"}{"
        elif name == "array":
            broken = b"[" + payload + b"]"
        elif name == "unknown_event":
            broken = self._responses.unknown_event(payload)
        elif name == "huge":
            broken = self._responses.huge(int(fault.options["bytes"]))
        if broken is not None:
            yield broken
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


Injection = Callable[[Topic, list[Publication]], list[Publication]]
"""What the subscribers get instead of one message in all its encodings."""


def _left(name: str, count: int | str | None) -> int | None:
    if count == "all":
        return None
    if count is None:
        return None if name in UNTIL_OFF else 1
    found = as_count(count)
    if type(found) is not int or found < 1:
        raise BadInput(f'count is {brief(count)}; write a whole number from 1, or "all"')
    return found


def _option(fault: str, name: str, value: Any) -> Any:
    """One option, of the kind of its default and within its bounds."""
    default = KINDS[fault][1][name]
    if isinstance(default, bool):
        return bool(value)
    if isinstance(default, str):
        return str(value)[:LONGEST_REASON]
    if value is None and name in ("retry_after", "code"):
        return None
    if name == "retry_after" and isinstance(value, str) and re.fullmatch("[ -~]{1,40}", value):
        return value  # seconds, or a date
    least, most = _BOUNDS[name]
    if isinstance(default, float):
        return number(f"{fault}'s {name}", value, least, most)
    return whole(f"{fault}'s {name}", value, int(least), int(most))


_NO_ANSWER = HttpOut(status=503, headers={}, body=b"", delay_ns=None)


def late_ns(fault: Fault) -> int:
    """How much later the answer comes."""
    return int(float(fault.options["seconds"]) * 1e9)


def cut(body: bytes) -> bytes:
    """The first half of a body, never valid JSON."""
    return body[: max(len(body) // 2, 1)]


def truncated_frame(payload: bytes) -> bytes:
    """A text frame that announces far more bytes than it brings: the rest never comes.

    A megabyte is announced, so that pongs that a server still sends do not complete it.
    """
    return bytes([_TEXT_FRAME, 127]) + (2**20).to_bytes(8, "big") + payload[: len(payload) // 2]
