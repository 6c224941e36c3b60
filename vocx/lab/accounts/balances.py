"""Who has how much: balances, holds and fees, conserved to the last digit.

Rules, in one place:

* Every amount is a whole number of its asset's unit, 1e-8 as on the wire (finer only where a
  lot is). What a match is worth and its fee are rounded down to it, the former for both sides
  alike: what one pays is what the other gets.
* A resting buy holds price x quantity of the quote asset, and its fee where that is taken in
  quote; a resting sell holds its quantity of the base asset (:mod:`vocx.lab.accounts.fees`).
* A buy that matches below its price gets the difference back at once.
* Whoever is not an account (the crowd) is the *outside*: what accounts pay it and get from it is
  counted, so accounts + fees + outside stay the same for each asset whatever is traded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from vocx.arguments import brief, digits
from vocx.errors import BadInput
from vocx.lab.accounts.fees import FeeSchedule
from vocx.lab.events import InstrumentSpec, Side, Traded

DIGITS = 8
"""Decimals that venues show of an amount."""
MOST = 10**12
"""Bound of a starting balance, in whole coins."""


class UnitScale(msgspec.Struct, frozen=True):
    """What one market's integers are worth.

    ``lot`` is units of the base asset in a lot; ``step`` the quote asset in a tick x lot, and
    ``value / per`` the same in units.
    """

    symbol: str
    base: str
    quote: str
    lot: int
    step: Decimal
    value: int
    per: int

    def worth(self, cost: int) -> int:
        """Units of the quote asset for ticks x lots."""
        return cost * self.value // self.per


class AssetBalance(msgspec.Struct):
    """One account's units of one asset."""

    free: int = 0
    locked: int = 0


class BalanceLedger:
    """The balances of all accounts over the assets of some markets.

    Attributes
    ----------
    scales : dict
        :class:`UnitScale` by symbol.
    fees, outside : dict
        Units by asset: taken so far; what those without an account gained (or lost).
    schedules : dict
        :class:`FeeSchedule` by owner.
    """

    def __init__(self, specs: Iterable[InstrumentSpec]) -> None:
        specs = tuple(specs)
        self.digits: dict[str, int] = {}
        for spec in specs:
            digits = max(self.digits.get(spec.base, DIGITS), _decimals(spec.lot))
            self.digits[spec.base] = digits
            self.digits.setdefault(spec.quote, DIGITS)
        self.scales = {spec.symbol: self._scale(spec) for spec in specs}
        self.fees = dict.fromkeys(self.digits, 0)
        self.outside = dict.fromkeys(self.digits, 0)
        self.schedules: dict[str, FeeSchedule] = {}
        self._units = {asset: Decimal(1).scaleb(-digits) for asset, digits in self.digits.items()}
        self._balances: dict[str, dict[str, AssetBalance]] = {}

    def open(self, owner: str, balances: Mapping[str, Decimal], fees: FeeSchedule) -> None:
        """Give a new owner these free balances, and none of the other assets.

        Raises
        ------
        BadInput
            For an owner that has an account, an unknown asset, an amount that is negative, too
            large or too fine.
        """
        if owner in self._balances:
            raise BadInput(f"{owner!r} has an account already; choose another name")
        account = {asset: AssetBalance() for asset in self.digits}
        for asset, amount in balances.items():
            if asset not in account:
                raise BadInput(f"the lab has no {asset!r}; it has {', '.join(account)}")
            if not (isinstance(amount, Decimal) and amount.is_finite() and 0 <= amount <= MOST):
                raise BadInput(f"{asset} is {brief(amount)}; write a Decimal from 0 to {MOST}")
            units = amount.scaleb(self.digits[asset])
            if units != int(units):
                fit = f"{self.digits[asset]} decimals fit"
                raise BadInput(f"{digits(amount)} {asset} is too fine; {fit}")
            account[asset].free = int(units)
        self._balances[owner] = account
        self.schedules[owner] = fees

    def balances(self, owner: str) -> dict[str, tuple[Decimal, Decimal]]:
        """(free, locked) by asset, all assets."""
        return {asset: self.balance(owner, asset) for asset in self.digits}

    def balance(self, owner: str, asset: str) -> tuple[Decimal, Decimal]:
        """(free, locked) of one asset."""
        balance, unit = self._balances[owner][asset], self._units[asset]
        return balance.free * unit, balance.locked * unit

    def amount(self, asset: str, units: int) -> Decimal:
        """Units as a decimal amount."""
        return units * self._units[asset]

    def total(self, asset: str) -> Decimal:
        """Accounts + fees + outside: what trading never changes."""
        held = sum(one[asset].free + one[asset].locked for one in self._balances.values())
        return self.amount(asset, held + self.fees[asset] + self.outside[asset])

    def needed(
        self, owner: str, scale: UnitScale, side: Side, cost: int, lots: int
    ) -> tuple[str, int]:
        """(asset, units) that an order of ``lots`` at a cost of ticks x lots has to have."""
        if side == "sell":
            return scale.base, lots * scale.lot
        worth = scale.worth(cost)
        return scale.quote, worth + self.schedules[owner].reserve(worth)

    def can_pay(self, owner: str, asset: str, units: int) -> bool:
        """Whether so much is free."""
        return units <= self._balances[owner][asset].free

    def hold(self, owner: str, asset: str, units: int) -> None:
        """Lock free units; a negative number releases them."""
        balance = self._balances[owner][asset]
        balance.free -= units
        balance.locked += units

    def settle(
        self, owner: str, scale: UnitScale, side: Side, trade: Traded, held: int, maker: bool
    ) -> tuple[str, int]:
        """Book one side of a match; (asset, units) of the fee.

        ``held`` units were locked for it, of which the rest is free again; 0 for a market order,
        which pays what is free.
        """
        account, schedule = self._balances[owner], self.schedules[owner]
        base, value = trade.quantity * scale.lot, scale.worth(trade.price * trade.quantity)
        if side == "buy":
            payer, paid, receiver, got = scale.quote, value, scale.base, base
        else:
            payer, paid, receiver, got = scale.base, base, scale.quote, value
        asset = scale.quote if schedule.in_quote else receiver
        fee = schedule.fee(value if schedule.in_quote else got, maker)
        account[payer].locked -= held
        account[payer].free += held - paid
        account[receiver].free += got
        account[asset].free -= fee
        self.fees[asset] += fee
        return asset, fee

    def settle_outside(self, scale: UnitScale, side: Side, trade: Traded) -> None:
        """Book one side of a match for somebody without an account: no fee."""
        sign = 1 if side == "buy" else -1
        self.outside[scale.base] += sign * trade.quantity * scale.lot
        self.outside[scale.quote] -= sign * scale.worth(trade.price * trade.quantity)

    def _scale(self, spec: InstrumentSpec) -> UnitScale:
        step = spec.tick * spec.lot
        value, per = step.scaleb(self.digits[spec.quote]).as_integer_ratio()
        lot = int(spec.lot.scaleb(self.digits[spec.base]))
        return UnitScale(spec.symbol, spec.base, spec.quote, lot, step, value, per)


def _decimals(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(-exponent, 0)
