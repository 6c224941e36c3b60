"""The ``vocx`` command: opens the lessons; runs an exchange in a box, the comparison, the
doctor, a recorder."""

from vocx.cli.app import app, main

__all__ = ["app", "main"]
