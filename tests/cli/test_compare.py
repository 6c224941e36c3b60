"""``vocx compare``: one run in a lab of its own, and how it is shown at any width."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from vocx import measure
from vocx.cli import compare
from vocx.errors import BadInput
from vocx.measure import Article

COMMAND = [sys.executable, "-m", "vocx", "compare"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=90)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compare") / "kept"


@pytest.fixture(scope="module")
def done(kept: Path) -> subprocess.CompletedProcess[str]:
    """The shortest comparison there is."""
    return run("--rtt", "0", "20", "--seconds", "2", "--seed", "3", "--json", "-o", str(kept))


@pytest.fixture
def said(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def found(done: subprocess.CompletedProcess[str], kept: Path) -> Article:
    made = measure.load(f"{kept}.json")
    assert isinstance(made, Article)
    return made


def test_json_is_one_object_with_everything(said: dict[str, Any]) -> None:
    """What was asked, on which machine and versions, and each number with its interval."""
    assert said["seed"] == 3 and said["parameters"]["rtts"] == [0, 20]
    assert said["versions"]["vocx"] == said["vocx"] and "cores" in said["machine"]
    assert len(said["article"]) == 8 and len(said["ages"]) == 12
    mean = said["ages"][0]["age_mean_ms"]
    assert mean["low"] <= mean["value"] <= mean["high"] and mean["n"] > 1
    assert set(said["measured"]) == {"calls", "traffic", "fills", "orders", "code_size"}
    assert said["conditions"]["fills"]["rtt_ms"] == 20


def test_nothing_is_left_unmeasured(said: dict[str, Any]) -> None:
    """Eight rows, both protocols, each with what it comes to."""
    for row in said["article"]:
        assert "not measured" not in (row["measured_REST"], row["measured_WebSocket"])
        assert row["so"] and row["source"]


def test_only_the_object_is_on_stdout(done: subprocess.CompletedProcess[str]) -> None:
    """Somebody pipes it; without a terminal there is no progress either."""
    assert done.stdout.count("\n") == 1
    assert done.stderr.startswith("kept in ") and done.stderr.count("\n") == 1


def test_another_venue_is_compared_by_its_own_documentation() -> None:
    """``--venue``: measured there, and nothing is said that another one documents."""
    shown = run("--venue", "okx", "--rtt", "0", "--seconds", "2")
    assert shown.returncode == 0, shown.stderr
    assert "OKX API guide" in shown.stdout and "Binance" not in shown.stdout
    assert "stream quotes" in shown.stdout and "not measured" not in shown.stdout


def test_distance_is_in_the_numbers(found: Article) -> None:
    """20 ms away everything is at least half of it old, and a call takes at least all of it. A
    machine with other work adds to either, near or far: how much it is without is held by
    ``tests/measure/test_freshness.py``, which tries again."""
    sweep = found.parts.sweep
    assert sweep is not None
    far = sweep.at(20)
    assert far.find(measure.Push("quotes")).age.mean.value > 9 and far.call_ms >= 20


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_it_is_readable_at_any_width(found: Article, width: int) -> None:
    """Nothing is cut: every sentence and every distance is there."""
    out = io.StringIO()
    compare.show(found, on=Console(file=out, width=width, highlight=False))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= width and "…" not in text
    short = {word for row in found.rows() for word in row["so"].split()}
    assert short <= set(text.split())
    assert text.count("0 ms away") >= 2 and "20 ms away" in text


def test_full_shows_p99(found: Article) -> None:
    """A line more in each cell."""
    texts = []
    for full in (False, True):
        out = io.StringIO()
        compare.show(found, full=full, on=Console(file=out, width=100, highlight=False))
        texts.append(out.getvalue())
    assert "p99" not in texts[0] and texts[1].count("p99") == 1 + 6


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["0", "20", "80"], [0, 20, 80]),
        (["0,20,80"], [0, 20, 80]),
        (["35.5"], [35.5]),
        ([], [0, 20, 80, 200]),
    ],
)
def test_distances_of_a_command_line(words: list[str], wanted: list[float]) -> None:
    """Several after one option, or with commas."""
    assert compare.distances(words) == wanted


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["near"], "write milliseconds there and back"),
        (["nan"], "from 0 to 2000"),
        (["5000"], "from 0 to 2000"),
        (["20", "20"], "twice"),
        ([str(one) for one in range(9)], "at most 8"),
    ],
)
def test_distances_that_cannot_be_measured(words: list[str], text: str) -> None:
    """Refused before a lab is opened."""
    with pytest.raises(BadInput, match=text):
        compare.distances(words)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--rtt", "far"], "vocx: --rtt is 'far'; write milliseconds"),
        (["--seconds", "1"], "vocx: --seconds is 1; write 2 to 300"),
        (["20", "80"], "numbers are for --rtt"),
        (["-o", "/nowhere/at/all"], "vocx: there is no folder /nowhere/at"),
        (["-o", "."], "vocx: . is a folder; give a file in it"),
        (["-o", "/proc/kept.json"], "vocx: /proc/kept.json cannot be written"),
    ],
)
def test_bad_input_gets_a_line(arguments: list[str], text: str) -> None:
    """At once, and no traceback."""
    failed = run(*arguments)
    said = " ".join(failed.stderr.replace("│", " ").split())
    assert failed.returncode in (1, 2) and text in said and "Traceback" not in said


def test_a_file_is_not_lost(tmp_path: Path) -> None:
    """One that exists is refused before a minute is spent."""
    there = tmp_path / "there.json"
    there.write_text("mine")
    with pytest.raises(BadInput, match="--overwrite"):
        compare.output_path(tmp_path / "there", overwrite=False)
    assert compare.output_path(there, overwrite=True) == there and there.read_text() == "mine"


def test_a_result_that_cannot_be_kept_is_shown(found: Article, kept: Path, tmp_path: Path) -> None:
    """A full disk costs the file, not the minute: table, one line, code 1, the old file whole."""
    there = tmp_path / "there.json"
    there.write_text("mine")
    code = (
        "import resource, sys\n"
        "from vocx import measure\n"
        "from vocx.cli import compare, main\n"
        f"found = measure.load({str(kept) + '.json'!r})\n"
        "compare.run = lambda plan: found\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "main()\n"
    )
    arguments = ["compare", "-o", str(there), "--overwrite"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60
    )
    assert (
        done.returncode == 1 and done.stderr == f"vocx: {there} cannot be written: File too large\n"
    )
    assert "AGE OF THE PRICE" in done.stdout
    assert there.read_text() == "mine" and list(tmp_path.iterdir()) == [there]


def test_an_interrupt_leaves_nothing() -> None:
    """Ctrl-C in the middle of a measurement: one line, and the lab's process is gone."""
    code = (
        "import sys, vocx.lab\n"
        "from vocx import measure\n"
        "from vocx.cli import app\n"
        "real = measure.article\n"
        "def told(exchange, **more):\n"
        "    say = more['progress']\n"
        "    def begun(what): say(what); print(exchange.lab.pid, flush=True, file=sys.__stdout__)\n"
        "    return real(exchange, **{**more, 'progress': begun})\n"
        "measure.article = told\n"
        "app(['compare', '--rtt', '0'])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None and process.stderr is not None
        pid = int(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr.read().startswith("vocx: stopped; the lab is closed")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
