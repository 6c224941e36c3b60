"""Lesson 02b: programs in children, and a venue in virtual time."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest

from vocx.course import asyncio_examples as examples
from vocx.course import virtual_venue as virtual
from vocx.errors import BadInput, NotReady
from vocx.lab import Lab

LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "02b_asyncio.ipynb"


def test_the_programs_that_run_are_those_on_the_page() -> None:
    """What the reader sees, word for word."""
    cells = nbformat.read(LESSON, as_version=4).cells
    shown = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert all(f"```python\n{source}```" in shown for source, *_ in examples.DEATHS.values())


@pytest.mark.parametrize("name", examples.DEATHS)
def test_each_program_dies_in_its_own_way(name: str, lab: Lab) -> None:
    """As the lesson says: by an error, by a storm, by patience, by a neighbour."""
    found = examples.die(name, lab)
    if name == "recursion":
        assert not found.killed and found.attempts == 2 and "HTTP 503" in found.error
    elif name == "endless loop":
        assert found.killed and found.attempts > 10 and found.said == []
    elif name == "ping":
        assert found.killed and found.attempts == 1 and found.quotes > 0
        assert found.said and set(found.said) == {"quiet for 1 s: pinged"}
    else:
        assert found.said[-2].startswith("stopped: unsupported operand")
        assert int(found.said[-1].split()[3]) > 0
    assert not list(lab.faults)


def test_a_child_that_does_nothing_is_given_up(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is killed, and the text says what did not happen."""
    monkeypatch.setattr(examples, "CHILD_S", 0.5)
    with pytest.raises(NotReady, match="did not connect within 0.5 s"):
        examples.run_script("import time; time.sleep(60)", lab)
    with pytest.raises(BadInput, match="there are recursion, endless loop, ping, gather"):
        examples.die("old age", lab)


def test_a_patched_run_is_stacked() -> None:
    """The outer call cannot return before the inner one has."""
    second, first = examples.nested().splitlines()
    assert second.startswith("second: wanted 1.5 s") and first.startswith("first: wanted 0.2 s")
    assert float(first.split()[-2]) > 1.2


@pytest.mark.kernel
def test_a_patched_run_loses_clicks() -> None:
    """During ``await`` they arrive; during a patched ``asyncio.run`` fewer do."""
    patched = "import nest_asyncio; nest_asyncio.apply(); asyncio.run(asyncio.sleep(2))"
    assert examples.clicks("await asyncio.sleep(2)") == examples.CLICKS > examples.clicks(patched)


async def reads(connect: Any, take: Any, note: Any) -> None:
    for _ in range(2):
        try:
            async with connect() as ws:
                async for message in ws:
                    take(message)
            note("ended")
        except Exception as error:
            note(type(error).__name__)
    await asyncio.sleep(3600)
    try:
        await (await connect()).recv()
    except Exception as error:
        note(type(error).__name__)


def test_iteration_ends_as_that_of_websockets() -> None:
    """Without an error on 1001, with one where no close frame came; ``recv`` raises on both; and
    an hour takes no time."""
    plans = [
        virtual.Plan(messages=2),
        virtual.Plan(messages=1, close=1006),
        virtual.Plan(messages=0),
    ]
    scene = virtual.Scene(name="", seconds=4000, plan=lambda number, at_s: plans[number - 1])
    began = time.monotonic()
    played = virtual.play(reads, scene)
    assert played.notes == ["ended", "ConnectionClosedError", "ConnectionClosedOK"]
    assert len(played.taken) == 3 and played.returned_s == pytest.approx(3601.5, abs=0.1)
    assert time.monotonic() - began < 30


def test_the_figure_counts_attempts() -> None:
    """A storm, a comb and a handful."""
    pytest.importorskip("plotly")
    growing, fixed, storm = (len(trace.x) for trace in virtual.restart_figure().data)
    assert storm == virtual.MOST_ATTEMPTS and growing < fixed < 20
