"""The handle's end of the control port: one kept HTTP connection, one JSON command at a time."""

from __future__ import annotations

import http.client
import os
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from vocx.errors import LabError
from vocx.lab.service.config import TOKEN_HEADER, Address
from vocx.lab.service.failure import Failure, from_failure

CALL_S = 10.0
"""Deadline of one call on the control port."""


class ControlClient:
    """The kept connection to a control port. Safe to use from several threads and after a fork."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._host = urlsplit(address.url).netloc
        self._lock = threading.Lock()
        self._connection: http.client.HTTPConnection | None = None
        self._owner = os.getpid()

    def call(self, op: str, arguments: Mapping[str, Any]) -> Any:
        """One command. A connection that the lab has closed meanwhile is opened again once."""
        body = msgspec.json.encode({"op": op, "arguments": arguments})
        if self._owner != os.getpid():
            self._owner, self._lock, self._connection = os.getpid(), threading.Lock(), None
        with self._lock:
            kept = self._connection is not None
            try:
                status, answer = self._exchange(body)
            except (http.client.RemoteDisconnected, ConnectionError):
                self._drop()
                if not kept:
                    raise
                status, answer = self._exchange(body)
        if status == 200:
            return msgspec.json.decode(answer)
        try:
            reason = msgspec.json.decode(answer, type=Failure)
        except msgspec.MsgspecError:
            text = answer.decode(errors="replace").strip()
            raise LabError(f"the control port answered {status}: {text[:200]}") from None
        raise from_failure(reason)

    def _exchange(self, body: bytes) -> tuple[int, bytes]:
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(self._host, timeout=CALL_S)
            headers = {TOKEN_HEADER: self._address.token, "Content-Type": "application/json"}
            self._connection.request("POST", "/", body, headers)
            reply = self._connection.getresponse()
            return reply.status, reply.read()
        except BaseException:
            self._drop()
            raise

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        if self._owner == os.getpid():
            with self._lock:
                self._drop()
