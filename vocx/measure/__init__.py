"""Measure, and never believe a latency figure: call time, age and wrong share, side by side.

Every function here is plain: it takes an exchange in a lab, watches for some seconds, ends what it
began and gives a small result with ``.table()``, ``.markdown()``, ``.frame()`` and ``.save(path)``.
Three words are kept apart (see :mod:`vocx.measure.result`): *call time*, *age*, *wrong share*.

>>> measure.freshness(ex, [measure.Poll(1000), measure.Push("quotes")], seconds=10)
>>> measure.sweep(ex, [0, 20, 80, 200]).figure()
>>> measure.theory.expected_age_ms(interval_ms=1000, rtt_ms=80)
>>> measure.simulate(measure.truth_of(ex.lab))
>>> measure.event_errors(ex.lab, measure.Poll(1000), rtt_ms=20)
>>> measure.calls(ex, rtt_ms=[0, 20, 80])
>>> measure.traffic(ex, every_ms=1000, seconds=5)
>>> measure.distance(lab=ex.lab).dial(ex.lab)
>>> measure.article(ex)
>>> measure.fills(ex, every_ms=(250, 1000)).figure()
>>> measure.orders(ex)
>>> measure.adverse_selection(measure.truth_of(ex.lab), rtt_ms=80)
"""

from vocx.measure import theory
from vocx.measure.adverse_selection import AdverseSelection, adverse_selection
from vocx.measure.article import Article, article
from vocx.measure.calls import CallTime, CallTimes, calls
from vocx.measure.charts import frontier, prices
from vocx.measure.code_size import CodeSize, code_size
from vocx.measure.distance import Distance, distance
from vocx.measure.event_errors import EventErrors, event_errors
from vocx.measure.feeds import Feed, Poll, Push
from vocx.measure.fills import FillTimes, fills
from vocx.measure.freshness import FeedResult, Freshness, freshness
from vocx.measure.orders import OrderEntry, orders
from vocx.measure.result import Conditions, Result, load
from vocx.measure.sampling import Interval
from vocx.measure.simulation import Simulation, simulate
from vocx.measure.steps import Ages, Observed, Steps
from vocx.measure.sweep import Sweep, sweep
from vocx.measure.traffic import Cost, Traffic, traffic
from vocx.measure.true_prices import truth_in, truth_of

__all__ = [
    "Ages",
    "Article",
    "CallTime",
    "CallTimes",
    "Conditions",
    "Cost",
    "Distance",
    "Feed",
    "FeedResult",
    "FillTimes",
    "Freshness",
    "Simulation",
    "Interval",
    "Observed",
    "CodeSize",
    "OrderEntry",
    "Poll",
    "Push",
    "Result",
    "Steps",
    "Sweep",
    "Traffic",
    "AdverseSelection",
    "EventErrors",
    "article",
    "calls",
    "distance",
    "fills",
    "freshness",
    "frontier",
    "simulate",
    "code_size",
    "load",
    "orders",
    "prices",
    "sweep",
    "theory",
    "traffic",
    "truth_in",
    "truth_of",
    "adverse_selection",
    "event_errors",
]
