"""The practical exam's ten tasks: each runs an answer against the lab, with faults that a seed
draws, and judges what it did.

The lessons have taught all of them. A judge here takes the answer's
:class:`~vocx.course.answer_runner.Trial`, the exchange in its lab, and the task's own random
numbers; it returns a sentence, or raises :class:`~vocx.course.answer_runner.Wrong`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import requests
import websocket

from vocx.course.answer_runner import Trial, Wrong, milliseconds, short
from vocx.course.checks import lesson01, lesson04
from vocx.course.diagnosis import FAULTS, WORDS, WatchedFeed
from vocx.course.exercise import Check, in_lab
from vocx.course.raw_websocket import connect
from vocx.course.unknown_orders import far_below
from vocx.errors import OrderNotFound, VocxError
from vocx.exchange import Exchange
from vocx.facts import Fill
from vocx.lab import Lab
from vocx.timing import wall_ns

SYMBOL, STREAM = "BTC/USDT", "btcusdt@depth@100ms"
LEVELS = 10
"""Of each side, that a book has to have right."""
NAMED_WITHIN_S = 30.0
"""A fault has to be named."""
Judge = Callable[[Trial, Exchange, Lab, Random], str]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One task of the exam.

    Attributes
    ----------
    id : str
    lesson : str
        Where it was taught.
    text : str
        What is to be written, what it gets, and what it returns.
    judge : callable
    call_s : float
        Longest call of the answer.
    """

    id: str
    lesson: str
    text: str
    judge: Judge
    call_s: float = 5.0

    def check(self, seed: int) -> Check:
        """The task with its faults drawn."""

        def run(answer: Trial, exchange: Exchange | None) -> str:
            return self.judge(answer, *in_lab(exchange), Random(f"{seed} {self.id}"))

        hint = f"Lesson {self.lesson} has it."
        name = f"exam.{self.id}"
        return Check(id=name, task=self.text, hint=hint, judge=run, call_s=self.call_s)


# a book through two cuts


class _Depth:
    """A raw stream of book changes that loses messages twice, and snapshots that are counted."""

    def __init__(self, lab: Lab, rng: Random) -> None:
        self._lab, self._rng = lab, rng
        self._ws: Any = connect(lab, f"/ws/{STREAM}")
        self._http = requests.Session()
        self._http.trust_env = False
        self._last: int | None = None
        self.holes: list[int] = []
        self.snapshots: list[int] = []
        self.count = 0

    def snapshot(self) -> dict[str, Any]:
        """The book by REST, as the exchange says it."""
        self.snapshots.append(self.count)
        url = f"{self._lab.url('binance', 'rest')}/api/v3/depth?symbol=BTCUSDT&limit=1000"
        found: dict[str, Any] = self._http.get(url, timeout=5).json()
        return found

    def messages(self) -> Iterator[dict[str, Any]]:
        """Some seconds of them, then the market stands still."""
        cuts = [self._rng.uniform(0.5, 1.0), self._rng.uniform(1.5, 2.0)]
        began = time.monotonic()
        self._ws.settimeout(0.6)
        standing = False
        while True:
            at_s = time.monotonic() - began
            if cuts and at_s > cuts[0]:
                cuts.pop(0)
                self._lab.fault("drop", stream=STREAM, venue="binance", count=2)
            if at_s > 2.8 and not standing:
                standing = True
                self._lab.pause()
            try:
                message = msgspec.json.decode(self._ws.recv())
            except websocket.WebSocketTimeoutException:
                if standing:
                    return
                continue
            self.count += 1
            if self._last is not None and message["U"] > self._last + 1:
                self.holes.append(self.count)
            self._last = message["u"]
            yield message

    def close(self) -> None:
        """Hang up, and let the market go on."""
        self._lab.faults.off()
        self._lab.resume()
        self._http.close()
        with suppress(OSError, websocket.WebSocketException):
            self._ws.close(timeout=1)


def _book(keep: Trial, exchange: Exchange, lab: Lab, rng: Random) -> str:
    feed = _Depth(lab, rng)
    try:
        got = keep(feed.messages(), feed.snapshot)
        true = exchange.truth.book(SYMBOL, depth=LEVELS)
    finally:
        feed.close()
    seen = f"{feed.count} messages, holes before {feed.holes}, snapshots after {feed.snapshots}"
    if feed.count == 0:
        raise Wrong("you read no message", seen=seen)
    for hole in feed.holes:
        if not any(taken >= hole for taken in feed.snapshots):
            why = f"messages were lost before message {hole}, and you took no snapshot after it"
            raise Wrong(why, seen=seen, expected="a new snapshot after each hole")
    if len(feed.snapshots) > len(feed.holes) + 4:
        raise Wrong("a snapshot costs weight 50: one for each hole is enough", seen=seen)
    for name, side, mine in zip(("bids", "asks"), (true.bids, true.asks), _sides(got), strict=True):
        best = sorted(mine.items(), reverse=name == "bids")[:LEVELS]
        if best != [(price, quantity) for price, quantity in side]:
            raise Wrong(f"your {name} are not those of the exchange", seen=short(best[:2]),
                        expected=short([*side[:2]]))  # fmt: skip
    return f"{feed.count} messages, {len(feed.holes)} holes, and the book is the exchange's."


def _sides(got: Any) -> list[dict[Decimal, Decimal]]:
    try:
        sides = [{Decimal(p): Decimal(q) for p, q in dict(side).items()} for side in got]
        bids, asks = sides
    except (TypeError, ValueError, ArithmeticError):
        raise Wrong(
            "two dicts are wanted, bids and asks: quantity by price", seen=short(got)
        ) from None
    return [{p: q for p, q in side.items() if q} for side in (bids, asks)]


# faults, by their evidence

_OPEN = ("silent feed", "dead line", "lost message", "slow reader")
_ENDED = ("connection lost", "rule broken", "maintenance", "banned")


def _name(name_it: Trial, exchange: Exchange, lab: Lab, rng: Random) -> str:
    slowest = 0.0
    faults = [rng.choice(_OPEN), rng.choice(_ENDED)]
    rng.shuffle(faults)
    for fault in faults:
        with WatchedFeed(lab).wait() as feed, FAULTS[fault].begin(lab, feed):
            began = time.monotonic()
            got = name_it(feed.evidence)
            took = time.monotonic() - began
            seen = feed.evidence()
        slowest = max(slowest, took)
        if got != fault:
            why = "that was another fault" if got in WORDS else f"say one of {', '.join(WORDS)}"
            raise Wrong(why, given=str(seen), seen=short(got), expected=repr(fault))
        if took > NAMED_WITHIN_S:
            raise Wrong(f"right, after {took:.0f} s", expected=f"within {NAMED_WITHIN_S:g} s")
    return f"{' and '.join(faults)} named, the slower after {slowest:.1f} s."


def _quiet(is_dead: Trial, exchange: Exchange, lab: Lab, rng: Random) -> str:
    spells = ["healthy", rng.choice(("silent feed", "dead line"))]
    rng.shuffle(spells)
    for spell in spells:
        with WatchedFeed(lab).wait() as feed, FAULTS[spell].begin(lab, feed):
            got = is_dead(feed.evidence)
            seen = feed.evidence()
        if got is not (spell != "healthy"):
            why = {
                "healthy": "a false alarm: nothing happened in the market, and REST agrees",
                "silent feed": "it was dead, and its pongs came: REST shows trades that it has not",
                "dead line": "it was dead: no pong came, and nobody had hung up",
            }[spell]
            raise Wrong(why, given=str(seen), seen=short(got), expected=str(spell != "healthy"))
    return f"A quiet market and a {spells[spells[0] == 'healthy']}, told apart."


# calls, orders, signatures


def _pace(polite: Trial, exchange: Exchange, lab: Lab, rng: Random) -> str:
    paths = rng.sample(lesson01.PATHS, len(lesson01.PATHS))
    return lesson01.judge(polite, exchange, paths)


class _OrderDesk:
    """What places and asks for one order in the lab; an answer is lost on purpose."""

    def __init__(self, exchange: Exchange, lab: Lab, *, arrives: bool) -> None:
        self._exchange, self._lab, self.arrives = exchange, lab, arrives
        self._price = far_below(exchange)
        self.sent = self.asked = 0
        self.waited_s = 0.0
        exchange.cancel_all(SYMBOL)

    def new_id(self) -> str:
        """A client order id."""
        return self._exchange.new_client_order_id()

    def send(self, name: str | None = None) -> str:
        """Place it, once; the answer to the first one is lost."""
        self.sent += 1
        options: dict[str, Any] = {"type": "limit", "price": self._price}
        if name is not None:
            options["client_order_id"] = name
        if self.sent == 1:
            self._lab.fault("timeout", path="POST *", count=1, executed=self.arrives)
        try:
            self._exchange.place_order(SYMBOL, "buy", "0.01", **options)
        except VocxError as error:
            if error.outcome == "unknown":
                raise TimeoutError("no answer") from None
            return "refused"
        return "accepted"

    def ask(self, name: str) -> bool:
        """Whether the exchange has an order of this id."""
        self.asked += 1
        try:
            self._exchange.order(name, SYMBOL)
        except OrderNotFound:
            return False
        return True

    def wait(self, seconds: float) -> None:
        """Let time pass: counted, and sat out in a twentieth of it."""
        self.waited_s += seconds
        time.sleep(min(seconds / 20, 0.5))

    @property
    def seen(self) -> str:
        """What was done, in short."""
        return f"{self.sent} sent, {self.asked} questions in {self.waited_s:.1f} s"


def _once(place_once: Trial, exchange: Exchange, lab: Lab, rng: Random) -> str:
    fates = [True, False]
    rng.shuffle(fates)
    for arrives in fates:
        desk = _OrderDesk(exchange, lab, arrives=arrives)
        try:
            got = place_once(desk.send, desk.ask, desk.wait, desk.new_id)
            orders = len(exchange.open_orders(SYMBOL))
        finally:
            lab.faults.off()
            exchange.cancel_all(SYMBOL)
        given = "its answer is lost" if arrives else "it is lost on the way there"
        if orders > 1 or desk.sent > 1:
            why = f"it was sent {desk.sent} times, and {orders} orders rest"
            raise Wrong(why, given=given, seen=desk.seen, expected="one POST")
        right = "accepted" if arrives else "not placed"
        if got != right:
            why = "you did not send it" if not desk.sent else "that is not what became of it"
            raise Wrong(why, given=given, seen=f"{short(got)}, {desk.seen}", expected=repr(right))
        if not arrives and desk.waited_s < 5:
            why = "you could not know that yet: it may be carried out up to 5 s later"
            raise Wrong(why, given=given, seen=desk.seen)
    return "One order where it arrived, none where it did not, and both times you knew."


def _sign(buy_below: Trial, exchange: Exchange, lab: Lab, rng: Random) -> str:
    tick = Decimal(1).scaleb(-rng.randint(1, 5))
    case = lesson04.Case(
        symbol=rng.choice(("BTCUSDT", "ETHUSDT", "SOLUSDT")),
        quantity=str(Decimal(rng.randint(1, 999)).scaleb(-3)),
        bid=tick * rng.randrange(10_000, 10_000_000),
        tick=tick,
        now_ms=1_795_000_000_000 + rng.randrange(10**9),
        secret="".join(rng.choices("abcdefghijkmnpqrstuvwxyz23456789", k=64)),
    )
    lesson04.signed_query(buy_below, case)
    return f"The signature fits, {lesson04.on_the_book(buy_below, exchange, lab)}."


# feeds and their ends


def _age(mean_age: Trial, exchange: Exchange, lab: Lab, rng: Random) -> str:
    rtt_ms = rng.choice((60, 120, 180))
    samples: list[tuple[float, float]] = []
    with lab.network.latency(rtt_ms=rtt_ms):
        ws: Any = connect(lab, f"/ws/{STREAM}")
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            event = msgspec.json.decode(ws.recv())
            samples.append((float(event["E"]), wall_ns() / 1e6))
        ws.close(timeout=1)
    right = _mean_age(samples)
    delay = sum(arrived - made for made, arrived in samples) / len(samples)
    given = f"{len(samples)} messages, {rtt_ms} ms away"
    got = milliseconds(mean_age(samples), given)
    if abs(got - right) > 0.1 * right + 5:
        why = "that is not the age of what a program sees, over time"
        if abs(got - delay) < 0.05 * delay + 3:
            why = (
                "so old a message is when it arrives. Then it is looked at, until the next one "
                "arrives"
            )
        raise Wrong(why, given=given, seen=f"{got:.0f} ms", expected=f"about {right:.0f} ms")
    return f"{got:.0f} ms, {rtt_ms} ms away: half the way and half the cadence."


def _mean_age(samples: list[tuple[float, float]]) -> float:
    """Over time: between two arrivals the first message is shown, and grows older."""
    area = sum(
        (here[1] - here[0] + (there[1] - here[0])) / 2 * (there[1] - here[1])
        for here, there in zip(samples, samples[1:], strict=False)
    )
    return area / (samples[-1][1] - samples[0][1])


_TOP, _PATIENCE_S = "btcusdt@bookTicker", 10.0
_ENDS: Mapping[str, tuple[str, int, str]] = {
    "going away": ("exchange", 1001, "connect at once"),
    "policy": ("exchange", 1008, "mend the program"),
    "try again later": ("exchange", 1013, "connect later"),
    "reset": ("nobody", 1006, "connect later"),
    "ours": ("me", 1000, "done"),
}
"""By what happens: who sent a close frame, its code, and what to do."""


def _close(read_close: Trial, exchange: Exchange, lab: Lab, rng: Random) -> str:
    for end in rng.sample([*_ENDS], len(_ENDS)):
        frames = _ended(lab, end)
        got = read_close(frames)
        right = _ENDS[end]
        if not isinstance(got, tuple | list) or len(got) != 3:
            raise Wrong("three things are wanted: who, code, action", seen=short(got),
                        expected='("exchange", 1001, "connect at once")')  # fmt: skip
        wrong = [mine != true for mine, true in zip(got, right, strict=True)]
        if any(wrong):
            why = (
                "that is not who sent the first close frame",
                "1006 is our own word: no close frame came" if end == "reset" else "another code",
                f"{right[1]} asks for something else",
            )[wrong.index(True)]
            raise Wrong(why, given=str(frames), seen=short(tuple(got)), expected=str(right))
    return f"{len(_ENDS)} ends, read from the wire."


def _ended(lab: Lab, end: str) -> list[tuple[str, int]]:
    """Let one connection end like this: the close frames that crossed the wire, in order."""
    frames: list[tuple[str, int]] = []
    ws: Any = connect(lab, f"/ws/{_TOP}")
    ws.settimeout(5)
    ws.recv()  # the exchange sends: it knows of this connection
    code = _ENDS[end][1]
    try:
        if end == "ours":
            ws.send(code.to_bytes(2, "big"), websocket.ABNF.OPCODE_CLOSE)
            frames.append(("sent", code))
        elif end == "reset":
            with lab.network.reset_peer():
                pass
        else:
            lab.fault("close", stream=_TOP, venue="binance", code=code)
        until = time.monotonic() + _PATIENCE_S
        with suppress(OSError, websocket.WebSocketException):
            while time.monotonic() < until:
                kind, data = ws.recv_data(control_frame=True)
                if kind == websocket.ABNF.OPCODE_CLOSE:
                    frames.append(("received", int.from_bytes(data[:2], "big")))
                    break
    finally:
        lab.faults.off()
        ws.shutdown()
    return frames


# books and budgets


def _reconcile(position: Trial, exchange: Exchange, lab: Lab, rng: Random) -> str:
    held = exchange.balances()["BTC"].total
    amounts = [Decimal(rng.randint(10, 90)).scaleb(-4) for _ in range(6)]
    sides = ["buy", "buy", rng.choice(("buy", "sell")), "buy", "sell", "buy"]
    older = {one.id for one in exchange.fills(SYMBOL)}
    for side, amount in zip(sides, amounts, strict=True):
        exchange.place_order(SYMBOL, side, amount, type="market")
    asked = [one for one in exchange.fills(SYMBOL) if one.id not in older]
    change = exchange.balances()["BTC"].total - held
    before = asked[: len(asked) // 3]
    heard = [*before, *before[-1:], asked[-1]]  # told twice; an outage; told again
    rest = asked[len(before) - 1 :]  # by REST, from a little before the outage on
    got = position(heard, rest)
    seen = f"{len(heard)} heard, {len(rest)} asked for"
    number = got if isinstance(got, Decimal | int) and not isinstance(got, bool) else None
    if number is None:
        raise Wrong("a Decimal is wanted: to the last digit", given=seen, seen=short(got))
    if number != change:
        why = "your books are not the exchange's"
        if number == sum(map(_signed, asked)):
            why = "each fill once, but a fee that is paid in BTC is gone from the balance"
        elif number in (sum(map(_net, heard)), sum(map(_signed, heard))):
            why = "what was filled during the outage is missing, and a fill was told twice"
        elif number in (sum(map(_net, heard + rest)), sum(map(_signed, heard + rest))):
            why = "a fill that both have told is one fill: count each id once"
        raise Wrong(why, given=seen, seen=f"{number:f}", expected=f"{change:f} BTC")
    return f"{len(asked)} fills, some told twice and some not at all: {change:f} BTC, as theirs."


def _signed(fill: Fill) -> Decimal:
    return fill.quantity if fill.side == "buy" else -fill.quantity


def _net(fill: Fill) -> Decimal:
    return _signed(fill) - (fill.fee if fill.fee_asset == "BTC" else 0)


LIMIT, MINUTES = 6000, 3


def _budget(fastest: Trial, exchange: Exchange, lab: Lab, rng: Random) -> str:
    for near in (True, False, False, False):
        weight, used = rng.choice((2, 5, 25)), rng.choice((0, 1200, 3000))
        symbols, rtt_ms = rng.choice((1, 8, 20)), rng.choice((20, 80, 200))
        if near:  # here the limit decides, further away it may be the distance
            symbols, rtt_ms = 20, 20
        calls = (LIMIT - used) // (weight * symbols)
        best_ms = max(60_000 / calls, float(rtt_ms))
        given = f"{symbols} symbols of weight {weight}, {used} used by others, {rtt_ms} ms away"
        got = milliseconds(fastest(symbols, weight, used, rtt_ms), given)
        if got <= 0:
            raise Wrong("an interval lies above 0", given=given, seen=short(got))
        seen = f"every {got:.0f} ms"
        if (refused := _refused_at(got, rtt_ms, weight * symbols, used)) is not None:
            why = (
                f"429 after {refused:.1f} s of a minute: a round of calls costs {weight * symbols}"
            )
            raise Wrong(why, given=given, seen=seen, expected=f"at least {best_ms:.0f} ms")
        if got < rtt_ms:
            why = "a poll waits for its reply: so short an interval cannot be kept"
            raise Wrong(why, given=given, seen=seen, expected=f"{best_ms:.0f} ms")
        if got > 1.05 * best_ms + 1:
            why = f"no 429, and {1 - best_ms / got:.0%} of what is left is not used"
            raise Wrong(why, given=given, seen=seen, expected=f"{best_ms:.0f} ms")
    return "Four designs at their bound, and no 429."


def _refused_at(every_ms: float, rtt_ms: float, round_weight: int, used: int) -> float | None:
    """Seconds into a minute at which a meter on the clock refuses; ``None``: never."""
    every_ms = max(every_ms, rtt_ms)
    for minute in range(MINUTES):
        first = -(-minute * 60_000 // every_ms)
        allowed = (LIMIT - used) // round_weight
        if (refused_ms := (first + allowed) * every_ms - minute * 60_000) < 60_000 - 1e-6:
            return refused_ms / 1000
    return None


TASKS: dict[str, Task] = {
    one.id: one
    for one in (
        Task(
            id="book", lesson="03", judge=_book, call_s=15,
            text="keep(messages, snapshot): iterate messages (changes as Binance sends them: U, u, "
            "b, a), call snapshot() when you need one (lastUpdateId, bids, asks), and return two "
            "dicts, bids and asks: quantity by price.",
        ),
        Task(
            id="name", lesson="07", judge=_name, call_s=40,
            text="name_it(look): look() gives the evidence of this moment (lesson 07); return the "
            "fault in its word, within 30 s.",
        ),
        Task(
            id="pace", lesson="01", judge=_pace, call_s=40,
            text="polite(calls, time): make all 60 calls, as fast as allowed, without a 429.",
        ),
        Task(
            id="once", lesson="08", judge=_once, call_s=15,
            text="place_once(send, ask, wait, new_id): what became of the order, in a word.",
        ),
        Task(
            id="age", lesson="05", judge=_age,
            text="mean_age(samples): of (made by the exchange, arrived here) in milliseconds, the "
            "mean age over time of what a program shows.",
        ),
        Task(
            id="close", lesson="02", judge=_close,
            text="read_close(frames): the close frames of a connection that is over, in order, as "
            '("sent" or "received", code). Return who sent the first ("exchange", "me", '
            '"nobody"), the code (1006 for none), and one of "connect at once", "connect later", '
            '"mend the program", "done".',
        ),
        Task(
            id="sign", lesson="04", judge=_sign,
            text="buy_below(symbol, quantity, bid, tick, now_ms, secret): the signed query of a "
            "limit buy one tick below the bid.",
        ),
        Task(
            id="quiet", lesson="07", judge=_quiet, call_s=20,
            text="is_dead(look): look() gives the evidence of this moment; return True for a dead "
            "feed, False for a quiet market.",
        ),
        Task(
            id="reconcile", lesson="08", judge=_reconcile,
            text="position(heard, asked): fills that the stream told, before and after an outage, "
            "and those that REST shows from before it on; return by how much the balance of BTC "
            "has changed, a Decimal.",
        ),
        Task(
            id="budget", lesson="05b", judge=_budget,
            text="fastest(symbols, weight, used, rtt_ms): the shortest interval, in milliseconds, "
            "at which so many symbols can be polled for ever (each a call of this weight, one "
            "after the other at once), where others use so much of 6,000 a minute.",
        ),
    )
}  # fmt: skip
"""By id, in the order of the exam."""
