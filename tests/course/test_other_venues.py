"""The lessons that offer every venue: one changed line in the set-up cell, and they run on it.

Binance is what they are shipped with (:mod:`test_lessons`). Waits are cut short here, so outages
end before a client would fall back; what holds however long they are is asserted.
"""

from __future__ import annotations

import inspect
import re
from decimal import Decimal
from pathlib import Path

import nbformat
import pytest
from answers import lesson04
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
CHANGED = re.compile(r'(course\.begin\("\d\w+", venue=)"binance"')
HASTE = """
from types import SimpleNamespace
import time as _real
time = SimpleNamespace(
    sleep=lambda seconds: _real.sleep(min(seconds, 0.7)), time=_real.time, time_ns=_real.time_ns
)
"""
WAITS = re.compile(r"\w+: waiting [\d.]+ s for the rate limit")
RECOVERED = """
_until = _real.monotonic() + 30
while client.status.source != "stream" or any(one.fills_missing for one in client.all_orders()):
    assert _real.monotonic() < _until, client.status
    _real.sleep(0.05)
"""
"""What the lesson's own long wait after the outage is for."""
BOOKS = re.compile(r"books say ([+-][\d.]+) BTC, the exchange's ([+-][\d.]+)\.")


@pytest.mark.kernel
@pytest.mark.parametrize("venue", ["okx", "bybit", "coinbase"])
@pytest.mark.parametrize("name", ["04_orders", "06_hybrid", "08_unknown_orders"])
def test_one_changed_line_runs_a_lesson_on_another_venue(
    name: str, venue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No error but those on purpose, on stderr nothing but waits for a limit, books that agree to
    the last digit; and what is signed by hand for Binance still stands in Binance's book."""
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    code[0].source, changed = CHANGED.subn(rf'\1"{venue}"', code[0].source)
    assert changed == 1
    code[0].source += HASTE
    if name == "04_orders":
        (exercise,) = [cell for cell in code if cell.id == "exercise"]
        exercise.source = f"{inspect.getsource(lesson04)}\nbuy_below = right"
    if name == "06_hybrid":
        (own,) = [cell for cell in code if cell.id == "own"]
        own.source = RECOVERED + own.source
    monkeypatch.setenv("VOCX_PASSPORT", str(tmp_path / "passport"))
    place = {"metadata": {"path": str(FOLDER)}}
    NotebookClient(notebook, timeout=90, resources=place).execute()
    printed = {}
    for cell in code:
        texts = [one for one in cell.outputs if one.output_type == "stream"]
        said = [one.text for one in texts if one.name == "stderr" and not WAITS.match(one.text)]
        assert not said, (cell.id, said)
        printed[cell.id] = "".join(one.text for one in texts if one.name == "stdout")
    assert f"{venue} in the lab on this machine" in printed["set-up"]
    if name == "04_orders":
        assert "partly" not in printed["rest"] and ": new, filled 0" in printed["rest"]
        sold, bought = printed["takers"].splitlines()
        assert sold.startswith("market sell 4: filled, filled 4 for ")
        assert bought.startswith("limit buy ") and " IOC: " in bought
        assert {*re.findall(r"as (maker|taker):", printed["fees"])} == {"maker", "taker"}
        assert "outcome not_sent" in printed["refusals"]
        assert "✓ 04.1 right" in printed["check"] and "stood in the book" in printed["check"]
    else:
        shown = BOOKS.search(printed["end"])
        assert shown and Decimal(shown[1]) == Decimal(shown[2]), printed["end"]
    if name == "08_unknown_orders":
        assert "sent again, 2 order(s) rest" in printed["again"]
        assert " of unknown outcome, " in printed["found-out"]
