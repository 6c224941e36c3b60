"""A view's class as the function by which a lesson calls it: its signature stands in the class."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from vocx.call_forms import says_its_form

P = ParamSpec("P")
V = TypeVar("V")


def instrument(name: str, view: Callable[P, V]) -> Callable[P, V]:
    """A function that makes the view: with the arguments and the help text of its class, and
    wrong calls that say their form."""

    def make(*args: P.args, **kwargs: P.kwargs) -> V:
        return view(*args, **kwargs)

    make.__name__ = make.__qualname__ = name
    make.__module__, make.__doc__ = view.__module__, view.__doc__
    signature = inspect.signature(view).replace(return_annotation=view)
    make.__signature__ = signature  # type: ignore[attr-defined]
    return says_its_form(make)
