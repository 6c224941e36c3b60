"""How a signed call leaves: by REST, or as a frame on a kept request/response socket.

Both ways share the gate (one account, one budget) and end in the same facts and errors.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from vocx import errors
from vocx.facts import Fact, Facts
from vocx.rest import Client
from vocx.rest.client import FRESH_NS, redacted
from vocx.timing import ClockOffset, HttpExchange, Phases, wall_ns
from vocx.venues.base import Credentials, Intent, PlaceOrder, Request, Venue

if TYPE_CHECKING:
    from vocx.stream.request_socket import RequestSocket, TimedResponse

Explain = Callable[[errors.TransportError], errors.VocxError]


class Sending:
    """Signed calls of one exchange.

    Parameters
    ----------
    client : Client
        REST, at the address that takes signed calls.
    url : callable
        The address of the request/response socket.
    ca_file : callable
        The authority to verify it against.
    redact : bool
        Hide keys and signatures in what is shown.
    explain : callable
        Turns the death of a lab into its name.
    """

    def __init__(
        self,
        client: Client,
        url: Callable[[], str],
        *,
        ca_file: Callable[[], str | None],
        redact: bool,
        explain: Explain,
        name: str,
    ) -> None:
        self._client = client
        self._venue: Venue = client.venue
        self._url, self._redact, self._explain = url, redact, explain
        self._again = 0
        self._ca_file, self._name = ca_file, name
        self._lock = threading.Lock()
        self._kept: RequestSocket | None = None

    def _request_socket(self) -> RequestSocket:
        """The socket, made when it is first wanted."""
        from vocx.stream.request_socket import RequestSocket

        with self._lock:
            if self._kept is None:
                self._kept = RequestSocket(
                    self._venue,
                    self._url,
                    ca_file=self._ca_file,
                    name=f"{self._name}-asking",
                )
            return self._kept

    @property
    def repeats(self) -> int:
        """How many sendings were repeats, of calls that may be repeated."""
        return self._client.retries + self._again

    def send(
        self, intent: Intent, key: Credentials, via: str, offset: ClockOffset
    ) -> Fact | Facts[Any]:
        """Sign and send; facts or one typed error."""

        def now_ns() -> int:
            return wall_ns() + offset.offset_ns

        if via == "rest":
            return self._client.call_signed(intent, key, now_ns)
        try:
            return self._ask(intent, key, now_ns)
        except (errors.ConnectionLost, errors.ConnectFailed):
            if isinstance(intent, PlaceOrder):
                raise
            self._again += 1
            return self._ask(intent, key, now_ns)

    def _ask(
        self, intent: Intent, key: Credentials, now_ns: Callable[[], int]
    ) -> Fact | Facts[Any]:
        gate, asking = self._client.gate, self._request_socket()
        number = asking.next_id()
        begun_ns = now_ns()
        request = self._venue.envelope(intent, number, begun_ns, key)
        gate.enter(request.weight, request.orders)
        if now_ns() - begun_ns > FRESH_NS:  # a wait for the limit outlives a signature
            request = self._venue.envelope(intent, number, now_ns(), key)
        try:
            answer = asking.request(number, request.body)
            return self._read(request, answer)
        except errors.VocxError as error:
            raise self._known(error, request) from None

    def _read(self, request: Request, answer: TimedResponse) -> Fact | Facts[Any]:
        envelope = answer.envelope
        self._client.gate.learned(self._venue.used(envelope.headers))
        exchange = self._exchange(request, answer)
        try:
            result = self._venue.reply(
                request, envelope.status, envelope.headers, envelope.body, answer.received_ns
            )
        except errors.VocxError as error:
            error.exchange = exchange
            raise
        if isinstance(result, Facts):
            result.exchange = exchange
            return result
        return replace(result, exchange=exchange)

    def _known(self, error: errors.VocxError, request: Request) -> errors.VocxError:
        """The error with its outcome, which only a placement has."""
        if isinstance(error, errors.RateLimited):
            self._client.gate.refused(error)
        if isinstance(error, errors.TransportError):
            better = self._explain(error)
            better.outcome, error = error.outcome, better
        if request.safe_to_retry:
            error.outcome = None
        return error

    def _exchange(self, request: Request, answer: TimedResponse) -> HttpExchange:
        sent, received = answer.sent, answer.received
        if self._redact:
            sent, received = redacted(sent), redacted(received)
        taken_ms = (answer.received_ns - answer.sent_ns) / 1e6
        return HttpExchange(
            method=request.method,
            url=self._url(),
            status=answer.envelope.status,
            request=sent,
            reply=received,
            reply_wire_bytes=len(received),
            phases=Phases(first_byte_ms=taken_ms),
            sent_ns=answer.sent_ns,
            received_ns=answer.received_ns,
        )

    def close(self) -> None:
        """Close the kept connections."""
        if self._kept is not None:
            self._kept.close()
        self._client.close()
