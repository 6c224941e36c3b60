"""Moments: which unit a stamp is in, and which ones a machine can write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import msgspec
import pandas as pd
import pytest

from vocx.errors import BadInput, RecordingError
from vocx.exchange.exchange import epoch_ns
from vocx.recording import Line, split
from vocx.timing import ClockOffset, stamp_ns
from vocx.venues.base.reading import moment_ns, ms_to_ns

NOW_S = 1_796_021_040


@pytest.mark.parametrize("unit_ns", [1, 1_000, 1_000_000, 1_000_000_000])
@pytest.mark.parametrize("second", [1_000_000_000, NOW_S, 9_223_372_036])
def test_the_digits_of_a_stamp_tell_its_unit(unit_ns: int, second: int) -> None:
    """Between 2001 and 2262: seconds, milliseconds, microseconds and nanoseconds."""
    assert stamp_ns(second * 10**9 // unit_ns) == second * 10**9


@pytest.mark.parametrize("set_s", [-3600, 3600])
def test_a_clock_that_is_set_does_not_move_the_venue_s(set_s: int) -> None:
    """What was measured before is right after it: the offset moves by as much the other way. A
    machine that sleeps has a wall clock that goes on, and so does the clock it is held against."""
    wall_ns, boot_ns = NOW_S * 10**9, 5 * 10**9
    clock = ClockOffset(lambda: wall_ns, lambda: boot_ns)
    assert clock.offset_ns == 0
    for round_trip_ns in (0, 10**9):
        assert clock.add(wall_ns - round_trip_ns, wall_ns - round_trip_ns // 2 + 7, wall_ns)
    assert clock.offset_ns == 7
    wall_ns += set_s * 10**9
    assert clock.offset_ns == 7 - set_s * 10**9
    wall_ns, boot_ns = wall_ns + 50 * 10**9, boot_ns + 50 * 10**9
    assert wall_ns + clock.offset_ns == (NOW_S + 50) * 10**9 + 7
    clock.reset()
    assert clock.offset_ns == 0


@pytest.mark.parametrize("digits", [1, 9, 11, 12, 14, 15, 17, 18, 20, 40])
def test_what_is_in_no_unit_is_refused(digits: int) -> None:
    """Rather than taken for a time in another century."""
    assert stamp_ns(int("5" * digits)) is None
    assert stamp_ns(-NOW_S) is None and stamp_ns(2**63) is None


def test_decoders_read_milliseconds_and_microseconds() -> None:
    """Of a number or of a text; anything else is unreadable, as a wrong shape is."""
    assert moment_ns(NOW_S * 1000 + 5) == ms_to_ns(str(NOW_S * 1000 + 5))
    assert moment_ns(NOW_S * 10**6 + 5) == NOW_S * 10**9 + 5000
    assert ms_to_ns(str(NOW_S * 10**9 + 5)) == NOW_S * 10**9 + 5
    for wrong in (10**14 - 1, 10**17, 2**63, -1):
        with pytest.raises(msgspec.ValidationError):
            moment_ns(wrong)
    for text in ("1e12", "²", "-5", "9" * 19, "9" * 400, " ", "soon"):
        with pytest.raises(msgspec.ValidationError):
            ms_to_ns(text)


@pytest.mark.parametrize("unit_ns", [1, 1_000, 1_000_000])
def test_a_recording_may_count_in_any_unit(unit_ns: int) -> None:
    """Stamps of 13, 16 and 19 digits are the same moments."""
    stamp = NOW_S * 10**9 // unit_ns
    assert split(Line("x.gz", 1, b"%d {}\n" % stamp)) == (NOW_S * 10**9, b"{}")


@pytest.mark.parametrize("stamp", [b"15" * 7, b"9" * 19, b"1" * 11])
def test_a_line_at_no_time_is_a_bad_line(stamp: bytes) -> None:
    """It names its number and says which stamps there are."""
    with pytest.raises(RecordingError, match="line 3.*milliseconds"):
        split(Line("x.gz", 3, stamp + b" {}\n"))


class Odd(tzinfo):
    """A time zone that does not know how far it is from UTC."""

    def utcoffset(self, _: datetime | None) -> timedelta | None:
        return None


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime.max, "time zone"),
        (datetime(2026, 1, 1, tzinfo=Odd()), "time zone"),
        (datetime.max.replace(tzinfo=UTC), "year 9999"),
        (datetime.max.replace(tzinfo=timezone(-timedelta(hours=12))), "year 9999"),
        (datetime.min.replace(tzinfo=UTC), "year 1"),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=12))), "year 1"),
        (datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), "year 1969"),
        (datetime(2262, 4, 12, tzinfo=UTC), "year 2262"),
        (pd.NaT, "NaT"),
        (NOW_S, "a int"),
        ("2026-11-30", "a str"),
    ],
)
def test_a_time_that_cannot_be_sent_is_refused_in_words(moment: Any, said: str) -> None:
    """Before 1970 and after 2262 there are no nanoseconds to write."""
    with pytest.raises(BadInput, match=said):
        epoch_ns(moment, "start")


def test_times_keep_all_their_digits() -> None:
    """Those of pandas to the nanosecond."""
    assert epoch_ns(datetime(1970, 1, 1, tzinfo=UTC), "start") == 0
    moment = pd.Timestamp(NOW_S * 10**9 + 123_456_789, tz="Europe/Berlin")
    assert epoch_ns(moment, "start") == NOW_S * 10**9 + 123_456_789
