"""What is new in a stream's recent facts since a view last looked."""

from __future__ import annotations

from typing import Any

from vocx.errors import NotReady
from vocx.facts import Quote

_MARGIN_S = 0.25


class NewQuotes:
    """Hands out each change of the best price once, oldest first.

    Told apart by identity, not by time: all frames of one network segment share their stamp.
    """

    def __init__(self, stream: Any, symbol: str, seconds: float) -> None:
        self._stream, self._symbol, self._seconds = stream, symbol, seconds
        self._last: Quote | None = None

    def since(self, now_ns: int) -> list[Quote]:
        """The changes since the last call; at first those of the window, or the quote now."""
        if self._last is None:
            return self._first()
        behind_s = (now_ns - self._last.arrived_ns) / 1e9 + _MARGIN_S
        fresh: list[Quote] = []
        for quote in reversed(self._stream.recent_quotes(self._symbol, behind_s)):
            if quote is self._last:
                break
            fresh.append(quote)
        if fresh:
            self._last = fresh[0]
        return fresh[::-1]

    def _first(self) -> list[Quote]:
        found = list(self._stream.recent_quotes(self._symbol, self._seconds))
        if found:
            self._last = found[-1]
            return found
        try:
            return [self._stream.quote(self._symbol)]
        except NotReady:
            return []
