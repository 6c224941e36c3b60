"""``vocx grade FOLDER``: the answers in a class's notebooks, judged again, into a CSV file.

Of each notebook only the answer is run: the function that its check names, with the imports,
functions and plain values of the notebook that it may lean on. It runs in a process of its own
(:mod:`vocx.course.grade_child`), in a lab with a seed that nobody has seen, with limits on time and
memory, an environment without the teacher's variables and a home that is thrown away.

That holds mistakes off, such as endless loops. **It is no protection against malice**: the process
has the teacher's rights, can read files, use the network, and forge its own result. Grade what you
would also open in Jupyter, or grade in a container.
"""

from __future__ import annotations

import ast
import csv
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

import vocx
from vocx.course import catalogue, practical_exam
from vocx.course.cell_sources import statement_source
from vocx.course.checks import ALL
from vocx.course.page import FUNCTION, Notebook, read
from vocx.errors import BadInput

SECONDS, MEMORY_MB = 60.0, 1024
NO_PROTECTION = (
    "No protection against malice: answers run with your rights. Grade what you would also open "
    "in Jupyter, or grade in a container."
)
_MAGIC = re.compile(r"^\s*[%!?].*$", re.MULTILINE)
_SKIP = {".ipynb_checkpoints", "__pycache__"}
_PLAIN = {"Decimal", "set", "dict", "list", "tuple", "frozenset", "float", "int", "str", "range"}


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of one student, a row of the file.

    Attributes
    ----------
    student : str
        The folder that the notebook lay in; without one, the file's name.
    file : str
        The notebook, from the graded folder on.
    check : str
        ``"03.1"``, ``"exam.book"``; empty where the notebook is of no lesson.
    result : str
        ``right``, ``wrong``, ``not answered yet``; ``missing`` (no notebook), ``unreadable``,
        ``no lesson``, ``no function``, ``syntax error``, ``broken`` (its cell raises), ``time``,
        ``memory``, ``crashed``.
    seconds : float
        What it took, with the lab's start.
    detail : str
        The verdict in one line.
    """

    student: str
    file: str
    check: str
    result: str
    seconds: float = 0.0
    detail: str = ""


class Submission(msgspec.Struct, frozen=True):
    """A notebook that a student handed in: ``lesson`` is an id, or empty."""

    student: str
    path: Path
    lesson: str
    notebook: Notebook | None
    problem: str = ""


class AnswerCode(msgspec.Struct, kw_only=True):
    """What of a notebook an answer is run with.

    Attributes
    ----------
    begun : list of str
        What the set-up cell calls the lab and the exchange.
    optional : list of str
        Statements of other cells that the answer may lean on: one that fails is left out.
    required : list of str
        Those of the answer's own cells, in order; none where no cell defines it.
    """

    begun: list[str] = []
    optional: list[str] = []
    required: list[str] = []


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What the child reads from its stdin."""

    check: str
    name: str
    code: AnswerCode
    seed: int
    memory_mb: int
    result: str


class Outcome(msgspec.Struct, frozen=True):
    """What the child writes."""

    result: str
    detail: str = ""


def grade(
    folder: Path,
    *,
    lessons: Iterable[str] = (),
    seed: int,
    seconds: float = SECONDS,
    memory_mb: int = MEMORY_MB,
) -> Iterator[Grade]:
    """Judge every answer below ``folder``, one after the other.

    Parameters
    ----------
    folder : Path
        A folder for each student, or notebooks.
    lessons : iterable of str
        Which lessons are wanted; by default those of which anybody handed something in.
    seed : int
        Of the labs.
    seconds, memory_mb
        Limits of one answer. The memory is what it may take besides what Python and the course
        need; it is limited where the system can (Linux).

    Raises
    ------
    BadInput
        There is no such folder, or nothing in it; no such lesson.
    """
    students, handed = collect(folder)
    wanted = [catalogue.lesson(one).id for one in lessons]
    wanted = wanted or [one.id for one in catalogue.LESSONS if one.id in {h.lesson for h in handed}]

    judge = partial(_judged, seed=seed, seconds=seconds, memory_mb=memory_mb)
    return _grades(folder, students, handed, wanted, judge)


def _grades(
    folder: Path,
    students: list[str],
    handed: list[Submission],
    wanted: list[str],
    judge: Callable[[Submission, str], Outcome],
) -> Iterator[Grade]:
    for student in students:
        mine = [one for one in handed if one.student == student]
        for one in mine:
            yield from _graded(one, folder, wanted, judge)
        if (folder / student).is_dir():
            for lesson in wanted:
                if lesson not in {one.lesson for one in mine}:
                    for check in checks_of(lesson):
                        yield Grade(student=student, file="", check=check, result="missing")


def checks_of(lesson: str) -> list[str]:
    """The checks of a lesson, or the tasks of the exam."""
    return [
        key
        for key in (*ALL, *(f"exam.{task}" for task in catalogue.EXAM))
        if catalogue.lesson_of(key).id == lesson
    ]


def collect(folder: Path) -> tuple[list[str], list[Submission]]:
    """The students, and what they handed in; a lesson is told by what is in a notebook, not by
    the file's name."""
    try:
        entries = sorted(one for one in folder.iterdir() if not one.name.startswith("."))
    except OSError as error:
        raise BadInput(f"{folder} cannot be read: {error.strerror or error}") from None
    students: list[str] = []
    handed: list[Submission] = []
    for entry in entries:
        if entry.is_dir() and entry.name not in _SKIP:
            students.append(entry.name)
            files = sorted(
                path for path in entry.rglob("*.ipynb")
                if not any(part in _SKIP or part.startswith(".")
                           for part in path.relative_to(folder).parts)
            )  # fmt: skip
            handed += [_submission(entry.name, path) for path in files]
        elif entry.suffix == ".ipynb":
            students.append(entry.stem)
            handed.append(_submission(entry.stem, entry))
    if not students:
        raise BadInput(f"{folder} holds neither folders of students nor notebooks")
    return students, handed


def _submission(student: str, path: Path) -> Submission:
    try:
        notebook = read(path)
    except BadInput as error:
        return Submission(student, path, _named(path), None, str(error))
    code = "\n".join(cell.text for cell in notebook.cells if cell.is_code)
    for call in ("begin", "check", "end"):
        for found in re.findall(rf"""\bcourse\.{call}\(\s*["'](\w+)""", code):
            with suppress(BadInput):
                return Submission(student, path, catalogue.lesson(found).id, notebook)
    return Submission(student, path, _named(path), notebook)


def _named(path: Path) -> str:
    """The lesson by the file's name, where that is left of it."""
    with suppress(BadInput):
        return catalogue.lesson(path.name).id
    return ""


def _graded(
    one: Submission, folder: Path, wanted: list[str], judge: Callable[[Submission, str], Outcome]
) -> Iterator[Grade]:
    file = one.path.relative_to(folder).as_posix()
    if not one.lesson:
        result = "unreadable" if one.notebook is None else "no lesson"
        yield Grade(student=one.student, file=file, check="", result=result, detail=one.problem)
        return
    if one.lesson not in wanted:
        return
    for check in checks_of(one.lesson):
        began = time.monotonic()
        outcome = judge(one, check)
        yield Grade(
            student=one.student,
            file=file,
            check=check,
            result=outcome.result,
            seconds=round(time.monotonic() - began, 1),
            detail=" ".join(outcome.detail.split()),
        )


def _judged(one: Submission, check: str, *, seed: int, seconds: float, memory_mb: int) -> Outcome:
    if one.notebook is None:
        return Outcome("unreadable", one.problem)
    name = function_name(one.notebook, check)
    try:
        code = answer_code(one.notebook, name)
    except SyntaxError as error:
        return Outcome("syntax error", f"{error.msg} (line {error.lineno} of its cell)")
    if not code.required:
        return Outcome("no function", f"no cell defines {name}")
    task = Task(check=check, name=name, code=code, seed=seed, memory_mb=memory_mb, result="")
    return run(task, seconds)


def function_name(notebook: Notebook, check: str) -> str:
    """What the notebook hands to the check; where that is gone, what the task calls it."""
    code = "\n".join(cell.text for cell in notebook.cells if cell.is_code)
    name = check.removeprefix("exam.")
    if name != check:
        call, keys, text = r"exam\.hand_in", name, practical_exam.tasks()[name].text
    else:
        call, text = r"course\.check", ALL[check].task
        keys = f"{re.escape(check)}|{re.escape(check.removesuffix('.1'))}"
    found = re.findall(rf"""\b{call}\(\s*["'](?:{keys})["']\s*,\s*(\w+)\s*\)""", code)
    task = re.search(r"(\w+)\(", text)
    return str(found[-1]) if found else task[1] if task else ""


def answer_code(notebook: Notebook, name: str) -> AnswerCode:
    """The statements that the function ``name`` is run with.

    Raises
    ------
    SyntaxError
        The last cell that defines ``name`` is no Python.
    """
    code, broken = AnswerCode(), None
    for cell in notebook.cells:
        if not cell.is_code:
            continue
        text = _MAGIC.sub("", cell.text)
        try:
            body = ast.parse(text).body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            if re.search(rf"\bdef\s+{name}\b|^{name}\s*=", text, re.MULTILINE):
                broken = error if isinstance(error, SyntaxError) else SyntaxError(str(error))
            continue
        set_up = [target for one in body for target in _begun(one)]
        code.begun = set_up or code.begun
        kept = [one for one in body if not isinstance(one, ast.Expr) and not _begun(one)]
        if any(_binds(one, name) for one in body):
            broken = None
            code.required += [statement_source(text, one) for one in kept]
        else:
            code.optional += [
                statement_source(text, one) for one in kept if set_up or _is_leaned_on(one)
            ]
    if broken is not None:
        raise broken
    return code


def _begun(node: ast.stmt) -> list[str]:
    """The names that ``lab, binance = course.begin("03")`` binds."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
        return []
    if ast.unparse(node.value.func) != "course.begin":
        return []
    return [one.id for target in node.targets for one in ast.walk(target)
            if isinstance(one, ast.Name)]  # fmt: skip


def _binds(node: ast.stmt, name: str) -> bool:
    if isinstance(node, FUNCTION | ast.ClassDef):
        return node.name == name
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(isinstance(one, ast.Name) and one.id == name for one in targets)


def _is_leaned_on(node: ast.stmt) -> bool:
    """Whether an answer may need it: imports, definitions and plain values."""
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        calls = [one for one in ast.walk(node.value) if isinstance(one, ast.Call | ast.Await)]
        return all(
            isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id in _PLAIN
            for one in calls
        )
    return isinstance(node, ast.Import | ast.ImportFrom | ast.ClassDef | FUNCTION)


def run(task: Task, seconds: float) -> Outcome:
    """One answer in a child process; killed, with whatever it started in its group, when the time
    is up."""
    with tempfile.TemporaryDirectory(prefix="vocx-grade-", ignore_cleanup_errors=True) as home:
        result = Path(home) / "result.json"
        task = msgspec.structs.replace(task, result=str(result))
        with subprocess.Popen(
            [sys.executable, "-m", "vocx.course.grade_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=home,
            env=_environment(home),
            start_new_session=True,
        ) as child:
            try:
                child.communicate(msgspec.json.encode(task), timeout=seconds)
            except subprocess.TimeoutExpired:
                return Outcome("time", f"not done within {seconds:g} s")
            finally:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.pid, signal.SIGKILL)
        try:
            return msgspec.json.decode(result.read_bytes(), type=Outcome)
        except (OSError, msgspec.MsgspecError):
            if child.returncode == -signal.SIGXCPU:
                return Outcome("time", "its processor time was used up")
            return Outcome("crashed", f"the process ended with {child.returncode} and no result")


def _environment(home: str) -> dict[str, str]:
    """Nothing of the teacher's but the way to Python, its packages and this one."""
    return {
        "HOME": home,
        "TMPDIR": home,
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(Path(vocx.__file__).resolve().parents[1]),
        "VOCX_PASSPORT": str(Path(home) / "passport.json"),
    }


def write(grades: Iterable[Grade], path: Path, seed: int, tell: Callable[[Grade], object]) -> int:
    """Write a row for each grade as it comes; how many there were.

    A text that a spreadsheet would take for a formula gets a quote before it.
    """
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow([*Grade.__struct_fields__, "seed"])
        for one in grades:
            rows.writerow([*map(_harmless, msgspec.structs.astuple(one)), seed])
            file.flush()
            tell(one)
            count += 1
    return count


def _harmless(value: object) -> object:
    risky = isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}
    return f"'{value}" if risky else value
