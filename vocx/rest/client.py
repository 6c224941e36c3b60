"""The client: one intent in, facts or one typed error out, in the caller's thread."""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

import msgspec
import requests

from vocx import errors
from vocx.facts import Fact, Facts
from vocx.net import Environment, PerProcess, Throttler
from vocx.rate_limits import Sending
from vocx.rest.error_mapping import mapped_errors
from vocx.rest.redaction import LOG_FILTER, redacted
from vocx.rest.transport import CURRENT, MAX_REPLY_BYTES, Adapter, Trace
from vocx.timing import HttpCall, wall_ns
from vocx.venues.base import (
    LISTED,
    Answer,
    Calls,
    Credentials,
    Intent,
    Request,
    check_answer,
)

DEADLINE_S = 10.0
"""One request with all its retries; waits for a rate limit are bounded apart from it."""
RETRIES = 3
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 4.0
MAX_PAGES = 1000
"""An intent that takes more requests than this goes in circles."""

_PASSING = (errors.VenueUnavailable, errors.BadReply, errors.ConnectionLost)


class Client:
    """Blocking REST for one venue. Safe to use from several threads.

    Parameters
    ----------
    venue : Calls
        The adapter that knows the words.
    environment : Environment
        Where the venue is; asked at each call, so that a replaced lab does not strand the client.
    throttler : Throttler or None
        Limits shared with other clients of the same host; ``None`` for one of its own that only
        waits out what the venue refuses.
    timeout : (float, float)
        Seconds to connect, and to wait for the next byte. Never ``None``.
    stopping : threading.Event or None
        Ends the waits of all its calls, which then are those of a program in the background:
        nothing is said of them. :meth:`abort` sets it.
    """

    def __init__(
        self,
        venue: Calls,
        environment: Environment,
        *,
        throttler: Throttler | None = None,
        timeout: tuple[float, float] = (3.05, 10.0),
        stopping: threading.Event | None = None,
        clock: Callable[[], int] = wall_ns,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.venue = venue
        self.environment = environment
        self.throttler = throttler or Throttler(venue.name, clock=clock, sleep=sleep)
        self.timeout = timeout
        self.stopping = stopping
        self.retries = 0
        """How many attempts of this client were repeats."""
        self._session = PerProcess(_new_session)
        self._aborted = threading.Event()
        self._under_way: set[Trace] = set()
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        LOG_FILTER.hide(venue.secrets)

    def call(
        self,
        intent: Intent,
        credentials: Credentials | None = None,
        now_ns: Callable[[], int] | None = None,
        stopping: threading.Event | None = None,
    ) -> Any:
        """Ask, and give the facts with their HTTP call on ``.http``; of an intent that
        takes several requests the joined list, or the last fact.

        ``credentials`` are for what needs a key. ``now_ns`` gives the venue's time: it is asked,
        and the request signed, right before each sending, because a signature lives for seconds
        and a wait for a limit may be longer. ``stopping`` ends every wait of a call that is made
        in the background.

        Raises
        ------
        BadInput
            The intent cannot be sent; nothing was.
        VenueError
            The venue answered with an error.
        TransportError
            No usable answer came back.
        """
        now_ns = now_ns or self._clock
        request: Request | None = self.venue.request(intent, now_ns())
        joined: Facts[Any] | None = None
        result: Fact | Facts[Any] | None = None
        older = False
        for _ in range(MAX_PAGES):
            assert request is not None
            answer = self.send(request, self._signing(request, credentials, now_ns), stopping)
            if isinstance(answer.result, Facts):
                joined = _joined(joined, answer.result, older)
            result, request = joined if joined is not None else answer.result, answer.next
            older = answer.older
            if request is None:
                if joined is not None:  # what leads to the last page may be of another intent
                    joined.kind = joined.kind or LISTED.get(type(intent))
                return result
        raise errors.BadReply(
            f"{self.venue.name} has a next page after {MAX_PAGES:,} of them", venue=self.venue.name
        )

    def _signing(
        self, request: Request, credentials: Credentials | None, now_ns: Callable[[], int]
    ) -> Callable[[Request], Request] | None:
        if not request.signed:
            return None
        if credentials is None:
            raise errors.BadInput(
                "this call is signed and needs a key: the lab has one, elsewhere it comes from "
                f"VOCX_{self.venue.name.upper()}_KEY and VOCX_{self.venue.name.upper()}_SECRET"
            )
        return lambda bare: self.venue.sign(bare, now_ns(), credentials, secrets.token_hex(16))

    def send(
        self,
        request: Request,
        sign: Callable[[Request], Request] | None = None,
        stopping: threading.Event | None = None,
    ) -> Answer:
        """Send a request that a venue built (see :meth:`call`); ``sign`` makes of it what goes
        out, anew for each attempt.

        What only reads is repeated up to three times within ten seconds after a 5xx, an
        unreadable reply or a lost connection, and once after a 429 that can be waited out.
        What could place an order is sent exactly once.
        """
        deadline: int | None = None
        repeats = 0
        waited = stale = False
        stopping = stopping or self.stopping
        while True:
            begun = perf_counter_ns()
            sending = self.throttler.enter(request, stopping)
            passed = perf_counter_ns()
            # Waiting for the limit is not counted: the ten seconds are the exchange's.
            if deadline is None:
                deadline = passed + int(DEADLINE_S * 1e9)
            else:
                deadline += passed - begun
            trace = Trace(
                deadline, self.timeout, self._clock, self.environment.ca_file(), self._aborted
            )
            try:
                try:
                    signed = request if sign is None else sign(request)
                    return self._once(signed, trace, sending)
                finally:
                    self.throttler.leave(sending)
            except errors.VocxError as error:
                mine = self._known(error, request, trace)
                if not request.safe_to_retry:
                    raise mine from None
                if self._can_wait(mine) and not waited:
                    waited = True
                elif isinstance(mine, errors.ConnectionLost) and self._kept(trace) and not stale:
                    stale = True
                elif isinstance(mine, _PASSING) and repeats < RETRIES:
                    if not self._paused(mine, repeats, deadline, stopping):
                        raise mine from None
                    repeats += 1
                else:
                    raise mine from None
                self.retries += 1

    def _can_wait(self, error: errors.VocxError) -> bool:
        """A 429 whose end is near enough; the throttler does the waiting."""
        if not isinstance(error, errors.RateLimited) or isinstance(error, errors.Banned):
            return False
        return (error.retry_after_s or 0.0) * 1.1 <= self.throttler.max_wait_s

    @staticmethod
    def _kept(trace: Trace) -> bool:
        """A kept connection that the server had closed meanwhile: not a failure of the call."""
        return not trace.new and trace.reply_bytes == 0

    def _paused(
        self,
        error: errors.VocxError,
        repeats: int,
        deadline: int,
        stopping: threading.Event | None,
    ) -> bool:
        """Wait before the next attempt; False when the deadline leaves no room for it."""
        longest = min(FIRST_PAUSE_S * 2**repeats, LONGEST_PAUSE_S)
        pause = self._jitter(0.0, longest)
        pause = max(pause, getattr(error, "retry_after_s", None) or 0.0)
        if perf_counter_ns() + int(pause * 1e9) >= deadline:
            return False
        if stopping is not None:
            return not stopping.wait(pause)
        self._sleep(pause)
        return True

    def _known(self, error: errors.VocxError, request: Request, trace: Trace) -> errors.VocxError:
        """The error as the caller should see it: explained, and with the order's outcome."""
        if isinstance(error, errors.RateLimited):
            self.throttler.refused(error, request)
        unknown = isinstance(error, errors.TransportError | errors.VenueUnavailable)
        if isinstance(error, errors.TransportError):
            better = self.environment.explain(error)
            better.outcome, error = error.outcome, better
        if not request.safe_to_retry:
            if error.outcome is None:
                sent = "unknown" if unknown else "refused"
                error.outcome = sent if trace.sent_ns else "not_sent"  # type: ignore[assignment]
            error.client_order_id = error.client_order_id or getattr(
                request.intent, "client_order_id", None
            )
        return error

    def _once(self, request: Request, trace: Trace, sending: Sending) -> Answer:
        """One attempt: bytes out, bytes in, facts or the venue's error."""
        base = self.environment.url(request.purpose)
        prepared = self._prepared(base, request)
        left_s = trace.left_s()
        timeout = (min(self.timeout[0], left_s), min(self.timeout[1], left_s))
        CURRENT.trace = trace
        self._under_way.add(trace)
        try:
            with mapped_errors(base, self.venue.name, trace):
                response = self._session.get().send(
                    prepared, stream=True, allow_redirects=False, timeout=timeout
                )
                body = response.raw.read(MAX_REPLY_BYTES + 1, decode_content=True)
        finally:
            CURRENT.trace = None
            self._under_way.discard(trace)
        http = self._http(request, base, response.status_code, body, trace)
        try:
            return read_answer(
                self.venue,
                self.throttler,
                request,
                (response.status_code, response.headers, body),
                http,
                sending,
            )
        except errors.VocxError as error:
            error.http = http
            raise

    def _prepared(self, base: str, request: Request) -> requests.PreparedRequest:
        """The request as it is, past requests' own quoting: signed bytes must not change."""
        prepared = requests.PreparedRequest()
        prepared.method = request.method
        prepared.url = base.rstrip("/") + request.target
        prepared.headers = requests.structures.CaseInsensitiveDict(
            {"User-Agent": "vocx", "Accept": "application/json", "Accept-Encoding": "gzip"}
        )
        prepared.headers.update(self.environment.headers)
        prepared.headers.update(request.headers)
        if request.body:
            prepared.headers["Content-Length"] = str(len(request.body))
        prepared.body = request.body or None
        prepared.hooks = requests.hooks.default_hooks()
        prepared._cookies = requests.cookies.RequestsCookieJar()  # type: ignore[attr-defined]
        return prepared

    def _http(
        self, request: Request, base: str, status: int, body: bytes, trace: Trace
    ) -> HttpCall:
        emulated = (self.environment.distance_ms() or None) if trace.new else None
        url = base.rstrip("/") + request.target
        sent, reply = trace.request, trace.reply_head() + body
        if self.environment.redact:
            hidden = self.venue.secrets
            url = redacted(url.encode(), hidden).decode()
            sent, reply = redacted(sent, hidden), redacted(reply, hidden)
        return HttpCall(
            method=request.method,
            url=url,
            status=status,
            request=sent,
            reply=reply,
            reply_wire_bytes=trace.reply_bytes,
            phases=trace.phases(emulated),
            sent_ns=trace.sent_ns,
            received_ns=trace.received_ns,
            local_port=trace.local_port,
        )

    def abort(self) -> None:
        """End every call under way, in whatever thread, and let none leave any more.

        A call that had been sent ends in :class:`~vocx.errors.ConnectionLost` (of an order:
        outcome unknown), one that had not in :class:`~vocx.errors.StreamStopped`.
        """
        self._aborted.set()
        if self.stopping is not None:
            self.stopping.set()
        for trace in self._under_way.copy():
            trace.abort()
        self.close()

    def close(self) -> None:
        """Close the connections that are kept open; a later call opens others."""
        session = self._session.take()
        if session is not None:
            session.close()


def _new_session() -> requests.Session:
    """A session whose connections :mod:`vocx.net` opens, with its proxies and authorities."""
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", Adapter())
    session.mount("http://", Adapter())
    return session


def _joined(before: Facts[Any] | None, more: Facts[Any], older: bool) -> Facts[Any]:
    """Pages in the order of their facts; ``older``: the venue pages back in time."""
    if before is None:
        return more
    return Facts([*more, *before] if older else [*before, *more], more.http, more.kind)


def read_answer(
    venue: Calls,
    throttler: Throttler,
    request: Request,
    reply: tuple[int, Any, bytes],
    http: HttpCall,
    sending: Sending,
) -> Answer:
    """What a reply (status, headers, body) says, by REST or by socket: the facts with their
    call. Limits and usage go to the throttler (``sending`` is what it gave when the request
    entered), and an answer to another question is refused.
    """
    status, headers, body = reply
    throttler.correct(venue.parse_usage(request, headers), sending)
    answer = venue.reply(request, status, headers, body, http.received_ns)
    check_answer(venue.name, request.intent, answer)
    throttler.learn(venue.parse_limits(request, body))
    result = answer.result
    if isinstance(result, Facts):
        result.http = http
        result.kind = result.kind or LISTED.get(type(request.intent))
    elif result is not None and "http" in result.__struct_fields__:
        result = msgspec.structs.replace(result, http=http)
    return msgspec.structs.replace(answer, result=result)
