"""Live views in a real JupyterLab with a real Chromium: their cost, their size, their pace."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benches.row import Row


@contextmanager
def notebooks(chromium: str) -> Iterator[Callable[[list[str]], Any]]:
    """``open(cells)`` opens them in a page of its own."""
    from browser.conftest import FLAGS
    from browser.jupyter import Server
    from browser.notebook import Notebook
    from playwright.sync_api import sync_playwright

    opened: list[Notebook] = []
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        server = Server(Path(home))
        server.start()
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)

        def open_notebook(cells: list[str]) -> Notebook:
            url = server.notebook(f"bench-{len(opened)}.ipynb", cells)
            opened.append(Notebook(browser, url))
            return opened[-1]

        try:
            yield open_notebook
        finally:
            for one in opened:
                one.close()
            browser.close()
            server.stop()


def views() -> Iterator[Row]:
    """Nothing where there is no browser to look with."""
    from browser.conftest import find_chromium

    chromium = find_chromium()
    if chromium is None:
        print("views: no Chromium on this machine, not measured", file=sys.stderr)
        return
    from browser import measures

    with notebooks(chromium) as notebook:
        costs = measures.writer_ms(notebook)
        size = measures.figure_bytes(notebook)
        motion = measures.motion(notebook)
    notes = {title: round(one, 2) for title, one in costs.items()}
    worst = max(costs.values())
    yield Row("views: writer's CPU a view and refresh, the dearest", worst, "ms", "<= 3", notes)
    yield Row("views: until four figures show", size.four / 1e6, "MB", "<= 3")
    yield Row("views: each further figure", size.further / 1e3, "KB", "<= 30")
    notes = {"messages_per_s": motion.messages, "while_computing_on_page": motion.computing,
             "while_sleeping_on_page": motion.sleeping}  # fmt: skip
    yield Row("views: refreshes at 1,000 messages/s", motion.refreshes, "1/s", ">= 4", notes)
