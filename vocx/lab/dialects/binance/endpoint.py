"""What an endpoint of Binance is, whichever surface a call comes over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vocx.lab.dialects.shared import endpoints


class Endpoint(endpoints.Endpoint, frozen=True):
    """An endpoint with its parameters and weight, which is 1 where nothing is said.

    Parameters
    ----------
    method
        Its name on the WebSocket API, where it is not that of the path.
    allowed, mandatory
        Names of its parameters.
    read
        Reads the parameters before the key is looked at.
    free
        Costs nothing where it succeeds.
    shows_orders
        It shows the count of orders, and looks at it itself.
    """

    method: str = ""
    allowed: tuple[str, ...] = ()
    mandatory: tuple[str, ...] = ()
    read: Callable[[Any], Any] = lambda params: None
    free: bool = False
    shows_orders: bool = False
