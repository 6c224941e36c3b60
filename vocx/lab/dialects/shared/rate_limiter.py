"""Rate limits: buckets by name and by whom they count, windows, bans.

A :class:`Rule` is one limit of a venue. Whom it counts is the caller's to say: an address, a key's
owner, an owner and an instrument, a connection. A window is aligned to the clock, or slides
(``sliding``: what was used within the last so many seconds). Everybody who talks to the lab is
127.0.0.1, and nobody wants to wait out a ban in a lesson: ``scale`` makes windows and bans that
many times shorter, ``advance`` moves this limiter's clock.

Time is an argument: the exchange's, in nanoseconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import msgspec

from vocx.errors import BadInput
from vocx.lab.dialects.shared.numbers import NS_PER_S
from vocx.lab.settings import LONGEST_S, number, whole

LARGEST_SCALE = 1e6
MOST = 10**9
MOST_GROWTHS = 32
"""Repeats of a ban after which it grows no more."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One limit: ``limit`` of ``name`` in ``window_ns``. ``listed`` puts it among what the
    owner's ``limits`` shows for each address."""

    name: str
    limit: int
    window_ns: int
    sliding: bool = False
    listed: bool = True


class BanRule(msgspec.Struct, kw_only=True):
    """When an address is banned: after more than ``after`` refusals within ``window_ns``, for
    ``length_ns``, ``growth`` times as long at each repeat up to ``longest_ns``."""

    after: int
    length_ns: int
    window_ns: int
    growth: int = 1
    longest_ns: int = 3 * 86_400 * NS_PER_S


class Excess(msgspec.Struct, frozen=True, kw_only=True):
    """What is one too many: of which rule (``None``: the address is banned), and how long until
    it would not be."""

    rule: Rule | None
    limit: int
    wait_ns: int


class Count:
    """Use within the current window of one rule."""

    __slots__ = ("window", "used", "recent")

    def __init__(self) -> None:
        self.window = -1
        self.used = 0
        self.recent: deque[tuple[int, int]] = deque()


class RemotePeer:
    """What one address has been refused, and its bans."""

    def __init__(self) -> None:
        self.refused = Count()
        self.bans = 0
        self.banned_until_ns = 0


class RateLimiter:
    """All use of all limits of one venue.

    Parameters
    ----------
    rules
        The venue's limits, the one that matters most first: :meth:`advance` goes by its window.
    refusal : callable
        Makes the venue's refusal of an :class:`Excess` at a time.
    bans : BanRule or None
        Where refusals lead to.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        refusal: Callable[[Excess, int], Exception],
        bans: BanRule | None = None,
    ) -> None:
        self.rules = {rule.name: rule for rule in rules}
        self.limits = {rule.name: rule.limit for rule in rules}
        self.bans = bans
        self.scale = 1.0
        self.off = False
        self.paused = False
        self.peers: dict[str, RemotePeer] = {}
        self._first = rules[0]
        self._refusal = refusal
        self._counts: dict[Hashable, dict[str, Count]] = {}
        self._ahead_ns = 0
        self._last_ns = -1
        self._standing = False

    # -- counting ------------------------------------------------------------------------------

    def at(self, now_ns: int) -> None:
        """A request or a message has come.

        Where the exchange's clock stands still (a recording that is paused, over or played at
        full speed) there is no minute to count in, so nothing is counted until it moves; nor while
        the limits are paused.
        """
        self._standing = self.paused or now_ns == self._last_ns
        self._last_ns = now_ns

    @property
    def refuses(self) -> bool:
        """Whether anything is refused now: limits may be off, or paused with all use kept."""
        return not self.off and not self.paused

    def limit(self, rule: Rule) -> int:
        """What holds now."""
        return self.limits[rule.name]

    def used(self, rule: Rule, who: Hashable, now_ns: int) -> int:
        """Use within the current window."""
        return self._count(rule, who, now_ns).used

    def add(self, rule: Rule, who: Hashable, amount: int, now_ns: int) -> bool:
        """Count, whatever the limit; whether that is refused now."""
        count = self._count(rule, who, now_ns)
        if not self._standing:
            count.used += amount
            if rule.sliding:
                count.recent.append((self._moved(now_ns), amount))
        return self.refuses and count.used > self.limits[rule.name]

    def full(self, rule: Rule, who: Hashable, now_ns: int, amount: int = 1) -> bool:
        """Whether so much more would exceed the limit."""
        used = self._count(rule, who, now_ns).used
        return self.refuses and used + amount > self.limits[rule.name]

    def give_back(self, rule: Rule, who: Hashable, amount: int, now_ns: int) -> None:
        """Undo a charge."""
        count = self._count(rule, who, now_ns)
        if not self._standing:
            count.used = max(count.used - amount, 0)

    def charge(self, rule: Rule, who: Hashable, amount: int, now_ns: int, address: str) -> None:
        """Count for somebody at an address, or refuse.

        Raises
        ------
        Exception
            The venue's refusal when the window is used up, or while the address is banned.
        """
        over = self.add(rule, who, amount, now_ns)
        self.refuse_banned(address, now_ns)
        if over and not self._standing:
            raise self.refused(rule, address, now_ns, who)

    def forget(self, who: Hashable) -> None:
        """Somebody (a connection) is gone."""
        self._counts.pop(who, None)

    # -- refusing ------------------------------------------------------------------------------

    def refuse_banned(self, address: str, now_ns: int) -> None:
        """Raise the venue's refusal of an address that is banned now."""
        peer = self.peers.get(address)
        if peer is None or not self.refuses or self._standing:
            return
        if self._moved(now_ns) < peer.banned_until_ns:
            raise self._banned(peer, now_ns)

    def refused(
        self, rule: Rule, address: str, now_ns: int, who: Hashable | None = None
    ) -> Exception:
        """The refusal of an address that is over a limit; too many of them end in a ban."""
        bans = self.bans
        if bans is not None:
            peer = self.peers.setdefault(address, RemotePeer())
            window = Rule(name="refused", limit=0, window_ns=bans.window_ns)
            self._roll(peer.refused, window, now_ns)
            peer.refused.used += 1
            if peer.refused.used > bans.after:
                grown = bans.length_ns * bans.growth ** min(peer.bans, MOST_GROWTHS)
                length = min(grown, bans.longest_ns)
                peer.bans += 1
                peer.refused.used = 0
                peer.banned_until_ns = self._moved(now_ns) + int(length / self.scale)
                return self._banned(peer, now_ns)
        return self.too_many(rule, now_ns, address if who is None else who)

    def too_many(self, rule: Rule, now_ns: int, who: Hashable) -> Exception:
        """The refusal of what is one too many, which leads to no ban."""
        wait_ns = self.left_ns(rule, now_ns, who)
        return self._refusal(Excess(rule=rule, limit=self.limit(rule), wait_ns=wait_ns), now_ns)

    def _banned(self, peer: RemotePeer, now_ns: int) -> Exception:
        left_ns = peer.banned_until_ns - self._moved(now_ns)
        return self._refusal(Excess(rule=None, limit=0, wait_ns=left_ns), now_ns)

    def left_ns(self, rule: Rule, now_ns: int, who: Hashable = None) -> int:
        """Until the window is over, or until the oldest use leaves a sliding one."""
        length, moved = self._length(rule), self._moved(now_ns)
        if not rule.sliding:
            return length - moved % length
        recent = self._count(rule, who, now_ns).recent
        return recent[0][0] + length - moved if recent else 0

    def _longest_ns(self, rule: Rule, now_ns: int) -> int:
        """How long what is used now can count at most, whoever used it."""
        return self._length(rule) if rule.sliding else self.left_ns(rule, now_ns)

    # -- the owner -----------------------------------------------------------------------------

    def command(self, arguments: Mapping[str, Any], now_ns: int) -> dict[str, Any]:
        """The owner's ``limits`` command: set what is named, and say what holds now.

        ``scale``, ``off``, ``advance`` (seconds, or ``"window"``: to the next window of the first
        rule, past every ban), ``reset``, ``ban_after``, ``ban_s``, ``ban_growth``, and new limits
        by their names.
        """
        given = {name: self._setting(name, value) for name, value in arguments.items()}
        for name, value in given.items():
            if name in self.rules:
                self.limits[name] = value
            elif name == "scale":
                self.scale = value
                self.reset()
            elif name == "off":
                self._switch(value)
            elif name == "advance":
                self._advance(value, now_ns)
            elif name == "reset" and value:
                self.reset()
            elif self.bans is not None and name == "ban_after":
                self.bans.after = value
            elif self.bans is not None and name == "ban_s":
                self.bans.length_ns = int(value * NS_PER_S)
            elif self.bans is not None and name == "ban_growth":
                self.bans.growth = value
        return self.state(now_ns)

    def _setting(self, name: str, value: Any) -> Any:
        """The value of one setting, looked at before any is set."""
        if name in self.rules or (self.bans is not None and name == "ban_after"):
            return whole(name, value, 1, MOST)
        if name == "scale":
            return number(name, value, 1 / LARGEST_SCALE, LARGEST_SCALE)
        if name == "advance":
            return value if value == "window" else number(name, value, 1e-9, LONGEST_S)
        if name in ("off", "reset", "state"):
            return bool(value)
        if self.bans is not None and name == "ban_s":
            return number(name, value, 1 / NS_PER_S, LONGEST_S)
        if self.bans is not None and name == "ban_growth":
            return whole(name, value, 1, 1000)
        raise BadInput(
            f"limits has no {name!r}; use scale, off, advance, reset, ban_after, ban_s, "
            f"ban_growth, state or one of {', '.join(self.rules)}"
        )

    def state(self, now_ns: int) -> dict[str, Any]:
        """What is in force and what every address has used."""
        addresses = {who for who in self._counts if isinstance(who, str)} | self.peers.keys()
        bans = self.bans
        return {
            "scale": self.scale,
            "off": self.off,
            **(
                {}
                if bans is None
                else {
                    "ban_after": bans.after,
                    "ban_s": bans.length_ns / NS_PER_S,
                    "ban_growth": bans.growth,
                }
            ),
            "limits": [
                {
                    "name": rule.name,
                    "limit": self.limit(rule),
                    "window_s": rule.window_ns / NS_PER_S,
                    "left_s": self._longest_ns(rule, now_ns) / NS_PER_S,
                }
                for rule in self.rules.values()
            ],
            "window_left_s": self.left_ns(self._first, now_ns) / NS_PER_S,
            "peers": {address: self._peer_state(address, now_ns) for address in sorted(addresses)},
        }

    def _peer_state(self, address: str, now_ns: int) -> dict[str, Any]:
        peer = self.peers.get(address, RemotePeer())
        return {
            **{
                rule.name: self.used(rule, address, now_ns)
                for rule in self.rules.values()
                if rule.listed
            },
            "bans": peer.bans,
            "ban_left_s": max(peer.banned_until_ns - self._moved(now_ns), 0) / NS_PER_S,
        }

    def reset(self) -> None:
        """Forget all use and all bans."""
        self._counts.clear()
        self.peers.clear()

    def _switch(self, off: bool) -> None:
        """Limits that come back begin anew: what was used without them is forgotten."""
        if self.off and not off:
            self.reset()
        self.off = off

    def _advance(self, by: Any, now_ns: int) -> None:
        if by == "window":
            bans = (peer.banned_until_ns - self._moved(now_ns) for peer in self.peers.values())
            length = self._length(self._first)
            self._ahead_ns += max(length - self._moved(now_ns) % length, *bans, 0)
        else:
            self._ahead_ns += int(by * NS_PER_S)

    # -- windows -------------------------------------------------------------------------------

    def _count(self, rule: Rule, who: Hashable, now_ns: int) -> Count:
        counts = self._counts.setdefault(who, {})
        count = counts.get(rule.name)
        if count is None:
            count = counts[rule.name] = Count()
        self._roll(count, rule, now_ns)
        return count

    def _roll(self, count: Count, rule: Rule, now_ns: int) -> None:
        """Forget what is outside of the window."""
        length, moved = self._length(rule), self._moved(now_ns)
        if rule.sliding:
            recent = count.recent
            while recent and recent[0][0] <= moved - length:
                count.used = max(count.used - recent.popleft()[1], 0)
            return
        window = moved // length
        if window != count.window:
            count.window, count.used = window, 0

    def _length(self, rule: Rule) -> int:
        return max(int(rule.window_ns / self.scale), 1)

    def _moved(self, now_ns: int) -> int:
        return now_ns + self._ahead_ns
