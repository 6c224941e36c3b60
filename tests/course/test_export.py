"""``course.export``: what it writes runs, and what it cannot write it refuses by name."""

from __future__ import annotations

import importlib.util
import itertools
import linecache
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest

from vocx import course
from vocx.course import display
from vocx.course.standalone import Definitions
from vocx.errors import BadInput, NotAllowed
from vocx.exchange import Exchange
from vocx.facts import Trade
from vocx.hybrid import Bounds, HybridClient, SpreadMonitor, market_maker, want
from vocx.venues.base import Endpoints

ROOT = Path(__file__).resolve().parents[2]
BTC = "BTC/USDT"
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}
_numbers = itertools.count()


def cell(source: str, **names: Any) -> dict[str, Any]:
    """Run a cell as a kernel does: its names are those of ``__main__``, its lines are known."""
    file = f"<cell {next(_numbers)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    namespace = {"__name__": "__main__", "want": want, "Decimal": Decimal, **names}
    exec(compile(source, file, "exec"), namespace)
    return namespace


Notebook = Callable[..., dict[str, Any]]


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    """Runs cells in a shell that remembers them, and gives the names that they leave."""
    from IPython.core.interactiveshell import InteractiveShell

    ip = InteractiveShell()
    monkeypatch.setattr(display, "shell", lambda: ip)

    def run(*cells: str, **names: Any) -> dict[str, Any]:
        ip.user_ns.update(names)
        for source in cells:
            ip.run_cell(source, store_history=True).raise_error()
        return cast(dict[str, Any], ip.user_ns)

    return run


def load(script: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, script.stem, module)  # where a dataclass looks names up
        spec.loader.exec_module(module)
    return module


STRATEGY = '''
import math as m

STEP = Decimal("0.01")
TIMES = {"far": (20, [1.5])}


def price_behind(price, step=STEP):
    """Not the best, but near."""
    return price - TIMES["far"][0] * step * m.floor(TIMES["far"][1][0])


def strategy(view, limit):
    if not view.in_sync or view.book.bid is None or view.book.bid > limit:
        return []
    known = [one.price for one in view.orders if one.price is not None]
    return [want("buy", "0.01", known[0] if known else price_behind(view.book.bid))]
'''


@pytest.fixture
def client(exchange: Exchange, tmp_path: Path) -> HybridClient:
    """A learner's: a strategy of two arguments, with a helper and values beside it."""
    strategy = partial(cell(STRATEGY)["strategy"], limit=Decimal(1_000_000))
    bounds = Bounds(open_orders=1)
    return HybridClient(
        exchange, BTC, strategy, bounds=bounds, max_age_ms=1500, journal=tmp_path / "mine"
    )


CLASSES = (
    """
from dataclasses import dataclass
from decimal import Decimal

from vocx.hybrid import Bounds, HybridClient, SpreadMonitor, want


@dataclass
class Size:
    most: Decimal


class Quoter:
    \"\"\"What any of them needs.\"\"\"

    side = "buy"

    def __init__(self, size, behind):
        self.size, self.behind, self.looks = size, behind, 0

    def price(self, best):
        return best - self.behind * STEP
""",
    """
STEP = Decimal("0.01")
SMALL = Size(most=Decimal("0.01"))


class Patient(Quoter):
    def __call__(self, view):
        self.looks += 1
        if not view.in_sync or view.book.bid is None:
            return []
        known = [one.price for one in view.orders if one.price is not None]
        price = known[0] if known else super().price(view.book.bid)
        return [want(self.side, self.size.most, price)]
""",
    "patient = Patient(SMALL, behind=20)\nnot_this_one = Patient(SMALL, behind=2)",
)


@pytest.fixture
def script(client: HybridClient, tmp_path: Path) -> Path:
    return course.export(client, tmp_path / "my_bot.py")


def test_the_tests_that_are_written_pass(
    exchange: Exchange,
    script: Path,
    notebook: Notebook,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A learner's clients, with a function and with an object of a class, and a stream of two
    symbols, in a pytest of their own, where connections are reset."""
    patient = notebook(*CLASSES)["patient"]
    made = HybridClient(exchange, BTC, patient, journal=tmp_path / "theirs")
    course.export(made, tmp_path / "my_class.py")
    with exchange.stream("book", "candles", symbols=[BTC, "ETH/USDT"], interval="1m") as stream:
        course.export(stream, tmp_path / "my_stream.py")
    assert "Try: python my_stream.py lab; pytest test_my_stream.py" in capsys.readouterr().out
    plugins = ("-p", "vocx.pytest_plugin", "-p", "no:cacheprovider", "-W", "error")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, str(tmp_path)],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0 and "5 passed" in done.stdout, done.stdout + done.stderr


def test_a_script_in_the_lab_ends_with_ctrl_c(script: Path, tmp_path: Path) -> None:
    """Without Jupyter, from any folder; a lab's journal does not stay."""
    process = subprocess.Popen(
        [sys.executable, str(script), "lab"],
        cwd=tmp_path.parent,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("running: 1 orders"):
                break
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert process.returncode == 0 and rest.endswith("Stopped.\n"), rest
    assert not list(tmp_path.glob("*.jsonl"))


def test_one_argument_says_where(
    exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The market maker of lesson 06: at the testnet it trades with that key; at the real venue
    only within a bound in the file, and with another key. (A lab stands for both here.) The
    journal is beside the script."""
    lab = exchange.lab
    assert lab is not None
    there = Endpoints(urls=exchange.venue.derive_urls(lab.urls["binance"]))
    places = {"testnet": there, "real": there}
    monkeypatch.setattr(type(exchange.venue), "environments", places)
    maker = market_maker("0.01", tick=Decimal("0.01"), distance_ticks=0)
    made = load(course.export(HybridClient(exchange, BTC, maker), tmp_path / "maker.py"))
    key = lab.credentials("binance")
    monkeypatch.setenv("VOCX_BINANCE_TESTNET_KEY", key.key)
    monkeypatch.setenv("VOCX_BINANCE_TESTNET_SECRET", key.secret)

    def interrupt(line: str, **_: Any) -> None:
        if re.match(r"running: [1-9]", line):
            raise KeyboardInterrupt

    monkeypatch.setattr(made, "print", interrupt, raising=False)
    mark = lab.truth.events(None).next
    with pytest.raises(KeyboardInterrupt):
        made.at("testnet", 60.0)
    assert lab.truth.events(mark, kind="order") and exchange.open_orders(BTC) == []
    with pytest.raises(SystemExit, match="write one for MAX_NOTIONAL"):
        made.at("real", 60.0)
    made.MAX_NOTIONAL = "50"
    with pytest.raises(NotAllowed, match="VOCX_BINANCE_KEY"):
        made.at("real", 60.0)
    assert [one.name for one in tmp_path.glob("*.jsonl")] == ["maker-testnet.jsonl"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("strategy = lambda view: []", "a lambda has no name"),
        ("def strategy(view):\n    return stream.quote()", "strategy .stream. is .* .object."),
        ("def strategy(view):\n    return undefined", "uses 'undefined', which does not exist"),
        ("def run():\n    ...\ndef strategy(view):\n    return run()", "'run', which the script"),
        (
            "def make():\n    class Mine:\n        ...\n    return Mine\nMine = make()\n"
            "def strategy(view):\n    return Mine()",
            "the class 'Mine' is made inside of a function",
        ),
        (
            "Mine = type('Mine', (), {})\ndef strategy(view):\n    return Mine()",
            "the lines of the class 'Mine' are not known",
        ),
        ("many = list(range(10_000))\ndef strategy(view):\n    many", "letters long"),
        ("many = []\nmany.append(many)\ndef strategy(view):\n    many", "many"),
        ("exec('def strategy(view): ...')", "the lines of strategy are not known"),
    ],
)
def test_what_no_script_can_have_is_refused_by_name(
    exchange: Exchange, tmp_path: Path, source: str, said: str
) -> None:
    """And nothing is written."""
    strategy = cell(source, stream=object())["strategy"]
    client = HybridClient(exchange, BTC, strategy, journal=tmp_path / "mine")
    with pytest.raises(BadInput, match=said):
        course.export(client, tmp_path / "my_bot.py")
    assert not list(tmp_path.glob("*.py"))


def test_an_object_is_written_as_it_was_made(
    exchange: Exchange, notebook: Notebook, tmp_path: Path
) -> None:
    """By the cell that named it, with the classes and values that it needs, and not what it has
    become; of the package's classes no more than the import."""
    names = notebook(*CLASSES, exchange=exchange, journal=tmp_path / "mine")
    patient = names["patient"]
    patient.looks = 10_000
    client = HybridClient(exchange, BTC, patient, journal=tmp_path / "mine")
    text = course.export(client, tmp_path / "patient.py").read_text()
    made = load(tmp_path / "patient.py")
    strategy = made.make_client(exchange, tmp_path / "its").strategy
    assert (strategy.looks, strategy.behind, strategy.size.most) == (0, 20, Decimal("0.01"))
    assert "not_this_one" not in text and text.count("10000") == 0
    client = HybridClient(exchange, BTC, patient.__call__, journal=tmp_path / "mine")
    assert (
        "Patient(SMALL, behind=20).__call__,"
        in course.export(client, tmp_path / "method.py").read_text()
    )
    client = notebook(
        'client = HybridClient(exchange, "BTC/USDT", SpreadMonitor("0.01"), journal=journal)'
    )["client"]
    text = course.export(client, tmp_path / "monitor.py").read_text()
    assert "SpreadMonitor('0.01')," in text and "class " not in text
    assert "from vocx.hybrid import Bounds, HybridClient, SpreadMonitor\n" in text


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("one = Patient(SMALL, 1); two = Patient(SMALL, 2); mine, two = two, 5", "or several do"),
        (
            "mine = [Patient][0](SMALL, 1)",
            "no cell says how, or several do. Make it by a statement",
        ),
        ("mine = Patient(SMALL, exchange.quote('BTC/USDT').bid)", r"\(exchange\) is .*Exchange"),
        ("mine = Patient(*[one for one in (SMALL, 1)])", ""),
        ("mine = Patient(SMALL, 1)\nclass Patient: ...", "or several do"),
    ],
)
def test_an_object_that_cannot_be_made_anew_is_refused(
    exchange: Exchange, notebook: Notebook, tmp_path: Path, source: str, said: str
) -> None:
    """Where no statement says how it was made, or what it was made of cannot be had; the text says
    what to do."""
    mine = notebook(*CLASSES[:2], source, exchange=exchange)["mine"]
    client = HybridClient(exchange, BTC, mine, journal=tmp_path / "mine")
    if not said:
        assert course.export(client, tmp_path / "my_bot.py").is_file()
        return
    with pytest.raises(BadInput, match=said):
        course.export(client, tmp_path / "my_bot.py")
    assert not list(tmp_path.glob("*.py"))


def test_only_streams_and_clients_are_written(exchange: Exchange, tmp_path: Path) -> None:
    """Nor is an object whose making no cell tells, as there is no notebook here."""
    for built, said in ((exchange, "no stream and no hybrid client"), (None, "None is no stream")):
        with pytest.raises(BadInput, match=said):
            course.export(built, tmp_path / "my_bot.py")
    monitor = HybridClient(exchange, BTC, SpreadMonitor("0.01"), journal=tmp_path / "mine")
    with pytest.raises(BadInput, match="the strategy is .* .SpreadMonitor."):
        course.export(monitor, tmp_path / "my_bot.py")


def test_your_files_are_never_overwritten_unasked(client: HybridClient, script: Path) -> None:
    """The same again is fine; an edited script, or a test of yours, stays."""
    course.export(client, script)
    test = script.with_name("test_my_bot.py")
    for edited in (script, test):
        before = edited.read_text()
        edited.write_text("mine")
        with pytest.raises(BadInput, match=f"{edited.name} is there already"):
            course.export(client, script)
        assert edited.read_text() == "mine"
        course.export(client, script, overwrite=True)
        assert edited.read_text() == before


@pytest.mark.parametrize("name", ["my-bot.py", "bot", "random.py", "test_bot.py", "vocx.py", 5])
def test_names_that_cannot_be_imported_are_refused(client: HybridClient, name: Any) -> None:
    """Nor those that hide another module."""
    with pytest.raises(BadInput):
        course.export(client, name)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -3,
        0.1,
        "it's",
        'say "no"\n',
        b"\x00",
        Decimal("1E-7"),
        Decimal("NaN"),
        [],
        set(),
        {1},
        (),
        (1,),
        {"a": [1, (2, {"b": None})]},
        Bounds(open_orders=2, position=Decimal(1)),
        Trade(symbol=BTC, price=Decimal(1), quantity=Decimal(2), side="buy", arrived_ns=5),
    ],
    ids=repr,
)
def test_values_come_back_as_they_were(value: Any) -> None:
    """What is written of a plain value is that value."""
    definitions = Definitions([])
    text = definitions.expression(value, "it")
    namespace: dict[str, Any] = {}
    exec(definitions.imports, namespace)
    assert str(eval(text, namespace)) == str(value)
