"""The student edition: the lessons with every solution cut out; hints and pictures stay.

It takes away the temptation, not the secret: solutions stand in the repository.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from vocx.course.page import Page, read
from vocx.errors import BadInput

_SOLUTION = re.compile(
    r"\n*<details><summary>Solution</summary>(?:(?!<details>).)*?</details>", re.DOTALL
)


def without_solutions(text: str) -> str:
    """A cell's text without the solutions that are folded into it."""
    return _SOLUTION.sub("", text)


def write(source: Path, target: Path) -> list[Path]:
    """Write every lesson of ``source`` to the new or empty folder ``target``, solutions cut out,
    with the pictures; the notebooks that were written.

    Raises
    ------
    BadInput
        The folder has something in it or cannot be written, or a solution would be left in.
    """
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise BadInput(f"{target} is not empty; name a new folder")
        target.mkdir(parents=True, exist_ok=True)
        if (source / "images").is_dir():
            shutil.copytree(source / "images", target / "images")
        return [_cut(path, target / path.name) for path in sorted(source.glob("*.ipynb"))]
    except OSError as error:
        raise BadInput(f"{target} cannot be written: {error.strerror or error}") from None


def _cut(path: Path, target: Path) -> Path:
    read(path)  # what is no notebook is refused in words
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = without_solutions("".join(cell["source"]))
            cell["source"] = text.splitlines(keepends=True)
    text = json.dumps(notebook, indent=1, ensure_ascii=False)
    target.write_text(f"{text}\n", encoding="utf-8", newline="\n")
    page = Page(target)
    for one in page.exercises():
        if page.solution(one.name) is not None:
            target.unlink()
            raise BadInput(f"{path.name}: the solution of {one.name} is not folded on its own")
    return target
