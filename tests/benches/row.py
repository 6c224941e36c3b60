"""One line of the benchmark."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """``target`` reads ``"<= 2"`` or ``">= 0.5"``; ``notes`` are further keys of the line."""

    name: str
    value: float
    unit: str
    target: str
    notes: dict[str, Any] = field(default_factory=dict)


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of all lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
