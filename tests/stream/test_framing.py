"""Frames out of bytes, by RFC 6455, wherever the network cuts them."""

from __future__ import annotations

import pytest
from faulty import frame

from vocx.stream.framing import CLOSE, PING, Frame, Framing, close_reason, close_reply

MESSAGES = [b"a", b"x" * 125, b"y" * 126, b"z" * 65_535, b"w" * 65_536, "é".encode(), b""]


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 1000, 65_536])
def test_messages_survive_every_cut(cut: int) -> None:
    """What one read brings has nothing to do with where a frame ends."""
    wire = b"".join(frame(1, message) for message in MESSAGES)
    framing, out = Framing(), []
    for start in range(0, len(wire), cut):
        out += framing.feed(wire[start : start + cut])
    assert out == MESSAGES and not framing.half and framing.broken is None


def test_a_frame_that_is_not_over_is_half() -> None:
    """The peer owes the rest; a deadline watches it."""
    framing = Framing()
    assert framing.feed(frame(1, b"whole") + frame(1, b"cut")[:3]) == [b"whole"] and framing.half
    assert framing.feed(frame(1, b"cut")[3:]) == [b"cut"] and not framing.half


def test_control_frames_come_between_fragments() -> None:
    """5.4: in the order in which they were sent."""
    wire = frame(1, b"\xc3", final=False) + frame(PING, b"p") + frame(0, b"\xa9")
    assert Framing().feed(wire) == [Frame(PING, b"p"), "é".encode()]


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        pytest.param(b"\x81\x81mask.", 1002, id="a server never masks"),
        pytest.param(b"\xc1\x00", 1002, id="a reserved bit"),
        pytest.param(b"\x83\x00", 1002, id="an unknown opcode"),
        pytest.param(frame(PING, b"", final=False), 1002, id="a fragmented ping"),
        pytest.param(frame(PING, b"x" * 126), 1002, id="a long ping"),
        pytest.param(frame(0, b"x"), 1002, id="a continuation of nothing"),
        pytest.param(frame(1, b"x", final=False) + frame(1, b"y"), 1002, id="two messages at once"),
        pytest.param(frame(1, b"\xff"), 1007, id="not UTF-8"),
        pytest.param(frame(1, b"\xed\xa0\x80"), 1007, id="a surrogate"),
        pytest.param(b"\x81\x7f" + (17 << 20).to_bytes(8, "big"), 1009, id="too large"),
        pytest.param(frame(1, b"x" * 600, final=False) + frame(0, b"x" * 600), 1009, id="in parts"),
    ],
)
def test_a_broken_rule_ends_the_connection_with_its_code(wire: bytes, code: int) -> None:
    """What came before it counts, what comes after it does not."""
    framing = Framing(limit=1000 if code == 1009 and len(wire) > 100 else 16 << 20)
    assert framing.feed(frame(1, b"before") + wire + frame(1, b"after")) == [b"before"]
    assert framing.broken is not None and framing.broken.code == code
    assert framing.feed(frame(1, b"later")) == []


@pytest.mark.parametrize(
    ("payload", "code", "reply"),
    [
        (b"", 1005, b""),
        (b"\x03\xe8bye", 1000, b"\x03\xe8"),
        (b"\x03", 1002, b"\x03\xea"),
        (b"\x03\xee", 1002, b"\x03\xea"),
        (b"\x0f\xa4", 4004, b"\x0f\xa4"),
        (b"\x03\xe8\xff\xfe", 1007, b"\x03\xef"),
        (b"\x03\xe8caf\xc3", 1007, b"\x03\xef"),
    ],
)
def test_close_codes(payload: bytes, code: int, reply: bytes) -> None:
    """7.4: 1006 never travels on the wire; 8.1: text is UTF-8, here as well; 5.5.1: the answer is
    the peer's own code, or says what was wrong."""
    assert Framing().feed(frame(CLOSE, payload)) == [Frame(CLOSE, payload)]
    assert close_reason(payload)[0] == code and close_reply(payload) == reply
