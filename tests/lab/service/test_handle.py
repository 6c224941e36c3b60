"""The lab's handle against a real lab process."""

from __future__ import annotations

import gzip
import http.client
import os
import socket
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import websocket

import vocx.lab
from vocx import errors
from vocx.lab import Lab
from vocx.lab.service.config import TOKEN_HEADER
from vocx.timing import mono_ns

BTC = "BTC/USDT"


@pytest.fixture(scope="module")
def quiet() -> Iterator[Lab]:
    """A lab whose market stands still unless a test steps it."""
    with vocx.lab.open(name="quiet", pace=0.0, symbols=[BTC]) as opened:
        yield opened


def get(url: str, **options: Any) -> bytes:
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(**options)
    )
    with closing(opener.open(url, timeout=5)) as reply:
        return bytes(reply.read())


def answers(lab: Lab) -> bool:
    return b"serverTime" in get(lab.url("binance", "rest") + "/api/v3/time")


# -- one lab per kernel ------------------------------------------------------------------------


def test_the_same_arguments_give_the_same_lab(quiet: Lab) -> None:
    """Running a cell again changes nothing."""
    pid = quiet.pid
    assert vocx.lab.open(name="quiet", pace=0.0, symbols=[BTC]) is quiet
    assert vocx.lab.open(name="quiet", pace=0.0, symbols=[BTC], replace=True).pid == pid


def test_other_arguments_are_a_conflict(quiet: Lab) -> None:
    """The text names what differs and what to write."""
    with pytest.raises(errors.LabConflict, match="seed=7, not 8.*replace=True"):
        vocx.lab.open(name="quiet", pace=0.0, symbols=[BTC], seed=8)


def test_a_replaced_lab_is_the_same_handle() -> None:
    """Clients hold the lab, not its URLs: the handle leads to the new process."""
    with vocx.lab.open(name="replaced") as lab:
        old, keys = lab.url("binance", "rest"), lab.credentials("binance")
        assert vocx.lab.open(name="replaced", seed=8, replace=True) is lab
        assert lab.url("binance", "rest") != old and lab.credentials("binance") != keys
        assert answers(lab) and lab.seed == 8


def test_a_refused_replacement_costs_nothing(quiet: Lab) -> None:
    """The lab that runs is not given up for one that cannot start."""
    with pytest.raises(errors.UnknownSymbol):
        vocx.lab.open(name="quiet", symbols=["DOGE/USDT"], replace=True)
    assert answers(quiet)


def test_two_labs_side_by_side(quiet: Lab) -> None:
    """Each has its own ports, keys and token."""
    with vocx.lab.open(name="other", pace=0.0) as other:
        assert other.urls != quiet.urls
        assert other.credentials("binance") != quiet.credentials("binance")
        assert answers(other) and answers(quiet)


def test_close_is_final_and_may_be_repeated() -> None:
    """A closed lab says that it was closed and how to get one."""
    lab = vocx.lab.open(name="closed", pace=0.0)
    lab.close()
    lab.close()
    assert not lab.alive and "not running" in repr(lab)
    with pytest.raises(errors.LabDied, match=r"was closed\nRun .* vocx.lab.open\(name='closed'\)"):
        lab.status()


# -- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        ({"seed": 1.5}, errors.BadInput, "whole number"),
        ({"pace": -1}, errors.BadInput, "pace is -1"),
        ({"pace": float("nan")}, errors.BadInput, "pace is nan"),
        ({"speed": "fast"}, errors.BadInput, "speed is 'fast'"),
        ({"port": 70000}, errors.BadInput, "port is 70000"),
        ({"symbols": BTC}, errors.BadInput, r'write a list: \["BTC/USDT"\]'),
        ({"symbols": ["DOGE/USDT"]}, errors.UnknownSymbol, "no 'DOGE/USDT'; it has BTC/USDT"),
        ({"replay": "nowhere.gz"}, errors.RecordingError, "no recording .*nowhere.gz"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], kind: type[Exception], says: str) -> None:
    """Each is refused where it was written, by type, with what to write instead."""
    with pytest.raises(kind, match=says):
        vocx.lab.open(name="bad", **arguments)


def test_a_taken_port_is_named() -> None:
    """A port in use is a conflict that names it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(errors.LabConflict, match=f"port {port} on 127.0.0.1 .*in use"):
            vocx.lab.open(name="bad", port=port)
        with pytest.raises(errors.LabConflict, match=f"port {port} "):
            vocx.lab.open(name="bad", control_port=port)


def damaged(recorded: Path, tmp_path: Path) -> Path:
    """The first lines of a recording with the seventh cut short."""
    whole = recorded / "binance" / "hftbacktest" / "btcusdt_20240808.gz"
    with gzip.open(whole) as lines:
        head = [next(lines) for _ in range(40)]
    head[6] = head[6][:50] + b"\n"
    path = tmp_path / "damaged.gz"
    path.write_bytes(gzip.compress(b"".join(head)))
    return path


def test_a_damaged_recording_names_its_line(recorded: Path, tmp_path: Path) -> None:
    """The error is raised where the lab was opened, with the line; a flag plays the rest."""
    path = damaged(recorded, tmp_path)
    with pytest.raises(errors.RecordingError, match="damaged.gz") as caught:
        vocx.lab.open(name="bad", replay=path)
    assert caught.value.line == 7
    with vocx.lab.open(name="bad", replay=path, skip_bad=True) as lab:
        assert lab.status()["symbols"] == [BTC]


# -- orders ------------------------------------------------------------------------------------


def test_errors_come_back_as_themselves(quiet: Lab) -> None:
    """What the lab says about a command is raised here as the same type."""
    with pytest.raises(errors.BadInput, match="no command 'dance'; it has"):
        quiet.control("dance")
    with pytest.raises(errors.BadInput, match="step"):
        quiet.control("step", wrong=1)
    with pytest.raises(errors.UnknownSymbol, match="'ETH/USDT'; it has BTC/USDT"):
        quiet.truth.book("ETH/USDT")
    with pytest.raises(errors.UnknownVenue, match="'mtgox'; it has binance"):
        quiet.url("mtgox", "rest")
    with pytest.raises(errors.BadInput, match="no 'fix' here; it has rest"):
        quiet.url("binance", "fix")


def post(lab: Lab, headers: dict[str, str], body: bytes = b"{}") -> int:
    address = lab._running()[0].control.url.removeprefix("http://")
    with closing(http.client.HTTPConnection(address, timeout=5)) as connection:
        connection.request("POST", "/", body, headers)
        return connection.getresponse().status


def test_the_control_port_wants_its_token(quiet: Lab) -> None:
    """Without the token nothing happens; a web page is refused even with it."""
    token = quiet._running()[0].control.token
    order = b'{"op": "status"}'
    assert post(quiet, {}, order) == post(quiet, {TOKEN_HEADER: "guess"}, order) == 401
    assert post(quiet, {TOKEN_HEADER: token, "Origin": "http://127.0.0.1:8888"}, order) == 403
    assert post(quiet, {TOKEN_HEADER: token, "Host": "evil.example"}, order) == 403
    assert post(quiet, {TOKEN_HEADER: token}, b"[1]") == 400
    assert post(quiet, {TOKEN_HEADER: token}, order) == 200


def test_nothing_secret_in_the_command_line(quiet: Lab) -> None:
    """Neighbours on a shared host read command lines."""
    line = Path(f"/proc/{quiet.pid}/cmdline")
    if not line.exists():
        pytest.skip("no /proc here to read a command line from")
    assert line.read_bytes().split(b"\0")[1:] == [b"-P", b"-m", b"vocx.lab.service.process", b""]
    assert quiet.credentials("binance").secret not in repr(quiet.credentials("binance"))


def test_many_threads_share_a_handle(quiet: Lab) -> None:
    """Orders from several threads do not mix."""
    wrong: list[int] = []

    def ask(depth: int) -> None:
        for _ in range(20):
            if len(quiet.truth.book(BTC, depth).bids) != depth:
                wrong.append(depth)

    threads = [threading.Thread(target=ask, args=(depth,)) for depth in (1, 2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not wrong


def test_attach_joins_and_leaves() -> None:
    """Another program may use a lab that it did not start, and leave it running."""
    with vocx.lab.open(name="hosted", pace=0.0) as host:
        address = host._running()[0].control
        guest = vocx.lab.attach(address.url, address.token)
        assert guest.urls == host.urls and guest.alive and guest.pid == host.pid
        guest.close()
        assert host.alive
        with pytest.raises(errors.LabDied, match=r"was left.*lab\.attach\("):
            guest.status()
        with pytest.raises(errors.LabError, match="token is wrong"):
            vocx.lab.attach(address.url, "guess")
    with pytest.raises(errors.LabDied, match="nobody answers"):
        vocx.lab.attach(address.url, address.token)


# -- the market --------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["\u2603", "\ud800", "a\r\nX: 1", "two words", "", None, 5])
def test_a_token_that_no_lab_prints(quiet: Lab, token: Any) -> None:
    """Refused in words before it is sent; the token itself is not repeated."""
    url = quiet.control("ready")["control"]["url"]
    with pytest.raises(errors.BadInput, match="token is none that a lab prints"):
        vocx.lab.attach(url, token)
    with pytest.raises(errors.LabError, match="token is wrong"):
        vocx.lab.attach(url, "guess")


@pytest.mark.parametrize("url", ["nope", "http://[::1", "ws://127.0.0.1:1", "http://a:x", None, 5])
def test_a_control_address_that_no_lab_prints(url: Any) -> None:
    """With one that could be."""
    with pytest.raises(errors.BadInput, match=r"such as http://127\.0\.0\.1"):
        vocx.lab.attach(url, "token")


def test_step_moves_a_paused_market_only(quiet: Lab) -> None:
    """A paused market moves by the number of steps that was asked for."""
    before = quiet.truth.events(None).next
    assert quiet.step(50) > 0
    assert quiet.truth.events(None).next > before
    quiet.set_pace(1.0)
    with pytest.raises(errors.BadInput, match=r"pause it first: lab.pause\(\)"):
        quiet.step(1)
    quiet.set_pace(0.0)


def test_the_same_seed_gives_the_same_path(quiet: Lab) -> None:
    """Events of a stepped market repeat exactly: cells can show exact output."""
    paths = []
    for _ in range(2):
        with vocx.lab.open(name="path", pace=0.0, symbols=[BTC], seed=11) as lab:
            lab.step(300)
            paths.append([(e.kind, e.id, e.price, e.quantity) for e in lab.truth.events()])
    assert paths[0] == paths[1] and len(paths[0]) >= 300


def test_pause_and_resume() -> None:
    """A paused market stands; a resumed one goes on; pace is a dial."""
    with vocx.lab.open(name="pausing", pace=20.0) as lab:
        lab.pause()
        mark = lab.truth.events(None).next
        assert lab.truth.events(None).next == mark and lab.pace == 20.0
        lab.resume()
        deadline = mono_ns() + 5 * 10**9
        while lab.truth.events(None).next == mark:
            assert mono_ns() < deadline


def test_a_fault_may_end_with_its_block(quiet: Lab) -> None:
    """Only the fault that was switched on for the block goes, even when the block fails."""
    quiet.fault("drop", stream="ethusdt@trade")
    with pytest.raises(ZeroDivisionError), quiet.fault("silence", stream="btcusdt@trade"):
        assert [one["name"] for one in quiet.faults] == ["drop", "silence"]
        raise ZeroDivisionError
    with quiet.fault("drop"):
        quiet.faults.off("drop")  # nothing left to end
    assert list(quiet.faults) == []


def test_truth_is_in_facts(quiet: Lab) -> None:
    """The book now: exact numbers, best first, equal to what the wire says."""
    book = quiet.truth.book(BTC, 5)
    wire = msgspec.json.decode(
        get(quiet.url("binance", "rest") + "/api/v3/depth?symbol=BTCUSDT&limit=5")
    )
    assert book.sequence == wire["lastUpdateId"]
    assert [list(level) for level in book.bids] == [
        [Decimal(p), Decimal(q)] for p, q in wire["bids"]
    ]
    assert book.ask is not None and book.bid is not None and book.ask > book.bid


def test_truth_events_are_filtered_and_resumable(quiet: Lab) -> None:
    """The log is read piece by piece without a hole, by kind, with stamps of the shared clock."""
    mark, before = quiet.truth.events(None).next, mono_ns()
    quiet.step(400)
    after = mono_ns()
    events = quiet.truth.events(mark)
    assert [e.sequence for e in events] == list(range(mark, events.next))
    assert all(before < e.mono_ns < after for e in events)
    pieces = quiet.truth.events(mark, limit=7)
    assert events[:7] == pieces and pieces.next == mark + 7
    trades = quiet.truth.events(mark, kind="trade", symbol=BTC)
    assert trades == [e for e in events if e.kind == "trade"] and trades[0].id is not None
    with pytest.raises(errors.BadInput, match="the log has trade, level, quote, frame"):
        quiet.truth.events(kind="trades")


# -- TLS ---------------------------------------------------------------------------------------


def test_tls_is_there_when_asked_for() -> None:
    """https with a local authority: verified with its certificate, refused without it."""
    with vocx.lab.open(name="tls", pace=0.0) as lab:
        path = lab.certificate()
        assert os.stat(path.parent).st_mode & 0o777 == 0o700
        assert b"PRIVATE" not in path.read_bytes()
        url = lab.url("binance", "rest", tls=True)
        context = ssl.create_default_context(cafile=str(path))
        assert get(url + "/api/v3/ping", context=context) == b"{}"
        with closing(
            websocket.create_connection(
                lab.url("binance", "ws", tls=True) + "/ws/btcusdt@bookTicker",
                timeout=5,
                sslopt={"context": context},
            )
        ) as ws:
            lab.step(200)
            assert '"s":"BTCUSDT"' in ws.recv()
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            get(url + "/api/v3/ping", context=ssl.create_default_context())
    assert not path.parent.exists()


ENDS = {
    "binance": ("/ws/btcusdt@trade", "serverShutdown", 1001),
    "okx": ("/ws/v5/public", "notice", 1001),
    "bybit": ("/v5/public/spot", "", 1001),
    "coinbase": ("/ws", "", 1012),
}


def test_clients_hear_that_the_lab_ends() -> None:
    """First in the venue's words, where it has some, then a close frame: 1001, or what the venue
    says when it restarts; before the process is gone."""
    sockets = {}
    with vocx.lab.open(name="ends", pace=0.0, venues=list(ENDS)) as lab:
        for venue, (path, _, _) in ENDS.items():
            address = lab.urls[venue]["rest"].replace("http:", "ws:") + path
            sockets[venue] = websocket.create_connection(address, timeout=5)
    for venue, (_, words, code) in ENDS.items():
        ws = sockets[venue]
        if words:
            assert words in str(ws.recv())
        assert ws.recv_data()[1][:2] == code.to_bytes(2)
        ws.shutdown()


def test_large_answers_are_compressed_for_who_accepts_it(quiet: Lab) -> None:
    """As the venue does, and never for who does not."""
    url = quiet.url("binance", "rest") + "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=500"
    plain = urllib.request.urlopen(url, timeout=5)
    asked = urllib.request.Request(url, headers={"Accept-Encoding": "br, GZIP"})
    packed = urllib.request.urlopen(asked, timeout=5)
    assert plain.headers["Content-Encoding"] is None
    assert packed.headers["Content-Encoding"] == "gzip"
    raw, whole = packed.read(), plain.read()
    assert int(packed.headers["Content-Length"]) == len(raw) < len(whole) / 2
    assert len(gzip.decompress(raw)) == len(whole)
