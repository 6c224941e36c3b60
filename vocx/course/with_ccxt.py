"""Lesson 09: ccxt, a library that speaks with a hundred venues, pointed at the lab.

It is no part of this course and none of its dependencies: whoever has it passes it in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from vocx.lab import Lab


class CcxtClient(NamedTuple):
    """One of ccxt's exchanges, and the addresses that it has asked, without their queries."""

    client: Any
    asked: list[str]


def pointed_at(lab: Lab, ccxt: Any, venue: str) -> CcxtClient:
    """ccxt's exchange of that name with nothing but its addresses changed to the lab's.

    Public data only: it gets no key. Of the markets it loads those of spot, as the lab has no
    others (ccxt 4.5.90, 2026-11).
    """
    url = lab.url(venue, "rest")
    client = getattr(ccxt, venue)({"options": {"fetchMarkets": {"types": ["spot"]}}})
    client.urls["api"] = _moved(client.urls["api"], url)
    asked: list[str] = []
    fetch: Callable[..., Any] = client.fetch

    def counted(address: str, *arguments: Any, **options: Any) -> Any:
        asked.append(address.partition("?")[0].removeprefix(url))
        return fetch(address, *arguments, **options)

    client.fetch = counted
    return CcxtClient(client, asked)


def _moved(addresses: Any, url: str) -> Any:
    """Every address, however deep, with this beginning instead of its own host."""
    if isinstance(addresses, dict):
        return {name: _moved(one, url) for name, one in addresses.items()}
    if isinstance(addresses, list):
        return [_moved(one, url) for one in addresses]
    return re.sub(r"^https?://[^/]+", url, addresses) if isinstance(addresses, str) else addresses
