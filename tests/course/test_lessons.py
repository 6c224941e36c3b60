"""The page contract, for every notebook there is, and each lesson run the way a learner would.

The page: what the notebook's file says. The run: as shipped, with every answer of
``tests/answers``, and with the solution that the notebook itself shows, in a real kernel.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import nbformat
import pytest
from nbclient import NotebookClient

import vocx
from vocx.course import catalogue
from vocx.course.predictions import RIGHT
from vocx.distribution import REPOSITORY

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
BADGE = "https://mybinder.org/badge_logo.svg"
LAUNCH = (
    f"https://mybinder.org/v2/gh{urlsplit(REPOSITORY).path}/v{vocx.__version__}"
    "?urlpath=lab/tree/notebooks/{}"
)
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
KILOBYTES = {".png": 80, ".gif": 300}
FORBIDDEN = r"\bsys\.path\b|\bimport \*|^\s*[%!]\s*\w|\binput\("


class Page:
    """One notebook, read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lesson = catalogue.lesson(path.name)
        self.notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
        self.cells = self.notebook.cells
        self.code = [cell for cell in self.cells if cell.cell_type == "code"]
        self.markdown = [cell.source for cell in self.cells if cell.cell_type == "markdown"]

    @property
    def prose(self) -> str:
        """What is there to read: no code, no tags, no addresses."""
        text = FENCE.sub("", "\n\n".join(self.markdown))
        return re.sub(r"<[^>]+>|(?<=\])\([^)]*\)", "", text)

    def calls(self, name: str) -> list[tuple[int, ast.Call]]:
        """Every ``course.<name>(...)`` with the number of its cell among the code cells."""
        return [
            (number, node)
            for number, cell in enumerate(self.code)
            for node in ast.walk(ast.parse(cell.source))
            if isinstance(node, ast.Call) and ast.unparse(node.func) == f"course.{name}"
        ]

    def exercises(self) -> Iterator[tuple[str, str, int, int]]:
        """(id of the check, name of the function, exercise cell, check cell)."""
        for at, call in self.calls("check"):
            key, answer = call.args
            assert isinstance(key, ast.Constant) and isinstance(answer, ast.Name)
            written = next(
                number for number, cell in enumerate(self.code) if defines(cell.source, answer.id)
            )
            yield str(key.value), answer.id, written, at


FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def defines(source: str, name: str) -> bool:
    return any(isinstance(n, FUNCTION) and n.name == name for n in ast.parse(source).body)


PAGES = [pytest.param(path, id=path.stem) for path in NOTEBOOKS]
"""Lessons mostly wait: each may have a worker of its own."""


@pytest.fixture(scope="module", params=PAGES)
def page(request: pytest.FixtureRequest) -> Page:
    return Page(request.param)


# the page


def test_it_has_the_agreed_size(page: Page) -> None:
    """20 to 32 cells, 700 to 1,100 words, at most 8 headings; code in small pieces."""
    lines = [sum(map(bool, map(str.strip, cell.source.splitlines()))) for cell in page.code]
    words = re.findall(r"\w[\w'’-]*", page.prose)
    assert 20 <= len(page.cells) <= 32
    assert median(lines) <= 3 and max(lines) <= 15, lines
    assert 700 <= len(words) <= 1100
    assert len(re.findall(r"^#+ ", page.prose, re.MULTILINE)) <= 8


def test_it_opens_with_what_is_in_it(page: Page) -> None:
    """A question, three abilities, needs, minutes, where it runs, and the badge."""
    opening = page.markdown[0]
    assert page.cells[0].cell_type == "markdown"
    assert opening.startswith(f"# {page.lesson.title}\n") and page.lesson.title.endswith("?")
    assert len(re.findall(r"^- ", opening, re.MULTILINE)) == 3
    assert "Needs" in opening and f"{page.lesson.minutes} minutes" in opening
    assert "no account, no network" in opening
    assert f"({BADGE})]({LAUNCH.format(page.path.name)})" in opening


def test_one_cell_sets_up(page: Page) -> None:
    """``course.begin`` stands in the second cell, and nowhere else."""
    ((at, begin),) = page.calls("begin")
    assert at == 0 and page.cells[1] is page.code[0]
    assert ast.literal_eval(begin.args[0]) == page.lesson.id


def test_every_section_needs_only_the_set_up_cell(page: Page) -> None:
    """No section uses a name that another section made: any of them can be run on its own."""
    ready = stored(page.code[0].source) | set(dir(builtins)) | {"display", "get_ipython"}
    known = set(ready)
    for cell in page.cells[2:]:
        if cell.cell_type == "markdown" and re.search(r"^## ", cell.source, re.MULTILINE):
            known = set(ready)
        elif cell.cell_type == "code":
            known |= stored(cell.source)
            assert loaded(cell.source) <= known, f"{cell.id} uses another section's names"


def stored(source: str) -> set[str]:
    """Every name that the code binds anywhere."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, FUNCTION | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return names


def loaded(source: str) -> set[str]:
    return {
        node.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def test_it_asks_checks_and_ends(page: Page) -> None:
    """One or two predictions, at least one check of this lesson, and an end."""
    asked = [ast.literal_eval(call.args[0]) for _, call in page.calls("predict")]
    checked = [key for key, *_ in page.exercises()]
    assert 1 <= len(asked) <= 2 and len(set(asked)) == len(asked)
    assert checked and all(key in catalogue.CHECKS for key in checked)
    assert {key.split(".")[0] for key in asked + checked} == {page.lesson.id}
    assert page.cells[-1].source.splitlines()[-1] == f'course.end("{page.lesson.id}")'


def test_predictions_hide_their_answer(page: Page) -> None:
    """What is right stands in the package, not above the buttons."""
    for _, call in page.calls("predict"):
        given = {word.arg for word in call.keywords}
        assert not given & {"right", "why"}, "put both into vocx/course/predictions.py"
        assert ast.literal_eval(call.args[0]) in RIGHT


def test_verdicts_wait_for_the_experiment(page: Page) -> None:
    """Each question is judged once, in the cell of its experiment, further down."""
    asked = {ast.literal_eval(call.args[0]): at for at, call in page.calls("predict")}
    told = {ast.literal_eval(call.args[0]): at for at, call in page.calls("verdict")}
    assert asked.keys() == told.keys() and all(told[key] > asked[key] for key in asked)


def test_exercises_are_blank_with_hint_and_solution_folded(page: Page) -> None:
    """The cell holds only ``...``; the solution is folded inside the hint."""
    for _, name, written, _ in page.exercises():
        (function,) = ast.parse(page.code[written].source).body
        assert isinstance(function, FUNCTION) and function.name == name
        assert ast.unparse(function.body[-1]) == "..." and len(function.body) <= 2
        assert re.search(nested_details(name), "\n".join(page.markdown), re.DOTALL)


def nested_details(name: str) -> str:
    hint = r"<details><summary>Hint</summary>\s.*?"
    return hint + rf"<details><summary>Solution</summary>\s+```python\n(.*?def {name}\(.*?)```"


def test_it_is_shipped_stripped(page: Page) -> None:
    """No outputs, no counts, no saved widgets; the kernel named; readable ids; plain bytes."""
    raw = page.path.read_bytes()
    assert b"\r" not in raw and raw.endswith(b"}\n") and raw.decode("utf-8")
    assert all(not cell.outputs and cell.execution_count is None for cell in page.code)
    assert "widgets" not in page.notebook.metadata
    assert page.notebook.metadata.kernelspec.name == "python3"
    assert (page.notebook.nbformat, page.notebook.nbformat_minor) == (4, 5)
    ids = [cell.id for cell in page.cells]
    assert len(set(ids)) == len(ids)
    for name in ids:
        assert re.fullmatch(r"[a-z][a-z0-9-]{1,40}", name), name
        assert not re.fullmatch(r"[0-9a-f]{8}", name), f"{name} is a random id"


def test_it_keeps_out_what_breaks_elsewhere(page: Page) -> None:
    """No path tricks, star imports, magics, ``input()``; no shouting."""
    for cell in page.code:
        assert not re.search(FORBIDDEN, cell.source, re.MULTILINE), cell.id
    assert "!" not in IMAGE.sub("", "\n".join(page.markdown))
    assert not re.search("[\U0001f300-\U0001faff\u2600-\u27bf]", page.prose)


def test_the_maps_follow_the_catalogue() -> None:
    """Lesson 00 and README link each lesson that is written, with its question, and no other."""
    written = {f"{one.file}.ipynb": one for one in catalogue.LESSONS if one.ready}
    opening = Page(FOLDER / "00_start_here.ipynb").markdown[0]
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    here = {"00_start_here.ipynb"}
    assert {*re.findall(r"\]\((\w+\.ipynb)\)", opening)} | here == {*written}
    assert {*re.findall(r"^\|.*\]\(notebooks/(\w+\.ipynb)\)", readme, re.MULTILINE)} == {*written}
    for name, one in written.items():
        assert (FOLDER / name).is_file()
        assert f"[{one.id}]({name}) | {one.title} |" in opening or name in here
        assert f"[`{one.file}`](notebooks/{name}) | {one.title} |" in readme


def test_pictures_are_folded_behind_their_cell(page: Page) -> None:
    """Each exists, is small, says in words what it shows, and follows the cell that makes it."""
    before = page.cells[0]
    for cell in page.cells:
        for alt, source in IMAGE.findall(cell.source if cell.cell_type == "markdown" else ""):
            if source == BADGE:
                continue
            picture = FOLDER / source
            assert picture.parent == FOLDER / "images", source
            assert picture.is_file(), f"{source} is missing: python tests/pictures.py makes it"
            assert picture.name.startswith(f"{page.lesson.id}_") and len(alt) >= 20, source
            assert picture.stat().st_size <= KILOBYTES[picture.suffix] * 1024, source
            folded = re.search(r"<details>.*?</details>", cell.source, re.DOTALL)
            assert folded and source in folded[0], f"{source} is not folded"
            assert before.cell_type == "code", f"{source} does not follow a code cell"
        before = cell


def test_every_picture_is_shown() -> None:
    """No picture is left over from an older page."""
    shown = {source for path in NOTEBOOKS for one in Page(path).markdown
             for _, source in IMAGE.findall(one)}  # fmt: skip
    files = {f"images/{path.name}" for path in (FOLDER / "images").glob("*.*")}
    assert files <= shown


# the run


class Run:
    """An executed notebook, and how long it took with its kernel's start."""

    def __init__(self, notebook: Any, passport: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VOCX_PASSPORT", str(passport))
            start = time.monotonic()
            place = {"metadata": {"path": str(FOLDER)}}
            NotebookClient(notebook, timeout=90, resources=place).execute()
            self.seconds = time.monotonic() - start
        self.cells = [cell for cell in notebook.cells if cell.cell_type == "code"]

    def printed(self, number: int) -> str:
        """Everything that a code cell printed."""
        outputs = self.cells[number].outputs
        return "".join(one.text for one in outputs if one.output_type == "stream")


@pytest.fixture(scope="module")
def shipped(page: Page, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The notebook as it is, top to bottom, in a kernel of its own."""
    passport = tmp_path_factory.mktemp("as shipped") / "passport.json"
    return Run(nbformat.read(page.path, as_version=4), passport)


@pytest.mark.kernel
def test_as_shipped_it_is_quick_and_quiet(shipped: Run) -> None:
    """Under a minute, or longer by as much as the machine has too much to do; nothing on stderr;
    no error but those on purpose, in at most 8 lines."""
    busy = os.getloadavg()[0] / (os.cpu_count() or 1)
    assert shipped.seconds < 60 * max(1.0, busy)
    for cell in shipped.cells:
        for output in cell.outputs:
            assert output.get("name") != "stderr", f"{cell.id}: {output.text}"
            if output.output_type == "error":
                assert "raises-exception" in cell.metadata.get("tags", []), cell.id
                assert len("\n".join(output.traceback).splitlines()) <= 8, cell.id


@pytest.mark.kernel
def test_as_shipped_the_checks_wait_for_an_answer(page: Page, shipped: Run) -> None:
    """A blank exercise is neither right nor wrong."""
    for key, _, _, check in page.exercises():
        assert shipped.printed(check).startswith(f"… {key} not answered yet")


@pytest.mark.kernel
def test_answers_get_what_they_deserve(page: Page, tmp_path: Path) -> None:
    """The right answer and the shown solution pass; each wrong one is told why."""
    wanted: list[str] = []
    cells = [fresh(page.code[0])]
    for key, name, _, check in page.exercises():
        for answer, verdict in answers(page, key, name):
            cells += [nbformat.v4.new_code_cell(answer), fresh(page.code[check])]
            wanted += ["", verdict]
    run = Run(
        nbformat.v4.new_notebook(cells=cells, metadata=page.notebook.metadata), tmp_path / "p"
    )
    for number, verdict in enumerate(wanted, 1):
        said = " ".join(run.printed(number).split())
        assert " ".join(verdict.split()) in said, run.cells[number - 1].source[-60:]


def fresh(cell: Any) -> Any:
    """A copy under an id of its own."""
    return nbformat.v4.new_code_cell(cell.source)


def answers(page: Page, key: str, name: str) -> Iterator[tuple[str, str]]:
    """(source of an exercise cell, what its check has to say)."""
    module = importlib.import_module(f"answers.lesson{page.lesson.id}")
    source = inspect.getsource(module)
    shown = re.search(nested_details(name), "\n".join(page.markdown), re.DOTALL)
    assert shown is not None
    yield shown[1], f"✓ {key} right"
    yield f"{source}\n{name} = right", f"✓ {key} right"
    for wrong, why in module.WRONG.items():
        yield f"{source}\n{name} = {wrong.__name__}", why
