"""What an endpoint is and how one call of it is carried out, whichever surface it came over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import msgspec


class Endpoint(msgspec.Struct, frozen=True):
    """One endpoint.

    Parameters
    ----------
    path, verb
        Where REST has it.
    answer
        Makes the answer's body from a call, or raises the venue's refusal.
    method
        Its name on a request/response socket, where it is not that of the path.
    cost
        What a call charges, from its parameters: a weight, or another amount of its bucket.
    bucket
        Which limit it is charged to, where a venue has one per endpoint.
    signed
        It needs a key; ``trade``: one that may trade.
    read
        Reads the parameters before the key is looked at.
    free
        Costs nothing where it succeeds.
    places
        It places an order, which counts; ``shows_orders``: it shows that count, and looks at it
        itself.
    """

    path: str
    answer: Callable[[Any], Any]
    verb: str = "GET"
    method: str = ""
    cost: Callable[[Any], int] = lambda params: 1
    bucket: str = ""
    allowed: tuple[str, ...] = ()
    mandatory: tuple[str, ...] = ()
    signed: bool = False
    trade: bool = False
    read: Callable[[Any], Any] = lambda params: None
    free: bool = False
    places: bool = False
    shows_orders: bool = False


def flat(cost: int) -> Callable[[Any], int]:
    """A cost that does not depend on the parameters."""
    return lambda params: cost


E = TypeVar("E", bound=Endpoint)


class EndpointTable(Generic[E]):
    """A venue's endpoints, found by path and verb or by method.

    Parameters
    ----------
    root : str
        What stands before every path.
    """

    def __init__(self, root: str, endpoints: Iterable[E]) -> None:
        self.root = root
        self.by_method: dict[str, E] = {}
        self._by_path: dict[str, dict[str, E]] = {}
        for endpoint in endpoints:
            self._by_path.setdefault(root + endpoint.path, {})[endpoint.verb] = endpoint
            self.by_method[endpoint.method or endpoint.path] = endpoint

    def find(self, verb: str, path: str) -> E | None:
        """The endpoint of one request."""
        return self._by_path.get(path.rstrip("/"), {}).get(verb)

    def knows(self, path: str) -> bool:
        """Whether the path has an endpoint of any verb."""
        return path.rstrip("/") in self._by_path
