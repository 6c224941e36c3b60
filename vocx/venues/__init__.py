"""The venues vocx speaks, by name: ``get("binance")``."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import cast

from vocx.errors import UnknownVenue
from vocx.venues.base import Venue

_ADAPTERS = {"binance": "Binance"}
"""Module to class; a venue is imported when it is asked for, with what it alone needs."""


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
    module = name.lower() if isinstance(name, str) else ""
    if module in _ADAPTERS:
        adapter = getattr(import_module(f"vocx.venues.{module}"), _ADAPTERS[module])
        return cast(Venue, adapter())
    near = get_close_matches(str(name).lower(), _ADAPTERS, n=1)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    raise UnknownVenue(f"vocx has no venue {name!r}; it has {', '.join(names())}.{hint}")
