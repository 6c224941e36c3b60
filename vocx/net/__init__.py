"""Reaching a venue's host, once for REST, streams and the doctor.

``connections`` opens them: names, addresses (both families, RFC 8305), proxies, TLS, each timed
and with its own deadline. ``throttler`` says when a host may be asked, ``hosts`` what all handles
have used of it, ``environment`` where a venue is, and ``processes`` keeps what was opened in the
process that opened it.
"""

from vocx.net.connections import (
    TcpConnection,
    address_label,
    connect,
    is_loopback,
    open_tcp,
    open_tls,
    proxy_for,
    resolve,
    tls_context,
    tls_error,
)
from vocx.net.environment import Environment
from vocx.net.hosts import forget_host
from vocx.net.processes import PerProcess, renew_after_fork
from vocx.net.throttler import Throttler

__all__ = [
    "Environment",
    "PerProcess",
    "TcpConnection",
    "Throttler",
    "address_label",
    "connect",
    "forget_host",
    "is_loopback",
    "open_tcp",
    "open_tls",
    "proxy_for",
    "renew_after_fork",
    "resolve",
    "tls_context",
    "tls_error",
]
