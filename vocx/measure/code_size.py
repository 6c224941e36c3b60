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
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from vocx.measure.result import Conditions, Result, fold

if TYPE_CHECKING:
    import plotly.graph_objects as go

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

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "client": one.client,
                "does": one.does,
                "lines": one.lines,
                "with_what_it_imports": one.total,
                "survives": len(one.survives),
            }
            for one in self.clients
        ]

    def table(self) -> str:
        """Each client with its lines, and below it what it survives."""
        named = [f"{one.client}: {one.does}" for one in self.clients]
        wide = max(map(len, named))
        text = [self.title, f"{'client':<{wide}}  lines  with what it imports"]
        for name, one in zip(named, self.clients, strict=True):
            text.append(f"{name:<{wide}}  {one.lines:>5}  {one.total:>21}")
            text += [f"    survives {what}" for what in one.survives or ["nothing: it ends"]]
        return "\n".join([*text, fold(self.conditions.path)])

    def find(self, client: str) -> ClientSize:
        """One of them, by name."""
        return next(one for one in self.clients if one.client == client)

    def figure(self, *, height: int | None = None) -> go.Figure:
        """Lines of each client, its own and with what it imports."""
        from vocx import figures

        def series(pick: str) -> list[tuple[float | None, float | None, float | None]]:
            return [(float(getattr(one, pick)), None, None) for one in self.clients]

        return figures.ranked(
            [f"{one.client}: {one.does}" for one in self.clients],
            {"its own": series("lines"), "with what it imports": series("total")},
            x="logical lines (no blank, comment, docstring), counted from the files that run",
            height=height,
        )


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
    return CodeSize(
        conditions=Conditions(path=path, clock="nobody: nothing is timed"), clients=clients
    )


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
