"""How a signed call leaves: by REST, or as a frame on a kept request/response socket.

Both ways share the throttler (one account, one budget) and end in the same facts and errors. The
venue's clock goes into every signature; one that was refused for its time is measured again, and
the call, which the exchange turned down before its engine, goes out once more.
"""

from __future__ import annotations

import secrets
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, get_args

from vocx import errors
from vocx.arguments import brief
from vocx.facts import ServerTime
from vocx.net import PerProcess
from vocx.rate_limits import Sending
from vocx.rest import Client
from vocx.rest.client import read_answer
from vocx.rest.redaction import redacted
from vocx.timing import ClockOffset, HttpCall, Phases, mono_ns, wall_ns
from vocx.venues.base import SENT_ONCE, Credentials, GetTime, Intent, Request, Venue

if TYPE_CHECKING:
    from vocx.exchange.environment import Place
    from vocx.stream.request_socket import RequestSocket, TimedResponse

Via = Literal["rest", "websocket"]
CLOCK_LIFE_NS = 600_000_000_000
"""The clock offset is measured again when it is older than ten minutes."""
CLOCK_SAMPLES = 5
CLOCK_PATIENCE_NS = 500_000_000


def say(line: str) -> None:
    """Tell the person at the keyboard, in the thread that asked."""
    print(line, file=sys.stderr, flush=True)


def check_via(via: str) -> None:
    """Refuse another way than the two."""
    if not isinstance(via, str) or via not in get_args(Via):
        raise errors.BadInput(f'via is {brief(via)}; write "rest" or "websocket"')


class VenueClock:
    """The venue's clock, as far as it is ahead of ours: measured when first wanted, and again
    after ten minutes."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._offset = ClockOffset()
        self._at_ns = 0

    def ask(self) -> ServerTime:
        """The venue's time now; each call also refines the offset."""
        now: ServerTime = self._client.call(GetTime())
        call, stamp = now.http, now.exchange_ns
        if call is not None and stamp is not None:
            # A stamp cut to whole milliseconds is half of one too early on average.
            cut = 0 if stamp % 1_000_000 else 500_000
            # The lab's distance holds a new connection's first bytes for the handshake's round
            # trip: that part is over before the request travels (over TLS it is paid earlier).
            phases = call.phases
            held_ms = (phases.emulated_ms or 0.0) if phases.tls_ms is None else 0.0
            sent_ns = call.sent_ns + int(held_ms * 1e6)
            self._offset.add(sent_ns, stamp + cut, call.received_ns)
        return now

    @property
    def known(self) -> ClockOffset:
        """What was measured so far, nothing perhaps."""
        return self._offset

    @property
    def offset(self) -> ClockOffset:
        """Round-trip midpoint, median of five; measured at first use and after ten minutes."""
        if not self._offset.known or mono_ns() - self._at_ns > CLOCK_LIFE_NS:
            self._measure()
        return self._offset

    def now_ns(self) -> int:
        """The venue's time, as far as it was measured."""
        return wall_ns() + self._offset.offset_ns

    def measure_again(self) -> float:
        """After a refused timestamp; by how many milliseconds it was off."""
        before_ns = self._offset.offset_ns
        self._offset.reset()
        self._measure()
        return (self._offset.offset_ns - before_ns) / 1e6

    def _measure(self) -> None:
        begun = mono_ns()
        charges = self._client.venue.request(GetTime()).charges
        for _ in range(CLOCK_SAMPLES):
            self.ask()
            full = self._client.throttler.wait_s(charges) > 0  # no sample is worth such a wait
            if full or mono_ns() - begun > CLOCK_PATIENCE_NS:
                break
        self._at_ns = mono_ns()


class PrivateCalls:
    """Signed calls of one exchange.

    Parameters
    ----------
    client : Client
        REST, with the throttler and the environment that the socket shares.
    place : VenueEnvironment or LabEnvironment
        Has the key.
    clock : VenueClock
        Its time goes into signatures.
    name : str
        For texts and threads.
    """

    def __init__(self, client: Client, place: Place, clock: VenueClock, name: str) -> None:
        self._client, self._place, self._clock, self._name = client, place, clock, name
        self._venue: Venue = client.venue  # type: ignore[assignment]
        self._again = 0
        self._socket = PerProcess(self._new_socket)

    def _new_socket(self) -> RequestSocket:
        from vocx.stream.account import AccountAccess
        from vocx.stream.request_socket import RequestSocket

        plan = self._venue.order_socket
        assert plan is not None
        access = AccountAccess(
            credentials=self._place.credentials,
            now_ns=self._clock.now_ns,
            measure_clock=self.measure_clock_quietly,
        )
        return RequestSocket(
            self._venue,
            lambda: self._place.url(plan.purpose) + plan.path,
            plan=plan,
            account=access,
            ca_file=self._place.ca_file,
            name=f"{self._place.label(self._name)}-requests",
        )

    def batch_size(self, kind: type[Intent]) -> int:
        """How many orders one call of this kind may have; 1 where the venue has none."""
        return self._venue.batch_sizes.get(kind, 1)

    @property
    def repeats(self) -> int:
        """How many sendings were repeats, of calls that may be repeated."""
        return self._client.retries + self._again

    def call(
        self, intent: Intent, via: Via = "rest", stopping: threading.Event | None = None
    ) -> Any:
        """Sign and send, with the exchange's time; once more after a refused one. ``stopping``
        ends the waits of what is called in the background, and nothing is said then."""
        key = self._place.credentials()
        named = getattr(intent, "client_order_id", None)
        try:
            try:
                _ = self._clock.offset  # measured now, not between signing and sending
                return self._send(intent, key, via, stopping)
            except errors.ClockSkew:
                before_ms = self._clock.measure_again()
                quiet = stopping is not None or self._client.stopping is not None
                tell = (lambda line: None) if quiet else say
                tell(
                    f"{self._name}: the exchange refused our clock and did nothing; it was off by "
                    f"{before_ms:,.0f} ms. Measured again, and asked once more"
                    + (f" under the same id {named}" if named else "")
                )
                return self._send(intent, key, via, stopping)
        except errors.VocxError as error:
            error.client_order_id = error.client_order_id or named
            if isinstance(intent, SENT_ONCE) and error.outcome is None:
                error.outcome = "not_sent"  # whatever was sent has said so
            raise

    def measure_clock_quietly(self) -> None:
        """For a stream whose login was refused for its time; a failure shows at the next one."""
        with suppress(errors.VocxError):
            self._clock.measure_again()

    def _send(
        self, intent: Intent, key: Credentials, via: Via, stopping: threading.Event | None
    ) -> Any:
        if via == "rest":
            return self._client.call(intent, key, self._clock.now_ns, stopping)
        if self._venue.order_socket is None:
            raise errors.BadInput(
                f'{self._venue.name} takes no calls over a WebSocket: leave out via="websocket"'
            )
        try:
            return self._ask(intent, key)
        except (errors.ConnectionLost, errors.ConnectFailed):
            if isinstance(intent, SENT_ONCE):
                raise
            self._again += 1
            return self._ask(intent, key)

    def _ask(self, intent: Intent, key: Credentials) -> Any:
        socket = self._socket.get()
        number = socket.next_id()

        def signed() -> Request:
            nonce = secrets.token_hex(16)
            return self._venue.ws_request(intent, number, self._clock.now_ns(), key, nonce)

        request = signed()
        begun_ns = mono_ns()
        sending = self._client.throttler.enter(request)
        try:
            if mono_ns() - begun_ns > 1_000_000:  # a wait for the limit outlives a signature
                request = signed()
            answer = socket.request(number, request.body)
            return self._read(request, answer, sending)
        except errors.VocxError as error:
            raise self._known(error, request) from None
        finally:
            self._client.throttler.leave(sending)

    def _read(self, request: Request, answer: TimedResponse, sending: Sending) -> Any:
        response = answer.response
        http = self._http(request, answer)
        reply = (response.status, response.headers, response.body)
        try:
            throttler = self._client.throttler
            return read_answer(self._venue, throttler, request, reply, http, sending).result
        except errors.VocxError as error:
            error.http = http
            if isinstance(error, errors.BadReply) and not request.safe_to_retry:
                error.outcome = error.outcome or "unknown"
            raise

    def _known(self, error: errors.VocxError, request: Request) -> errors.VocxError:
        """The error with its outcome, which only what changes an order has."""
        if isinstance(error, errors.RateLimited):
            self._client.throttler.refused(error, request)
        if isinstance(error, errors.TransportError):
            better = self._place.explain(error)
            better.outcome, error = error.outcome, better
        if request.safe_to_retry:
            error.outcome = None
        return error

    def _http(self, request: Request, answer: TimedResponse) -> HttpCall:
        sent, received = answer.sent, answer.received
        if self._place.redact:
            hidden = self._venue.secrets
            sent, received = redacted(sent, hidden), redacted(received, hidden)
        taken_ms = (answer.received_ns - answer.sent_ns) / 1e6
        return HttpCall(
            method=request.method,
            url=self._place.url(request.purpose),
            status=answer.response.status,
            request=sent,
            reply=received,
            reply_wire_bytes=len(received),
            phases=Phases(first_byte_ms=taken_ms),
            sent_ns=answer.sent_ns,
            received_ns=answer.received_ns,
        )

    def abort(self) -> None:
        """End every call under way, and let none leave any more."""
        self._client.abort()
        socket = self._socket.take()
        if socket is not None:
            socket.close()

    def close(self) -> None:
        """Close the kept connections; a later call opens others."""
        socket = self._socket.take()
        if socket is not None:
            socket.close()
        self._client.close()
