"""What a strategy needs to stand in a file of its own: its source, and all that it names.

A strategy is written in a cell beside much else. :class:`Definitions` follows the names that it
uses: imports are written as imports, functions and classes of the notebook as their source, plain
values (of cells, and those that a function closes over) as they are now, and objects of a class as
the call that made them. What cannot be written down, such as a running stream, is refused by its
name.
"""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import math
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from importlib.util import find_spec
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import msgspec

from vocx.arguments import brief, digits
from vocx.course.cell_sources import CellSources
from vocx.course.lesson_cells import bound_and_read
from vocx.errors import BadInput

MOST_LETTERS = 10_000
"""The longest value that is written into a script."""
DEEPEST = 20
"""How deep lists of lists may go."""
_PLAIN = (type(None), bool, int, float, str, bytes, Decimal, list, set, tuple, dict)
_BRACKETS: dict[type, tuple[str, str]] = {list: ("[", "]"), set: ("{", "}"), tuple: ("(", ")")}


class Definitions:
    """Imports and definitions, in the order in which a script needs them.

    Parameters
    ----------
    reserved : iterable of str
        Names that the script has for itself.
    cells : CellSources
        Where classes and objects of the notebook are written.
    """

    def __init__(self, reserved: Iterable[str], cells: CellSources | None = None) -> None:
        self._cells = cells or CellSources()
        self._reserved = frozenset(reserved)
        self._named: dict[str, Any] = {}
        self._modules: dict[str, str] = {}
        self._from: dict[str, dict[str, str]] = {}
        self._blocks: list[str] = []

    def imported(self, module: str, *names: str) -> None:
        """The script itself needs ``import module``, or names from it."""
        if not names:
            self._modules[module] = module
        for name in names:
            self._from.setdefault(module, {})[name] = name

    def expression(self, value: Any, used_by: str) -> str:
        """What to write for a value; what it names is defined before.

        Raises
        ------
        BadInput
            It cannot be written down.
        """
        if isinstance(value, functools.partial):
            self.imported("functools", "partial")
            given = [self.expression(one, used_by) for one in (value.func, *value.args)]
            given += [
                f"{key}={self.expression(one, used_by)}" for key, one in value.keywords.items()
            ]
            return f"partial({', '.join(given)})"
        if isinstance(value, FunctionType | BuiltinFunctionType | type):
            self.define(value.__name__, value, used_by)
            return value.__name__
        if isinstance(value, MethodType):
            return f"{self.expression(value.__self__, used_by)}.{value.__name__}"
        if type(value) not in _PLAIN and not isinstance(value, msgspec.Struct):
            return self._construction(value, used_by)
        return self._literal(value, used_by, 0)

    def define(self, name: str, value: Any, used_by: str) -> None:
        """Let ``name`` stand for ``value`` in the script.

        Raises
        ------
        BadInput
            The name means two things, or belongs to the script; the value cannot be written down.
        """
        if name in self._named and self._named[name] is value:
            return
        if name in self._named or (name in self._reserved and not self._known_import(name, value)):
            raise BadInput(
                f"{used_by} uses a {name!r}, which the script has for something else; give yours "
                "another name"
            )
        self._named[name] = value
        if isinstance(value, ModuleType):
            self._modules[name] = value.__name__
        elif (found := _importable(value)) is not None:
            module, original = found
            self._from.setdefault(module, {})[name] = original
        elif isinstance(value, FunctionType):
            self._define_function(name, value)
        elif isinstance(value, type):
            self._define_class(name, value)
        else:
            self._blocks.append(f"{name} = {self.expression(value, f'{used_by} ({name})')}\n")

    def _known_import(self, name: str, value: Any) -> bool:
        """The script imports the very same thing."""
        if isinstance(value, ModuleType):
            return self._modules.get(name) == value.__name__
        found = _importable(value)
        return found is not None and self._from.get(found[0], {}).get(name) == found[1]

    def _define_function(self, name: str, function: FunctionType) -> None:
        plain = inspect.unwrap(function)
        source = function_source(plain)
        cells = zip(plain.__code__.co_freevars, plain.__closure__ or (), strict=True)
        closed_over = {used: cell.cell_contents for used, cell in cells}
        self._define_used(source, {**plain.__globals__, **closed_over}, plain.__name__)
        self._add(name, plain.__name__, source)

    def _define_class(self, name: str, kind: type) -> None:
        source, known = self._cells.class_source(kind)
        self._define_used(source, known, kind.__name__)
        self._add(name, kind.__name__, source)

    def _construction(self, value: Any, used_by: str) -> str:
        """An object is made by the script as a cell has made it."""
        made, kind = self._cells.construction(value), type(value).__name__
        if made is None:
            raise BadInput(
                f"{used_by} is {brief(value)} ({kind}), which a script cannot have: it can only "
                "make one anew, and no cell says how, or several do. Make it by a statement of its "
                f"own, such as it = {kind}(...), and use functions and plain values (numbers, "
                "texts, lists, dicts)"
            )
        self._define_used(made, self._cells.names, made)
        return made

    def _define_used(self, source: str, known: Mapping[str, Any], user: str) -> None:
        """Define every name that lines take from outside of themselves."""
        makes, reads = bound_and_read(source)
        for used in sorted(reads - makes - {user}):
            if used in known:
                self.define(used, known[used], user)
            elif not hasattr(builtins, used):
                raise BadInput(f"{user} uses {used!r}, which does not exist here")

    def _add(self, name: str, written_as: str, source: str) -> None:
        self._blocks.append(source)
        if name != written_as:
            self._blocks.append(f"{name} = {written_as}\n")

    def _literal(self, value: Any, used_by: str, depth: int) -> str:
        """A plain value as Python writes it."""

        def inner(one: Any) -> str:
            return self._literal(one, used_by, depth + 1)

        kind: type = type(value)
        text = ""
        if depth > DEEPEST:
            pass
        elif value is None or kind in (bool, int, bytes):
            text = repr(value)
        elif kind is str:
            text = quoted(value)
        elif kind is float and math.isfinite(value):
            text = repr(value)
        elif kind is Decimal:
            self.imported("decimal", "Decimal")
            text = f'Decimal("{digits(value) if value.is_finite() else value}")'
        elif kind in _BRACKETS and (value or kind is not set):
            left, right = _BRACKETS[kind]
            comma = "," if kind is tuple and len(value) == 1 else ""
            text = f"{left}{', '.join(map(inner, value))}{comma}{right}"
        elif kind is set:
            text = "set()"
        elif kind is dict:
            pairs = (f"{inner(key)}: {inner(one)}" for key, one in value.items())
            text = "{" + ", ".join(pairs) + "}"
        elif isinstance(value, msgspec.Struct):
            self.define(kind.__name__, kind, used_by)
            fields = (f"{key}={inner(one)}" for key, one in _changed(value).items())
            text = f"{kind.__name__}({', '.join(fields)})"
        if not text:
            raise BadInput(
                f"{used_by} is {brief(value)} ({kind.__name__}), which a script cannot have; use "
                "functions and plain values (numbers, texts, lists, dicts)"
            )
        if len(text) > MOST_LETTERS:
            raise BadInput(f"{used_by} is {len(text):,} letters long: too much for a script")
        return text

    @property
    def imports(self) -> str:
        """The import lines: Python's own, then the others."""
        plain = [
            (module, f"import {module}" + (f" as {name}" if name != module else ""))
            for name, module in self._modules.items()
        ]
        several = [
            (module, f"from {module} import {', '.join(_as(names))}")
            for module, names in self._from.items()
        ]
        groups: tuple[list[str], list[str]] = ([], [])
        for module, line in [*sorted(plain), *sorted(several)]:
            groups[module.partition(".")[0] not in sys.stdlib_module_names].append(line)
        return "\n\n".join("\n".join(group) for group in groups if group) + "\n"

    @property
    def text(self) -> str:
        """The definitions, those that others need first; blank lines as in any module."""
        found, after_definition = "", False
        for block in self._blocks:
            is_definition = block.startswith(("def ", "class ", "@", "async "))
            found += "\n\n" * bool(found and (is_definition or after_definition)) + block
            after_definition = is_definition
        return found


def _as(names: Mapping[str, str]) -> Iterator[str]:
    for name, original in sorted(names.items()):
        yield name if name == original else f"{original} as {name}"


def _changed(value: msgspec.Struct) -> dict[str, Any]:
    """The fields that are not what they are by default; a reply is not part of a fact."""
    fields = msgspec.structs.fields(value)
    found = {one.name: getattr(value, one.name) for one in fields if one.name != "http"}
    defaults = {one.name: one.default for one in fields}
    return {name: one for name, one in found.items() if one != defaults[name]}


def _importable(value: Any) -> tuple[str, str] | None:
    """(module, name) by which a function or class can be imported: the shortest such module."""
    name, module = getattr(value, "__qualname__", ""), getattr(value, "__module__", None)
    kinds = FunctionType | BuiltinFunctionType | type
    if not isinstance(value, kinds) or not name.isidentifier() or module in (None, "__main__"):
        return None
    parts = str(module).split(".")
    for count in range(1, len(parts) + 1):
        path = ".".join(parts[:count])
        found = sys.modules.get(path)
        if getattr(found, name, None) is value and _can_import(path):
            return path, name
    return None


def _can_import(path: str) -> bool:
    try:
        return find_spec(path) is not None
    except (ImportError, ValueError):
        return False


def quoted(text: str) -> str:
    """A text as a script has it, in double quotes where it can be."""
    found = repr(text)
    return found if '"' in text or "\\" in found else f'"{text}"'


def function_source(function: Callable[..., Any]) -> str:
    """The lines of a function that was written with ``def``.

    Raises
    ------
    BadInput
        It was not, or nobody knows its lines.
    """
    name = getattr(function, "__name__", "it")
    if name == "<lambda>":
        raise BadInput("a lambda has no name to write down; write it with def")
    try:
        source = textwrap.dedent(inspect.getsource(function))
        body = ast.parse(source).body
    except (OSError, TypeError, SyntaxError) as error:
        raise BadInput(
            f"the lines of {name} are not known ({error}); run the cell that defines it again"
        ) from None
    if len(body) != 1 or getattr(body[0], "name", None) != name:
        raise BadInput(f"the lines of {name} are not those of one function; write it with def")
    return source.rstrip() + "\n"
