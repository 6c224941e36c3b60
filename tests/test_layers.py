"""The import law, enforced on the syntax trees.

A module imports only from rows above its own, plus its own folder. Venues never import each
other; nothing outside ``lab/`` imports the inside of ``lab/``; nothing imports a surface. No
imports go round in a circle.

The law holds for every import: at the top of a module, inside a function, and under
``TYPE_CHECKING``. A name that is only needed for a type ties two modules together as well: who
reads one has to read the other. :data:`TYPES_ONLY` lists what may be named and not used. Only the
libraries of a row and its purity are about what happens at run time.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "vocx"
MODULES = sorted(PACKAGE.rglob("*.py"))

BASE, CONTRACT, PURE, NET, PICTURES, IO, HANDLES, COMPOSITION, TOOLS, SURFACES = range(10)
ROWS: dict[str, int] = {
    # longest prefix wins
    # the base row is an order of its own
    "text": BASE - 4,
    "symbols": BASE - 4,
    "distribution": BASE - 4,
    "timing": BASE - 3,
    "errors": BASE - 2,
    "arguments": BASE - 1,
    "call_forms": BASE,
    "facts": BASE,
    "recording": BASE,  # a file format: the lab plays what record writes
    "venues": PURE,
    "venues.base": CONTRACT,
    "book": PURE,
    "rate_limits": PURE,
    "lab": PURE,
    "lab.market.driver": IO,
    "lab.__init__": HANDLES,
    "lab.network": HANDLES,
    "lab.network.dials": PURE,
    "lab.network.path": PURE,
    "lab.network.connection_log": PURE,
    "lab.network.link": IO,
    "lab.network.relay": IO,
    "lab.network.event_loop": IO,
    "lab.service": HANDLES,
    "lab.service.config": PURE,
    "lab.service.venue_commands": PURE,
    "lab.service.control": PURE,
    "lab.service.failure": PURE,
    "lab.service.clock": PURE,
    "lab.service.http_server": IO,
    "lab.service.server": IO,
    "figures": PICTURES,
    "net": NET,
    "rest": IO,
    "stream": IO,
    "credentials": IO,
    "exchange": COMPOSITION,
    "hybrid": TOOLS,
    "record": TOOLS,
    "measure": TOOLS,
    "doctor": TOOLS,
    "pytest_plugin": TOOLS,
    # the surfaces stand on each other, in this order
    "views": SURFACES,
    "course": SURFACES + 1,
    "cli": SURFACES + 2,
    "__init__": SURFACES,
    "__main__": SURFACES,
}
OUTSIDE: dict[str, set[str]] = {
    "errors": set(),
    "arguments": set(),
    "call_forms": set(),
    "facts": {"msgspec", "pandas"},
    "timing": {"msgspec"},
    "text": set(),
    "symbols": set(),
    "distribution": set(),
    "venues": {"msgspec", "cryptography"},
    "venues.coinbase": {"msgspec", "jwt", "cryptography"},
    "recording": {"msgspec"},
    "credentials": set(),
    "book": {"msgspec", "sortedcontainers"},
    "rate_limits": {"msgspec"},
    "lab": {"msgspec", "sortedcontainers", "numpy", "cryptography"},
    "lab.dialects.coinbase": {"msgspec", "jwt", "cryptography"},
    "lab.service.http_server": {"aiohttp"},
    "lab.service.server": {"aiohttp", "msgspec"},
    "lab.network": {"msgspec"},
    "lab.service.process": {"msgspec", "trustme"},
    "figures": {"plotly", "numpy"},
    "net": {"msgspec", "certifi"},
    "rest": {"requests", "urllib3", "msgspec"},
    "stream": {"websocket", "msgspec"},
    "lab.service": {"msgspec"},
    "pytest_plugin": {"pytest"},
}
TYPES_ONLY = {
    ("stream.stream", "vocx.lab"),  # a stream names the lab that it listens to
}
"""(module, what it may import for a type, though that stands below it)."""
IMPURE = {"socket", "threading", "asyncio", "time", "subprocess", "random", "ssl", "selectors"}
LAB_FRONT = {"vocx.lab", "vocx.lab.network"}


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)


def row_key(name: str, table: dict[str, object]) -> str | None:
    parts = name.split(".")
    return next(
        (key for n in range(len(parts), 0, -1) if (key := ".".join(parts[:n])) in table), None
    )


def row(name: str) -> int:
    key = row_key(name, dict(ROWS))
    assert key is not None, f"{name} stands in no row of the import law; give it one"
    return ROWS[key]


def type_checking_only(tree: ast.Module) -> set[ast.AST]:
    """Nodes inside ``if TYPE_CHECKING``: they import nothing at run time."""
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }


def imports(path: Path, *, types: bool = False) -> Iterator[tuple[int, str]]:
    """(line, absolute module) of everything that the module imports at run time; with ``types``
    also of what it imports for types."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skip = set() if types else type_checking_only(tree)
    for node in ast.walk(tree):
        if node in skip:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: write absolute imports"
            assert node.module is not None
            for alias in node.names:
                inside = PACKAGE.parent.joinpath(*node.module.split("."), alias.name)
                is_module = inside.is_dir() or inside.with_suffix(".py").exists()
                yield node.lineno, f"{node.module}.{alias.name}" if is_module else node.module


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_imports_only_rows_above(path: Path) -> None:
    """A module imports from rows above its own, or from its own folder."""
    name = dotted(path)
    for line, target in imports(path, types=True):
        if not target.startswith("vocx.") or name in {"__init__", "__main__"}:
            continue
        if (name, target) in TYPES_ONLY and target not in {one for _, one in imports(path)}:
            continue
        other = target.removeprefix("vocx.")
        if (PACKAGE / other.replace(".", "/") / "__init__.py").exists() and "." not in other:
            other = (
                other if row_key(f"{other}.__init__", dict(ROWS)) == other else f"{other}.__init__"
            )
        same_folder = name.split(".")[0] == other.split(".")[0] and "." in name + other
        fine = row(other) < row(name) or (same_folder and row(other) <= row(name))
        assert fine, f"{path.name}:{line}: {name} may not import {target}"


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_outside_libraries(path: Path) -> None:
    """Each row has its libraries; the pure rows have no socket, thread, clock or randomness."""
    name = dotted(path)
    allowed = OUTSIDE.get(row_key(name, dict(OUTSIDE)) or "")
    for line, target in imports(path):
        top = target.split(".")[0]
        where = f"{path.relative_to(PACKAGE)}:{line}"
        if top != "vocx" and top not in sys.stdlib_module_names and allowed is not None:
            assert top in allowed, f"{where}: {name} may not use {top}"
        if row(name) not in (CONTRACT, PURE):
            continue
        if target != "random":
            assert top not in IMPURE, f"{where}: {name} is pure and may not use {top}"
        else:
            text = path.read_text(encoding="utf-8")
            own = "from random import Random\n" in text and "\nimport random" not in text
            assert own, f"{where}: {name} is pure; a seeded Random of its own is all it may use"


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_neighbours_stay_apart(path: Path) -> None:
    """Venues never import each other; the lab's inside is its own; client and exchange share
    no venue code; nothing imports a surface."""
    name = dotted(path)
    for line, target in imports(path, types=True):
        where = f"{path.relative_to(PACKAGE)}:{line} imports {target}"
        if name.startswith("venues.") and target.startswith("vocx.venues."):
            assert target.split(".")[2] in {"base", name.split(".")[1]}, where
        if not name.startswith("lab") and target.startswith("vocx.lab."):
            assert target in LAB_FRONT, where
        if name.startswith("lab.dialects"):
            assert not target.startswith("vocx.venues"), where
        if target.startswith(("vocx.views", "vocx.course", "vocx.cli")):
            assert row(name) >= SURFACES, where


def circles(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """The sets of modules that reach each other (Tarjan's strongly connected components)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []

    def visit(name: str) -> Iterator[list[str]]:
        number[name] = lowest[name] = len(number)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in number:
                yield from visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in stack:
                lowest[name] = min(lowest[name], number[other])
        if lowest[name] == number[name]:
            at = stack.index(name)
            found, stack[at:] = stack[at:], []
            if len(found) > 1:
                yield sorted(found)

    for name in graph:
        if name not in number:
            yield from visit(name)


def test_circles_are_found() -> None:
    """A detour is a circle too; a shared target is none."""
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"d"}}
    assert list(circles(graph)) == [["a", "b", "c"]]


def test_no_imports_go_round() -> None:
    """Neither at run time nor for types; the root package, which loads lazily, apart."""
    names = {dotted(path).removesuffix(".__init__"): path for path in MODULES}
    del names["__init__"]
    graph = {
        name: {target.removeprefix("vocx.") for _, target in imports(path, types=True)}
        & names.keys() - {name}
        for name, path in names.items()
    }
    lines = [
        f"{name} imports {', '.join(sorted(graph[name] & set(one)))}"
        for one in circles(graph)
        for name in one
    ]
    assert not lines, "break the circle:\n" + "\n".join(lines)


def test_import_is_light() -> None:
    """``import vocx`` loads no plotting, widget, server or crypto library."""
    code = (
        "import json, sys, vocx; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"plotly", "ipywidgets", "anywidget", "aiohttp", "cryptography", "pandas", "numpy"}
    assert not heavy & set(json.loads(out.stdout))
