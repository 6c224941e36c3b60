"""The life of a socket in virtual time: every row of the reliability table, no thread, no wait."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from vocx.errors import (
    BadKey,
    Banned,
    ConnectFailed,
    DnsError,
    RateLimited,
    RegionBlocked,
    SubscribeRefused,
    TlsError,
    VenueUnavailable,
    VocxError,
)
from vocx.stream.backoff import ConnectBudget, Disconnect
from vocx.stream.deadlines import Clock, Deadlines
from vocx.stream.lifecycle import (
    Close,
    Connect,
    Connected,
    Lifecycle,
    Prepare,
    Read,
    ReadResult,
    Sleep,
)
from vocx.stream.session import Ping, Send, Session
from vocx.stream.staleness import Probe, ProbeResult, Staleness, Verdict, Watch
from vocx.venues.base import (
    Ack,
    ChannelSpec,
    ControlFrame,
    Keepalive,
    Proof,
    SocketPlan,
    standard_close,
)

QUOTES = ChannelSpec(channel="quotes", symbol="BTC/USDT")
PLAN = SocketPlan(purpose="ws", path="/stream", topics={"btcusdt@bookTicker": QUOTES})
ALIVE = Keepalive(client_ping_s=10, pong_deadline_s=5, rotate_s=84_600)
STEP_S = 0.1


class Frames:
    """One subscription frame with a number of its own for each call."""

    def __init__(self) -> None:
        self.made = 0

    def login(self) -> ControlFrame | None:
        return None

    def subscribe(self, topics: Sequence[str]) -> Sequence[ControlFrame]:
        self.made += 1
        return [ControlFrame(text="sub", id=self.made, topics=tuple(topics))]

    def unsubscribe(self, topics: Sequence[str]) -> Sequence[ControlFrame]:
        return []


class Universe:
    """A clock, a network and a venue, all in one thread: seconds pass when the life waits.

    ``connect`` says what becomes of a try at a time; ``feed`` what a read brings at a time.
    """

    def __init__(
        self,
        connect: Callable[[float], VocxError | None] = lambda now: None,
        feed: Callable[[float], ReadResult | None] = lambda now: ReadResult(fresh=True, good=True),
        seed: int = 7,
        proof: Proof = "sequence",
        host_budget: ConnectBudget | None = None,
    ) -> None:
        self.now = self.asleep = 0.0
        self.connects: list[float] = []
        self.sent: list[tuple[float, str]] = []
        self.states: list[str] = []
        self.probes: list[Probe] = []
        self.rest_says: Verdict | None = None
        self.closes: list[Close] = []
        self.prepared: list[float] = []
        self.pongs = self.acks = True
        self.step_s = STEP_S
        self._connect, self._feed = connect, feed
        self._owed: list[ReadResult] = []
        self.heard_ns: int | None = None
        deadlines, last_heard = Deadlines(), lambda spec: self.heard_ns
        self.staleness = Staleness({QUOTES: Watch(15.0, proof)}, last_heard, deadlines)
        self.life = Lifecycle(
            PLAN,
            Session(PLAN, Frames(), ALIVE, deadlines),
            self.staleness,
            last_heard=last_heard,
            keepalive=ALIVE,
            deadlines=deadlines,
            clock=Clock(lambda: int(self.now * 1e9), lambda: int((self.now + self.asleep) * 1e9)),
            uniform=random.Random(seed).uniform,
            host_budget=host_budget,
        )
        self._life = self.life.run()
        self._command: object = next(self._life)

    def run(self, seconds: float) -> Universe:
        """Let this much time pass, or the life end."""
        end = self.now + seconds
        try:
            while self.now < end:
                self._command = self._life.send(self._do(self._command))
                if not self.states or self.states[-1] != self.life.state:
                    self.states.append(self.life.state)
        except StopIteration:
            self.states.append(self.life.state)
        return self

    def _do(self, command: object) -> Connected | ReadResult | None:
        match command:
            case Connect():
                self.connects.append(self.now)
                return Connected(self._connect(self.now))
            case Sleep(seconds):
                self.now += seconds
            case Read():
                return self._read()
            case Send(text):
                self.sent.append((self.now, text))
                if self.acks:
                    topics = tuple(PLAN.topics)
                    self._owed.append(ReadResult(fresh=True, acks=[Ack(topics=topics)]))
            case Ping():
                self.sent.append((self.now, "ping"))
                if self.pongs:
                    self._owed.append(ReadResult(fresh=True, pong=True))
            case Probe(_, number):
                self.probes.append(command)
                if self.rest_says is not None:
                    answer = ProbeResult(number, self.rest_says)
                    self._owed.append(ReadResult(probes=[answer]))
            case Prepare():
                self.prepared.append(self.now)
            case Close():
                self.closes.append(command)
                self._owed.clear()
        return None

    def owe(self, result: ReadResult) -> None:
        """Let the next read bring this."""
        self._owed.append(result)

    def _read(self) -> ReadResult:
        self.now += self.step_s
        result = self._feed(self.now)
        if result is None:
            return ReadResult()
        if self._owed:
            owed = self._owed.pop(0)
            owed.good, owed.closed = result.good, result.closed
            result = owed
        if result.good:
            self.heard_ns = int(self.now * 1e9)
        return result


def closes(code: int, *times: float, kind: str = "close") -> Callable[[float], ReadResult]:
    """A healthy feed that is closed once after each of these times."""
    left = list(times)

    def feed(now: float) -> ReadResult:
        if left and now >= left[0]:
            left.pop(0)
            closed = Disconnect(kind, code, close=standard_close(code, ""))
            return ReadResult(fresh=True, closed=closed)
        return ReadResult(fresh=True, good=True)

    return feed


def refuses(until: float, error: VocxError) -> Callable[[float], VocxError | None]:
    """The first try works, all further ones fail until a time."""
    seen: list[float] = []

    def connect(now: float) -> VocxError | None:
        seen.append(now)
        return error if len(seen) > 1 and now < until else None

    return connect


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    ("code", "least", "most"),
    [(1006, 0, 0.25), (1000, 0, 0.25), (1001, 0, 1), (1008, 5, 10), (1012, 0, 5), (1013, 30, 35)],
)
def test_a_good_link_is_reconnected_as_its_close_code_says(
    code: int, least: float, most: float, seed: int
) -> None:
    """Rows 1 to 6: after 40 s of good data, by code."""
    world = Universe(feed=closes(code, 40), seed=seed).run(90)
    wait = world.connects[1] - 40
    assert least <= wait <= most + 2 * STEP_S
    assert world.states == ["connecting", "live", "reconnecting", "live"]
    assert [close.reason for close in world.closes] == [f"reconnect: {code} close"]
    assert world.life.reconnects == 1


def test_a_young_link_waits_at_least_a_quarter_of_a_second() -> None:
    """Row 1: without 30 s of good data the wait has a floor, so a loop cannot spin."""
    world = Universe(feed=closes(1006, 2)).run(5)
    assert 0.25 <= world.connects[1] - 2 <= 0.7


def test_a_poisoned_link_backs_off_although_every_try_works() -> None:
    """Row 16: only good data reset the back-off; a storm never happens."""
    world = Universe(feed=lambda now: ReadResult(fresh=True, closed=Disconnect("close", 1006)))
    assert len(world.run(30).connects) <= 12


@pytest.mark.parametrize("seed", range(100))
def test_an_outage_of_thirty_seconds(seed: int) -> None:
    """Row 9: at most 12 tries, back within 5 s of its end."""
    connect = refuses(70, ConnectFailed("refused"))
    world = Universe(connect, closes(1006, 40), seed=seed).run(120)
    assert len([t for t in world.connects if 40 < t < 70]) <= 12
    back = next(t for t in world.connects if t >= 70)
    assert back - 70 <= 5 and world.life.state == "live"


def test_a_link_that_drops_each_twenty_seconds_is_connected_within_five() -> None:
    """Rows 1 and 9: each loss is an outage of its own, though none is a first one."""
    world = Universe(feed=closes(1006, *range(10, 400, 25))).run(420)
    waits = [
        connect - max(t for t in range(10, 400, 25) if t <= connect)
        for connect in world.connects[1:]
    ]
    assert len(world.connects) > 10 and max(waits) <= 5


@pytest.mark.parametrize("seed", range(5))
def test_an_outage_of_one_hour(seed: int) -> None:
    """Row 10: at most 150 tries an hour, 60 in any five minutes, back within 30 s."""
    connect = refuses(3640, ConnectFailed("refused"))
    world = Universe(connect, closes(1006, 40), seed=seed).run(3700)
    during = [t for t in world.connects if 40 < t < 3640]
    assert 100 < len(during) <= 150
    assert all(len([u for u in during if t <= u < t + 300]) <= 60 for t in during)
    assert next(t for t in world.connects if t >= 3640) <= 3670.1


def test_many_streams_share_the_budget_of_their_host() -> None:
    """Row 10: 60 tries in five minutes and host, however many sockets are lost together."""
    budget = ConnectBudget([(60, 300.0)])
    connect = refuses(1e9, ConnectFailed("refused"))
    worlds = [Universe(connect, closes(1006, 40), seed=n, host_budget=budget) for n in range(10)]
    for _ in range(400):
        for world in worlds:
            world.run(0.5)
    early = sorted(t for world in worlds for t in world.connects)
    assert all(len([u for u in early if t <= u < t + 290]) <= 61 for t in early)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("seed", range(10))
def test_retry_after_is_respected(status: int, seed: int) -> None:
    """Rows 11 and 12: never earlier than asked, at most a tenth later."""
    error = RateLimited if status == 429 else VenueUnavailable
    connect = refuses(45, error("wait", http_status=status, retry_after_s=10.0))
    world = Universe(connect, closes(1006, 40), seed=seed).run(60)
    first, second = world.connects[1:3]
    assert 10 <= second - first <= 11


@pytest.mark.parametrize(
    "error",
    [
        BadKey("no", http_status=401),
        RegionBlocked("no", http_status=451),
        TlsError("the certificate cannot be verified"),
    ],
)
def test_what_retrying_cannot_cure_is_fatal_after_one_try(error: VocxError) -> None:
    """Rows 13 and 15."""
    world = Universe(lambda now: error).run(100)
    assert world.connects == [0.0] and world.life.state == "fatal"
    assert world.life.error is error and str(error) in world.life.why


def test_a_name_that_does_not_resolve_is_transient_and_counted() -> None:
    """Row 14."""
    world = Universe(lambda now: DnsError("no such name") if now < 10 else None).run(60)
    assert world.life.state == "live"
    assert world.life.dns_errors == len(world.connects) - 1 > 2


def test_three_policy_closes_degrade_and_say_why() -> None:
    """Row 5: degraded means without a connection; the words last until data have been good for
    30 s."""
    world = Universe(feed=closes(1008, 5, 30, 60))
    world.run(61)
    assert world.life.state == "degraded" and not world.life.connected
    assert "breaking a rule" in world.life.why
    while not world.life.connected and world.now < 130:
        world.run(0.5)
    assert world.life.state == "live" and "breaking a rule" in world.life.why
    assert world.run(60).life.state == "live" and not world.life.why


def test_a_degraded_stream_that_is_back_is_probed_like_any_other() -> None:
    """Its silence is found although the venue closed it three times."""
    feed = closes(1008, 5, 30, 60)
    world = Universe(feed=lambda now: feed(now) if now < 130 else ReadResult(fresh=True))
    world.rest_says = "ahead"
    world.run(150)
    assert world.probes and world.life.reasons == {"1008": 3, "silent": 1}


def test_a_black_hole_is_found_within_sixteen_seconds() -> None:
    """Row 17: nothing comes, not even pongs."""
    world = Universe(feed=lambda now: ReadResult(fresh=True, good=True) if now < 40 else None)
    world.run(57)
    assert next(iter(world.life.reasons)) == "1006" and world.connects[1] <= 56


def test_a_late_pong_behind_a_flood_is_no_black_hole() -> None:
    """Row 36: as long as bytes come, the socket lives."""
    world = Universe(feed=lambda now: ReadResult(fresh=True, good=True))
    world.pongs = False
    assert world.run(120).life.reasons == {} and world.life.state == "live"


def test_a_truncated_frame_is_found_within_ten_seconds() -> None:
    """Row 18, although pings would still be answered behind it."""

    def feed(now: float) -> ReadResult:
        return ReadResult(fresh=True, good=True) if now < 40 else ReadResult(half=True)

    world = Universe(feed=feed).run(52)
    assert world.life.reasons == {"1006": 1} and 48 <= world.connects[1] <= 50


def quiet_after(second: float) -> Callable[[float], ReadResult]:
    """Data until then; after it only the socket lives."""
    return lambda now: ReadResult(fresh=True, good=now < second)


def test_a_silent_feed_is_stale_and_is_reconnected_when_rest_is_ahead() -> None:
    """Row 19: pongs prove the socket, not the feed. Data on their way have a second to come."""
    world = Universe(feed=quiet_after(40))
    world.rest_says = "ahead"
    world.run(60)
    assert world.states[:4] == ["connecting", "live", "stale", "reconnecting"]
    assert world.life.reasons == {"silent": 1} and 56 <= world.connects[1] <= 57


def test_a_quiet_market_is_not_reconnected_while_rest_shows_the_same_id() -> None:
    """Row 19, the other way: silence that REST confirms is freshness."""
    world = Universe(feed=quiet_after(40))
    world.rest_says = "agrees"
    world.run(200)
    assert len(world.connects) == 1
    proved_ns, suspicious = world.life.proof_ns(QUOTES, int(world.now * 1e9))
    assert proved_ns is not None and world.now - proved_ns / 1e9 < 17


def test_a_top_that_stands_still_is_connected_again_once() -> None:
    """Equal best prices and quantities may be chance: after three probes the feed is connected
    again, and then believed until it speaks."""
    world = Universe(feed=quiet_after(40), proof="top")
    world.rest_says = "agrees"
    world.run(400)
    assert len(world.connects) == 2 and 85 <= world.connects[1] <= 90
    assert world.life.reasons == {"silent": 1} and len(world.probes) > 15


def test_a_probe_without_an_answer_counts_as_no_once() -> None:
    """Row 19: REST hangs too. Connecting again and again would cure nothing."""
    world = Universe(feed=quiet_after(40))
    assert world.run(65).life.reasons == {"silent": 1}
    assert world.run(400).life.reasons == {"silent": 1} and world.life.state == "stale"


def test_an_answer_from_before_a_reconnect_says_nothing_about_the_new_socket() -> None:
    """A healthy socket is never hung up for what REST said of its predecessor."""
    late: list[ProbeResult] = []

    def feed(now: float) -> ReadResult:
        if 56 < now < 56.2:
            return ReadResult(closed=Disconnect("reset", 1006))
        if now > 58 and late:
            return ReadResult(fresh=True, good=True, probes=[late.pop()])
        return ReadResult(fresh=True, good=now < 40 or now > 57)

    world = Universe(feed=feed).run(56)
    assert len(world.probes) == 1
    late.append(ProbeResult(world.probes[0].number, "ahead"))
    world.run(60)
    assert not late and world.life.reasons == {"1006": 1} and len(world.connects) == 2


def test_data_that_resumed_meanwhile_are_better_than_any_answer() -> None:
    """REST was asked in the silence, and is answered after it."""
    answers: list[ProbeResult] = []

    def feed(now: float) -> ReadResult:
        if now > 57 and answers:
            return ReadResult(fresh=True, probes=[answers.pop()])
        return ReadResult(fresh=True, good=now < 40 or 56 < now)

    world = Universe(feed=feed).run(56)
    answers.append(ProbeResult(world.probes[0].number, "ahead"))
    assert world.run(30).life.reasons == {} and world.life.state == "live"


def test_data_that_come_within_a_second_of_rest_being_ahead_keep_the_socket() -> None:
    """REST may be faster than the stream by a moment."""
    world = Universe(feed=lambda now: ReadResult(fresh=True, good=now < 40 or 55.8 < now))
    world.rest_says = "ahead"
    assert world.run(70).life.reasons == {} and world.probes


@pytest.mark.parametrize("proof", ["heartbeat", "pong"])
def test_a_channel_proven_by_the_connection_needs_no_rest(proof: Proof) -> None:
    """Beats (or pongs) prove it; without them it is dead."""

    def feed(now: float) -> ReadResult:
        beats = [""] if proof == "heartbeat" and now < 100 else []
        return ReadResult(fresh=True, good=now < 40, heartbeats=beats)

    world = Universe(feed=feed, proof=proof)
    assert world.run(95).life.reasons == {} and not world.probes
    world.pongs = False
    world.run(25)
    assert world.life.reasons == {"silent": 1} and not world.probes


def test_two_hundred_quiet_channels_are_asked_about_one_at_a_time() -> None:
    """At most one call under way and four a second, each channel in its turn."""
    specs = [ChannelSpec(channel="trades", symbol=f"A{n}/USDT") for n in range(200)]
    watches = {spec: Watch(15.0, "sequence") for spec in specs}
    staleness = Staleness(watches, lambda spec: 1, Deadlines())
    staleness.on_connect(1)
    asked: list[Probe] = []
    for step in range(160, 660):
        now_ns = int(step * 1e8)
        quiet, disconnect = staleness.check(now_ns)
        assert disconnect is None
        probe = staleness.next_probe(quiet, now_ns)
        if probe is not None:
            assert staleness.next_probe(quiet, now_ns + int(1e9)) is None
            asked.append(probe)
            assert staleness.on_result(ProbeResult(probe.number, "agrees"), now_ns) is None
    assert 120 <= len(asked) <= 201 and len({probe.channel for probe in asked[:200]}) >= 120


@pytest.mark.parametrize("together", [True, False])
def test_an_announced_restart_is_followed_at_once(together: bool) -> None:
    """Row 7: also on a young link, and where the close leaves no time for the next connection."""

    def feed(now: float) -> ReadResult:
        closed = None
        if now >= 5 + (not together) and not cuts:
            cuts.append(now)
            closed = Disconnect("close", 1001)
        told = now >= 5 and not notices
        notices.extend([now] * told)
        return ReadResult(fresh=True, good=True, shutdown=told, closed=closed)

    notices: list[float] = []
    cuts: list[float] = []
    world = Universe(feed=feed)
    world.run(9)
    assert world.connects[1] - cuts[0] <= 0.3
    assert world.life.reasons == {"shutdown": 1} and len(world.prepared) == (not together)


def test_an_announced_restart_is_forestalled() -> None:
    """Row 7: the next connection takes over without a second try of this one, a close or a state
    between; until it does, one is asked for each 20 s."""
    world = Universe(feed=lambda now: ReadResult(fresh=True, good=True, shutdown=5 <= now < 5.15))
    world.run(50)
    assert [round(at - 5) for at in world.prepared] == [0, 20, 40]
    session = Session(PLAN, Frames(), ALIVE, Deadlines())
    world.owe(ReadResult(fresh=True, good=True, handed_over=session))
    world.run(60)
    assert world.life.session is session and world.life.reconnects == 1
    assert (len(world.connects), world.closes, len(world.prepared)) == (1, [], 3)
    assert world.states == ["connecting", "live"] and world.life.connects == 4


@pytest.mark.parametrize("seed", range(5))
def test_a_connection_is_rotated_before_its_day_is_over(seed: int) -> None:
    """Row 8: 23 h 30 min less up to 15 min, and a gap that says so."""
    world = Universe(seed=seed)
    world.step_s = 20.0
    world.run(90_000)
    assert 84_600 - 900 <= world.connects[1] <= 84_700 and world.life.reasons == {"rotation": 1}


def test_a_machine_that_slept_says_so() -> None:
    """The wall clock jumped, the monotonic one did not: a gap, and a new connection."""
    world = Universe().run(20)
    world.asleep = 720.0
    world.run(5)
    (close,) = world.closes
    assert close.reason == "your machine slept 12 min"
    assert 719e9 < (world.now + world.asleep) * 1e9 - close.from_ns < 726e9


def test_subscriptions_are_sent_again_after_a_loss_and_awaited() -> None:
    """Row 33: not live before the acknowledgement."""
    world = Universe(feed=closes(1006, 40)).run(50)
    assert [text for _, text in world.sent if text == "sub"] == ["sub", "sub"]


def test_a_missing_acknowledgement_is_a_reason_to_connect_again() -> None:
    """Row 32: five seconds, when no data come either."""
    world = Universe(feed=lambda now: ReadResult(fresh=True))
    world.acks = False
    world.run(7)
    assert world.life.reasons == {"no ack": 1} and 5 <= world.connects[1] <= 6


def test_a_refused_subscription_is_fatal() -> None:
    """Row 32: with the venue's words."""
    refused = SubscribeRefused("no", text="Invalid request")
    world = Universe(feed=lambda now: ReadResult(fresh=True, acks=[Ack(id=1, error=refused)]))
    world.acks = False
    assert world.run(5).life.error is refused and world.life.state == "fatal"


def test_at_most_four_control_messages_a_second() -> None:
    """Row 33: pings included."""
    world = Universe().run(100)
    times = [at for at, _ in world.sent]
    assert min(b - a for a, b in zip(times, times[1:], strict=False)) >= 0.25


def test_a_ban_whose_end_is_known_is_waited_out() -> None:
    """A refused try may be a ban for ten minutes: nothing leaves before it ends."""
    ban = Banned("stop", http_status=403, retry_after_s=600.0)
    world = Universe(refuses(45, ban), closes(1006, 40)).run(700)
    assert len(world.connects) == 3 and world.connects[2] - world.connects[1] >= 600
    assert world.life.state == "live"
    for_ever = Universe(lambda now: Banned("stop", http_status=418)).run(700)
    assert len(for_ever.connects) == 1 and for_ever.life.state == "fatal"


def test_a_close_that_the_adapter_calls_final_is_fatal() -> None:
    """A key that was deleted: another try cures nothing."""
    gone = Disconnect("close", 4007, "key deleted", close="refused")
    world = Universe(feed=lambda now: ReadResult(fresh=True, closed=gone if now > 5 else None))
    world.run(60)
    assert len(world.connects) == 1 and "key deleted" in world.life.why
