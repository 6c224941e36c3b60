"""Lesson 00: ``spread_in_ticks``."""

from decimal import Decimal


def right(quote, tick):
    return (quote.ask - quote.bid) / tick


def money(quote, tick):
    return quote.ask - quote.bid


def floats(quote, tick):
    return (float(quote.ask) - float(quote.bid)) / float(tick)


def rounded_float(quote, tick):
    return round((float(quote.ask) - float(quote.bid)) / float(tick)) * 1.0


def backwards(quote, tick):
    return (quote.bid - quote.ask) / tick


def always_one(quote, tick):
    return 1


def fence_posts(quote, tick):
    return (quote.ask - quote.bid) / tick + 1


def text(quote, tick):
    return "1 tick"


def tick_of_bitcoin(quote, tick):
    return (quote.ask - quote.bid) / Decimal("0.01")


def multiplied(quote, tick):
    return (quote.ask - quote.bid) * tick


def brackets_forgotten(quote, tick):
    return quote.ask - quote.bid / tick


def relative(quote, tick):
    return (quote.ask - quote.bid) / quote.bid / tick


def half(quote, tick):
    return (quote.ask - quote.bid) / 2 / tick


def quantities(quote, tick):
    return (quote.ask_quantity - quote.bid_quantity) / tick


def nothing_left(quote, tick):
    return (quote.ask - quote.bid) % tick


def prints(quote, tick):
    print((quote.ask - quote.bid) / tick)


def prices_as_text(quote, tick):
    return (quote["ask"] - quote["bid"]) / tick


def blank(quote, tick): ...


WRONG = {
    money: "how many ticks of",
    floats: "a float crept in",
    rounded_float: "a float crept in",
    backwards: "other way round",
    always_one: "this quote is wider",
    fence_posts: "count the steps",
    tick_of_bitcoin: "the tick of ETH/BTC is 0.00001 here, not 0.01",
    multiplied: "ask how often the tick goes into it",
    brackets_forgotten: "take the difference of ask and bid",
    relative: "take the difference of ask and bid",
    half: "take the difference of ask and bid",
    quantities: "take the difference of ask and bid",
    nothing_left: "ask how often the tick goes into it",
    prints: "your function printed its answer and gave back nothing",
    prices_as_text: "your function raised TypeError in its line 2",
    text: "a number is wanted",
}
