"""The pytest plugin: what a project that tests its bot gets, in a pytest of its own.

The plugin is named on the command line and all others are left out, so that it does not matter
whether this environment was installed before the entry point came.
"""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def child(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder with a pytest that has this plugin and xdist."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in ("CI", "BUILD_NUMBER"):  # in which pytest repeats long messages in its summary
        monkeypatch.delenv(name, raising=False)
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=":")
    return pytester


def run(child: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    plugins = ("-p", "vocx.pytest_plugin", "-p", "xdist.plugin", "-p", "no:cacheprovider")
    return child.runpytest_subprocess(*plugins, "--strict-markers", *arguments, timeout=110)


def test_the_entry_point_names_it() -> None:
    """What an installation tells pytest is a module of the package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (module,) = project["entry-points"]["pytest11"].values()
    assert import_module(module).pytest_configure


def test_labs_of_a_project_on_two_workers(child: pytest.Pytester) -> None:
    """Each test has an exchange as its markers say; the session's is one for each worker; options
    of the project hold where no marker says anything; no lab outlives its test."""
    child.makeconftest("""
        import pytest

        @pytest.fixture(scope="session")
        def vocx_lab_options():
            return {"seed": 23, "pace": 0}
    """)
    body = """
        import os
        import pytest

        seen = []

        def order(lab, venue):
            import vocx

            with vocx.connect(venue, lab=lab) as exchange:
                exchange.place_order("BTC/USDT", "buy", "0.01", type="market")
            return len({one.id for one in lab.truth.events(kind="order")})

        def test_the_projects_options(vocx_lab, vocx_session_lab):
            for lab in (vocx_lab, vocx_session_lab):
                assert (lab.seed, lab.pace, list(lab.urls)) == (23, 0, ["binance"])
            assert vocx_lab.urls != vocx_session_lab.urls
            seen.extend([vocx_lab, vocx_session_lab])
            assert order(vocx_lab, "binance") == 1

        @pytest.mark.vocx_lab(venues=["okx"], seed=4, rtt_ms={"okx": 30})
        class TestAtOkx:
            @pytest.mark.vocx_lab(seed=5, faults=["silence", {"name": "overloaded", "count": 3}])
            def test_the_nearest_marker_wins(self, vocx_lab, vocx_session_lab):
                assert not seen[0].alive and vocx_session_lab is seen[1]
                assert (vocx_lab.seed, list(vocx_lab.urls)) == (5, ["okx"])
                assert "30 ms" in str(vocx_lab.network)
                assert [one["name"] for one in vocx_lab.faults] == ["silence", "overloaded"]
                assert vocx_lab.credentials("okx").passphrase

            def test_a_lab_is_fresh(self, vocx_lab):
                assert vocx_lab.seed == 4 and vocx_lab.faults == []
                assert order(vocx_lab, "okx") == 1
    """
    child.makepyfile(test_one=body, test_two=body)
    result = run(child, "-n2", "--dist=loadfile")
    result.assert_outcomes(passed=6)


def test_an_idle_plugin_and_usage_errors(child: pytest.Pytester) -> None:
    """Nothing of vocx is loaded before a lab is asked for; what makes no sense is said in a line,
    without a traceback, and names the test."""
    child.makepyfile("""
        import sys
        import pytest

        lab = pytest.mark.vocx_lab

        @lab(venues=["okx"])
        def test_idle():
            loaded = sorted(one for one in sys.modules if one.partition(".")[0] == "vocx")
            assert loaded == ["vocx", "vocx.pytest_plugin"]
            assert not {"msgspec", "requests", "cryptography"} & set(sys.modules)

        @pytest.mark.parametrize("_", [
            pytest.param(1, marks=lab(["okx"])),
            pytest.param(2, marks=lab(venue=["okx"])),
            pytest.param(3, marks=lab(venues="okx")),
            pytest.param(4, marks=lab(venues=["kraken"])),
            pytest.param(5, marks=lab(symbols=5)),
            pytest.param(6, marks=lab(faults="silence")),
            pytest.param(7, marks=lab(faults=["quiet"])),
        ])
        def test_bad(_, vocx_lab): ...
    """)
    result = run(child, "-n0")
    result.assert_outcomes(passed=1, errors=7)
    text = result.stdout.str()
    for said in (
        "was given ['okx'] without a name; write @pytest.mark.vocx_lab(venues=[\"okx\"]",
        "vocx_lab has no argument 'venue'; it has venues, .* Did you mean \"venues\"?",
        "venues is the text 'okx'; write a list: [\"okx\"]",
        "no lab can play 'kraken'; there are binance, ",
        'symbols is 5; write a list: ["BTC/USDT"]',
        "faults is 'silence'; write a list such as [\"silence\", ",
        "no fault 'quiet'; there are: ",
    ):
        assert re.search(re.escape(said).replace(r"\.\*", ".*"), text), said
    assert text.count("(the lab of test_an_idle_plugin_and_usage_errors.py::test_bad[") == 7
    assert "Traceback" not in text and "vocx/lab" not in text


@pytest.mark.parametrize("library", ["requests", "ccxt"])
def test_readmes_test_runs_as_it_stands(child: pytest.Pytester, library: str) -> None:
    """And fails where the bot is one that the test is there to catch."""
    pytest.importorskip(library, reason=f"{library} is not installed")
    found = re.search(rf"<!-- test_with_{library} -->\n```python\n(.+?)```", README, re.DOTALL)
    assert found is not None
    text = found.group(1)
    right, wrong = {
        "requests": ("!= 503", "!= 504"),
        "ccxt": ("fetch_order(None, ", 'create_order("BTC/USDT", "market", "buy", quantity) #'),
    }[library]
    assert right in text
    child.makepyfile(test_right=text, test_wrong=text.replace(right, wrong))
    result = run(child, "-n0")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["FAILED test_wrong.py*"])
