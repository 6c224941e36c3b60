"""What most venues do alike: the part of an adapter that is the same until a venue differs.

An adapter derives from :class:`Adapter`, brings what is its venue's own and overrides what its
venue does otherwise; mypy names what is missing. Nothing here knows a venue.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import msgspec

from vocx.facts import Trade
from vocx.venues.base import (
    PRIVATE,
    ChannelSpec,
    CloseKind,
    ControlFrame,
    Credentials,
    Intent,
    Limit,
    Request,
    SocketPlan,
    Usage,
    Venue,
    count_missing_trades,
    id_digits,
    standard_close,
)
from vocx.venues.base.checks import check_purposes, refuse_client_order_id

Operation = Literal["subscribe", "unsubscribe"]


class ClientOrderIds(msgspec.Struct, frozen=True):
    """A venue's client order ids: how ours begin, what the whole of any must look like, and that
    rule in words."""

    venue: str
    prefix: str
    pattern: str
    rule: str

    def make(self, number: int) -> str:
        """A number of at most 128 bits, sorted as it."""
        return self.prefix + id_digits(number)

    def check(self, text: object) -> None:
        """Refuse what the venue would not take, with ``BadInput``."""
        if not isinstance(text, str) or not re.fullmatch(self.pattern, text):
            raise refuse_client_order_id(self.venue, text, self.rule)


class Adapter(Venue):
    """An adapter without its venue: pure functions, no state (see :mod:`vocx.venues.base`)."""

    client_order_ids: ClientOrderIds
    batch_sizes: Mapping[type[Intent], int] = {}
    """Orders go one by one."""
    rare: Collection[str] = ("trades",)
    """Public channels that may well say nothing for a minute."""

    # -- what an adapter brings beside the contract --------------------------------------------

    def plans(self, specs: Sequence[ChannelSpec]) -> Sequence[SocketPlan]:
        """Which sockets serve these channels: checked, each once, none that is polled."""
        raise NotImplementedError

    def control_frames(
        self,
        operation: Operation,
        plan: SocketPlan,
        topics: Sequence[str],
        now_ns: int,
        credentials: Credentials | None,
        nonce: str,
    ) -> Sequence[ControlFrame]:
        """What subscribes to these topics, or ends them; ``credentials`` are of this venue."""
        raise NotImplementedError

    # -- calls ---------------------------------------------------------------------------------

    def make_client_order_id(self, number: int) -> str:
        """By :attr:`client_order_ids`."""
        return self.client_order_ids.make(number)

    def validate_client_order_id(self, text: str) -> None:
        """By :attr:`client_order_ids`."""
        self.client_order_ids.check(text)

    def parse_limits(self, request: Request, body: bytes) -> Sequence[Limit]:
        """No body says what the limits are."""
        return ()

    def parse_usage(self, request: Request, headers: Mapping[str, str]) -> Sequence[Usage]:
        """No header tells what is used."""
        return ()

    def ws_logon(
        self, number: int, now_ns: int, credentials: Credentials, nonce: str
    ) -> Request | None:
        """None: the connection is logged in before any call, or there is no such socket."""
        return None

    # -- sockets -------------------------------------------------------------------------------

    def poll_intent(self, spec: ChannelSpec) -> Intent | None:
        """Everything is streamed."""
        return None

    def plan_sockets(self, specs: Sequence[ChannelSpec]) -> Sequence[SocketPlan]:
        """By :meth:`plans`, of what is not polled."""
        checked = dict.fromkeys(self.validate_channel(one) for one in specs)
        return self.plans([one for one in checked if self.poll_intent(one) is None])

    def wire_topic(self, topic: str) -> str:
        """Every topic is one on the wire."""
        return topic

    def login_frame(
        self, plan: SocketPlan, now_ns: int, credentials: Credentials, nonce: str
    ) -> ControlFrame | None:
        """There is no login: what is private is signed where it is subscribed to."""
        return None

    def subscribe_frames(
        self,
        plan: SocketPlan,
        topics: Sequence[str],
        now_ns: int,
        credentials: Credentials | None,
        nonce: str,
    ) -> Sequence[ControlFrame]:
        """By :meth:`control_frames`."""
        return self.control_frames("subscribe", plan, topics, now_ns, credentials, nonce)

    def unsubscribe_frames(
        self,
        plan: SocketPlan,
        topics: Sequence[str],
        now_ns: int,
        credentials: Credentials | None,
        nonce: str,
    ) -> Sequence[ControlFrame]:
        """The same the other way."""
        return self.control_frames("unsubscribe", plan, topics, now_ns, credentials, nonce)

    def classify_close(self, code: int, reason: str) -> CloseKind:
        """The standard codes: the venue documents none of its own."""
        return standard_close(code, reason)

    def stale_after_s(self, spec: ChannelSpec) -> float:
        """A minute for what is :attr:`rare`, 15 s for other market data. An account in which
        nothing happens is silent for ever: there the answer to a ping is all the proof."""
        if spec.channel in PRIVATE:
            return math.inf
        return 60.0 if spec.channel in self.rare else 15.0

    def check_trade(self, last: int | str, trade: Trade) -> int:
        """Ids of a symbol are consecutive."""
        return count_missing_trades(last, trade)


def derive_sockets(
    venue: str, given: Mapping[str, str], root: str, sockets: Mapping[str, str]
) -> dict[str, str]:
    """The URLs given by purpose, and from ``ws`` those of all sockets that stand below one root.

    Parameters
    ----------
    root : str
        What stands between host and path (``"/v5"``); ``ws`` may have it or not.
    sockets : mapping
        Purpose to path.
    """
    check_purposes(venue, given, ("rest", "ws", *sockets))
    urls = {name: url.rstrip("/") for name, url in given.items()}
    base = urls.pop("ws", None)
    if base is not None:
        for purpose, path in sockets.items():
            urls.setdefault(purpose, f"{base.removesuffix(root)}{root}/{path}")
    return urls
