"""Measure, and never believe a latency figure: call time, age and wrong share, side by side.

Every function here is plain: it takes an exchange in a lab, watches for some seconds, ends what it
began and gives a small result with ``.table()``, ``.frame()``, ``.figure()`` and ``.save(path)``.
Three words are kept apart (see :mod:`vocx.measure.result`): *call time*, *age*, *wrong share*.
"""

from vocx.measure.beside import SideBySide, side_by_side, stacked, wrong_share
from vocx.measure.result import Conditions, Result, load
from vocx.measure.sampling import Interval

__all__ = [
    "Conditions",
    "Interval",
    "Result",
    "SideBySide",
    "load",
    "side_by_side",
    "stacked",
    "wrong_share",
]
