"""Facts as a DataFrame: the columns are those of the kind of fact, also where there is none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from msgspec import Struct

from vocx.errors import optional_parts

if TYPE_CHECKING:
    import pandas as pd

_EMPTY = {int: "int64", bool: "bool", str: "str"}


def frame(facts: Iterable[Struct], kind: type[Struct] | None = None) -> pd.DataFrame:
    """A DataFrame of facts of one kind (see :meth:`vocx.facts.Facts.frame`); ``kind`` says which
    where there may be none."""
    with optional_parts():
        import pandas as pd

    rows = list(facts)
    columns: dict[str, frozenset[type]] = {}
    for one in dict.fromkeys(type(row) for row in rows) or ([kind] if kind else []):
        columns |= _columns(one)
    times: list[str] = []
    table: dict[str, pd.Series] = {}
    for name, types in columns.items():
        values = [getattr(row, name, None) for row in rows]
        if name.endswith("_ns"):
            times.append(name)
        else:
            table[name] = _series(values, types)
    for name in times:
        short = name.removesuffix("_ns")
        # A candle has a price called open and a moment called open: the moment is open_time.
        column = f"{short}_time" if short in columns else short
        values = [getattr(row, name, None) for row in rows]
        table[column] = pd.to_datetime(
            pd.Series(values, dtype="Int64"), unit="ns", utc=True
        ).astype("datetime64[ns, UTC]")
    return pd.DataFrame(table)


def _series(values: Sequence[Any], types: frozenset[type]) -> pd.Series:
    with optional_parts():
        import pandas as pd

    if Decimal in types:
        return pd.Series([None if one is None else float(one) for one in values], dtype="float64")
    if not values:
        return pd.Series(
            [], dtype=_EMPTY.get(next(iter(types)), "object") if len(types) == 1 else "object"
        )
    if any(one is None for one in values) and types <= {int, str}:
        # A float would not hold a long id.
        return pd.Series(values, dtype="Int64" if types == {int} else "object")
    return pd.Series(values)


@cache
def _columns(kind: type[Struct]) -> dict[str, frozenset[type]]:
    """The columns of a kind of fact, and what their values may be besides ``None``."""
    hints = get_type_hints(kind)
    found = {name: frozenset(_types(hints[name])) - {NoneType} for name in kind.__struct_fields__}
    return {name: types for name, types in found.items() if not any(map(_is_nested, types))}


def _is_nested(kind: type) -> bool:
    """A fact in a fact, a call, or several of them: no cell of a table."""
    return kind is tuple or issubclass(kind, Struct)


def _types(hint: Any) -> Iterable[type]:
    if get_origin(hint) in (tuple, Sequence):
        return [tuple]
    inner = get_args(hint)
    if not inner:
        return [hint if isinstance(hint, type) else type(hint)]
    return [found for one in inner for found in _types(one)]
