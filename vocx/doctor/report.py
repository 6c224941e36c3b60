"""``check()``: ask everything at once, and put the findings in order."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from time import perf_counter
from typing import Literal

import msgspec

from vocx import errors, venues
from vocx.call_forms import says_its_form
from vocx.distribution import STRANGER, is_shadowed, pip_line
from vocx.doctor.hosts import Answer, Target, probe, targets
from vocx.facts import ServerTime
from vocx.net import Environment
from vocx.rest import Client
from vocx.text import text_table
from vocx.venues.base import GetTime

Status = Literal["ok", "unreachable", "broken"]
MARKS = {"ok": "yes", "unreachable": "no", "broken": "BROKEN"}
DEADLINE_S = 4.0
"""For each host, all steps together."""
CLOCK_LIMIT_MS = 1000.0
"""Signed requests are refused beyond the venues' windows; a second is a fair warning."""
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at.

    ``status`` is ``"ok"``, ``"unreachable"`` (no lesson needs it) or ``"broken"`` (the lessons
    need it). ``detail`` says what was seen and, where something is wrong, what to do.
    """

    name: str
    status: Status
    detail: str
    ms: float | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All findings. ``offset_ms``: how far the venues' clocks are ahead of this machine's."""

    findings: tuple[Finding, ...]
    offset_ms: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the lessons can run here."""
        return all(one.status != "broken" for one in self.findings)

    def table(self) -> str:
        """As text: what, whether, and why."""
        rows = [(one.name, MARKS[one.status], one.detail) for one in self.findings]
        return f"{text_table(('asked', 'reached', 'what was seen'), rows, left=3)}\n{self.verdict}"

    @property
    def verdict(self) -> str:
        """One sentence."""
        if not self.ok:
            return "Something that the lessons need is broken: see above."
        if any(one.status == "unreachable" for one in self.findings):
            return "The lessons can run: they need only this machine."
        return "Everything works from here."

    def json(self) -> str:
        """As one JSON object."""
        plain = msgspec.to_builtins(self) | {"ok": self.ok}
        return msgspec.json.encode(plain).decode()

    def __str__(self) -> str:
        return self.table()


@says_its_form
def check(
    *,
    lab: Callable[[], Finding] | None = None,
    hosts: list[Target] | None = None,
    deadline_s: float = DEADLINE_S,
) -> Report:
    """Look at everything, in parallel; a few seconds at most.

    Parameters
    ----------
    lab : callable or None
        Another way to try the lab; by default one is opened, asked and closed.
    hosts : list of Target or None
        Other hosts than the venues' own.
    deadline_s : float
        For each host.
    """
    wanted = targets(venues.names()) if hosts is None else hosts
    with ThreadPoolExecutor(max_workers=len(wanted) + 1, thread_name_prefix="doctor") as pool:
        trying = pool.submit(lab or try_lab)
        asked = [pool.submit(probe, one, deadline_s) for one in wanted]
        answers = [one.result() for one in asked]
        found = [trying.result(), notebooks(), *proxy(), *map(from_answer, answers)]
    offsets = [one.offset_ms for one in answers if one.offset_ms is not None]
    offset_ms = median(offsets) if offsets else None
    return Report(findings=(*found, *clock(offset_ms)), offset_ms=offset_ms)


def try_lab() -> Finding:
    """Open a lab of its own, ask it the time twice, and close it again."""
    import vocx.lab

    begun = perf_counter()
    try:
        with vocx.lab.open(name="doctor") as lab:
            ready_s = perf_counter() - begun
            name = next(iter(lab.urls))
            client = Client(venues.get(name), Environment({"rest": lab.url(name, "rest")}))
            client.call(GetTime())
            answer = client.call(GetTime())
            client.close()
    except (errors.VocxError, OSError) as error:
        return Finding(name="the lab", status="broken", detail=str(error))
    call_ms = answer.http.phases.total_ms if isinstance(answer, ServerTime) and answer.http else 0.0
    return Finding(
        name="the lab",
        status="ok",
        detail=f"opened in {ready_s:.1f} s, answers in {call_ms:.1f} ms",
        ms=call_ms,
    )


def notebooks() -> Finding:
    """The notebook extra, and the one kernel version that breaks live views."""
    name = "notebooks"
    missing = [one for one in ("jupyterlab", "ipywidgets", "plotly", "pandas") if not _version(one)]
    if missing:
        return Finding(
            name=name,
            status="broken",
            detail=f"{', '.join(missing)} missing: {pip_line('notebooks')}",
        )
    if is_shadowed():
        return Finding(
            name=name,
            status="broken",
            detail=(
                f"the package called {STRANGER} on the index is another project and is installed "
                f"over this one: pip uninstall {STRANGER}, then {pip_line('notebooks')}"
            ),
        )
    kernel = _version("ipykernel") or ""
    if kernel.startswith("7.0."):
        return Finding(
            name=name,
            status="broken",
            detail=f"ipykernel {kernel} breaks live views: pip install -U ipykernel",
        )
    return Finding(
        name=name,
        status="ok",
        detail=f"JupyterLab {_version('jupyterlab')}, ipykernel {kernel}, "
        f"Python {sys.version_info[0]}.{sys.version_info[1]}",
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def proxy() -> list[Finding]:
    """Said only where one is set: it explains much of what follows."""
    named = [name for name in PROXIES if os.environ.get(name)]
    if not named:
        return []
    detail = f"{', '.join(named)} set: the venues are asked through it, the lab never is"
    return [Finding(name="proxy", status="ok", detail=detail)]


def clock(offset_ms: float | None) -> list[Finding]:
    """This machine's clock against the venues'."""
    if offset_ms is None:
        return []
    side = "behind" if offset_ms > 0 else "ahead of"
    if abs(offset_ms) <= CLOCK_LIMIT_MS:
        return [Finding(name="clock", status="ok", detail=f"{abs(offset_ms):.0f} ms {side} venues")]
    detail = (
        f"{abs(offset_ms) / 1e3:.1f} s {side} the venues: signed requests may be refused and ages "
        "would be off; set this machine's clock (NTP)"
    )
    return [Finding(name="clock", status="unreachable", detail=detail)]


def from_answer(answer: Answer) -> Finding:
    """A host's answer as a finding: no lesson needs a venue, so it is never red."""
    return Finding(
        name=answer.target.name,
        status="ok" if answer.reached else "unreachable",
        detail=answer.detail,
        ms=answer.total_ms,
    )
