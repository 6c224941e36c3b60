"""What this process has used of a host's limits, and how the host refused it, in one place.

A venue counts by address: whatever this process asks counts together, through whichever handle.
So all throttlers of one venue's host look at one :class:`Host`. A forked child goes on with a copy
of its own, from what was known at the fork.
"""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

from vocx import errors
from vocx.net.processes import renew_after_fork
from vocx.rate_limits import Consumption


class Host:
    """One venue's host. Its ``lock`` is held by whoever looks at it or changes it.

    Attributes
    ----------
    address : Consumption
        What the venue counts by address, from whomever it came.
    ban : Banned or None
        The ban of this address.
    """

    def __init__(self) -> None:
        self.address = Consumption()
        self.ban: errors.Banned | None = None
        self._accounts: dict[str, Consumption] = {}
        self._times = 1.0
        renew_after_fork(self)

    def renew(self) -> None:
        """A lock of this process's own, which waits for no answers to another's calls."""
        self.lock = threading.Lock()
        for one in (self.address, *self._accounts.values()):
            one.expect_no_answers()

    def account(self, key: str) -> Consumption:
        """What the venue counts by account, of the one with this key. Two keys are two accounts:
        whether they are of one the venue alone knows."""
        return self._accounts.setdefault(key, Consumption(self._times))

    def scale(self, times: float) -> None:
        """Let all windows be ``times`` shorter than the venue's table says, of later keys too."""
        self._times = times
        for one in (self.address, *self._accounts.values()):
            one.scale(times)


_hosts: dict[tuple[str, str], Host] = {}


def host_at(venue: str, url: str) -> Host:
    """The host of a venue's base URL, the same one for everybody in this process."""
    key = (venue, _name(url))
    return _hosts.get(key) or _hosts.setdefault(key, Host())


def forget_host(venue: str, url: str) -> None:
    """Another server stands at this address from now on."""
    _hosts.pop((venue, _name(url)), None)


def _name(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
