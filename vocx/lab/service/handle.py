"""The handle of a lab: what a notebook holds while the exchange runs in another process.

Clients hold the :class:`Lab` and ask it for URLs when they need them, so a lab that was replaced
or reopened does not strand them: a new process stands behind the same handle.
"""

from __future__ import annotations

import atexit
import http.client
import os
import threading
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload
from weakref import WeakSet

import msgspec

from vocx.arguments import brief
from vocx.call_forms import methods_say_their_form
from vocx.errors import BadInput, LabConflict, LabDied, LabError, UnknownVenue
from vocx.lab.network import Network
from vocx.lab.network.connection_log import Connection
from vocx.lab.service.child import ChildProcess, spawn
from vocx.lab.service.config import AUTHORITY, Address, Config, Ready
from vocx.lab.service.control_client import CALL_S, ControlClient
from vocx.lab.service.private_folder import PrivateFolder
from vocx.lab.service.truth import Truth
from vocx.lab.service.venue_controls import Faults, Limits, Skew, venue_command, without_none
from vocx.net import forget_host
from vocx.venues.base import Credentials

if TYPE_CHECKING:
    from vocx.lab.market.engine import Book
    from vocx.lab.service.thread import LabThread


@methods_say_their_form
class Lab:
    """An exchange in a box. Made by :func:`vocx.lab.open` and :func:`vocx.lab.attach`.

    Attributes
    ----------
    name : str
        ``"default"`` or the name it was opened with.
    network : Network
        The network dials: ``lab.network.latency(rtt_ms=80)``.
    truth : Truth
        What the engine knows: ``lab.truth.book("BTC/USDT")``.
    limits : Limits
        ``lab.limits(scale=10)``, ``lab.limits(off=True)``, ``lab.limits.advance(60)``.
    """

    def __init__(self, name: str = "default") -> None:
        self.name = name
        self.config = Config()
        self.book: type[Book] | None = None
        self.network = Network(self)
        self.truth = Truth(self)
        self.limits = Limits(self)
        self._lock = threading.RLock()
        self._child: ChildProcess | LabThread | None = None
        self._ready: Ready | None = None
        self._client: ControlClient | None = None
        self._tls: dict[str, Any] | None = None
        self._folder: PrivateFolder | None = None
        self._ended = ""
        self._attached = False
        _handles.add(self)

    # -- life ----------------------------------------------------------------------------------

    def start(self, config: Config, book: type[Book] | None = None) -> Lab:
        """Start a process behind this handle, or with an engine of one's own a thread; what runs
        ends when the new one is ready (before, where both want the same port), so a refused
        configuration costs nothing."""
        with self._lock:
            if config.port or config.control_port:
                self.close()
            child = spawn(config) if book is None else _thread(config, book)
            self.close()
            self.config, self.book, self._child = config, book, child
            for venue, purposes in child.ready.urls.items():
                forget_host(venue, purposes["rest"])
            self._join(child.ready)
            atexit.register(self.close)
        return self

    def join(self, address: Address) -> Lab:
        """Stand for a lab that someone else runs."""
        with self._lock:
            self._attached = True
            self._join(Ready(urls={}, credentials={}, control=address))
            try:
                self._ready = msgspec.convert(self.control("ready"), Ready)
                self.config = msgspec.convert(self.status()["config"], Config)
            except BaseException:
                self.close()
                raise
        return self

    def _join(self, ready: Ready) -> None:
        self._ready, self._client = ready, ControlClient(ready.control)
        self._tls, self._ended = None, ""

    @property
    def pid(self) -> int:
        """Process id of the lab."""
        return self._child.pid if self._child is not None else int(self.status()["pid"])

    @property
    def seed(self) -> int:
        """The seed of its market's path."""
        return self.config.seed

    @property
    def alive(self) -> bool:
        """Whether its process runs. Of an attached lab: whether it answers."""
        if self._client is None:
            return False
        if self._child is not None:
            return self._child.alive
        try:
            self.control("status")
        except LabError:
            return False
        return True

    def close(self) -> None:
        """End the lab (an attached one is only left). Safe to call again."""
        with self._lock:
            child, client = self._child, self._client
            self._child = self._client = self._ready = None
            self._ended = "was closed"
            if client is not None:
                client.close()
            if child is not None:
                child.stop()
                atexit.unregister(self.close)
            if self._folder is not None:
                self._folder.remove()
                self._folder = None

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._ready is None or not self.alive:
            cure = (
                "vocx.lab.attach() joins one"
                if self._attached
                else f"{self._reopening_call} starts it"
            )
            return f"<Lab {self.name!r}: not running; {cure}>"
        urls = self._ready.urls
        where = ", ".join(f"{venue} at {purposes['rest']}" for venue, purposes in urls.items())
        return f"<Lab {self.name!r}: {where}>"

    @property
    def _reopening_call(self) -> str:
        """The call that puts a process behind this handle again."""
        return "vocx.lab.open()" if self.name == "default" else f"vocx.lab.open(name={self.name!r})"

    def _death(self, cause: str = "") -> LabDied:
        if self._attached:
            how = f"the lab {self.name} was left" if self._ended else f"nobody answers {self.name}"
            return LabDied(
                f"{how}{cause}. Join one with vocx.lab.attach(url, token) (whoever runs it knows "
                "both), or open one of your own with vocx.lab.open()"
            )
        how = self._ended or "has ended" + (self._child.exit_report() if self._child else cause)
        return LabDied(
            f"the lab {self.name!r} {how}\nRun the set-up cell of your lesson, or "
            f"{self._reopening_call}, to start a new one: an exchange that holds this lab finds it "
            "by itself. Then run the cells of its streams again."
        )

    def _running(self) -> tuple[Ready, ControlClient]:
        with self._lock:
            child_gone = self._child is not None and not self._child.alive
            if self._ready is None or self._client is None or child_gone:
                raise self._death()
            return self._ready, self._client

    # -- commands ------------------------------------------------------------------------------

    def control(self, op: str, **arguments: Any) -> Any:
        """One call on the control port: an operation by name with its arguments.

        Raises
        ------
        LabDied
            When the lab is gone.
        VocxError
            What the lab says about the command: ``BadInput`` and its kin.
        """
        _, client = self._running()
        return self.control_on(client, op, **arguments)

    def control_on(self, client: ControlClient, op: str, **arguments: Any) -> Any:
        """:meth:`control` over a connection from :meth:`control_client`."""
        try:
            return client.call(op, arguments)
        except (OSError, http.client.HTTPException) as error:
            self._running()
            if isinstance(error, TimeoutError):
                raise LabError(f"the lab did not answer {op!r} within {CALL_S:.0f} s") from error
            raise self._death(f": {error}") from error

    def control_client(self) -> ControlClient:
        """A connection to the control port that belongs to the caller, who closes it."""
        ready, _ = self._running()
        return ControlClient(ready.control)

    def status(self) -> dict[str, Any]:
        """What runs, since when, and for how many clients."""
        answer: dict[str, Any] = self.control("status")
        return answer

    @property
    def over(self) -> bool:
        """Whether it plays a recording that has come to its end."""
        status = self.status()
        replay = status["replay"]
        return replay is not None and (replay["state"] == "over" or status["error"] is not None)

    @property
    def halted(self) -> str:
        """Why its market does not move, and what makes it; empty while it does.

        A recording that is over is named here, and a market that is paused.
        """
        status = self.status()
        replay, error = status["replay"], status["error"]
        if error is not None:
            return f"the replay ended: {error['text']}"
        if replay is not None and replay["state"] == "over":
            return (
                f"the recording is over, its {replay['frames']:,} frames are played; open the lab "
                "again and it is played anew"
            )
        if status["paused"]:
            return "the market is paused; lab.resume() lets it go on"
        return "" if status["pace"] else "the market stands; lab.set_pace(1) lets it go on"

    @property
    def pace(self) -> float:
        """How fast the market runs: 1.0 is the recorded session's rate, 0 is paused."""
        return float(self.status()["pace"])

    def set_pace(self, pace: float) -> None:
        """How fast the market runs from now on."""
        self.control("pace", value=pace)

    def pause(self) -> None:
        """Stop the market; connections stay open and requests are answered."""
        self.control("pause")

    def resume(self) -> None:
        """Let the market go on where it was paused."""
        self.control("resume")

    def step(self, count: int = 1) -> int:
        """Let ``count`` steps of a paused market happen; how many events they gave."""
        return int(self.control("step", count=count))

    def keepalive(self, *, scale: float, venue: str | None = None) -> Any:
        """Make pings, deadlines and the longest life of a connection so many times shorter."""
        return venue_command(self, "keepalive", venue, scale=scale)

    def shutdown(self, venue: str | None = None, *, notice_s: float | None = None) -> Any:
        """What a venue does before maintenance: it says so, then cuts every connection that it has
        now, ``notice_s`` later (``None``: as long as the venue waits; OKX a minute)."""
        given = {} if notice_s is None else {"notice_s": notice_s}
        return venue_command(self, "shutdown", venue, **given)

    def fault(self, name: str, *, venue: str | None = None, **options: Any) -> Faults:
        """Let the exchange misbehave on purpose: ``lab.fault("close", stream="*@trade")``.

        ``path=`` or ``stream=`` says where (in a lab with several venues: of which ``venue``),
        ``count=`` how often (``"all"``: until switched off). Gives what is in force, to be used
        with ``with`` if it should end with a block; a wrong name is answered with the list of
        faults.
        """
        return Faults(self, venue, name=name, **options)

    @overload
    def account(
        self,
        name: str | None = None,
        *,
        balances: Mapping[str, Any] | None = None,
        venue: str,
        **more: Any,
    ) -> Credentials: ...

    @overload
    def account(
        self,
        name: str | None = None,
        *,
        balances: Mapping[str, Any] | None = None,
        venue: None = None,
        **more: Any,
    ) -> Any: ...

    def account(
        self,
        name: str | None = None,
        *,
        balances: Mapping[str, Any] | None = None,
        venue: str | None = None,
        **more: Any,
    ) -> Any:
        """Open another account at the exchange (``name`` of one that exists: give it another
        key), and get the key pair that belongs to it: :class:`vocx.venues.base.Credentials`, or a
        mapping of them by venue where the lab has several and none is named.

        ``balances`` are free amounts by asset (text, Decimal or int) of assets that are traded
        here; left out: a decent start. ``more``: ``ed25519=True`` (the secret is then a
        private key in PEM), ``trade=False`` for a key that may only read, or ``key`` and
        ``secret`` of your own. The account called ``"default"`` is :meth:`credentials`'.

        Raises
        ------
        BadInput
            An asset does not exist here, or the balances of an account that exists were given.
        """
        if name is not None and not (isinstance(name, str) and 0 < len(name) <= 100):
            raise BadInput(f"name is {brief(name)}; write a text of 1 to 100 characters")
        amounts = None
        if balances is not None:
            if not isinstance(balances, Mapping):
                raise BadInput(f'balances are {brief(balances)}; write {{"USDT": 10_000}}')
            amounts = {
                asset: str(amount) if isinstance(amount, Decimal) else amount
                for asset, amount in balances.items()
            }
        asked = without_none(name=name, balances=amounts)
        made = self.control("account", **without_none(venue=venue), **asked, **more)
        keys = {
            one: Credentials(
                key=key["key"],
                secret=key["secret"] or "",
                passphrase=key.get("passphrase"),
                venue=one,
            )
            for one, key in (made if venue is None else {venue: made}).items()
        }
        return keys if len(keys) > 1 else next(iter(keys.values()))

    def skew(self, seconds: float | None = None, *, venue: str | None = None) -> Skew:
        """Set the exchange's clock ahead of this machine's (below 0: behind), at most a day.

        The time that it tells, what it thinks of your stamps, the times of an account's orders
        and fills and the filters by them follow; those of market data and the truth log do not.
        Gives what then holds, to be used with ``with`` if it should end with a block; without
        ``seconds`` nothing is changed.
        """
        return Skew(self, seconds, venue)

    def traffic(
        self, *, since_ns: int | None = None, ports: Iterable[int] | None = None
    ) -> list[Connection]:
        """The venues' connections with the bytes that crossed their wire, oldest first: those
        that are open, and the last 4,096 that ended (at ``since_ns`` of the monotonic clock or
        later). ``ports`` narrows it to a client's own: ``HttpCall.local_port``,
        ``StreamStats.ports``. TLS, HTTP heads and frames are in the bytes, TCP/IP headers not."""
        wanted = None if ports is None else list(ports) if isinstance(ports, Iterable) else [ports]
        if not all(isinstance(one, int) for one in wanted or ()):
            raise BadInput(f"ports are {ports!r}; write local ports, such as [call.local_port]")
        asked = without_none(since_ns=since_ns, ports=wanted)
        return msgspec.convert(self.control("traffic", **asked), list[Connection])

    @property
    def faults(self) -> Faults:
        """The faults in force; ``lab.faults.off()`` switches them off."""
        return Faults(self)

    # -- addresses -----------------------------------------------------------------------------

    @property
    def urls(self) -> dict[str, dict[str, str]]:
        """By venue and purpose: ``lab.urls["binance"]["rest"]``, ``["ws"]``, ``["ws_api"]``."""
        return self._running()[0].urls

    def url(self, venue: str, purpose: str, *, tls: bool = False) -> str:
        """One address, of this moment: ask again after a reopening."""
        urls = self.tls_urls if tls else self.urls
        purposes = self._for_venue(venue, urls)
        if purpose not in purposes:
            raise BadInput(f"{venue} has no {purpose!r} here; it has {', '.join(purposes)}")
        return purposes[purpose]

    def credentials(self, venue: str) -> Credentials:
        """The random key pair that this lab's exchange knows."""
        return Credentials(**self._for_venue(venue, self._running()[0].credentials))

    @staticmethod
    def _for_venue(venue: str, table: Mapping[str, dict[str, str]]) -> dict[str, str]:
        if not isinstance(venue, str) or venue not in table:
            raise UnknownVenue(f"this lab has no venue {brief(venue)}; it has {', '.join(table)}")
        return table[venue]

    @property
    def tls_urls(self) -> dict[str, dict[str, str]]:
        """The same addresses over https and wss. Made on first use; see :meth:`certificate`."""
        urls: dict[str, dict[str, str]] = self._tls_answer()["urls"]
        return urls

    def certificate(self) -> Path:
        """Path of the certificate of the lab's own authority, written to a private folder.

        Hand it to ``verify=`` of requests or ``cafile=`` of an SSL context. Its key never leaves
        the lab's memory; do not install it system-wide. It is removed when the lab is closed.
        """
        text = self._tls_answer()["certificate"]
        with self._lock:
            if self._folder is None:
                self._folder = PrivateFolder()
            return self._folder.write(AUTHORITY, text)

    def _tls_answer(self) -> dict[str, Any]:
        self._running()
        if self._tls is None:
            self._tls = self.control("tls")
        return self._tls


_handles: WeakSet[Lab] = WeakSet()


def _renew_locks() -> None:
    """In a fork the thread that held a lock does not exist: nobody would ever give it back."""
    for lab in _handles:
        lab._lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)


def _thread(config: Config, book: type[Book]) -> LabThread:
    """Imported when it is wanted: no client needs the exchange's side in its process."""
    from vocx.lab.service.thread import LabThread

    return LabThread(config, book)


def conflict(lab: Lab, wanted: Config, book: type[Book] | None) -> LabConflict:
    """What differs between the lab that runs and the one that is wanted."""
    now, then = msgspec.structs.asdict(lab.config), msgspec.structs.asdict(wanted)
    for one in (now, then):
        one["venues"] = tuple(one["venues"])
    unlike = [f"{key}={now[key]!r}, not {then[key]!r}" for key in now if now[key] != then[key]]
    if lab.book is not book:
        names = [one.__name__ if one is not None else "Book" for one in (lab.book, book)]
        again = f"an older {names[1]}" if names[0] == names[1] else names[0]
        unlike.append(f"book={again}, not {names[1]}")
    differs = ", ".join(unlike)
    return LabConflict(
        f"the lab {lab.name!r} is open with {differs}. Use it as it is, or write replace=True to "
        "start it anew (its connections are cut; streams reconnect by themselves)"
    )
