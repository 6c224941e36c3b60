"""A call that does not fit its function says what to write."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import vocx
import vocx.lab
from vocx import hybrid, measure, views
from vocx.call_forms import methods_say_their_form, says_its_form
from vocx.errors import BadInput
from vocx.exchange import Exchange
from vocx.hybrid import HybridClient
from vocx.lab import Lab
from vocx.lab.network import Network
from vocx.lab.service.venue_controls import Limits
from vocx.stream import Stream


@says_its_form
def asked(symbol: str, limit: int = 500, *, kind: str, start: int = 0) -> tuple[Any, ...]:
    return symbol, limit, kind, start + 0


@methods_say_their_form
class Things:
    def __init__(self, *names: str, size: int) -> None:
        self.names, self.size = names, size

    def __call__(self, *, scale: float = 1.0, **more: float) -> float:
        return scale

    def plain(self, value: int) -> int:
        return value


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: asked("a", 5, "b"), 'takes kind by name: write asked("a", 5, kind="b")'),
        (lambda: asked("a", 5, "b", 7), 'kind and start by name: write asked("a", 5, kind="b", s'),
        (lambda: asked("a", 5, "b", start=7), 'asked("a", 5, kind="b", start=...)'),
        (lambda: asked("a", 5, "b", 7, 9), "5 arguments are too many; asked() has symbol, limit, "),
        (lambda: asked("a"), 'asked() takes kind too: write asked("a", kind=...)'),
        (lambda: asked(kind="a"), "asked() takes symbol too: write asked(kind=..., symbol=...)"),
        (lambda: asked("a", kin="b"), "asked() has no argument 'kin'; asked() has symbol, "),
        (lambda: asked("a", kin="b"), 'Did you mean "kind"?'),
        (lambda: asked("a", symbol="b", kind="c"), "symbol is given twice; asked() has "),
        (lambda: Things("a", "b"), 'Things() takes size too: write Things("a", "b", size=...)'),
        (lambda: Things(size=1)(5), "5 needs its name: things(name=value)"),
        (lambda: Things(size=1).plain(), "plain() takes value too: write plain(value=...)"),
        (lambda: Things(size=1).plain(1, 2), "2 arguments are too many; plain() has value"),
    ],
)
def test_a_wrong_call_is_shown_the_right_form(call: Any, said: str) -> None:
    """Values stay where they were, those that go by name get theirs, what is missing is named."""
    with pytest.raises(BadInput) as caught:
        call()
    assert said in str(caught.value)
    assert caught.value.outcome == "not_sent"


def test_a_right_call_is_the_function_s_own() -> None:
    """Its result, its signature, and a mistake inside it, which is nobody's wrong call."""
    assert asked("a", kind="b") == ("a", 500, "b", 0)
    assert list(inspect.signature(asked).parameters) == ["symbol", "limit", "kind", "start"]
    with pytest.raises(TypeError, match="concatenate"):
        asked("a", kind="b", start="c")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Network(None).latency(80), "write latency(rtt_ms=80)"),
        (lambda: Network(None).latency(80, 10), "write latency(rtt_ms=80, jitter_ms=10)"),
        (lambda: Network(None).latency(), "write latency(rtt_ms=...)"),
        (lambda: Network(None).bandwidth(64), "write bandwidth(kib_per_s=64)"),
        (lambda: Network(None).reset_peer("okx"), 'write reset_peer(venue="okx")'),
        (lambda: Network(None).slow_close(5), "write slow_close(ms=5)"),
        (lambda: Network(None).slicer(5), "write slicer(size=5)"),
        (lambda: Limits(None)(10), "10 needs its name: limits(name=value)"),
        (lambda: Lab("never").keepalive(0.1), "write keepalive(scale=0.1)"),
        (lambda: Lab("never").fault("drop", 3), "3 needs its name: fault("),
        (lambda: vocx.lab.open(7), "write open(seed=7)"),
        (lambda: vocx.lab.open(sed=7), 'Did you mean "seed"?'),
        (lambda: vocx.connect("okx", lba=None), 'Did you mean "lab"?'),
    ],
)
def test_dials_and_faults_say_their_form(call: Any, said: str) -> None:
    """What everybody types first, before anything is sent to a lab."""
    with pytest.raises(BadInput) as caught:
        call()
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "owner", [Exchange, Stream, Lab, Network, Limits, HybridClient, views.View, views.StreamView]
)
def test_methods_say_their_form(owner: type) -> None:
    """All that are public, those to come included."""
    methods = [
        vars(owner)[name] for name in vars(owner) if not name.startswith("_") or name == "__init__"
    ]
    for method in filter(inspect.isfunction, methods):
        _says_its_form(method)


@pytest.mark.parametrize("module", [vocx, vocx.lab, hybrid, measure, views])
def test_functions_say_their_form(module: Any) -> None:
    """All that a module names as its own."""
    for name in module.__all__:
        function = getattr(module, name)
        if inspect.isfunction(function):
            _says_its_form(function)


def test_calls_by_place_say_their_form(exchange: Exchange) -> None:
    """Also where nothing goes by name only."""
    stream = exchange.stream("quotes", symbols="BTC/USDT").wait(5)
    calls: list[tuple[Any, str]] = [
        (lambda: exchange.quote("BTC/USDT", "x"), "quote() has symbol"),  # type: ignore[call-arg]
        (lambda: stream.book("BTC/USDT", 5, 6), "book() has symbol, depth"),  # type: ignore[call-arg]
        (lambda: stream.quote(symbl="x"), 'Did you mean "symbol"?'),  # type: ignore[call-arg]
        (lambda: vocx.stop_all(stream), "stop_all() has no arguments"),  # type: ignore[call-arg]
    ]
    for call, said in calls:
        with pytest.raises(BadInput) as caught:
            call()
        assert said in str(caught.value)
    assert str(inspect.signature(stream.book)).startswith("(symbol: 'str | None' = None, depth")
    stream.stop()


def _says_its_form(function: Any) -> None:
    assert function.__code__.co_filename.endswith("call_forms.py"), function.__qualname__
