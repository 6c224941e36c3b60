"""What lesson 07 breaks and shows: evidence of a feed, faults by name, a score."""

from __future__ import annotations

import pytest
from answers import lesson07

from vocx.course import diagnosis
from vocx.course.checks.lesson07 import looks
from vocx.course.diagnosis import FAULTS, Evidence, UnknownFault, WatchedFeed, chaos, figure
from vocx.lab import Lab


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_leaves_its_evidence(lab: Lab, name: str) -> None:
    """What a feed keeps is enough to name what happened, and nothing of it stays in the lab."""
    feed = diagnosis.observe(lab, name)
    assert lesson07.right(feed.found) == name, feed.found
    assert feed.broken_s is not None and lab.faults == [] and lab.network.state == []
    assert lab.pace == 1.0 and not lab.halted


def test_evidence_in_words() -> None:
    """Five pieces; where REST did not answer that is said."""
    well = Evidence(data_s=0.1, pong_s=0.2)
    assert str(well) == "data 0.1 s ago, pong 0.2 s ago, 0 missing, open, REST: the same"
    ended = Evidence(data_s=3, pong_s=3, missing=2, close=1001, status=None, behind=None)
    assert str(ended).endswith("2 missing, closed with 1001, REST: no answer")


def test_the_score_of_a_minute(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Who is always calm misses each fault; who has written nothing is told to."""
    said = chaos(lab, lambda evidence: "healthy", episodes=2, seconds=0.3)
    assert said.startswith("0 of") and " 0 false alarms" in said
    assert capsys.readouterr().out.count("not named") == 2
    assert chaos(lab, lesson07.blank).startswith("Write diagnose first")


def test_an_unknown_fault_is_the_same_for_the_same_number(lab: Lab) -> None:
    """Its name can be found by its evidence."""
    unknown = UnknownFault(lab, number=1)
    assert unknown.reveal().startswith(f"{lesson07.right(unknown.evidence)}: ")


def test_a_feed_stops_twice_and_leaves_no_thread(lab: Lab) -> None:
    """Also in a picture of one that never broke."""
    with WatchedFeed(lab).wait() as feed:
        pass
    feed.stop()
    assert not any(one.is_alive() for one in feed.threads)
    assert len(figure({"well": feed}).data) == 5


def test_the_played_faults_are_the_lessons() -> None:
    """Each fault twice, within the words that there are."""
    cases = {(one.case, one.right) for one in looks() if one.right not in (None, "healthy")}
    assert sorted(right for _, right in cases) == sorted(2 * [*FAULTS.keys() - {"healthy"}])
