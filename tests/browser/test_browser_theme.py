"""What a reader with a dark screen sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_a_dark_page_is_dark(notebook: Callable[..., Any]) -> None:
    """JupyterLab's own dark theme, and the panel of a view takes its colours from it."""
    book = notebook(["from vocx import views; views.running()", "views.stop_all()"], dark=True)
    book.run(0)
    title = book.cell(0).locator(".vocx-title")
    title.wait_for()
    color = title.evaluate("(node) => getComputedStyle(node).color")
    assert book.theme() == "JupyterLab Dark"
    assert min(float(part) for part in color.strip("rgba()").split(",")[:3]) > 200
    book.run(1)
    assert book.errors == []
