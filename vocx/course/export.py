"""``course.export``: what was built in a notebook as a script of its own, with a test beside it.

The script runs without Jupyter, at the lab, the testnet or the real venue by its one argument; the
test runs it in a lab of its own (:mod:`vocx.pytest_plugin`), where connections are reset.
"""

from __future__ import annotations

import sys
from pathlib import Path
from string import Template

import vocx
from vocx import credentials, distribution
from vocx.arguments import brief
from vocx.course import script_templates as templates
from vocx.course.cell_sources import CellSources
from vocx.course.standalone import Definitions, quoted
from vocx.errors import BadInput
from vocx.hybrid import HybridClient
from vocx.stream import Stream
from vocx.venues.base import ChannelSpec, Venue

PathLike = str | Path
TAKEN = sys.stdlib_module_names | {"vocx", "pytest", "conftest", "requests"}
"""Names of modules that a script of this name would hide."""


def export(built: object, path: PathLike = "my_bot.py", *, overwrite: bool = False) -> Path:
    """Write a stream or a hybrid client as a script that runs without a notebook, and its test.

    ``python my_bot.py lab`` runs it; ``testnet`` and ``real`` instead of ``lab`` are the other
    places. A client brings its strategy, with the functions, classes and plain values that it uses,
    as they are now; an object of a class (``SpreadMonitor("0.01")``) is made anew, by the call with
    which a cell made it. Orders at the real venue need a bound that you write into the script.

    Parameters
    ----------
    built : Stream or HybridClient
        What ``exchange.stream(...)`` or :class:`~vocx.hybrid.HybridClient` gave, running or not.
    path : path
        Of the script; its test is ``test_<name>`` beside it.
    overwrite : bool
        Replace files of these names that say something else.

    Returns
    -------
    Path
        The script.

    Raises
    ------
    BadInput
        It is neither; the strategy uses what no script can have, such as a running stream (the
        text names it); a file of yours is in the way.

    Examples
    --------
    >>> course.export(client, "my_bot.py")
    """
    script = _script_path(path)
    if isinstance(built, Stream):
        text, test = _stream(built, script)
    elif isinstance(built, HybridClient):
        text, test = _client(built, script)
    else:
        raise BadInput(
            f"{brief(built)} is no stream and no hybrid client; give what exchange.stream(...) or "
            "HybridClient(...) gave"
        )
    beside = script.with_name(f"test_{script.name}")
    _write({script: text, beside: test}, overwrite)
    print(f"Wrote {script} and {beside.name}. Try: python {script.name} lab; pytest {beside.name}")
    return script


def _script_path(path: PathLike) -> Path:
    if not isinstance(path, str | Path):
        raise BadInput(f'path is {brief(path)}; write a name such as "my_bot.py"')
    script = Path(path).expanduser()
    name = script.stem
    if script.suffix != ".py" or not (name.isidentifier() and name.isascii()):
        raise BadInput(f'{brief(script.name)} is no name of a script; write one like "my_bot.py"')
    if name in TAKEN or name.startswith("test_"):
        raise BadInput(f"{script.name} is the name of something else; take another one")
    return script


def _write(files: dict[Path, str], overwrite: bool) -> None:
    """Both files, or neither where one of another content is in the way."""
    for path, text in files.items():
        try:
            if not overwrite and path.exists() and path.read_text(encoding="utf-8") != text:
                raise BadInput(
                    f"{path} is there already and says something else; take another name, or write "
                    "overwrite=True"
                )
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"{path} is there already and cannot be read: {error}") from None
    for path, text in files.items():
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise BadInput(f"{path} cannot be written: {error.strerror}") from None


def _stream(stream: Stream, path: Path) -> tuple[str, str]:
    """The script of a stream and its test."""
    channels = tuple(dict.fromkeys(one.channel for one in stream.channels))
    symbols = tuple(dict.fromkeys(one.symbol for one in stream.channels if one.symbol))
    definitions = Definitions(templates.STREAM_NAMES)
    for module in ("argparse", "signal", "sys", "vocx"):
        definitions.imported(module)
    definitions.imported("vocx", "Exchange", "Stream")
    definitions.imported("vocx.errors", "VocxError")
    settings = {
        "CHANNELS": channels,
        "SYMBOLS": symbols,
        "OPTIONS": _options(stream.venue, stream.channels),
    }
    lines = [f"{key} = {definitions.expression(one, key)}" for key, one in settings.items()]
    script = _script(
        "A stream",
        stream.venue,
        path,
        testnet="what its practice market says",
        real="public data; an account's channels need a key in the environment",
        settings="\n".join(lines),
        definitions=definitions,
        functions=templates.STREAM,
    )
    return script, _test(path, templates.STREAM_TEST)


def _options(venue: Venue, channels: tuple[ChannelSpec, ...]) -> dict[str, object]:
    """What ``exchange.stream`` was told besides; what every stream has by default is left out."""
    found: dict[str, object] = {}
    for one in channels:
        usual = ChannelSpec(channel=one.channel, symbol=one.symbol, interval=one.interval)
        usual = venue.validate_channel(usual)
        for name in ("interval", "depth", "cadence_ms"):
            value = getattr(one, name)
            if value is not None and (name == "interval" or value != getattr(usual, name)):
                found[name] = value
    return found


def _client(client: HybridClient, path: Path) -> tuple[str, str]:
    """The script of a hybrid client and its test."""
    venue = client.exchange.venue
    definitions = Definitions(templates.CLIENT_NAMES, CellSources.of_kernel())
    for module in ("argparse", "math", "signal", "sys", "tempfile", "time", "vocx"):
        definitions.imported(module)
    definitions.imported("pathlib", "Path")
    definitions.imported("vocx", "Exchange")
    definitions.imported("vocx.errors", "VocxError")
    definitions.imported("vocx.hybrid", "Bounds", "HybridClient")
    bounds = definitions.expression(client.bounds, "bounds")
    strategy = definitions.expression(client.strategy, "the strategy")
    options = ("max_age_ms", "every_s", "depth", "when_stale", "via")
    given = [
        f"        {name}={definitions.expression(getattr(client, name), name)},\n"
        for name in options
    ]
    script = _script(
        "A hybrid client",
        venue,
        path,
        testnet=f"play money; {_key(venue, 'testnet')}",
        real=f"REAL ORDERS, within a bound; {_key(venue, 'real')}",
        settings=(
            f"SYMBOL = {quoted(client.symbol)}\nBOUNDS = {bounds}\nMAX_NOTIONAL = None\n"
            '"""The largest order at the real venue, such as "50" (dollars); None: no orders."""'
        ),
        definitions=definitions,
        functions=templates.CLIENT.substitute(strategy=strategy, options="".join(given)),
    )
    return script, _test(path, templates.CLIENT_TEST)


def _script(
    title: str,
    venue: Venue,
    path: Path,
    *,
    testnet: str,
    real: str,
    settings: str,
    definitions: Definitions,
    functions: str,
) -> str:
    practice = venue.environments.get("testnet")
    return templates.SCRIPT.substitute(
        title=title,
        venue=venue.name,
        version=vocx.__version__,
        file=path.name,
        testnet=testnet if practice is not None and practice.urls else "this venue has none",
        real=real,
        package=distribution.NAME,
        repository=distribution.REPOSITORY,
        imports=definitions.imports.rstrip(),
        body="\n\n\n".join(one.strip() for one in (settings, definitions.text, functions) if one),
    )


def _key(venue: Venue, where: str) -> str:
    return f"a key in {credentials.prefix(venue.name, where)}KEY"


def _test(path: Path, tests: Template) -> str:
    module = path.stem
    return templates.TEST.substitute(
        file=path.name, module=module, tests=tests.substitute(module=module).lstrip()
    )
