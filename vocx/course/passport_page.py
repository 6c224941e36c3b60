"""The passport as a page to print: what was done, what was predicted, and the resume code."""

from __future__ import annotations

from html import escape
from pathlib import Path

from vocx.course import passport
from vocx.course.catalogue import EXAM, LESSONS, PROTOCOLS, STRATEGIES
from vocx.course.predictions import RIGHT
from vocx.text import text_table

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>vocx: passport</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; max-width: 46em; margin: 2em auto; }}
pre {{ font: 13px/1.4 ui-monospace, monospace; white-space: pre-wrap; }}
@media print {{ body {{ margin: 0; }} }}
</style></head>
<body><h1>Passport</h1>
<pre>{text}</pre></body></html>
"""


def predicted(known: passport.Passport) -> tuple[int, int]:
    """Predictions that were right, and all that were made."""
    made = {key: letter for key, letter in known.predictions.items() if key in RIGHT}
    return sum(RIGHT[key][0] == letter for key, letter in made.items()), len(made)


def page(known: passport.Passport | None = None) -> str:
    """The passport in words and tables; the one on disk when none is given."""
    known = passport.load() if known is None else known
    rows = []
    for one in LESSONS:
        mine = [key for key in RIGHT if key.split(".")[0] == one.id and key in known.predictions]
        right = sum(RIGHT[key][0] == known.predictions[key] for key in mine)
        rows.append(
            (
                one.id,
                one.title,
                "yes" if one.id in known.lessons else "",
                "passed" if f"{one.id}.1" in known.checks else "",
                f"{right} of {len(mine)}" if mine else "",
            )
        )
    tasks = [task for task in EXAM if f"exam.{task}" in known.checks]
    right, made = predicted(known)
    chosen = [
        f"{title}: {PROTOCOLS[known.choices[key]]}"
        for key, title in STRATEGIES.items()
        if known.choices.get(key) in PROTOCOLS
    ]
    parts = [
        text_table(("", "lesson", "ended", "exercise", "predicted"), rows, left=5),
        f"Predictions: {right} of {made} right",
        f"Practical exam: {len(tasks)} of {len(EXAM)} tasks" + ": " * bool(tasks)
        + ", ".join(tasks),
        f"Final quiz: {'passed' if known.quiz else 'not passed yet'}",
        *chosen,
        f"Resume code: {known.code()}",
    ]  # fmt: skip
    return "\n".join(parts)


def passport_page(path: str | Path | None = None) -> None:
    """Print the passport; with a ``path``, write it there as HTML too, for a printer.

    Examples
    --------
    >>> course.passport_page("my_passport.html")
    """
    text = page()
    print(text)
    if path is not None:
        Path(path).write_text(_PAGE.format(text=escape(text)), encoding="utf-8")
