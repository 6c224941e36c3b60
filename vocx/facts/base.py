"""What all facts share: exact numbers, times, and the way into a DataFrame."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Generic, Literal, SupportsIndex, TypeVar, overload

import msgspec

from vocx.errors import BadInput, FloatRefused
from vocx.timing import HttpCall

if TYPE_CHECKING:
    import pandas as pd

Side = Literal["buy", "sell"]
Level = tuple[Decimal, Decimal]
"""One price level: (price, quantity)."""


def exact(value: Decimal | int | str, what: str = "number") -> Decimal:
    """The exact number that was written, or a typed refusal that says what to write instead.

    Raises
    ------
    FloatRefused
        For a float: its digits are not the ones you typed.
    BadInput
        For text that is no finite number.
    """
    if isinstance(value, bool):
        raise BadInput(f'{what} is {value!r}; write a number as text, such as "0.1"')
    if isinstance(value, Decimal | int):
        number = Decimal(value)
    elif isinstance(value, float):
        raise FloatRefused(
            f"{what} came as the float {value!r}; a float does not hold the digits you typed. "
            f'Write it as text: "{value!r}"'
        )
    elif isinstance(value, str):
        try:
            number = Decimal(value.strip())
        except InvalidOperation:
            raise BadInput(f'{what} is {value!r}; write a number as text, such as "0.1"') from None
    else:
        kind = type(value).__name__
        raise BadInput(f'{what} is a {kind}; write a number as text, such as "0.1"')
    if not number.is_finite():
        raise BadInput(f"{what} is {number}; a finite number is needed")
    return number


def aware(ns: int | None) -> datetime | None:
    """Nanoseconds since the epoch as an aware UTC datetime (microsecond steps)."""
    if ns is None:
        return None
    seconds, rest = divmod(ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


class Fact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of all facts.

    Attributes
    ----------
    exchange_ns : int or None
        The venue's own stamp, nanoseconds since the epoch; ``None`` where the wire has none.
    arrived_ns : int
        This machine's clock when the bytes arrived.
    """

    exchange_ns: int | None = None
    arrived_ns: int = 0

    @property
    def time(self) -> datetime | None:
        """When it happened by the venue's clock, else when it arrived."""
        return aware(self.exchange_ns if self.exchange_ns is not None else self.arrived_ns or None)


F = TypeVar("F", bound=Fact)


class Facts(list[F], Generic[F]):
    """A list of facts that also carries the HTTP call it came with and turns into a DataFrame."""

    def __init__(self, items: Iterable[F] = (), http: HttpCall | None = None) -> None:
        super().__init__(items)
        self.http = http

    @overload
    def __getitem__(self, index: SupportsIndex) -> F: ...
    @overload
    def __getitem__(self, index: slice) -> Facts[F]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> F | Facts[F]:
        if isinstance(index, slice):
            return Facts(super().__getitem__(index), self.http)
        return super().__getitem__(index)

    def frame(self) -> pd.DataFrame:
        """A DataFrame: numbers as float64, ``*_ns`` columns as datetime64[ns, UTC] without the
        suffix (a candle's ``open_time`` and ``close_time`` beside its prices). Exact in the
        facts, convenient in pandas and plots."""
        return frame(self)


def frame(facts: Iterable[Fact]) -> pd.DataFrame:
    """A DataFrame of facts of one kind (see :meth:`Facts.frame`)."""
    import pandas as pd

    rows: list[dict[str, Any]] = [
        {
            name: float(value) if isinstance(value, Decimal) else value
            for name in fact.__struct_fields__
            if name != "http" and not isinstance(value := getattr(fact, name), tuple)
        }
        for fact in facts
    ]
    table = pd.DataFrame(rows)
    for name in [column for column in table.columns if column.endswith("_ns")]:
        short = name.removesuffix("_ns")
        # A candle has a price called open and a moment called open: the moment is open_time.
        column = f"{short}_time" if short in table.columns else short
        table[column] = pd.to_datetime(table.pop(name), unit="ns", utc=True)
    return table
