"""What the owner of a lab may set at its exchange, over the real control port."""

from __future__ import annotations

from decimal import Decimal

import pytest

import vocx
from vocx import errors
from vocx.exchange import Exchange
from vocx.lab import Lab
from vocx.venues.base import Credentials


def holdings(lab: Lab, key: Credentials, monkeypatch: pytest.MonkeyPatch) -> dict[str, Decimal]:
    with vocx.connect(lab=lab) as ex, monkeypatch.context() as patch:
        patch.setattr(ex.environment, "credentials", lambda: key)
        return {one.asset: one.free for one in ex.balances() if one.free}


def test_another_account_holds_what_it_was_given(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its key pair signs for it, and the default account is another one."""
    key = lab.account("second", balances={"USDT": "1000", "BTC": Decimal("0.5"), "ETH": 2})
    had = {"USDT": Decimal(1000), "BTC": Decimal("0.5"), "ETH": Decimal(2)}
    assert holdings(lab, key, monkeypatch) == had
    again = lab.account("second", ed25519=True)
    assert again.key != key.key and again.secret.startswith("-----BEGIN")
    assert holdings(lab, again, monkeypatch) == had
    assert holdings(lab, lab.credentials("binance"), monkeypatch) != had


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"balances": {"USDT": 0.5}}, "write it as text"),
        ({"name": "default", "balances": {"USDT": "1"}}, "exists"),
        ({"colour": "red"}, "no 'colour'"),
    ],
)
def test_a_wrong_account_is_refused(lab: Lab, arguments: dict[str, object], says: str) -> None:
    """The exchange says what to write."""
    with pytest.raises(errors.BadInput, match=says):
        lab.account(**arguments)  # type: ignore[arg-type]


def test_a_skewed_clock_ends_with_its_block(exchange: Exchange, lab: Lab) -> None:
    """The venue's stamps are ahead by that much inside the block and right after it."""

    def ahead_s() -> float:
        now = exchange.time()
        assert now.exchange_ns is not None
        return (now.exchange_ns - now.arrived_ns) / 1e9

    with lab.skew(5) as skewed:
        assert skewed.seconds == 5 and "5 s ahead" in repr(skewed)
        assert lab.skew().seconds == 5
        assert 4 < ahead_s() < 6
    assert lab.skew().seconds == 0 and abs(ahead_s()) < 1
    with pytest.raises(errors.BadInput, match="86400"):
        lab.skew(100_000)
