"""A call that does not fit its function, answered with the form that does.

``lab.network.latency(80)`` is a ``TypeError`` in Python that counts positional arguments, the
instance among them; here it is a :class:`~vocx.errors.BadInput` that says what to write:
``latency(rtt_ms=80)``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import Parameter
from typing import Any, ParamSpec, TypeVar

from vocx.arguments import brief
from vocx.errors import BadInput
from vocx.text import suggest

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
_BY_PLACE = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def says_its_form(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, whose wrong calls raise ``BadInput`` with the right form.

    A ``TypeError`` of anything that it does itself stays one.
    """

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except TypeError:
            signature = inspect.signature(function)
            try:
                signature.bind(*args, **kwargs)
            except TypeError:
                text = _right_form(function, list(signature.parameters.values()), args, kwargs)
            else:
                raise
        raise BadInput(text, outcome="not_sent")

    return called


def methods_say_their_form(kind: type[T]) -> type[T]:
    """The same class: the constructor and each public method are functions of
    :func:`says_its_form`, at some 0.1 us a call."""
    for name, method in list(vars(kind).items()):
        public = not name.startswith("_") or name in ("__init__", "__call__")
        if public and inspect.isfunction(method):
            setattr(kind, name, says_its_form(method))
    return kind


def _right_form(
    function: Callable[..., Any],
    parameters: list[Parameter],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> str:
    """What is wrong with the call, and what it may look like."""
    owner, _, name = function.__qualname__.rpartition(".")
    if owner and not owner.endswith("<locals>"):  # a method: its instance is not written
        parameters, args = parameters[1:], args[1:]
    if name in ("__init__", "__call__"):
        name = owner if name == "__init__" else owner.lower()
    known = [one.name for one in parameters if one.kind is not Parameter.VAR_KEYWORD]
    listed = f"{name}() has {', '.join(known)}" if known else f"{name}() has no arguments"
    for given in kwargs:
        if given not in known and parameters[-1].kind is not Parameter.VAR_KEYWORD:
            return f"{name}() has no argument {given!r:.60}; {listed}.{suggest(given, known)}"
    by_place = [one for one in parameters if one.kind in _BY_PLACE]
    by_name = [
        one.name
        for one in parameters
        if one.kind is Parameter.KEYWORD_ONLY and one.name not in kwargs
    ]
    twice = [one.name for one in by_place[: len(args)] if one.name in kwargs]
    takes_all = any(one.kind is Parameter.VAR_POSITIONAL for one in parameters)
    beyond = () if takes_all else args[len(by_place) :]
    if twice or len(beyond) > len(by_name):
        wrong = f"{twice[0]} is given twice" if twice else f"{len(args)} arguments are too many"
        return f"{wrong}; {listed}"
    shown = [_written(value) for value in (args if takes_all else args[: len(by_place)])]
    if beyond and parameters[-1].kind is Parameter.VAR_KEYWORD:
        return f"{_written(beyond[0])} needs its name: {name}({', '.join([*shown, 'name=value'])})"
    named = dict(zip(by_name, map(_written, beyond), strict=False))
    missing = [
        one.name
        for one in parameters
        if one.default is Parameter.empty
        and one.kind is not Parameter.VAR_POSITIONAL
        and one.kind is not Parameter.VAR_KEYWORD
        and one not in by_place[: len(args)]
        and one.name not in {*named, *kwargs}
    ]
    shown += [f"{one}={value}" for one, value in named.items()]
    shown += [f"{one}=..." for one in (*kwargs, *missing)]
    what = f"{' and '.join(named)} by name" if named else f"{' and '.join(missing)} too"
    return f"{name}() takes {what}: write {name}({', '.join(shown)})"


def _written(value: object) -> str:
    """A value as one types it."""
    text = brief(value)
    return f'"{text[1:-1]}"' if type(value) is str and '"' not in text else text
