"""The network dials as data: what is turned, for which venue, in which direction.

A dial is known by its name (those of toxiproxy) and holds values by name. A *setting*
names dial, venue (``None``: all) and direction (``None``: both) with its values. A later setting
overrides an earlier one of the same dial wherever the two meet, so the settings of a dial are
kept in order and the last one that fits wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from vocx.errors import BadInput, UnknownVenue
from vocx.lab import settings
from vocx.lab.network.path import LinkSettings

LARGEST = 1e9
"""Of any value of a dial, whatever its unit."""
UP, DOWN = "up", "down"
"""Client to server, and server to client."""

DIALS: Mapping[str, Mapping[str, float | None]] = {
    "latency": {"rtt_ms": None, "jitter_ms": 0.0},
    "bandwidth": {"kib_per_s": None},
    "timeout": {},
    "reset_peer": {},
    "slow_close": {"ms": None},
    "slicer": {"size": None, "delay_ms": 0.0},
}
"""Each dial's values and their defaults; ``None``: it must be said."""


class DialSetting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of one dial."""

    dial: str
    venue: str | None = None
    direction: str | None = None
    values: dict[str, float] = {}

    def applies_to(self, venue: str, direction: str) -> bool:
        return self.venue in (None, venue) and self.direction in (None, direction)

    def covers(self, other: DialSetting) -> bool:
        """Whether this setting leaves nothing of an earlier one."""
        return (
            self.dial == other.dial
            and self.venue in (None, other.venue)
            and self.direction in (None, other.direction)
        )


def validate_values(dial: str, values: Mapping[str, Any]) -> dict[str, float]:
    """The values of a dial with defaults filled in, or ``BadInput`` that says what to write."""
    if dial not in DIALS:
        raise BadInput(f"there is no dial {dial!r}; there are {', '.join(DIALS)}")
    known = DIALS[dial]
    for name in values:
        if name not in known:
            raise BadInput(f"{dial} has no {name!r}; it has {', '.join(known) or 'no values'}")
    full = {name: number(dial, name, values.get(name, known[name])) for name in known}
    if dial == "bandwidth" and full["kib_per_s"] == 0:
        raise BadInput("bandwidth of 0 lets nothing through; write timeout() for a black hole")
    if dial == "slicer" and (full["size"] < 1 or full["size"] != int(full["size"])):
        raise BadInput("slicer's size is a whole number of bytes, 1 or more")
    return full


def number(dial: str, name: str, value: Any) -> float:
    """A number that is not negative, and no larger than :data:`LARGEST`."""
    if value is None:
        raise BadInput(f"{dial} needs {name}=, a number")
    return settings.number(f"{dial}'s {name}", value, 0, LARGEST)


def validate_target(
    venue: Any, direction: Any, venues: Iterable[str]
) -> tuple[str | None, str | None]:
    """Venue and direction as they stand in a setting, or ``BadInput``."""
    known = sorted(venues)
    if venue is not None and venue not in known:
        raise UnknownVenue(
            f"the lab has no venue {venue!r}; it has {', '.join(known) or 'none yet'}"
        )
    if direction not in (None, UP, DOWN):
        raise BadInput(
            f'direction is {direction!r}; write "up" (client to server), "down" or None for both'
        )
    return venue, direction


class Dials:
    """All network dials of one lab. Used by one thread: the one that runs the relay.

    Attributes
    ----------
    venues : set of str
        Venues that a dial can be turned for; a listener adds its own.
    """

    def __init__(self, venues: Iterable[str] = ()) -> None:
        self.venues = set(venues)
        self._settings: list[DialSetting] = []
        self._watchers: set[Callable[[], None]] = set()

    @property
    def state(self) -> list[dict[str, Any]]:
        """The settings in force, oldest first, as JSON can carry them."""
        return [msgspec.to_builtins(setting) for setting in self._settings]

    def link_settings(self, venue: str, direction: str) -> LinkSettings:
        """What the dials mean for one direction of a venue's connections."""
        found = {
            setting.dial: setting.values
            for setting in self._settings
            if setting.applies_to(venue, direction)
        }
        latency, slicer = found.get("latency", {}), found.get("slicer", {})
        return LinkSettings(
            delay_s=latency.get("rtt_ms", 0.0) / 2000,
            jitter_s=latency.get("jitter_ms", 0.0) / 1000,
            rate=found.get("bandwidth", {}).get("kib_per_s", 0.0) * 1024,
            slice_bytes=int(slicer.get("size", 0)),
            slice_s=slicer.get("delay_ms", 0.0) / 1000,
            close_s=found.get("slow_close", {}).get("ms", 0.0) / 1000,
            blackhole="timeout" in found,
            reset="reset_peer" in found,
        )

    def watch(self, changed: Callable[[], None]) -> None:
        """Call this at each turn of a dial, until :meth:`unwatch`."""
        self._watchers.add(changed)

    def unwatch(self, changed: Callable[[], None]) -> None:
        self._watchers.discard(changed)

    def command(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """One command of the lab's owner, with the state after it.

        ``set`` (``dial``, ``venue``, ``direction``, ``values``) also answers ``before``: the
        settings of that dial until now, which ``restore`` (``dial``, ``settings``) puts back.
        ``clear`` turns everything back; ``state`` only asks. A leading ``network.`` is allowed.

        Raises
        ------
        BadInput
            For an unknown command, dial, venue or direction, and for a bad value.
        """
        commands: dict[str, Callable[..., list[dict[str, Any]]]] = {
            "set": self._set,
            "restore": self._restore,
            "clear": self._clear,
        }
        name = name.removeprefix("network.")
        if name == "state":
            return {"state": self.state}
        if name not in commands:
            raise BadInput(
                f"the network has no command {name!r}; it has {', '.join(commands)}, state"
            )
        try:
            before = commands[name](**arguments)
        except (TypeError, msgspec.ValidationError) as error:
            raise BadInput(f"network.{name} does not take that: {error}") from error
        for changed in tuple(self._watchers):
            changed()
        return {"before": before, "state": self.state}

    def _set(
        self,
        *,
        dial: str,
        venue: str | None = None,
        direction: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        values = validate_values(dial, values or {})
        venue, direction = validate_target(venue, direction, self.venues)
        setting = DialSetting(dial=dial, venue=venue, direction=direction, values=values)
        before = [old for old in self.state if old["dial"] == dial]
        self._settings = [old for old in self._settings if not setting.covers(old)] + [setting]
        return before

    def _restore(self, *, dial: str, settings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        back = msgspec.convert(settings, list[DialSetting])
        self._settings = [old for old in self._settings if old.dial != dial] + back
        return []

    def _clear(self) -> list[dict[str, Any]]:
        self._settings = []
        return []


def describe(state: Iterable[Mapping[str, Any]]) -> str:
    """The dials in force in one line: ``"latency 80 ms round trip on all venues"``."""
    return "; ".join(map(_phrase, state)) or "no dial turned"


def _phrase(setting: Mapping[str, Any]) -> str:
    values = {name: f"{value:g}" for name, value in setting["values"].items()}
    whole = setting["direction"] is None
    jitter = values.get("jitter_ms", "0")
    if setting["dial"] == "latency":
        shown = values["rtt_ms"] if whole else f"{setting['values']['rtt_ms'] / 2:g}"
        what = f"latency {shown} ms {'round trip' if whole else 'one way'}"
        what += f" (jitter {jitter} ms)" if jitter != "0" else ""
    else:
        what = {
            "bandwidth": "bandwidth {kib_per_s} KiB/s",
            "timeout": "timeout (everything vanishes)",
            "reset_peer": "reset_peer (connections are reset)",
            "slow_close": "slow_close {ms} ms",
            "slicer": "slicer {size} bytes every {delay_ms} ms",
        }[setting["dial"]].format(**values)
    where = f"on {setting['venue']}" if setting["venue"] else "on all venues"
    return f"{what} {'' if whole else setting['direction'] + ' '}{where}"
