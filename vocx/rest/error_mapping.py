"""What requests, urllib3 and the sockets raise becomes one typed error of ours.

Two questions decide, in this order:

1. *Had anything been sent?* No: :mod:`vocx.net` has named what failed while opening; an order is
   ``not_sent``.
2. Yes: *was there an answer?* Too late (:class:`~vocx.errors.TimedOut`), cut off
   (:class:`~vocx.errors.ConnectionLost`) or not HTTP (:class:`~vocx.errors.BadReply`); an order
   is ``unknown``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from urllib.parse import urlsplit

import requests
import urllib3

from vocx import errors, net
from vocx.rest.transport import ReplyTooLarge, Trace

FOREIGN = (
    errors.TransportError,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    HTTPException,
    OSError,
    ReplyTooLarge,
)


@contextmanager
def mapped_errors(url: str, venue: str, trace: Trace) -> Iterator[None]:
    """Nothing foreign leaves this block."""
    try:
        yield
    except FOREIGN as error:
        raise translate(error, url, venue, trace) from None


def translate(error: BaseException, url: str, venue: str, trace: Trace) -> errors.VocxError:
    """The typed error for a foreign one."""
    causes = list(_causes(error))
    ours = next((one for one in causes if isinstance(one, errors.VocxError)), None)
    if ours is not None:  # vocx.net has named it, and urllib3 wrapped it up
        ours.venue = venue
        return ours
    if trace.sent_ns == 0:
        return errors.ConnectFailed(
            f"no connection to {net.address_label(url)}: {_deepest(causes)}", venue=venue
        )
    return _no_answer(causes, url, venue, trace)


def _no_answer(
    causes: list[BaseException], url: str, venue: str, trace: Trace
) -> errors.TransportError:
    host = urlsplit(url).netloc
    got = f"{trace.reply_bytes:,} bytes of the reply" if trace.reply_bytes else "no reply"
    if _any(causes, ReplyTooLarge):
        return errors.BadReply(f"{host}: {_deepest(causes)}; ask for less", venue=venue)
    if _timed_out(causes):
        return errors.TimedOut(
            f"{host} did not complete its answer in time ({got} until then)", venue=venue
        )
    if _any(causes, urllib3.exceptions.DecodeError):
        return errors.BadReply(f"{host} sent a body that cannot be unpacked", venue=venue)
    garbled = _any(causes, HTTPException) and not _any(causes, RemoteDisconnected, IncompleteRead)
    if garbled and not _any(causes, urllib3.exceptions.IncompleteRead):
        return errors.BadReply(f"{host} did not answer in HTTP: {_deepest(causes)}", venue=venue)
    return errors.ConnectionLost(
        f"{host} ended the connection before the answer was complete ({got})", venue=venue
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything inside it: causes, contexts, reasons and wrapped arguments."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]


def _any(causes: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(one, kinds) for one in causes)


def _timed_out(causes: list[BaseException]) -> bool:
    # urllib3 derives NewConnectionError, a refusal, from its time-outs: they prove nothing.
    return _any(causes, TimeoutError, requests.Timeout, urllib3.exceptions.ReadTimeoutError)


def _deepest(causes: list[BaseException]) -> str:
    """The words of the innermost error, which are the plainest."""
    os_errors = [one for one in causes if isinstance(one, OSError) and one.strerror]
    if os_errors:
        return str(os_errors[-1].strerror)
    return str(causes[-1]) or type(causes[-1]).__name__
