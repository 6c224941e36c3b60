"""``connect``: from a venue's name to an :class:`~vocx.exchange.Exchange`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from vocx import credentials as keys
from vocx import errors
from vocx.arguments import brief, check_flag, check_optional_name
from vocx.call_forms import says_its_form
from vocx.exchange.environment import LabEnvironment, Place, VenueEnvironment
from vocx.exchange.exchange import Exchange
from vocx.exchange.order_checks import MaxNotional, allowance
from vocx.venues import DEFAULT, get
from vocx.venues.base import Credentials, Venue

if TYPE_CHECKING:
    from vocx.lab import Lab

Where = Literal["lab", "testnet", "real", "demo"]
PLACES = ("lab", "testnet", "real")
"""What every venue has, or says why not; some have a ``"demo"`` as well."""


@says_its_form
def connect(
    venue: str = DEFAULT,
    where: Where | Mapping[str, str] = "lab",
    *,
    lab: Lab | None = None,
    name: str | None = None,
    tls: bool = False,
    allow_orders: bool = False,
    max_notional: MaxNotional = None,
    credentials: Credentials | None = None,
) -> Exchange:
    """A venue, ready to be asked and listened to; prints one line that says where it is.

    Parameters
    ----------
    venue : str
        Whose dialect is spoken.
    where : str or dict
        ``"lab"``: an exchange in a box on this machine, opened when none is open.
        ``"testnet"``: the venue's play-money environment. ``"real"``: public data of the venue.
        ``{"rest": url, "ws": url}``: any server that speaks the venue's dialect, by the venue's
        purposes. Servers of this machine are used like the lab, all others like ``"real"``.
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
    credentials : Credentials or None
        A key, for a server of this machine only.

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
    name = check_optional_name(name, "name", "mine")
    tls = check_flag(tls, "tls")
    place = _place(adapter, where, lab, tls, credentials)
    allowed = allowance(place.guarded, allow_orders, max_notional)
    if place.guarded and allow_orders:
        keys.needed(adapter.name, "real")
    exchange = Exchange(adapter, place, name=name, allowance=allowed)
    print(exchange.place)
    return exchange


def _place(
    adapter: Venue,
    where: Where | Mapping[str, str],
    lab: Lab | None,
    tls: bool,
    credentials: Credentials | None,
) -> Place:
    venue = adapter.name
    if not isinstance(where, str | Mapping):
        raise errors.BadInput(f'where is {brief(where)}; write "lab", "testnet" or "real"')
    if where != "lab" and lab is not None:
        raise errors.BadInput(f"a lab was given together with where={brief(where)}; leave out one")
    if lab is not None and not hasattr(lab, "urls"):
        raise errors.BadInput(f"lab is {brief(lab)}; write lab=vocx.lab.open(), or leave it out")
    if isinstance(where, Mapping):
        if not where or not all(isinstance(one, str) for one in where.values()):
            raise errors.BadInput('where is no table of URLs; write {"rest": url, "ws": url}')
        for url in where.values():
            if not _is_url(url):
                raise errors.BadInput(
                    f"{brief(url)} is no URL to reach a venue by: http(s) or ws(s)"
                )
        return VenueEnvironment(adapter, "custom", urls=where, key=credentials)
    if credentials is not None:
        raise errors.NotAllowed(
            "credentials= is for a server of this machine, given as where={...}. The lab has keys "
            "of its own; those of venues come from the environment, never from a cell"
        )
    if where == "lab":
        if lab is None:
            import vocx.lab

            lab = vocx.lab.open_for(venue)
        return LabEnvironment(adapter, lab, tls)
    found = adapter.environments.get(where)
    if found is None and where not in PLACES:
        raise errors.BadInput(
            f'where is {brief(where)}; write "lab", "testnet" or "real", or '
            '{"rest": url, "ws": url}'
        )
    if found is None or not found.urls:
        why = f" ({found.note})" if found is not None and found.note else ""
        raise errors.BadInput(f'{venue} has no usable {where}{why}; the lab has it: where="lab"')
    return VenueEnvironment(adapter, where)


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises where it is none
    except ValueError:
        return False
    known = parts.scheme in ("http", "https", "ws", "wss")
    return known and bool(parts.hostname) and text.isascii() and text.isprintable()
