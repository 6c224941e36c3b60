"""A venue's decoders under observation: which bytes reach them, to be broken and sent again."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from vocx.venues.base import Venue

DECODERS = (
    *("reply", "parse_limits", "parse_usage", "parse_response"),
    *("decode", "refused_upgrade"),
)
"""Every method of an adapter that reads what a venue sent."""


@dataclass(frozen=True)
class Call:
    """One call of a decoder with its arguments as they were."""

    decoder: str
    arguments: tuple[Any, ...]

    def kind(self) -> str:
        """Calls of one kind read the same shape; a few samples of each are enough."""
        first = self.arguments[0]
        about = type(getattr(first, "intent", first)).__name__
        text = first if isinstance(first, bytes) else b""
        return f"{self.decoder} {about} {re.sub(rb'[^a-zA-Z]+', b' ', text)[:60]!r}"


@dataclass
class Observed:
    """An adapter that keeps the arguments with which its decoders are called."""

    venue: Venue
    most: int = 4
    """Samples of each kind."""
    samples: dict[str, list[Call]] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.venue, name)
        return self._keeping(name, found) if name in DECODERS else found

    def _keeping(self, decoder: str, read: Callable[..., Any]) -> Callable[..., Any]:
        def keep(*arguments: Any) -> Any:
            call = Call(decoder, arguments)
            kept = self.samples.setdefault(call.kind(), [])
            if len(kept) < self.most:
                kept.append(call)
            return read(*arguments)

        return keep

    @property
    def calls(self) -> list[Call]:
        return [call for kept in self.samples.values() for call in kept]


_DEEP = 5000
TOKENS: tuple[bytes, ...] = (
    *(b'"NaN"', b'"sNaN"', b'"-Infinity"', b"NaN", b"Infinity", b"null", b"true", b"false"),
    *(b'"1e400"', b'"1e999999999"', b'"1e-999999999"', b'"0e-999999999"', b'"-1e999999999"'),
    *(b"1e400", b"1e-999999999", b"-1", b"0", b"1.5", b'"-1"', b'"-0"', b'"0.000"', b'""'),
    *(b"[]", b"{}", b"[[]]", b"[{}]", b'[["1"]]', b"9" * 400, b"9" * 5000, b"9223372036854775808"),
    *(b"-9223372036854775809", b"253402300800000", b"99999999999999999", b'"9999999999999999999"'),
    *('"²"'.encode(), '"١٢"'.encode(), b'"\\ud800"', b'"\\u0000"', '"🙂"'.encode(), b'"\xff\xfe"'),
    *(b'"1,5"', b'"1_000"', b'" 1 "', b'"0x10"', b'"1e"', b'"."', b'"constructor"', b'"../"'),
    *(b"[" * _DEEP + b"]" * _DEEP, b'{"a":' * _DEEP + b"1" + b"}" * _DEEP, b"[" * 200_000),
    *(b'"' + b"9" * 100_000 + b'"', b'"0.' + b"0" * 50_000 + b'1"', b'"' + b"x" * 100_000 + b'"'),
    *(b'"<style' + b"<style>" * 3000 + b'"', b"<html>" + b"<" * 20_000, b'"%s%n{0}{__class__}"'),
)
"""JSON values, legal or nearly so, that no venue sends."""

HEADERS = (
    *("", "-1", "0", "1e400", "-1e400", "nan", "inf", "²", "١٢", "1_000", " 7 ", "7;8", "0x10"),
    *("9" * 19, "9" * 5000, "1" + "0" * 400, "1.5", "1e-400", "\udce9", "\x00", "Wed, 21 Oct 2026"),
)
STATUSES = (200, 201, 204, 302, 400, 401, 403, 404, 410, 418, 429, 451, 500, 502, 503, 599, 0, 999)

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|[a-zA-Z]+|[\[\]{},:]')
Span = tuple[int, int]


def _tokens(text: bytes) -> list[Span]:
    return [found.span() for found in _TOKEN.finditer(text)]


def _values(text: bytes) -> list[Span]:
    """Tokens that stand where a value does."""
    return [
        found.span()
        for found in _TOKEN.finditer(text)
        if found[0] not in b"[]{},:" and text[found.end() : found.end() + 1] != b":"
    ]


def _names(text: bytes) -> list[Span]:
    """Tokens that stand where the name of a member does."""
    return [
        found.span()
        for found in _TOKEN.finditer(text)
        if text[found.end() : found.end() + 1] == b":"
    ]


class Samples:
    """The calls whose arguments are broken, and where the tokens of their texts are: found once,
    as each text is broken many times."""

    def __init__(self, calls: list[Call]) -> None:
        self.calls = sorted(calls, key=Call.kind)
        self._texts = {one for call in calls for one in call.arguments if isinstance(one, bytes)}
        self._found: dict[tuple[Find, bytes], list[Span]] = {}

    def spans(self, find: Find, text: bytes) -> list[Span]:
        """What ``find`` finds in a text."""
        if text not in self._texts:
            return find(text)
        if (find, text) not in self._found:
            self._found[find, text] = find(text)
        return self._found[find, text]


Find = Callable[[bytes], list[Span]]


def broken(call: Call, samples: Samples, chance: random.Random) -> Call:
    """The same call with some of what the venue sent broken."""
    arguments = tuple(_broken(one, samples, chance) for one in call.arguments)
    return Call(call.decoder, arguments)


def _broken(value: Any, samples: Samples, chance: random.Random) -> Any:
    if isinstance(value, bytes):
        return _text(value, samples, chance)
    if isinstance(value, bool) or chance.random() < 0.5:
        return value
    if isinstance(value, int) and value < 1000:
        return chance.choice(STATUSES)
    if isinstance(value, Mapping) and value and all(isinstance(one, str) for one in value.values()):
        name = chance.choice([*value, "Retry-After"])
        return {**value, name: chance.choice(HEADERS)}
    return value


def _text(text: bytes, samples: Samples, chance: random.Random) -> bytes:
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        text = chance.choice(_MUTATIONS)(text, samples, chance)
    return text


def _replace_token(text: bytes, samples: Samples, chance: random.Random) -> bytes:
    spans = samples.spans(_tokens, text)
    if not spans:
        return chance.choice(TOKENS)
    begin, end = chance.choice(spans)
    return text[:begin] + chance.choice(TOKENS) + text[end:]


def _replace_value(text: bytes, samples: Samples, chance: random.Random) -> bytes:
    """A token that stands where a value does: the document stays legal JSON."""
    values = samples.spans(_values, text)
    if not values:
        return text
    begin, end = chance.choice(values)
    return text[:begin] + chance.choice(TOKENS) + text[end:]


def _drop_token(text: bytes, samples: Samples, chance: random.Random) -> bytes:
    spans = samples.spans(_tokens, text)
    if not spans:
        return text
    begin, end = chance.choice(spans)
    return text[:begin] + text[end:]


def _rename_member(text: bytes, samples: Samples, chance: random.Random) -> bytes:
    names = samples.spans(_names, text)
    if not names:
        return text
    begin, end = chance.choice(names)
    other = b'"x"'
    if chance.random() < 0.5:
        first, last = chance.choice(names)
        other = text[first:last]
    return text[:begin] + other + text[end:]


def _repeat_slice(text: bytes, samples: Samples, chance: random.Random) -> bytes:
    begin = chance.randrange(len(text) + 1)
    end = min(len(text), begin + chance.randrange(1, 60))
    return text[:end] + text[begin:end] * chance.choice((1, 2, 200)) + text[end:]


def _cut(text: bytes, samples: Samples, chance: random.Random) -> bytes:
    return text[: chance.randrange(len(text) + 1)]


def _flip(text: bytes, samples: Samples, chance: random.Random) -> bytes:
    if not text:
        return bytes([chance.randrange(256)])
    at = chance.randrange(len(text))
    return text[:at] + bytes([chance.randrange(256)]) + text[at + 1 :]


def _splice(text: bytes, samples: Samples, chance: random.Random) -> bytes:
    spliced = chance.choice(samples.calls)
    other = next((one for one in spliced.arguments if isinstance(one, bytes)), b"")
    at = chance.randrange(len(text) + 1)
    return text[:at] + other[chance.randrange(len(other) + 1) :]


def _whole(text: bytes, samples: Samples, chance: random.Random) -> bytes:
    return chance.choice(TOKENS)


_MUTATIONS = (
    *(_replace_value,) * 6,
    *(_replace_token, _drop_token, _rename_member, _repeat_slice, _cut, _flip, _splice, _whole),
)


def cases(calls: list[Call], count: int, seed: int) -> Iterator[Call]:
    """``count`` broken calls, evenly over the kinds; the same ones for the same seed."""
    chance = random.Random(seed)
    samples = Samples(calls)
    for number in range(count):
        yield broken(samples.calls[number % len(samples.calls)], samples, chance)
