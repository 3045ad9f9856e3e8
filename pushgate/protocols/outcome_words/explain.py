"""What an outcome means and what to do about it."""

from pushgate.model.outcome import State
from pushgate.protocols.outcome_words.answers import explain_answer
from pushgate.protocols.outcome_words.causes import CAUSES
from pushgate.protocols.outcome_words.explanation import Explanation
from pushgate.protocols.outcome_words.states import REASONS, STATES

_UNCLEAR = frozenset({State.REJECTED, State.FAILED, State.EXPIRED, State.UNKNOWN, State.SUPPRESSED})
"""States that do not say by themselves why."""
_ON_ITS_WAY = frozenset({State.QUEUED, State.WRITTEN})


def explain(
    upstream: str, state: State, status: int | None = None, reason: str = "", cause: str = ""
) -> Explanation:
    """Words for an outcome.

    :param upstream: the kind of upstream.
    :param status: the push service's number, if it gave one.
    :param reason: of the outcome; "" without one.
    :param cause: why the app's circuit counts its push service as of no use; "" without one. It is the
        explanation of what is on its way.
    """
    general = STATES[state]
    if state in _ON_ITS_WAY and (why := CAUSES.get(cause)) is not None:
        return Explanation(f"{general.meaning}; {why.meaning}", why.advice)
    if state not in _UNCLEAR:
        return general
    found = REASONS.get(reason) or explain_answer(upstream, status, reason)
    if found is None:
        return general
    return Explanation(found.meaning, found.advice or general.advice)
