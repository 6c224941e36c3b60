"""The lab's process: simulation, dialects, servers, relay and control on one event loop.

``python -m vocx.lab.service.process`` is what :func:`vocx.lab.open` starts. It reads its
configuration as one JSON line from its standard input, answers with one JSON line on its standard
output (ports, random keys, the control token; or why it could not start), and ends when its
standard input does, that is with the process that started it. Nothing secret stands in a command
line.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import logging
import os
import resource
import secrets
import signal
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from vocx.arguments import brief
from vocx.errors import BadInput, LabConflict, LabError, UnknownSymbol
from vocx.lab.dialects import load
from vocx.lab.dialects.base import Close, Dialect, DialectFactory
from vocx.lab.market.driver import MarketDriver
from vocx.lab.market.engine import Book
from vocx.lab.market.family import MarketFamily, open_family
from vocx.lab.market.instruments import INSTRUMENTS
from vocx.lab.market.truth_log import CAPACITY, RECORDED_CAPACITY, TruthLog
from vocx.lab.network.connection_log import ConnectionLog
from vocx.lab.network.event_loop import new_event_loop
from vocx.lab.network.relay import Dials, listen
from vocx.lab.service.clock import SteadyClock
from vocx.lab.service.config import AUTHORITY, Address, Config, Ready
from vocx.lab.service.control import Command, Control, TruthCommands
from vocx.lab.service.failure import Failure, to_failure
from vocx.lab.service.http_server import control_server
from vocx.lab.service.private_folder import PrivateFolder
from vocx.lab.service.server import VenueServer
from vocx.lab.service.venue_commands import VenueCommands
from vocx.timing import mono_ns

HOST = "127.0.0.1"
LOG_LIMIT = 512 * 1024
"""The log file (standard error) is emptied when it grows beyond this many bytes."""
HOUSEKEEPING_S = 1.0
STOP_S = 2.0
"""How long the loop may take to end after standard input ended."""


def open_markets(
    config: Config,
    factories: Mapping[str, DialectFactory],
    now_ns: int,
    book: type[Book] = Book,
) -> MarketFamily:
    """The markets that the configuration asks for."""
    if config.replay:
        from vocx.lab.market.replay import open_replay

        (venue, factory), *_ = factories.items()
        replay = open_replay(
            [Path(path) for path in config.replay],
            factory.recording,
            speed=config.speed,
            skip_bad=config.skip_bad,
        )
        return MarketFamily({venue: replay})
    specs = INSTRUMENTS
    if config.symbols:
        known = {spec.symbol: spec for spec in specs}
        for symbol in config.symbols:
            if symbol not in known:
                raise UnknownSymbol(f"the lab has no {brief(symbol)}; it has {', '.join(known)}")
        specs = tuple(known[symbol] for symbol in config.symbols)
    traits = {name: factory.crowd for name, factory in factories.items()}
    return open_family(
        traits, seed=config.seed, start_ns=now_ns, specs=specs, pace=config.pace, book=book
    )


class LabProcess:
    """Everything that runs in the process, and how it is taken down."""

    def __init__(self, config: Config, book: type[Book] = Book) -> None:
        self.config = config
        self.done = asyncio.Event()
        clock = SteadyClock()
        now_ns = clock()
        sys.path.extend(config.import_paths)
        factories = {name: load(factory) for name, factory in config.venues.items()}
        self._factories = factories
        self._entropy = {name: secrets.token_bytes(64) for name in factories}
        family = open_markets(config, factories, now_ns, book)
        live = not config.replay
        capacity = CAPACITY if live else RECORDED_CAPACITY
        self.driver = MarketDriver(
            family,
            {
                name: TruthLog(capacity, factory.recording.event_id)
                for name, factory in factories.items()
            },
            pace=config.pace,
            speed=1.0 if live else config.speed,
            clock=clock,
            renew=self._play_again if config.loop else None,
        )
        self._clock = clock
        self._dialects: dict[str, Dialect] = {}
        self.servers: dict[str, VenueServer] = {}
        for name in factories:
            dialect = self._dialects[name] = self._create(name, family)
            self.servers[name] = VenueServer(name, dialect, self.driver)
        self._venues = VenueCommands(self._dialects, self.driver)
        self.dials = Dials()
        self.connection_log = ConnectionLog()
        self.token = secrets.token_urlsafe(32)
        self._listening: list[asyncio.Server] = []
        self._started_ns = mono_ns()
        self._secure: asyncio.Task[dict[str, Any]] | None = None
        self.urls: dict[str, dict[str, str]] = {}
        self.control_url = ""
        self._folder: PrivateFolder | None = None

    def _create(self, name: str, family: MarketFamily) -> Dialect:
        """A venue's dialect, with the keys that it has in this process."""
        simulation = family.simulations[name]
        return self._factories[name].create(
            simulation,
            start_ns=simulation.exchange_ns(self._clock()),
            entropy=self._entropy[name],
        )

    def _play_again(self) -> MarketFamily:
        """The recording from its first frame. What a venue remembers of its clients ends, as their
        connections do: ids and clock go back, and nobody may take that for one session."""
        from vocx.lab.market.replay import Replay

        family = MarketFamily(
            {
                name: simulation.again()
                for name, simulation in self.driver.simulations.items()
                if isinstance(simulation, Replay)
            }
        )
        for name, server in self.servers.items():
            for connection in tuple(server.connections):
                connection.close(Close(1012, "The recording begins again"))
            server.dialect = self._dialects[name] = self._create(name, family)
        return family

    # -- listening -----------------------------------------------------------------------------

    async def start(self) -> Ready:
        """Listen, let the market begin, and say where."""
        self.urls = await self._listen(None, self.config.port)
        control = Control(self.token, self._commands(), self._venues, self.driver.contact)
        loop = asyncio.get_running_loop()
        with port_conflict(self.config.control_port):
            server = await loop.create_server(
                control_server(control), HOST, self.config.control_port
            )
        self._listening.append(server)
        self.control_url = f"http://{HOST}:{port_of(server)}"
        ready = self._ready()
        if self.config.tls:
            secure = await self._tls()
            self._folder = PrivateFolder()
            path = self._folder.write(AUTHORITY, secure["certificate"])
            ready = replace(ready, tls_urls=secure["urls"], certificate=str(path))
        self.driver.start(list(self.servers.values()))
        return ready

    async def _listen(
        self, context: ssl.SSLContext | None, first_port: int
    ) -> dict[str, dict[str, str]]:
        urls = {}
        for number, (name, venue) in enumerate(self.servers.items()):
            port = first_port and first_port + number
            with port_conflict(port):
                server = await listen(
                    venue.protocol,
                    self.dials,
                    host=HOST,
                    port=port,
                    venue=name,
                    ssl_context=context,
                    connection_log=self.connection_log,
                )
            self._listening.append(server)
            secure = "s" if context else ""
            urls[name] = {
                purpose: f"{'http' if purpose.startswith('rest') else 'ws'}{secure}"
                f"://{HOST}:{port_of(server)}{path}"
                for purpose, path in venue.dialect.paths.items()
            }
        return urls

    async def _tls(self) -> dict[str, Any]:
        """The same over TLS, from an authority made on first request and kept in memory."""
        if self._secure is None:
            self._secure = asyncio.get_running_loop().create_task(self._make_tls())
        return await asyncio.shield(self._secure)

    async def _make_tls(self) -> dict[str, Any]:
        context, certificate = await asyncio.to_thread(local_authority)
        return {"urls": await self._listen(context, 0), "certificate": certificate}

    def _ready(self) -> Ready:
        return Ready(
            urls=self.urls,
            credentials={
                name: msgspec.to_builtins(venue.dialect.credentials)
                for name, venue in self.servers.items()
                if venue.dialect.credentials is not None
            },
            control=Address(url=self.control_url, token=self.token),
        )

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        if self._folder is not None:
            self._folder.remove()
        self.driver.stop()
        for server in self._listening:
            server.close()
        leaving = Close(1001, "The lab ends")
        await asyncio.gather(*(venue.close(leaving) for venue in self.servers.values()))

    # -- commands --------------------------------------------------------------------------------

    def _commands(self) -> dict[str, Command]:
        driver = self.driver
        network = {
            name: partial(self._network, name) for name in ("set", "restore", "clear", "state")
        }
        return {
            "ready": self._ready,
            "status": self.status,
            "pace": lambda value: driver.set_pace(value),
            "pause": driver.pause,
            "resume": driver.resume,
            "step": lambda count: driver.step(count),
            "tls": self._tls,
            "traffic": self.connection_log.rows,
            "close": self.done.set,
            **TruthCommands(driver, driver.truth).commands(),
            "network.reset_ports": self._reset_ports,
            **{f"network.{name}": command for name, command in network.items()},
        }

    def _network(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        return self.dials.command(name, arguments)

    def _reset_ports(self, ports: list[int], venue: str | None = None) -> int:
        if not (isinstance(ports, list) and all(isinstance(one, int) for one in ports)):
            raise BadInput(f"ports are {brief(ports)}; write a list of a client's local ports")
        return self.connection_log.reset(ports, venue)

    def status(self) -> dict[str, Any]:
        """What runs, since when, for whom."""
        driver = self.driver
        return {
            "pid": os.getpid(),
            "config": self.config,
            "uptime_s": (mono_ns() - self._started_ns) / 1e9,
            "symbols": list(next(iter(driver.simulations.values())).markets),
            "pace": driver.pace,
            "paused": driver.paused,
            "idle": driver.idle,
            "replay": next(iter(driver.simulations.values())).progress,
            "error": None if driver.error is None else to_failure(driver.error),
            "failures": driver.failures,
            "exchange_ns": driver.exchange_ns(),
            "venues": {
                name: {
                    "symbols": list(driver.simulations[name].markets),
                    "next_sequence": driver.truth[name].next,
                    "connections": len(venue.connections),
                    **venue.counts,
                }
                for name, venue in self.servers.items()
            },
        }


@contextmanager
def port_conflict(port: int) -> Iterator[None]:
    """Turns "address in use" into a ``LabConflict`` that names the port."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise LabConflict(
            f"port {port} on {HOST} cannot be used ({reason}); choose another, or leave it out and "
            "the system finds a free one"
        ) from error


def port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


def local_authority() -> tuple[ssl.SSLContext, str]:
    """A server context for this machine's names, and the certificate of who vouches for it."""
    import trustme

    authority = trustme.CA(organization_name="vocx lab (this machine only)")
    leaf = authority.issue_cert("localhost", HOST, "::1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context, authority.cert_pem.bytes().decode()


# -- running it ------------------------------------------------------------------------------


def raise_file_limit() -> None:
    """Let there be as many connections as the system allows this user."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


StopHandlers = Callable[[asyncio.AbstractEventLoop, asyncio.Event], None]
"""Sees to it that the event is set when the lab must end."""


async def run(
    config: Config,
    announce: Callable[[Ready], None],
    on_stop: StopHandlers,
    book: type[Book] = Book,
) -> None:
    """A lab from its start to its end; ``announce`` is called when it listens."""
    raise_file_limit()
    lab = LabProcess(config, book)
    on_stop(asyncio.get_running_loop(), lab.done)
    try:
        announce(await lab.start())
        await lab.done.wait()
    finally:
        await lab.stop()


def freeze_start_up() -> None:
    """Let no collection look at what every lab has from its start on, of which hardly anything is
    garbage: from here on they begin."""
    gc.freeze()
    gc.enable()


def run_foreground(config: Config) -> int:
    """What :func:`vocx.lab.serve` does."""

    def on_stop(loop: asyncio.AbstractEventLoop, done: asyncio.Event) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, done.set)

    def announce(ready: Ready) -> None:
        freeze_start_up()
        line = msgspec.to_builtins(ready)
        if not ready.tls_urls:
            del line["tls_urls"], line["certificate"]
        print(msgspec.json.encode(line).decode(), flush=True)

    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="vocx: %(message)s")
    gc.disable()  # until :func:`freeze_start_up`
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(run(config, announce, on_stop))
    finally:
        gc.enable()
    return 0


def watch_parent(loop: asyncio.AbstractEventLoop, done: asyncio.Event) -> None:
    """End with the process that started us, and keep the log small meanwhile.

    The end of standard input says that it is gone, unless a fork of it lives on with the pipe;
    then our parent's number changes. Either way the loop gets two seconds to end by itself.
    """
    parent = os.getppid()

    def leave() -> None:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(done.set)
        threading.Event().wait(STOP_S)
        os._exit(0)

    def await_end_of_input() -> None:
        with suppress(OSError):
            while os.read(0, 4096):
                pass
        leave()

    def trim_log() -> None:
        while not threading.Event().wait(HOUSEKEEPING_S):
            if os.getppid() != parent:
                leave()
            with suppress(OSError):
                if os.fstat(2).st_size > LOG_LIMIT:
                    os.ftruncate(2, 0)

    for work in (await_end_of_input, trim_log):
        threading.Thread(target=work, name=f"vocx-lab-{work.__name__}", daemon=True).start()


def main() -> int:
    """The child of :func:`vocx.lab.open`."""
    gc.disable()  # until :func:`freeze_start_up`
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    faulthandler.enable(all_threads=False)

    def write(line: Ready | Failure) -> None:
        os.write(1, msgspec.json.encode(line) + b"\n")
        os.dup2(2, 1)

    def on_stop(loop: asyncio.AbstractEventLoop, done: asyncio.Event) -> None:
        loop.add_signal_handler(signal.SIGTERM, done.set)
        watch_parent(loop, done)

    announced: list[Ready] = []

    def announce(ready: Ready) -> None:
        freeze_start_up()
        write(ready)
        announced.append(ready)

    try:
        config = msgspec.json.decode(first_line(), type=Config)
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(run(config, announce, on_stop))
    except Exception as error:
        logging.getLogger("vocx.lab").exception("the lab ends")
        if not announced:
            write(to_failure(error))
        return 1
    return 0


def first_line() -> bytes:
    """The configuration. Read without a buffer, so that the watcher sees the end of the pipe."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 65536)
        if not piece:
            raise LabError("no configuration came over standard input")
        line += piece
    return line


if __name__ == "__main__":
    sys.exit(main())
