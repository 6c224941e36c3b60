"""One connected socket, read in 64 KB gulps, plain or TLS, with the kernel's arrival stamps.

Three facts shape it, all measured with a cell that computes in the same interpreter:

* Every system call gives up the interpreter lock, and a computing cell then keeps it for a switch
  interval (5 ms). So: as few calls as possible. A blocking socket with ``SO_RCVTIMEO`` needs one
  call where Python's own timeout needs two (``poll``, then ``recv``).
* ``SSLSocket.recv`` returns one TLS record at a time. Decrypting from memory instead lets one
  system call bring all records that have arrived.
* While Python waits for the lock, bytes wait in the kernel. ``SO_TIMESTAMPNS`` (Linux) tells when
  they reached this machine, so that a busy notebook is never mistaken for a slow network.
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable

READ_BYTES = 65536
_SO_TIMESTAMPNS = 35  # Linux, not named by the socket module; struct timespec in the ancillary data
_TIMESPEC = struct.Struct("@ll")
_MAX_STAMP_AGE_NS = 60_000_000_000


class _Hurry:
    """While TLS records are decrypted, ask for the interpreter lock back sooner.

    The ssl module gives the lock up for every record, and each time a computing cell may keep it
    for a whole switch interval. At a thousand records a second 5 ms each is more than there is
    (measured: 130 ms behind; with this 20). The interval is the process's, so it is changed only
    for these moments, by the first reader that enters, and put back by the last that leaves.
    """

    SECONDS = 0.0002

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._usual = 0.005

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._usual = sys.getswitchinterval()
                sys.setswitchinterval(min(self.SECONDS, self._usual))
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                sys.setswitchinterval(self._usual)


HURRY = _Hurry()


class BufferedSocket:
    """A connected socket with the methods websocket-client needs, and :meth:`read` for us.

    One thread reads; others may :meth:`send`, one at a time, and :meth:`abort`.

    Attributes
    ----------
    first_ns, last_ns : int
        When the first and the last byte of the latest :meth:`read` reached this machine
        (wall clock). Exact for the last one where the kernel stamps, an estimate for the first
        when several segments had piled up.
    local_port : int
        This machine's end of the connection.
    stamped : bool
        The kernel's stamps are in use; otherwise both are the time at which Python got the bytes.
    """

    def __init__(self, sock: socket.socket, tls: ssl.SSLContext | None, host: str) -> None:
        self.first_ns = self.last_ns = 0
        self.stamped = False
        self.received_bytes = 0
        self.first_byte_mono_ns: int | None = None
        self._closed = False
        self._sock = sock
        self.local_port: int = sock.getsockname()[1]
        self._held = b""
        self._check: Callable[[], None] | None = None
        self._tls: ssl.SSLObject | None = None
        self._tls_lock = threading.Lock()  # one SSL object, read and written by two threads
        if tls is not None:
            self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self._tls = tls.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if sys.platform == "linux" and _TIMESPEC.size == 16:
            try:
                sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
                self.stamped = True
            except OSError:
                pass

    def block(self, read_s: float, send_s: float = 5.0) -> None:
        """Blocking mode with the kernel's own receive and send time-outs."""
        self._sock.settimeout(None)
        for option, seconds in ((socket.SO_RCVTIMEO, read_s), (socket.SO_SNDTIMEO, send_s)):
            micros = max(1000, int(seconds * 1e6))
            value = (
                struct.pack("L", micros // 1000)
                if os.name == "nt"
                else struct.pack("@ll", micros // 1_000_000, micros % 1_000_000)
            )
            self._sock.setsockopt(socket.SOL_SOCKET, option, value)

    def read(self) -> bytes | None:
        """All bytes that are here, at most 64 KB; ``None`` after the time-out, ``b""`` at the end.

        Raises
        ------
        OSError
            The connection was reset, or TLS broke.
        """
        if self._held:
            held, self._held = self._held, b""
            return held
        called_ns, before_ns = time.time_ns(), self.last_ns
        try:
            if self.stamped:
                data, notes, _, _ = self._sock.recvmsg(READ_BYTES, 64)
            else:
                data, notes = self._sock.recv(READ_BYTES), []
        except (BlockingIOError, TimeoutError):
            return None
        if not data:
            return b""
        self._stamp(notes, called_ns, before_ns)
        self.received_bytes += len(data)
        if self.first_byte_mono_ns is None:
            self.first_byte_mono_ns = time.monotonic_ns()
        return data if self._tls is None else self._decrypt(data)

    def _stamp(self, notes: list[tuple[int, int, bytes]], called_ns: int, before_ns: int) -> None:
        """The kernel says when the *last* segment came. If the call had to wait for it, all of
        them are that young; if not, they came between the previous read's last and this one."""
        now_ns = time.time_ns()
        last_ns = now_ns
        for level, kind, value in notes:
            if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(value) >= 16:
                seconds, rest = _TIMESPEC.unpack_from(value)
                stamp_ns = seconds * 1_000_000_000 + rest
                if 0 <= now_ns - stamp_ns < _MAX_STAMP_AGE_NS:
                    last_ns = stamp_ns
        self.last_ns = last_ns
        waited = last_ns >= called_ns
        self.first_ns = last_ns if waited or not before_ns else min(before_ns, last_ns)

    def _decrypt(self, data: bytes) -> bytes | None:
        with self._tls_lock:
            return self._decrypt_alone(data)

    def _decrypt_alone(self, data: bytes) -> bytes | None:
        assert self._tls is not None
        self._incoming.write(data)
        parts: list[bytes] = []
        try:
            with HURRY:
                while part := self._tls.read(READ_BYTES):
                    parts.append(part)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            return b"".join(parts)
        self._flush()
        # Records without application data (session tickets, half a record) read as a time-out.
        return b"".join(parts) or None

    def shake_hands(self) -> bool:
        """One step of the TLS handshake; True when it is complete.

        Raises
        ------
        ssl.SSLError
            The certificate cannot be verified, or the peer does not speak TLS.
        """
        assert self._tls is not None
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            try:
                data = self._sock.recv(READ_BYTES)
            except (BlockingIOError, TimeoutError):
                return False
            if data:
                self._incoming.write(data)
            else:
                self._incoming.write_eof()
            return False
        finally:
            self._flush()
        return True

    def _flush(self) -> None:
        pending = self._outgoing.read()
        if pending:
            self._sock.sendall(pending)

    # What websocket-client calls during the handshake and for sending.

    def watch(self, check: Callable[[], None] | None) -> None:
        """What :meth:`recv` calls while it waits; it raises to end the wait."""
        self._check = check

    def recv(self, count: int) -> bytes:
        """At most ``count`` bytes, waiting as long as the check allows."""
        while not self._held:
            if self._check is not None:
                self._check()
            data = self.read()
            if data == b"":
                return b""
            self._held = data or b""
        part, self._held = self._held[:count], self._held[count:]
        return part

    def send(self, data: bytes) -> int:
        if self._tls is None:
            self._sock.sendall(data)
        else:
            with self._tls_lock:
                self._tls.write(data)
                self._flush()
        return len(data)

    def gettimeout(self) -> float | None:
        return None

    def settimeout(self, seconds: float | None) -> None:
        """Time-outs are the kernel's (:meth:`block`); websocket-client has no say."""

    def fileno(self) -> int:
        return self._sock.fileno()

    def shutdown(self, how: int) -> None:
        self._sock.shutdown(how)

    def close(self) -> None:
        self._closed = True
        self._sock.close()

    def abort(self) -> None:
        """End both directions now; wakes the thread that reads. Safe from any thread."""
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
