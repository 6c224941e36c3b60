"""``connect``: from a venue's name to an :class:`~vocx.exchange.Exchange`."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from vocx import errors
from vocx.exchange.handle import Exchange, Where
from vocx.venues import get

if TYPE_CHECKING:
    from vocx.lab import Lab


def connect(
    venue: str = "binance",
    where: Where = "lab",
    *,
    lab: Lab | None = None,
    name: str | None = None,
    tls: bool = False,
) -> Exchange:
    """A venue, ready to be asked and listened to; prints one line that says where it is.

    Parameters
    ----------
    venue : str
        ``"binance"``.
    where : str
        ``"lab"``: an exchange in a box on this machine, opened when none is open.
        ``"testnet"``: the venue's play-money environment. ``"real"``: public data of the venue.
    lab : Lab or None
        A lab of your own instead of the default one.
    name : str or None
        A name to tell several connections apart; the venue's by default.
    tls : bool
        Ask the lab over https and wss too, verified against its own authority.

    Raises
    ------
    UnknownVenue, BadInput
        For a venue or a place that does not exist.

    Examples
    --------
    >>> ex = vocx.connect("binance")
    >>> ex.quote("BTC/USDT").spread
    """
    adapter = get(venue)
    if where not in get_args(Where):
        raise errors.BadInput(f'where is {where!r}; write "lab", "testnet" or "real"')
    if where != "lab" and lab is not None:
        raise errors.BadInput(f'a lab was given together with where="{where}"; leave out one')
    if where != "lab" and where not in adapter.hosts:
        raise errors.BadInput(f'{venue} has no usable {where}; the lab has it: where="lab"')
    if where == "lab" and lab is None:
        import vocx.lab

        lab = vocx.lab.open()
    exchange = Exchange(adapter, where, lab=lab, name=name, tls=tls)
    print(exchange.place)
    return exchange
