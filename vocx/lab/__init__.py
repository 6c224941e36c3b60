"""The lab: an exchange in a box, in a process of its own on this machine.

>>> lab = vocx.lab.open()                       # the same one each time in this kernel
>>> lab.urls["binance"]["rest"]
>>> lab.truth.book("BTC/USDT").bid
>>> with lab.network.latency(rtt_ms=80): ...
>>> lab.close()
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from vocx.arguments import brief
from vocx.call_forms import says_its_form
from vocx.errors import BadInput, LabError, RecordingError
from vocx.lab.dialects import DEFAULT, factories
from vocx.lab.service.config import Address, Config
from vocx.lab.service.handle import Lab, conflict
from vocx.lab.service.truth import Truth, TruthEvent, TruthEvents

if TYPE_CHECKING:
    from vocx.lab.market.engine import Book

__all__ = [
    "Config",
    "Lab",
    "Truth",
    "TruthEvent",
    "TruthEvents",
    "attach",
    "factories",
    "open",
    "open_for",
    "serve",
]


def __dir__() -> list[str]:
    return __all__


PathLike = str | os.PathLike[str]

_labs: dict[str, Lab] = {}
_lock = threading.Lock()


def _renew_lock() -> None:
    """In a fork the thread that held the lock does not exist."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


@says_its_form
def open(
    *,
    seed: int = 7,
    pace: float = 1.0,
    symbols: Sequence[str] | None = None,
    replay: PathLike | Sequence[PathLike] | None = None,
    speed: float | Literal["max"] = 1.0,
    skip_bad: bool = False,
    loop: bool = False,
    port: int = 0,
    control_port: int = 0,
    venues: Sequence[str] | None = None,
    replace: bool = False,
    name: str = "default",
    book: type[Book] | None = None,
) -> Lab:
    """The lab of this kernel: started, or the one that runs already. A recording that is over is
    played anew.

    Parameters
    ----------
    seed : int
        The same seed gives the same market.
    pace : float
        1.0 is the recorded session's rate; 0 starts it paused.
    symbols : sequence of str, optional
        Only these, such as ``["BTC/USDT"]``.
    replay : path or sequence of paths, optional
        Recordings to play instead: at ``speed`` (``"max"``: as fast as clients read), with
        ``skip_bad`` without their unreadable lines. ``loop`` plays them again and again: at each
        end every connection is closed with 1012 and the exchange starts anew, so that ids, the
        clock (it is the recording's), and faults and limits that were set begin from the start.
        Nobody has anything in a recording: orders, fills and balances are read as empty, and each
        venue refuses a new order in its own words.
    port, control_port : int
        0 lets the system choose; any other ``port`` is the first venue's, and the next ones are
        the others'.
    venues : sequence of str, optional
        The venues to play; left out: ``"binance"``, in a replay as well. See
        :func:`vocx.lab.dialects.register` for one of your own.
    replace, name
        Start anew when one with other arguments is open; a second lab beside the default one.
    book : type, optional
        A matching engine of your own for every symbol: a class that inherits from
        :class:`vocx.lab.market.engine.Book`. As a class cannot be sent to another process, such
        a lab runs on a thread of this one, and is slower than others.

    Raises
    ------
    BadInput
        An argument makes no sense; the text says which.
    LabConflict
        Another one is open, or a port is taken.
    LabError
        This system cannot run one (Windows, outside of WSL).
    RecordingError
        A recording is missing or corrupt; ``line`` is its first bad line.
    """
    refuse_windows()
    dialects = factories(venues) if venues is not None else {}
    config = Config(
        seed=seed,
        pace=pace,
        symbols=symbol_tuple(symbols),
        replay=recording_paths(replay),
        speed=None if speed == "max" else speed,
        skip_bad=skip_bad,
        loop=loop,
        port=port,
        control_port=control_port,
        venues=dialects,
        import_paths=import_paths(dialects.values()),
    )
    if book is not None:
        _check_engine(book, config)
    return _start_or_find(name, config, book, replace)


def _check_engine(book: object, config: Config) -> None:
    from vocx.lab.market.engine import Book

    if not (isinstance(book, type) and issubclass(book, Book)):
        raise BadInput(
            f"book is {brief(book)}; write a class that inherits from vocx.lab.market.engine.Book"
        )
    if config.replay:
        raise BadInput("a recording has no engine, only what one did; leave book= or replay= out")


def _start_or_find(name: str, config: Config, book: type[Book] | None, replace: bool) -> Lab:
    """The lab of that name, running as wanted."""
    with _lock:
        lab = _labs.get(name) or Lab(name)
        same = lab.config == config and lab.book is book
        if lab.alive and same and not (config.replay and lab.over):
            return lab
        if lab.alive and not same and not replace:
            raise conflict(lab, config, book)
        lab.start(config, book)
        _labs[name] = lab
        return lab


@says_its_form
def open_for(venue: str) -> Lab:
    """The lab in which a venue is met where no lab is named: the default one, or one of the
    venue's own where that does not play it.

    Raises
    ------
    UnknownVenue
        No lab can play it.
    """
    running = _labs.get("default")
    played = running.urls if running is not None and running.alive else DEFAULT
    return open() if venue in played else open(name=venue, venues=[venue])


@says_its_form
def serve(config: Config) -> int:
    """Run a lab in this process, alone, until Ctrl-C or SIGTERM.

    It first prints one JSON line: ``urls`` and ``credentials`` by venue, and ``control`` (``url``
    and ``token``, for :func:`attach`); with TLS also ``tls_urls`` and ``certificate``, the path of
    their authority, which is removed at the end. Gives the exit code; what could not be opened
    raises as :func:`open` does.
    """
    refuse_windows()
    from vocx.lab.service import process

    return process.run_foreground(config)


def refuse_windows() -> None:
    """Raise ``LabError`` where a lab cannot run."""
    if sys.platform == "win32":
        raise LabError(
            "the lab needs Linux or macOS (sessions, descriptors and signals of POSIX); on Windows "
            "run Jupyter in WSL: https://learn.microsoft.com/windows/wsl/install"
        )


@says_its_form
def attach(url: str, token: str) -> Lab:
    """A lab that someone else runs: a class, a terminal with ``vocx exchange``.

    ``url`` and ``token`` are what it printed as ``control``. Closing the handle leaves it running.

    Raises
    ------
    LabDied
        Nobody answers there.
    LabError
        The token is wrong.
    BadInput
        Neither can be what a lab has printed.
    """
    try:
        parts = urlsplit(url)
        fine = parts.scheme == "http" and bool(parts.hostname) and bool(parts.port)
    except (ValueError, TypeError, AttributeError):
        fine = False
    if not fine:
        raise BadInput(f"url is {brief(url)}; a lab prints one such as http://127.0.0.1:41000")
    if not isinstance(token, str) or not re.fullmatch("[!-~]+", token):
        raise BadInput("token is none that a lab prints: letters, digits and signs without blanks")
    return Lab(f"at {url}").join(Address(url=url, token=token))


def symbol_tuple(symbols: Sequence[str] | None) -> tuple[str, ...]:
    """Symbols as a tuple; one string alone is the mistake everybody makes."""
    if isinstance(symbols, str):
        raise BadInput(
            f'symbols is the text {brief(symbols)}; write a list: ["{brief(symbols)[1:-1]}"]'
        )
    if symbols is None:
        return ()
    try:
        listed = list(symbols)
    except TypeError:
        listed = [symbols]  # type: ignore[list-item]
    for one in listed:
        if not isinstance(one, str) or not one.isprintable():
            raise BadInput(f'symbols is {brief(one)}; write a list: ["BTC/USDT"]')
    return tuple(map(str, listed))


def recording_paths(replay: PathLike | Sequence[PathLike] | None) -> tuple[str, ...]:
    """Absolute paths of files that exist."""
    if replay is None:
        return ()
    if not isinstance(replay, str | os.PathLike | Sequence):
        raise BadInput(
            f"replay is {brief(replay)}; give the path of a recording, or a list of them"
        )
    several = [replay] if isinstance(replay, str | os.PathLike) else list(replay)
    found = []
    for item in several:
        if not isinstance(item, str | os.PathLike) or not str(item).isprintable():
            raise BadInput(f"replay is {brief(item)}; give the path of a recording, or several")
        path = Path(item).expanduser().resolve()
        try:
            there = path.is_file()
        except OSError:  # such as a name that is too long
            there = False
        if not there:
            raise RecordingError(f"there is no recording {path!s:.300}; give the path of a file")
        found.append(str(path))
    return tuple(found)


def import_paths(factories: Iterable[str]) -> tuple[str, ...]:
    """The folders in which the lab's process finds dialects that do not come with vocx."""
    folders = []
    for factory in factories:
        package = factory.partition(":")[0].partition(".")[0]
        if package == "vocx":
            continue
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise BadInput(f"there is no module {package!r} for the dialect {factory!r}")
        origin = Path(spec.origin).resolve()
        folders.append(str(origin.parents[1 if spec.submodule_search_locations else 0]))
    return tuple(dict.fromkeys(folders))
