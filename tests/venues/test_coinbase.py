"""Coinbase's adapter and the lab's dialect against tokens that neither of them made."""

from __future__ import annotations

import pytest

from vocx.lab.dialects.coinbase import tokens
from vocx.lab.dialects.shared.keys import Denied, Key, KeyRing
from vocx.venues.base import Credentials
from vocx.venues.coinbase import signing

NAME = (
    "organizations/11111111-2222-4333-8444-555555555555/apiKeys/"
    "66666666-7777-4888-9999-aaaaaaaaaaaa"
)
SECRET = "40egGSDm/M31oP2FMmK/JEsvNCSeLxYaRbtyJeeSGsOYNS2a1MDrYg3whAc7eL7K2HwqxdXuhHGULoW0o/ufSA=="
NONCE = "00112233445566778899aabbccddeeff" * 2
NOW_NS = 1_795_334_400 * 10**9
MINE = Credentials(key=NAME, secret=SECRET)
ORDERS = "/api/v3/brokerage/orders"
SIGNATURE = "gnl465VkdJoFR6PnIQVunAE5ZAyQtNECbRLFnAOceGnYrjVSXW62McSBpY9u9Nw70iPL1Rd_USsjpyUrK0jNAg"
SOCKET = "1U5UbgiFG_sMGKCaVaWZ-craYB7o-akVFTaNl6Q8VZ17ljhWT2yCwXPFtdNg17TK3CoWsj9druefjLvzhZgIDw"


@pytest.fixture
def ring() -> KeyRing:
    known = KeyRing(tokens.FORM, tokens.FORM_TEXT)
    known.add(Key(key=NAME, owner="coinbase:me", public=tokens.Pairs().public_of(SECRET)))
    return known


def test_tokens_are_those_of_the_official_sdk() -> None:
    """EdDSA is deterministic: the same signature, for a call and for a socket (SDK 1.8.4)."""
    assert signing.token(MINE, NOW_NS, NONCE, "POST", ORDERS).split(".")[2] == SIGNATURE
    assert signing.token(MINE, NOW_NS, NONCE).split(".")[2] == SOCKET


def test_a_token_proves_one_call_for_two_minutes(ring: KeyRing) -> None:
    """Another call, another time, another signature: refused."""
    token = signing.token(MINE, NOW_NS, NONCE, "POST", ORDERS)
    call = f"POST {ORDERS}"
    assert tokens.authenticate(ring, token, NOW_NS, call=call).owner == "coinbase:me"
    for other, at_s, asked in (
        (token, 0, f"GET {ORDERS}"),
        (token, 126, call),
        (token, -6, call),
        (token[:-4] + "AAAA", 0, call),
        (signing.token(MINE, NOW_NS, NONCE), 0, call),
        ("", 0, call),
    ):
        with pytest.raises(Denied):
            tokens.authenticate(ring, other, NOW_NS + at_s * 10**9, call=asked)
