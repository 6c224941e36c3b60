"""The scripts that :mod:`vocx.course.export` writes, and their tests, with gaps to fill.

Gaps are ``$name``. :data:`SCRIPT` is around both kinds: imports, settings and definitions come
before the functions of a :data:`STREAM` or of a :data:`CLIENT`; :data:`TEST` is around their tests.
"""

from string import Template

SCRIPT = Template('''\
"""$title at $venue, written by vocx $version.

    python $file lab        # an exchange in a box, on this machine: no account, no network
    python $file testnet    # $testnet
    python $file real       # $real

Ctrl-C ends it, or --seconds. It needs $package:

    pip install '$package @ git+$repository'

and its test needs pytest: pytest test_$file
"""

from __future__ import annotations

$imports

VENUE = "$venue"
$body


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("where", choices=["lab", "testnet", "real"])
    parser.add_argument("--seconds", type=float, help="how long; without: until Ctrl-C")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stop by a service is a Ctrl-C
    try:
        at(given.where, given.seconds)
    except KeyboardInterrupt:
        print("Stopped.")
    except VocxError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
''')
STREAM = '''\
def listen(exchange: Exchange) -> Stream:
    """The stream, which has begun to listen; stop it, or use it with ``with``."""
    return exchange.stream(*CHANNELS, symbols=SYMBOLS, **OPTIONS)


def at(where: str, seconds: float | None) -> None:
    """Print what it says, for so many seconds or for ever."""
    with vocx.connect(VENUE, where) as exchange, listen(exchange) as stream:
        for fact in stream.facts(seconds):
            print(fact, flush=True)
        print(stream.stats)
'''
CLIENT = Template('''\
def make_client(exchange: Exchange, journal: Path) -> HybridClient:
    """The client, not started yet; it writes its orders to the journal before they leave."""
    return HybridClient(
        exchange,
        SYMBOL,
        $strategy,
        bounds=BOUNDS,
        journal=journal,
$options    )


def run(client: HybridClient, seconds: float | None = None) -> None:
    """Let it trade for so many seconds or for ever; what rests then is cancelled."""
    until = math.inf if seconds is None else time.monotonic() + seconds
    failed = ""
    with client:
        while not failed and (left := until - time.monotonic()) > 0:
            status = client.status
            pnl = f"position {status.pnl.position:f}, realized {status.pnl.realized:+.2f}"
            print(f"{status.state}: {status.placed} orders, {pnl} {status.why}", flush=True)
            failed = status.why if status.state == "failed" else ""
            time.sleep(min(1.0, left))
    for order in client.stop():  # gives what may still rest
        print(f"may still rest: {order}")
    if failed:
        sys.exit(f"failed: {failed}")


def at(where: str, seconds: float | None) -> None:
    """Trade there. The journal of a lab ends with it, as its account does."""
    if where == "real" and MAX_NOTIONAL is None:
        sys.exit("real orders need a bound: write one for MAX_NOTIONAL in this file")
    real = {"allow_orders": True, "max_notional": MAX_NOTIONAL} if where == "real" else {}
    with tempfile.TemporaryDirectory() as folder, vocx.connect(VENUE, where, **real) as exchange:
        name = f"{Path(__file__).stem}-{where}.jsonl"
        journal = Path(folder, name) if where == "lab" else Path(__file__).with_name(name)
        run(make_client(exchange, journal), seconds)
''')
TEST = Template('''\
"""The test of $file, against an exchange in a box: pytest test_$file"""

from __future__ import annotations

import time

import pytest
import vocx

import $module

pytestmark = pytest.mark.vocx_lab(venues=[$module.VENUE], seed=7, rtt_ms=20)


@pytest.fixture
def exchange(vocx_lab):
    with vocx.connect($module.VENUE, lab=vocx_lab) as exchange:
        yield exchange


def wait_until(true, seconds=60):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.05)


$tests''')
STREAM_TEST = Template('''
def test_it_listens_again_after_a_cut(exchange, vocx_lab):
    """Every channel says something; then all connections are reset."""
    with $module.listen(exchange) as stream:
        stream.wait(60)
        with vocx_lab.network.reset_peer():
            pass
        wait_until(lambda: stream.stats.reconnects and stream.state == "live")
        stream.wait(60)
''')
CLIENT_TEST = Template('''
def test_it_ends_and_leaves_nothing_behind(exchange, tmp_path):
    """What it ordered is filled or cancelled when it has run."""
    $module.run($module.make_client(exchange, tmp_path / "orders.jsonl"), seconds=2)
    assert exchange.open_orders($module.SYMBOL) == []


def test_it_acts_again_after_a_cut_and_its_books_are_right(exchange, vocx_lab, tmp_path):
    """All connections are reset; in the end it holds what the exchange says that it holds."""
    base = $module.SYMBOL.partition("/")[0]
    held = exchange.balances()[base].total
    with $module.make_client(exchange, tmp_path / "orders.jsonl") as client:
        wait_until(lambda: client.status.looks)
        with vocx_lab.network.reset_peer():
            pass
        wait_until(lambda: client.status.reconnects)
        looks = client.status.looks
        wait_until(lambda: client.status.looks > looks)
    status = client.status
    assert not status.strategy_errors, list(client.errors)
    assert exchange.open_orders($module.SYMBOL) == []
    assert exchange.balances()[base].total - held == status.pnl.position
''')
STREAM_NAMES = ("VENUE", "CHANNELS", "SYMBOLS", "OPTIONS", "listen", "at", "main")
CLIENT_NAMES = ("VENUE", "SYMBOL", "BOUNDS", "MAX_NOTIONAL", "make_client", "run", "at", "main")
"""Names that the scripts have for themselves."""
