"""What every instrument leaves behind: nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from vocx import views


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    views.stop_all()
    assert not [t.name for t in threading.enumerate() if t.name.startswith("vocx ")]
