"""OKX's dead-man switch: cancel all after (docs-v5, trade, 2026-07-28)."""

from __future__ import annotations

from vocx.lab.dialects.okx.wire import Refusal
from vocx.lab.dialects.shared.mappings import Deadlines

MOST_TAGS = 20


class DeadManSwitch:
    """When the open orders of an account (of one tag) are cancelled."""

    def __init__(self) -> None:
        self.deadlines: Deadlines[tuple[str, str]] = Deadlines()
        """By owner and tag; the tag of nothing is that of all orders."""

    def set(self, owner: str, tag: str, due_ns: int | None) -> None:
        """Let a countdown begin anew, or end it (``None``)."""
        self.deadlines.pop((owner, tag), None)
        if due_ns is None:
            return
        if sum(one == owner for one, _ in self.deadlines) >= MOST_TAGS:
            raise Refusal("51071")
        self.deadlines[owner, tag] = due_ns
