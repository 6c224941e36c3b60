"""One call of a venue's API, whichever surface it came over: when it came, and whose it is."""

from __future__ import annotations

import msgspec

from vocx.lab.accounts.accounts import Accounts
from vocx.lab.dialects.shared.accounts import AccountGateway
from vocx.lab.dialects.shared.keys import Key


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What all venues' calls have in common; a dialect adds what was sent, and answers
    :meth:`closed`. ``key`` is that of a signed call."""

    gateway: AccountGateway
    now_ns: int
    key: Key | None = None

    @property
    def owner(self) -> str:
        """Whose call it is; signed calls only."""
        assert self.key is not None, "a signed call"
        return self.key.owner

    @property
    def clock_ns(self) -> int:
        """The exchange's clock as it is set: that of answers and of what is kept of an account."""
        return self.now_ns + self.gateway.skew_ns

    @property
    def records(self) -> Accounts:
        """Orders, fills and balances to be read; in a recording there are none."""
        return self.gateway.records

    @property
    def accounts(self) -> Accounts:
        """Who may trade; a recording takes no orders."""
        if self.gateway.accounts is None:
            raise self.closed()
        return self.gateway.accounts

    def closed(self) -> Exception:
        """The venue's refusal of an order in a recording."""
        raise NotImplementedError
