"""Jobs of the spool's thread, gathered for one commit."""

from threading import Timer

import pytest

from pushgate.gateway.spool import job_queue
from pushgate.gateway.spool.job_queue import JobQueue

LONG = 3600.0


@pytest.fixture(autouse=True)
def _for_ever(monkeypatch):
    """Whatever waits for others waits until the test fails."""
    monkeypatch.setattr(job_queue, "GATHER", LONG)


def queue(*jobs):
    """A queue with jobs; those in capitals are urgent."""
    made = JobQueue(str.isupper)
    for job in jobs:
        made.put(job)
    return made


def test_the_first_time():
    """What nothing waits for is taken at once when nothing was taken lately."""
    assert queue("a", "b").gather(None) == ["a", "b"]


def test_urgent_jobs():
    """With one of them all go at once, however short ago the last were taken."""
    jobs = queue("a")
    jobs.gather(None)
    for job in ("b", "C"):
        jobs.put(job)
    assert jobs.gather(None) == ["b", "C"]


def test_behind_an_urgent_one():
    """An outcome that comes soon after its notification was kept waits for nothing."""
    jobs = queue("A")
    jobs.gather(None)
    jobs.put("b")
    assert jobs.gather(None) == ["b"]


def test_others_wait_for_more():
    """What nothing waits for goes with what comes, at the latest with something urgent."""
    jobs = queue("a")
    jobs.gather(None)
    jobs.put("b")
    Timer(0.1, lambda: [jobs.put(job) for job in "cD"]).start()
    assert jobs.gather(None) == ["b", "c", "D"]


def test_not_for_ever(monkeypatch):
    """Then they go without."""
    monkeypatch.setattr(job_queue, "GATHER", 0.01)
    jobs = queue("a")
    jobs.gather(None)
    jobs.put("b")
    assert jobs.gather(None) == ["b"]


def test_nothing_comes():
    """After the time-out there is no job."""
    assert queue().gather(0.01) == []
