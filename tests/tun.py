"""Two network namespaces a real distance apart: packets, the kernel's own TCP, and no emulation.

A :class:`Distance` is a *near* and a *far* namespace. Each has one TUN device, and a router in a
process of its own carries the packets between the two and holds each one for half the round trip.
In the near namespace 127.0.0.1 is not the loopback device but lies beyond its TUN device, and the
far one accepts packets from there for its own 127.0.0.1. So a lab that was started in the far
namespace is reached from both, unchanged and under the same URLs: from the far one over plain
loopback, from the near one over the distance.

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
from concurrent.futures import ThreadPoolExecutor
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
NEAR, FAR, HOME = "10.255.0.1", "10.255.0.2", "127.0.0.1"


def missing() -> str:
    """What this machine lacks for such a distance; empty when it has everything."""
    if not sys.platform.startswith("linux"):
        return "no network namespaces here, they are Linux's"
    if os.geteuid() != 0:
        return "no root here, who alone may make network namespaces"
    return "" if TUN_DEVICE.exists() else f"no {TUN_DEVICE} here"


class Place:
    """A network namespace and the one thread that lives in it.

    ``settings`` are written below ``/proc/sys/net/ipv4`` there, and hold nowhere else.
    """

    def __init__(self, device: str, own: str, other: str, settings: dict[str, str]) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"tun-{device}")
        try:
            self.tun = self.run(_settle, device, own, other, settings)
        except BaseException:
            self._thread.shutdown()
            raise

    def run(self, work: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Do it there: sockets, threads and processes that it makes belong there."""
        return self._thread.submit(work, *arguments, **named).result()

    def close(self) -> None:
        self._thread.shutdown()


def _settle(device: str, own: str, other: str, settings: dict[str, str]) -> int:
    """Leave for a new namespace, make its devices, and give the descriptor of the TUN device."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "a new network namespace was refused")
    tun = os.open(TUN_DEVICE, os.O_RDWR | os.O_NONBLOCK)
    name = device.encode()
    try:
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", name, IFF_TUN | IFF_NO_PI))
        for key, value in settings.items():
            (IPV4 / key.format(device=device)).write_text(value)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            for order, address in (
                (SIOCSIFADDR, own),
                (SIOCSIFNETMASK, "255.255.255.255"),
                (SIOCSIFDSTADDR, other),
            ):
                packed = struct.pack("16sHH4s16x", name, socket.AF_INET, 0, socket.inet_aton(address))
                fcntl.ioctl(control, order, packed)
            for up in (name,) if own == NEAR else (name, b"lo"):
                fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", up, IFF_UP))
    except BaseException:
        os.close(tun)
        raise
    return tun


class Distance:
    """A near and a far namespace, ``rtt_ms`` apart (0 at first), both with ``congestion`` control.

    What one connection learned about the way is not remembered for the next, so that each begins
    as the first one did.
    """

    def __init__(self, congestion: str) -> None:
        settings = {
            "tcp_congestion_control": congestion,
            "tcp_no_metrics_save": "1",
            "conf/{device}/route_localnet": "1",
        }
        with ExitStack() as undo:
            self.near = Place("near", NEAR, HOME, settings)
            undo.callback(self.near.close)
            undo.callback(os.close, self.near.tun)
            self.far = Place("far", FAR, NEAR, settings)
            undo.callback(self.far.close)
            undo.callback(os.close, self.far.tun)
            ends = (self.near.tun, self.far.tun)
            self._router = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, *map(str, ends)],
                stdin=subprocess.PIPE,
                pass_fds=ends,
                bufsize=0,
            )
            undo.callback(self._end_router)
            self._undo = undo.pop_all()

    def set_rtt(self, rtt_ms: float) -> None:
        """From now on; what is on its way keeps its time."""
        assert self._router.stdin is not None
        self._router.stdin.write(f"{rtt_ms / 2000}\n".encode())

    def _end_router(self) -> None:
        assert self._router.stdin is not None
        self._router.stdin.close()
        try:
            self._router.wait(2)
        finally:
            self._router.kill()
            self._router.wait()

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
    packets = []
    try:
        while len(packets) < 64:
            packets.append(os.read(device, 65536))
    except BlockingIOError:
        pass
    return packets


if __name__ == "__main__":
    os.nice(-10)
    route(int(sys.argv[1]), int(sys.argv[2]))
