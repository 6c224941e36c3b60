"""Every time span that a stream waits for, in one place, so that a test can shrink them all."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from vocx.timing import mono_ns, wall_ns


class Clock(msgspec.Struct, frozen=True):
    """The two clocks of this machine, injectable.

    Both: their difference jumps when the machine sleeps, because the monotonic one stands still.
    """

    mono_ns: Callable[[], int] = mono_ns
    wall_ns: Callable[[], int] = wall_ns


class Deadlines(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds, unless a name says otherwise. ``None`` in the first block: ask the venue.

    ``ping_s`` and ``pong_s``: our own pings and how long an answer may take (a black hole is
    noticed within their sum). ``half_frame_s``: how long a frame that began may stay incomplete
    without a further byte. ``stale_after_s``: replaces the venue's own figure for every channel.
    ``rotate_s``: reconnect by ourselves at this age, minus up to ``rotate_jitter_s``.
    ``probe_settle_s``: how long data that REST knows already may still be on its way.
    ``poll_s``: between two calls for a channel that a venue does not stream.
    """

    ping_s: float | None = None
    pong_s: float | None = None
    stale_after_s: float | None = None
    rotate_s: float | None = None
    rotate_jitter_s: float = 900.0

    dns_s: float = 5.0
    connect_s: float = 5.0
    tls_s: float = 5.0
    upgrade_s: float = 5.0
    read_s: float = 0.1
    half_frame_s: float = 8.0
    login_s: float = 10.0
    ack_s: float = 5.0
    probe_s: float = 5.0
    probe_spacing_s: float = 0.25
    probe_settle_s: float = 1.0
    poll_s: float = 2.0
    sleep_jump_s: float = 5.0

    good_s: float = 30.0
    outage_over_s: float = 5.0
    first_retry_s: float = 0.25
    retry_step_s: float = 0.5
    retry_steady_s: float = 4.5
    outage_short_s: float = 60.0
    retry_cap_s: float = 30.0
    policy_floor_s: float = 5.0
    policy_cap_s: float = 60.0
    policy_window_s: float = 300.0
    restart_s: float = 5.0
    overload_floor_s: float = 30.0

    control_per_s: float = 4.0
    bad_window_s: float = 60.0
    bad_per_window: int = 10

    book_retry_s: float = 0.25
    book_retry_cap_s: float = 3.0
    book_steady_s: float = 5.0

    def scaled(self, factor: float) -> Deadlines:
        """The same with every span multiplied; for tests that cannot wait real deadlines."""
        spans = {
            name: value * factor
            for name in self.__struct_fields__
            if name.endswith("_s")
            and name not in ("control_per_s", "read_s")
            and (value := getattr(self, name)) is not None
        }
        return msgspec.structs.replace(
            self, **spans, read_s=min(self.read_s, 0.02), control_per_s=self.control_per_s / factor
        )
