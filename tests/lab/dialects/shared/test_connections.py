"""Keepalive of connections: pings, text pings, idle ends, life, subscriptions."""

from __future__ import annotations

import pytest

from vocx.lab.dialects.base import Close, Ping
from vocx.lab.dialects.shared.connections import Connection, Keepalive, PingPolicy

S = 1_000_000_000
IDLE, UNUSED, OLD, DEAF = Close(4004, "idle"), Close(4004, "unused"), Close(1001), Close(1008)
T0 = 1_700_000_000 * S


def ends(policy: PingPolicy, until_s: int = 600) -> list[tuple[int, object]]:
    """What an idle connection gets, in seconds since it began."""
    keepalive, outs = Keepalive(policy, T0), []
    while keepalive.next_ns <= T0 + until_s * S:
        now_ns = keepalive.next_ns
        for out in keepalive.due(now_ns):
            outs.append(((now_ns - T0) // S, out))
            if isinstance(out, Close):
                return outs
    return outs


@pytest.mark.parametrize(
    ("policy", "at_s", "close"),
    [
        (PingPolicy(ping_every_ns=20 * S, pong_within_ns=60 * S, no_pong=DEAF), 80, DEAF),
        (PingPolicy(life_ns=100 * S, lifetime=OLD), 100, OLD),
        (PingPolicy(idle_ns=30 * S, idle=IDLE), 30, IDLE),
        (PingPolicy(subscribe_within_ns=5 * S, idle=UNUSED), 5, UNUSED),
        (PingPolicy(idle_ns=30 * S, idle_counts="sent", idle=IDLE), 30, IDLE),
    ],
)
def test_how_a_connection_ends(policy: PingPolicy, at_s: int, close: Close) -> None:
    """Each policy after its time."""
    assert ends(policy)[-1] == (at_s, close)


def test_what_counts_as_life() -> None:
    """What came from the client, or what went to it."""
    received = Keepalive(PingPolicy(idle_ns=30 * S), T0)
    received.sent(T0 + 9 * S)
    received.received(T0 + 5 * S)
    sent = Keepalive(PingPolicy(idle_ns=30 * S, idle_counts="sent"), T0)
    sent.received(T0 + 9 * S)
    sent.sent(T0 + 5 * S)
    assert received.next_ns == sent.next_ns == T0 + 35 * S


def test_subscriptions_keep_it() -> None:
    """From the first to the last of them."""
    keepalive = Keepalive(PingPolicy(subscribe_within_ns=5 * S), T0)
    keepalive.subscriptions(True, T0 + S)
    assert keepalive.next_ns > T0 + 10**17
    keepalive.subscriptions(False, T0 + 60 * S)
    assert keepalive.next_ns == T0 + 65 * S


def test_a_clock_that_is_set_back_costs_no_ping() -> None:
    """The next ping comes a full interval later, not an hour."""
    keepalive = Keepalive(PingPolicy(ping_every_ns=20 * S), T0)
    assert list(keepalive.due(T0 - 3600 * S)) == []
    assert keepalive.next_ns == T0 - 3580 * S
    (ping,) = keepalive.due(keepalive.next_ns)
    assert isinstance(ping, Ping)


class Told(Connection):
    """A connection that says what it was told."""

    carried_out = 0

    def receive(self, message: bytes, now_ns: int) -> list[bytes]:
        self.carried_out += 1
        return [b"got " + message]


def test_text_pings_are_no_messages() -> None:
    """They are answered before anything looks at them."""
    connection = Told(Keepalive(PingPolicy(text_ping=b"ping"), T0), "a")
    assert list(connection.text(b"ping", T0)) == [b"pong"]
    assert list(connection.text(b"pin", T0)) == [b"got pin"]


def test_nothing_follows_a_close() -> None:
    """Whatever a session still has to say, and whatever it is still told."""
    connection = Told(Keepalive(PingPolicy(), T0), "a")
    assert list(connection.ended([b"a", OLD, b"b"])) == [b"a", OLD]
    assert list(connection.text(b"x", T0)) == [] and connection.next_tick_ns > 10**18
    assert connection.carried_out == 0


def test_late_messages_come_in_order() -> None:
    """By their time, not by when they were put off."""
    connection = Told(Keepalive(PingPolicy(), T0), "a")
    connection.later(T0 + 2 * S, b"second")
    connection.later(T0 + S, b"first")
    assert connection.next_tick_ns == T0 + S
    assert list(connection.tick(T0 + 2 * S)) == [b"first", b"second"]
