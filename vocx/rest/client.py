"""The client: one intent in, facts or one typed error out, in the caller's thread."""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any
from urllib.parse import urlsplit

import msgspec
import requests

from vocx import errors
from vocx.facts import Fact, Facts
from vocx.rest.border import translated
from vocx.rest.gate import Gate
from vocx.rest.wire import CURRENT, MAX_REPLY_BYTES, Adapter, Trace
from vocx.timing import HttpExchange, wall_ns
from vocx.venues.base import Credentials, Intent, Request, Venue

DEADLINE_S = 10.0
"""One call with all its retries; waits for a rate limit are bounded apart from it."""
RETRIES = 3
FRESH_NS = 200_000_000
"""A signature older than this is made anew before sending."""
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 4.0

_SECRETS = re.compile(
    rb"(?im)^((?:x-mbx-apikey|authorization|ok-access-[a-z]+|x-bapi-(?:api-key|sign)|cookie"
    rb"|set-cookie): *)[^\r\n]+|\b((?:signature|apiKey|listenKey)=)[^&\s\"]+"
    rb"|(\"(?:signature|apiKey|listenKey)\": *\")[^\"]+"
)


class _Discreet(logging.Filter):
    """urllib3 writes each target into its debug log, and a signed one holds a signature."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                redacted(one.encode()).decode() if isinstance(one, str) else one
                for one in record.args
            )
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_Discreet())
_PASSING = (errors.VenueUnavailable, errors.BadReply, errors.ConnectionLost)


def redacted(data: bytes) -> bytes:
    """The same bytes with keys, signatures and tokens hidden."""
    return _SECRETS.sub(lambda found: (found[1] or found[2] or found[3]) + b"<hidden>", data)


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine by its loopback address."""
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


class Client:
    """Blocking REST for one venue. Safe to use from several threads.

    Parameters
    ----------
    venue : Venue
        The adapter that knows the words.
    base_url : callable
        Gives the base URL at each call, so that a replaced lab does not strand the client.
    session : requests.Session or None
        To share or prepare one; the client closes only its own.
    timeout : (float, float)
        Seconds to connect, and to wait for the next byte. Never ``None``.
    gate : Gate or None
        Limits shared with other clients of the same host (see :class:`~vocx.rest.gate.Gate`).
    budget : Budget or None
        For a gate of its own.
    ca_file : callable or None
        Gives the authority to verify against, ``None`` for the usual ones (a reopened lab has
        a new one).
    redact : bool
        Hide keys and signatures in what :class:`~vocx.timing.HttpExchange` shows.
    distance_ms : callable or None
        The lab's distance dial in force, as a round trip; labels ``Phases.emulated_ms``.
    explain : callable or None
        May turn a transport error into a better one (a lab that died).
    """

    def __init__(
        self,
        venue: Venue,
        base_url: Callable[[], str],
        *,
        session: requests.Session | None = None,
        timeout: tuple[float, float] = (3.05, 10.0),
        gate: Gate | None = None,
        budget: Any = None,
        ca_file: Callable[[], str | None] | None = None,
        redact: bool = True,
        distance_ms: Callable[[], float | None] | None = None,
        explain: Callable[[errors.TransportError], errors.VocxError] | None = None,
        clock: Callable[[], int] = wall_ns,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.venue = venue
        self.gate = gate or Gate(venue.name, budget, clock=clock, sleep=sleep)
        self.timeout = timeout
        self.retries = 0
        """How many attempts of this client were repeats."""
        self._base_url = base_url
        self._own_session = session is None
        self._session = session or requests.Session()
        self._session.mount("https://", Adapter())
        self._session.mount("http://", Adapter())
        self._ca_file = ca_file
        self._redact = redact
        self._distance_ms = distance_ms
        self._explain = explain
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter

    def call(self, intent: Intent) -> Fact | Facts[Any]:
        """Ask, and give the facts with their HTTP exchange on ``.exchange``.

        Raises
        ------
        BadInput
            The intent cannot be sent; nothing was.
        VenueError
            The venue answered with an error.
        TransportError
            No usable answer came back.
        """
        return self.send(self.venue.request(intent, self._clock()))

    def call_signed(
        self, intent: Intent, credentials: Credentials, now_ns: Callable[[], int]
    ) -> Fact | Facts[Any]:
        """Ask what needs a key (see :meth:`call`).

        ``now_ns`` gives the venue's time. It is asked, and the request signed, anew after every
        wait: a signature lives for seconds, and a wait for a limit may be longer.
        """
        return self.send(
            self.venue.request(intent, now_ns(), credentials),
            sign=lambda: self.venue.request(intent, now_ns(), credentials),
        )

    def send(
        self, request: Request, sign: Callable[[], Request] | None = None
    ) -> Fact | Facts[Any]:
        """Send a request that a venue built (see :meth:`call`); ``sign`` builds it anew.

        What only reads is repeated up to three times within ten seconds after a 5xx, an
        unreadable reply or a lost connection, and once after a 429 that can be waited out.
        What could place an order is sent exactly once.
        """
        signed_ns = perf_counter_ns()
        deadline = signed_ns + int(DEADLINE_S * 1e9)
        repeats = 0
        waited = stale = False
        while True:
            self.gate.enter(request.weight, request.orders)
            if waited and repeats == 0:
                deadline = perf_counter_ns() + int(DEADLINE_S * 1e9)
            if sign is not None and perf_counter_ns() - signed_ns > FRESH_NS:
                request, signed_ns = sign(), perf_counter_ns()
            trace = Trace(deadline, self.timeout[1], self._clock)
            try:
                return self._once(request, trace)
            except errors.VocxError as error:
                mine = self._known(error, request, trace)
                if not request.safe_to_retry:
                    raise mine from None
                if self._can_wait(mine) and not waited:
                    waited = True
                elif isinstance(mine, errors.ConnectionLost) and self._kept(trace) and not stale:
                    stale = True
                elif isinstance(mine, _PASSING) and repeats < RETRIES:
                    if not self._paused(mine, repeats, deadline):
                        raise mine from None
                    repeats += 1
                else:
                    raise mine from None
                self.retries += 1

    def _can_wait(self, error: errors.VocxError) -> bool:
        """A 429 whose end is near enough; the gate does the waiting."""
        if not isinstance(error, errors.RateLimited) or isinstance(error, errors.Banned):
            return False
        return (error.retry_after_s or 0.0) * 1.1 <= self.gate.max_wait_s

    @staticmethod
    def _kept(trace: Trace) -> bool:
        """A kept connection that the server had closed meanwhile: not a failure of the call."""
        return not trace.new and trace.reply_bytes == 0

    def _paused(self, error: errors.VocxError, repeats: int, deadline: int) -> bool:
        """Wait before the next attempt; False when the deadline leaves no room for it."""
        longest = min(FIRST_PAUSE_S * 2**repeats, LONGEST_PAUSE_S)
        pause = self._jitter(0.0, longest)
        pause = max(pause, getattr(error, "retry_after_s", None) or 0.0)
        if perf_counter_ns() + int(pause * 1e9) >= deadline:
            return False
        self._sleep(pause)
        return True

    def _known(self, error: errors.VocxError, request: Request, trace: Trace) -> errors.VocxError:
        """The error as the caller should see it: explained, and with the order's outcome."""
        if isinstance(error, errors.RateLimited):
            self.gate.refused(error)
        unknown = isinstance(error, errors.TransportError | errors.VenueUnavailable)
        if isinstance(error, errors.TransportError) and self._explain is not None:
            outcome = error.outcome
            error = self._explain(error)
            error.outcome = outcome
        if not request.safe_to_retry:
            if error.outcome is None:
                sent = "unknown" if unknown else "refused"
                error.outcome = sent if trace.sent_ns else "not_sent"  # type: ignore[assignment]
            error.client_order_id = error.client_order_id or getattr(
                request.intent, "client_order_id", None
            )
        return error

    def _once(self, request: Request, trace: Trace) -> Fact | Facts[Any]:
        """One attempt: bytes out, bytes in, facts or the venue's error."""
        base = self._base_url()
        prepared = self._prepared(base, request)
        CURRENT.trace = trace
        try:
            with translated(base, self.venue.name, trace):
                response = self._session.send(prepared, **self._settings(base, trace))
                body = response.raw.read(MAX_REPLY_BYTES + 1, decode_content=True)
        finally:
            CURRENT.trace = None
        exchange = self._exchange(request, base, response.status_code, body, trace)
        self.gate.learned(self.venue.used(response.headers))
        try:
            result = self.venue.reply(
                request, response.status_code, response.headers, body, trace.received_ns
            )
        except errors.VocxError as error:
            error.exchange = exchange
            raise
        if isinstance(result, Facts):
            result.exchange = exchange
            return result
        return msgspec.structs.replace(result, exchange=exchange)

    def _settings(self, base: str, trace: Trace) -> dict[str, Any]:
        """How to send: bounded in time; proxies and authorities of the environment for real
        venues, never for loopback."""
        left = trace.left_s()
        settings: dict[str, Any] = {}
        self._session.trust_env = not is_loopback(base)
        if self._session.trust_env:
            settings = dict(self._session.merge_environment_settings(base, {}, True, None, None))
        authority = self._ca_file() if self._ca_file is not None else None
        if authority is not None:
            settings["verify"] = authority
        settings.update(
            stream=True,
            allow_redirects=False,
            timeout=(min(self.timeout[0], left), min(self.timeout[1], left)),
        )
        return settings

    @staticmethod
    def _prepared(base: str, request: Request) -> requests.PreparedRequest:
        """The request as it is, past requests' own quoting: signed bytes must not change."""
        prepared = requests.PreparedRequest()
        prepared.method = request.method
        prepared.url = base.rstrip("/") + request.target
        prepared.headers = requests.structures.CaseInsensitiveDict(
            {"User-Agent": "vocx", "Accept": "application/json", "Accept-Encoding": "gzip"}
        )
        prepared.headers.update(request.headers)
        if request.body:
            prepared.headers["Content-Length"] = str(len(request.body))
        prepared.body = request.body or None
        prepared.hooks = requests.hooks.default_hooks()
        prepared._cookies = requests.cookies.RequestsCookieJar()  # type: ignore[attr-defined]
        return prepared

    def _exchange(
        self, request: Request, base: str, status: int, body: bytes, trace: Trace
    ) -> HttpExchange:
        emulated = None
        if trace.new and self._distance_ms is not None:
            emulated = self._distance_ms() or None
        url = base.rstrip("/") + request.target
        sent, reply = trace.request, trace.reply_head() + body
        if self._redact:
            url = redacted(url.encode()).decode()
            sent, reply = redacted(sent), redacted(reply)
        return HttpExchange(
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

    def close(self) -> None:
        """Close the connections that are kept open."""
        if self._own_session:
            self._session.close()
