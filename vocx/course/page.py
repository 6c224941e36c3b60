"""The page of a lesson, read from its notebook, and the contract that it keeps.

``vocx lesson check FILE`` prints what is wrong; the test suite asks the same rules of every
lesson. A rule is a function from a :class:`Page` to problems, its docstring what it asks for.
Nothing is run: whether the notebook goes through is for ``pytest --nbval-lax`` to say.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import msgspec

import vocx
from vocx.course import catalogue
from vocx.course.catalogue import Lesson
from vocx.course.lesson_cells import names_of
from vocx.course.predictions import RIGHT
from vocx.distribution import REPOSITORY
from vocx.errors import BadInput

CELLS, WORDS, EXAM_WORDS = (20, 32), (700, 1100), (150, 500)
MEDIAN_LINES, MOST_LINES, MOST_HEADINGS, PROGRAM_LINES = 3, 15, 8, 10
BADGE = "https://mybinder.org/badge_logo.svg"
LAUNCH = (
    f"https://mybinder.org/v2/gh{urlsplit(REPOSITORY).path}/v{vocx.__version__}"
    "?urlpath=lab/tree/notebooks/{}"
)
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
OWN_PROGRAM = re.compile(
    r"<details><summary>In your own program</summary>\s+```python\n(.*?)```", re.DOTALL
)
"""What a lesson gives along: its subject without vocx, folded behind the closing words."""
IMPORT = re.compile(r"import |from \S+ import ")
KILOBYTES = {".png": 80, ".gif": 300}
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
_FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_FORBIDDEN = re.compile(r"\bsys\.path\b|\bimport \*|^\s*[%!]\s*\w|\binput\(", re.MULTILINE)
_SHOUTING = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")


class Problem(msgspec.Struct, frozen=True):
    """What breaks the contract, and where: ``cell`` is a cell's id, empty for the whole page."""

    text: str
    cell: str = ""

    def __str__(self) -> str:
        return f"cell {self.cell}: {self.text}" if self.cell else self.text


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One cell as the file has it."""

    cell_type: str
    source: str | list[str]
    id: str = ""
    metadata: dict[str, Any] = {}
    outputs: list[Any] = []
    execution_count: int | None = None

    @property
    def text(self) -> str:
        """Its source in one piece."""
        return self.source if isinstance(self.source, str) else "".join(self.source)

    @property
    def is_code(self) -> bool:
        """Whether it runs."""
        return self.cell_type == "code"


class Notebook(msgspec.Struct, frozen=True, kw_only=True):
    """A notebook of format 4."""

    cells: list[Cell]
    metadata: dict[str, Any] = {}
    nbformat: int = 0
    nbformat_minor: int = 0


class Exercise(msgspec.Struct, frozen=True):
    """An exercise of a page.

    Attributes
    ----------
    key : str
        Of its check, ``"03.1"``.
    name : str
        Of the function that is to be written.
    written, checked : int
        The cells of the function and of its check, counted among the code cells.
    """

    key: str
    name: str
    written: int
    checked: int


class Page:
    """One notebook, read.

    Attributes
    ----------
    lesson : Lesson
        What the catalogue says of it.
    trees : list of ast.Module
        The code cells, parsed.

    Raises
    ------
    BadInput
        It cannot be read, is no notebook, has code that is no Python, or stands in no catalogue.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notebook = read(path)
        self.lesson = _in_catalogue(path)
        self.cells = self.notebook.cells
        self.code = [cell for cell in self.cells if cell.is_code]
        self.markdown = [cell.text for cell in self.cells if cell.cell_type == "markdown"]
        self.trees = [_parsed(path, cell) for cell in self.code]

    @property
    def prose(self) -> str:
        """What is there to read: no code, no tags, no addresses."""
        text = _FENCE.sub("", "\n\n".join(self.markdown))
        return re.sub(r"<[^>]+>|(?<=\])\([^)]*\)", "", text)

    @property
    def word_count(self) -> int:
        """How many words there are to read."""
        return len(re.findall(r"\w[\w'’-]*", self.prose))

    def calls(self, name: str, of: str = "course") -> list[tuple[int, ast.Call]]:
        """Every ``course.<name>(...)`` with the number of its cell among the code cells."""
        return [
            (number, node)
            for number, tree in enumerate(self.trees)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == f"{of}.{name}"
        ]

    def keys(self, name: str) -> dict[str, int]:
        """First arguments of every ``course.<name>("03.1", ...)``, and the cells that they stand
        in."""
        return {text: at for at, call in self.calls(name) if (text := _text(call)) is not None}

    def exercises(self) -> list[Exercise]:
        """Every ``course.check("03.1", function)`` whose function a cell defines, and every
        ``exam.hand_in("book", function)``, which is ``exam.book``."""
        found = []
        tasks = self.calls("hand_in", of="exam")
        for at, call in [*self.calls("check"), *tasks]:
            key, name = _text(call), call.args[1] if len(call.args) > 1 else None
            if key is None or not isinstance(name, ast.Name):
                continue
            if (at, call) in tasks:
                key = f"exam.{key}"
            for number, tree in enumerate(self.trees):
                if any(isinstance(one, FUNCTION) and one.name == name.id for one in tree.body):
                    found.append(Exercise(key, name.id, number, at))
                    break
        return found

    def solution(self, name: str) -> str | None:
        """The code that is folded inside the hint of the exercise ``name``."""
        hint = r"<details><summary>Hint</summary>\s.*?"
        folded = rf"<details><summary>Solution</summary>\s+```python\n(.*?def {name}\(.*?)```"
        found = re.search(hint + folded, "\n".join(self.markdown), re.DOTALL)
        return found[1] if found else None


def read(path: Path) -> Notebook:
    """A notebook's file.

    Raises
    ------
    BadInput
        It cannot be read, or is none.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Notebook)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"{path} is no notebook of format 4: {error}") from None


def _in_catalogue(path: Path) -> Lesson:
    try:
        return catalogue.lesson(path.name)
    except BadInput:
        raise BadInput(
            f"{path.name} stands in no catalogue: add a Lesson with this file, its title and its "
            "minutes to LESSONS in vocx/course/catalogue.py, and its check to CHECKS (at the end)"
        ) from None


def _parsed(path: Path, cell: Cell) -> ast.Module:
    try:
        names_of(cell.text)  # finds what ast.parse lets pass, such as a nonlocal at the left edge
        return ast.parse(cell.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadInput(
            f"{path.name}, cell {cell.id}: this is no Python that runs without IPython: {error}"
        ) from None


def _text(call: ast.Call) -> str | None:
    """A call's first argument, where it is a text."""
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


# the rules


def words(page: Page) -> Iterator[Problem]:
    """700 to 1,100 words of prose, folded text included. Listings are not counted: they are read
    line by line, and not as sentences; a folded program has a bound of its own
    (``folded_programs``)."""
    yield from _between("words", page.word_count, WORDS)


def words_of_an_exam(page: Page) -> Iterator[Problem]:
    """150 to 500 words of prose: an exam explains nothing."""
    yield from _between("words", page.word_count, EXAM_WORDS)


def size(page: Page) -> Iterator[Problem]:
    """20 to 32 cells, at most 8 headings; code in small pieces."""
    yield from _between("cells", len(page.cells), CELLS)
    headings = len(re.findall(r"^#+ ", page.prose, re.MULTILINE))
    if headings > MOST_HEADINGS:
        yield Problem(f"{headings} headings; at most {MOST_HEADINGS}")
    lines = [sum(map(bool, map(str.strip, cell.text.splitlines()))) for cell in page.code]
    if lines and median(lines) > MEDIAN_LINES:
        yield Problem(f"half of the code cells have more than {MEDIAN_LINES} lines: {lines}")
    for cell, count in zip(page.code, lines, strict=True):
        if count > MOST_LINES:
            yield Problem(f"{count} lines of code; at most {MOST_LINES}", cell.id)


def _between(what: str, count: int, bounds: tuple[int, int]) -> Iterator[Problem]:
    if not bounds[0] <= count <= bounds[1]:
        yield Problem(f"{count:,} {what}; between {bounds[0]} and {bounds[1]:,}")


def opening(page: Page) -> Iterator[Problem]:
    """A question, three abilities, needs, minutes, where it runs, and the badge."""
    if not page.cells or page.cells[0].cell_type != "markdown":
        yield Problem("the first cell is no text")
        return
    cell, lesson = page.cells[0], page.lesson
    if not lesson.title.endswith("?"):
        yield Problem(f"the title is no question: {lesson.title}")
    if not cell.text.startswith(f"# {lesson.title}\n"):
        yield Problem(
            f"it does not begin with the title of the catalogue: # {lesson.title}", cell.id
        )
    abilities = len(re.findall(r"^- ", cell.text, re.MULTILINE))
    if abilities != 3:
        yield Problem(f"{abilities} things that one can do afterwards; write three", cell.id)
    badge = f"({BADGE})]({LAUNCH.format(page.path.name)})"
    for words in ("Needs", f"{lesson.minutes} minutes", "no account, no network", badge):
        if words not in cell.text:
            yield Problem(f"it does not say {words!r}", cell.id)


def one_set_up(page: Page) -> Iterator[Problem]:
    """``course.begin`` stands in the second cell, and nowhere else."""
    begun = page.calls("begin")
    first = page.code[0] if page.code else None
    if len(begun) != 1:
        yield Problem(f"course.begin is called {len(begun)} times; call it once")
    elif begun[0][0] != 0 or len(page.cells) < 2 or page.cells[1] is not first:
        yield Problem("course.begin does not stand in the second cell of the page")
    elif _text(begun[0][1]) != page.lesson.id:
        yield Problem(f'write course.begin("{page.lesson.id}")', page.code[0].id)


def sections(page: Page) -> Iterator[Problem]:
    """No section uses a name that another section made: any of them can be run on its own."""
    if not page.code:
        return
    ready = names_of(page.code[0].text)[0] | {"display", "get_ipython"}
    known = ready
    for cell in page.cells:
        if cell.cell_type == "markdown" and re.search(r"^## ", cell.text, re.MULTILINE):
            known = ready
        elif cell.is_code:
            makes, needs = names_of(cell.text)
            if missing := sorted(needs - known):
                yield Problem(f"names of another section: {', '.join(missing)}", cell.id)
            known |= makes


def ending(page: Page) -> Iterator[Problem]:
    """``course.end`` stands in the last line of all."""
    last = page.cells[-1].text.splitlines() if page.cells else []
    if not last or last[-1] != f'course.end("{page.lesson.id}")':
        yield Problem(f'the last line of the last cell is not course.end("{page.lesson.id}")')


def musts(page: Page) -> Iterator[Problem]:
    """One or two predictions, and at least one check of this lesson."""
    asked = [_text(call) for _, call in page.calls("predict")]
    checked = [one.key for one in page.exercises()]
    if not 1 <= len(asked) <= 2 or len(set(asked)) < len(asked):
        yield Problem(f"{len(asked)} predictions; ask one or two, each once")
    if not checked:
        yield Problem(
            f'no course.check("{page.lesson.id}.1", function) with its function in a cell'
        )
    for key in checked:
        if key not in catalogue.CHECKS:
            yield Problem(f"check {key} has no place in CHECKS of vocx/course/catalogue.py")
    for one in [*asked, *checked]:
        if one is None or one.split(".")[0] != page.lesson.id:
            yield Problem(f"{one} is of another lesson than {page.lesson.id}")


def musts_of_an_exam(page: Page) -> Iterator[Problem]:
    """The quiz and the ten tasks, in their order; neither predictions nor other exercises."""
    for name in ("quiz", "exam", "passport_page"):
        if len(page.calls(name)) != 1:
            yield Problem(f"course.{name} is called {len(page.calls(name))} times; call it once")
    if page.calls("predict") or page.calls("check"):
        yield Problem("an exam asks for no predictions and has no exercises besides its tasks")
    tasks = [one.key.removeprefix("exam.") for one in page.exercises()]
    if tuple(tasks) != catalogue.EXAM:
        yield Problem(
            f"handed in are {', '.join(tasks)}; the tasks are {', '.join(catalogue.EXAM)}"
        )


def hidden_answers(page: Page) -> Iterator[Problem]:
    """What is right stands in the package, not above the buttons."""
    for at, call in page.calls("predict"):
        if _text(call) not in RIGHT:
            text = f"{_text(call)} stands not in RIGHT of vocx/course/predictions.py"
            yield Problem(text, page.code[at].id)


def verdicts(page: Page) -> Iterator[Problem]:
    """Each question is judged once, in the cell of its experiment, further down."""
    asked, told = page.keys("predict"), page.keys("verdict")
    for key in sorted(asked.keys() | told.keys()):
        if key not in told:
            yield Problem(f'no course.verdict("{key}") in the cell of the experiment')
        elif key not in asked or told[key] <= asked[key]:
            yield Problem(
                f"the verdict of {key} comes before its question", page.code[told[key]].id
            )


def blank_exercises(page: Page) -> Iterator[Problem]:
    """The cell holds only ``...``; the solution is folded inside the hint, in the text above."""
    above = {after.id: before.text for before, after in pairwise(page.cells)}
    for one in page.exercises():
        cell, shown = page.code[one.written], page.solution(one.name)
        yield from _unwritten(one, cell, page.trees[one.written].body)
        if shown is None:
            yield Problem(
                f"no <details><summary>Hint</summary> with a <details><summary>Solution</summary> "
                f"inside that has {one.name} in a ```python block"
            )
        elif shown not in above.get(cell.id, ""):
            yield Problem("the hint does not stand in the text above it", cell.id)


def blank_tasks(page: Page) -> Iterator[Problem]:
    """A task of an exam is shown, written and handed in by one cell, and its solution is
    nowhere."""
    for one in page.exercises():
        cell, body = page.code[one.written], page.trees[one.written].body
        task = one.key.removeprefix("exam.")
        around = [f"exam.show('{task}')", f"exam.hand_in('{task}', {one.name})"]
        if [ast.unparse(statement) for statement in (body[0], body[-1])] != around:
            yield Problem(f"it does not begin and end with {' and '.join(around)}", cell.id)
        yield from _unwritten(one, cell, body[1:-1])
        if f"def {one.name}(" in "\n".join(page.markdown):
            yield Problem(f"the text shows a solution of {one.name}")


def _unwritten(one: Exercise, cell: Cell, body: list[ast.stmt]) -> Iterator[Problem]:
    function = body[0] if body else None
    alone = len(body) == 1 and isinstance(function, FUNCTION) and len(function.body) <= 2
    if not alone or ast.unparse(function.body[-1]) != "...":  # type: ignore[union-attr]
        yield Problem(f"it holds more than an unwritten {one.name}: def, docstring, ...", cell.id)


def folded_programs(page: Page) -> Iterator[Problem]:
    """What is folded as "In your own program" has at most ten lines of code, imports not
    counted."""
    for cell in page.cells:
        for program in OWN_PROGRAM.findall(cell.text if cell.cell_type == "markdown" else ""):
            lines = [one for one in program.splitlines() if one.strip() and not IMPORT.match(one)]
            if len(lines) > PROGRAM_LINES:
                yield Problem(
                    f"{len(lines)} lines of code in your own program; at most {PROGRAM_LINES}",
                    cell.id,
                )


def stripped(page: Page) -> Iterator[Problem]:
    """No outputs, no counts, no saved widgets; the kernel named; readable ids; plain bytes."""
    raw = page.path.read_bytes()
    if b"\r" in raw or not raw.endswith(b"}\n"):
        yield Problem("write line ends as \\n, and one behind the last brace")
    for cell in page.code:
        if cell.outputs or cell.execution_count is not None:
            yield Problem("it has outputs or a count: clear all outputs, and save", cell.id)
    if "widgets" in page.notebook.metadata:
        yield Problem("saved widgets (metadata.widgets): GitHub calls such a notebook invalid")
    if page.notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield Problem("the kernel is not python3")
    if (page.notebook.nbformat, page.notebook.nbformat_minor) != (4, 5):
        yield Problem("the format is not 4.5")
    ids = [cell.id for cell in page.cells]
    for name in sorted(set(ids)):
        if ids.count(name) > 1:
            yield Problem("two cells have this id", name)
        if not re.fullmatch(r"[a-z][a-z0-9-]{1,40}", name) or re.fullmatch(r"[0-9a-f]{8}", name):
            yield Problem("give it an id of words, such as predict-words", name)


def portable(page: Page) -> Iterator[Problem]:
    """No path tricks, star imports, magics, ``input()``; no shouting."""
    for cell in page.code:
        if found := _FORBIDDEN.search(cell.text):
            yield Problem(f"{found[0].strip()!r} breaks elsewhere", cell.id)
    for cell in page.cells:
        if cell.cell_type == "markdown" and "!" in IMAGE.sub("", cell.text):
            yield Problem("an exclamation mark", cell.id)
    if found := _SHOUTING.search(page.prose):
        yield Problem(f"a pictograph: {found[0]}")


def planned_errors(page: Page) -> Iterator[Problem]:
    """A cell that is tagged to raise says first that it fails on purpose."""
    for cell in page.code:
        tagged = "raises-exception" in cell.metadata.get("tags", [])
        if tagged and not cell.text.startswith("# This fails on purpose"):
            yield Problem("it raises: begin with # This fails on purpose.", cell.id)


def references(page: Page) -> Iterator[Problem]:
    """Lessons that are named by number are written."""
    written = {one.id for one in catalogue.LESSONS}
    for cell in page.cells:
        if cell.cell_type != "markdown":
            continue
        for named in re.findall(r"[Ll]essons? (\d\d\w?(?:(?:, | and | to )\d\d\w?\b)*)", cell.text):
            for one in re.findall(r"\d\d\w?", named):
                if one not in written:
                    yield Problem(f"there is no lesson {one}", cell.id)


def pictures(page: Page) -> Iterator[Problem]:
    """Each exists, is small, says in words what it shows, and follows the cell that makes it."""
    before: Cell | None = None
    for cell in page.cells:
        for alt, source in IMAGE.findall(cell.text if cell.cell_type == "markdown" else ""):
            if source != BADGE:
                yield from (Problem(text, cell.id) for text in _picture(page, cell, alt, source))
                if before is None or not before.is_code:
                    yield Problem(f"{source} does not follow a code cell", cell.id)
        before = cell


def _picture(page: Page, cell: Cell, alt: str, source: str) -> Iterator[str]:
    path = page.path.parent / source
    if not re.fullmatch(rf"images/{page.lesson.id}_\w+\.(png|gif)", source):
        yield f"{source} is not called images/{page.lesson.id}_name.png, or .gif"
    elif not path.is_file():
        yield f"{source} is missing: python tests/pictures.py {page.lesson.id} makes it"
    elif path.stat().st_size > KILOBYTES[path.suffix] * 1024:
        yield f"{source} has more than {KILOBYTES[path.suffix]} KB"
    if len(alt) < 20:
        yield f"{source}: say in words what it shows"
    folded = re.search(r"<details>.*?</details>", cell.text, re.DOTALL)
    if not folded or source not in folded[0]:
        yield f"{source} is not folded in <details>"


Rule = Callable[[Page], Iterator[Problem]]
_OF_ALL: tuple[Rule, ...] = (
    *(size, opening, one_set_up, sections, ending, stripped, portable, planned_errors),
    *(references, pictures),
)
_OF_A_LESSON = (words, musts, hidden_answers, verdicts, blank_exercises, folded_programs)
_OF_AN_EXAM = (words_of_an_exam, musts_of_an_exam, blank_tasks)
LESSON_RULES: dict[str, Rule] = {rule.__name__: rule for rule in (*_OF_ALL, *_OF_A_LESSON)}
"""The contract of a lesson, by name."""
EXAM_RULES: dict[str, Rule] = {rule.__name__: rule for rule in (*_OF_ALL, *_OF_AN_EXAM)}
"""The contract of an exam, by name."""


def rules_of(lesson: Lesson) -> dict[str, Rule]:
    """The contract that the page of a lesson keeps."""
    return EXAM_RULES if lesson.exam else LESSON_RULES


def problems(path: Path) -> list[Problem]:
    """Everything in which a notebook breaks the page contract; a page that cannot be read has one
    problem."""
    try:
        page = Page(path)
    except BadInput as error:
        return [Problem(str(error))]
    return [problem for rule in rules_of(page.lesson).values() for problem in rule(page)]
