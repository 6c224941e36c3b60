"""The lab's life: who ends it, who must not, and what a learner sees when it is gone.

The processes are real: kernels, forks and kills. The lab must outlive an interrupt and a thread,
and must never outlive the kernel that opened it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

import vocx.lab
from vocx import errors

GONE_S = 5.0
"""A lab must be gone this soon after whoever opened it."""


def eventually(true: Callable[[], bool], seconds: float = GONE_S) -> None:
    """Wait for a state, with a deadline."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# -- without a kernel --------------------------------------------------------------------------


def test_a_killed_lab_is_a_typed_error_and_opens_again() -> None:
    """The next use says that it died, of what, and how to reopen; the handle comes back."""
    lab = vocx.lab.open(name="killed", pace=0.0)
    os.kill(lab.pid, signal.SIGKILL)
    eventually(lambda: not lab.alive)
    with pytest.raises(errors.LabDied, match=r"signal 9.*\nRun .* vocx.lab.open\(name='killed'\)"):
        lab.url("binance", "rest")
    with pytest.raises(errors.LabDied):
        lab.truth.book("BTC/USDT")
    assert vocx.lab.open(name="killed", pace=0.0) is lab
    assert lab.truth.book("BTC/USDT").bid
    lab.close()


def test_last_words_of_a_crash() -> None:
    """What a crashing lab wrote last is part of the error."""
    with vocx.lab.open(name="crashed", pace=0.0) as lab:
        os.kill(lab.pid, signal.SIGSEGV)
        eventually(lambda: not lab.alive)
        with pytest.raises(errors.LabDied, match="its last lines:\n(.*\n)*Fatal Python error"):
            lab.status()


def test_the_thread_that_opened_it_may_end() -> None:
    """A lab belongs to the kernel, not to the thread that a cell happened to run in."""
    made: list[vocx.lab.Lab] = []
    thread = threading.Thread(target=lambda: made.append(vocx.lab.open(name="thread", pace=0.0)))
    thread.start()
    thread.join(20)
    with made[0] as lab:
        assert lab.truth.book("BTC/USDT").bid and lab.alive


def test_a_fork_uses_the_lab_and_leaves_it() -> None:
    """A forked worker may ask the lab; its end, and its copy of the pipe, end nothing."""
    code = """
import os, sys, warnings, vocx.lab
warnings.simplefilter("ignore")
lab = vocx.lab.open(pace=0.0)
lab.status()
if os.fork() == 0:
    lab.truth.book("BTC/USDT")
    lab.close()
    sys.exit(0)
code = os.waitstatus_to_exitcode(os.wait()[1])
print(code, lab.alive, lab.status()["pid"] == lab.pid)
"""
    assert run(code) == "0 True True"


def run(code: str, **options: Any) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(Path(vocx.__file__).parents[1])},
        **options,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_it_ends_with_the_program() -> None:
    """A script that just ends leaves nothing behind."""
    pid = int(run("import vocx.lab; print(vocx.lab.open(pace=0.0).pid)"))
    eventually(lambda: gone(pid))


def test_a_fork_that_lives_on_does_not_keep_it() -> None:
    """The pipe is held open by a forked child, the kernel is killed: the lab ends all the same."""
    code = """
import os, time, vocx.lab
pid = vocx.lab.open(pace=0.0).pid
child = os.fork()
if child == 0:
    os.close(1); os.close(2)
    time.sleep(30)
    os._exit(0)
print(pid, child, flush=True)
os.kill(os.getpid(), 9)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        lab, child = map(int, parent.stdout.readline().split())
    try:
        eventually(lambda: gone(lab))
        assert not gone(child)
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_learners_file_is_no_module_of_the_lab(tmp_path: Path) -> None:
    """A ``random.py`` beside the notebook does not break the lab."""
    for name in ("random", "json", "asyncio"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('shadowed')")
    code = "import sys; sys.path.pop(0); import vocx.lab; print(vocx.lab.open(pace=0.0).alive)"
    assert run(code, cwd=tmp_path) == "True"


def test_a_terminal_runs_it_alone() -> None:
    """In the foreground it says one JSON line and runs until it is interrupted; the certificate
    that verifies its TLS is a file meanwhile."""
    code = "from vocx.lab import Config, serve; raise SystemExit(serve(Config(pace=0.0, tls=True)))"
    for number in (signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as alone:
            assert alone.stdout is not None
            said = json.loads(alone.stdout.readline())
            assert set(said["urls"]["binance"]) == {"rest", "ws", "ws_api"}
            assert said["tls_urls"]["binance"]["ws"].startswith("wss://127.0.0.1:")
            assert set(said["credentials"]["binance"]) == {"key", "secret"}
            with vocx.lab.attach(**said["control"]) as guest:
                assert guest.alive
            url = said["tls_urls"]["binance"]["rest"] + "/api/v3/ping"
            assert requests.get(url, verify=said["certificate"], timeout=5).json() == {}
            alone.send_signal(number)
            assert alone.stdout.read() == b"" and alone.wait(GONE_S) == 0
            assert not Path(said["certificate"]).exists()


# -- in a kernel -------------------------------------------------------------------------------


class Kernel:
    """A Jupyter kernel and what its cells print."""

    def __init__(self) -> None:
        manager = pytest.importorskip("jupyter_client.manager")
        self.manager, self.client = manager.start_new_kernel(kernel_name="python3")

    def send(self, code: str) -> str:
        """Start a cell; gives its message id."""
        return str(self.client.execute(code))

    def result(self, message: str, seconds: float = 60.0) -> str:
        """What the cell printed, or its error as ``Name: text``."""
        text = ""
        while True:
            said = self.client.get_iopub_msg(timeout=seconds)
            if said["parent_header"].get("msg_id") != message:
                continue
            kind, content = said["msg_type"], said["content"]
            if kind == "stream":
                text += content["text"]
            elif kind == "error":
                text += f"{content['ename']}: {content['evalue']}"
            elif kind == "status" and content["execution_state"] == "idle":
                return text.strip()

    def run(self, code: str) -> str:
        return self.result(self.send(code))

    def busy(self, message: str) -> None:
        """Wait until the cell has said ``on``."""
        text = ""
        while "on" not in text:
            said = self.client.get_iopub_msg(timeout=30)
            if said["parent_header"].get("msg_id") == message and said["msg_type"] == "stream":
                text += said["content"]["text"]

    def open(self) -> int:
        """Open a lab in a cell; gives its process id."""
        return int(self.run("import vocx.lab; lab = vocx.lab.open(); print(lab.pid)"))

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    one = Kernel()
    yield one
    one.close()


STREAMING = """
import time, vocx
tape = vocx.connect("binance", lab=lab).stream("quotes", symbols="BTC/USDT").wait(10)
"""


@pytest.mark.kernel
def test_interrupt_leaves_the_lab_and_its_streams(kernel: Kernel) -> None:
    """Interrupt goes to the whole process group of the kernel: the lab is not in it."""
    pid = kernel.open()
    kernel.run(STREAMING)
    cell = kernel.send("print('on', flush=True); time.sleep(60)")
    kernel.busy(cell)
    kernel.manager.interrupt_kernel()
    assert "KeyboardInterrupt" in kernel.result(cell)
    assert kernel.run("seen = tape.stats.frames; print(lab.pid, tape.state)") == f"{pid} live"
    assert kernel.run("time.sleep(1); print(tape.stats.frames > seen)") == "True"


@pytest.mark.kernel
def test_interrupt_while_it_opens(kernel: Kernel) -> None:
    """An interrupt in the middle of ``open`` leaves no half lab; the next one works."""
    cell = kernel.send(
        "import vocx.lab, vocx.lab.service.child as child; print('on', flush=True)\n"
        "read_ready = child.read_ready\n"
        "child.read_ready = lambda process, log: __import__('time').sleep(60)\n"
        "vocx.lab.open()"
    )
    kernel.busy(cell)
    children = psutil.Process(kernel.manager.provisioner.pid)
    eventually(lambda: bool(labs(children)))
    started = labs(children)[0]
    kernel.manager.interrupt_kernel()
    assert "KeyboardInterrupt" in kernel.result(cell)
    eventually(lambda: gone(started))
    kernel.run("child.read_ready = read_ready")
    assert kernel.open() != started


def labs(parent: psutil.Process) -> list[int]:
    """Lab processes among a kernel's children."""
    return [
        child.pid for child in parent.children() if "vocx.lab.service.process" in child.cmdline()
    ]


@pytest.mark.kernel
def test_restart_ends_the_lab(kernel: Kernel) -> None:
    """A restarted kernel has no lab any more, and opens a new one."""
    old = kernel.open()
    kernel.manager.restart_kernel(now=False)
    kernel.client.wait_for_ready(timeout=30)
    eventually(lambda: gone(old))
    assert kernel.open() != old


@pytest.mark.kernel
def test_a_killed_kernel_takes_the_lab_along(kernel: Kernel) -> None:
    """A kernel that is killed runs no clean-up; the end of the pipe is enough."""
    pid = kernel.open()
    os.kill(kernel.manager.provisioner.pid, signal.SIGKILL)
    eventually(lambda: gone(pid))


@pytest.mark.kernel
def test_two_notebooks_have_two_labs(kernel: Kernel) -> None:
    """Kernels do not share a lab, nor its ports; the end of one is nothing to the other."""
    other = Kernel()
    try:
        assert kernel.open() != (theirs := other.open())
        ask = "print(lab.url('binance', 'rest'))"
        assert kernel.run(ask) != other.run(ask)
    finally:
        other.close()
    eventually(lambda: gone(theirs))
    assert kernel.run("print(lab.alive)") == "True"


@pytest.mark.kernel
def test_a_crash_under_a_running_notebook(kernel: Kernel) -> None:
    """The next cell gets a typed error that says how to go on, and that works."""
    pid = kernel.open()
    os.kill(pid, signal.SIGKILL)
    said = kernel.run("lab.truth.book('BTC/USDT')")
    assert said.startswith("LabDied: ")
    assert "set-up cell" in said and "vocx.lab.open(), to start a new one" in said
    again = "same = vocx.lab.open() is lab; print(same, lab.truth.book('BTC/USDT').bid > 0)"
    assert kernel.run(again) == "True True"
