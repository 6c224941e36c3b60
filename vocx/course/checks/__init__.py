"""The judges of the exercises by id: one module a lesson, one exercise in each."""

from __future__ import annotations

from importlib import import_module

from vocx.course.catalogue import LESSONS
from vocx.course.exercise import Check

_MODULES = [import_module(f"{__name__}.lesson{one.id}") for one in LESSONS if not one.exam]
ALL: dict[str, Check] = {module.CHECK.id: module.CHECK for module in _MODULES}
"""Every check there is."""
