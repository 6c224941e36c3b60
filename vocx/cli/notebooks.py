"""JupyterLab on the lessons, in place of this process, so that signals reach it."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from vocx.cli.lessons import FIRST
from vocx.distribution import pip_line
from vocx.errors import BadInput, LabConflict

SETTINGS = Path(__file__).with_name("jupyter")
"""Read by JupyterLab beside its own: no pop-up that asks about news."""


def arguments(folder: Path, *, browser: bool = True, port: int | None = None) -> list[str]:
    """The command that opens the first lesson of ``folder``."""
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{FIRST}",
    ]
    if not browser:
        command.append("--no-browser")
    if port is not None:
        command += [f"--port={port}", "--ServerApp.port_retries=0"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # containers: Jupyter listens on loopback with a token
    return command


def environment() -> dict[str, str]:
    """This process's environment with our settings before the others, and with our commands: a
    terminal of JupyterLab and ``!vocx`` find them though nobody activated anything."""
    first = {"JUPYTER_CONFIG_PATH": str(SETTINGS), "PATH": str(Path(sys.executable).parent)}
    return os.environ | {
        name: os.pathsep.join(filter(None, [path, os.environ.get(name, "")]))
        for name, path in first.items()
    }


def require_jupyter() -> None:
    """Say what is missing before anything is opened.

    Raises
    ------
    BadInput
        When the notebook extra is not installed.
    """
    missing = [name for name in ("jupyterlab", "ipywidgets", "plotly") if not find_spec(name)]
    if missing:
        raise BadInput(f"the notebooks need {', '.join(missing)}: {pip_line('notebooks')}")


def require_free(port: int) -> None:
    """Refuse a port that is taken, in one line instead of Jupyter's page of log.

    Raises
    ------
    LabConflict
        Something listens there.
    """
    import socket

    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError as error:
            raise LabConflict(
                f"port {port} cannot be used ({error.strerror}); choose another with --port, "
                "or leave it out"
            ) from None


def become_jupyter(folder: Path, *, browser: bool, port: int | None) -> NoReturn:
    """Replace this process by JupyterLab."""
    command = arguments(folder, browser=browser, port=port)
    sys.stdout.flush()
    os.execve(command[0], command, environment())
