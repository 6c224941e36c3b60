"""Where one venue is asked: addresses by purpose, headers, and whose certificate is trusted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vocx.arguments import brief
from vocx.errors import BadInput, TransportError, VocxError
from vocx.rate_limits import AddressStatus


class Environment:
    """Fixed addresses of one venue; the lab's environment looks them up at each use instead.

    Parameters
    ----------
    urls : mapping
        Base URLs by the venue's purposes (``"rest"``, ``"ws"``, ...).
    headers : mapping
        Sent with every request and every upgrade.
    ca_file : path or None
        The only authority to trust; ``None`` for the usual ones.
    redact : bool
        Hide keys and signatures in what is shown.
    """

    def __init__(
        self,
        urls: Mapping[str, str],
        *,
        headers: Mapping[str, str] | None = None,
        ca_file: str | Path | None = None,
        redact: bool = True,
    ) -> None:
        self.headers = dict(headers or {})
        self.redact = redact
        self._urls = dict(urls)
        self._ca_file = None if ca_file is None else str(ca_file)

    def url(self, purpose: str) -> str:
        """The base URL in force for one purpose.

        Raises
        ------
        BadInput
            There is none here.
        """
        try:
            return self._urls[purpose]
        except (KeyError, TypeError):
            raise BadInput(
                f"there is no address for {brief(purpose)} here; there is {', '.join(self._urls)}"
            ) from None

    def counted_at(self) -> str:
        """The base URL of the host that counts what is used of the limits: one for all that ask
        the same server."""
        return self.url("rest")

    def ca_file(self) -> str | None:
        """The authority to verify against; ``None`` for the usual ones."""
        return self._ca_file

    def distance_ms(self) -> float | None:
        """The lab's distance dial in force, as a round trip; labels ``Phases.emulated_ms``."""
        return None

    def explain(self, error: TransportError) -> VocxError:
        """A better error where one is known: a lab that died."""
        return error

    def address_status(self) -> AddressStatus | None:
        """How this address stands with the exchange, where that can be asked."""
        return None
