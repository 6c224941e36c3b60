"""The exchange's clock over a wall clock that is set."""

from __future__ import annotations

from vocx.lab.service.clock import SteadyClock

S = 10**9


class Clocks:
    """Two clocks that a test moves."""

    def __init__(self) -> None:
        self.wall_ns, self.mono_ns = 1000 * S, 5 * S
        self.steady = SteadyClock(lambda: self.wall_ns, lambda: self.mono_ns)

    def pass_s(self, mono: float, wall: float | None = None) -> float:
        """Let time pass on both clocks; seconds on the steady one since the start."""
        self.mono_ns += int(mono * S)
        self.wall_ns += int((mono if wall is None else wall) * S)
        return self.steady() / S - 1000


def test_it_is_the_wall_clock() -> None:
    """While nobody sets that."""
    clocks = Clocks()
    assert [clocks.pass_s(1), clocks.pass_s(0.5)] == [1, 1.5]


def test_it_never_steps_back_or_stands_still() -> None:
    """A wall clock that is set back an hour costs no cadence that hour."""
    clocks = Clocks()
    clocks.pass_s(1)
    assert clocks.pass_s(0, -3600) == 1
    assert clocks.pass_s(2) == 3


def test_it_follows_forward() -> None:
    """A machine that slept, or was set right: the monotonic clock did not see that."""
    clocks = Clocks()
    assert clocks.pass_s(1, 3601) == 3601
    assert clocks.pass_s(1) == 3602
