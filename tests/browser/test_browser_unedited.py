"""A lesson that nobody edited needs no saving, wherever it is opened."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from browser.jupyter import Server
from browser.notebook import Notebook
from vocx.cli.contents import KERNEL, language

ROOT = Path(__file__).parents[2]
LESSON = "01_rest.ipynb"


def opened(server: Server, chromium: Any) -> Notebook:
    """A lesson in a page, with its kernel, after the time that JupyterLab takes to look at it."""
    shutil.copy(ROOT / "notebooks" / LESSON, server.root)
    book = Notebook(chromium, f"{server.url}/lab/tree/{LESSON}?token={server.token}&reset")
    book.page.wait_for_timeout(2000)
    return book


def test_binder_asks_nothing(
    tmp_path: Path, chromium: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its start gives JupyterLab the settings of our own server."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    server = Server(tmp_path, ours=False, by=[ROOT / "binder" / "start"])
    server.start()
    try:
        book = opened(server, chromium)
        assert not book.dirty
        book.close()
    finally:
        server.stop()


def test_what_a_plain_jupyterlab_adds_is_what_we_add(tmp_path: Path, chromium: Any) -> None:
    """The kernel's full name and the version of its Python, in every notebook that another Python
    has saved last: no file can have that of each reader. Nothing else, so that our own server need
    add nothing else."""
    server = Server(tmp_path, ours=False)
    server.start()
    try:
        book = opened(server, chromium)
        assert book.dirty
        book.save()
        book.close()
    finally:
        server.stop()
    before = json.loads((ROOT / "notebooks" / LESSON).read_text(encoding="utf-8"))
    saved = json.loads((server.root / LESSON).read_text(encoding="utf-8"))
    assert saved == before | {"metadata": {"kernelspec": KERNEL, "language_info": language()}}
