"""What every measurement gives back: rows of numbers, the conditions they hold under, and ways to
look at them, keep them and open them again.

Three words, used with care everywhere:

*call time*   sent to received, on the caller's clock;
*age*         now minus the exchange time up to which what you see is complete, not "since the
              last message": a quiet market is not an old price;
*wrong share* the share of time in which the best price you see is not the true one. It needs the
              truth, so only a lab or a recording can give it.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar, cast

import msgspec

from vocx.arguments import digits
from vocx.call_forms import says_its_form
from vocx.errors import BadInput, optional_parts
from vocx.lab.network import one_way_ms
from vocx.measure.sampling import Interval, places
from vocx.text import fold, text_table

if TYPE_CHECKING:
    import pandas as pd

    from vocx.exchange import Exchange
    from vocx.lab import Lab

Item = TypeVar("Item")
CLOCK = "this machine, which the lab shares"
SUFFIX = ".json"


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """Under which conditions a result holds.

    Attributes
    ----------
    path : str
        From where to where: ``"from the exchange's book to this kernel"``.
    clock : str
        Whose clock: ``"this machine's, which the lab shares"``; empty where nothing is timed.
    dials : str
        The lab's network dials in force.
    rtt_ms : float
        The distance dial, milliseconds there and back; the machine's own way comes on top.
    late_ms : float
        How much more than half of it the way back takes: 0, unless a dial was turned one way.
    warm_up, repeats : int
        Samples thrown away first, and samples that count.
    made : str
        When, UTC.
    """

    path: str
    clock: str
    venue: str = ""
    symbol: str = ""
    dials: str = ""
    rtt_ms: float = 0.0
    late_ms: float = 0.0
    seed: int | None = None
    pace: float | None = None
    tls: bool = False
    seconds: float | None = None
    warm_up: int = 0
    repeats: int = 0
    made: str = ""
    machine: str = ""

    def show(self) -> str:
        """One line to stand under a table."""
        parts = [self.path + (f", by the clock of {self.clock}" if self.clock else "")]
        parts += [self.dials] if self.dials else []
        parts += [f"{self.seconds:.{0 if self.seconds >= 10 else 1}f} s"] if self.seconds else []
        parts += [f"{self.repeats} repeats after {self.warm_up} to warm up"] if self.repeats else []
        parts += [f"seed {self.seed}"] if self.seed is not None else []
        return "; ".join(parts)

    def under(self) -> str:
        """The same in lines that no page has to break."""
        whole = self.show().replace("seed ", "seed\u00a0").replace(" s;", "\u00a0s;")
        return fold(whole).replace("\u00a0", " ")


def conditions(exchange: Exchange, *, path: str, clock: str, **more: Any) -> Conditions:
    """The conditions of this moment for an exchange in a lab.

    Raises
    ------
    BadInput
        It is not in a lab.
    """
    lab = lab_of(exchange)
    up_ms, down_ms = one_way_ms(lab.network.state, exchange.venue.name)
    return Conditions(
        path=path,
        clock=clock,
        venue=exchange.venue.name,
        dials=in_force(lab),
        rtt_ms=up_ms + down_ms,
        late_ms=(down_ms - up_ms) / 2,
        seed=None if lab.config.replay else lab.config.seed,
        pace=lab.pace,
        tls=exchange.tls,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=machine(),
        **more,
    )


def lab_of(exchange: Exchange) -> Lab:
    """The lab that an exchange is in, or ``BadInput``."""
    lab = getattr(exchange, "lab", None)
    if lab is None:
        raise BadInput(
            "this is measured against the truth, which only a lab knows: "
            'write vocx.connect("binance"), which is in one'
        )
    return cast("Lab", lab)


def in_force(lab: Lab) -> str:
    """The dials and faults of a lab that are in force, in one line."""
    faults = [f"fault {one['name']}" for one in lab.faults]
    return "; ".join([str(lab.network), *faults])


def machine() -> str:
    """This machine in a few words."""
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}"
    )


class Column(NamedTuple):
    """One column of a result.

    Attributes
    ----------
    name : str
        In rows and frames, with its unit; one that ends in ``share`` is shown in percent.
    of : str or callable
        What an item has in it, a plain value or an :class:`Interval`: an attribute
        (``"age.mean"``), or computed.
    head : str or None
        What stands above it in a table; ``None`` keeps it out of tables.
    show : str or callable, optional
        The value as a table's text, where it is not the usual one (:func:`cell`): a format
        (``".0%"``), or computed.
    """

    name: str
    of: str | Callable[[Any], Any]
    head: str | None = None
    show: str | Callable[[Any], str] | None = None

    def value(self, item: Any) -> Any:
        """What an item has in it."""
        return attrgetter(self.of)(item) if isinstance(self.of, str) else self.of(item)

    def text(self, item: Any) -> str:
        """What a table says of an item."""
        value = self.value(item)
        if value is None or self.show is None:
            return cell(self.name, value)
        return format(value, self.show) if isinstance(self.show, str) else self.show(value)


class Result(msgspec.Struct, frozen=True, kw_only=True, tag_field="result"):
    """A measurement. ``print(result)`` shows :meth:`table`.

    A kind of result says what has a row each and which columns there are; rows, table, frame and
    markdown follow from them.
    """

    conditions: Conditions

    title: ClassVar[str] = "measured"

    def items(self) -> Sequence[Any]:
        """What was compared: one row each."""
        raise NotImplementedError

    def columns(self) -> Sequence[Column]:
        """What there is to say of an item."""
        raise NotImplementedError

    def notes(self) -> Sequence[str]:
        """Lines between the table and its conditions."""
        return ()

    def rows(self) -> list[dict[str, Any]]:
        """Every column of every item: plain values and :class:`Interval`."""
        return [{one.name: one.value(item) for one in self.columns()} for item in self.items()]

    def table(self) -> str:
        """The rows as text, with the conditions below them."""
        body = grid(self.items(), self.columns())
        return "\n".join([self.title, body, *self.notes(), self.conditions.under()])

    def markdown(self) -> str:
        """The same table as Markdown, for a notebook or a report of your own."""
        heads, *lines = _texts(self.items(), self.columns())
        rule = [":--", *["--:"] * (len(heads) - 1)]
        return "\n".join(f"| {' | '.join(line)} |" for line in (heads, rule, *lines))

    def frame(self) -> pd.DataFrame:
        """The rows as a DataFrame; an interval becomes three columns, with ``_low`` and
        ``_high``."""
        with optional_parts():
            import pandas as pd

        flat: list[dict[str, Any]] = []
        for row in self.rows():
            flat.append({})
            for name, value in row.items():
                if isinstance(value, Interval):
                    flat[-1] |= {name: value.value, f"{name}_low": value.low}
                    flat[-1][f"{name}_high"] = value.high
                else:
                    flat[-1][name] = value
        return pd.DataFrame(flat)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write all of it to a JSON file, which :func:`load` opens again.

        Raises
        ------
        BadInput
            There is a file already (write ``overwrite=True``), or it cannot be written; what was
            there before stays as it was.
        """
        place = writable(path, overwrite=overwrite)
        part = place.with_name(f"{place.name}.part")
        try:
            part.write_bytes(msgspec.json.encode(self))
            part.replace(place)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise BadInput(f"{place} cannot be written: {error.strerror or error}") from error
        return place

    def __str__(self) -> str:
        return self.table()


def writable(path: str | Path, *, overwrite: bool, how: str = "overwrite=True") -> Path:
    """The file that a result can be written to, with its suffix; tried, as rights alone do not
    tell. ``how``: what to write where there is one already.

    Raises
    ------
    BadInput
        It exists, is a folder or in none, or cannot be written.
    """
    place = _place(path)
    if place.is_dir():
        raise BadInput(f"{place} is a folder; give a file in it: {place / 'ages.json'}")
    place = place if place.suffix else place.with_suffix(SUFFIX)
    place = place.resolve() if place.is_symlink() else place
    if place.exists() and not place.is_file():
        raise BadInput(f"{place} is no regular file; give another path, such as ages.json")
    found = place.exists()
    if found and not overwrite:
        raise BadInput(f"{place} exists; write {how}, or another name")
    if not place.parent.is_dir():
        raise BadInput(f"there is no folder {place.parent}; make it, or give another path")
    try:
        with place.open("ab"):
            pass
        if not found:
            place.unlink()
    except OSError as error:
        raise BadInput(f"{place} cannot be written ({error.strerror}); give another path") from None
    return place


@says_its_form
def load(path: str | Path) -> Any:
    """A result that was saved, as it was.

    Raises
    ------
    BadInput
        The file is missing, or is no result of this package.
    """
    place = _place(path)
    try:
        raw = place.read_bytes()
    except OSError as error:
        raise BadInput(f"{place} cannot be read: {error.strerror}") from None
    kinds = {kind.__name__: kind for kind in _kinds(Result)}
    try:
        named = msgspec.json.decode(raw)
        kind = kinds[named["result"]]
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise BadInput(
            f"{place} is no saved result ({type(error).__name__}: {error}); write one with "
            "result.save(path)"
        ) from None


def _place(path: Any) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise BadInput(f"the path is {path!r}; write a file's name, such as 'ages.json'")
    return Path(path).expanduser()


def _kinds(kind: type[Result]) -> list[type[Result]]:
    """What is derived from it, however far."""
    return [every for one in kind.__subclasses__() for every in (one, *_kinds(one))]


def pick(items: Mapping[str, Item], name: str) -> Item:
    """One of several by its name.

    Raises
    ------
    BadInput
        There is none; the text says which there are.
    """
    if name not in items:
        raise BadInput(f"{name!r} was not measured; there are {', '.join(items)}")
    return items[name]


def grid(items: Sequence[Any], columns: Sequence[Column]) -> str:
    """Items as text: the first column to the left, numbers to the right."""
    if not items:
        return "nothing was measured"
    heads, *lines = _texts(items, columns)
    return text_table(heads, lines)


def crossed(corner: str, cells: Iterable[tuple[str, str, str]]) -> str:
    """A table of (row, column, text)."""
    found: dict[str, dict[str, str]] = {}
    heads: dict[str, None] = {}
    for row, head, text in cells:
        found.setdefault(row, {})[head] = text
        heads[head] = None
    lines = [[row, *(said.get(head, "-") for head in heads)] for row, said in found.items()]
    return text_table([corner, *heads], lines)


def _texts(items: Sequence[Any], columns: Sequence[Column]) -> list[list[str]]:
    """Heads, then what the table says of each item."""
    shown = [one for one in columns if one.head is not None]
    return [[one.head or "" for one in shown]] + [
        [one.text(item) for one in shown] for item in items
    ]


def value_alone(one: Interval) -> str:
    """The number of an interval without its ends."""
    return cell("", one.value)


def cell(name: str, value: Any) -> str:
    """One value as text. Names that end in ``share`` are shares, shown in percent."""
    if value is None:
        return "-"
    share = name.endswith("share")
    if isinstance(value, Interval):
        return value.show(100, unit=" %", digits=1) if share else value.show()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if value != value:
            return "-"
        return f"{value:.1%}" if share else f"{value:,.{places(abs(value))}f}"
    if isinstance(value, Decimal):
        return digits(value)
    return f"{value:,}" if isinstance(value, int) else str(value)
