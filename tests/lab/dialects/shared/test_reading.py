"""Reading strangers' JSON: what cannot be read is said, whatever it is."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vocx.lab.dialects.shared.reading import (
    DEEPEST,
    LONGEST_INTEGER,
    Unreadable,
    Written,
    encode,
    json_text,
    query_pairs,
    read_json,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_json_is_read(value: object) -> None:
    """As the standard library reads it."""
    assert read_json(json.dumps(value).encode()) == value


@given(st.binary())
def test_nothing_else_raises_anything_else(message: bytes) -> None:
    """A value or ``Unreadable``."""
    try:
        read_json(message)
    except Unreadable as error:
        assert error.line >= 1 and error.column >= 0


@pytest.mark.parametrize(("depth", "fine"), [(DEEPEST, True), (DEEPEST + 1, False), (10**6, False)])
def test_depth(depth: int, fine: bool) -> None:
    """Nested so deep and no deeper; brackets in texts do not count."""
    message = b"[" * depth + b"]" * depth
    if fine:
        assert read_json(message) is not None
    else:
        with pytest.raises(Unreadable):
            read_json(message)
    assert read_json(json.dumps("[" * 200 + '\\"').encode())


def test_long_numbers() -> None:
    """So many digits and no more; in a text they are text."""
    assert read_json(b"1" * LONGEST_INTEGER)
    assert read_json(b'"' + b"1" * 5000 + b'"')
    with pytest.raises(Unreadable):
        read_json(b"1" * (LONGEST_INTEGER + 1))


@pytest.mark.parametrize("message", [rb'"\ud800"', rb'{"\udc00":1}', rb'["\ud83d\ud83d"]'])
def test_half_a_surrogate_pair(message: bytes) -> None:
    """No text of any protocol."""
    with pytest.raises(Unreadable):
        read_json(message)


def test_numbers_keep_their_text() -> None:
    """So that a signature can be checked over what was sent."""
    value = read_json(b'{"a":1.50,"b":1e-5,"c":7}')
    assert value == {"a": "1.50", "b": "1e-5", "c": 7} and isinstance(value["a"], Written)
    assert [json_text(one) for one in (value["a"], 7, True, None, "x")] == [
        "1.50",
        "7",
        "true",
        "",
        "x",
    ]


def test_numbers_go_out_as_they_were_written() -> None:
    """What is echoed is what was sent."""
    message = b'{"a":1.50,"b":[1e-5,7,"x"]}'
    assert encode(read_json(message)) == message


@given(st.text("ab&&==1ä;", max_size=12) | st.text(max_size=12))
def test_plain_queries_are_read_as_all_others(text: str) -> None:
    """The quick way and the standard library agree."""
    assert query_pairs(text) == parse_qsl(text, keep_blank_values=True)


def test_query_pairs() -> None:
    """In the order received, decoded as UTF-8, empty values too."""
    assert query_pairs("b=1%2C2&a=x+y&c=&%C3%A4=%ff") == [
        ("b", "1,2"),
        ("a", "x y"),
        ("c", ""),
        ("ä", "\ufffd"),
    ]
