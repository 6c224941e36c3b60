"""The cells of the lesson that is open, for the error that readers who jump meet first.

The set-up cell is all that a section needs. Inside a section cells build on each other, so one that
is run alone lacks a name that a cell above it makes. Python then says ``NameError``, which names
the symptom; the notebook's file says which cell is the cure.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
import symtable
from collections.abc import Container
from pathlib import Path

import msgspec

from vocx import distribution
from vocx.course import catalogue

_WIDTH = 88


class LessonCell(msgspec.Struct, frozen=True):
    """A code cell of a lesson.

    Attributes
    ----------
    number : int
        Its place among the code cells; 0 is the set-up cell.
    section : str
        The heading above it, ``""`` for the set-up cell.
    source : str
        Its code.
    makes, needs : frozenset of str
        The names that it binds, and those that it reads and does not bind itself.
    """

    number: int
    section: str
    source: str
    makes: frozenset[str]
    needs: frozenset[str]

    def line_of(self, name: str) -> str:
        """The line that makes a name, as it stands in the cell."""
        for node in ast.walk(ast.parse(self.source)):
            if _bound(node) == name:
                line = self.source.splitlines()[getattr(node, "lineno", 1) - 1].strip()
                return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}..."
        return self.source.partition("\n")[0]


def read_cells(path: Path) -> list[LessonCell]:
    """The code cells of a notebook's file; cells that are not Python are left out."""
    found: list[LessonCell] = []
    section = ""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            headings = re.findall(r"^## (.+)$", source, re.MULTILINE)
            section = headings[-1] if headings else section
        elif cell["cell_type"] == "code":
            try:
                makes, needs = names_of(source)
            except SyntaxError:  # a magic, or a cell that is being written
                continue
            found.append(LessonCell(len(found), section, source, makes, needs))
    return found


def of_lesson(lesson: str) -> list[LessonCell]:
    """Of the learner's own file if it lies in the working folder, else of the one shipped; none
    where there is neither."""
    name = f"{catalogue.lesson(lesson).file}.ipynb"
    for folder in (Path.cwd(), distribution.lessons()):
        if folder is not None and (folder / name).is_file():
            try:
                return read_cells(folder / name)
            except (OSError, ValueError, KeyError, TypeError):
                continue
    return []


def needed(
    cells: list[LessonCell], source: str, known: Container[str], name: str
) -> list[tuple[LessonCell, str]]:
    """Which cells have to run before a name is there, in their order, with a name that each makes.

    Parameters
    ----------
    source : str
        The cell that met the error: only cells above it are asked, if it is one of the lesson's.
    known : container of str
        What the kernel knows already.
    """
    met = next((cell.number for cell in cells if cell.source.strip() == source.strip()), len(cells))
    found: dict[int, tuple[LessonCell, str]] = {}
    missing = [name]
    while missing:
        wanted = missing.pop()
        maker = next((one for one in reversed(cells[:met]) if wanted in one.makes), None)
        if maker is None or maker.number in found:
            continue
        found[maker.number] = maker, wanted
        if maker.number:  # the set-up cell needs nothing
            missing += sorted(one for one in maker.needs if one not in known)
    return [found[number] for number in sorted(found)]


def advice(cells: list[LessonCell], source: str, known: Container[str], name: str) -> list[str]:
    """What to run first, in lines; none where no cell of the lesson makes that name."""
    first = needed(cells, source, known, name)
    if not first:
        return []
    if first[0][0].number == 0:
        return [f"`{name}` is not there yet: run the set-up cell, the first one, then this again."]
    several = "these cells" if len(first) > 1 else "the cell"
    section = f' under "{first[0][0].section}"' if first[0][0].section else ""
    lines = [f"`{name}` is not there yet. First run {several}{section} with", ""]
    lines += [f"    {cell.line_of(wanted)}" for cell, wanted in first]
    return [*lines, "", "and then this one again."]


def names_of(source: str) -> tuple[frozenset[str], frozenset[str]]:
    """What a cell binds in the notebook, and what it needs from there; Python's own names are in
    neither."""
    makes, reads = bound_and_read(source)
    return makes, reads - makes - set(dir(builtins))


def bound_and_read(source: str) -> tuple[frozenset[str], frozenset[str]]:
    """The names that code binds at its left edge, and those that it reads there, also from inside
    functions."""
    top = symtable.symtable(source, "cell", "exec")
    makes = {one.get_name() for one in top.get_symbols() if one.is_assigned() or one.is_imported()}
    reads = {one.get_name() for one in top.get_symbols() if one.is_referenced()}
    tables = list(top.get_children())
    while tables:
        table = tables.pop()
        tables += table.get_children()
        reads |= {one.get_name() for one in table.get_symbols() if one.is_global()}
    return frozenset(makes), frozenset(reads)


def _bound(node: ast.AST) -> str | None:
    """The name that a node of the tree binds, if it does."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.alias):
        return (node.asname or node.name).partition(".")[0]
    return None
