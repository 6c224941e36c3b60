"""What only notebooks need may be missing: then the text says how to install it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from vocx.errors import OPTIONAL

PACKAGE = Path(__file__).resolve().parents[1] / "vocx"
GUARDED = {"figures", "views", "instruments"}
"""Packages whose imports are guarded as a whole, where they are imported."""

USES = {
    "pandas": (
        "from vocx.facts import Facts; Facts().frame()",
        "from vocx.facts.frames import frame; frame([])",
    ),
    "plotly": (
        "from vocx import views",
        "from vocx import figures",
        "from vocx.facts import Candle, Facts; Facts(kind=Candle).figure()",
        "from vocx import course; course.frontier(asked=None, pushed=None, cost=None)",
    ),
    "anywidget": ("import vocx.views",),
    "ipywidgets": ("import vocx.views",),
}


@pytest.mark.parametrize(("part", "use"), [(p, u) for p, uses in USES.items() for u in uses])
def test_a_missing_part_says_the_pip_line(part: str, use: str) -> None:
    """The last line of the error is what to type; it is still an ``ImportError``."""
    block = f"import sys; sys.modules[{part!r}] = None; "
    done = subprocess.run(
        [sys.executable, "-c", block + use], capture_output=True, text=True, timeout=60
    )
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"vocx.errors.MissingPart: this needs {part}, which is not installed: ")
    assert "-m pip install " in last and "[notebooks]" in last


def test_without_them_the_rest_works() -> None:
    """Connecting, streaming, measuring and the command import none of them."""
    block = f"import sys; sys.modules.update(dict.fromkeys({OPTIONAL}, None)); "
    use = "import vocx, vocx.lab, vocx.measure, vocx.hybrid, vocx.doctor, vocx.record, vocx.cli.app"
    done = subprocess.run([sys.executable, "-c", block + use], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def unguarded(path: Path) -> list[str]:
    """Imports of optional packages that run outside of ``with optional_parts()``."""
    tree = ast.parse(path.read_text())
    fine: set[ast.AST] = set()
    for node in ast.walk(tree):
        types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        guard = isinstance(node, ast.With) and "optional_parts()" in ast.unparse(node.items[0])
        if types or guard:
            fine.update(ast.walk(node))
    found = []
    for node in ast.walk(tree):
        if node not in fine and isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if any(name.partition(".")[0] in OPTIONAL for name in names) and not in_shell(node):
                found.append(f"{path.name}:{node.lineno}: {ast.unparse(node)}")
    return found


def in_shell(node: ast.AST) -> bool:
    """``get_ipython`` is only imported where IPython runs."""
    return "get_ipython" in ast.unparse(node)


def test_no_import_of_them_is_bare() -> None:
    """Whoever adds one guards it, or stands in a package that is guarded."""
    modules = [one for one in PACKAGE.rglob("*.py") if not GUARDED & set(one.parts)]
    assert [line for one in modules for line in unguarded(one)] == []
