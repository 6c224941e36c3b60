"""Small pieces of text and HTML that views share. Every value from outside is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Any

from vocx.arguments import brief, check_optional_name
from vocx.errors import BadInput, NotReady

SIDES = {"buy": "▲ bought", "sell": "▼ sold"}
"""What happened, in words and as an arrow."""

STATE_METHODS = {
    "quotes": "quote", "ticker": "ticker", "book": "book", "trades": "trade", "candles": "candle",
}  # fmt: skip
"""The question to a stream for the latest of each channel, with its age."""


def html_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 0, stale: bool = False
) -> str:
    """Rows as an HTML table, the first ``left`` columns to the left. Cells are escaped here."""

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{' class=left' if column < left else ''}>{escape(text)}</{tag}>"
            for column, text in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    mark = " class=stale" if stale else ""
    return f"<table{mark}><thead><tr>{cells('th', head)}</tr></thead><tbody>{body}</tbody></table>"


def with_thousands(number: Decimal | None) -> str:
    """A number as people write it: thousands apart, no zeros that a venue pads with."""
    if number is None:
        return "unknown"
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def fixed(numbers: Sequence[Decimal]) -> list[str]:
    """The same, but all with as many places as the longest of them, so that columns align."""
    places = max((len(with_thousands(n).partition(".")[2]) for n in numbers), default=0)
    return [f"{number:,.{places}f}" for number in numbers]


def clock(time: datetime | None) -> str:
    """A time of day with milliseconds, UTC."""
    return "unknown" if time is None else time.strftime("%H:%M:%S.%f")[:-3]


def first_line(said: object) -> str:
    """The first line of an error or a reason, whole; what to do about it stands below it."""
    return str(said).partition("\n")[0]


def age(milliseconds: float | None) -> str:
    """An age for people: 4 ms, 1.6 s, 12 s."""
    if milliseconds is None:
        return "age unknown"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms old"
    return f"{milliseconds / 1000:.{1 if milliseconds < 9_950 else 0}f} s old"


def milliseconds(value_ms: float) -> str:
    """A cell of a table that is not known yet while it is not a number."""
    return "…" if value_ms != value_ms else f"{value_ms:,.0f} ms"


def symbols_of(stream: Any, channel: str) -> list[str]:
    """The symbols of one channel that a stream listens to."""
    if not hasattr(stream, "channels"):
        raise BadInput(
            f"this view shows a stream, not {brief(stream)}: write "
            f'ex.stream("{channel}", symbols="BTC/USDT")'
        )
    return [one.symbol for one in stream.channels if one.channel == channel and one.symbol]


def choose_symbol(stream: Any, symbol: str | None, *channels: str) -> tuple[str, set[str]]:
    """The symbol to show and which of ``channels`` the stream has for it.

    Raises
    ------
    BadInput
        Nothing to show; the text says what to listen to.
    """
    symbol = check_optional_name(symbol, "symbol", "BTC/USDT")
    have = {name: symbols_of(stream, name) for name in channels}
    chosen = symbol or next((found[0] for found in have.values() if found), None)
    found = {name for name, of in have.items() if chosen in of}
    if chosen is None or not found:
        channel_list = ", ".join(f'"{name}"' for name in channels)
        raise BadInput(
            f"{stream.name} does not carry {' or '.join(channels)}"
            f"{f' of {symbol[:40]}' if symbol else ''}; make one that does: "
            f'exchange.stream({channel_list}, symbols="{(symbol or "BTC/USDT")[:40]}")'
        )
    return chosen, found


def shown_age_ms(stream: Any, symbol: str | None, channels: Iterable[str]) -> float | None:
    """Age of the stalest of these channels of a symbol that has something, milliseconds: now minus
    the moment up to which it is complete, as its ``age_ms`` says; not of what else the stream
    carries. ``None`` while none has."""
    ages = []
    for channel in channels:
        with suppress(NotReady):
            ages.append(getattr(stream, STATE_METHODS[channel])(symbol).age_ms)
    return max((one for one in ages if one is not None), default=None)


def state_text(stream: Any, age_ms: float | None) -> str:
    """A stream's state in a few words, with the age of what is shown."""
    why = f": {first_line(stream.why)}" if stream.why else ""
    return f"{stream.state}{why}, {age(age_ms)}"
