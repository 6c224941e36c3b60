"""A pytest plugin: a fresh exchange in a box for each test of a bot.

pytest finds it by its entry point wherever vocx is installed; ``-p no:vocx`` leaves it out::

    @pytest.mark.vocx_lab(venues=["okx"], seed=7, rtt_ms=80)
    def test_my_bot(vocx_lab):
        key = vocx_lab.credentials("okx")
        my_bot.run(vocx_lab.urls["okx"]["rest"], key.key, key.secret, key.passphrase)
        assert vocx_lab.truth.events(kind="order")[-1].status == "filled"

``vocx_lab`` is a :class:`vocx.lab.Lab` of this test alone, ``vocx_session_lab`` one that all tests
of a process share (with pytest-xdist: each worker has its own). The marker says what the lab of a
test is like; on a class or a module it holds for all tests in there, and the nearest one has the
last word on each argument. What holds for a whole project, its session's lab included, is a fixture
of its conftest::

    @pytest.fixture(scope="session")
    def vocx_lab_options():
        return {"venues": ["binance", "okx"], "seed": 11}

A lab ends with its test, also with one that fails or is interrupted; when pytest itself is killed,
the lab's process notices and ends.

Every start of pytest imports this module, on machines of people who do not test with it as well: it
loads nothing of vocx before a test asks for a lab.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from vocx.lab import Lab

MARKER = "vocx_lab"
OPENING = ("venues", "seed", "pace", "symbols", "replay", "speed", "skip_bad", "loop")
"""Arguments that :func:`vocx.lab.open` takes under the same names."""
DIALS = ("rtt_ms", "jitter_ms", "faults")
"""Arguments that are set when the lab runs, before the test begins."""


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, for ``--strict-markers`` and ``--markers``."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}({', '.join((*OPENING, *DIALS))}): what the exchange of the fixture "
        f"{MARKER} is like; all are optional",
    )


@pytest.fixture(scope="session")
def vocx_lab_options() -> dict[str, Any]:
    """What labs are like where no marker says it; a conftest may have a fixture of this name."""
    return {}


@pytest.fixture
def vocx_lab(request: pytest.FixtureRequest, vocx_lab_options: Mapping[str, Any]) -> Iterator[Lab]:
    """An exchange in a box of this test alone: its URLs, keys, dials, faults and truth.

    ``@pytest.mark.vocx_lab(venues=["okx"], seed=7, rtt_ms=80)`` says what it is like.
    """
    marks = list(request.node.iter_markers(MARKER))
    with opened(request.node.nodeid, vocx_lab_options, marks) as lab:
        yield lab


@pytest.fixture(scope="session")
def vocx_session_lab(vocx_lab_options: Mapping[str, Any]) -> Iterator[Lab]:
    """An exchange in a box that all tests share: for those that leave it as they found it."""
    with opened("vocx_session_lab", vocx_lab_options, []) as lab:
        yield lab


@contextmanager
def opened(name: str, options: Mapping[str, Any], marks: list[pytest.Mark]) -> Iterator[Lab]:
    """A lab as it was asked for, from before its test until after it. Its name is its own, so that
    a handle that outlives its test does not come to stand for the next one's lab.

    An argument that does not exist or makes no sense, and a lab that does not start, fail the test
    in a line or two: the frames between here and the lab's process say nothing to its author.
    """
    import vocx.lab
    from vocx.errors import VocxError

    with ExitStack() as stack:
        try:
            wanted = arguments(options, marks)
            opening = {one: wanted[one] for one in OPENING if one in wanted}
            lab = stack.enter_context(vocx.lab.open(name=name, **opening))
            set_distance(lab, wanted)
            cause_faults(lab, wanted.get("faults", ()))
        except VocxError as error:
            text = f"{error}\n(the lab of {name})"
            raise pytest.fail.Exception(text, pytrace=False) from None
        yield lab


def arguments(options: Mapping[str, Any], marks: list[pytest.Mark]) -> dict[str, Any]:
    """What the markers say, the nearest one first, and the project's options where none does.

    Raises
    ------
    BadInput
        One has no name, or a name that no lab has.
    """
    from vocx.errors import BadInput
    from vocx.text import suggest

    if not isinstance(options, Mapping):
        raise BadInput(f'vocx_lab_options gave {options!r:.80}; return a dict: {{"seed": 7}}')
    found = dict(options)
    for mark in reversed(marks):
        if mark.args:
            raise BadInput(
                f"the marker {MARKER} was given {mark.args[0]!r:.80} without a name; write "
                f'@pytest.mark.{MARKER}(venues=["okx"], seed=7)'
            )
        found |= mark.kwargs
    known = (*OPENING, *DIALS)
    for name in found:
        if name not in known:
            raise BadInput(
                f"{MARKER} has no argument {name!r:.80}; it has {', '.join(known)}."
                + suggest(name, known)
            )
    return found


def set_distance(lab: Lab, wanted: Mapping[str, Any]) -> None:
    """Put the venues ``rtt_ms`` away, there and back: a number, or one by venue."""
    if "rtt_ms" not in wanted and "jitter_ms" not in wanted:
        return
    rtt_ms, jitter_ms = wanted.get("rtt_ms", 0), wanted.get("jitter_ms", 0)
    by_venue = rtt_ms if isinstance(rtt_ms, Mapping) else {None: rtt_ms}
    for venue, one_ms in by_venue.items():
        lab.network.latency(rtt_ms=one_ms, jitter_ms=jitter_ms, venue=venue)


def cause_faults(lab: Lab, faults: Any) -> None:
    """Arm each fault: a name, or a mapping of what :meth:`vocx.lab.Lab.fault` takes.

    Raises
    ------
    BadInput
        It is neither, or the venue has no such fault.
    """
    from vocx.errors import BadInput

    example = 'write a list such as ["silence", {"name": "drop", "stream": "*@trade"}]'
    if not isinstance(faults, list | tuple):
        raise BadInput(f"faults is {faults!r:.80}; {example}")
    for fault in faults:
        options = {"name": fault} if isinstance(fault, str) else fault
        if not isinstance(options, Mapping) or not isinstance(options.get("name"), str):
            raise BadInput(f"faults has {fault!r:.80}; {example}")
        lab.fault(**options)
