"""What is noted on spans."""

from pushgate.model.history import Event, Step, later
from tests.samples import span


def steps(count):
    """Steps one second apart."""
    return [Step(Event.WRITTEN, float(at), at + 1) for at in range(count)]


def test_steps_follow_each_other():
    """Each is appended; the earlier ones stay as they are."""
    first, second = steps(2)
    assert later((), first) == (first,)
    assert later((first,), second) == (first, second)


def test_a_long_past_loses_its_middle():
    """However often something is sent again, what is kept of it is bounded: how it began, and the latest."""
    past = ()
    for step in steps(500):
        past = later(past, step)
        assert len(past) <= 32
    assert [step.connection for step in past] == [*range(1, 9), *range(477, 501)]


def test_parts_have_the_past_of_the_whole():
    """Whatever a span is cut into, each part has been through the same."""
    write, loss = steps(1)[0], Step(Event.LOST, 2.0, 1, "ConnectionLost")
    whole = span(5).written(write).noted(loss)
    assert (whole.attempts, whole.past) == (1, (write, loss))
    assert whole.part(1, 3).past == whole.past
    assert whole.written().past == whole.past
    assert whole.written().attempts == 2
