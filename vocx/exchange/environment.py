"""The places where a venue can be used: the lab, the venue's own hosts, any other server."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any

from vocx import credentials, errors
from vocx.lab.network import round_trip_ms
from vocx.net import Environment, is_loopback
from vocx.rate_limits import AddressStatus
from vocx.timing import mono_ns
from vocx.venues.base import Credentials, GetBalances, Venue

if TYPE_CHECKING:
    from vocx.lab import Config, Lab

DYING_NS = 300_000_000
"""A lab's sockets close a moment before its process is seen to be gone."""


class VenueEnvironment(Environment):
    """Addresses of a venue: its ``"real"`` or ``"testnet"`` ones, or ``"custom"`` ones that were
    given.

    Custom addresses that are all of this machine are like the lab: a key may be given, orders
    need no permission, nothing is hidden. All others have the safety of ``"real"``.

    Attributes
    ----------
    where : str
        ``"real"``, ``"testnet"``, ``"demo"`` or ``"custom"``.
    guarded : bool
        Orders need both steps of :func:`vocx.connect`.
    """

    lab: Lab | None = None
    tls = True

    def __init__(
        self,
        venue: Venue,
        where: str,
        urls: Mapping[str, str] | None = None,
        key: Credentials | None = None,
    ) -> None:
        custom = urls is not None
        found = venue.derive_urls(urls) if urls is not None else venue.environments[where].urls
        local = custom and all(is_loopback(one) for one in found.values())
        headers = {} if custom else venue.environments[where].headers
        super().__init__(found, headers=headers, redact=not local)
        self.where = where
        self.guarded = where == "real" or (custom and not local)
        self._venue, self._key, self._local = venue, key, local
        if key is not None and not local:
            raise errors.NotAllowed(
                "credentials= is for servers of this machine only: keys of other hosts come from "
                f"the environment ({credentials.prefix(venue.name, 'real')}KEY, ...), never from "
                "a cell"
            )

    def credentials(self) -> Credentials:
        """The key in force: the one that was given, or the environment's.

        Raises
        ------
        NotAllowed, BadInput
            There is none, or it may not be used here.
        """
        if self._key is not None:
            return self._key
        if self._local:
            raise errors.NotAllowed(
                "this server is on this machine, so no key is taken from the environment for it: "
                "write connect(..., credentials=Credentials(key=..., secret=...))"
            )
        return credentials.needed(self._venue.name, "real" if self.guarded else self.where)

    def describe(self, name: str, orders: bool) -> str:
        """Where this is, in one line."""
        rest = self.url("rest")
        if self.where == "testnet":
            return f"{name} testnet ({rest}): play money, a real network"
        if self.where == "custom" and self._local:
            return f"{name} at {rest}, a server of this machine"
        there = f"{name}, the real one" if self.where == "real" else f"{name} at an own address"
        if orders:
            signed = self.url(self._venue.request(GetBalances()).purpose)
            return f"{there} ({signed}): REAL ORDERS, REAL MONEY"
        return f"{there} ({rest}): public data, no key, no orders"

    def label(self, name: str) -> str:
        """The name with the place: what streams here are called by."""
        return f"{name} {self.where}"

    def with_tls(self, tls: bool) -> VenueEnvironment:
        """The same: a venue's addresses say themselves whether they are secure."""
        return self


class LabEnvironment(Environment):
    """A venue in a lab, whose addresses are asked for at each use: a lab that was replaced does
    not strand its clients."""

    where = "lab"
    guarded = False

    def __init__(self, venue: Venue, lab: Lab, tls: bool) -> None:
        super().__init__({}, redact=False)
        self.lab: Lab | None = lab
        self.tls = tls
        self._venue, self._lab = venue, lab

    def url(self, purpose: str) -> str:
        """The base URL in force for one purpose.

        Raises
        ------
        LabDied
            When the lab behind it is gone.
        """
        urls = self._lab.tls_urls if self.tls else self._lab.urls
        name = self._venue.name
        if name not in urls:
            self._lab.url(name, purpose)  # says what the lab has
        self._urls = dict(self._venue.derive_urls(urls[name]))
        return super().url(purpose)

    def counted_at(self) -> str:
        """The lab's address without TLS: it counts both together."""
        return self._lab.url(self._venue.name, "rest")

    def ca_file(self) -> str | None:
        """The authority of the lab's certificate."""
        return str(Path(self._lab.certificate())) if self.tls else None

    def distance_ms(self) -> float | None:
        """The lab's distance dial for this venue, as a round trip."""
        with suppress(errors.VocxError):
            return round_trip_ms(self._lab.network.state, self._venue.name)
        return None

    def address_status(self) -> AddressStatus | None:
        """What the lab's limits say of this machine now: its owner may have scaled them."""
        with suppress(errors.VocxError):
            said: dict[str, Any] = self._lab.control("limits", venue=self._venue.name)
            buckets = {one.bucket for one in self._venue.limits if one.per == "address"}
            mine = said["peers"].get("127.0.0.1", dict.fromkeys(buckets, 0))
            return AddressStatus(
                enforced=not (said["off"] or said["paused"]),
                used={name: mine[name] for name in sorted(buckets & mine.keys())},
                window_left_s={one["name"]: one["left_s"] for one in said["limits"]},
                ban_left_s=mine.get("ban_left_s", 0.0),
            )
        return None

    def explain(self, error: errors.TransportError) -> errors.VocxError:
        """A connection that failed because the lab is gone is the lab's death."""
        patience = mono_ns() + (DYING_NS if isinstance(error, errors.ConnectFailed) else 0)
        try:
            while True:
                _ = self._lab.urls
                if mono_ns() > patience:
                    return error
                sleep(0.01)
        except errors.LabDied as died:
            return died

    def credentials(self) -> Credentials:
        """The lab's own key, worth nothing elsewhere."""
        return self._lab.credentials(self._venue.name)

    def describe(self, name: str, orders: bool) -> str:
        """Where this is, in one line."""
        over = ", which is over" if self._lab.config.replay and self._lab.over else ""
        return f"{name} {_market(self._lab.config)}{over}: no account, no network"

    def label(self, name: str) -> str:
        """The name, and the lab's unless it is the default one: streams of two labs do not
        replace each other."""
        return name if self._lab.name == "default" else f"{name} (lab {self._lab.name})"

    def with_tls(self, tls: bool) -> LabEnvironment:
        """The same lab, over https and wss or without."""
        return LabEnvironment(self._venue, self._lab, tls)


Place = VenueEnvironment | LabEnvironment


def _market(config: Config) -> str:
    """Which market a lab plays, in words."""
    if not config.replay:
        return f"in the lab on this machine (seed {config.seed})"
    files = ", ".join(Path(one).name for one in config.replay)
    speed = "at full speed" if config.speed is None else f"at speed {config.speed:g}"
    return f"in the lab on this machine (a replay of {files} {speed})"
