"""Levels of a book: what was written, what is compared, and what somebody sees."""

from __future__ import annotations

import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from vocx.facts import BookDelta, BookSnapshot, Facts, Level, Levels

SIDE: tuple[Level, ...] = (
    (Decimal("61700.10"), Decimal("0.50000000")),
    (Decimal("61700.00"), Decimal("0")),
    (Decimal("61699.9"), Decimal("3")),
)


def test_a_side_equals_a_tuple_of_its_levels() -> None:
    """Whoever indexes, slices, compares or hashes it need not know that it is no tuple."""
    side = Levels.of(SIDE)
    assert side == SIDE and SIDE == side and side == Levels.of(SIDE) and side != SIDE[:2]
    assert hash(side) == hash(SIDE) and list(side) == list(SIDE) and len(side) == 3
    assert side[0] == SIDE[0] and side[-1] == SIDE[-1] and side[:2] == SIDE[:2]
    assert type(side[:2]) is tuple and SIDE[1] in side and side.index(SIDE[2]) == 2
    assert repr(side) == str(side)
    assert repr(side).startswith("((Decimal('61700.10'), Decimal('0.50000000')), (Decimal(")
    assert pickle.loads(pickle.dumps(side)) == SIDE
    assert side + SIDE == side + side == SIDE + side == SIDE * 2
    assert dict(side) == dict(SIDE) and max(side) == SIDE[0] and list(zip(*side, strict=True))
    assert pd.DataFrame(side, columns=["price", "quantity"]).equals(
        pd.DataFrame(SIDE, columns=["price", "quantity"])
    )
    assert np.array(side, dtype=float).shape == (3, 2)
    with pytest.raises(IndexError):
        side[3]


def test_a_fact_is_the_same_with_either() -> None:
    """Equality, hash, the printed line and the frame of a fact do not tell which it holds."""
    written = BookDelta(symbol="BTC/USDT", bids=Levels.of(SIDE), asks=(), first=1, last=2)
    plain = BookDelta(symbol="BTC/USDT", bids=SIDE, asks=Levels.of(()), first=1, last=2)
    assert written == plain and hash(written) == hash(plain)
    assert str(written) == str(plain) and "bids 3" in str(plain) and "asks" not in str(plain)
    assert written._repr_html_() == plain._repr_html_() and repr(written) == repr(plain)
    assert list(Facts([written]).frame().columns) == list(Facts([plain]).frame().columns)
    book = BookSnapshot(symbol="BTC/USDT", bids=Levels.of(SIDE[:1]), asks=())
    assert book.bid == SIDE[0][0] and len(book.frame()) == 1


@pytest.mark.parametrize("price", ["NaN", "sNaN", "Infinity", "1.00000000000000000001"])
def test_a_price_that_no_float_tells_is_refused(price: str) -> None:
    """Before a book mixes it up with another; it can still be read."""
    side = Levels.of([(Decimal(price), Decimal(1))])
    assert str(side[0][0]) == price
    with pytest.raises(ArithmeticError, match=price):
        side.take_floats()


def test_floats_are_made_anew() -> None:
    """A second book that is fed the same fact finds what the first one found."""
    side = Levels.of(SIDE)
    first, second = side.take_floats(), side.take_floats()
    assert [(one.price, one.quantity) for one in first] == [(float(p), float(q)) for p, q in SIDE]
    assert [(one.price, one.quantity) for one in second] == [(float(p), float(q)) for p, q in SIDE]
