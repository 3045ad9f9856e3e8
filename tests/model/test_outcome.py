"""The words for what became of a notification."""

from pushgate.model.outcome import TAKEN, State


def test_the_states_are_those_of_the_contract():
    """The words are fixed: callers branch on them, and operators search for them."""
    assert {str(state) for state in State} == {
        "queued", "written", "accepted", "replaced", "presumed", "rejected", "suppressed", "expired", "unknown",
        "cancelled", "failed", "dead-token",
    }  # fmt: skip


def test_what_counts_as_success():
    """The push service has it, as far as one can know; that the device has another target now changes nothing."""
    assert {"accepted", "replaced", "presumed"} == TAKEN


def test_nothing_is_called_delivered():
    """No provider can know that a notification was delivered, so no state says it."""
    assert not any("deliver" in state for state in State)
