"""Why a device that was pushed to has not called: facts in, the causes that remain out.

The push service accepts a push and says no more. These are the causes that its engineers name for what comes
to nothing after that.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from pushgate.mdm.schedule import is_dead
from pushgate.model.enrolment import Enrolment
from pushgate.model.outcome import State
from pushgate.protocols.mdm_push import token_hash

RACE: Final = 5.0
"""Seconds after an enrolment within which a push may be lost without a word. 0.7 s were seen."""
REPAIR: Final = 25 * 3600.0
"""Seconds of wrong pushes after which a device mends its push magic."""
_WRONG_TOPIC: Final = frozenset({
    "DeviceTokenNotForTopic", "TopicDisallowed", "BadTopic", "MissingTopic", "InvalidTopic", "WrongTopic",
})  # fmt: skip
_GONE: Final = frozenset({"Unregistered", "ExpiredToken", "feedback", "DeadToken"})
CHECKED_OUT: Final = "checked_out"
CAUSES: Final = {
    CHECKED_OUT: "the device left management: its CheckOut was reported",
    "network": "the device cannot reach the push service or the MDM server",
    "unenrolled": "the device was unenrolled, and its one CheckOut was lost",
    "wiped": "the device was wiped, and sent no CheckOut",
    "topic": "the topic is another: the certificate was replaced, not renewed",
    "token": "the token is wrong",
    "magic": "the push magic is wrong: the device ignores the push",
    "race": "the push came while the device was enrolling, and was lost",
}
"""Each cause and what it means: the one that is known of the device itself, and those of Apple's engineers in
their order."""
CERTAIN, POSSIBLE, RULED_OUT = "certain", "possible", "ruled out"
Judgement = tuple[str, str]
"""How likely a cause is, and why."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a device.

    :param kept: the enrolments of its token, the newest first.
    :param of_device: those of the device, whatever the token, the newest first.
    :param topic: of the app's certificate now.
    :param now: Unix seconds.
    """

    kept: tuple[Enrolment, ...]
    of_device: tuple[Enrolment, ...] = ()
    topic: str
    now: float


def diagnose(token: bytes, facts: Facts) -> dict[str, Any]:
    """What happened, and each cause with its judgement, ready for JSON. It has no token and no push magic."""
    found = next(iter(facts.kept), None)
    judged = dict(_judged(found, facts))
    return {
        "sha256": token_hash(token),
        "summary": _summary(found, facts),
        "enrolment": None if found is None else _shown(found),
        "causes": [
            {"cause": cause, "means": CAUSES[cause], "verdict": judged[cause][0], "why": judged[cause][1]}
            for cause in CAUSES
        ],
    }


def _judged(found: Enrolment | None, facts: Facts) -> Iterator[tuple[str, Judgement]]:
    for cause in CAUSES:
        yield cause, _judge(cause, found, facts)


def _judge(cause: str, found: Enrolment | None, facts: Facts) -> Judgement:
    if found is None:
        verdict = CERTAIN if cause == "token" else POSSIBLE
        return verdict, "no enrolment of this token is known here"
    if found.has_left or cause == CHECKED_OUT:
        return _checked_out(cause, found, facts)
    if _has_answered(found):
        return RULED_OUT, "the device called after the last push"
    if found.outcome is None or found.pushed_at is None:
        return _unanswered(cause, found, facts)
    return _OF_CAUSE[cause](found, facts)


def _checked_out(cause: str, found: Enrolment, facts: Facts) -> Judgement:
    """What a check-out says of every cause; without one, that it is no cause."""
    if found.checked_out_at is None:
        return RULED_OUT, "no CheckOut of it was reported"
    if not found.has_left:
        return RULED_OUT, "it has enrolled anew since its CheckOut"
    if cause == CHECKED_OUT:
        return CERTAIN, _left(found.checked_out_at, facts)
    return RULED_OUT, "the device left management, and its CheckOut was reported"


def _unanswered(cause: str, found: Enrolment, facts: Facts) -> Judgement:
    """No push has an outcome yet: only what does not need one is known."""
    if cause == "topic" and found.topic != facts.topic:
        return _topic(found, facts)
    if cause == "magic" and _newer(found, facts) is not None:
        return _magic(found, facts)
    return POSSIBLE, "no push to it has an outcome yet; see pushgate trace, and the circuit of the app"


def _network(found: Enrolment, facts: Facts) -> Judgement:  # noqa: ARG001 - every cause is given both
    if _is_refused(found):
        return RULED_OUT, f"the push service refused the push: {_word(found)}"
    return POSSIBLE, "the push service took the push; whether the device got it, it does not say"


def _unenrolled(found: Enrolment, facts: Facts) -> Judgement:  # noqa: ARG001 - every cause is given both
    if is_dead(found) and found.reason in _GONE:
        return POSSIBLE, f"the push service says that the device listens no more: {_word(found)}"
    if _is_refused(found):
        return RULED_OUT, f"the push service refused the push: {_word(found)}"
    return POSSIBLE, "the push service takes pushes for a while after a device has left"


def _topic(found: Enrolment, facts: Facts) -> Judgement:
    if found.topic != facts.topic:
        return CERTAIN, f"it enrolled under {found.topic}, and the certificate is for {facts.topic}"
    if found.reason in _WRONG_TOPIC:
        return CERTAIN, f"the push service says so: {_word(found)}"
    if found.outcome is State.ACCEPTED:
        return RULED_OUT, "the push service accepted token and topic together"
    if _is_refused(found):
        return RULED_OUT, f"the push service refused the push for another reason: {_word(found)}"
    return POSSIBLE, "the binary stream does not say that it accepted the push"


def _token(found: Enrolment, facts: Facts) -> Judgement:  # noqa: ARG001 - every cause is given both
    if is_dead(found):
        return CERTAIN, f"the push service knows no such device: {_word(found)}"
    if found.outcome is State.ACCEPTED:
        return RULED_OUT, "the push service accepted the token"
    if _is_refused(found):
        return RULED_OUT, f"the push service refused the push for another reason: {_word(found)}"
    return POSSIBLE, "the binary stream does not say that it accepted the push"


def _magic(found: Enrolment, facts: Facts) -> Judgement:
    newer = _newer(found, facts)
    if newer is not None:
        return CERTAIN, f"the device has enrolled anew since, {_ago(newer.enrolled_at, facts)}"
    if _is_refused(found):
        return RULED_OUT, f"the push did not reach the device: {_word(found)}"
    if found.has_checked_in:
        return RULED_OUT, "the device has called since it gave this push magic"
    pushed = found.pushed_at or 0.0
    if pushed - found.enrolled_at >= REPAIR:
        return POSSIBLE, "unlikely: pushes over more than 25 h have brought no new TokenUpdate"
    return POSSIBLE, "the device has not called since it enrolled; keep_awake lets it mend this in 26 h"


def _race(found: Enrolment, facts: Facts) -> Judgement:  # noqa: ARG001 - every cause is given both
    if _is_refused(found):
        return RULED_OUT, f"the push service refused the push: {_word(found)}"
    if found.has_checked_in:
        return RULED_OUT, "the device has called since it enrolled"
    after = (found.pushed_at or 0.0) - found.enrolled_at
    if after > RACE:
        return RULED_OUT, f"it was pushed to again {after:.0f} s after it enrolled"
    return POSSIBLE, f"the last push was {max(after, 0.0):.1f} s after it enrolled; another one tells"


_OF_CAUSE: Final[dict[str, Callable[[Enrolment, Facts], Judgement]]] = {
    "network": _network,
    "unenrolled": _unenrolled,
    "wiped": _unenrolled,
    "topic": _topic,
    "token": _token,
    "magic": _magic,
    "race": _race,
}


def _has_answered(found: Enrolment) -> bool:
    return found.checked_in_at is not None and found.checked_in_at >= (found.pushed_at or 0.0)


def _newer(found: Enrolment, facts: Facts) -> Enrolment | None:
    """The enrolment that counts for the device, when it is another one."""
    counting = (each for each in (*facts.kept, *facts.of_device) if each.superseded_at is None)
    return next((each for each in counting if each.id != found.id), None)


def _is_refused(found: Enrolment) -> bool:
    return found.outcome not in {State.ACCEPTED, State.PRESUMED, State.REPLACED}


def _word(found: Enrolment) -> str:
    return " ".join(str(part) for part in (found.outcome, found.status, found.reason) if part)


def _summary(found: Enrolment | None, facts: Facts) -> str:
    if found is None:
        return "not enrolled here"
    if found.superseded_at is not None:
        return f"superseded by a later enrolment, {_ago(found.superseded_at, facts)}"
    if found.checked_out_at is not None:
        return _left(found.checked_out_at, facts)
    if found.checked_in_at is not None and _has_answered(found):
        return f"it called after the last push, {_ago(found.checked_in_at, facts)}: nothing is wrong"
    if found.pushed_at is None:
        return "enrolled, not pushed to yet"
    word = _word(found) or "no outcome yet"
    return f"pushed to {_ago(found.pushed_at, facts)}, {word}; it has not called since"


def _left(at: float, facts: Facts) -> str:
    return f"it left management {_ago(at, facts)}; it has to enrol again"


def _shown(found: Enrolment) -> dict[str, Any]:
    """An enrolment without what is secret."""
    hidden = {"id", "app", "token", "push_magic"}
    return {name: getattr(found, name) for name in Enrolment.__struct_fields__ if name not in hidden}


def _ago(at: float, facts: Facts) -> str:
    hours = max(0.0, facts.now - at) / 3600
    return f"{hours * 60:.0f} min ago" if hours < 2 else f"{hours:.0f} h ago"
