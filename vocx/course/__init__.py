"""The course: what the notebooks are made of besides the helpers themselves.

>>> from vocx import course
>>> lab, binance = course.begin("03")       # first cell: re-runnable, the only set-up
>>> course.predict("03.1", "We lose one message ...", ["healed", "worse"])
>>> course.freshness(asked=binance, pushed=tape)       # a lesson's own instrument
>>> course.verdict("03.1")                            # in the cell of the experiment
>>> course.check("03.1", decide)                      # right, wrong, or not answered yet
>>> course.export(client, "my_bot.py")                # what you built, as a script with a test
>>> course.end("03")                                  # last cell: stops everything
>>> course.quiz(seed=5).answer("kept", 80, measured)  # the final quiz: say it, then measure it
>>> course.exam(seed=11).hand_in("book", keep)        # the practical exam: ten tasks

Progress is kept in a passport (a small file beside the notebooks) and in a resume code.
"""

from __future__ import annotations

from vocx.course.export import export
from vocx.course.final_quiz import Quiz, quiz
from vocx.course.grading import Result, check
from vocx.course.instruments import board, compare, freshness, frontier, signature
from vocx.course.passport_page import passport_page
from vocx.course.practical_exam import Exam, exam
from vocx.course.predictions import Prediction, choices, predict, verdict
from vocx.course.session import begin, end, progress, resume

__all__ = [
    "Exam",
    "Prediction",
    "Quiz",
    "Result",
    "begin",
    "board",
    "check",
    "choices",
    "compare",
    "end",
    "exam",
    "export",
    "freshness",
    "frontier",
    "passport_page",
    "predict",
    "progress",
    "quiz",
    "resume",
    "signature",
    "verdict",
]
