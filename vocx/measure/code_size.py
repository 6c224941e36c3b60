"""How much code does each protocol ask of you? Minimal clients, counted from files that run.

A logical line is one statement's line, however many it is written on. Blank lines, comments,
docstrings and the block that reads the command line are not counted. Each client is in
:mod:`vocx.course.clients`, uses nothing of vocx, and does what its row says: the test suite runs
it against the lab and cuts, silences and refuses it.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import msgspec

from vocx.call_forms import says_its_form
from vocx.measure.result import Column, Conditions, Result, pick
from vocx.text import fold

HERE = Path(__file__).parents[1] / "course" / "clients"
KNOWN: dict[str, tuple[str, tuple[str, ...]]] = {
    "ask": (
        "asks by REST",
        ("an answer that is lost, late or refused", "429: waits as long as it is told"),
    ),
    "listen": ("listens by WebSocket", ()),
    "survive": (
        "listens, and comes back",
        (
            "a cut, the close after 24 h, serverShutdown",
            "a feed that is silent while its pings go on",
            "an outage: back-off with jitter, Retry-After",
            "a spoilt message",
            "its own absence: says that it does not know meanwhile",
        ),
    ),
    "hybrid": (
        "listens, asks, orders, hears of its orders",
        (
            "all that survive and ask survive",
            "a lost line: asks by REST while it is away",
            "an order whose answer is lost: its id is made before, and asked for",
            "what happened to its orders while it was away",
        ),
    ),
}


class ClientSize(msgspec.Struct, frozen=True, kw_only=True):
    """One client. ``code_size`` are its file's, ``total`` also of the files that it imports."""

    client: str
    does: str
    lines: int
    total: int
    uses: list[str]
    survives: list[str]


class CodeSize(Result, frozen=True, kw_only=True):
    """Logical lines of the minimal clients in :mod:`vocx.course.clients`."""

    title: ClassVar[str] = "lines of code of a minimal client, and what it survives"
    clients: list[ClientSize]

    def items(self) -> Sequence[ClientSize]:
        return self.clients

    def columns(self) -> Sequence[Column]:
        return (
            Column("client", lambda one: f"{one.client}: {one.does}", "client"),
            Column("lines", "lines", "lines"),
            Column("with_what_it_imports", "total", "with what it imports"),
            Column("survives", lambda one: len(one.survives)),
        )

    def notes(self) -> Sequence[str]:
        """What each survives."""
        return [
            fold(f"{one.client} survives {'; '.join(one.survives) or 'nothing: it ends'}")
            for one in self.clients
        ]

    def find(self, client: str) -> ClientSize:
        """One of them, by name."""
        return pick({one.client: one for one in self.clients}, client)


@says_its_form
def code_size() -> CodeSize:
    """Count the minimal clients, and say what each survives. Nothing is run."""
    own = {name: logical(source(name)) for name in KNOWN}
    clients = []
    for name, (does, survives) in KNOWN.items():
        uses = imported(source(name))
        clients.append(
            ClientSize(
                client=name,
                does=does,
                lines=own[name],
                total=own[name] + sum(own[other] for other in uses),
                uses=uses,
                survives=list(survives),
            )
        )
    path = (
        "logical lines of the files in vocx/course/clients, which run as they are; blank lines, "
        "comments, docstrings and the command line's block are not counted"
    )
    return CodeSize(conditions=Conditions(path=path, clock=""), clients=clients)


def source(client: str) -> str:
    """The text of one client's file."""
    return (HERE / f"{client}.py").read_text(encoding="utf-8")


def logical(text: str) -> int:
    """Logical lines of code: the statements' lines, less docstrings and the command line."""
    skipped: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        told = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if told or (isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)):
            assert isinstance(node, ast.stmt)
            skipped |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    ends = (one.start[0] for one in tokens if one.type == tokenize.NEWLINE)
    return sum(line not in skipped for line in ends)


def imported(text: str) -> list[str]:
    """The clients that a client's file imports."""
    return [
        alias.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith(HERE.name)
        for alias in node.names
    ]
