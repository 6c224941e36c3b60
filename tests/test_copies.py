"""What vocx gives can be copied and sent to another process: errors, facts, results."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

import vocx.lab
from vocx import errors, measure
from vocx.exchange import Exchange, connect

KINDS = [
    one
    for one in vars(errors).values()
    if inspect.isclass(one) and issubclass(one, errors.VocxError)
]
BTC = "BTC/USDT"


def copies(value: Any) -> Iterator[Any]:
    yield pickle.loads(pickle.dumps(value))
    yield copy.deepcopy(value)
    yield copy.copy(value)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_errors_keep_what_they_carry(kind: type[errors.VocxError]) -> None:
    """Text, outcome, ids, notes and whatever else is in them."""
    error = kind("pandas")
    error.outcome, error.client_order_id = "unknown", "a1"
    error.add_note("look")
    for name in ("code", "retry_after_s", "until_ns", "line", "reason", "text"):
        if hasattr(error, name):
            setattr(error, name, 7)
    for again in copies(error):
        assert type(again) is kind and again.args == error.args and vars(again) == vars(error)


@pytest.fixture(scope="module")
def ex() -> Iterator[Exchange]:
    with vocx.lab.open(seed=5, name="copies") as lab, connect("binance", lab=lab) as found:
        yield found


def test_balances_know_their_assets_in_every_copy(ex: Exchange) -> None:
    """An asset of which there is nothing is a balance of zero there too."""
    balances = ex.balances()
    missing = sorted({one.base for one in ex.instruments()} - {one.asset for one in balances})
    for again in copies(balances):
        assert type(again) is type(balances) and again == balances
        assert again["USDT"] == balances["USDT"] and again.http == balances.http
        assert all(again[asset].total == 0 for asset in missing)
        with pytest.raises(errors.BadInput, match="no asset"):
            again["NOPE"]


def test_what_a_call_gives_can_be_copied(ex: Exchange) -> None:
    """With the bytes of its call, and an error with its reply."""
    for value in (ex.quote(BTC), ex.order_book(BTC, depth=5), ex.trades(BTC, limit=3), ex.time()):
        for again in copies(value):
            assert again == value and again.http == value.http
    with pytest.raises(errors.Refused) as refused:
        ex.order("no-such-order", symbol=BTC)
    for again in copies(refused.value):
        assert vars(again) == vars(refused.value) and again.http is not None


def test_results_of_measurements_can_be_copied(ex: Exchange) -> None:
    """As they can be saved and loaded."""
    for value in (measure.calls(ex, repeats=3, tls=(False,)), measure.code_size()):
        for again in copies(value):
            assert again == value and again.table() == value.table()
