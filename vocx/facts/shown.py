"""Facts for people: a line when printed, a small table in a notebook. ``repr`` has everything.

Both name the attributes. What is absent is left out, of lists the length is told, and moments are
UTC, under the names that they have in a frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import escape
from itertools import islice
from typing import Any

from vocx.facts.levels import Levels
from vocx.text import plain

ROWS = 20
"""A table shows so many facts."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cells(fact: Any) -> dict[str, str]:
    """The attributes that say something, as texts by their names; moments last."""
    fields = fact.__struct_fields__
    found: dict[str, str] = {}
    moments: dict[str, str] = {}
    for name in fields:
        value = getattr(fact, name)
        if value is None or name == "http" or (isinstance(value, Sequence) and not value):
            continue
        if name.endswith("_ns"):
            short = name.removesuffix("_ns")
            if value:  # a candle has a price called open and a moment called open
                moments[f"{short}_time" if short in fields else short] = _moment(value)
        elif hasattr(value, "__struct_fields__"):
            continue  # another fact, which has a line of its own
        elif isinstance(value, Decimal):
            found[name] = plain(value)
        else:
            found[name] = f"{len(value)}" if isinstance(value, tuple | Levels) else str(value)
    return found | moments


def _moment(at_ns: int) -> str:
    """To the millisecond; what no calendar has, as the number that it is."""
    try:
        at = _EPOCH + timedelta(microseconds=at_ns // 1000)
    except OverflowError:
        return f"{at_ns} ns"
    return f"{at:%Y-%m-%d %H:%M:%S.%f}"[:-3]


def line(fact: Any) -> str:
    """``Quote: symbol BTC/USDT, bid 61700.5, ...``"""
    parts = (f"{name} {text}" for name, text in cells(fact).items())
    return f"{type(fact).__name__}: {', '.join(parts)}"


def table(facts: Iterable[Any], total: int = 1) -> str:
    """HTML: a row each, of ``total`` the first :data:`ROWS`; a column for what any of them has."""
    rows = [cells(one) for one in islice(facts, ROWS)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(row.get(name, ''))}</td>" for name in names) + "</tr>"
        for row in rows
    )
    more = f"<p>{ROWS} of {total:,}; all of them: .frame()</p>" if total > ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"
