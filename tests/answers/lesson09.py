"""Lesson 09: ``read``."""

from decimal import Decimal


def right(message, seq):
    channel = message.get("arg", {}).get("channel")
    trades = []
    for row in message.get("data", []):
        if channel == "trades":
            last = int(row["tradeId"])
            first = last - int(row["count"]) + 1
            trades.append((first, last, row["side"], Decimal(row["px"]), Decimal(row["sz"])))
        elif channel == "books":
            follows = message["action"] == "snapshot" or row["prevSeqId"] == seq
            seq = row["seqId"] if follows else None
    return trades, seq


def in_branches(message, seq):
    """Another form: tuples of lists."""
    if "data" not in message:
        return (), seq
    match message["arg"]["channel"], message.get("action"):
        case "trades", _:
            return [
                [int(one["tradeId"]) + 1 - int(one["count"]), int(one["tradeId"]), one["side"],
                 Decimal(one["px"]), Decimal(one["sz"])]
                for one in message["data"]
            ], seq  # fmt: skip
        case "books", "snapshot":
            return [], message["data"][0]["seqId"]
        case "books", _:
            one = message["data"][0]
            return [], one["seqId"] if one["prevSeqId"] == seq else None
    return [], seq


def changed(function):
    """The right answer with its trades changed by ``function``."""
    return lambda message, seq: (
        [function(one) for one in right(message, seq)[0]],
        right(message, seq)[1],
    )


def one_id_a_row(message, seq):
    return changed(lambda one: (one[1], one[1], *one[2:]))(message, seq)


def floats(message, seq):
    return changed(lambda one: (*one[:3], float(one[3]), float(one[4])))(message, seq)


def texts(message, seq):
    return changed(lambda one: (*one[:3], str(one[3]), str(one[4])))(message, seq)


def makers_side(message, seq):
    other = {"buy": "sell", "sell": "buy"}
    return changed(lambda one: (*one[:2], other[one[2]], *one[3:]))(message, seq)


def quantity_first(message, seq):
    return changed(lambda one: (*one[:3], one[4], one[3]))(message, seq)


def first_row_only(message, seq):
    trades, seq = right(message, seq)
    return trades[:1], seq


def four_things(message, seq):
    return changed(lambda one: one[1:])(message, seq)


def update(message):
    is_book = message.get("arg", {}).get("channel") == "books"
    return message["data"][0] if is_book and message.get("action") == "update" else None


def must_grow(message, seq):
    row = update(message)
    if row and seq is not None and row["seqId"] <= seq:
        return [], None
    return right(message, seq)


def grows_or_stays(message, seq):
    row = update(message)
    if row and seq is not None and row["seqId"] < seq:
        return [], None
    return right(message, seq)


def by_one(message, seq):
    row = update(message)
    if row and seq is not None:
        return [], row["seqId"] if row["seqId"] == seq + 1 else None
    return right(message, seq)


def never_missing(message, seq):
    row = update(message)
    return ([], row["seqId"]) if row else right(message, seq)


def without_a_book(message, seq):
    row = update(message)
    return ([], row["seqId"]) if row and seq is None else right(message, seq)


def snapshot_must_follow(message, seq):
    row = message["data"][0] if message.get("action") == "snapshot" else None
    return ([], None) if row and row["prevSeqId"] != seq else right(message, seq)


def any_sequence(message, seq):
    trades, after = right(message, seq)
    return trades, message["data"][0]["seqId"] if trades else after


def no_acknowledgements(message, seq):
    message["data"][0]
    return right(message, seq)


def no_notices(message, seq):
    message["arg"]
    return right(message, seq)


def trades_only(message, seq):
    return right(message, seq)[0]


def nothing(message, seq):
    return [], seq


def hangs(message, seq):
    while message:
        pass


def blank(message, seq): ...


WRONG = {
    one_id_a_row: "trade 744876980 stands for 3: ids 744876978 to 744876980",
    floats: "a float crept in",
    texts: "numbers travel as text at OKX",
    makers_side: "the side is the taker's already at OKX",
    quantity_first: "px is the price, and sz the quantity",
    first_row_only: "2 rows of trades came with it, you returned 1",
    four_things: "a trade is (first id, last id, side, price, quantity)",
    must_grow: "is a heartbeat",
    grows_or_stays: "this is a legal reset after maintenance",
    by_one: "seqId grows, but not by one",
    never_missing: "a message is missing, and from here on the book is wrong",
    without_a_book: "wait for a snapshot",
    snapshot_must_follow: "a snapshot begins a book",
    any_sequence: "its number stays what it was",
    no_acknowledgements: "your function raised KeyError",
    no_notices: "your function raised KeyError",
    trades_only: "return two things",
    nothing: "a snapshot begins a book",
    hangs: "did not come back within",
}
