"""From what people write to what a venue understands: wishes, moments, names."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vocx import errors
from vocx.rest import Standing
from vocx.venues.base import PRIVATE, ChannelSpec, Venue, split_symbol

if TYPE_CHECKING:
    from vocx.lab import Config


def listens(
    venue: Venue,
    channels: Sequence[str],
    symbols: str | Iterable[str],
    *,
    interval: str | None = None,
    depth: int | None = None,
    cadence_ms: int | None = None,
) -> list[ChannelSpec]:
    """Each channel of each symbol as a checked wish; options go to the channels that have them.

    Raises
    ------
    UnknownChannel, UnknownInterval, UnknownSymbol, BadInput
        With what to write instead.
    """
    if not channels:
        raise errors.UnknownChannel(
            'name at least one channel: ex.stream("trades", symbols="BTC/USDT")'
        )
    of_account = [one for one in channels if one in PRIVATE]
    of_market = [one for one in channels if one not in PRIVATE]
    wanted = [venue.validate_channel(ChannelSpec(channel=one, symbol=None)) for one in of_account]
    symbols = [symbols] if isinstance(symbols, str) else list(symbols)
    if of_market and not symbols:
        venue.validate_channel(ChannelSpec(channel=of_market[0], symbol="BTC/USDT"))
        raise errors.BadInput(f'{of_market[0]} needs symbols; write symbols="BTC/USDT"')
    for symbol in symbols:
        split_symbol(symbol)
        for channel in of_market:
            listen = ChannelSpec(
                channel=channel,
                symbol=symbol,
                interval=interval if channel == "candles" else None,
                depth=depth if channel == "book" else None,
                cadence_ms=cadence_ms if channel == "book" else None,
            )
            wanted.append(venue.validate_channel(listen))
    _check_options(channels, interval=interval, depth=depth, cadence_ms=cadence_ms)
    return wanted


def _check_options(
    channels: Sequence[str], *, interval: str | None, depth: int | None, cadence_ms: int | None
) -> None:
    """An option without the channel it belongs to is a misunderstanding worth a word."""
    if interval is not None and "candles" not in channels:
        raise errors.BadInput('interval is for candles: ex.stream("candles", interval="1m", ...)')
    if (depth is not None or cadence_ms is not None) and "book" not in channels:
        raise errors.BadInput('depth and cadence_ms are for the book: ex.stream("book", ...)')


def stream_name(venue: str, wanted: Sequence[ChannelSpec]) -> str:
    """A stream's default name: venue, channels and symbols."""
    channels = dict.fromkeys(one.channel for one in wanted)
    symbols = dict.fromkeys(one.symbol for one in wanted if one.symbol)
    return f"{venue}: {'+'.join(channels)} {'+'.join(symbols) or 'of the account'}"


def unknown_symbol(venue: str, symbol: str, known: Iterable[str]) -> errors.UnknownSymbol:
    """The error for a well-formed symbol that is not traded, with the closest that are."""
    base, quote = split_symbol(symbol)
    names = list(known)
    near = [one for one in (f"{base}/USDT", f"{quote}/{base}") if one in names]
    near += difflib.get_close_matches(symbol, names, n=3, cutoff=0.7)
    near = list(dict.fromkeys(near))[:3] or names[:3]
    hint = "; did you mean " + " or ".join(f'"{one}"' for one in near) + "?" if near else ""
    return errors.UnknownSymbol(f'{venue} has no "{symbol}"{hint}', venue=venue)


def means_unknown(error: errors.VocxError) -> bool:
    """The venue does not know the symbol (Binance: code -1121, errors.md of 2026-09)."""
    return isinstance(error, errors.UnknownSymbol) or getattr(error, "code", None) == -1121


def epoch_ns(moment: datetime | None, what: str) -> int | None:
    """An aware datetime as nanoseconds since the epoch."""
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        raise errors.BadInput(
            f"{what} is a {type(moment).__name__}; write an aware datetime, such as "
            "datetime(2026, 11, 1, tzinfo=UTC)"
        )
    if moment.tzinfo is None:
        raise errors.BadInput(
            f"{what} has no time zone, so it could mean many moments; write "
            f"{what}={what}.replace(tzinfo=UTC)"
        )
    whole = moment.replace(microsecond=0)
    return int(whole.timestamp()) * 1_000_000_000 + moment.microsecond * 1000


def in_lab(config: Config) -> str:
    """Which market a lab plays, in words."""
    if not config.replay:
        return f"in the lab on this machine (seed {config.seed})"
    files = ", ".join(Path(one).name for one in config.replay)
    speed = "at full speed" if config.speed is None else f"at speed {config.speed:g}"
    return f"in the lab on this machine (a replay of {files} {speed})"


def standing(limits: Mapping[str, Any]) -> Standing:
    """The lab's answer to ``limits``, as it concerns this machine's loopback address."""
    mine = limits["peers"].get("127.0.0.1", {})
    weight = mine.get("weight", 0)
    most = next(
        one["limit"] for one in limits["limits"] if one["rateLimitType"] == "REQUEST_WEIGHT"
    )
    return Standing(
        off=limits["off"] or limits["paused"],
        used={"weight": weight},
        full=weight >= most,
        window_left_s=limits["window_left_s"],
        ban_left_s=mine.get("ban_left_s", 0.0),
    )


def say(line: str) -> None:
    """Tell the person at the keyboard, in the thread that asked."""
    print(line, file=sys.stderr, flush=True)
