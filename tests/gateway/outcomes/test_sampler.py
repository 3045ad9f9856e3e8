"""A sample of the outcomes."""

from zope.interface.verify import verifyObject

from pushgate.gateway.outcomes.sampler import MOST, OF_ONE, OutcomeSampler
from pushgate.model.outcome import DeadToken, State
from pushgate.plugin.gateway_interface import IOutcomeSampler
from pushgate.testing import outcome


def sampler(limit=20):
    """One, and the list that it is added to when it is closed."""
    closed = []
    return OutcomeSampler(limit, closed.append), closed


def sizes(reports):
    """How many notifications each report is about."""
    return [1 if isinstance(each, DeadToken) else len(each.span) for each in reports]


def test_the_first_of_each_app_and_state_are_kept():
    """An app with many outcomes takes no other's place, and what goes well hides nothing that does not."""
    it, _ = sampler(limit=3)
    it.offer([outcome(order=number) for number in range(1, 10)])
    it.offer([outcome(app="mail"), outcome(State.EXPIRED, order=10)])
    taken = it.take()
    assert [(each.app, each.span.batch.order) for each in taken] == [
        ("news", 1),
        ("news", 2),
        ("news", 3),
        ("mail", 1),
        ("news", 10),
    ]


def test_each_interval_begins_anew():
    """What was taken is not kept, and there is room again."""
    it, _ = sampler(limit=1)
    it.offer([outcome(order=1), outcome(order=2)])
    assert len(it.take()) == 1
    assert it.take() == []
    it.offer([outcome(order=3)])
    assert [each.span.batch.order for each in it.take()] == [3]


def test_a_report_on_many_is_cut():
    """A report may cover a whole batch: the first of it stand for it, and others have their place."""
    it, _ = sampler(limit=OF_ONE + 1)
    it.offer([outcome(tokens=[bytes([1])] * 1000), outcome(tokens=[bytes([2])] * 1000, order=2)])
    assert sizes(it.take()) == [OF_ONE, 1]


def test_word_of_a_dead_token_counts_as_one():
    """It is about no notification."""
    it, _ = sampler(limit=1)
    it.offer([DeadToken("news", b"1", 0, 0.0, "apns-stream")] * 2)
    assert sizes(it.take()) == [1]


def test_all_of_it_is_bounded():
    """However many apps there are."""
    it, _ = sampler(limit=20)
    for number in range(MOST + 10):
        it.offer([outcome(app=f"app-{number}")])
    assert len(it.take()) == MOST


def test_it_keeps_the_interface():
    """As callers know it; at the end it says so."""
    it, closed = sampler()
    assert verifyObject(IOutcomeSampler, it)
    it.close()
    assert closed == [it]
