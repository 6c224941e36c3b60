"""The venues vocx speaks, by name: ``get("binance")``."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

from vocx.errors import UnknownVenue
from vocx.venues.base import Venue


def _binance() -> Venue:
    from vocx.venues.binance import Binance

    return Binance()


_MAKERS: dict[str, Callable[[], Venue]] = {"binance": _binance}


def names() -> tuple[str, ...]:
    """The venues that exist, sorted."""
    return tuple(sorted(_MAKERS))


def get(name: str) -> Venue:
    """The adapter of one venue.

    Raises
    ------
    UnknownVenue
        Lists what exists and names the nearest.
    """
    maker = _MAKERS.get(name.lower()) if isinstance(name, str) else None
    if maker is not None:
        return maker()
    near = get_close_matches(str(name).lower(), _MAKERS, n=1)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    raise UnknownVenue(f"vocx has no venue {name!r}; it has {', '.join(names())}.{hint}")
