"""The view of what is signed, and of what is sent beside the signature."""

from __future__ import annotations

from faulty import until

from vocx import course
from vocx.course import signing
from vocx.course.instruments.signature_view import _html
from vocx.lab import Lab


def test_signature_view(lab: Lab) -> None:
    """An edit is signed and tested anew; what is sent beside the signature is refused."""
    view = course.signature(signing.SignatureTester(lab))
    until(lambda: "200 {}" in view.table())
    view._inputs[5].value = "60000.01"
    until(lambda: "price=60000.01&" in view.table() and "digits are new" in view.panel.body)
    view._how.value = "the price with one more zero"
    until(lambda: "-1022" in view.table() and "60000.01<u><b>0</b></u>" in view.panel.body)
    view.close()


def test_signature_view_escapes() -> None:
    """What is typed is shown, never run."""
    lines = dict.fromkeys(("signed", "signature", "sent", "answer"), "<b>")
    assert "<b><b>" not in _html(lines, lines)
