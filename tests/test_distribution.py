"""The distribution's name, what texts tell to install, and the one address of the repository."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import vocx
from vocx import distribution

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TEXTS = [ROOT / "README.md", ROOT / "pyproject.toml", *sorted(ROOT.glob("notebooks/*.ipynb"))]


def test_the_name_is_one_that_is_free() -> None:
    """``vocx`` on the index is somebody else's."""
    assert PROJECT["name"] == distribution.NAME != distribution.STRANGER
    assert PROJECT["version"] == vocx.__version__


def test_nothing_tells_to_install_the_strangers_package() -> None:
    """No text, message or file of ours says ``pip install vocx``."""
    files = [*TEXTS, *(ROOT / "vocx").rglob("*.py"), *(ROOT / "binder").iterdir()]
    for file in files:
        found = re.findall(r"install[^\n]*?[ '\"]vocx(?:\[|['\" \n])", file.read_text("utf-8"))
        assert not found, f"{file}: {found}"


def test_an_extra_is_installed_from_what_the_reader_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the checkout that it runs from; elsewhere from where pip had it, or by its name."""
    assert distribution.pip_line("notebooks").endswith(f"-e {ROOT}'[notebooks]'") or (
        f"{ROOT}[notebooks]" in distribution.pip_line("notebooks")
    )
    monkeypatch.setattr(distribution, "__file__", "/nowhere/site-packages/vocx/distribution.py")
    monkeypatch.setattr(distribution, "_came_from", lambda: "https://example.org/vocx.whl")
    assert "'vocx-kit[notebooks] @ https://example.org/vocx.whl'" in distribution.pip_line(
        "notebooks"
    )
    monkeypatch.setattr(distribution, "_came_from", lambda: None)
    assert distribution.pip_line("notebooks").endswith("install 'vocx-kit[notebooks]'")


def test_a_strangers_package_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the distributions that bring a package of our name."""
    for names, shadowed in ((["vocx-kit"], False), (["vocx-kit", "vocx"], True), ([], False)):
        monkeypatch.setattr(metadata, "packages_distributions", lambda n=names: {"vocx": n})
        assert distribution.is_shadowed() is shadowed


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.name)
def test_every_link_is_to_the_one_address(file: Path) -> None:
    """Badges, launch links and project links belong to the repository that is named once."""
    where = urlsplit(distribution.REPOSITORY).path
    text = file.read_text(encoding="utf-8")
    for path in re.findall(r"(?:mybinder\.org/v2/gh|github\.com)(/[\w.-]+/[\w.-]+)", text):
        if path.startswith("/" + where.split("/")[1]):
            assert path.removesuffix(".git") == where
    launched = re.findall(r"mybinder\.org/v2/gh(/[\w.-]+/[\w.-]+)/", text)
    assert set(launched) <= {where}
