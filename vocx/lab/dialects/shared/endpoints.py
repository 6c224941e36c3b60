"""What an endpoint is, and the table of a venue's endpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import msgspec

from vocx.lab.dialects.shared.rate_limiter import Rule


class Endpoint(msgspec.Struct, frozen=True):
    """One endpoint.

    Parameters
    ----------
    path, verb
        Where REST has it.
    answer
        Makes the answer's body from a call, or raises the venue's refusal.
    rule
        The limit that a call is charged to, where a venue has one per endpoint.
    cost
        What a call charges: so much, or from its parameters.
    signed
        It needs a key; ``trade``: one that may trade.
    places
        It places, changes or cancels orders, which count by themselves.
    """

    path: str
    answer: Callable[[Any], Any]
    verb: str = "GET"
    rule: Rule | None = None
    cost: int | Callable[[Any], int] = 1
    signed: bool = False
    trade: bool = False
    places: bool = False

    def cost_of(self, params: Any) -> int:
        """What a call with these parameters charges."""
        return self.cost if isinstance(self.cost, int) else self.cost(params)


E = TypeVar("E", bound=Endpoint)


class EndpointTable(Generic[E]):
    """A venue's endpoints, found by path and verb.

    Parameters
    ----------
    root : str
        What stands before every path.
    """

    def __init__(self, root: str, endpoints: Iterable[E]) -> None:
        self.root = root
        self.endpoints = tuple(endpoints)
        self._by_path: dict[str, dict[str, E]] = {}
        for endpoint in self.endpoints:
            self._by_path.setdefault(root + endpoint.path, {})[endpoint.verb] = endpoint

    def find(self, verb: str, path: str) -> E | None:
        """The endpoint of one request."""
        return self._by_path.get(path.rstrip("/"), {}).get(verb)

    def knows(self, path: str) -> bool:
        """Whether the path has an endpoint of any verb."""
        return path.rstrip("/") in self._by_path
