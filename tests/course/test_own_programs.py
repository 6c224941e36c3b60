"""What each lesson gives along: its subject in a few lines without vocx, run against the lab."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vocx.course.page import OWN_PROGRAM, Page
from vocx.lab import Lab

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
PLAIN = {"02b_asyncio", "09_many_exchanges", "10_choose", "11_read_the_exchange", "12_exam"}
"""The first two are made of such programs, the third is about a choice, the fourth reads vocx; an
exam shows nothing."""
LESSONS = sorted(path for path in FOLDER.glob("*.ipynb") if path.stem not in PLAIN)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_it_runs_without_vocx(path: Path, lab: Lab) -> None:
    """With nothing changed but the addresses; signed ones name the test venue, and no key."""
    (code,) = OWN_PROGRAM.findall("\n".join(Page(path).markdown))
    assert "vocx." not in code and "import vocx" not in code
    assert "HMAC" not in code.upper() or "https://testnet.binance.vision" in code
    rest, ws = lab.url("binance", "rest"), lab.url("binance", "ws")
    for real in ("https://api.binance.com", "https://testnet.binance.vision"):
        code = code.replace(real, rest)
    code = code.replace("wss://stream.binance.com:9443", ws)
    assert "binance.com" not in code
    key = lab.credentials("binance")
    given = {"VOCX_BINANCE_KEY": key.key, "VOCX_BINANCE_SECRET": key.secret, "NO_PROXY": "*"}
    run = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(
        run, env=os.environ | given, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0 and not done.stderr, done.stderr[-2000:]
    assert done.stdout.strip() and "-1022" not in done.stdout
