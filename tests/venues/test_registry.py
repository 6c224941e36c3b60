"""Venues by name: those that vocx brings, and those that others add."""

from __future__ import annotations

import pytest

from vocx import errors, venues
from vocx.venues import binance


@pytest.fixture(autouse=True)
def own_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venues, "_ADAPTERS", dict(venues._ADAPTERS))


def test_a_registered_venue_is_known_by_its_name() -> None:
    """Names list it, ``get`` imports it when it is asked for, a misspelling finds it."""
    venues.register("elsewhere", "vocx.venues.binance:Binance")
    assert "elsewhere" in venues.names()
    assert isinstance(venues.get("Elsewhere"), binance.Binance)
    with pytest.raises(errors.UnknownVenue, match='mean "elsewhere"'):
        venues.get("elsewere")


def test_a_name_stands_for_one_adapter() -> None:
    """Saying the same twice is fine (a cell that runs again); another adapter is refused."""
    venues.register("twice", "one:Venue")
    venues.register("twice", "one:Venue")
    with pytest.raises(errors.BadInput, match="is one:Venue already"):
        venues.register("twice", "two:Venue")
    with pytest.raises(errors.BadInput, match="is vocx.venues.binance:Binance already"):
        venues.register("binance", "two:Venue")


@pytest.mark.parametrize("name", ["", "Upper", "a-b", "../x", "1st", None])
def test_what_cannot_be_a_name_is_refused(name: str) -> None:
    """Names become parts of environment variables and files."""
    with pytest.raises(errors.BadInput, match="lower-case letters"):
        venues.register(name, "one:Venue")


@pytest.mark.parametrize("adapter", ["module", "module:", ":Class", "os;x:y", None])
def test_what_names_no_class_is_refused(adapter: str) -> None:
    """At the registration, not when somebody connects."""
    with pytest.raises(errors.BadInput, match='"module:Class"'):
        venues.register("name", adapter)
