"""Lesson 02b: programs that were written for a script, run as scripts and in kernels of their own.

Each runs in a child of this process, because its end is the lesson, or because it patches asyncio
for good. A child lives for some seconds, in an environment without proxies, and is killed when it
does not end by itself.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec

from vocx.course.waiting import wait_for
from vocx.errors import BadInput, NotReady, optional_parts
from vocx.timing import mono_ns

if TYPE_CHECKING:
    from vocx.lab import Lab

STREAM = "/ws/btcusdt@bookTicker"
CHILD_S = 15.0
"""A child that has not connected by then never will."""
FAULT_S = 3.0
CLICKS = 5

RECURSION = """\
import asyncio, json, sys
import websockets

async def listen():
    try:
        async with websockets.connect(sys.argv[1], ping_interval=20) as ws:
            print("connected")
            async for message in ws:
                price = json.loads(message)["b"]
    except websockets.ConnectionClosed:
        print("lost the connection; again in 1 s")
        await asyncio.sleep(1)
        await listen()

asyncio.run(listen())
"""
ENDLESS_LOOP = """\
import asyncio, json, sys
import websockets

async def listen():
    while True:
        try:
            async with websockets.connect(sys.argv[1]) as ws:
                async for message in ws:
                    price = json.loads(message)["b"]
        except Exception as error:
            print("lost the connection:", error)
            await asyncio.sleep(2)

asyncio.run(listen())
"""
PING = """\
import asyncio, json, sys
import websockets

async def listen():
    async with websockets.connect(sys.argv[1]) as ws:
        while True:
            try:
                message = await asyncio.wait_for(ws.recv(), timeout=1)
                price = json.loads(message)["b"]
            except asyncio.TimeoutError:
                await ws.ping()
                print("quiet for 1 s: pinged")

asyncio.run(listen())
"""
GATHER = """\
import asyncio, json, sys
import websockets

prices = []

async def stream():
    async with websockets.connect(sys.argv[1]) as ws:
        async for message in ws:
            prices.append(json.loads(message)["b"])

async def strategy():
    while True:
        await asyncio.sleep(0.5)
        if prices:
            print("our bid:", prices[-1] - 1)

async def main():
    try:
        await asyncio.gather(stream(), strategy())
    except TypeError as error:
        print("stopped:", error)
    before = len(prices)
    await asyncio.sleep(1.5)
    print("read after that:", len(prices) - before, "messages")

asyncio.run(main())
"""
NESTED = """\
import asyncio, time
import nest_asyncio

nest_asyncio.apply()

async def call(name, wants_s, begins_s):
    await asyncio.sleep(begins_s)
    began = time.monotonic()
    asyncio.run(asyncio.sleep(wants_s))
    print(f"{name}: wanted {wants_s} s, took {time.monotonic() - began:.1f} s")

async def main():
    await asyncio.gather(call("first", 0.2, 0), call("second", 1.5, 0.1))

asyncio.run(main())
"""


class ChildRun(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a child.

    Attributes
    ----------
    said : list of str
        Its lines.
    error : str
        The last line of its traceback; empty without one.
    killed : bool
        It did not end by itself.
    attempts : int
        Connections that it opened at the lab, refused ones too.
    quotes : int
        Changes of the true best price or its quantity while the fault was on.
    """

    said: list[str]
    error: str = ""
    killed: bool = False
    attempts: int = 0
    quotes: int = 0

    def __str__(self) -> str:
        more = [f"... {len(self.said)} lines"] if len(self.said) > 4 else []
        shown = [*self.said[:3], *more] if more else self.said
        lines = [f"  {line}" for line in shown] or ["  (it said nothing)"]
        end = "still ran when we killed it" if self.killed else self.error or "ended by itself"
        return "\n".join([*lines, f"end: {end}", f"attempts to connect: {self.attempts}"])


def connector(lab: Lab) -> Callable[[], Any]:
    """``connect``, of no arguments: ``websockets.connect`` to the trades of the lab's Binance, past
    proxies that the environment names."""
    with optional_parts():
        import websockets

    url = lab.url("binance", "ws") + "/ws/btcusdt@trade"
    asks_proxies = int(version("websockets").partition(".")[0]) >= 15
    direct: dict[str, Any] = {"proxy": None} if asks_proxies else {}
    return lambda: websockets.connect(url, **direct)


def run_script(
    source: str,
    lab: Lab,
    *,
    fault: Callable[[Lab], AbstractContextManager[object]] = nullcontext,
) -> ChildRun:
    """Run a program as a script of its own, its first argument the address of a stream of the lab.

    Parameters
    ----------
    fault : callable, optional
        Gives the context in which a fault of the lab holds; asked when the program has its first
        message. From then on it has :data:`FAULT_S` before it is killed.

    Raises
    ------
    NotReady
        It neither connected nor ended.
    """
    began_ns = mono_ns()
    killed = False
    with _started(source, lab.url("binance", "ws") + STREAM) as child:
        _connected(child, lab, began_ns)
        truth = lab.truth.at("binance")
        mark = truth.events(None).next
        with fault(lab):
            try:
                child.wait(FAULT_S)
            except subprocess.TimeoutExpired:
                killed = True
            quotes = len(truth.events(mark, symbol="BTC/USDT", kind="quote"))
        child.kill()
        out, err = child.communicate()
    attempts = len(_connections(lab, began_ns))
    last = "" if killed else (err.strip().splitlines() or [""])[-1]
    return ChildRun(
        said=out.splitlines(),
        error=re.sub(r"^[\w.]+\.(?=\w+:)", "", last),
        killed=killed,
        attempts=attempts,
        quotes=quotes,
    )


@contextmanager
def _started(source: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A child with a program, killed at the end of the block."""
    environment = {
        name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")
    }
    with subprocess.Popen(
        [sys.executable, "-u", "-c", source, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def _connections(lab: Lab, since_ns: int) -> list[Any]:
    return [one for one in lab.traffic(since_ns=since_ns) if one.opened_ns >= since_ns]


def _connected(child: subprocess.Popen[str], lab: Lab, since_ns: int) -> None:
    """Until the child has a connection on which more than the handshake has come."""

    def settled() -> bool:
        connected = any(one.bytes_down > 400 for one in _connections(lab, since_ns))
        return connected or child.poll() is not None

    if not wait_for(settled, CHILD_S, every_s=0.05):
        raise NotReady(f"the child process did not connect within {CHILD_S:g} s")


@contextmanager
def _cut_and_refused(lab: Lab) -> Iterator[None]:
    with lab.fault("refuse_upgrade", path="/ws", venue="binance", count="all"):
        with lab.network.reset_peer():
            pass
        yield


DEATHS: dict[str, tuple[str, str, Callable[[Lab], AbstractContextManager[object]]]] = {
    "recursion": (RECURSION, "the line is cut, the next attempt answered 503", _cut_and_refused),
    "endless loop": (
        ENDLESS_LOOP,
        "each connection is closed with 1001 at its first message",
        lambda lab: lab.fault("close", stream="*@bookTicker", venue="binance", count="all"),
    ),
    "ping": (
        PING,
        "the exchange forgets the stream, and nothing else",
        lambda lab: lab.fault("silence", stream="*@bookTicker", venue="binance"),
    ),
    "gather": (GATHER, "nothing; the strategy has a bug", nullcontext),
}
"""By name: the program, what happens to it, and how."""


def die(name: str, lab: Lab) -> ChildRun:
    """Run one of the four programs of the lesson, let it meet its fault, and print what became of
    it."""
    if name not in DEATHS:
        raise BadInput(f"no program {name!r}; there are {', '.join(DEATHS)}")
    source, what, fault = DEATHS[name]
    found = run_script(source, lab, fault=fault)
    print(f"{name}: {what}\n{found}")
    return found


def nested() -> str:
    """Two calls of a patched ``asyncio.run``, the second begun inside the first: what they took."""
    with _started(NESTED) as child:
        try:
            out, err = child.communicate(timeout=CHILD_S)
        except subprocess.TimeoutExpired:
            raise NotReady(f"the child process did not end within {CHILD_S:g} s") from None
    return out.strip() or err.strip().splitlines()[-1]


_BUTTON = """
import asyncio, time
import ipywidgets
clicks = []
button = ipywidgets.Button()
button.on_click(lambda _: clicks.append(1))
print(button.comm.comm_id)
"""


def clicks(cell: str) -> int:
    """How many of five clicks on a button arrive in a kernel that runs ``cell``, which should take
    two seconds and may use ``asyncio`` and ``time``.

    The kernel is a real one, of its own; the clicks are the messages that a front end sends, one
    each fifth of a second, the first 0.4 s after the cell began.
    """
    with optional_parts():
        from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=30)
        button = _printed(client, _BUTTON)
        asked = client.execute(cell)
        _running(client, asked)
        time.sleep(0.4)
        for _ in range(CLICKS):
            content = {"comm_id": button, "data": {"method": "custom", "content": _CLICK}}
            client.shell_channel.send(client.session.msg("comm_msg", content))
            time.sleep(0.2)
        while client.get_shell_msg(timeout=30)["parent_header"].get("msg_id") != asked:
            pass
        return int(_printed(client, "import asyncio; await asyncio.sleep(0.2); print(len(clicks))"))
    finally:
        with suppress(RuntimeError):
            client.stop_channels()
        manager.shutdown_kernel(now=True)


_CLICK = {"event": "click"}


def _running(client: Any, asked: str) -> None:
    """Until the kernel has begun with a cell."""
    while True:
        message = client.get_iopub_msg(timeout=30)
        mine = message["parent_header"].get("msg_id") == asked
        if mine and message["msg_type"] == "execute_input":
            return


def _printed(client: Any, cell: str) -> str:
    """What a cell printed."""
    parts: list[str] = []

    def keep(message: Any) -> None:
        if message["msg_type"] == "stream":
            parts.append(message["content"]["text"])

    client.execute_interactive(cell, output_hook=keep, timeout=30)
    return "".join(parts).strip()
