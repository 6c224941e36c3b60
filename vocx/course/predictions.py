"""What is right in the lessons' predictions, and why.

Here and not in the notebooks, so that nobody reads the answer above the buttons.
"""

from __future__ import annotations

RIGHT: dict[str, tuple[str, str]] = {
    "00.1": (
        "b",
        "News travels half the round trip, whether it answers a question or not.",
    ),
    "01.1": (
        "c",
        "TCP and TLS have said hello already. What remains is the question and its answer.",
    ),
    "02.1": (
        "b",
        "The answer says that the name is well formed, not that such a stream exists.",
    ),
    "03.1": (
        "b",
        "A level that the lost message deleted is never deleted again. It waits for the price.",
    ),
    "04.1": (
        "b",
        "The exchange makes the HMAC over the bytes that it received. Other bytes, other HMAC.",
    ),
    "05.1": (
        "b",
        "bookTicker speaks at each change: half a round trip, 10 ms. REST every 250 ms: 10 + 125. "
        "ticker speaks once a second, pushed or not: 10 + 500.",
    ),
    "05.2": (
        "c",
        "Most updates change only a quantity, and the price moves in bursts: on the recorded "
        "session half of all seconds had no change of it. Such a poll was wrong 31 % of the time.",
    ),
    "05b.1": (
        "c",
        "One message is less than a third of a call, but more than a hundred came each second of "
        "the recorded session: 16.5 KiB/s against 0.54.",
    ),
    "05b.2": (
        "b",
        "Who buys at random meets a price that has fallen as often as one that has risen. Who "
        "quotes does not choose the moment: the others come exactly when the quote is wrong.",
    ),
}
"""By question: the right letter, and what is said after the choice."""
