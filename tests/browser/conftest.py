"""Fixtures for tests that look at a real JupyterLab with a real Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from .jupyter import Server
from .notebook import Notebook

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def find_chromium() -> str | None:
    """The browser to drive: ``VOCX_CHROMIUM``, else the first one on the path."""
    named = os.environ.get("VOCX_CHROMIUM")
    if named:
        return named
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if found := shutil.which(name):
            return found
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    missing = None if find_chromium() else pytest.mark.skip(reason="no Chromium on this machine")
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(240))
            if missing:
                item.add_marker(missing)


@pytest.fixture(scope="package")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("jupyter"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """A browser with a profile on disk: there it keeps JupyterLab's compiled scripts, which takes a
    quarter of what loading a page costs."""
    from playwright.sync_api import sync_playwright

    with TemporaryDirectory(ignore_cleanup_errors=True) as profile, sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            profile, executable_path=find_chromium(), args=FLAGS
        )
        yield browser
        browser.close()


@pytest.fixture
def notebook(jupyter: Server, chromium: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """``notebook(cells)`` opens them in JupyterLab and returns a :class:`Notebook`."""
    opened: list[Notebook] = []

    def open_notebook(cells: list[str], **options: Any) -> Notebook:
        url = jupyter.notebook(f"{request.node.name[:40]}-{len(opened)}.ipynb", cells)
        opened.append(Notebook(chromium, url, **options))
        return opened[-1]

    yield open_notebook
    for one in opened:
        one.close()
    jupyter.end_kernels()
