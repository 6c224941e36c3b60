"""``python -m vocx`` is the ``vocx`` command."""

from vocx.cli import main

main()
