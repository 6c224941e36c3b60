"""Lesson 03: ``decide``."""


def right(book_id, U, u):
    if u <= book_id:
        return "drop"
    return "resync" if U > book_id + 1 else "apply"


def reapplies_the_last(book_id, U, u):
    if u < book_id:
        return "drop"
    return "resync" if U > book_id + 1 else "APPLY "


def strict(book_id, U, u):
    if u <= book_id:
        return "drop"
    return "apply" if U == book_id + 1 else "resync"


def before_2025(book_id, U, u):
    if u <= book_id:
        return "drop"
    return "resync" if U > book_id else "apply"


def trusting(book_id, U, u):
    return "drop" if u <= book_id else "apply"


def always_apply(book_id, U, u):
    return "apply"


def always_drop(book_id, U, u):
    return "drop"


def always_resync(book_id, U, u):
    return "resync"


def applies_old(book_id, U, u):
    return "resync" if U > book_id + 1 else "apply"


def drops_over_the_hole(book_id, U, u):
    return "apply" if U <= book_id + 1 and u > book_id else "drop"


def boolean(book_id, U, u):
    return U == book_id + 1


def hangs(book_id, U, u):
    while book_id > 0:
        pass


def crashes(book_id, U, u):
    return {}[u]


def one_id_may_be_lost(book_id, U, u):
    if u <= book_id:
        return "drop"
    return "resync" if U > book_id + 2 else "apply"


def drops_what_overlaps(book_id, U, u):
    if book_id >= U:
        return "drop"
    return "resync" if U > book_id + 1 else "apply"


def last_for_first(book_id, U, u):
    if book_id >= U:
        return "drop"
    return "resync" if u > book_id + 1 else "apply"


def resyncs_what_is_old(book_id, U, u):
    return "apply" if book_id + 1 >= U and u > book_id else "resync"


def prints(book_id, U, u):
    print(right(book_id, U, u))


def blank(book_id, U, u):
    raise NotImplementedError


WRONG = {
    strict: "resyncs in the first 2 s",
    before_2025: "and you threw the book away",
    trusting: "ids were lost, and you went on",
    always_apply: "ids were lost, and you went on",
    always_drop: "your book stood still for 59.8 of 60 s",
    always_resync: "resyncs in the first 2 s",
    applies_old: "is older than your book",
    drops_over_the_hole: "hides the hole",
    one_id_may_be_lost: "id 1004 is missing",
    drops_what_overlaps: "reaches beyond your book",
    last_for_first: "reaches beyond your book",
    resyncs_what_is_old: "everything in it is older than the book",
    prints: "your function printed its answer",
    boolean: "one of three words",
    hangs: "did not come back within",
    crashes: "raised KeyError in its line 2",
}
