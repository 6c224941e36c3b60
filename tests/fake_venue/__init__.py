"""A venue that does not exist, in three profiles, to prove what holds for every venue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from fake_venue.profile import PROFILES
from vocx import venues
from vocx.lab import dialects


@contextmanager
def registered() -> Iterator[None]:
    """The profiles are venues like any other, for clients and labs, inside the block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(venues, "_ADAPTERS", dict(venues._ADAPTERS))
        patch.setattr(dialects, "_registered", dict(dialects._registered))
        for name in PROFILES:
            venues.register(name, f"fake_venue.client:{name.title()}")
            dialects.register(name, f"fake_venue.exchange:{name.title()}")
        yield


def adapter(name: str) -> Any:
    """The adapter of any venue, registered by vocx or one of the profiles."""
    with registered():
        return venues.get(name)
