"""The doctor: each failure has a step to blame, and only what the lessons need is red."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from scripted import Scripted, http

from vocx.doctor import Finding, Report, check, report
from vocx.doctor.hosts import Target, probe, targets

FINE = Finding(name="the lab", status="ok", detail="fine")


def target(url: str, purpose: str = "rest") -> Target:
    return Target(venue="binance", where="real", purpose=purpose, url=url)


@pytest.fixture
def scripted() -> Iterator[Any]:
    """Start a server with a script; its URL."""
    made: list[Scripted] = []

    def start(*script: Any) -> str:
        made.append(Scripted(*script))
        return made[-1].url

    yield start
    for one in made:
        one.close()


def test_a_host_that_answers(lab: Any) -> None:
    """REST: the status, each step's time, and the clock's offset."""
    answer = probe(target(lab.url("binance", "rest")), 4)
    assert answer.reached and list(answer.steps) == ["DNS", "TCP", "HTTP"]
    assert answer.offset_ms is not None and abs(answer.offset_ms) < 1000


@pytest.mark.parametrize("purpose", ["ws", "ws_api"])
def test_a_host_that_upgrades(lab: Any, purpose: str) -> None:
    """WebSocket: the handshake."""
    answer = probe(target(lab.url("binance", purpose), purpose), 4)
    assert answer.reached and "WebSocket upgrade" in answer.detail


def test_a_refused_port() -> None:
    """TCP is to blame."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    answer = probe(target(f"http://127.0.0.1:{port}"), 4)
    assert not answer.reached and answer.detail.startswith("TCP:")


def test_a_name_that_does_not_exist() -> None:
    """DNS is to blame."""
    answer = probe(target("https://nothing.invalid"), 4)
    assert not answer.reached and answer.detail.startswith("DNS:")


def test_a_certificate_nobody_vouches_for(lab: Any) -> None:
    """TLS is to blame, and nothing goes on unverified."""
    answer = probe(target(lab.url("binance", "rest", tls=True)), 4)
    assert not answer.reached and answer.detail.startswith("TLS: the certificate")


@pytest.mark.parametrize(
    ("script", "purpose", "words"),
    [
        (http("451 Unavailable", b'{"code":0,"msg":"restricted location"}'), "rest", "451"),
        (http("403 Forbidden", b"<html>blocked</html>"), "rest", "403"),
        (http("451 Unavailable", b'{"code":0,"msg":"restricted location"}'), "ws", "451"),
        (http("200 OK", b"hello"), "rest", "not its JSON"),
        (("cut", b"SSH-2.0\r\n\r\n"), "rest", "broke off"),
    ],
)
def test_an_answer_that_is_a_refusal(scripted: Any, script: Any, purpose: str, words: str) -> None:
    """The status and its meaning are named."""
    url = scripted(script).replace("http://", "ws://" if purpose == "ws" else "http://")
    answer = probe(target(url, purpose), 4)
    assert not answer.reached and words in answer.detail


def test_a_host_that_says_nothing_ends_at_the_deadline(scripted: Any) -> None:
    """Short, whatever happens."""
    begun = time.monotonic()
    answer = probe(target(scripted("hang")), 0.3)
    assert answer.detail == "no answer within 0.3 s" and time.monotonic() - begun < 3


def test_a_proxy_is_used_and_named(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a proxy the venue is asked through it; its refusal is its own."""
    monkeypatch.setenv("https_proxy", scripted(http("407 Proxy Authentication Required")))
    answer = probe(target("https://nothing.invalid"), 4)
    assert answer.detail.startswith("proxy:") and "nothing.invalid" in answer.detail
    assert "407 Proxy Authentication Required" in answer.detail
    assert [one.name for one in report.proxy()] == ["proxy"]


def test_each_host_is_asked_once() -> None:
    """Far below the two dozen addresses a minute that public notebook hosts allow."""
    found = targets(["binance"])
    hosts = {one.url.split("/")[2] for one in found}
    assert len(found) == len(hosts) <= 10


def test_unreachable_venues_are_not_red() -> None:
    """Offline everything still works, and the report says so within seconds."""
    begun = time.monotonic()
    seen = check(lab=lambda: FINE, hosts=[target("https://nothing.invalid")])
    assert seen.ok and "need only this machine" in str(seen)
    assert time.monotonic() - begun < 6


def test_a_lab_that_does_not_open_is_red() -> None:
    """The one thing that the lessons cannot do without."""
    broken = Finding(name="the lab", status="broken", detail="no")
    seen = check(lab=lambda: broken, hosts=[])
    assert not seen.ok and "BROKEN" in seen.table()


def test_the_lab_is_tried_for_real() -> None:
    """Opened under a name of its own, asked, closed."""
    found = report.try_lab()
    assert found.status == "ok" and found.ms is not None and found.ms > 0


@pytest.mark.parametrize(
    ("versions", "words"),
    [({"ipykernel": "7.0.1"}, "ipykernel 7.0.1"), ({"plotly": None}, "[notebooks]")],
)
def test_what_breaks_notebooks_is_red(
    monkeypatch: pytest.MonkeyPatch, versions: dict[str, Any], words: str
) -> None:
    """A missing part, and the kernel that breaks live views."""
    monkeypatch.setattr(report, "_version", lambda name: versions.get(name, "9.9"))
    found = report.notebooks()
    assert found.status == "broken" and words in found.detail


@pytest.mark.parametrize(("offset_ms", "status"), [(20.0, "ok"), (-2500.0, "unreachable")])
def test_the_clock_is_judged(offset_ms: float, status: str) -> None:
    """A second is a fair warning."""
    assert report.clock(offset_ms)[0].status == status
    assert report.clock(None) == []


def test_json_is_one_object() -> None:
    """For machines."""
    plain = json.loads(Report(findings=(FINE,), offset_ms=1.5).json())
    assert plain["ok"] is True and plain["findings"][0]["name"] == "the lab"
