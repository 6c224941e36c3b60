"""The minimal clients run as they are counted, against a real lab, also through cuts."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from vocx.lab import Lab
from vocx.measure import code_size
from vocx.measure.code_size import imported, logical, source

Start = Callable[..., "Running"]
RUN = "vocx.course.clients."


class Running:
    """A client in a process of its own, and what it printed."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"NO_PROXY": "127.0.0.1"},
        )
        self.said: queue.Queue[str] = queue.Queue()
        self.readers = [
            threading.Thread(target=self._read, args=(pipe,))
            for pipe in (self.process.stdout, self.process.stderr)
        ]
        for reader in self.readers:
            reader.start()

    def _read(self, pipe: Any) -> None:
        for line in pipe:
            self.said.put(line.strip())

    def until(self, wanted: Callable[[str], bool], seconds: float = 15) -> str:
        """The next line that is wanted."""
        while True:
            line = self.said.get(timeout=seconds)
            if wanted(line):
                return line

    def end(self) -> None:
        self.process.kill()
        self.process.wait(10)
        for reader in self.readers:
            reader.join(10)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()


@pytest.fixture
def start() -> Iterator[Start]:
    made: list[Running] = []

    def run(*command: str) -> Running:
        made.append(Running(*command))
        return made[-1]

    yield run
    for one in made:
        one.end()


def urls(lab: Lab) -> tuple[str, str, str]:
    found = lab.urls["binance"]
    return found["rest"], found["ws"], found["ws_api"]


def is_price(line: str) -> bool:
    """Two numbers, with or without a source before them."""
    *_, bid, ask = ["", *line.split()]
    return bid[:1].isdigit() and float(bid) < float(ask)


def test_ask_prints_prices_and_outlives_a_refusal(lab: Lab, start: Start) -> None:
    """Each question stands alone: a lost answer is one answer lost."""
    client = start("-m", f"{RUN}ask", urls(lab)[0], "BTCUSDT")
    client.until(is_price)
    with lab.network.reset_peer():
        client.until(lambda line: line.startswith("no answer"))
        client.until(lambda line: line == "unknown")
    client.until(is_price)


def test_listen_prints_prices_and_ends_with_the_line(lab: Lab, start: Start) -> None:
    """It survives nothing, and does not hide it."""
    client = start("-m", f"{RUN}listen", urls(lab)[1], "BTCUSDT")
    client.until(is_price)
    with lab.network.reset_peer():
        assert client.process.wait(10) != 0


def test_a_client_ends_after_so_many_lines(lab: Lab, start: Start) -> None:
    """LINES of the command line."""
    client = start("-m", f"{RUN}listen", urls(lab)[1], "BTCUSDT", "3")
    assert client.process.wait(15) == 0


def reset(lab: Lab) -> None:
    """Once."""
    with lab.network.reset_peer():
        pass


CUTS: dict[str, Callable[[Lab], Any]] = {
    "reset": reset,
    "close": lambda lab: lab.fault("close", stream="btcusdt@bookTicker"),
    "shutdown": lambda lab: lab.shutdown("binance"),
}


@pytest.mark.parametrize("cut", CUTS)
def test_survive_says_that_it_does_not_know_and_comes_back(
    cut: str, lab: Lab, start: Start
) -> None:
    """Between a cut and the new line the price is unknown, not the old one."""
    client = start("-m", f"{RUN}survive", urls(lab)[1], "BTCUSDT")
    client.until(is_price)
    CUTS[cut](lab)
    client.until(lambda line: line == "unknown")
    client.until(is_price)


SILENCED = """
import sys
from vocx.course.clients.survive import survived
for quote in survived(sys.argv[1], "BTCUSDT", quiet_s=2.0):
    print("unknown" if quote is None else " ".join(quote), flush=True)
"""


def test_survive_hangs_up_on_a_feed_that_is_silent(lab: Lab, start: Start) -> None:
    """Pings go on and prove the socket only; data is what counts."""
    client = start("-c", SILENCED, urls(lab)[1])
    client.until(is_price)
    lab.keepalive(scale=40)  # a ping each half second
    try:
        with lab.fault("silence", stream="btcusdt@bookTicker", count="all"):
            client.until(lambda line: line == "lost: nothing for 2 s")
    finally:
        lab.keepalive(scale=1)
    client.until(is_price)


def test_survive_drops_a_spoilt_message_and_stays(lab: Lab, start: Start) -> None:
    """Hanging up would bring the same message again, for ever."""
    client = start("-m", f"{RUN}survive", urls(lab)[1], "BTCUSDT")
    client.until(is_price)
    for name in ("malformed", "array"):
        lab.fault(name, stream="btcusdt@bookTicker")
    for _ in range(20):
        assert is_price(client.said.get(timeout=10))


HYBRID = """
import sys
import vocx.course.clients.hybrid as client
client.ASK_AFTER_S = (0.2, 0.2)
hybrid = client.Hybrid(*sys.argv[1:3], "BTCUSDT")
hybrid.trade(*sys.argv[3:])
for line in sys.stdin:
    print(eval(line), flush=True)
"""


def test_hybrid_asks_while_the_line_is_down(lab: Lab, start: Start) -> None:
    """The source is said with each price; where REST is silent too, nothing is known."""
    client = start("-m", f"{RUN}hybrid", *urls(lab)[:2], "BTCUSDT")
    client.until(lambda line: line.startswith("stream") and is_price(line))
    with lab.fault("refuse_upgrade", count="all", status=503), lab.network.reset_peer():
        client.until(lambda line: line == "unknown")
    with lab.fault("refuse_upgrade", count="all", status=503):
        lab.shutdown("binance")
        client.until(lambda line: line.startswith("rest") and is_price(line))
    client.until(lambda line: line.startswith("stream"), 30)


@pytest.fixture
def trader(lab: Lab) -> Iterator[Callable[[str], str]]:
    """Ask a hybrid client that can trade."""
    keys = lab.credentials("binance")
    rest, ws, ws_api = urls(lab)
    process = subprocess.Popen(
        [sys.executable, "-c", HYBRID, rest, ws, ws_api, keys.key, keys.secret],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    sent, said = process.stdin, process.stdout

    def ask(question: str) -> str:
        sent.write(question + "\n")
        sent.flush()
        return said.readline().strip()

    yield ask
    process.kill()
    process.wait(10)
    sent.close()
    said.close()


def until(ask: Callable[[str], str], question: str, answer: str) -> None:
    """The client says so within some seconds."""
    wait, last = threading.Event(), ""
    for _ in range(100):
        if (last := ask(question)) == answer:
            return
        wait.wait(0.1)
    raise AssertionError(f"{question} is {last}, not {answer}")


def test_hybrid_hears_of_its_orders(lab: Lab, trader: Callable[[str], str]) -> None:
    """The answer says accepted, the stream what became of it; also after a cut."""
    until(trader, "hybrid.orders_known", "True")
    name, outcome = eval(trader("hybrid.order('BUY', '0.001', '50000.00')"))
    assert outcome == "accepted"
    until(trader, f"hybrid.orders['{name}']", "NEW")
    lab.shutdown("binance")
    until(trader, "hybrid.orders_known", "False")
    until(trader, "hybrid.orders_known", "True")
    assert trader(f"hybrid.orders['{name}']") == "NEW"


@pytest.mark.parametrize(
    ("fault", "outcome"), [("lost_answer", "accepted"), ("lost_request", "never arrived")]
)
def test_hybrid_asks_for_an_order_whose_answer_is_lost(
    fault: str, outcome: str, lab: Lab, trader: Callable[[str], str]
) -> None:
    """A time-out is not a no: only the exchange knows."""
    until(trader, "hybrid.orders_known", "True")
    lab.fault(fault, path="/api/v3/order")
    assert eval(trader("hybrid.order('BUY', '0.001', '50000.00')"))[1] == outcome


TEXT = '''"""Told."""

import sys  # 1

WORD = (  # 2
    "a",
    "b",
)
"""Told of it."""


def one() -> None:  # 3
    """Told."""
    # said
    print(WORD); print()  # 4


if __name__ == "__main__":
    one()
'''


def test_a_logical_line_is_counted_once() -> None:
    """No blank line, no comment, no docstring, not the command line."""
    assert logical(TEXT) == 4


def test_lines_of_each_client() -> None:
    """What a client imports is part of what must be written."""
    found = {one.client: one for one in code_size().clients}
    assert found["listen"].total < found["ask"].total < found["survive"].total
    hybrid = found["hybrid"]
    assert hybrid.uses == ["ask", "survive"]
    assert hybrid.total == hybrid.lines + found["ask"].lines + found["survive"].lines


@pytest.mark.parametrize("client", ["ask", "listen", "survive", "hybrid"])
def test_clients_use_nothing_of_vocx(client: str) -> None:
    """They can be copied out of here."""
    own = [line for line in source(client).splitlines() if "import" in line and "vocx" in line]
    assert len(own) == bool(imported(source(client)))
