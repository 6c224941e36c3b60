"""README's lines for a shell: an exchange in a box without a line of Python."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.fixture
def answers(tmp_path: Path) -> list[Any]:
    """What README's script prints, run as it stands with ``vocx`` on the path."""
    for program in ("bash", "curl", "jq", "openssl"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} here")
    found = re.search(r"<!-- curl -->\n```bash\n(.+?)```", README.read_text("utf-8"), re.DOTALL)
    assert found is not None
    command = tmp_path / "bin" / "vocx"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m vocx "$@"\n')
    command.chmod(0o755)
    process = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", found.group(1)],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=90)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    assert process.returncode == 0, err
    decoder, made = json.JSONDecoder(), []
    while out := out.strip():
        value, end = decoder.raw_decode(out)
        made.append(value)
        out = out[end:]
    return made


def test_readmes_shell_lines_run_as_they_stand(answers: list[Any]) -> None:
    """A book from each venue, a filled order, and what the owner asked for, in that order."""
    binance, okx, bybit, coinbase, order, distance, faults, truth = answers
    bids = (
        binance["bids"][0][0],
        okx["data"][0]["bids"][0][0],
        bybit["result"]["b"][0][0],
        coinbase["pricebook"]["bids"][0]["price"],
    )
    assert all(float(bid) > 0 for bid in bids)
    assert (order["status"], float(order["executedQty"])) == ("FILLED", 0.01)
    assert distance["state"][0]["values"]["rtt_ms"] == 80
    assert [one["name"] for one in faults] == ["overloaded"]
    ended = [one for one in truth["events"] if one["status"] == "filled"]
    assert [one["id"] for one in ended] == [order["orderId"]]
