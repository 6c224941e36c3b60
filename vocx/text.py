"""Text that every room writes the same way: tables, what was probably meant, hidden secrets.

>>> print(text_table(("limit", "used"), [("weight", "40"), ("orders", "2")]))
limit   used
weight    40
orders     2
>>> f"there is no channel 'trade'.{suggest('trade', ['trades', 'book'])}"
'there is no channel \\'trade\\'. Did you mean "trades"?'
>>> redact("GET /account?timestamp=1&signature=c8db56")
'GET /account?timestamp=1&signature=<hidden>'
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import AnyStr

WIDE = 96
"""Columns that a notebook's page of 1,000 pixels shows of a text without breaking its lines."""
_NAMES = "signature|api[-_]?key|listen[-_]?key|token|passphrase|secret|password|jwt"
_SECRETS = re.compile(
    # a header whose name speaks of a key; those of a WebSocket handshake are no secrets
    r"^((?!sec-websocket-)[\w-]{0,24}(?:key|sign|auth|token|passphrase|secret|cookie)[\w-]{0,24}"
    r":[ \t]*)[^\r\n]+"
    # a pair of a query, a member of a JSON object
    rf"|\b((?:[\w-]{{0,24}}(?:{_NAMES})|sign)=)[^&\s\"']+"
    rf"|(\"(?:[\w-]{{0,24}}(?:{_NAMES})|sign)\"\s*:\s*\")[^\"]+"
    # who calls, in an address
    r"|(://)[^/@\s]+(?=@)"
    # a JSON Web Token wherever it stands: its first part is a JSON object in base 64
    r"|()\beyJ[\w-]+\.[\w-]+\.[\w-]+",
    re.IGNORECASE | re.MULTILINE,
)
_SECRET_BYTES = re.compile(_SECRETS.pattern.encode(), re.IGNORECASE | re.MULTILINE)


def text_table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Aligned columns; the first ``left`` of them to the left, the others to the right."""
    lines = [tuple(head), *map(tuple, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def nearest(given: object, known: Iterable[str], *, most: int = 1) -> list[str]:
    """Those of ``known`` that are spelt most like what was given, whatever the case; perhaps
    none."""
    by_folded = {one.casefold(): one for one in known}
    found = get_close_matches(str(given).casefold(), by_folded, n=most)
    return [by_folded[one] for one in found]


def suggest(given: object, known: Iterable[str], *, most: int = 1) -> str:
    """A sentence to end an error with, its blank before it; empty where nothing is near."""
    near = " or ".join(f'"{one}"' for one in nearest(given, known, most=most))
    return f" Did you mean {near}?" if near else ""


def redact(text: AnyStr) -> AnyStr:
    """The same text, or bytes, with keys, signatures, tokens and cookies hidden.

    In headers, queries, JSON and addresses of any venue, by what their names say.
    """
    if isinstance(text, bytes):
        return _SECRET_BYTES.sub(lambda found: _kept(found) + b"<hidden>", text)
    return _SECRETS.sub(lambda found: _kept(found) + "<hidden>", text)


def _kept(found: re.Match[AnyStr]) -> AnyStr:
    """What stands before the secret."""
    return next(group for group in found.groups() if group is not None)


def fold(text: str, inset: str = "  ") -> str:
    """Each line in pieces of at most :data:`WIDE` columns, those after the first set in."""
    shape = textwrap.TextWrapper(
        WIDE, subsequent_indent=inset, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(map(shape.fill, text.splitlines()))


def span(milliseconds: float) -> str:
    """``"250 ms"``, ``"1.5 s"``."""
    return f"{milliseconds:g} ms" if milliseconds < 1000 else f"{milliseconds / 1000:g} s"


def counted(number: int, what: str) -> str:
    """``"1 order"``, ``"1,200 orders"``."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def as_float(number: Decimal | None) -> float:
    """A number for pictures and tables of floats; what is absent is not a number there."""
    return math.nan if number is None else float(number)


def plain(number: Decimal) -> str:
    """A number without exponent and without the zeros that a venue pads with."""
    return f"{number.normalize():f}"
