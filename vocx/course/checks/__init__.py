"""The judges of the exercises, one module a lesson, by id."""

from __future__ import annotations

from vocx.course.checks import (
    lesson00,
    lesson01,
    lesson02,
    lesson02b,
    lesson03,
    lesson04,
    lesson05,
    lesson05b,
    lesson06,
    lesson07,
    lesson08,
    lesson09,
    lesson10,
    lesson11,
)
from vocx.course.exercise import Check

ALL: dict[str, Check] = {
    one.id: one
    for module in (
        *(lesson00, lesson01, lesson02, lesson02b, lesson03, lesson04, lesson05, lesson05b),
        *(lesson06, lesson07, lesson08, lesson09, lesson10, lesson11),
    )
    for one in module.CHECKS
}
"""Every check there is."""
