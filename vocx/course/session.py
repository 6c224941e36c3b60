"""``course.begin`` and ``course.end``: the first and the last cell of every lesson."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING

import vocx.lab
from vocx.course import catalogue, display, lesson_cells, other_kernels, passport
from vocx.course.catalogue import Lesson
from vocx.course.order_examples import cancel_open_orders
from vocx.errors import LabConflict, VocxError
from vocx.exchange import Exchange, connect
from vocx.stream import stop_all

if TYPE_CHECKING:
    from vocx.lab import Lab

_exchange: Exchange | None = None


def current_exchange() -> Exchange | None:
    """The exchange of the lesson that was begun; ``None`` before."""
    return _exchange


def begin(
    lesson: str, *, seed: int = 7, venue: str = "binance", beside: Sequence[str] = ()
) -> tuple[Lab, Exchange]:
    """Start a lesson, or start it again: the only cell that the others need.

    Stops what still runs, turns all dials and faults off, opens the lab (or takes the one that
    is open), connects to it and cancels the orders that were left there. Prints where it runs, what
    it cancelled, how far you are, and your resume code. From here on a name that another cell has
    to make first is told with that cell.

    Parameters
    ----------
    lesson : str
        ``"00"``, ``"02"``, ...
    seed : int
        The market's path: the same seed gives the same events.
    venue : str
        Whose dialect the exchange speaks.
    beside : sequence of str
        Further venues that the lab plays, over one price: ``vocx.connect("okx", lab=lab)``.

    Raises
    ------
    VocxError
        When this kernel's ipykernel is of the 7.0 series; the text is the cure.

    Examples
    --------
    >>> lab, binance = course.begin("03")
    """
    global _exchange
    wanted = catalogue.lesson(lesson)
    refuse_bad_kernel()
    display.install(lambda error: _missing(wanted.id, error))
    stop_everything()
    before = None if _exchange is None else _exchange.lab
    if _exchange is not None:
        _exchange.close()
        _exchange = None
    lab = _clean_lab(seed, [*dict.fromkeys([venue, *beside])])
    known = passport.save(passport.Passport())
    print(_place(wanted))
    _exchange = connect(venue, lab=lab)
    print(f"{lab.network}")
    if lab is before and (left := cancel_open_orders(_exchange)):
        print(left)
    if others := other_kernels.warning(other_kernels.arrive(wanted.id)):
        print(others)
    print(f"Passport: {progress(known)}. Resume code: {known.code()}")
    return lab, _exchange


def begin_without_lesson() -> Exchange:
    """A clean lab and an exchange in it, for what is no lesson."""
    global _exchange
    refuse_bad_kernel()
    display.install()
    stop_everything()
    _exchange = connect("binance", lab=_clean_lab(7, ["binance"]))
    return _exchange


def end(lesson: str) -> None:
    """Stop everything, note the lesson as done and say what comes next."""
    done = catalogue.lesson(lesson)
    stop_everything()
    other_kernels.leave()
    known = passport.save(passport.Passport(lessons=[done.id]))
    print(f"All streams and views are stopped. Passport: {progress(known)}.")
    later = catalogue.following(done)
    if later is None:
        print("That was the last lesson there is.")
        return
    display.link(
        f"Next: {later.id} {later.title} (about {later.minutes} min)", f"{later.file}.ipynb"
    )


def resume(code: str) -> None:
    """Take over what a resume code holds, on this or any other machine."""
    known = passport.save(passport.Passport.from_code(code))
    print(f"Welcome back: {progress(known)}.")


def progress(known: passport.Passport | None = None) -> str:
    """``"1 of 3 lessons, 2 of 3 checks"``."""
    from vocx.course.checks import ALL

    return (known or passport.load()).progress(ALL)


def stop_everything() -> None:
    """Streams and views, whoever started them."""
    views = sys.modules.get("vocx.views")
    stop_views = getattr(views, "stop_all", None)
    if stop_views is not None:
        stop_views()
    stop_all()


def _missing(lesson: str, error: NameError) -> list[str]:
    """What to do about a name that the kernel does not know, if a cell of the lesson makes it."""
    ip = display.shell()
    if ip is None or not error.name:
        return []
    cell, known = ip.user_ns.get("In", [""])[-1], ip.user_ns
    return lesson_cells.advice(lesson_cells.of_lesson(lesson), cell, known, error.name)


def _place(wanted: Lesson) -> str:
    counted = catalogue.counted()
    if wanted in counted:
        where = f"{counted.index(wanted) + 1} of {len(counted)}"
    else:
        where = "optional"
    return f"Lesson {wanted.id} ({where}): {wanted.title} About {wanted.minutes} min."


def _clean_lab(seed: int, venues: list[str]) -> Lab:
    """The kernel's lab with every dial at rest; a new one where one with other arguments ran."""
    try:
        lab = vocx.lab.open(seed=seed, venues=venues)
    except LabConflict:
        lab = vocx.lab.open(seed=seed, venues=venues, replace=True)
    lab.network.clear()
    lab.faults.off()
    lab.limits(scale=1, off=False)
    lab.keepalive(scale=1)
    lab.skew(0)
    lab.set_pace(1.0)
    lab.resume()
    return lab


def refuse_bad_kernel() -> None:
    """Stop where live charts cannot work: ipykernel 7.0 loses every update from a thread."""
    if "ipykernel" not in sys.modules or os.environ.get("VOCX_ANY_KERNEL"):
        return
    version = metadata.version("ipykernel")
    if version.startswith("7.0."):
        raise VocxError(
            f"ipykernel {version} cannot update live charts. Run this line, then restart the "
            'kernel:  %pip install -q "ipykernel!=7.0.*"'
        )
