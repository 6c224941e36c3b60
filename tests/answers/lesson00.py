"""Lesson 00: ``spread_in_ticks``."""


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


def blank(quote, tick): ...


WRONG = {
    money: "how many ticks of",
    floats: "a float crept in",
    rounded_float: "a float crept in",
    backwards: "other way round",
    always_one: "this quote is wider",
    fence_posts: "count the steps",
    text: "a number is wanted",
}
