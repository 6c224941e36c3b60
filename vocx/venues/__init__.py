"""The venues vocx speaks, by name: ``get("binance")``; others can be added.

>>> venues.register("mine", "my_package.venue:Mine")
>>> ex = vocx.connect("mine", where={"rest": ..., "ws": ...})
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import cast

from vocx.arguments import brief
from vocx.errors import BadInput, UnknownVenue
from vocx.text import suggest
from vocx.venues.base import Venue

_ADAPTERS = {
    "binance": "vocx.venues.binance:Binance",
    "bybit": "vocx.venues.bybit:Bybit",
    "okx": "vocx.venues.okx:Okx",
    "coinbase": "vocx.venues.coinbase:Coinbase",
}
"""Module and class by name; a venue is imported when it is asked for, with what it alone needs."""

DEFAULT = "binance"
"""The venue that is meant where none is named."""


def register(name: str, adapter: str) -> None:
    """Make a venue known by name, to this process, without a line in vocx.

    Parameters
    ----------
    name : str
        As ``vocx.connect`` will take it: lower-case letters, digits and ``_``.
    adapter : str
        ``"module:Class"``: imported at first use, called without arguments, a
        :class:`~vocx.venues.base.Venue` whose ``name`` is this name.

    Raises
    ------
    BadInput
        The name cannot be one, or stands for another adapter already.
    """
    if not (isinstance(name, str) and re.fullmatch("[a-z][a-z0-9_]*", name)):
        raise BadInput(f"a venue's name is lower-case letters, digits and _, not {name!r}")
    if not (isinstance(adapter, str) and re.fullmatch(r"[\w.]+:[\w.]+", adapter)):
        raise BadInput(f'an adapter is named by "module:Class", not by {adapter!r}')
    if _ADAPTERS.setdefault(name, adapter) != adapter:
        raise BadInput(f"{name} is {_ADAPTERS[name]} already; choose another name")


def names() -> tuple[str, ...]:
    """The venues that exist, sorted."""
    return tuple(sorted(_ADAPTERS))


def get(name: str) -> Venue:
    """The adapter of one venue.

    Raises
    ------
    UnknownVenue
        Lists what exists and names the nearest.
    """
    known = name.lower() if isinstance(name, str) else ""
    if known in _ADAPTERS:
        module, _, attribute = _ADAPTERS[known].partition(":")
        return cast(Venue, getattr(import_module(module), attribute)())
    hint = suggest(brief(name), _ADAPTERS)
    raise UnknownVenue(f"vocx has no venue {brief(name)}; it has {', '.join(names())}.{hint}")
