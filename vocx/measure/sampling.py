"""From samples to an interval: how far a number may be trusted. Pure; chance comes with a seed.

All intervals are of 95 %. They cover what varies from sample to sample, nothing else: a clock that
is wrong by the same amount each time is wrong inside the interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, floor, log, sqrt
from statistics import NormalDist

import msgspec
import numpy as np

CONFIDENCE = 0.95
ONE_SIDED = 0.035
"""How likely all samples may lie on one side of a quantile that is given an interval."""
MEMORY = 0.65
"""Hurst's exponent of how busy a market is (0.5: it forgets at once). From 4 to 64 s the spread
of the share of time in which a poll is wrong falls as with 0.65 in the lab's crowd and 0.7 on the
recorded session (Binance BTCUSDT, 650 s, August 2024). Were blocks taken for independent, only four
of five 95 % intervals would hold the value of the whole."""
_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


class Interval(msgspec.Struct, frozen=True):
    """A number with the interval in which it lies, ``low`` to ``high``, from ``n`` samples.

    Of fewer than two samples there is no interval: ``low`` and ``high`` are ``None``; of none there
    is no number either (``n`` 0), and it is shown as ``-``.
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int = 1

    def holds(self, number: float, slack: float = 0.0) -> bool:
        """Whether a number lies inside, give or take ``slack``."""
        if self.low is None or self.high is None:
            return False
        return self.low - slack <= number <= self.high + slack

    def show(self, scale: float = 1.0, digits: int | None = None, unit: str = "") -> str:
        """``"12.3 (11.8 to 12.9)"``; ``scale`` 100 and ``unit`` ``" %"`` for a share."""
        if not self.n:
            return "-"
        numbers = [self.value, self.low, self.high]
        shown = [None if one is None else one * scale for one in numbers]
        if digits is None:
            digits = places(max(abs(one) for one in shown if one is not None))
        value, low, high = (None if one is None else f"{one:.{digits}f}" for one in shown)
        return f"{value}{unit}" + (f" ({low} to {high})" if low is not None else "")

    def __truediv__(self, other: Interval) -> Interval:
        """A quotient; its interval holds the ends of both."""
        if not other.value:
            return NOTHING
        value, fewer = self.value / other.value, min(self.n, other.n)
        if self.low is None or self.high is None or not other.low or not other.high:
            return Interval(value, n=fewer)
        return Interval(value, self.low / other.high, self.high / other.low, fewer)

    def scaled(self, factor: float) -> Interval:
        """All of it times a factor."""
        low, high = (None if one is None else one * factor for one in (self.low, self.high))
        return Interval(self.value * factor, low, high, self.n)

    def laid_around(self, value: float) -> Interval:
        """The same reach around another number, such as that of the whole time around the mean of
        its blocks; never below 0."""
        if self.low is None or self.high is None:
            return Interval(value, n=self.n)
        low, high = value + self.low - self.value, value + self.high - self.value
        return Interval(value, max(low, 0.0), high, self.n)

    def around(self, digits: int | None = None) -> str:
        """``"12.3 ± 0.6"``, with half the interval's length: for narrow tables."""
        if not self.n or self.low is None or self.high is None:
            return self.show(digits=digits)
        digits = places(abs(self.value)) if digits is None else digits
        return f"{self.value:.{digits}f} ± {(self.high - self.low) / 2:.{digits}f}"

    def percent(self) -> str:
        """A share as ``"31 % (12-58)"``, in whole percent: for narrow tables."""
        low, high = self.low, self.high
        ends = "" if low is None or high is None else f" ({100 * low:.0f}-{100 * high:.0f})"
        return f"{100 * self.value:.0f} %{ends}" if self.n else "-"

    def ends(self) -> tuple[float, float | None, float | None]:
        """Value, low and high, as charts take them."""
        return self.value, self.low, self.high

    def __str__(self) -> str:
        return self.show()

    def __format__(self, spec: str) -> str:
        """``"±"`` or ``"±2"`` (digits): around the number; ``"%"``: a share in whole percent."""
        if spec == "%":
            return self.percent()
        return self.around(int(spec[1:]) if spec[1:] else None) if spec else self.show()


NOTHING = Interval(0.0, n=0)


def places(number: float) -> int:
    """Digits after the point that a number of this size is shown with."""
    return 0 if number >= 100 else 1 if number >= 10 else 2


def mean_interval(
    samples: Sequence[float], weights: Sequence[float] | None = None, *, memory: float = 0.5
) -> Interval:
    """The mean of independent samples (or of blocks of time, weighted by their length) with
    Student's interval; of blocks of a market wider by its ``memory`` (:data:`MEMORY`)."""
    found = np.asarray(samples, dtype=float)
    share = np.ones(len(found)) if weights is None else np.asarray(weights, dtype=float)
    if not len(found) or share.sum() <= 0:
        return NOTHING
    share = share / share.sum()
    mean = float(found.mean() if weights is None else found @ share)
    if len(found) < 2:
        return Interval(mean, n=1)
    effective = 1 / float(share @ share)
    if effective <= 1.001:
        return Interval(mean, n=1)
    spread = float(share @ (found - mean) ** 2) * effective / (effective - 1)
    half = student(effective - 1) * sqrt(spread / effective)
    # Of blocks that are correlated over all distances the mean varies as n ** (2 H - 2), and their
    # spread around their own mean is too small by the same (Beran 1994, Statistics for Long-Memory
    # Processes, 1.1 and 8.1). With H of a half this is 1.
    left = effective ** (2 * memory - 2)
    half *= sqrt(left * (effective - 1) / (1 - left))
    return Interval(mean, mean - half, mean + half, len(found))


def share_interval(samples: Sequence[float], weights: Sequence[float] | None = None) -> Interval:
    """The mean of shares in blocks of a market's time, with an interval that holds what a longer
    time would show.

    A market is bursty, and its bursts come in bursts: blocks are not independent, so the interval
    allows for :data:`MEMORY`. A quiet time says too little of both, the share and its spread, so
    the interval is laid around the log-odds, where it is longer towards the middle and ends before
    0 and 1. Samples that are all alike say nothing of how far off they may be: no interval.
    """
    found = mean_interval(samples, weights, memory=MEMORY)
    if found.high is None or found.high == found.value or not 0 < found.value < 1:
        return Interval(found.value, n=found.n)
    odds = log(found.value / (1 - found.value))
    reach = (found.high - found.value) / (found.value * (1 - found.value))
    low, high = (
        1 / (1 + exp(-min(max(one, -700.0), 700.0))) for one in (odds - reach, odds + reach)
    )
    return Interval(found.value, low, high, found.n)


def quantile_interval(samples: Sequence[float], q: float = 0.5) -> Interval:
    """A quantile of independent samples with its distribution-free interval (order statistics).

    Too few samples have none: all of three lie on one side of the median in a quarter of the
    cases, and all of twenty below the 95th percentile in a third. A median needs five samples, a
    95th percentile 66.
    """
    found = sorted(float(one) for one in samples)
    count = len(found)
    if not count:
        return NOTHING
    value = float(np.quantile(found, q))
    if max(q, 1 - q) ** count > ONE_SIDED:
        return Interval(value, n=count)
    half = _Z * sqrt(count * q * (1 - q))
    low = min(max(floor(count * q - half), 0), count - 1)
    high = min(max(floor(count * q + half) + 1, 0), count - 1)
    return Interval(value, min(found[low], value), max(found[high], value), count)


def student(degrees: float) -> float:
    """The 97.5 % point of Student's distribution (Abramowitz and Stegun 26.7.5; below 5 degrees
    of freedom from its table, where the series is too short)."""
    if degrees < 5:
        points = [12.706, 4.303, 3.182, 2.776, 2.571]
        return float(np.interp(max(degrees, 1.0), [1, 2, 3, 4, 5], points))
    z = _Z
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return sum(term / degrees**power for power, term in enumerate(terms))
