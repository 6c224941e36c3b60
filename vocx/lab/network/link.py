"""One connection's link: a transport to the server's protocol, and a client of the real one."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from vocx.lab.network.dials import DOWN, UP, Dials
from vocx.lab.network.path import CLEAR, LinkSettings, Path

HIGH_WATER = 64 * 1024
LOW_WATER = 16 * 1024
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Direction:
    """One direction of a link: a path, its timer, and what to do at the far end.

    ``direct`` is True while bytes may pass without touching the path.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        deliver: Callable[[bytes], None],
        finish: Callable[[], None],
        room: Callable[[bool], None],
    ) -> None:
        self.path = Path(_jitter)
        self.direct = True
        self._loop = loop
        self._deliver, self._finish, self._room = deliver, finish, room
        self._timer: asyncio.TimerHandle | None = None
        self._full = False

    def apply(self, settings: LinkSettings, back_s: float) -> None:
        self.path.apply(settings, back_s)
        self.pump()

    def put(self, data: bytes, hold_s: float = 0.0) -> None:
        self.path.push(data, self._loop.time(), hold_s)
        self.pump()

    def end(self) -> None:
        self.path.end(self._loop.time())
        self.pump()

    def block(self, blocked: bool) -> None:
        """The far end stops or goes on reading."""
        self.path.blocked = blocked
        self.pump()

    def stop(self) -> None:
        """Nothing will be delivered any more."""
        self.path.vanish()
        self.direct = False
        if self._timer is not None:
            self._timer.cancel()

    def pump(self) -> None:
        """Deliver what has arrived, and wake again when the next is due."""
        arrived, ended = self.path.pop(self._loop.time())
        if arrived:
            self._deliver(b"".join(arrived) if len(arrived) > 1 else arrived[0])
        if ended:
            self._finish()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_s = self.path.next_s()
        if due_s is not None:
            self._timer = self._loop.call_at(due_s, self.pump)
        self._flow()

    def _flow(self) -> None:
        """Tell the near end to pause at the high mark and to go on at the low one."""
        full = self.path.unsent > (LOW_WATER if self._full else HIGH_WATER)
        direct = self.path.settings == CLEAR and self.path.idle and not self.path.lost
        if (full, direct) != (self._full, self.direct):
            self._full, self.direct = full, direct
            self._room(not full)


def _jitter() -> float:
    return random.uniform(-1.0, 1.0)


class Link(asyncio.Transport):
    """What the server's protocol sees as its transport.

    ``bytes_up`` and ``bytes_down`` count what the wire has brought and taken so far.
    """

    _start_tls_compatible = True

    def __init__(self, wire: asyncio.Transport, dials: Dials, venue: str) -> None:
        super().__init__()
        loop = asyncio.get_running_loop()
        self.bytes_up = self.bytes_down = 0
        self._wire = wire
        self._loop = loop
        self._dials, self._venue = dials, venue
        self._protocol: asyncio.BaseProtocol | None = None
        self._closing = False
        self._told_lost = False
        self._greeted = False
        self._wire_lost = False
        self._paused_by_reader = False
        self._wire_full = self._path_full = self._told_full = False
        self.up = Direction(loop, self._hand_up, self._eof_up, self._room_up)
        self.down = Direction(loop, self._hand_down, self._end_down, self._room_down)
        dials.watch(self.settings_changed)
        self.settings_changed()

    # ---- dials

    def settings_changed(self) -> None:
        """A dial was turned: apply what is in force now."""
        up = self._dials.link_settings(self._venue, UP)
        down = self._dials.link_settings(self._venue, DOWN)
        if (up.reset or down.reset) and not self._wire_lost:
            self.reset()
            return
        self.up.apply(up, down.delay_s)
        self.down.apply(down, up.delay_s)
        if self.down.path.lost and self._told_lost and not down.blackhole:
            self._wire.abort()
        if self._wire_lost and not up.blackhole:
            self._tell_lost(None)

    def reset(self) -> None:
        """Send a RST and forget everything that was on its way."""
        sock = self._wire.get_extra_info("socket")
        if sock is not None:
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.up.stop()
        self.down.stop()
        self._wire.abort()

    # ---- from the wire up to the protocol

    def received(self, data: bytes) -> None:
        self.bytes_up += len(data)
        known = self._greeted or not self.up.path.back_s  # a handshake also pays the way back
        if self.up.direct and known and not self._paused_by_reader:
            self._greeted = True
            self._hand_up(data)
            return
        settings, hold_s = self.up.path.settings, 0.0
        if not self._greeted:
            self._greeted = True
            hold_s = settings.delay_s + self.up.path.back_s
        self.up.put(data, hold_s)

    def received_end(self) -> bool:
        """The client closed its side; True keeps the wire open."""
        if not self.up.direct:
            self.up.end()
            return True
        return self._tell_eof()

    def wire_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        self._wire_lost = True
        self.down.stop()
        path = self.up.path
        if self._told_lost:
            self._dials.unwatch(self.settings_changed)
            return
        blackhole = path.settings.blackhole
        if self.up.direct or self._closing or error or (path.lost and not blackhole):
            self._tell_lost(error)
        elif not blackhole:
            self.up.end()

    def _hand_up(self, data: bytes) -> None:
        protocol = self._protocol
        if self._told_lost or protocol is None:
            return
        if isinstance(protocol, asyncio.BufferedProtocol):
            _feed(protocol, data)
        else:
            cast(asyncio.Protocol, protocol).data_received(data)

    def _eof_up(self) -> None:
        if self._wire_lost:
            self._tell_lost(None)
        elif not self._tell_eof():
            self.close()

    def _tell_eof(self) -> bool:
        if self._told_lost or self._protocol is None:
            return False
        return bool(cast(asyncio.Protocol, self._protocol).eof_received())

    def _tell_lost(self, error: Exception | None) -> None:
        if self._told_lost:
            return
        self._told_lost = self._closing = True
        self.up.stop()
        if self._wire_lost:
            self._dials.unwatch(self.settings_changed)
        if self._protocol is not None:
            self._protocol.connection_lost(error)

    def _room_up(self, room: bool) -> None:
        if not self._wire.is_closing():
            if room and not self._paused_by_reader:
                self._wire.resume_reading()
            elif not room:
                self._wire.pause_reading()

    # ---- from the protocol down to the wire

    def _hand_down(self, data: bytes) -> None:
        if not self._wire_lost:
            self.bytes_down += len(data)
            self._wire.write(data)

    def _end_down(self) -> None:
        self._wire.close()

    def _room_down(self, room: bool) -> None:
        self._path_full = not room
        self._flow_down()

    def wire_full(self, full: bool) -> None:
        """The client reads too slowly, or has caught up."""
        self._wire_full = full
        self.down.block(full)
        self._flow_down()

    def _flow_down(self) -> None:
        """Hold the writer while the path is full, or the wire that it writes to directly."""
        full = self._path_full or (self._wire_full and self.down.direct)
        if full != self._told_full and self._protocol is not None and not self._told_lost:
            self._told_full = full
            if full:
                self._protocol.pause_writing()
            else:
                self._protocol.resume_writing()

    # ---- asyncio.Transport

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.down.direct:
            self.bytes_down += len(data)
            self._wire.write(data)
        elif not self._closing and data:
            self.down.put(bytes(data))

    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        if self.down.direct and self.up.direct:
            self._wire.close()
            return
        self.down.end()
        if self.down.path.lost and not self.down.path.settings.blackhole:
            self._wire.abort()
        self._loop.call_soon(self._tell_lost, None)

    def abort(self) -> None:
        self._closing = True
        self._wire.abort()

    def _force_close(self, error: BaseException | None) -> None:
        """What asyncio's TLS calls after a failed handshake; not in its public interface."""
        self.abort()

    def is_closing(self) -> bool:
        return self._closing or self._wire.is_closing()

    def pause_reading(self) -> None:
        self._paused_by_reader = True
        if self.up.direct:
            self._wire.pause_reading()
        self.up.block(True)

    def resume_reading(self) -> None:
        self._paused_by_reader = False
        self.up.block(False)
        if not self._wire.is_closing() and self.up.path.unsent <= HIGH_WATER:
            self._wire.resume_reading()

    def is_reading(self) -> bool:
        return not self._paused_by_reader and not self.is_closing()

    def get_write_buffer_size(self) -> int:
        return self.down.path.unsent + self._wire.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._wire.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._wire.set_write_buffer_limits(high, low)

    def can_write_eof(self) -> bool:
        return False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._wire.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return cast(asyncio.BaseProtocol, self._protocol)


def _feed(protocol: asyncio.BufferedProtocol, data: bytes) -> None:
    """Hand bytes to a protocol that brings its own buffers (TLS)."""
    rest = memoryview(data)
    while rest:
        buffer = memoryview(protocol.get_buffer(len(rest)))
        size = min(len(buffer), len(rest))
        buffer[:size] = rest[:size]
        protocol.buffer_updated(size)
        rest = rest[size:]
