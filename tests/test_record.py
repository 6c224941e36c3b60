"""The recording format: written block by block, readable after a crash, played as it came."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vocx.errors import BadInput, NotAllowed, RecordingError, UnknownChannel, UnknownSymbol
from vocx.lab.dialects.binance.recording import BinanceRecording
from vocx.lab.market.replay import open_replay
from vocx.record import record
from vocx.recording import Line, Writer, read, split

if TYPE_CHECKING:
    from vocx.exchange import Exchange

FRAME = b'{"stream":"btcusdt@trade","data":{"e":"trade","t":7}}'


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Time and bytes of each frame come back as they were, over several files."""
    paths = [tmp_path / "a.gz", tmp_path / "b.gz"]
    for number, path in enumerate(paths):
        with Writer(path) as writer:
            writer.write(number, FRAME)
    assert [split(line) for line in read(paths)] == [(0, FRAME), (1, FRAME)]
    assert [Path(line.file).name for line in read(paths)] == ["a.gz", "b.gz"]


def test_a_crash_leaves_what_was_flushed(tmp_path: Path) -> None:
    """The unfinished file has another name and can be read to its last block."""
    writer = Writer(tmp_path / "x.gz")
    writer.write(1, FRAME)
    writer.flush()
    assert not writer.path.exists()
    assert len(list(read([writer.part]))) == 1
    writer.close()
    assert writer.path.exists() and not writer.part.exists()


def test_an_existing_file_is_never_replaced_by_accident(tmp_path: Path) -> None:
    """Only ``overwrite=True`` does, and only when the new one is complete."""
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b"old"))
    with pytest.raises(BadInput, match="overwrite=True"):
        Writer(path)
    writer = Writer(path, overwrite=True)
    assert gzip.decompress(path.read_bytes()) == b"old"
    writer.write(1, FRAME)
    writer.close()
    assert len(list(read([path]))) == 1


@pytest.mark.parametrize("name", ["device", "pipe", "folder", "part is a pipe", "link in a circle"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_no_regular_file_stays_as_it_is(tmp_path: Path, name: str, overwrite: bool) -> None:
    """A device, a pipe or a folder is never replaced by a file, whoever asks for it."""
    path = tmp_path / "x"
    if name == "device":
        path.symlink_to(os.devnull)
    elif name == "link in a circle":
        path.symlink_to(path)
    elif name == "folder":
        path.mkdir()
    else:
        os.mkfifo(path if name == "pipe" else tmp_path / "x.part")
    before = {one.name: one.lstat().st_mode for one in tmp_path.iterdir()}
    with pytest.raises(BadInput, match="no regular file|cannot be (followed|written)"):
        Writer(path, overwrite=overwrite)
    assert {one.name: one.lstat().st_mode for one in tmp_path.iterdir()} == before
    assert Path(os.devnull).is_char_device()


@pytest.mark.parametrize("name", ["n" * 300, "a\0b", "no folder/x", "file/x"])
def test_a_path_that_cannot_be(tmp_path: Path, name: str) -> None:
    """A sentence, whatever the system says."""
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written|there is no folder"):
        Writer(tmp_path / name)


def test_a_link_is_followed(tmp_path: Path) -> None:
    """The file behind it is the one that is written."""
    path = tmp_path / "link"
    path.symlink_to(tmp_path / "x.gz")
    with Writer(path) as writer:
        writer.write(1, FRAME)
    assert path.is_symlink() and len(list(read([tmp_path / "x.gz"]))) == 1


def test_what_was_cut_off_is_not_lost(tmp_path: Path) -> None:
    """The unfinished file of a crash stays until somebody says otherwise."""
    part = tmp_path / "x.gz.part"
    part.write_bytes(gzip.compress(b"1 {}\n"))
    with pytest.raises(BadInput, match="cut off.*can be played"):
        Writer(tmp_path / "x.gz")
    assert len(list(read([part]))) == 1
    Writer(tmp_path / "x.gz", overwrite=True).close()


FULL = """
import resource, sys
from pathlib import Path
from vocx.recording import Writer
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
with Writer(Path(sys.argv[1])) as writer:
    for number in range(9000):
        writer.write(number, b'{"n":"%064x"}' % (number**99 % 2**256))
        if number % 500 == 499:
            writer.flush()
"""


@pytest.mark.parametrize("limit", [50, 60_000])
def test_a_full_disk_costs_only_what_did_not_fit(tmp_path: Path, limit: int) -> None:
    """One sentence, with what is kept and where; that can be read to its last line."""
    path = tmp_path / "x.gz"
    command = [sys.executable, "-c", FULL, str(path), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    said = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1 and said.startswith(f"vocx.errors.RecordingError: {path} cannot be")
    if limit == 50:
        assert "Nothing is kept" in said and not list(tmp_path.iterdir())
        return
    lines = list(read([path]))
    assert f"first {len(lines):,} lines are kept" in said and len(lines) % 500 == 0 < len(lines)
    assert [one.name for one in tmp_path.iterdir()] == ["x.gz"]


def test_a_line_break_inside_a_frame_stays_one_line(tmp_path: Path) -> None:
    """JSON may hold white space; a recording has one frame a line."""
    with Writer(tmp_path / "x.gz") as writer:
        writer.write(1, b'{\r\n "a": 1\n}')
    (line,) = read([tmp_path / "x.gz"])
    assert split(line) == (1, b'{   "a": 1 }')


@pytest.mark.parametrize("text", [b"", b"no space\n", b"12 [1]\n", b"-1 {}\n", b"1.5 {}\n"])
def test_a_corrupt_line_names_file_and_number(text: bytes) -> None:
    """The error says where, and how to play the rest."""
    with pytest.raises(RecordingError, match=r"x\.gz, line 9.*skip_bad=True") as caught:
        split(Line("x.gz", 9, text))
    assert caught.value.line == 9


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    """A file that is not there, or no gzip, is a typed error that names it."""
    with pytest.raises(RecordingError, match="no recording"):
        list(read([tmp_path / "none.gz"]))
    (tmp_path / "text.gz").write_text("1 {}")
    with pytest.raises(RecordingError, match="not a gzip"):
        list(read([tmp_path / "text.gz"]))


def test_a_damaged_file_is_played_up_to_the_damage(tmp_path: Path) -> None:
    """A torn file names the line; ``skip_bad`` gives what can be read and a bad line after it."""
    path = tmp_path / "torn.gz"
    whole = gzip.compress(b"".join(b"%d %s\n" % (n, FRAME) for n in range(20_000)))
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RecordingError, match="damaged") as caught:
        list(read([path]))
    *good, last = read([path], skip_bad=True)
    assert caught.value.line == last.number == len(good) + 1 and last.text == b""


def test_record_refuses_before_it_writes(exchange: Exchange, tmp_path: Path) -> None:
    """Bad names, times and private channels leave no file behind."""
    path = tmp_path / "x.gz"
    for channels, symbols, seconds, error in [
        (["tades"], ["BTC/USDT"], 1, UnknownChannel),
        (["trades"], ["NOPE/USDT"], 1, UnknownSymbol),
        (["orders"], ["BTC/USDT"], 1, NotAllowed),
        (["trades"], ["BTC/USDT"], 0, BadInput),
        ([], ["BTC/USDT"], 1, BadInput),
    ]:
        with pytest.raises(error):
            record(exchange, channels, symbols, seconds, path)
    with pytest.raises(BadInput, match="there is no folder"):
        record(exchange, "trades", "BTC/USDT", 1, tmp_path / "none" / "x.gz")
    assert not list(tmp_path.iterdir())


def test_an_account_is_recorded_by_explicit_choice(exchange: Exchange, tmp_path: Path) -> None:
    """What the exchange says of an order is in it; no key and no signature is."""
    import vocx

    path = tmp_path / "x.gz"
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(record, exchange, "orders", "BTC/USDT", 2, path, private=True)
        while not any(one.state == "live" for one in vocx.running()):
            assert not made.done()
            time.sleep(0.01)
        order = exchange.place_order("BTC/USDT", "buy", "0.001", type="limit", price="50000")
        exchange.cancel_order(order)
        made.result()
    text = b"".join(line.text for line in read([path]))
    assert b'"i":%d' % order.id in text and b"CANCELED" in text
    key = exchange.lab.credentials("binance") if exchange.lab else None
    assert key is not None and key.key.encode() not in text and b"signature" not in text


def test_a_recording_of_the_lab_can_be_played(exchange: Exchange, tmp_path: Path) -> None:
    """Two symbols with their book snapshots: the replay ends in an uncrossed book of each."""
    made = record(
        exchange, ["trades", "quotes", "book"], ["BTC/USDT", "ETH/USDT"], 3, tmp_path / "x.gz"
    )
    simulation = open_replay([made.path], BinanceRecording(), speed=None)
    assert set(simulation.markets) == {"BTC/USDT", "ETH/USDT"} and simulation.frames > 10
    simulation.begin(0)
    while simulation.advance(0):
        pass
    for market in simulation.markets.values():
        bids, asks = market.top(100)
        assert len(bids) == len(asks) == 100 and bids[0] < asks[0]


def trades(path: Path, count: int) -> list[bytes]:
    """A recording of trades a millisecond apart, of years ago."""
    at_ms = 1_700_000_000_000
    frames = [
        b'{"stream":"btcusdt@trade","data":{"e":"trade","E":%d,"s":"BTCUSDT","t":%d,'
        b'"p":"100.10","q":"0.00100","T":%d,"m":true,"M":true}}' % (at_ms + n, n, at_ms + n)
        for n in range(count)
    ]
    with Writer(path) as writer:
        for number, frame in enumerate(frames):
            writer.write((at_ms + number) * 1_000_000, frame)
    return frames


def test_a_recording_of_a_replay_is_the_recording(tmp_path: Path) -> None:
    """Frames pass lab, socket, stream and file without one changed byte."""
    import vocx
    import vocx.lab

    frames = trades(tmp_path / "old.gz", 500)
    lab = vocx.lab.open(name="again", replay=tmp_path / "old.gz", speed="max")
    exchange = vocx.connect("binance", lab=lab, tls=True)
    try:
        made = record(exchange, "trades", "BTC/USDT", 1.5, tmp_path / "new.gz")
        assert lab.status()["replay"]["state"] == "over"
    finally:
        exchange.close()
        lab.close()
    again = [split(line)[1] for line in read([made.path])]
    assert [frame for frame in again if frame.startswith(b'{"stream"')] == frames


def test_nothing_in_a_replay_has_a_network_age(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its stamps are no times of now, at whatever speed; where it is says what plays."""
    import vocx
    import vocx.lab

    trades(tmp_path / "old.gz", 500)
    with vocx.lab.open(name="aged", replay=tmp_path / "old.gz") as lab:
        exchange = vocx.connect("binance", lab=lab)
        assert "a replay of old.gz at speed 1" in capsys.readouterr().out
        stream = exchange.stream("trades", symbols="BTC/USDT").wait(5)
        assert len(list(stream.facts(seconds=5, limit=50))) == 50
        exchange.close()
        assert not stream.stats.ages_ns and stream.stats.network_age_ms is None
