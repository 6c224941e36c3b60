"""A real JupyterLab server of its own for browser tests: with what the ``vocx`` command sets and
nothing of the user's."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import requests

from vocx.cli.notebooks import SETTINGS

_SETTINGS = {
    "notification": {"fetchNews": "false", "checkForUpdates": False},
    # The theme goes by the browser's colour scheme, so that each page can choose.
    "themes": {"adaptive-theme": True},
}


class Server:
    """JupyterLab on a free port, serving ``root``. Stops with everything it started.

    Without ``ours`` it has none of our settings, unless the program ``by`` that starts it gives
    them.
    """

    def __init__(self, home: Path, *, ours: bool = True, by: Sequence[str | Path] = ()) -> None:
        self._ours, self._by = ours, by
        self.root = home / "work"
        self.root.mkdir(parents=True)
        self.token = secrets.token_hex(16)
        self._home = home
        self._log = home / "jupyter.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self, deadline_s: float = 60.0) -> None:
        settings = self._home / "settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        for name, chosen in _SETTINGS.items():
            (settings / f"{name}.jupyterlab-settings").write_text(json.dumps(chosen))
        runtime = self._home / "runtime"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *self._by, sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
                    "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0",
                    f"--ServerApp.root_dir={self.root}", "--LabApp.collaborative=False",
                    # Should the tests be killed, it ends by itself.
                    "--ServerApp.shutdown_no_activity_timeout=300",
                    "--MappingKernelManager.cull_idle_timeout=300",
                ],
                env=self._environment(runtime),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.root, start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + deadline_s
        while not self.url:
            for path in runtime.glob("jpserver-*.json"):
                try:
                    self.url = json.loads(path.read_text())["url"].rstrip("/")
                except (ValueError, KeyError):
                    continue
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"JupyterLab did not start:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.1)

    def _environment(self, runtime: Path) -> dict[str, str]:
        quiet = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "JPY_"))}
        ours = {"JUPYTER_CONFIG_PATH": str(SETTINGS)} if self._ours else {}
        return (
            quiet
            | ours
            | {
                "HOME": str(self._home),
                "JUPYTER_TOKEN": self.token,
                "JUPYTER_CONFIG_DIR": str(self._home / "config"),
                "JUPYTER_DATA_DIR": str(self._home / "data"),
                "JUPYTER_RUNTIME_DIR": str(runtime),
                "JUPYTERLAB_SETTINGS_DIR": str(self._home / "settings"),
                "JUPYTERLAB_WORKSPACES_DIR": str(self._home / "workspaces"),
                "IPYTHONDIR": str(self._home / "ipython"),
                "PYTHONDONTWRITEBYTECODE": "1",
            }
        )

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(5)

    def end_kernels(self) -> None:
        """Shut all kernels down: one that a test left behind would draw on through the next."""
        headers = {"Authorization": f"token {self.token}"}
        for kernel in requests.get(f"{self.url}/api/kernels", headers=headers, timeout=10).json():
            requests.delete(f"{self.url}/api/kernels/{kernel['id']}", headers=headers, timeout=20)

    def notebook(self, name: str, cells: list[str]) -> str:
        """Write a notebook of code cells and return the URL that opens it."""
        text = {
            "cells": [
                {"cell_type": "code", "id": f"c{i}", "source": source, "metadata": {},
                 "outputs": [], "execution_count": None}
                for i, source in enumerate(cells)
            ],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3",
                                        "language": "python"}},
            "nbformat": 4, "nbformat_minor": 5,
        }  # fmt: skip
        (self.root / name).write_text(json.dumps(text))
        return f"{self.url}/lab/tree/{name}?token={self.token}&reset"
