"""The distribution that this package came in: its name, and how to install more of it.

The import name is ``vocx``; on the package index that name belongs to somebody else's
text-to-speech package, so the distribution is called ``vocx-kit``. Until it is published,
everything is installed from what the reader has: a checkout, a wheel, or an address given to pip.
"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

NAME = "vocx-kit"
STRANGER = "vocx"
"""The distribution of that name on the package index is none of ours."""

REPOSITORY = "https://github.com/vocx/vocx"
"""The one place where the address stands; a test holds README, badges and links to it."""


def checkout() -> Path | None:
    """The notebooks of the checkout that vocx runs from, if it does."""
    root = Path(__file__).resolve().parents[1]
    found = root / "notebooks"
    return found if found.is_dir() and (root / "pyproject.toml").is_file() else None


def lessons() -> Path | None:
    """The lessons that came with the package: inside it from a wheel, else the checkout's."""
    inside = Path(__file__).resolve().parent / "lessons"
    return inside if inside.is_dir() else checkout()


def pip_line(extra: str) -> str:
    """What to type to have an optional part, such as ``"notebooks"``."""
    return f"{shlex.quote(sys.executable)} -m pip install {_what(extra)}"


def _what(extra: str) -> str:
    root = Path(__file__).resolve().parents[1]
    if (root / "pyproject.toml").is_file():
        return "-e " + shlex.quote(f"{root}[{extra}]")
    url = _came_from()
    if url is not None:
        return shlex.quote(f"{NAME}[{extra}] @ {url}")
    return shlex.quote(f"{NAME}[{extra}]")


def _came_from() -> str | None:
    """The address that pip installed it from, where it was one (PEP 610)."""
    from importlib import metadata  # which loads more than all else that an error needs

    try:
        text = metadata.distribution(NAME).read_text("direct_url.json")
        url = json.loads(text)["url"] if text else None
    except (metadata.PackageNotFoundError, ValueError, KeyError, TypeError):
        return None
    parts = urlsplit(str(url)) if url else None
    if parts is not None and parts.scheme == "file" and not Path(unquote(parts.path)).exists():
        return None
    return str(url) if url else None


def is_shadowed() -> bool:
    """Whether the stranger's package of the same name is installed beside ours."""
    from importlib import metadata

    return STRANGER in metadata.packages_distributions().get("vocx", ())
