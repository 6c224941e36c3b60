"""Binder: the environment holds what the package asks for, and it builds without docker."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[1]
BINDER = ROOT / "binder"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# What the base image brings that a learner's session touches (repo2docker's own lock file
# names the versions).
BASE_IMAGE = (
    "ipykernel ipywidgets jupyterlab jupyter_server notebook tornado pyzmq traitlets comm "
    "jupyter-resource-usage"
).split()


def pins() -> dict[str, str]:
    lines = (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def wanted() -> dict[str, Requirement]:
    texts = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["notebooks"]
    return {Requirement(text).name: Requirement(text) for text in texts}


def test_pins_are_what_the_package_asks_for() -> None:
    """Exactly the core and the notebook packages, each within pyproject's bounds."""
    assert pins().keys() == wanted().keys()
    for name, requirement in wanted().items():
        assert requirement.specifier.contains(pins()[name]), f"{name}=={pins()[name]}"


def test_runtime_names_a_python_we_support() -> None:
    """A binder folder hides requires-python, so runtime.txt must name the Python."""
    version = (BINDER / "runtime.txt").read_text(encoding="utf-8").strip().removeprefix("python-")
    assert SpecifierSet(PROJECT["requires-python"]).contains(version)


def test_post_build_and_start_are_scripts() -> None:
    """Shebang, LF line ends, executable; the build fails fast, the start goes on."""
    for name in ("postBuild", "start"):
        raw = (BINDER / name).read_bytes()
        assert raw.startswith(b"#!/bin/bash\n") and b"\r" not in raw
        assert os.access(BINDER / name, os.X_OK)
        assert (b"set -euo pipefail" in raw) == (name == "postBuild")


def test_start_gives_the_settings_of_our_own_server() -> None:
    """Before those that are there, with the command that was asked for."""
    said = "import os; print(os.environ['JUPYTER_CONFIG_PATH'])"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command: list[str | Path] = [BINDER / "start", sys.executable, "-c", said]
    given = run(command, ROOT, PATH=path, JUPYTER_CONFIG_PATH="/theirs").strip()
    ours, theirs = given.split(":")
    assert theirs == "/theirs" and Path(ours).parts[-3:] == ("vocx", "cli", "jupyter")


def run(command: list[str | Path], cwd: Path, **env: str) -> str:
    # The machine's own environment, less what would leak this test's interpreter into the other.
    clean = {k: v for k, v in os.environ.items() if k not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    done = subprocess.run(
        command, cwd=cwd, env=clean | env, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout + done.stderr


def venv(folder: Path, python: str, *packages: str) -> Path:
    run([python, "-m", "venv", folder], ROOT)
    command = [folder / "bin" / "python", "-m", "pip", "install", "-q", *packages]
    try:
        run(command, ROOT)
    except AssertionError as error:
        if "No matching distribution" in str(error) or "Max retries" in str(error):
            pytest.skip("no package index is reachable from here")
        raise
    return folder / "bin"


@pytest.fixture(scope="module")
def repo2docker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return venv(tmp_path_factory.mktemp("r2d") / "v", sys.executable, "jupyter-repo2docker")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files that git knows, as Binder would clone them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (tmp_path / "src" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / "src" / name)
    return tmp_path / "src"


@pytest.mark.timeout(600)
def test_renders(repo2docker: Path, checkout: Path) -> None:
    """repo2docker finds the environment and runs our three files, in this order."""
    command = "repo2docker --no-build --debug --Repo2Docker.default_buildpack=None .".split()
    text = run([repo2docker / command[0], *command[1:]], checkout)
    first = text.index('pip install --no-cache-dir -r "binder/requirements.txt"')
    assert first < text.index("RUN ./binder/postBuild")
    assert "python-3.12" in text or "3.12" in text


def base_image_pins(repo2docker: Path, minor: str) -> list[str]:
    folder = next(
        repo2docker.parent.glob("lib/python3*/site-packages/repo2docker/buildpacks/conda")
    )
    lock = (folder / f"environment.py-{minor}-linux-64.lock").read_text(encoding="utf-8")
    found = {name: re.search(rf"/{name}-(\d[\w.]*)-", lock) for name in BASE_IMAGE}
    return [f"{name}=={match.group(1)}" for name, match in found.items() if match]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_post_build_in_a_fresh_environment(
    repo2docker: Path, checkout: Path, tmp_path: Path
) -> None:
    """requirements.txt and postBuild, executed over the base image's versions, give a kernel
    that is not 7.0.x and a package that starts its lab."""
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    base = base_image_pins(repo2docker, minor)
    assert any(pin.startswith("ipykernel==") for pin in base)
    bin_ = venv(tmp_path / "image", sys.executable, *base)
    path = f"{bin_}:{os.environ['PATH']}"
    run([bin_ / "pip", "install", "-q", "-r", "binder/requirements.txt"], checkout)
    run(["./binder/postBuild"], checkout, PATH=path)
    code = "import ipykernel, vocx; lab = vocx.lab.open(); print(ipykernel.__version__, lab.alive)"
    said = run([bin_ / "python", "-c", code], tmp_path)
    assert "True" in said and not said.startswith("7.0.")
    code = "import vocx.cli.contents as c; print(c.Contents.__mro__)"
    assert "AsyncLargeFileManager" in run([bin_ / "python", "-c", code], tmp_path)
