"""The ``vocx`` command: the lessons on disk, JupyterLab on them, and the exchange alone."""

from __future__ import annotations

import inspect
import json
import os
import re
import resource
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from typer.testing import CliRunner
from urllib3.util import Retry

import vocx
from vocx import errors, venues
from vocx.cli import app, lessons, notebooks
from vocx.cli.app import exchange as exchange_command
from vocx.cli.app import show
from vocx.lab.dialects import BUILT_IN
from vocx.lab.service.config import TOKEN_HEADER
from vocx.recording import read

COMMAND = [sys.executable, "-m", "vocx"]


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=60, **options
    )


@pytest.fixture
def started() -> Iterator[Any]:
    """Start ``vocx`` in the background; ended by a signal to its own process only."""
    made: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **options: Any) -> subprocess.Popen[str]:
        made.append(
            subprocess.Popen(
                [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        )
        return made[-1]

    yield start
    for process in made:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Lessons as a wheel would bring them."""
    folder = tmp_path / "packaged"
    (folder / "pictures").mkdir(parents=True)
    (folder / lessons.FIRST).write_text("one")
    (folder / "pictures" / "a.png").write_text("picture")
    return folder


def actions(done: list[lessons.Done]) -> list[str]:
    return [one.action for one in done]


def test_lessons_are_written_once(source: Path, tmp_path: Path) -> None:
    """A second run changes nothing."""
    mine = tmp_path / "mine"
    assert actions(lessons.copy(source, mine)) == ["written", "written"]
    assert actions(lessons.copy(source, mine)) == ["kept", "kept"]
    assert (mine / "pictures" / "a.png").read_text() == "picture"


def test_an_unedited_lesson_is_updated(source: Path, tmp_path: Path) -> None:
    """What nobody touched follows the package."""
    mine = tmp_path / "mine"
    lessons.copy(source, mine)
    (source / lessons.FIRST).write_text("two")
    assert "updated" in actions(lessons.copy(source, mine))
    assert (mine / lessons.FIRST).read_text() == "two"


def test_an_edit_is_never_lost(source: Path, tmp_path: Path) -> None:
    """The edited file stays; the new version lies beside it, once, under a clear name."""
    mine = tmp_path / "mine"
    lessons.copy(source, mine)
    (mine / lessons.FIRST).write_text("my edit")
    assert "kept" in actions(lessons.copy(source, mine))
    (source / lessons.FIRST).write_text("two")
    assert "beside" in actions(lessons.copy(source, mine, version="0.2"))
    assert "beside" not in actions(lessons.copy(source, mine, version="0.2"))
    assert (mine / lessons.FIRST).read_text() == "my edit"
    assert (mine / "00_start_here-version-0.2.ipynb").read_text() == "two"


def test_a_file_that_was_there_before_is_an_edit(source: Path, tmp_path: Path) -> None:
    """Without a manifest, or with a broken one, nothing of the learner's is replaced."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / lessons.FIRST).write_text("something of mine")
    (mine / lessons.MANIFEST).write_text("{broken")
    lessons.copy(source, mine)
    assert (mine / lessons.FIRST).read_text() == "something of mine"


def test_a_folder_that_cannot_be_written_is_said(source: Path, tmp_path: Path) -> None:
    """With what to write instead."""
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.BadInput, match="--folder"):
        lessons.copy(source, tmp_path / "file")


def test_jupyter_opens_the_first_lesson(tmp_path: Path) -> None:
    """Root, first page, and a port that is meant exactly."""
    command = notebooks.arguments(tmp_path, browser=False, port=9999)
    assert f"--ServerApp.root_dir={tmp_path}" in command and "--no-browser" in command
    assert "--LabApp.default_url=/lab/tree/00_start_here.ipynb" in command
    assert {"--port=9999", "--ServerApp.port_retries=0"} <= set(command)


def test_a_missing_extra_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with the command that mends it."""
    monkeypatch.setattr(notebooks, "find_spec", lambda name: None)
    with pytest.raises(errors.BadInput, match=r"-m pip install .*\[notebooks\]"):
        notebooks.require_jupyter()


def test_jupyterlab_runs_in_place_of_the_command(started: Any, tmp_path: Path) -> None:
    """``vocx`` becomes JupyterLab on the learner's copy, asks nothing about news, and ends on
    SIGTERM like any process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = started("--no-browser", "--port", str(port), "--folder", str(tmp_path / "mine"))
    url = line_with(process, rf"(http://\S*:{port}/\S*token=\w+)")
    with requests.Session() as session:  # the address is printed a moment before it listens
        session.mount("http://", HTTPAdapter(max_retries=Retry(connect=9, backoff_factor=0.05)))
        page = session.get(url, timeout=20).text
    config = json.loads(re.search(r"jupyter-config-data[^>]*>(.*?)</script>", page, re.S)[1])  # type: ignore[index]
    assert "@jupyterlab/apputils-extension:announcements" in config["disabledExtensions"]
    assert config["serverRoot"] == str(tmp_path / "mine")
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0


def line_with(process: subprocess.Popen[str], pattern: str) -> str:
    """The first group of the first line that matches, within 30 seconds."""
    watchdog = threading.Timer(30, process.kill)
    watchdog.start()
    seen = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            seen.append(line)
            if found := re.search(pattern, line):
                return found[1]
    finally:
        watchdog.cancel()
    raise AssertionError(f"no {pattern} in {''.join(seen)}")


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    """No page of log, no other port by surprise."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("--no-browser", "--port", port, "--folder", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith(f"vocx: port {port}") and done.stderr.count("\n") == 1


def test_exchange_prints_one_json_line_and_ends_on_ctrl_c(started: Any) -> None:
    """The lab alone: URLs and keys for any client, in any language."""
    process = started("exchange", "--pace", "0")
    hello = json.loads(line_with(process, r"^(\{.*\})$"))
    urls = hello["urls"]["binance"]
    assert set(urls) == {"rest", "ws", "ws_api"} and set(hello["credentials"]["binance"])
    assert requests.get(urls["rest"] + "/api/v3/ping", timeout=5).json() == {}
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0


def test_a_lab_that_runs_is_recorded(started: Any, tmp_path: Path) -> None:
    """The one that is traded in, by its control; without the token nothing is written."""
    hello = json.loads(line_with(started("exchange", "--venue", "okx"), r"^(\{.*\})$"))
    control, path = hello["control"], tmp_path / "a.gz"
    asked = ["record", "--venue", "okx", "--seconds", "0.5", "-o", str(path)]
    refused = run(*asked, "--lab", control["url"])
    assert refused.returncode == 1 and "--token" in refused.stderr and not path.exists()
    refused = run(*asked, "--token", control["token"])
    assert refused.returncode == 1 and "--lab" in refused.stderr and not path.exists()
    done = run(*asked, "--lab", control["url"], "--token", control["token"])
    assert done.returncode == 0 and path.stat().st_size > 0


def test_the_server_finds_our_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """In its terminals and as ``!vocx``, though the environment was never activated."""
    monkeypatch.setenv("PATH", "/usr/bin")
    first, rest = notebooks.environment()["PATH"].split(os.pathsep, 1)
    assert Path(first) == Path(sys.executable).parent and rest == "/usr/bin"


def test_exchange_says_what_it_prints_and_takes() -> None:
    """Its help names every venue and the token's header, and breaks no line at 80 columns."""
    told = CliRunner().invoke(app, ["exchange", "--help"], terminal_width=80).stdout
    assert all(venue in told for venue in BUILT_IN) and TOKEN_HEADER in told
    said = inspect.getdoc(exchange_command)
    assert said is not None
    for line in said.replace("\b", "").splitlines():
        assert line in told, line


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["exchange", "--replay", "nowhere.gz"], 1, "no recording"),
        (["exchange", "--speed", "fast"], 1, "max"),
        (["exchange", "stray.gz"], 2, "--replay"),
        (["exchange", "--port", "70000"], 2, "65535"),
        (["exchnage"], 2, "exchnage"),
        (["record", "btcusdt", "--seconds", "1"], 1, "BTC/USDT"),
        (["record", "--where", "moon"], 1, "testnet"),
        (["record", "--venue", "bybut"], 1, "bybit"),
    ],
)
def test_wrong_input_is_short(arguments: list[str], code: int, words: str, tmp_path: Path) -> None:
    """Bad usage ends with 2, what cannot be done with 1; never a traceback."""
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == code and words in done.stderr
    assert "Traceback" not in done.stderr and not list(tmp_path.iterdir())


@pytest.mark.parametrize("venue", venues.names())
def test_a_recording_is_made(venue: str, tmp_path: Path) -> None:
    """From the lab, with the command that plays it."""
    path = tmp_path / "a.gz"
    done = run("record", "--seconds", "0.5", "-o", str(path), "--venue", venue)
    assert done.returncode == 0 and f"vocx exchange --venue {venue} --replay {path}" in done.stdout
    assert path.stat().st_size > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["btcusdt"], "BTC/USDT"),
        (["BTC/USDT", "ETH-USDT"], "ETH/USDT"),
        (["--channel", "trade"], "trades"),
        (["--channel", "orders"], "account"),
        (["-o", "nowhere/a.gz"], "no folder nowhere"),
        (["-o", "there.gz"], "there.gz exists"),
    ],
)
def test_what_cannot_be_recorded_opens_no_lab(
    arguments: list[str], words: str, tmp_path: Path
) -> None:
    """Names and path are looked at first: one line, and none that says where it is."""
    (tmp_path / "there.gz").write_bytes(b"")
    done = run("record", "--venue", "okx", "--seconds", "1", *arguments, cwd=tmp_path)
    assert done.returncode == 1 and words in done.stderr and done.stderr.count("\n") == 1
    assert done.stdout == "" and [one.name for one in tmp_path.iterdir()] == ["there.gz"]


def limited(size: int) -> Callable[[], None]:
    """Let no file grow beyond so many bytes, as on a disk that is full."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_recording_on_a_full_disk(tmp_path: Path) -> None:
    """One line, code 1, and what was written before is kept, named and can be played."""
    path = tmp_path / "full.gz"
    done = run("record", "--seconds", "20", "-o", str(path), preexec_fn=limited(60_000))
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    found = re.search(r"first ([\d,]+) lines are kept", done.stderr)
    assert found and done.stderr.startswith(f"vocx: {path} cannot be written on: ")
    assert len(list(read([path]))) == int(found[1].replace(",", ""))


@pytest.mark.parametrize("path", [os.devnull, "/dev/full", "."])
def test_a_recording_onto_something_else(path: str, tmp_path: Path) -> None:
    """Refused with one line, also with ``--overwrite``."""
    mode = os.stat(path).st_mode
    done = run("record", "--seconds", "1", "--overwrite", "-o", path, cwd=tmp_path)
    assert done.returncode in (1, 2) and os.stat(path).st_mode == mode
    assert "no regular file" in done.stderr or "is a directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_printed_command_can_be_pasted(tmp_path: Path) -> None:
    """Also where the name of the file has blanks and quotes; it plays the recording."""
    name = "it's my $HOME.gz"
    done = run("record", "--seconds", "0.5", "-o", name, "--venue", "bybit", cwd=tmp_path)
    command = done.stdout.rpartition("play it with: ")[2].strip()
    assert shlex.split(command)[-1] == name
    script = f'vocx() {{ exec {shlex.join(COMMAND)} "$@"; }}\n{command}'
    process = subprocess.Popen(
        ["bash", "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert "bybit" in json.loads(line_with(process, r"^(\{.*\})$"))["urls"]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 0


def test_doctor_in_its_forms(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table for people, JSON for machines; the exit code says whether lessons can run."""
    from vocx import doctor

    broken = doctor.Finding(name="the lab", status="broken", detail="no")
    monkeypatch.setattr(doctor, "check", lambda: doctor.Report(findings=(broken,)))
    show(doctor.check())
    assert "BROKEN" in capsys.readouterr().out
    table = CliRunner().invoke(app, ["doctor"])
    plain = CliRunner().invoke(app, ["doctor", "--json"])
    assert table.exit_code == plain.exit_code == 1
    assert "BROKEN" in table.output and json.loads(plain.output)["ok"] is False


def test_version() -> None:
    """The package's."""
    assert CliRunner().invoke(app, ["version"]).output.strip() == vocx.__version__


def test_help_is_light() -> None:
    """Asking for help loads neither the lab nor requests."""
    code = (
        "import sys\n"
        "from vocx.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'requests', 'aiohttp', 'websocket'} & set(sys.modules)), file=sys.stderr)"
    )
    env = os.environ | {"COLUMNS": "80"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.stderr.strip() == "[]" and "exchange" in done.stdout


def test_a_reader_that_has_seen_enough_ends_it_quietly() -> None:
    """``vocx ... | head``: no traceback, and the code that other programs give."""
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run([*COMMAND, "version"], stdout=write, stderr=subprocess.PIPE, timeout=60)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGPIPE, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
@pytest.mark.parametrize("arguments", [["version"], ["--help"]])
def test_an_output_that_cannot_be_written_is_a_line(arguments: list[str]) -> None:
    """A full disk: what, why, code 1."""
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(
            [*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert (ended.returncode, ended.stderr) == (1, "vocx: the output: No space left on device\n")


def test_a_terminal_without_the_letters_gets_others() -> None:
    """In place of a traceback after a minute of measuring."""
    code = (
        "from vocx.cli.app import app, main\n"
        "app.command('say')(lambda: print('516 \u00b1 54 \u2013 \u2265 3 \U0001f40d'))\n"
        "main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, "say"],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "516 +- 54 - >= 3 ?\n", "")
