"""The page contract, for every notebook there is, and each lesson run the way a learner would.

The page: what the notebook's file says. The run: as shipped, with every answer of
``tests/answers``, and with the solution that the notebook itself shows, in a real kernel.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from typing import Any

import nbformat
import pytest
from answers import exam
from nbclient import NotebookClient

from vocx.course import catalogue, lesson_cells
from vocx.course.page import IMAGE, Cell, Exercise, Page, Rule, rules_of

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


PAGES = [pytest.param(path, id=path.stem) for path in NOTEBOOKS]
"""Lessons mostly wait: each may have a worker of its own."""


@pytest.fixture(scope="module", params=PAGES)
def page(request: pytest.FixtureRequest) -> Page:
    return Page(request.param)


# the page


CONTRACT = [
    pytest.param(path, rule, id=f"{path.stem}-{name}")
    for path in NOTEBOOKS
    for name, rule in rules_of(catalogue.lesson(path.name)).items()
]


@pytest.mark.parametrize(("path", "rule"), CONTRACT)
def test_it_keeps_the_page_contract(path: Path, rule: Rule) -> None:
    """The rule's docstring says what it asks for."""
    assert [str(problem) for problem in rule(Page(path))] == []


def test_a_cell_that_needs_another_says_which(page: Page) -> None:
    """Run alone after the set-up cell it meets a name that is not there, and is told the line that
    makes it; what another cell kept in ``seen`` is not asked for."""
    cells = lesson_cells.read_cells(page.path)
    known = cells[0].makes | {"display", "get_ipython"}
    for cell in cells[1:]:
        for name in cell.needs - known:
            said = lesson_cells.advice(cells, cell.source, known, name)
            assert said and len(said) <= 10, f"{name} in {cell.source}"
            maker = [one for one in cells[: cell.number] if name in one.makes][-1]
            assert f"    {maker.line_of(name)}" in said
        assert kept(cell.source, ast.Load) <= kept(cell.source, ast.Store), cell.source


def kept(source: str, how: type[ast.expr_context]) -> set[str]:
    """The keys of ``seen[...]`` that a cell reads or writes."""
    return {
        ast.unparse(node.slice)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Subscript)
        and ast.unparse(node.value) in ("seen", "said")
        and isinstance(node.ctx, how)
    }


def test_the_maps_follow_the_catalogue() -> None:
    """Lesson 00 and README link each lesson that is written, with its question, and no other."""
    written = {f"{one.file}.ipynb": one for one in catalogue.LESSONS}
    opening = Page(FOLDER / "00_start_here.ipynb").markdown[0]
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    here = {"00_start_here.ipynb"}
    assert {*re.findall(r"\]\((\w+\.ipynb)\)", opening)} | here == {*written}
    assert {*re.findall(r"^\|.*\]\(notebooks/(\w+\.ipynb)\)", readme, re.MULTILINE)} == {*written}
    for name, one in written.items():
        assert (FOLDER / name).is_file()
        assert f"[{one.id}]({name}) | {one.title} |" in opening or name in here
        assert f"[`{one.file}`](notebooks/{name}) | {one.title} |" in readme


def test_every_picture_is_shown() -> None:
    """No picture is left over from an older page."""
    shown = {source for path in NOTEBOOKS for one in Page(path).markdown
             for _, source in IMAGE.findall(one)}  # fmt: skip
    files = {f"images/{path.name}" for path in (FOLDER / "images").glob("*.*")}
    assert files <= shown


# the run

EXPLAINED = {"wrong share": "05", "p95": "05"}
"""Terms, and the lesson that says what they mean."""


class Run:
    """Executed cells of a kernel of its own, and how long the first ones took with its start."""

    def __init__(self, notebook: Any, passport: Path) -> None:
        place = {"metadata": {"path": str(FOLDER)}}
        self._client = NotebookClient(notebook, timeout=90, resources=place)
        self._kernel = ExitStack()
        start = time.monotonic()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VOCX_PASSPORT", str(passport))
            self._kernel.enter_context(self._client.setup_kernel())
        try:
            self.cells = self._execute(notebook.cells, 0)
        except BaseException:
            self.close()
            raise
        self.seconds = time.monotonic() - start

    def _execute(self, cells: list[Any], first: int) -> list[Any]:
        for number, cell in enumerate(cells, first):
            self._client.execute_cell(cell, number)
        return [cell for cell in cells if cell.cell_type == "code"]

    def go_on(self, cells: list[Any]) -> list[Any]:
        """Execute further code cells, and give them back."""
        known = self._client.nb.cells
        known += cells
        return self._execute(cells, len(known) - len(cells))

    def close(self) -> None:
        """End the kernel."""
        self._kernel.close()

    def printed(self, number: int) -> str:
        """Everything that a code cell printed."""
        return text_of(self.cells[number])


def text_of(cell: Any) -> str:
    """Everything that an executed code cell printed."""
    return "".join(one.text for one in cell.outputs if one.output_type == "stream")


@pytest.fixture(scope="module")
def shipped(page: Page, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The notebook as it is, top to bottom, in a kernel of its own, which is there to go on."""
    passport = tmp_path_factory.mktemp("as shipped") / "passport.json"
    with closing(Run(nbformat.read(page.path, as_version=4), passport)) as run:
        yield run


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
    """A blank exercise is neither right nor wrong; a task of the exam stands above its verdict."""
    for one in page.exercises():
        printed = shipped.printed(one.checked)
        if page.lesson.exam:
            task = one.key.removeprefix("exam.")
            assert printed.startswith(f"{task} (lesson ") and f"{one.name}(" in printed
            printed = printed.splitlines()[-1]
        assert printed.startswith(f"… {one.key} not answered yet")


@pytest.mark.kernel
def test_terms_wait_for_the_lesson_that_explains_them(page: Page, shipped: Run) -> None:
    """Neither the page nor what its cells print uses them earlier."""
    printed = "".join(shipped.printed(number) for number in range(len(shipped.cells)))
    said = "\n".join([page.prose, *(cell.text for cell in page.code), printed]).lower()
    for term, lesson in EXPLAINED.items():
        if catalogue.LESSONS.index(page.lesson) < catalogue.LESSONS.index(catalogue.lesson(lesson)):
            assert term not in said, term


FORGET = """\
for name in set(globals()) - {"In", "Out", "exit", "quit", "open", "get_ipython"}:
    if not name.startswith("_"):
        del globals()[name]
del name
"""
WAIT = re.compile(r"(?:(?<=seconds=)|(?<=time\.sleep\())\d+(?![\d.])")


@pytest.mark.kernel
@pytest.mark.long
@pytest.mark.timeout(300)
def test_each_section_runs_after_the_set_up_cell_alone(page: Page, tmp_path: Path) -> None:
    """The last section first, each with no other name than those of the set-up cell, which is run
    again before it. Waits are cut to a third: nothing is looked at but errors."""
    sections: list[list[Any]] = [[]]
    for cell in page.cells[2:]:
        if cell.cell_type == "markdown" and re.search(r"^## ", cell.text, re.MULTILINE):
            sections.append([])
        elif cell.is_code:
            quick = WAIT.sub(lambda found: str(max(2, int(found[0]) // 3)), cell.text)
            sections[-1].append(nbformat.v4.new_code_cell(quick, metadata=cell.metadata))
    cells = []
    for section in [one for one in sections if one][:0:-1]:  # the first is run so as shipped
        cells += [nbformat.v4.new_code_cell(FORGET), fresh(page.code[0]), *section]
    Run(
        nbformat.v4.new_notebook(cells=cells, metadata=page.notebook.metadata), tmp_path / "p"
    ).close()


@pytest.mark.kernel
def test_answers_get_what_they_deserve(page: Page, shipped: Run) -> None:
    """The right answer and the shown solution pass; a wrong one is told why. (Each wrong one:
    ``test_grading``, and here where there is time.)"""
    judged_in_a_kernel(page, shipped, 1)


@pytest.mark.kernel
@pytest.mark.long
@pytest.mark.timeout(300)
def test_each_wrong_answer_is_told_why(page: Page, tmp_path: Path) -> None:
    """In the notebook too."""
    notebook = nbformat.v4.new_notebook(metadata=page.notebook.metadata)
    with closing(Run(notebook, tmp_path / "p")) as run:
        judged_in_a_kernel(page, run, None)


def judged_in_a_kernel(page: Page, run: Run, wrong: int | None) -> None:
    """Run each check on each answer, of the wrong ones on so many, with no other name than those
    of the set-up cell."""
    wanted = ["", ""]
    cells = [nbformat.v4.new_code_cell(FORGET), fresh(page.code[0])]
    if page.lesson.exam:
        cells += [fresh(one) for one in page.code if "course.exam(" in one.text]
        wanted += [""]
    for one in page.exercises():
        if page.lesson.exam:
            for cell, verdict in handed_in(page, one):
                cells += [nbformat.v4.new_code_cell(cell)]
                wanted += [verdict]
            continue
        for answer, verdict in answers(page, one, wrong):
            cells += [nbformat.v4.new_code_cell(answer), fresh(page.code[one.checked])]
            wanted += ["", verdict]
    done = run.go_on(cells)
    for number, verdict in enumerate(wanted):
        said = " ".join(text_of(done[number]).split())
        assert " ".join(verdict.split()) in said, done[number - 1].source[-60:]


def fresh(cell: Cell) -> Any:
    """A copy under an id of its own."""
    return nbformat.v4.new_code_cell(cell.text)


QUICK = ("age", "budget")
"""Tasks that ask the lab for little; tests/course/test_practical_exam.py has all of them."""


def handed_in(page: Page, one: Exercise) -> Iterator[tuple[str, str]]:
    """(source of a task's cell with an answer in it, what is said of it); the naive one first."""
    task = one.key.removeprefix("exam.")
    if task in QUICK:
        naive, why = exam.NAIVE[task]
        for answer, verdict in ((naive, why), (exam.RIGHT[task], f"✓ {one.key} right")):
            written = f"{inspect.getsource(answer)}\n{one.name} = {answer.__name__}"
            (blank,) = re.findall(rf"^def {one.name}\(.*\.\.\.$", page.code[one.written].text, re.M)
            yield page.code[one.written].text.replace(blank, written), verdict


def answers(page: Page, one: Exercise, wrong: int | None) -> Iterator[tuple[str, str]]:
    """(source of an exercise cell, what its check has to say), with so many wrong ones."""
    module = importlib.import_module(f"answers.lesson{page.lesson.id}")
    source = inspect.getsource(module)
    shown = page.solution(one.name)
    assert shown is not None
    yield shown, f"✓ {one.key} right"
    yield f"{source}\n{one.name} = right", f"✓ {one.key} right"
    for answer, why in islice(module.WRONG.items(), wrong):
        yield f"{source}\n{one.name} = {answer.__name__}", why
