"""Lesson 11: excerpts of the lab's own code, and small tests for a rule and a dial of the reader's.

The lab's inside is its own: its classes come from the notebook, and nothing here imports them. A
small test takes what the reader wrote and says with :class:`Red` what is not as it should be.
"""

from __future__ import annotations

import inspect
import random
import textwrap
from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import PurePath
from typing import Any

import msgspec

MS = 1_000_000
REST_NS = 50 * MS
"""The minimum resting time of the tests."""
RTT_MS, EACH_MS = 80, 10
"""Of the tests of a lossy path: its distance, and the time between two messages."""
AGAIN_MS = RTT_MS + 3 * EACH_MS
"""How much later a lost packet arrives: its sender hears of it by three acknowledgements of those
behind it, a round trip later, and sends it again (RFC 5681, section 3.2, 2009)."""
MESSAGE_BYTES = 16
_SYMBOL, _BID, _LOTS = "BTC/USDT", 6_170_000, 5
_OPERATIONS = 400
_ENGINE, _PATH = ("vocx.lab.market.engine", "Book"), ("vocx.lab.network.path", "Path")

Made = Callable[..., Any]
SmallTest = Callable[[Made], None]


class Red(AssertionError):
    """A small test failed: why, what it saw and what it expected."""

    def __init__(self, why: str, seen: object, expected: object) -> None:
        super().__init__(f"{why} (seen: {seen}, expected: {expected})")
        self.why, self.seen, self.expected = why, str(seen), str(expected)


class Blank(Exception):
    """Nothing was written yet."""


def excerpt(thing: Any, first: str = "", last: str = "") -> None:
    """Print the source of a class or function as it is installed: from the first line that has
    ``first`` to the next that has ``last``, or to its end."""
    lines, number = inspect.getsourcelines(thing)
    start = next(at for at, line in enumerate(lines) if first in line)
    end = len(lines)
    if last:
        end = 1 + next(at for at in range(start, end) if last in lines[at])
    path = PurePath(inspect.getsourcefile(thing) or "").as_posix()
    print(f"# {path[path.rfind('vocx/') :]}, line {max(number, 1) + start}")
    print(textwrap.dedent("".join(lines[start:end])).rstrip())


def green(tests: Sequence[SmallTest], made: Made) -> str:
    """Run small tests on what a reader wrote, print a line for each, and say how many are green."""
    passed = 0
    for test in tests:
        rule = rule_of(test)
        try:
            test(made)
        except Blank:
            return f"… {_name(made)} is not written yet: its {len(tests)} tests wait"
        except Red as red:
            print(f"✗ {rule}\n    {red}")
        except Exception as error:
            print(f"✗ {rule}\n    {type(error).__name__}: {error}")
        else:
            passed += 1
            print(f"✓ {rule}")
    return f"{passed} of {len(tests)} tests green"


def _name(made: Made) -> str:
    return str(getattr(made, "__name__", "it"))


def rule_of(test: SmallTest) -> str:
    """What a small test asks for: its docstring."""
    return " ".join((inspect.getdoc(test) or test.__name__).split())


def _expect(why: str, seen: object, expected: object) -> None:
    if seen != expected:
        raise Red(why, seen, expected)


# the rule: who rests may not leave before so many nanoseconds are over


def _book(made: Made, rest_ns: int = REST_NS) -> Any:
    """An empty book of the class that ``made`` makes."""
    book_class = made(rest_ns)
    if book_class is None or book_class is Ellipsis:
        raise Blank
    if not (isinstance(book_class, type) and _inherits(book_class, *_ENGINE)):
        raise Red("a class that inherits from Book is wanted", repr(book_class), "class ...(Book)")
    return book_class(_SYMBOL)


def _inherits(made: type, module: str, name: str) -> type | None:
    """The class of that name that another one is made from."""
    named = (one for one in made.__mro__ if (one.__module__, one.__name__) == (module, name))
    return next(named, None)


def _bid(book: Any, at_ns: int, owner: str = "you") -> int:
    """The number of a new bid that rests."""
    number: int = book.limit(at_ns, "buy", _BID, _LOTS, owner=owner).order.id
    return number


def _went(result: Any) -> str:
    if result is None:
        return "refused"
    return "done" if hasattr(result, "events") else f"{result!r}, which is not None"


def an_old_order_may_go(made: Made) -> None:
    """An order that has rested 50 ms may be cancelled."""
    book = _book(made)
    number = _bid(book, 0)
    seen = _went(book.cancel(REST_NS, number))
    _expect("it rested from 0 to 50 ms, by at_ns: the engine has no other clock", seen, "done")
    _expect("the cancel was said to be done, and the order rests", book.best()[:2], (0, 0))


def a_young_order_stays(made: Made) -> None:
    """A cancel one nanosecond too early is refused with None, and the order rests."""
    book = _book(made)
    number = _bid(book, 0)
    _expect("it had not rested 50 ms", _went(book.cancel(REST_NS - 1, number)), "refused")
    _expect("a refused cancel changes nothing", book.best()[:2], (_BID, _LOTS))


def it_may_ask_again(made: Made) -> None:
    """Who was refused at 10 ms may cancel at 50 ms."""
    book = _book(made)
    number = _bid(book, 0)
    book.cancel(10 * MS, number)
    seen = _went(book.cancel(REST_NS, number))
    _expect("time runs from the order, not from the last question", seen, "done")


def each_order_has_its_own_time(made: Made) -> None:
    """One order at 0 ms, one at 40 ms: at 60 ms only the first may go."""
    book = _book(made)
    first, second = _bid(book, 0), _bid(book, 40 * MS, owner="somebody else")
    seen = _went(book.cancel(60 * MS, second)), _went(book.cancel(60 * MS, first))
    _expect("the second, and the first", seen, ("refused", "done"))


def each_book_has_its_own_orders(made: Made) -> None:
    """Order 1 of one symbol is not order 1 of another."""
    book, other = _book(made), _book(made)
    number = _bid(book, 0)
    _bid(other, 60 * MS)
    seen = _went(book.cancel(70 * MS, number))
    _expect("another book's order had the same number: keep times in the object", seen, "done")


def a_match_is_never_refused(made: Made) -> None:
    """Whoever sells to a young order gets it."""
    book = _book(made)
    _bid(book, 0)
    result = book.market(1, "sell", _LOTS)
    seen = len(result.fills), book.best()[:2]
    _expect("matches, and what is left of the bid", seen, (1, (0, 0)))


def there_is_no_way_round(made: Made) -> None:
    """At 10 ms an order may neither be made smaller nor moved to another price."""
    book = _book(made)
    number = _bid(book, 0)
    smaller = _went(book.reduce(10 * MS, number, _LOTS - 1))
    _expect("reduce took all but one lot away", smaller, "refused")
    moved = _went(book.requeue(10 * MS, number, 1, _LOTS))
    _expect("requeue moved it to a price of one tick", moved, "refused")


def a_moved_order_is_young(made: Made) -> None:
    """Moved at 60 ms, it may be cancelled at 110 ms and not before."""
    book = _book(made)
    number = _bid(book, 0)
    _expect("moved at 60 ms", _went(book.requeue(60 * MS, number, _BID - 1, _LOTS)), "done")
    seen = _went(book.cancel(70 * MS, number)), _went(book.cancel(110 * MS, number))
    _expect("cancelled at 70 ms, and at 110 ms", seen, ("refused", "done"))


def the_emergency_exit_is_open(made: Made) -> None:
    """cancel_owner, which an exchange uses itself, takes young orders too."""
    book = _book(made)
    _bid(book, 0)
    book.cancel_owner(1, "you")
    _expect("what is left after cancel_owner", book.best()[:2], (0, 0))


def nothing_else_changes(made: Made) -> None:
    """With a minimum of 0 every event is the plain engine's."""
    book = _book(made, 0)
    engine: Any = _inherits(type(book), *_ENGINE)
    plain = engine(_SYMBOL)
    draw = random.Random(11)
    for at_ns in range(_OPERATIONS):
        number, price = draw.randrange(1, at_ns + 2), _BID + draw.randrange(8)
        words: tuple[Any, ...] = draw.choice(
            [
                ("limit", draw.choice(["buy", "sell"]), price, draw.randrange(1, 9)),
                ("market", draw.choice(["buy", "sell"]), draw.randrange(1, 9)),
                ("cancel", number),
                ("reduce", number, 1),
                ("requeue", number, price, 9),
            ]
        )
        seen, expected = (_events(one, at_ns, *words) for one in (book, plain))
        for event, wanted in zip_longest(seen, expected):
            _expect(f"an event of {words[0]}{words[1:]}", event, wanted)


def _events(book: Any, at_ns: int, name: str, *arguments: Any) -> list[str]:
    """What happened, without symbol and time, which are the same for all."""
    result = getattr(book, name)(at_ns, *arguments)
    if result is None:
        return ["refused"]
    return [f"{type(one).__name__}{msgspec.structs.astuple(one)[2:]}" for one in result.events]


RULE_TESTS: tuple[SmallTest, ...] = (
    *(an_old_order_may_go, a_young_order_stays, it_may_ask_again, each_order_has_its_own_time),
    *(each_book_has_its_own_orders, a_match_is_never_refused, there_is_no_way_round),
    *(a_moved_order_is_young, the_emergency_exit_is_open, nothing_else_changes),
)
"""For a function from nanoseconds to a class of books."""


# the dial: each n-th packet is lost, and sent again


def delays_ms(path: Any, count: int = 100) -> list[int]:
    """How long each of ``count`` messages, one each 10 ms, is on its way over a path that is 40 ms
    long and whose jitter is 110 ms; in virtual time. A message that never arrives is left out."""
    one_way_s = RTT_MS / 2000
    path.apply(type(path.settings)(delay_s=one_way_s, jitter_s=AGAIN_MS / 1000), one_way_s)
    found: list[int] = []
    for number in range(count):
        sent_s = number * EACH_MS / 1000
        _receive(path, sent_s, found)
        path.push(number.to_bytes(MESSAGE_BYTES, "big"), sent_s)
    _receive(path, 60.0, found)
    return found


def _receive(path: Any, until_s: float, found: list[int]) -> None:
    """Take what arrives up to a moment, at the moment when it does."""
    while (due_s := path.next_s()) is not None and due_s <= until_s:
        data = b"".join(path.pop(due_s)[0])
        for at in range(0, len(data), MESSAGE_BYTES):
            sent_s = int.from_bytes(data[at : at + MESSAGE_BYTES], "big") * EACH_MS / 1000
            found.append(round((due_s - sent_s) * 1000))


def _path(made: Made, every: int) -> Any:
    path = made(every)
    if path is None or path is Ellipsis:
        raise Blank
    if not _inherits(type(path), *_PATH):
        raise Red("a Path is wanted", repr(path), "Path(...)")
    return path


def without_loss_all_are_on_time(made: Made) -> None:
    """While none is lost, each message takes 40 ms."""
    late = [delay for delay in delays_ms(_path(made, 1_000)) if delay != RTT_MS // 2]
    _expect("messages that took longer or shorter", late, [])


def the_lost_one_comes_late(made: Made) -> None:
    """The 50th is lost: it takes 150 ms, and the 49th took 40."""
    found = delays_ms(_path(made, 50), 50)
    _expect("the 49th and the 50th", found[-2:], [RTT_MS // 2, RTT_MS // 2 + AGAIN_MS])


def nothing_is_missing(made: Made) -> None:
    """TCP sends again what was lost: 100 messages go in, 100 come out."""
    _expect("messages that arrived", len(delays_ms(_path(made, 10))), 100)


def each_connection_counts_alone(made: Made) -> None:
    """Two paths: what one of them carries is not counted by the other."""
    one, other = _path(made, 50), _path(made, 50)
    delays_ms(one, 30)
    _expect("late ones of 30 after 30 elsewhere", max(delays_ms(other, 30)), RTT_MS // 2)


DIAL_TESTS: tuple[SmallTest, ...] = (
    *(without_loss_all_are_on_time, the_lost_one_comes_late),
    *(nothing_is_missing, each_connection_counts_alone),
)
"""For a function from ``every`` to a path."""


def price_of_loss(made: Made, every: int = 50) -> str:
    """What one lost packet does to those behind it."""
    try:
        found = delays_ms(_path(made, every))
    except Blank:
        return f"… {_name(made)} is not written yet"
    except Red as red:
        return f"✗ {red}"
    late = sum(delay > RTT_MS // 2 for delay in found)
    return f"Of {len(found)} messages {len(found) // every} were lost, and {late} came late."
