"""The market before the lab began: candles of any interval, made when asked for, always the same.

The strategy: top down. Days are drawn once, backwards from the start price. A day is split into
hours, an hour into quarters, a quarter into minutes, a minute into seconds, each time so that the
parts add up to the whole exactly: counts and volumes to the last digit, the highest high and the
lowest low, first open and last close. Nothing is stored but days and a few recently used splits.
Randomness is a hash of (seed, level, bucket), so a bucket is the same whatever was asked before.

What is not modelled: single trades. The few trades just before the start that a newcomer may ask
for agree with their seconds in ids, count, volume, open, high, low and close.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import numpy.typing as npt

from vocx.lab.market.candles import (
    CLOSE,
    COUNT,
    HIGH,
    LAST,
    LENGTHS_S,
    LOW,
    OPEN,
    QUOTE,
    SECOND,
    TAKER,
    TAKER_QUOTE,
    VOLUME,
    WIDTH,
    Table,
)

Floats = npt.NDArray[np.float64]

DAYS = 1_100
"""How far back history reaches: three years, and more than 1,000 daily candles."""

HOURLY = np.array(
    [70, 65, 62, 58, 52, 50, 52, 60, 72, 80, 84, 90, 105, 135, 160, 158, 145, 128, 112, 104, 100]
    + [96, 86, 78],
    np.float64,
)
"""Activity by hour of the day, UTC: Europe and America overlap from 13 to 17."""

KEPT_SPLITS = 96


def hashed(seed: int, stream: int, index: Table) -> npt.NDArray[np.uint64]:
    """64 random bits for each index (splitmix64)."""
    salt = (seed * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03) % 2**64
    bits = index.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(salt)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def normal(seed: int, stream: int, index: Table) -> Floats:
    """A nearly normal number for each index: four uniform 16-bit numbers added up."""
    bits = hashed(seed, stream, index)
    mask = np.uint64(0xFFFF)
    total = sum(((bits >> np.uint64(16 * part)) & mask).astype(np.float64) for part in range(4))
    return np.asarray((total / 65_535 - 2) * np.sqrt(3))


def shared_out(total: Table, weight: Floats) -> Table:
    """Whole numbers a row that follow ``weight`` and add up to ``total`` exactly."""
    running = np.cumsum(weight, axis=1)
    whole = np.where(running[:, -1:] > 0, running[:, -1:], 1.0)
    reached = np.floor(running / whole * total[:, None]).astype(np.int64)
    reached[running == running[:, -1:]] = np.broadcast_to(total[:, None], reached.shape)[
        running == running[:, -1:]
    ]
    return np.diff(reached, axis=1, prepend=0)


def mended(parts: Table, total: Table, low: Table, high: Table) -> Table:
    """Parts moved within their bounds so that each row adds up to ``total`` exactly.

    Where the bounds leave no room for all of it, the largest part takes the rest.
    """
    missing = total - parts.sum(axis=1)
    up = missing > 0
    room = np.maximum(np.where(up[:, None], high - parts, parts - low), 0)
    share = np.minimum(np.abs(missing), room.sum(axis=1))
    moved = shared_out(share, room.astype(np.float64))
    parts = parts + np.where(up[:, None], moved, -moved)
    parts[np.arange(len(parts)), high.argmax(axis=1)] += total - parts.sum(axis=1)
    return parts


class History:
    """Bars of one symbol from :data:`DAYS` days before ``start_ns`` up to it.

    Parameters
    ----------
    seed
        Same seed, same start, same history.
    start_ns
        Where history ends and the live market begins.
    price
        Last close, in ticks.
    trades_a_day, lots_a_trade
        Averages that the live market continues.
    volatility
        Standard deviation of a day's return, as a share.
    next_trade
        The id that the first live trade gets; ids count back from it.
    """

    def __init__(
        self,
        *,
        seed: int,
        start_ns: int,
        price: int,
        trades_a_day: float,
        lots_a_trade: float,
        volatility: float,
        next_trade: int,
        days: int = DAYS,
    ) -> None:
        self.seed = seed
        self.start_ns = start_ns
        self.first_day = start_ns // (86_400 * SECOND) - days
        self._splits: OrderedDict[tuple[int, int], Table] = OrderedDict()
        self._days = self._make_days(price, trades_a_day, lots_a_trade, volatility, days + 1)
        self._days[:, LAST] += next_trade - 1 - self._days[-1, LAST]

    @property
    def first_s(self) -> int:
        """When history begins, seconds since the epoch."""
        return self.first_day * 86_400

    def rows(self, length_s: int, first: int, end: int) -> Table:
        """Buckets ``first`` to ``end - 1`` of one table length, counted from the epoch.

        Buckets after the start repeat the last close; none may lie before the first day.
        """
        level = LENGTHS_S.index(length_s)
        if level == 0:
            return self._days[first - self.first_day : end - self.first_day]
        parts = LENGTHS_S[level - 1] // length_s
        parent, stop = first // parts, (end - 1) // parts + 1
        if stop - parent <= 4:
            table = np.concatenate([self._split(level, number) for number in range(parent, stop)])
        else:
            table = self._parted(level, parent, stop)
        return table[first - parent * parts : end - parent * parts]

    def _split(self, level: int, parent: int) -> Table:
        key = (level, parent)
        table = self._splits.get(key)
        if table is None:
            table = self._splits[key] = self._parted(level, parent, parent + 1)
            if len(self._splits) > KEPT_SPLITS:
                self._splits.popitem(last=False)
        else:
            self._splits.move_to_end(key)
        return table

    def _parted(self, level: int, first: int, end: int) -> Table:
        """The children of buckets ``first`` to ``end - 1`` of the level above."""
        whole = self.rows(LENGTHS_S[level - 1], first, end)
        parts = LENGTHS_S[level - 1] // LENGTHS_S[level]
        index = np.arange(first * parts, end * parts).reshape(-1, parts)
        child = np.zeros((len(whole), parts, WIDTH), np.int64)
        weight = self._weight(level, index)
        child[:, :, COUNT] = shared_out(whole[:, COUNT], weight)
        noise = np.exp(0.7 * normal(self.seed, level * 8 + 2, index))
        count: Table = child[:, :, COUNT]
        child[:, :, VOLUME] = count + shared_out(
            whole[:, VOLUME] - whole[:, COUNT], count.astype(np.float64) * noise
        )
        child[:, :, LAST] = (whole[:, LAST] - whole[:, COUNT])[:, None] + np.cumsum(
            child[:, :, COUNT], axis=1
        )
        self._draw_prices(level, index, whole, child)
        self._draw_quote(level, index, whole, child)
        return child.reshape(-1, WIDTH)

    def _weight(self, level: int, index: Table) -> Floats:
        """How busy each bucket is; the part of it that lies after the start is not."""
        length_ns = LENGTHS_S[level] * SECOND
        lived = np.clip((self.start_ns - index * length_ns) / length_ns, 0.0, 1.0)
        noise = np.exp(0.45 * normal(self.seed, level * 8 + 1, index))
        by_hour = HOURLY[index % 24] if level == 1 else 1.0
        return np.asarray(lived * noise * by_hour)

    def _draw_prices(self, level: int, index: Table, whole: Table, child: Table) -> None:
        """A path from open to close that touches high and low and never leaves them."""
        alive = child[:, :, COUNT] > 0
        count = np.maximum(alive.sum(axis=1, keepdims=True), 1)
        along = np.cumsum(alive, axis=1) / count
        walk = np.cumsum(normal(self.seed, level * 8 + 3, index) * alive, axis=1)
        spread = (whole[:, HIGH] - whole[:, LOW])[:, None]
        step = spread / (2.1 * np.sqrt(count))
        path = whole[:, [OPEN]] + (whole[:, [CLOSE]] - whole[:, [OPEN]]) * along
        path = self._centred(whole, child, along, path + step * (walk - along * walk[:, -1:]))
        close = np.rint(path).astype(np.int64)
        open_ = np.concatenate([whole[:, [OPEN]], close[:, :-1]], axis=1)
        bits = hashed(self.seed, level * 8 + 4, index)
        up = (bits & np.uint64(0xFFFF)).astype(np.float64) / 65_536
        down = (bits >> np.uint64(48)).astype(np.float64) / 65_536
        top, bottom = np.maximum(open_, close), np.minimum(open_, close)
        high = top + np.rint(up * up * step * alive).astype(np.int64)
        low = bottom - np.rint(down * down * step * alive).astype(np.int64)
        row = np.arange(len(whole))
        high[row, np.where(alive, top, -1).argmax(axis=1)] = whole[:, HIGH]
        low[row, np.where(alive, bottom, 2**62).argmin(axis=1)] = whole[:, LOW]
        child[:, :, OPEN], child[:, :, CLOSE] = open_, close
        child[:, :, HIGH] = np.minimum(high, whole[:, [HIGH]])
        child[:, :, LOW] = np.maximum(low, whole[:, [LOW]])

    def _centred(self, whole: Table, child: Table, along: Floats, path: Floats) -> Floats:
        """The path bent so that its volume-weighted mean comes near the parent's."""
        low, high = whole[:, [LOW]], whole[:, [HIGH]]
        spread = np.maximum(high - low, 1)
        beyond = np.mod(path - low, 2 * spread)
        path = low + np.minimum(np.where(beyond > spread, 2 * spread - beyond, beyond), high - low)
        volume = np.maximum(whole[:, VOLUME], 1)[:, None]
        share = child[:, :, VOLUME] / volume
        bend = along * (1 - along)
        scale = np.maximum((share * bend).sum(axis=1, keepdims=True), 1e-9)
        for _ in range(3):
            before = np.concatenate([whole[:, [OPEN]], path[:, :-1]], axis=1)
            mean = (share * (path + before)).sum(axis=1, keepdims=True) / 2
            off = np.where(whole[:, [VOLUME]] > 0, whole[:, [QUOTE]] / volume - mean, 0.0)
            path = np.clip(path + off / scale * bend, low, high)
        return path

    def _draw_quote(self, level: int, index: Table, whole: Table, child: Table) -> None:
        """Quote volume near the typical price, and the taker buyers' part of both volumes."""
        volume, high, low = child[:, :, VOLUME], child[:, :, HIGH], child[:, :, LOW]
        typical = (child[:, :, OPEN] + high + low + child[:, :, CLOSE]) / 4
        quote = np.rint(typical * volume).astype(np.int64)
        quote = mended(quote, whole[:, QUOTE], low * volume, high * volume)
        share = (whole[:, TAKER] / np.maximum(whole[:, VOLUME], 1))[:, None]
        share = np.clip(share + 0.12 * normal(self.seed, level * 8 + 5, index), 0.02, 0.98)
        taker = mended(
            np.rint(volume * share).astype(np.int64), whole[:, TAKER], np.zeros_like(volume), volume
        )
        paid = np.rint(taker * (quote / np.maximum(volume, 1))).astype(np.int64)
        child[:, :, QUOTE], child[:, :, TAKER] = quote, taker
        child[:, :, TAKER_QUOTE] = mended(paid, whole[:, TAKER_QUOTE], low * taker, high * taker)

    def _make_days(
        self, price: int, trades: float, lots: float, volatility: float, days: int
    ) -> Table:
        """All days; the last one ends at the start, at ``price``."""
        index = np.arange(self.first_day, self.first_day + days)
        lived = np.ones(days)
        lived[-1] = self.start_ns % (86_400 * SECOND) / (86_400 * SECOND)
        draw = [normal(self.seed, stream, index) for stream in range(100, 106)]
        draw[4][-2:] *= 0.3  # The last day goes over into the live market's average.
        size = volatility * np.exp(0.4 * draw[0]) * np.sqrt(lived)
        moved = np.cumsum((size * draw[1])[::-1])[::-1]
        # Folded, so that three years of history never lead further than a factor of three.
        away = 1.1 * np.arcsin(np.sin(moved / 1.1)) / (np.pi / 2)
        opened = np.maximum(np.rint(price * np.exp(-away)).astype(np.int64), 2)
        table = np.zeros((days, WIDTH), np.int64)
        table[:, OPEN] = opened
        table[:, CLOSE] = np.append(opened[1:], price)
        reach = np.rint(table[:, OPEN] * size * np.abs(draw[2]) * 0.7).astype(np.int64)
        table[:, HIGH] = np.maximum(table[:, OPEN], table[:, CLOSE]) + reach
        reach = np.rint(table[:, OPEN] * size * np.abs(draw[3]) * 0.7).astype(np.int64)
        table[:, LOW] = np.maximum(np.minimum(table[:, OPEN], table[:, CLOSE]) - reach, 1)
        busy = trades * np.exp(0.3 * draw[4] - 0.045) * lived
        count = table[:, COUNT] = np.rint(busy).astype(np.int64)
        volume = table[:, VOLUME] = np.rint(count * np.maximum(lots, 1.0)).astype(np.int64)
        typical = table[:, [OPEN, HIGH, LOW, CLOSE]].mean(axis=1)
        table[:, QUOTE] = np.rint(typical * volume)
        table[:, TAKER] = np.rint(volume * np.clip(0.5 + 0.03 * draw[5], 0.3, 0.7))
        table[:, TAKER_QUOTE] = np.rint(typical * table[:, TAKER])
        table[:, LAST] = np.cumsum(count)
        if not count[-1]:
            table[-1, [OPEN, HIGH, LOW]] = price
        return table
