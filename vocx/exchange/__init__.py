"""One venue in one place: :func:`connect` and the :class:`Exchange` that it gives.

``connect`` says in one line where it is. The same three lines run against the lab (the default:
no account, no network), a venue's testnet, the real venue's public data, or any server that
speaks the venue's dialect. ``environment`` is the place, ``private_calls`` signs, ``trading``
knows what becomes of an order, ``order_checks`` what may be sent, ``streaming`` what a stream
needs.
"""

from vocx.exchange.connect import connect
from vocx.exchange.exchange import Exchange

__all__ = ["Exchange", "connect"]
