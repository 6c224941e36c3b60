"""One call of OKX's API, and what every call and connection works with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vocx.lab.dialects.okx.account_book import AccountBook
from vocx.lab.dialects.okx.catalogue import coded
from vocx.lab.dialects.okx.dead_man import DeadManSwitch
from vocx.lab.dialects.okx.system_status import SystemStatus
from vocx.lab.dialects.okx.wire import Declined, Refusal, missing, needed, text_of, whole, wrong
from vocx.lab.dialects.shared import calls
from vocx.lab.dialects.shared.accounts import AccountGateway
from vocx.lab.dialects.shared.numbers import NS_PER_MS, Catalogue, Listing
from vocx.lab.dialects.shared.rate_limiter import RateLimiter

KINDS = ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION")


class Backend:
    """What the endpoints of the venue work on.

    Parameters
    ----------
    catalogue, gateway, limiter, status
        The venue's.
    """

    def __init__(
        self,
        catalogue: Catalogue[Listing],
        gateway: AccountGateway,
        limiter: RateLimiter,
        status: SystemStatus,
    ) -> None:
        self.catalogue = catalogue
        self.gateway = gateway
        self.limiter = limiter
        self.status = status
        self.book = AccountBook(catalogue, gateway)
        self.dead_man = DeadManSwitch()


class Call(calls.Call, frozen=True, kw_only=True):
    """A call with its query or body. ``orders`` is the body as a list; ``by_code``: they name
    instruments by number."""

    backend: Backend
    given: Mapping[str, Any]
    orders: tuple[Any, ...] = ()
    listed: bool = False
    by_code: bool = False

    def closed(self) -> Exception:
        """51022."""
        return Declined("51022", "Instrument is suspended: a recording takes no orders.")

    def limit(self, default: int = 100, most: int = 100, name: str = "limit") -> int:
        """How many rows: what is out of bounds is brought within them."""
        found = whole(self.given, name)
        return default if found is None else min(max(found, 1), most)

    def is_spot(self, *, needed: bool) -> bool:
        """``instType``: of other types than spot there is nothing here."""
        kind = text_of(self.given, "instType")
        if needed and not kind:
            raise missing("instType")
        if kind and kind not in KINDS:
            raise wrong("instType")
        return kind in ("", "SPOT")

    def listing(self) -> Listing:
        """The instrument of a call."""
        return self.backend.catalogue.named(needed(self.given, "instId"))

    def listing_of(self, order: Mapping[str, Any]) -> Listing:
        """The instrument of an order: by its name, or over the socket by its number."""
        if not self.by_code:
            return self.backend.catalogue.named(needed(order, "instId"))
        code = text_of(order, "instIdCode")
        if not code:
            raise missing("instIdCode")
        found = coded(self.backend.catalogue, code)
        if found is None:
            raise Refusal("51001")
        return found

    def instrument_of(self, order: Any) -> str:
        """The instrument that an order's limit counts for, whether there is one or not."""
        name = str(order.get("instIdCode" if self.by_code else "instId"))[:40]
        found = coded(self.backend.catalogue, name)
        return name if found is None else found.format.name

    def check_expiry(self, text: Any, action: str) -> None:
        """``expTime``: not for cancels."""
        if not text or "cancel" in action:
            return
        if not re.fullmatch("[0-9]{1,15}", str(text)):
            raise Refusal("51000", "Parameter expTime error")
        if int(str(text)) < self.clock_ns // NS_PER_MS:
            raise Refusal("50036", "expTime can't be earlier than the current system time.")
