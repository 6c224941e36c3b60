"""Two network namespaces a real distance apart: packets, the kernel's own TCP, and no emulation.

A :class:`Distance` is a *near* and a *far* namespace. Each has one TUN device, and a router in a
process of its own carries the packets between the two and holds each one for half the round trip.
In the near namespace 127.0.0.1 is not the loopback device but lies beyond its TUN device, and the
far one accepts packets from there for its own 127.0.0.1. So a lab that was started in the far
namespace is reached from the near one as it is, under its own URLs and with its own certificate.

Nothing is named and nothing persists: a namespace lives as long as the thread that went there and
the processes that it started, a TUN device as long as its descriptor, the router as long as its
standard input. So nothing stays behind, also when the tests are killed. The other threads and the
machine's own network are not touched.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
SIOCSIFADDR, SIOCSIFDSTADDR, SIOCSIFNETMASK = 0x8916, 0x8918, 0x891C
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1
TUN_DEVICE = Path("/dev/net/tun")
IPV4 = Path("/proc/sys/net/ipv4")
CONGESTION = "bbr"
"""Set in both namespaces, whatever the machine's own is: the dials model its start-up."""
SETTINGS = {
    "tcp_congestion_control": CONGESTION,
    "tcp_no_metrics_save": "1",
    "conf/{device}/route_localnet": "1",
}
"""Below ``/proc/sys/net/ipv4`` of each namespace. What one connection learned about the way is
not kept for the next, so that each begins as the first one did."""
PRIORITY = -15
NEAR, FAR, HOME = "10.255.0.1", "10.255.0.2", "127.0.0.1"


def missing() -> str:
    """What this machine lacks for such a distance; empty when it has everything."""
    if not sys.platform.startswith("linux"):
        return "no network namespaces here: they are Linux's"
    if os.geteuid() != 0:
        return "no root here: nobody else may make network namespaces"
    if not TUN_DEVICE.exists():
        return f"no {TUN_DEVICE} here"
    allowed = (IPV4 / "tcp_allowed_congestion_control").read_text().split()
    return "" if CONGESTION in allowed else f"no {CONGESTION} for network namespaces here"


class Place:
    """One thread, and the network namespace that it lives in: everybody's, until it moves.

    It goes before other work, with all that it starts: what else runs here is not the distance.
    """

    def __init__(self) -> None:
        first = (os.PRIO_PROCESS, 0, PRIORITY)
        self._thread = ThreadPoolExecutor(1, "tun", os.setpriority, first)

    def start(self, work: Callable[..., T], *arguments: Any, **named: Any) -> Future[T]:
        """Do it there: sockets, threads and processes that it makes belong there."""
        return self._thread.submit(work, *arguments, **named)

    def run(self, work: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Do it there and wait for it."""
        return self.start(work, *arguments, **named).result()

    def close(self) -> None:
        self._thread.shutdown()


def move(device: str, own: str, other: str) -> int:
    """Take this thread to a new namespace with a TUN device, and give its descriptor."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "a new network namespace was refused")
    tun = os.open(TUN_DEVICE, os.O_RDWR | os.O_NONBLOCK)
    name = device.encode()
    try:
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", name, IFF_TUN | IFF_NO_PI))
        for key, value in SETTINGS.items():
            (IPV4 / key.format(device=device)).write_text(value)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            for order, address in (
                (SIOCSIFADDR, own),
                (SIOCSIFNETMASK, "255.255.255.255"),
                (SIOCSIFDSTADDR, other),
            ):
                packed = struct.pack(
                    "16sHH4s16x", name, socket.AF_INET, 0, socket.inet_aton(address)
                )
                fcntl.ioctl(control, order, packed)
            for up in (name,) if own == NEAR else (name, b"lo"):
                fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", up, IFF_UP))
    except BaseException:
        os.close(tun)
        raise
    return tun


class Distance:
    """A near and a far namespace, 0 ms apart at first."""

    def __init__(self) -> None:
        with ExitStack() as undo:
            self.near, self.far = Place(), Place()
            undo.callback(self.near.close)
            undo.callback(self.far.close)
            ends = []
            for place, journey in (
                (self.near, ("near", NEAR, HOME)),
                (self.far, ("far", FAR, NEAR)),
            ):
                ends.append(place.run(move, *journey))
                undo.callback(os.close, ends[-1])
            self.router = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, *map(str, ends)],
                stdin=subprocess.PIPE,
                pass_fds=ends,
                bufsize=0,
            )
            undo.callback(self._end_router)
            self._undo = undo.pop_all()

    def set_rtt(self, rtt_ms: float) -> None:
        """From now on; what is on its way keeps its time."""
        assert self.router.stdin is not None
        self.router.stdin.write(f"{rtt_ms / 2000}\n".encode())

    def _end_router(self) -> None:
        assert self.router.stdin is not None
        self.router.stdin.close()
        try:
            self.router.wait(2)
        finally:
            self.router.kill()
            self.router.wait()

    def close(self) -> None:
        """Both namespaces, their devices and the router are gone after this."""
        self._undo.close()


def route(near: int, far: int) -> None:
    """Carry packets both ways, each held as long as the last line of standard input said."""
    held: deque[tuple[float, int, bytes]] = deque()
    other = {near: far, far: near}
    delay_s = 0.0
    while True:
        wait_s = max(0.0, held[0][0] - time.monotonic()) if held else None
        for ready in select.select((0, near, far), (), (), wait_s)[0]:
            if ready:
                held.extend((time.monotonic() + delay_s, other[ready], one) for one in read(ready))
            elif not (line := os.read(0, 4096)):
                return
            else:
                delay_s = float(line.split()[-1])
        now_s = time.monotonic()
        while held and held[0][0] <= now_s:
            _, end, packet = held.popleft()
            os.write(end, packet)


def read(device: int) -> list[bytes]:
    """The packets that wait in a device."""
    packets: list[bytes] = []
    try:
        while len(packets) < 64:
            packets.append(os.read(device, 2048))
    except BlockingIOError:
        pass
    return packets


if __name__ == "__main__":
    os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    route(int(sys.argv[1]), int(sys.argv[2]))
