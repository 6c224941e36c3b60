"""How a lab is to be opened: one value that can be compared, sent over a pipe and printed."""

from __future__ import annotations

import msgspec
from msgspec.structs import force_setattr

from vocx.arguments import as_count, brief
from vocx.errors import BadInput
from vocx.lab.dialects import factories
from vocx.lab.settings import number, pace

AUTHORITY = "authority.pem"
"""The file that holds the certificate of a lab's authority: no key is in it."""
TOKEN_HEADER = "X-Vocx-Token"
"""The header that carries the control token."""
SPEEDS = (1e-3, 1e6)
"""Slowest and fastest of a replay with a clock."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that makes one lab differ from another.

    ``venues`` are the factories of its dialects by name (:func:`vocx.lab.dialects.factories`),
    empty for all that are built in (in a replay: the first); ``import_paths`` are the folders
    outside of vocx that these are found in. ``symbols`` empty means the default ones; ``replay``
    holds absolute paths, empty for the crowd; ``speed`` is the replay's (``None``: as fast as
    clients read), and ``loop`` plays it again and again; ports 0 are chosen by the system, any
    other ``port`` is the first venue's, and the next ones the others'.
    """

    seed: int = 7
    pace: float = 1.0
    symbols: tuple[str, ...] = ()
    replay: tuple[str, ...] = ()
    speed: float | None = 1.0
    skip_bad: bool = False
    loop: bool = False
    port: int = 0
    control_port: int = 0
    tls: bool = False
    venues: dict[str, str] = {}
    import_paths: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        seed = as_count(self.seed)
        if type(seed) is not int or not 0 <= seed < 2**63:
            raise BadInput(f"seed is {brief(self.seed)}; write a whole number from 0 up")
        force_setattr(self, "seed", seed)
        force_setattr(self, "pace", pace(self.pace))
        if self.speed is not None:
            force_setattr(self, "speed", number("speed", self.speed, *SPEEDS))
        for name in ("port", "control_port"):
            port = as_count(getattr(self, name))
            if type(port) is not int or not 0 <= port < 65536:
                raise BadInput(
                    f"{name} is {brief(getattr(self, name))}; write 0 (any free one) or 1024 to "
                    "65535"
                )
            force_setattr(self, name, port)
        if type(self.loop) is not bool:
            raise BadInput(f"loop is {brief(self.loop)}; write True or False")
        if self.loop and not self.replay:
            raise BadInput("loop plays a recording again; name it: replay=...")
        if not self.venues:
            known = factories()
            played = dict([next(iter(known.items()))]) if self.replay else known
            force_setattr(self, "venues", played)
        if self.replay and len(self.venues) > 1:
            raise BadInput("a recording is of one venue; name it: venues=[...]")
        if self.replay and self.symbols:
            raise BadInput("a recording brings its own symbols; leave symbols= out with replay=")


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where the control port is, and the word that opens it."""

    url: str
    token: str


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """What a lab says when it is ready: one JSON line.

    ``urls`` and ``credentials`` are by venue; ``tls_urls`` is empty until TLS is asked for.
    ``certificate`` is the path of the authority behind them, for ``SSL_CERT_FILE`` and the like.
    """

    urls: dict[str, dict[str, str]]
    credentials: dict[str, dict[str, str]]
    control: Address
    tls_urls: dict[str, dict[str, str]] = {}
    certificate: str = ""
