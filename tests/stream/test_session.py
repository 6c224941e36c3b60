"""The session of a connection, for venues that acknowledge, refuse and log in each in their way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pytest

from vocx.errors import BadKey, BadSignature, ClockSkew, RateLimited, SubscribeRefused
from vocx.stream.deadlines import Deadlines
from vocx.stream.session import Ping, Send, Session
from vocx.venues.base import (
    Ack,
    ChannelSpec,
    ControlFrame,
    Keepalive,
    LoginResult,
    SocketPlan,
)

TOPICS = ("a", "b", "c")
S = 1_000_000_000
ALIVE = Keepalive(client_ping_s=10, pong_deadline_s=5)
NO = SubscribeRefused("no such topic")


class Frames:
    """Frames as texts: ``"sub a b"``; ``per_frame`` topics each, numbered or not."""

    def __init__(self, per_frame: int = 10, ids: bool = True) -> None:
        self.per_frame, self.ids, self.made = per_frame, ids, 0

    def login(self) -> ControlFrame | None:
        return ControlFrame(text="login")

    def subscribe(self, topics: Sequence[str]) -> Sequence[ControlFrame]:
        return self._frames("sub", topics)

    def unsubscribe(self, topics: Sequence[str]) -> Sequence[ControlFrame]:
        return self._frames("unsub", topics)

    def _frames(self, word: str, topics: Sequence[str]) -> list[ControlFrame]:
        found = []
        for start in range(0, len(topics), self.per_frame):
            part = tuple(topics[start : start + self.per_frame])
            self.made += 1
            identity = self.made if self.ids else None
            found.append(ControlFrame(text=" ".join((word, *part)), id=identity, topics=part))
        return found


class Conversation:
    """A session with a clock: what it says, four times a second."""

    def __init__(
        self,
        frames: Frames | None = None,
        *,
        login: bool = False,
        scope: Literal["argument", "request"] = "argument",
        keepalive: Keepalive = ALIVE,
    ) -> None:
        topics = {name: ChannelSpec(channel="trades", symbol=f"{name}/USDT") for name in TOPICS}
        plan = SocketPlan(purpose="ws", path="", topics=topics, login=login)
        self.session = Session(plan, frames or Frames(), keepalive, Deadlines(), scope)
        self.now_ns = 0
        self.session.on_connect(0)

    def says(self, seconds: float = 3.0) -> list[str]:
        """What leaves within so many seconds; pings as ``"ping"``."""
        said, end_ns = [], self.now_ns + int(seconds * S)
        while self.now_ns < end_ns:
            out = self.session.due(self.now_ns)
            if isinstance(out, Send):
                said.append(out.text)
            elif isinstance(out, Ping):
                said.append(out.text or "ping")
                self.session.on_bytes(self.now_ns, pong=True)
            self.now_ns += S // 20
        return said


def test_acknowledged_by_argument() -> None:
    """Each topic has an answer of its own; the session is complete with the last."""
    conversation = Conversation()
    assert conversation.says() == ["sub a b c", "ping"]
    for name in TOPICS:
        assert not conversation.session.complete
        conversation.session.on_ack(Ack(topics=(name,)))
    assert conversation.session.complete


def test_acknowledged_by_request() -> None:
    """An id stands for the topics of its frame."""
    conversation = Conversation(Frames(per_frame=2))
    assert conversation.says()[:2] == ["sub a b", "sub c"]
    conversation.session.on_ack(Ack(id=1))
    assert conversation.session.unconfirmed == ["c"]
    conversation.session.on_ack(Ack(id=2))
    assert conversation.session.complete


def test_acknowledged_by_the_whole_state() -> None:
    """One list of all that is subscribed, without ids; it may grow by and by, or come late."""
    conversation = Conversation(Frames(per_frame=1, ids=False))
    conversation.says()
    conversation.session.on_ack(Ack(topics=("a",)))
    conversation.session.confirm(["b"])  # its data came before its acknowledgement
    assert not conversation.session.complete
    conversation.session.on_ack(Ack(topics=("a", "b", "c")))
    assert conversation.session.complete


def test_a_refused_argument_leaves_the_others_running() -> None:
    """It is named; the others are not sent again."""
    conversation = Conversation()
    conversation.says()
    assert conversation.session.on_ack(Ack(id=1, topics=("b",), error=NO)) is None
    conversation.session.on_ack(Ack(id=1, topics=("a",)))
    conversation.session.on_ack(Ack(topics=("c",)))
    assert conversation.session.complete and conversation.session.refused == {"b": NO}
    assert "sub" not in " ".join(conversation.says(8))


def test_a_refused_request_is_sent_again_without_the_topic_that_was_named() -> None:
    """Where one bad topic takes its whole request along."""
    conversation = Conversation(scope="request")
    conversation.says()
    conversation.session.on_ack(Ack(id=1, topics=("b",), error=NO))
    assert conversation.says(1) == ["sub a c"]
    conversation.session.on_ack(Ack(id=2))
    assert conversation.session.complete and list(conversation.session.refused) == ["b"]


@pytest.mark.parametrize("ids", [True, False], ids=["with an id", "without an id"])
def test_a_refusal_that_names_nothing_is_found_one_by_one(ids: bool) -> None:
    """The unconfirmed topics are sent alone, each awaited; the refused one shows itself."""
    conversation = Conversation(Frames(ids=ids), scope="request")
    conversation.says()
    assert conversation.session.on_ack(Ack(id=1 if ids else None, error=NO)) is None
    said: list[str] = []
    for number in (2, 3, 4):
        (text,) = [one for one in conversation.says(2) if one.startswith("sub")]
        said.append(text)
        error = NO if text == "sub b" else None
        topics = () if ids or error else (text[-1],)
        conversation.session.on_ack(Ack(id=number if ids else None, topics=topics, error=error))
    assert said == ["sub a", "sub b", "sub c"]
    assert conversation.session.complete and list(conversation.session.refused) == ["b"]


def test_when_every_topic_is_refused_the_error_comes_back() -> None:
    """Nothing is left to listen to: the stream dies of it."""
    conversation = Conversation()
    conversation.says()
    assert conversation.session.on_ack(Ack(topics=("a", "b"), error=NO)) is None
    assert conversation.session.on_ack(Ack(topics=("c",), error=NO)) is NO


@pytest.mark.parametrize("error", [RateLimited("slower"), ClockSkew("late")])
def test_a_refusal_for_now_is_no_refusal_of_a_topic(error: RateLimited | ClockSkew) -> None:
    """Come later, or with another time: it connects again."""
    conversation = Conversation()
    conversation.says()
    assert (
        conversation.session.on_ack(Ack(id=1, error=error)) is error
        and not conversation.session.refused
    )


def test_a_refused_topic_is_not_asked_for_on_the_next_connection() -> None:
    """It would take the good ones along once more."""
    conversation = Conversation()
    conversation.says()
    conversation.session.on_ack(Ack(topics=("b",), error=NO))
    conversation.session.on_connect(conversation.now_ns)
    assert conversation.says(1)[0] == "sub a c"


def test_a_login_is_awaited_before_anything_is_subscribed() -> None:
    """The venue would refuse what comes before its answer."""
    conversation = Conversation(login=True)
    assert conversation.says() == ["login", "ping"] and not conversation.session.complete
    assert conversation.session.on_login(LoginResult()) is None
    assert conversation.says(1) == ["sub a b c"]


@pytest.mark.parametrize("error", [BadKey("unknown key"), BadSignature("wrong")])
def test_a_refused_login_comes_back(error: BadKey) -> None:
    conversation = Conversation(login=True)
    conversation.says()
    assert conversation.session.on_login(LoginResult(error=error)) is error


def test_a_login_without_an_answer_is_overdue_after_ten_seconds() -> None:
    """Row 34: and a subscription after five, with its name."""
    conversation = Conversation(login=True)
    conversation.says(9.9)
    assert conversation.session.overdue(conversation.now_ns) is None
    conversation.says(0.3)
    found = conversation.session.overdue(conversation.now_ns)
    assert found is not None and found.kind == "no login"
    other = Conversation()
    other.says(5.2)
    missing = other.session.overdue(other.now_ns)
    assert missing is not None and missing.text == "not acknowledged: a, b, c"


def test_frames_are_made_afresh_for_each_connection() -> None:
    """A signature or an id is never used twice."""
    frames = Frames()
    conversation = Conversation(frames)
    conversation.says()
    conversation.session.on_connect(conversation.now_ns)
    conversation.says()
    assert frames.made == 2
    conversation.session.on_ack(Ack(id=1))  # of the old connection
    assert not conversation.session.complete
    conversation.session.on_ack(Ack(id=2))
    assert conversation.session.complete


def test_one_topic_is_subscribed_again() -> None:
    """Its end is confirmed as well: that confirms no subscription."""
    conversation = Conversation()
    conversation.says()
    conversation.session.on_ack(Ack(id=1))
    conversation.session.resubscribe(["b"])
    assert [one for one in conversation.says() if one != "ping"] == ["unsub b", "sub b"]
    conversation.session.on_ack(Ack(id=2))
    conversation.session.on_ack(Ack(topics=("b",), subscribed=False))
    assert conversation.session.unconfirmed == ["b"]
    conversation.session.on_ack(Ack(id=3))
    assert conversation.session.complete


def test_pings_are_the_venues_text_where_it_wants_one() -> None:
    """OKX's four letters, Bybit's object."""
    conversation = Conversation(
        keepalive=Keepalive(client_ping_s=20, pong_deadline_s=10, ping_text="ping!")
    )
    assert conversation.says(45).count("ping!") == 3


def test_three_missing_heartbeats_are_a_dead_feed() -> None:
    """Where the venue promises one a second."""
    conversation = Conversation(
        keepalive=Keepalive(client_ping_s=60, pong_deadline_s=5, heartbeat_s=1)
    )
    conversation.says(1)
    conversation.session.on_ack(Ack(id=1))
    conversation.session.on_bytes(conversation.now_ns, pong=False, heartbeat=True)
    conversation.says(2.9)
    assert conversation.session.overdue(conversation.now_ns) is None
    conversation.says(0.3)
    found = conversation.session.overdue(conversation.now_ns)
    assert found is not None and found.kind == "no heartbeat"
