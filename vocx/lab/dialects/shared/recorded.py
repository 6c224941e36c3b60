"""Recorded lines that somebody saved again: back to the form in which venues send them.

A venue writes JSON without blanks. A session that went through another program has blanks after
``:`` and ``,``, or its keys in another order; what is in it is the same.
"""

from __future__ import annotations

from typing import Any

from vocx.lab.dialects.shared.reading import Unreadable, encode, read_json

_SPACED = (b'": ', b'" :', b'", "', b'{ "', b'" ,')


def as_sent(payload: bytes) -> bytes:
    """The same JSON without blanks between its parts; as it is where it has none."""
    if not any(mark in payload for mark in _SPACED):
        return payload
    return encode(read_object(payload))


def read_object(payload: bytes) -> dict[str, Any]:
    """One line's JSON object, numbers with a point as they were written.

    Raises
    ------
    ValueError
        It is none.
    """
    try:
        found = read_json(payload)
    except Unreadable as error:
        raise ValueError(error.reason) from None
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found
