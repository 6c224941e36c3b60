"""Speed and size, as ratios and limits measured in one run: ``python tests/bench.py [NAME ...]``.

One JSON object a line: name, value, unit, target, met. ``met`` is computed from the value. The
recorded BTC/USDT session is the input where it is present, else the lab's own crowd; each line
says which. Names given as arguments select the groups to run (see ``GROUPS``).
"""

from __future__ import annotations

import json
import operator
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from benches import books, clients, engine, hybrid, lab, lessons, many, measuring, orders, views  # noqa: E402
from benches.row import Row  # noqa: E402

GROUPS: dict[str, Callable[[], Iterator[Row]]] = {
    "import": clients.import_time,
    "stream": clients.stream_against_bare_sockets,
    "websockets": clients.stream_against_websockets,
    "books": books.books,
    "venues": many.streams,
    "at_once": many.at_once,
    "replay": clients.recorded_session,
    "age": clients.age_under_load,
    "measuring": measuring.measuring,
    "engine": engine.operations,
    "orders": orders.orders,
    "hybrid": hybrid.hybrid,
    "lab": lab.start_and_memory,
    "fanout": lab.many_clients,
    "views": views.views,
    "lessons": lessons.durations,
}
COMPARE = {"<=": operator.le, ">=": operator.ge}


def main(names: list[str]) -> int:
    unknown = set(names) - set(GROUPS)
    if unknown:
        print(f"no such group: {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
        return 2
    missed = 0
    for name in names or GROUPS:
        for row in GROUPS[name]():
            sign, limit = row.target.split()[:2]
            met = bool(COMPARE[sign](row.value, float(limit)))
            missed += not met
            line = {"name": row.name, "value": round(row.value, 4), "unit": row.unit}
            print(json.dumps({**line, "target": row.target, "met": met, **row.notes}), flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
