"""Which venues a lab can play: their names, and who makes the exchange's side of each.

A dialect is named as text (``"module:class"``), because it is made in the lab's process::

    vocx.lab.dialects.register("mine", "my_venue.exchange:MyVenue")
    lab = vocx.lab.open(venues=("binance", "mine"))
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib import import_module

from vocx.arguments import brief
from vocx.call_forms import says_its_form
from vocx.errors import BadInput, UnknownVenue
from vocx.lab.dialects.base import DialectFactory

BUILT_IN: Mapping[str, str] = {
    "binance": "vocx.lab.dialects.binance:Binance",
    "bybit": "vocx.lab.dialects.bybit:Bybit",
    "okx": "vocx.lab.dialects.okx:Okx",
    "coinbase": "vocx.lab.dialects.coinbase:Coinbase",
}
"""The venues that a lab can play without being told where they are."""
DEFAULT = ("binance",)
"""The venues that a lab plays unless it is told otherwise."""

_registered: dict[str, str] = dict(BUILT_IN)


def register(name: str, factory: str) -> None:
    """Let labs that are opened from now on play another venue when they are asked to.

    Parameters
    ----------
    name : str
        Of the venue, lower case.
    factory : str
        ``"module:class"`` of a :class:`vocx.lab.dialects.base.DialectFactory`.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise BadInput(f"name is {name!r}; write lower-case letters, digits and _")
    if not re.fullmatch(r"[\w.]+:\w+", factory):
        raise BadInput(f'factory is {factory!r}; write "module:class"')
    _registered[name] = factory


@says_its_form
def factories(names: Iterable[str] | None = None) -> dict[str, str]:
    """The factories of the venues that are named, or of the default ones."""
    if isinstance(names, str):
        raise BadInput(f'venues is the text {names!r}; write a list: ["{names}"]')
    if not isinstance(names, Iterable | None):
        raise BadInput(f'venues is {brief(names)}; write a list: ["binance"]')
    wanted = dict.fromkeys(DEFAULT if names is None else names)
    if not wanted:
        raise BadInput("a lab plays at least one venue; leave venues= out for all")
    for name in wanted:
        if name not in _registered:
            known = ", ".join(_registered)
            raise UnknownVenue(f"no lab can play {name!r}; there are {known}")
    return {name: _registered[name] for name in wanted}


def load(factory: str) -> DialectFactory:
    """What a factory's text names."""
    module, _, name = factory.partition(":")
    found: DialectFactory = getattr(import_module(module), name)
    return found
