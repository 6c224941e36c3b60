"""``course.check``: right, wrong, or not answered yet."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from vocx.course import passport, session
from vocx.course.answer_runner import Trial, Wrong, observe, short
from vocx.course.exercise import Check
from vocx.errors import BadInput, NotReady
from vocx.text import fold, suggest

if TYPE_CHECKING:
    from vocx.exchange import Exchange

State = Literal["right", "wrong", "not answered yet"]

VALUES = (str, bytes, int, float, Decimal, list, tuple, dict)
"""What a call of an exercise's function gives: whoever hands over such a thing has called it."""
HINT_AFTER = 3
"""Failures that open the hint."""


class Result:
    """What a check found: ``state`` and ``text``. Truthy only when right."""

    def __init__(self, state: State, text: str) -> None:
        self.state: State = state
        self.text = text

    def __bool__(self) -> bool:
        return self.state == "right"

    def __repr__(self) -> str:
        return f"<{self.state}>"

    def _ipython_display_(self) -> None:
        """Nothing: the text is printed already."""


def find(name: str) -> Check:
    """The check of an id; its lesson's is enough."""
    from vocx.course.checks import ALL  # loads what only some lessons need, such as measure

    for key in (str(name), f"{name}.1"):
        if key in ALL:
            return ALL[key]
    raise BadInput(f"there is no check {name!r}; there are {', '.join(ALL)}.{suggest(name, ALL)}")


def check(name: str, answer: Any = None) -> Result:
    """Judge an answer by what it does, print the verdict and keep a pass in the passport.

    Parameters
    ----------
    name : str
        ``"03.1"``, or ``"03"``.
    answer : function
        Yours. ``None``, ``...`` and functions that only say so count as not answered yet.

    Returns
    -------
    Result
        ``.state`` is ``"right"``, ``"wrong"`` or ``"not answered yet"``.
    """
    wanted = find(name)
    try:
        result = judge(wanted, answer, session.current_exchange())
    except KeyboardInterrupt:
        result = Result("wrong", f"? {wanted.id} interrupted; it does not count as a try")
        print(result.text)
        return result
    if result.state == "right":
        passport.save(passport.Passport(checks=[wanted.id]))
    elif result.state == "wrong":
        result = _count(wanted, result)
    print(fold(result.text))
    return result


def judge(wanted: Check, answer: Any, exchange: Exchange | None) -> Result:
    """The verdict alone, on the lesson's exchange: prints nothing and keeps nothing."""
    if answer is None or answer is Ellipsis:
        return _unanswered(wanted)
    if not callable(answer):
        return Result("wrong", f"✗ {wanted.id} wrong: {_no_function(wanted.name, answer)}")
    trial = Trial(answer)
    try:
        longest = {} if wanted.call_s is None else {"call_s": wanted.call_s}
        praise = observe(lambda one: wanted.judge(one, exchange), trial, **longest)
    except (Wrong, NotReady) as wrong:
        hung = trial.current is not None and not trial.unwritten
        if not (trial.returned_something or hung):
            return _printed(wanted, trial) if trial.printed else _unanswered(wanted)
        if isinstance(wrong, NotReady):
            raise
        return Result("wrong", _explain(wanted, wrong))
    return Result("right", f"✓ {wanted.id} right. {praise}")


def _unanswered(wanted: Check) -> Result:
    return Result("not answered yet", f"… {wanted.id} not answered yet. {wanted.task}")


def _no_function(name: str, answer: Any) -> str:
    """A value where a function belongs: its result, or a name left over from another cell."""
    what = f"it got {short(answer)} ({type(answer).__name__})"
    if isinstance(answer, VALUES):
        return f"{what}; hand over the function itself, without brackets"
    return (
        f"{what}. `{name}` is left over from an earlier cell: run the cell above that begins "
        f"`def {name}(`, then this one again"
    )


def _printed(wanted: Check, trial: Trial) -> Result:
    """A function that says its answer instead of giving it."""
    wrong = Wrong(
        "your function printed its answer and gave back nothing: write `return` for `print`",
        given=f"{trial.name}(...)",
        seen=f"None, and on the page: {short(trial.printed.splitlines()[-1], 60)}",
        expected="the same as a value, by `return`",
    )
    return Result("wrong", _explain(wanted, wrong))


def _explain(wanted: Check, wrong: Wrong) -> str:
    rows = [("input", wrong.given), ("seen", wrong.seen), ("expected", wrong.expected)]
    lines = [f"✗ {wanted.id} wrong: {wrong.why}"]
    return "\n".join(lines + [f"  {name + ':':<10}{text}" for name, text in rows if text])


def _count(wanted: Check, result: Result) -> Result:
    failures = passport.load().failures.get(wanted.id, 0) + 1
    passport.save(passport.Passport(failures={wanted.id: failures}))
    if failures >= HINT_AFTER:
        return Result("wrong", f"{result.text}\n  Hint:     {wanted.hint}")
    return result
