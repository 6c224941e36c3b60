"""The public surface: names are stable once landed, and importing them costs nothing."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest

import vocx

PUBLIC = [
    "Exchange",
    "Stream",
    "__version__",
    "book",
    "connect",
    "course",
    "doctor",
    "errors",
    "facts",
    "hybrid",
    "lab",
    "measure",
    "record",
    "running",
    "stop_all",
    "venues",
    "views",
]


def test_the_list_is_the_agreed_one() -> None:
    """A new name is added here on purpose; a lost one breaks somebody."""
    assert vocx.__all__ == PUBLIC and dir(vocx) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_name_loads(name: str) -> None:
    """Lazy names exist when they are asked for."""
    assert getattr(vocx, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As with any module."""
    with pytest.raises(AttributeError, match="no attribute 'conect'"):
        vocx.conect  # noqa: B018


def test_import_loads_nothing_of_ours() -> None:
    """``import vocx`` is the docstring and a table of names."""
    code = "import json, sys, vocx; print(json.dumps(sorted(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = json.loads(out.stdout)
    assert [name for name in loaded if name.startswith("vocx")] == ["vocx"]
    assert not {"requests", "websocket", "msgspec", "typer", "rich"} & set(loaded)


def test_connect_loads_no_plotting_or_server() -> None:
    """The helpers need neither widgets nor the lab's server in this process."""
    code = (
        "import json, sys, vocx; vocx.connect, vocx.Stream; print(json.dumps(sorted(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"plotly", "ipywidgets", "anywidget", "aiohttp", "cryptography", "pandas", "numpy"}
    assert not heavy & set(json.loads(out.stdout))


def test_a_first_chart_waits_for_no_validator_of_notebooks() -> None:
    """plotly wants to know the version of nbformat, and loads with it what takes a second; whoever
    uses nbformat itself has all of it."""
    code = (
        "import sys, plotly.graph_objects as go, plotly.io, vocx.figures, vocx.views\n"
        "vocx.views.plotly_bundle.SharedFigure()\n"
        "plotly.io.show(go.Figure(), renderer='plotly_mimetype')\n"
        "print('jsonschema' in sys.modules, file=sys.stderr)\n"
        "import nbformat.v4\n"
        "nbformat.validate(nbformat.v4.new_notebook())\n"
        "print(sys.modules['nbformat'].NO_CONVERT is nbformat.NO_CONVERT, file=sys.stderr)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (out.returncode, out.stderr) == (0, "False\nTrue\n"), out.stderr


@pytest.mark.parametrize("name", ["", ".course", ".credentials", ".figures", ".lab", ".views"])
def test_completion_shows_what_is_meant(name: str) -> None:
    """Tab after a module shows its public names, none of what it imports."""
    module = importlib.import_module(f"vocx{name}")
    assert dir(module) == sorted(module.__all__)
    assert all(hasattr(module, one) for one in dir(module))
