"""Each room of the package beside its budget: ``python tests/house.py``.

Lines are raw: docstrings, comments and blank lines included. A budget makes one look for the idea
that stands twice; nothing fails when it is missed.
"""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "vocx"

CLIENT = (
    ("errors, facts, timing, text", 950, "errors facts timing text symbols distribution"),
    ("venues/base", 450, "venues venues/base"),
    ("book, rate_limits", 500, "book limits rate_limits"),
    ("net, rest", 800, "net rest"),
    ("stream", 3300, "stream"),
    ("exchange", 1100, "exchange"),
    (
        "record, doctor, credentials, root",
        1000,
        "record recording doctor credentials pytest_plugin __init__",
    ),
    ("hybrid", 1300, "hybrid"),
    ("venues/binance", 1800, "venues/binance"),
    *((f"venues/{one}", 1400, f"venues/{one}") for one in ("okx", "bybit", "coinbase")),
    ("views", 2500, "views"),
    ("figures", 600, "figures"),
)
EXCHANGE = (
    ("events, ports", 300, "lab/events lab/ports"),
    ("engine, book_side", 450, "lab/market/engine lab/market/book_side"),
    ("balances, orders, accounts", 650, "lab/accounts"),
    (
        *("crowd, candles, live", 1050),
        "lab/market/crowd lab/market/candles lab/market/symbol_market lab/market/history "
        "lab/market/tape lab/market/instruments",
    ),
    ("recording, driver, world, log", 900, "lab/market"),
    ("server, process, owner's side", 1900, "lab lab/service lab/network/__init__"),
    ("dials, path, relay", 900, "lab/network"),
    ("dialects/shared", 1700, "lab/dialects"),
    ("dialects/binance", 3300, "lab/dialects/binance"),
    *((f"dialects/{one}", 1500, f"lab/dialects/{one}") for one in ("okx", "bybit", "coinbase")),
    ("measure", 3300, "measure"),
    ("course", 4900, "course"),
    ("cli", 700, "cli __main__"),
)
Room = tuple[str, int, str]


def room_of(name: str) -> str:
    """The room of a module such as ``lab/market/engine``: the longest beginning that is named."""
    named = {place: label for label, _, places in (*CLIENT, *EXCHANGE) for place in places.split()}
    parts = name.split("/")
    begun = ("/".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((named[one] for one in begun if one in named), "in no room")


def counted() -> dict[str, tuple[int, int]]:
    """Lines and modules by room."""
    found: dict[str, tuple[int, int]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        room = room_of(path.relative_to(PACKAGE).with_suffix("").as_posix())
        lines, modules = found.get(room, (0, 0))
        found[room] = lines + len(path.read_text(encoding="utf-8").splitlines()), modules + 1
    return found


def table(title: str, rooms: tuple[Room, ...], found: dict[str, tuple[int, int]]) -> str:
    """One half of the house as text."""
    rows = [f"{title:<34}{'lines':>7}{'budget':>8}{'over':>7}{'modules':>9}"]
    for label, budget, _ in rooms:
        lines, modules = found.get(label, (0, 0))
        over = f"{lines - budget:+,}" if lines > budget else ""
        rows.append(f"  {label:<32}{lines:>7,}{budget:>8,}{over:>7}{modules:>9}")
    sums = [sum(found.get(label, (0, 0))[n] for label, *_ in rooms) for n in (0, 1)]
    budgets = sum(budget for _, budget, _ in rooms)
    rows.append(f"  {'together':<32}{sums[0]:>7,}{budgets:>8,}{'':>7}{sums[1]:>9}")
    return "\n".join(rows)


def main() -> None:
    """Print both halves, what stands in no room, and the total."""
    found = counted()
    print(table("client", CLIENT, found), table("exchange side", EXCHANGE, found), sep="\n\n")
    if "in no room" in found:
        print(f"\n{found['in no room'][0]:,} lines stand in no room of these.")
    lines, modules = (sum(one[n] for one in found.values()) for n in (0, 1))
    print(f"\ntotal: {lines:,} lines in {modules} modules")


if __name__ == "__main__":
    main()
