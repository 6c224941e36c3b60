"""Every error that vocx raises on purpose, one tree.

::

    VocxError
    ├── BadInput                 you asked for something that cannot be sent; nothing was sent
    │   ├── FloatRefused         a price or quantity came as a float
    │   ├── UnknownVenue  UnknownSymbol  UnknownChannel  UnknownInterval
    │   └── NotAllowed           refused for your safety: real orders, keys on a public host
    ├── NotReady                 nothing is wrong yet, but what you asked for is not known
    │   ├── WaitTimeout          no data within your deadline
    │   ├── BookOutOfSync        the local book is being rebuilt; showing it would be a lie
    │   └── StreamStopped        the stream was stopped, or died for a reason it names
    ├── VenueError               the venue answered, and the answer is an error
    │   ├── Refused              your request was understood and turned down
    │   │   ├── SubscribeRefused  ClockSkew  BadSignature  BadKey  OrderNotFound
    │   │   └── OrderRefused     a filter, the balance or the engine turned it down
    │   │       └── DuplicateOrder   the venue has an order of this client order id
    │   ├── RateLimited          429: wait ``retry_after_s``
    │   │   └── Banned           418: stop until ``until_ns``
    │   ├── RegionBlocked        451 or a regional 403: this place may not use the venue
    │   └── VenueUnavailable     5xx: down or overloaded
    │       └── Maintenance      the venue says that it is closed for a while
    ├── TransportError           no usable answer came back
    │   ├── DnsError  ConnectFailed  TlsError  TimedOut  ConnectionLost
    │   └── BadReply             an answer that cannot be read: truncated, not JSON, too large
    ├── MissingPart              an optional package is not installed; the text is the pip line
    ├── RecordingError           a recording is missing, corrupt or of another kind
    ├── JournalError             a journal of orders is in use, another account's, or damaged
    └── LabError                 the exchange in a box
        ├── LabDied              it ended under you; the text says how to reopen
        └── LabConflict          one is open already, or the port is taken

Errors carry data, not only text. ``outcome`` says what became of an *order* and is one of

``"accepted"``  the venue has it,
``"refused"``   the venue turned it down: safe to send a corrected one,
``"not_sent"``  it never left this machine: safe to send again,
``"unknown"``   it left, and no answer came: ask by client order id before doing anything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from vocx.distribution import pip_line

if TYPE_CHECKING:
    from vocx.timing import HttpCall

Outcome = Literal["accepted", "refused", "not_sent", "unknown"]

OPTIONAL = ("anywidget", "IPython", "ipywidgets", "pandas", "plotly", "websockets")
"""Packages of the part ``notebooks`` that are imported where they are used."""
LONGEST = 1_500
"""Characters of an error's text."""


class VocxError(Exception):
    """Root of the tree.

    Attributes
    ----------
    venue : str or None
        ``"binance"``, ... where one venue is concerned.
    outcome : Outcome or None
        What became of the order this error is about; ``None`` when there was no order.
    client_order_id : str or None
        The id made before sending, so that an unknown order can be asked for.
    http : HttpCall or None
        The bytes and times of the call that met this error, where a reply was read.
    """

    http: HttpCall | None = None

    def __init__(
        self,
        message: str,
        *,
        venue: str | None = None,
        outcome: Outcome | None = None,
        client_order_id: str | None = None,
    ) -> None:
        if len(message) > LONGEST:  # it quotes what somebody else wrote
            message = message[: LONGEST - 3] + "..."
        super().__init__(message)
        self.venue = venue
        self.outcome = outcome
        self.client_order_id = client_order_id


class BadInput(VocxError, ValueError):
    """What you wrote cannot be sent. The text says what to write instead; nothing was sent."""


class FloatRefused(BadInput, TypeError):
    """A float was given for a price or a quantity. Write the number as text: ``"0.1"``."""


class UnknownVenue(BadInput):
    """No such venue."""


class UnknownSymbol(BadInput):
    """No such symbol on this venue, or not in the form ``"BTC/USDT"``."""


class UnknownChannel(BadInput):
    """No such stream channel, or an option it does not have."""


class UnknownInterval(BadInput):
    """No such candle interval on this venue."""


class NotAllowed(BadInput):
    """Refused for your safety before anything was sent."""


class NotReady(VocxError):
    """What you asked for is not known yet."""


class WaitTimeout(NotReady, TimeoutError):
    """Nothing arrived within the deadline you gave."""


class BookOutOfSync(NotReady):
    """The local book is not a true copy now; it is rebuilding itself.

    Attributes
    ----------
    reason : str
        Why: ``"no snapshot yet"``, ``"gap: expected 1004, got 1006"``, ...
    """

    def __init__(self, message: str, *, reason: str = "", venue: str | None = None) -> None:
        super().__init__(message, venue=venue)
        self.reason = reason


class StreamStopped(NotReady):
    """The stream does not run: it was stopped, or it met something that retrying cannot cure."""


class VenueError(VocxError):
    """The venue answered with an error.

    Attributes
    ----------
    code : int or str or None
        The venue's own code (Binance: a negative integer).
    http_status : int or None
        Status of the HTTP reply or of the refused upgrade.
    text : str
        The venue's own words.
    retry_after_s : float or None
        Seconds to wait, when the venue said so.
    """

    def __init__(
        self,
        message: str,
        *,
        venue: str | None = None,
        code: int | str | None = None,
        http_status: int | None = None,
        text: str = "",
        retry_after_s: float | None = None,
        outcome: Outcome | None = None,
        client_order_id: str | None = None,
    ) -> None:
        super().__init__(message, venue=venue, outcome=outcome, client_order_id=client_order_id)
        self.code = code
        self.http_status = http_status
        self.text = text
        self.retry_after_s = retry_after_s


class Refused(VenueError):
    """The venue understood the request and turned it down. Sending it again will not help."""


class SubscribeRefused(Refused):
    """The venue refused a subscription."""


class ClockSkew(Refused):
    """The request's timestamp is outside the venue's window: this machine's clock is off."""


class BadSignature(Refused):
    """The signature does not match the bytes that arrived."""


class BadKey(Refused):
    """The API key is missing, malformed, unknown or lacks a permission."""


class OrderRefused(Refused):
    """The order was turned down by a filter, the balance or the matching engine."""


class DuplicateOrder(OrderRefused):
    """The venue has an order of this client order id: yours, when its answer was lost. Ask for
    it before sending anything again."""


class OrderNotFound(Refused):
    """No such order (any more)."""


class RateLimited(VenueError):
    """429: the budget is used up. Wait ``retry_after_s``; going on leads to a ban."""


class Banned(RateLimited):
    """418: this address is banned. Every call fails fast until ``until_ns``.

    Attributes
    ----------
    until_ns : int or None
        End of the ban, nanoseconds since the epoch.
    """

    until_ns: int | None = None


class RegionBlocked(VenueError):
    """The venue does not serve this place (451). The lab and the public-data hosts still work."""


class VenueUnavailable(VenueError):
    """5xx: down or overloaded. For an order the outcome is unknown."""


class Maintenance(VenueUnavailable):
    """The venue says that it is closed for a while: ``ex.status()`` tells until when."""


class TransportError(VocxError):
    """No usable answer came back.

    A retry is safe for anything that only reads. For an order, look at ``outcome``.
    """


class DnsError(TransportError):
    """The host's name could not be resolved. Nothing was sent."""


class ConnectFailed(TransportError):
    """No connection: refused, unreachable or a port that is blocked here. Nothing was sent."""


class TlsError(TransportError):
    """The certificate could not be verified, or TLS not be agreed. Nothing was sent; vocx never
    goes on unverified."""


class TimedOut(TransportError, TimeoutError):
    """The deadline passed before the answer was complete."""


class ConnectionLost(TransportError):
    """The connection ended before the answer was complete."""


class BadReply(TransportError):
    """An answer came, but it cannot be read: truncated, not JSON, of another shape, too large."""


class MissingPart(VocxError, ImportError):
    """Something needs an optional package, such as pandas, that is not installed.

    Attributes
    ----------
    name : str
        The package.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"this needs {name}, which is not installed: {pip_line('notebooks')}")
        self.name = name

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.name,), vars(self)


@contextmanager
def optional_parts() -> Iterator[None]:
    """Around imports of what only notebooks need: one that is missing says how to install it.

    Raises
    ------
    MissingPart
        In place of ``ModuleNotFoundError``.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in OPTIONAL:
            raise
        raise MissingPart(name) from None


class RecordingError(VocxError):
    """A recording is missing, corrupt or of another kind.

    Attributes
    ----------
    line : int or None
        1-based number of the first bad line.
    """

    def __init__(self, message: str, *, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class JournalError(VocxError):
    """A journal of orders is in use by another process, belongs to another account, cannot be
    written, or is damaged. Nothing was sent on its account."""


class LabError(VocxError):
    """The exchange in a box could not do what was asked."""


class LabDied(LabError):
    """The lab's process is gone. The text says how to open a new one."""


class LabConflict(LabError):
    """A lab with other arguments is open, or the port is taken."""
