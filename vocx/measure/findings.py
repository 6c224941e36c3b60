"""A row's numbers in words: what was measured here of REST, of WebSocket, and how they relate.

Every sentence is made from a result and from nothing else; without one there is none. Numbers that
were sampled bring their interval; what was counted (connections, signatures, lines) is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from vocx.measure import theory
from vocx.measure.calls import CallTimes
from vocx.measure.code_size import CodeSize
from vocx.measure.feeds import Poll, Push
from vocx.measure.fills import FillTimes
from vocx.measure.freshness import FeedResult, Freshness
from vocx.measure.orders import OrderEntry
from vocx.measure.sampling import Interval, mean_interval
from vocx.measure.sweep import Sweep
from vocx.measure.traffic import KIB, Cost, Traffic
from vocx.text import counted, span

if TYPE_CHECKING:
    from collections.abc import Sequence

USUAL_MS = 1000.0
"""The polling interval that the rows speak of, where it was measured; else the nearest."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured for one row. Empty: not measured."""

    rest: list[str] = []
    websocket: list[str] = []
    so: str = ""


class Measurements(msgspec.Struct, frozen=True):
    """The results that a comparison is made of; ``None``: not measured."""

    sweep: Sweep | None = None
    calls: CallTimes | None = None
    traffic: Traffic | None = None
    fills: FillTimes | None = None
    orders: OrderEntry | None = None
    code_size: CodeSize | None = None

    def given(self) -> dict[str, Any]:
        """Those that are there, by name."""
        every = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: part for name, part in every.items() if part is not None}


def findings(parts: Measurements) -> dict[str, Finding]:
    """Every row by its name, from what there is."""
    return {row: tell(parts) for row, tell in ROWS.items()}


def away(rtt_ms: float) -> str:
    """``"20 ms away"``; no distance is "next door", on this machine."""
    return f"{rtt_ms:g} ms away"


def _connection(parts: Measurements) -> Finding:
    if parts.traffic is None:
        return Finding()
    polls, streams = _costs(parts.traffic)
    rest = [
        f"{counted(one.connections, 'connection')} for {counted(one.count, 'call')}, "
        + ("a new one each time" if "new" in one.feed else "kept")
        for one in polls
    ]
    websocket = [
        f"{counted(one.connections, 'connection')} for {counted(one.count, 'message')}"
        for one in streams[:1]
    ]
    new = [one for one in polls if "new" in one.feed]
    so = "A kept connection serves every call."
    if new:
        kept = next((one for one in polls if one.feed in new[0].feed and one is not new[0]), None)
        if kept is not None:
            ratio = new[0].wire_per_s / kept.wire_per_s
            so += f" A new one for each moves {ratio} times the bytes."
    return Finding(rest=rest, websocket=websocket, so=so)


def _latency(parts: Measurements) -> Finding:
    rest: list[str] = []
    websocket: list[str] = []
    so = ""
    if parts.calls is not None:
        rest, so = _call_times(parts.calls)
    found = _results(parts)
    pushed = [one for one in map(_fastest, found) if one is not None]
    if pushed:
        websocket = [f"{pushed[0].feed.name}, age on average:"]
        websocket += [f"{away(one.rtt_ms)}: {one.age.mean} ms" for one in pushed]
    if parts.calls is not None and pushed and (rtt_ms := pushed[-1].rtt_ms):
        kept = [one.median_ms for one in parts.calls.calls if not one.new and one.rtt_ms == rtt_ms]
        if kept:
            trip = Interval(rtt_ms, rtt_ms, rtt_ms)
            so += (
                f" A kept call takes {kept[-1] / trip} round trips there, and a "
                f"pushed price is as old as {pushed[-1].age.mean / trip} of one."
            )
    return Finding(rest=rest, websocket=websocket, so=so.strip())


def _call_times(calls: CallTimes) -> tuple[list[str], str]:
    """A line for each distance (over TLS where that was measured), and new by kept."""
    tls = any(one.tls for one in calls.calls)
    found = {(one.rtt_ms, one.new): one.median_ms for one in calls.calls if one.tls == tls}
    lines, so = [], ""
    for rtt_ms in sorted({distance for distance, _ in found}):
        kept, new = found.get((rtt_ms, False)), found.get((rtt_ms, True))
        said = [f"kept {kept}"] if kept is not None else []
        said += [f"new {new}"] if new is not None else []
        lines.append(f"{away(rtt_ms)}: {', '.join(said)} ms")
        if kept is not None and new is not None:
            so = f"{away(rtt_ms)}, a new connection takes {new / kept} kept calls."
    if lines:
        lines.insert(0, f"a call by {'https' if tls else 'http'}, connection kept or new:")
    return lines, so


def _data_flow(parts: Measurements) -> Finding:
    home = _home(parts)
    if home is None:
        return Finding()
    poll, pushed = _poll(home), _fastest(home)
    rest = [_flow(poll, home)] if poll is not None else []
    websocket = [_flow(pushed, home)] if pushed is not None else []
    so = ""
    if poll is not None and pushed is not None:
        so = (
            f"{away(home.conditions.rtt_ms).capitalize()}, what is polled every "
            f"{span(poll.feed.cadence_ms)} is {poll.age.mean / pushed.age.mean} "
            f"times as old: {poll.age.mean} ms to {pushed.age.mean} ms."
        )
    return Finding(rest=rest, websocket=websocket, so=so)


def _flow(one: FeedResult, home: Freshness) -> str:
    wrong = one.wrong.show(100, digits=1, unit=" %")
    seen = round((1 - one.missed) * home.updates)
    return (
        f"{one.feed.name}: {seen:,} of {home.updates:,} updates seen; "
        f"price wrong {wrong} of the time"
    )


def _limits(parts: Measurements) -> Finding:
    if parts.traffic is None:
        return Finding()
    polls, streams = _costs(parts.traffic)
    poll, stream = polls[0] if polls else None, streams[0] if streams else None
    rest, websocket, so = [], [], ""
    if poll is not None:
        spent = f"{poll.weight_per_minute:,.0f} weight a minute"
        if poll.limit_per_minute is not None:
            share = poll.weight_per_minute / poll.limit_per_minute
            spent += f", {share * 100:.1f} % of {poll.limit_per_minute:.0f}"
        rest = [f"{poll.feed} every {span(parts.traffic.every_ms)}: {spent}"]
    if stream is not None:
        websocket = [f"{stream.feed}: {stream.per_minute:,.0f} messages a minute, weight 0"]
    if poll is not None and stream is not None and stream.per_minute:
        every_ms = 60_000 / stream.per_minute
        wanted = stream.per_minute * poll.weight
        after_s = None
        if poll.limit_per_minute is not None:
            allowed = int(poll.limit_per_minute)
            after_s = theory.seconds_until_429(every_ms, poll.weight, limit=allowed)
        so = (
            f"Asking as often as the stream spoke: {wanted:,.0f} weight a minute, "
            + (f"refused after {after_s:.0f} s." if after_s is not None else "within the limit.")
            + " That is for one symbol."
        )
    return Finding(rest=rest, websocket=websocket, so=so)


def _best_for(parts: Measurements) -> Finding:
    rest, websocket, so = [], [], []
    if parts.orders is not None:
        asked, pushed = (_order(parts.orders, path) for path in ("REST", "WebSocket"))
        where = away(parts.orders.conditions.rtt_ms)
        if asked is not None and pushed is not None:
            rest.append(f"an order, kept connection, {where}: {asked} ms")
            websocket.append(f"an order, kept connection, {where}: {pushed} ms")
            so.append(
                f"An order takes one round trip by either: REST {asked / pushed} times WebSocket."
            )
    if parts.fills is not None:
        every_ms, samples = max(zip(parts.fills.every_ms, parts.fills.polled_ms, strict=True))
        polled = mean_interval(samples)
        heard = mean_interval(parts.fills.pushed_ms)
        where = away(parts.fills.conditions.rtt_ms)
        rest.append(f"a fill is known after {polled} ms, polled every {span(every_ms)}, {where}")
        websocket.append(f"a fill is known after {heard} ms, pushed, {where}")
        so.append(f"Polling learns of a fill {polled / heard} times as late.")
    return Finding(rest=rest, websocket=websocket, so=" ".join(so))


def _complexity(parts: Measurements) -> Finding:
    if parts.code_size is None:
        return Finding()
    ask, listen, survive, hybrid = (
        parts.code_size.find(name).total for name in ("ask", "listen", "survive", "hybrid")
    )
    return Finding(
        rest=[f"{ask} lines, which outlive a lost answer and a 429"],
        websocket=[
            f"{listen} lines, which end at the first cut",
            f"{survive} lines, which come back, and say when they do not know",
        ],
        so=(
            f"A hybrid with orders and its own fills: {hybrid} lines, "
            f"{hybrid / ask:.1f} times those of REST alone."
        ),
    )


def _bandwidth(parts: Measurements) -> Finding:
    if parts.traffic is None:
        return Finding()
    polls, streams = _costs(parts.traffic)
    rest, websocket = _moved(polls), _moved(streams)
    if not polls or not streams or not streams[0].count:
        return Finding(rest=rest, websocket=websocket)
    poll, stream = polls[0], streams[0]
    equal_ms = poll.bytes_each / stream.wire_per_s.value * 1000
    so = (
        f"A message is {stream.bytes_each / poll.bytes_each:.2f} of a call, but a second of the "
        f"stream is {stream.wire_per_s / poll.wire_per_s} times a poll every "
        f"{span(parts.traffic.every_ms)}. Equal at a poll every {equal_ms:.0f} ms."
    )
    return Finding(rest=rest, websocket=websocket, so=so)


def _moved(costs: Sequence[Cost]) -> list[str]:
    return [
        f"{one.feed}: {one.bytes_each:,.0f} bytes each, {one.wire_per_s.scaled(1 / KIB)} KiB/s"
        for one in costs
    ]


def _auth(parts: Measurements) -> Finding:
    if parts.orders is None:
        return Finding()
    kind = next(iter(parts.orders.made_us), "HMAC")
    by_path: dict[str, tuple[int, int]] = {}
    for one in parts.orders.sent:
        signed, sent = by_path.get(one.path, (0, 0))
        signed += sum(order.signatures for order in one.orders)
        by_path[one.path] = signed, sent + len(one.orders)
    rest: list[str] = []
    websocket: list[str] = []
    for path, (signed, sent) in by_path.items():
        said = f"{counted(signed, 'signature')} on {counted(sent, 'order')}"
        if "logged on" in path:
            once = parts.orders.logon_signatures
            websocket.append(f"logged on with Ed25519: {once} to log on, then {said}")
        else:
            (rest if path == "REST" else websocket).append(f"{said}, {kind} key")
    so = "What decides is the key, and whether you log on." if websocket else ""
    return Finding(rest=rest, websocket=websocket, so=so)


ROWS: dict[str, Callable[[Measurements], Finding]] = {
    "connection": _connection,
    "latency": _latency,
    "data flow": _data_flow,
    "rate limits": _limits,
    "best for": _best_for,
    "complexity": _complexity,
    "bandwidth": _bandwidth,
    "auth": _auth,
}


def _results(parts: Measurements) -> list[Freshness]:
    return sorted(
        parts.sweep.results if parts.sweep is not None else [],
        key=lambda one: one.conditions.rtt_ms,
    )


def _home(parts: Measurements) -> Freshness | None:
    """The nearest distance that is one."""
    found = _results(parts)
    return next((one for one in found if one.conditions.rtt_ms > 0), found[0] if found else None)


def _poll(result: Freshness) -> FeedResult | None:
    polls = [one for one in result.feeds if isinstance(one.feed, Poll)]
    return min(polls, key=lambda one: abs(one.feed.cadence_ms - USUAL_MS), default=None)


def _fastest(result: Freshness) -> FeedResult | None:
    streams = [one for one in result.feeds if isinstance(one.feed, Push)]
    return min(streams, key=lambda one: one.feed.cadence_ms, default=None)


def _costs(traffic: Traffic) -> tuple[list[Cost], list[Cost]]:
    """Polls and streams; over TLS where that was counted, as real venues speak nothing else."""
    tls = any(one.tls for one in traffic.costs)
    mine = [one for one in traffic.costs if one.tls == tls]
    return [one for one in mine if one.kind == "poll"], [one for one in mine if one.kind != "poll"]


def _order(orders: OrderEntry, path: str) -> Interval | None:
    """One order at a time on a kept connection."""
    for one in orders.items():
        if (one.path, one.new, one.at_once) == (path, False, 1):
            return one.call_ms
    return None
