"""Measure, and never believe a latency figure: call time, age and wrong share, side by side.

Every function here is plain: it takes an exchange in a lab, watches for some seconds, ends what it
began and gives a small result with ``.table()``, ``.frame()``, ``.figure()`` and ``.save(path)``.
Three words are kept apart (see :mod:`vocx.measure.result`): *call time*, *age*, *wrong share*.

>>> measure.freshness(ex, [measure.Poll(1000), measure.Push("quotes")], seconds=10)
>>> measure.sweep(ex, [0, 20, 80, 200]).figure()
>>> measure.theory.expected_age_ms(interval_ms=1000, rtt_ms=80)
>>> measure.ideal(measure.truth_of(ex.lab))
>>> measure.who_pays(measure.truth_of(ex.lab), rtt_ms=80)
"""

from vocx.measure import theory
from vocx.measure.beside import SideBySide, side_by_side, stacked, wrong_share
from vocx.measure.feeds import Feed, Hybrid, Poll, Push
from vocx.measure.fills import FillTimes, fills
from vocx.measure.freshness import FeedSeen, Freshness, freshness
from vocx.measure.ideal import Ideal, ideal, truth_in, truth_of
from vocx.measure.payers import WhoPays, who_pays
from vocx.measure.result import Conditions, Result, load
from vocx.measure.sampling import Interval
from vocx.measure.steps import Ages, Known, Steps
from vocx.measure.sweep import Sweep, sweep

__all__ = [
    "Ages",
    "Conditions",
    "Feed",
    "FeedSeen",
    "FillTimes",
    "Freshness",
    "Hybrid",
    "Ideal",
    "Interval",
    "Known",
    "Poll",
    "Push",
    "Result",
    "SideBySide",
    "Steps",
    "Sweep",
    "WhoPays",
    "fills",
    "freshness",
    "ideal",
    "load",
    "side_by_side",
    "stacked",
    "sweep",
    "theory",
    "truth_in",
    "truth_of",
    "who_pays",
    "wrong_share",
]
