"""``connect``: from a venue's name to an :class:`~vocx.exchange.Exchange`."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from vocx import credentials, errors
from vocx.exchange.entry import MaxNotional, allowance
from vocx.exchange.handle import Exchange, Where
from vocx.venues import get
from vocx.venues.base import Venue

if TYPE_CHECKING:
    from vocx.lab import Lab


def connect(
    venue: str = "binance",
    where: Where = "lab",
    *,
    lab: Lab | None = None,
    name: str | None = None,
    tls: bool = False,
    allow_orders: bool = False,
    max_notional: MaxNotional = None,
) -> Exchange:
    """A venue, ready to be asked and listened to; prints one line that says where it is.

    Parameters
    ----------
    venue, where : str
        ``"lab"``: an exchange in a box on this machine, opened when none is open.
        ``"testnet"``: the venue's play-money environment. ``"real"``: public data of the venue.
    lab : Lab or None
        A lab of your own instead of the default one.
    name : str or None
        To tell several connections apart; the venue's by default.
    tls : bool
        Ask the lab over https and wss too, verified.
    allow_orders : bool
        First step to real orders; keys come from the environment (:mod:`vocx.credentials`).
    max_notional : str or dict
        Second step: the largest order, ``"50"`` dollars or ``{"BTC": "0.001"}``, anywhere.

    Raises
    ------
    UnknownVenue, BadInput, NotAllowed
        No such venue or place; real orders without a bound, without a key, on a public host.

    Examples
    --------
    >>> ex = vocx.connect("binance")
    >>> ex.quote("BTC/USDT").spread
    """
    adapter = get(venue)
    _check_place(adapter, where, lab)
    allowed = allowance(where, allow_orders, max_notional)
    if where == "real" and allow_orders:
        credentials.needed(adapter.name, where)
    if where == "lab" and lab is None:
        import vocx.lab

        lab = vocx.lab.open()
    exchange = Exchange(adapter, where, lab=lab, name=name, tls=tls, allowance=allowed)
    print(exchange.place)
    return exchange


def _check_place(adapter: Venue, where: str, lab: Lab | None) -> None:
    venue = adapter.name
    if where not in get_args(Where):
        raise errors.BadInput(f'where is {where!r}; write "lab", "testnet" or "real"')
    if where != "lab" and lab is not None:
        raise errors.BadInput(f'a lab was given together with where="{where}"; leave out one')
    if where != "lab" and where not in adapter.hosts:
        raise errors.BadInput(f'{venue} has no usable {where}; the lab has it: where="lab"')
