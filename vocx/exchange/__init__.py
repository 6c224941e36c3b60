"""One venue in one place: :func:`connect` and the :class:`Exchange` that it gives.

``connect`` says in one line where it is. The same three lines run against the lab (the default:
no account, no network), a venue's testnet, or the real venue's public data. An :class:`Exchange`
holds the lab, not its URLs, so a lab that was replaced does not strand it.
"""

from vocx.exchange.handle import Exchange
from vocx.exchange.opening import connect

__all__ = ["Exchange", "connect"]
