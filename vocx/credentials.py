"""Keys, from where they belong: named environment variables, or the lab. Never from a cell.

A notebook is saved, shared and committed, and with it everything that was typed into it. So vocx
takes keys of real venues and testnets only from the environment of the process:

======================================  ==========================================================
``VOCX_BINANCE_KEY``                    the API key
``VOCX_BINANCE_SECRET``                 its secret, or
``VOCX_BINANCE_PRIVATE_KEY_FILE``       the path of an Ed25519 private key in PEM, with
``VOCX_BINANCE_PASSPHRASE``             its passphrase, if it has one
``VOCX_BINANCE_TESTNET_KEY``, ...       the same for the testnet: other keys, play money
======================================  ==========================================================

On a public host such as Binder (any ``BINDER_*`` variable) keys are refused: whoever runs that
machine could read them. The lab has random keys of its own, which are worth nothing elsewhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from vocx import venues
from vocx.errors import BadInput, NotAllowed
from vocx.venues.base import Credentials

__all__ = ["Credentials", "find", "needed", "on_public_host", "prefix"]


def __dir__() -> list[str]:
    return __all__


def prefix(venue: str, where: str) -> str:
    """What the names of a venue's variables begin with: ``"VOCX_BINANCE_TESTNET_"``."""
    place = "" if where == "real" else f"{where.upper()}_"
    return f"VOCX_{venue.upper()}_{place}"


def on_public_host(environ: Mapping[str, str] | None = None) -> bool:
    """Whether this is Binder or the like, where no key belongs."""
    return any(name.startswith("BINDER_") for name in (os.environ if environ is None else environ))


def find(venue: str, where: str, environ: Mapping[str, str] | None = None) -> Credentials | None:
    """The key pair that the environment names, ``None`` when it names none.

    Raises
    ------
    NotAllowed
        On a public host.
    BadInput
        Half a pair, two secrets, a file that cannot be read, or a key of another venue.
    """
    named = os.environ if environ is None else environ
    start = prefix(venue, where)
    key = named.get(f"{start}KEY", "").strip()
    secret = named.get(f"{start}SECRET", "").strip()
    path = named.get(f"{start}PRIVATE_KEY_FILE", "").strip()
    if not (key or secret or path):
        return None
    if on_public_host(named):
        raise NotAllowed(
            "this is a public host (a BINDER_ variable is set): whoever runs it could read your "
            f'keys. Take {start}KEY out of its environment and use the lab: where="lab"'
        )
    _whole_pair(start, key, secret, path)
    _mine(venue, key, start)
    return Credentials(
        key=key,
        secret=secret or _read(path, start),
        passphrase=named.get(f"{start}PASSPHRASE") or None,
        venue=venue,
    )


def needed(venue: str, where: str, environ: Mapping[str, str] | None = None) -> Credentials:
    """The same, or ``NotAllowed`` that says which variables to set."""
    found = find(venue, where, environ)
    if found is not None:
        return found
    start = prefix(venue, where)
    raise NotAllowed(
        f"your account at {venue} ({where}) needs a key. Set {start}KEY and {start}SECRET (or "
        f"{start}PRIVATE_KEY_FILE) in the environment before the kernel starts, never in a cell; "
        'or practise without an account: where="lab"'
    )


def _whole_pair(start: str, key: str, secret: str, path: str) -> None:
    if not key:
        raise BadInput(f"{start}KEY is missing beside the secret; set both or none")
    if secret and path:
        raise BadInput(f"both {start}SECRET and {start}PRIVATE_KEY_FILE are set; keep one")
    if not (secret or path):
        raise BadInput(
            f"{start}KEY is set without its secret; set {start}SECRET, or {start}PRIVATE_KEY_FILE "
            "for an Ed25519 key"
        )


def _mine(venue: str, key: str, start: str) -> None:
    shapes = {name: venues.get(name).key_pattern for name in venues.names()}
    if venue not in shapes or re.fullmatch(shapes[venue], key):
        return
    others = " or ".join(name for name, one in shapes.items() if re.fullmatch(one, key))
    looks = f"it looks like one of {others}" if others else "part of it may be missing"
    raise BadInput(f"{start}KEY does not look like a key of {venue}: {looks}. Nothing was sent")


def _read(path: str, start: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no PEM text"
        raise BadInput(
            f"{start}PRIVATE_KEY_FILE names {path}, which cannot be read: {why}"
        ) from None
