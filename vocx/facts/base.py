"""What all facts share: times, how they are shown, and the list that they come in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, Literal, SupportsIndex, TypeVar, overload

import msgspec

from vocx.arguments import written_fields
from vocx.errors import BadInput
from vocx.facts.frames import frame
from vocx.facts.shown import line, table
from vocx.timing import HttpCall

if TYPE_CHECKING:
    import pandas as pd

Side = Literal["buy", "sell"]
_FIGURES = {"Candle": "candles", "Trade": "trades", "Quote": "price"}
"""By kind of fact, the function of :mod:`vocx.figures` that draws a list of them."""


def aware(ns: int | None) -> datetime | None:
    """Nanoseconds since the epoch as an aware UTC datetime (microsecond steps).

    Raises
    ------
    BadInput
        A moment that 64 bits of nanoseconds do not hold.
    """
    if ns is None:
        return None
    if abs(ns) >= 2**63:
        raise BadInput("this is no time in nanoseconds: it is before 1678 or after 2262")
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

    __repr__ = written_fields

    def __str__(self) -> str:
        """One readable line; ``repr`` has every attribute."""
        return line(self)

    def _repr_html_(self) -> str:
        return table([self])


F = TypeVar("F", bound=Fact)


def is_absent(price: Decimal) -> bool:
    """Whether a price is zero or less; what is no number at all is no absence."""
    return not price or price.is_signed()


def forget_absent(fact: Fact, *prices: str) -> None:
    """Say ``None`` for prices and costs that a venue writes as zero or less because there are
    none: a book's empty side, a day or a bar without trades, a cost that nobody recorded."""
    for name in prices:
        number = getattr(fact, name)
        if number is not None and is_absent(number):
            msgspec.structs.force_setattr(fact, name, None)


def forget_negative(fact: Fact, *amounts: str) -> None:
    """The same for amounts, of which there may be none."""
    for name in amounts:
        number = getattr(fact, name)
        if number is not None and number.is_signed() and number:
            msgspec.structs.force_setattr(fact, name, None)


class Facts(list[F], Generic[F]):
    """A list of facts that also carries the HTTP call it came with and turns into a DataFrame.

    Slices, sums and what is sorted by :meth:`sorted` are such lists too.

    Attributes
    ----------
    http : HttpCall or None
        The call that brought them, of several the last one.
    kind : type or None
        Of which kind the facts are, also where there are none; ``None`` where nobody knows.
    """

    def __init__(
        self,
        items: Iterable[F] = (),
        http: HttpCall | None = None,
        kind: type[Fact] | None = None,
    ) -> None:
        super().__init__(items)
        self.http = http
        self.kind = kind if kind is not None or not self else type(self[0])

    @overload
    def __getitem__(self, index: SupportsIndex) -> F: ...
    @overload
    def __getitem__(self, index: slice) -> Facts[F]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> F | Facts[F]:
        if isinstance(index, slice):
            return self._alike(super().__getitem__(index))
        return super().__getitem__(index)

    def __add__(self, more: Iterable[F]) -> Facts[F]:  # type: ignore[override]
        if not isinstance(more, list):
            return NotImplemented
        http, kind = getattr(more, "http", None), getattr(more, "kind", None)
        return self._alike([*self, *more], http, kind)

    def __radd__(self, before: list[F]) -> Facts[F]:
        if not isinstance(before, list):
            return NotImplemented
        return self._alike([*before, *self])

    def copy(self) -> Facts[F]:
        """Another list of the same facts."""
        return self[:]

    def sorted(self, key: Callable[[F], Any] | None = None, *, reverse: bool = False) -> Facts[F]:
        """The same facts in another order, by the venue's time unless ``key`` says by what."""
        return self._alike(sorted(self, key=key or _moment, reverse=reverse))

    def _alike(
        self, items: Iterable[F], http: HttpCall | None = None, kind: type[Fact] | None = None
    ) -> Facts[F]:
        """Some of these, or more, as a list of the same form."""
        return Facts(items, http or self.http, self.kind or kind)

    def _repr_html_(self) -> str:
        return table(self, len(self)) if self else "none"

    def frame(self) -> pd.DataFrame:
        """A DataFrame: numbers as float64, ``*_ns`` columns as datetime64[ns, UTC] without the
        suffix (a candle's ``open_time`` and ``close_time`` beside its prices). Exact in the
        facts, convenient in pandas and plots."""
        return frame(self, self.kind)

    def figure(self, *, height: int = 320) -> Any:
        """Candles, trades or quotes as a plotly figure: what ``candles``, ``trades`` and ``price``
        of :mod:`vocx.figures` draw.

        Raises
        ------
        BadInput
            There is no picture of this kind of facts.
        MissingPart
            Plotly is not installed.
        """
        kind = "Fact" if self.kind is None else self.kind.__name__
        if kind not in _FIGURES:
            raise BadInput(
                f"there is no figure of {'unknown facts' if kind == 'Fact' else kind}; there is of "
                f"{', '.join(_FIGURES)}"
            )
        # By name, and loaded when it is asked for: facts stand below figures and do without them.
        return getattr(import_module("vocx.figures"), _FIGURES[kind])(self, height=height)


def _moment(fact: Fact) -> int:
    return fact.exchange_ns if fact.exchange_ns is not None else fact.arrived_ns
