"""What Coinbase lists, and under which names.

The lab's symbols are quoted in USDT; besides them this venue has the same coins in USD, which is
what its users trade (:data:`TRAITS`). A product in USDC is another name of the USD book: its
market data arrive under the USD name, and here it can be looked at but not traded (a choice; the
lab has no USDC).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from vocx.lab.dialects.coinbase.wire import no_product
from vocx.lab.dialects.shared.numbers import Catalogue, Listing, listed_as
from vocx.lab.market.instruments import CrowdTraits
from vocx.lab.ports import Market

_FINE = (Decimal("0.01"), Decimal("0.000001"))
TRAITS = CrowdTraits(
    activity=0.5,
    depth=0.6,
    lag_s=0.08,
    noise=0.00006,
    symbols={f"{base}/USD": f"{base}/USDT" for base in ("BTC", "ETH", "SOL", "XRP")},
    steps={
        "BTC/USDT": _FINE,
        "BTC/USD": _FINE,
        "ETH/USDT": _FINE,
        "ETH/USD": _FINE,
        "SOL/USD": (Decimal("0.01"), Decimal("0.0001")),
        "XRP/USD": (Decimal("0.0001"), Decimal("0.01")),
    },
)
"""Products with increments of their own: finer lots than the lab's. The venue's are 1e-8 of a
coin; here a tick times a lot is a whole unit of 1e-8, so that sums come out exactly (a choice)."""

FIAT = ("USD",)


class Products(Catalogue[Listing]):
    """All products, with the USDC names of those in USD."""

    def __init__(self, markets: Mapping[str, Market]) -> None:
        super().__init__(markets, listed_as("-"), lambda name: no_product())
        self.aliases = {
            name + "C": one for name, one in self.by_name.items() if name.endswith("-USD")
        }

    def named(self, name: str) -> Listing:
        """A product, or the one that its name is an alias of."""
        alias = self.aliases.get(name)
        return super().named(name) if alias is None else alias
