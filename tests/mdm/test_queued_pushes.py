"""Which notification the push of an enrolment is."""

from pushgate.mdm.queued_pushes import QueuedPushes


def test_from_the_submission_to_the_outcome():
    """It is known from its receipt on until it has its outcome; those of others are nothing to it."""
    pushes = QueuedPushes()
    pushes.begin(1)
    assert pushes.submitted(1, 16)
    pushes.begin(2)
    assert pushes.submitted(2, 32)
    pushes.settled(16)
    pushes.settled(16)
    pushes.settled(48)
    assert pushes.take(1) is None
    assert (pushes.take(2), pushes.take(2)) == (32, None)


def test_taken_out_while_it_is_submitted():
    """The submitter learns it from the answer, and another push of the enrolment is not mixed up with it."""
    pushes = QueuedPushes()
    pushes.begin(1)
    assert pushes.take(1) is None
    assert not pushes.submitted(1, 16)
    pushes.begin(1)
    assert pushes.submitted(1, 32)
    pushes.begin(1)
    pushes.settled(32)
    assert pushes.submitted(1, 48)
    assert pushes.take(1) == 48
