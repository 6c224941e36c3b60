"""Hiding keys and signatures in what is shown: one rule for bodies, targets, headers, frames.

:func:`vocx.text.redact` knows by their names what is secret everywhere; a venue's adapter names
what is secret on that venue besides (:class:`~vocx.venues.base.Secrets`).
"""

from __future__ import annotations

import logging
import re
from functools import lru_cache

from vocx.text import redact
from vocx.venues.base import Secrets


def redacted(data: bytes, secrets: Secrets) -> bytes:
    """The same bytes with the values of secret headers and fields hidden."""
    pattern = _pattern(tuple(secrets.headers), tuple(secrets.fields), tuple(secrets.after))
    own = pattern.sub(
        lambda found: (found[1] or found[2] or found[3] or found[4]) + b"<hidden>", data
    )
    return redact(own)


@lru_cache(maxsize=16)
def _pattern(
    headers: tuple[str, ...], fields: tuple[str, ...], after: tuple[str, ...]
) -> re.Pattern[bytes]:
    """Header lines, ``name=value`` of queries and forms, ``"name":"value"`` of JSON, and the rest
    of a JSON list."""
    heads, names = ("|".join(map(re.escape, one)) or r"(?!)" for one in (headers, fields))
    text = (
        rf"^((?:{heads}): *)[^\r\n]+"
        rf"|\b((?:{names})=)[^&\s\"]+"
        rf"|(\"(?:{names})\"\s*:\s*\")(?:[^\"\\]|\\.)*"
        rf"|((?:{'|'.join(after) or '(?!)'}))[^\]]*"
    )
    return re.compile(text.encode(), re.IGNORECASE | re.MULTILINE)


class RedactingFilter(logging.Filter):
    """urllib3 writes each target into its debug log, and a signed one holds a signature."""

    def __init__(self) -> None:
        super().__init__()
        self._secrets = Secrets()

    def hide(self, secrets: Secrets) -> None:
        """These too, from now on."""
        self._secrets = Secrets(
            headers=sorted({*self._secrets.headers, *secrets.headers}),
            fields=sorted({*self._secrets.fields, *secrets.fields}),
            after=sorted({*self._secrets.after, *secrets.after}),
        )

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                redacted(one.encode(), self._secrets).decode() if isinstance(one, str) else one
                for one in record.args
            )
        return True


LOG_FILTER = RedactingFilter()
logging.getLogger("urllib3.connectionpool").addFilter(LOG_FILTER)
