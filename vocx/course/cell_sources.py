"""What the cells of this kernel say: the lines of a class, and the call that made an object.

``course.export`` writes classes as they were written, and objects as they were made. Both are read
from the cells that were run, of which IPython keeps the list: an object does not know how it was
made, and a script can only make it anew.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator, Mapping, Sequence
from types import FunctionType, ModuleType
from typing import Any

from vocx.course import display
from vocx.errors import BadInput


class CellSources:
    """The cells that were run, in their order, and the names that they have left.

    Parameters
    ----------
    sources : sequence of str
        Cells that are no Python are left out.
    names : mapping
        What each name of the notebook means now.
    """

    def __init__(self, sources: Sequence[str] = (), names: Mapping[str, Any] | None = None) -> None:
        self.names = names or {}
        self._newest_first = [one for one in map(_parsed, reversed(sources)) if one is not None]

    @classmethod
    def of_kernel(cls) -> CellSources:
        """Of this notebook; none where there is no IPython."""
        ip = display.shell()
        return cls() if ip is None else cls(ip.user_ns.get("In", ()), ip.user_ns)

    def class_source(self, kind: type) -> tuple[str, Mapping[str, Any]]:
        """The lines of a class with its decorators, and the names that were around it.

        Raises
        ------
        BadInput
            It was made inside of a function, or nobody knows its lines.
        """
        name = kind.__name__
        if "<locals>" in kind.__qualname__:
            raise BadInput(
                f"the class {name!r} is made inside of a function, which a script cannot have; "
                "write it at the left edge of a cell"
            )
        for method in _methods(kind):  # a kernel has a file for each cell
            cell = _parsed("".join(linecache.getlines(method.__code__.co_filename)))
            if cell is not None and (source := cell.class_source(name)) is not None:
                return source, method.__globals__
        for cell in self._newest_first:
            if (source := cell.class_source(name)) is not None:
                return source, self.names
        raise BadInput(
            f"the lines of the class {name!r} are not known; run the cell that defines it again"
        )

    def construction(self, value: object) -> str | None:
        """The call of its class that made an object: of the cell that gave it the name that it
        still has, else the only one that there is in all cells, such as one among the arguments of
        ``HybridClient(...)``. ``None`` where no cell says it, or several do."""
        written = set()
        for cell in self._newest_first:
            for call, targets in cell.calls():
                if self._meaning(call.func) is type(value):
                    source = ast.unparse(call)
                    if any(self.names.get(name) is value for name in targets):
                        return source
                    written.add(source)
        return written.pop() if len(written) == 1 else None

    def _meaning(self, node: ast.expr) -> object:
        """What a name, or an attribute of a module, stands for now."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self._meaning(node.value)
            return getattr(owner, node.attr, None) if isinstance(owner, ModuleType) else None
        return None


class _Cell:
    """One cell, parsed."""

    def __init__(self, source: str, tree: ast.Module) -> None:
        self.source, self.tree = source, tree

    def class_source(self, name: str) -> str | None:
        """The lines of the last class of that name at the left edge."""
        for node in reversed(self.tree.body):
            if isinstance(node, ast.ClassDef) and node.name == name:
                return statement_source(self.source, node) + "\n"
        return None

    def calls(self) -> Iterator[tuple[ast.Call, list[str]]]:
        """Each call, with the names that it is assigned to: the last statement first."""
        for statement in reversed(self.tree.body):
            targets: list[str] = []
            if isinstance(statement, ast.Assign):
                targets = [one.id for one in statement.targets if isinstance(one, ast.Name)]
            elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                targets = [statement.target.id]
            made = getattr(statement, "value", None)
            for node in ast.walk(statement):
                if isinstance(node, ast.Call):
                    yield node, targets if node is made else []


def statement_source(source: str, node: ast.stmt) -> str:
    """The lines of a statement of a cell, with its decorators."""
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(one.lineno for one in decorators)])
    return "\n".join(source.splitlines()[first - 1 : node.end_lineno])


def _parsed(source: str) -> _Cell | None:
    try:
        return _Cell(source, ast.parse(source))
    except (SyntaxError, ValueError):  # a magic, or a cell that is being written
        return None


def _methods(kind: type) -> list[FunctionType]:
    """The functions that were written in a class, and not put into it."""
    return [
        one
        for one in vars(kind).values()
        if isinstance(one, FunctionType)
        and one.__qualname__ == f"{kind.__qualname__}.{one.__name__}"
    ]
