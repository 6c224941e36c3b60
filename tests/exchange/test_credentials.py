"""Where keys come from, and that they are seen nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from vocx import credentials, errors
from vocx.venues.base import Credentials

KEY, SECRET = "A" * 64, "s3cret" * 10
REAL = {"VOCX_BINANCE_KEY": KEY, "VOCX_BINANCE_SECRET": SECRET}


def test_a_pair_is_found_by_venue_and_place() -> None:
    """Testnet keys are other keys: one place's variables say nothing about another's."""
    found = credentials.find("binance", "real", REAL)
    assert found == Credentials(key=KEY, secret=SECRET, venue="binance")
    assert credentials.find("binance", "testnet", REAL) is None
    assert credentials.find("okx", "real", REAL) is None


def test_a_private_key_is_read_from_its_file(tmp_path: Path) -> None:
    """An Ed25519 key is a file; its passphrase travels with it."""
    (tmp_path / "key.pem").write_text("-----BEGIN PRIVATE KEY-----")
    found = credentials.find(
        "binance",
        "testnet",
        {
            "VOCX_BINANCE_TESTNET_KEY": KEY,
            "VOCX_BINANCE_TESTNET_PRIVATE_KEY_FILE": str(tmp_path / "key.pem"),
            "VOCX_BINANCE_TESTNET_PASSPHRASE": "open",
        },
    )
    assert found is not None
    assert (found.secret, found.passphrase) == ("-----BEGIN PRIVATE KEY-----", "open")


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"VOCX_BINANCE_KEY": KEY}, "without its secret"),
        ({"VOCX_BINANCE_SECRET": SECRET}, "KEY is missing"),
        ({**REAL, "VOCX_BINANCE_PRIVATE_KEY_FILE": "a"}, "keep one"),
        ({"VOCX_BINANCE_KEY": KEY, "VOCX_BINANCE_PRIVATE_KEY_FILE": "/none"}, "cannot be read"),
        ({**REAL, "VOCX_BINANCE_KEY": "0a1b2c3d-0000-4000-8000-00000000beef"}, "coinbase or okx"),
        ({**REAL, "VOCX_BINANCE_KEY": "short"}, "part of it may be missing"),
    ],
)
def test_an_unusable_pair_says_what_to_set(environ: dict[str, str], says: str) -> None:
    """Names the variable and never its value."""
    with pytest.raises(errors.BadInput, match=says) as caught:
        credentials.find("binance", "real", environ)
    assert SECRET not in str(caught.value)


def test_no_key_says_which_variables() -> None:
    """What to set, and that the lab needs nothing."""
    with pytest.raises(errors.NotAllowed, match="VOCX_BINANCE_TESTNET_KEY.*lab"):
        credentials.needed("binance", "testnet", {})


def test_a_public_host_gets_no_key() -> None:
    """On Binder somebody else could read the environment."""
    with pytest.raises(errors.NotAllowed, match="public host"):
        credentials.find("binance", "real", {**REAL, "BINDER_PORT": "1"})
    assert credentials.find("binance", "real", {"BINDER_PORT": "1"}) is None


def test_a_key_pair_hides_itself() -> None:
    """Neither repr nor str nor a container shows it."""
    pair = Credentials(key=KEY, secret=SECRET, passphrase="open")
    assert SECRET not in f"{pair!r} {pair} {[pair]}" and KEY not in f"{pair!r} {pair} {[pair]}"
    assert "open" not in repr(pair)
