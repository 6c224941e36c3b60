"""The handle's end of the control port: one kept HTTP connection, one JSON command at a time."""

from __future__ import annotations

import http.client
import os
import secrets
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from vocx.arguments import brief, python_value
from vocx.errors import BadInput, LabError
from vocx.lab.service.config import TOKEN_HEADER, Address
from vocx.lab.service.failure import Failure, from_failure

CALL_S = 10.0
"""Deadline of one call on the control port."""


class ControlClient:
    """The kept connection to a control port. Safe to use from several threads.

    It belongs to one process: a fork opens its own, as two that wrote on one would read each
    other's answers.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._host = urlsplit(address.url).netloc
        self._kept: dict[int, _Kept] = {}

    def call(self, op: str, arguments: Mapping[str, Any]) -> Any:
        """One command. A connection that the lab has closed meanwhile is opened again once; the
        lab knows the command by its id, so one whose answer was lost is not carried out twice."""
        message = {"op": op, "arguments": arguments, "id": secrets.token_hex(8)}
        try:
            body = _encode(message)
        except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
            given = ", ".join(f"{name}={brief(one)}" for name, one in arguments.items())
            raise BadInput(f"the lab cannot be told {op!r} with {given}") from None
        mine = self._kept.setdefault(os.getpid(), _Kept())
        with mine.lock:
            was_open = mine.connection is not None
            try:
                status, answer = self._exchange(mine, body)
            except (http.client.RemoteDisconnected, ConnectionError):
                if not was_open:
                    raise
                status, answer = self._exchange(mine, body)
        if status == 200:
            return msgspec.json.decode(answer)
        try:
            reason = msgspec.json.decode(answer, type=Failure)
        except msgspec.MsgspecError:
            text = answer.decode(errors="replace").strip()
            raise LabError(f"the control port answered {status}: {text[:200]}") from None
        raise from_failure(reason)

    def _exchange(self, mine: _Kept, body: bytes) -> tuple[int, bytes]:
        try:
            if mine.connection is None:
                mine.connection = http.client.HTTPConnection(self._host, timeout=CALL_S)
            headers = {TOKEN_HEADER: self._address.token, "Content-Type": "application/json"}
            mine.connection.request("POST", "/", body, headers)
            reply = mine.connection.getresponse()
            return reply.status, reply.read()
        except BaseException:
            mine.drop()
            raise

    def close(self) -> None:
        """Close this process's connection; the next call would open another."""
        mine = self._kept.pop(os.getpid(), None)
        if mine is not None:
            with mine.lock:
                mine.drop()


_encode = msgspec.json.Encoder(enc_hook=python_value, decimal_format="number").encode


class _Kept:
    """One process's connection, with the lock that its threads share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.connection: http.client.HTTPConnection | None = None

    def drop(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None
