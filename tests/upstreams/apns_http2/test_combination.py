"""What may be submitted for an app: refused at the input, member by member, before anything is queued."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from twisted.python.failure import Failure

from pushgate.model.errors import Refusal
from pushgate.model.notification import Priority, Submission, Terms
from pushgate.model.outcome import State
from pushgate.model.packed import Packed
from pushgate.protocols.apns_http2.requests import RequestRules
from pushgate.protocols.apns_rules import APNS_RULES
from pushgate.upstreams.apns_http2.combination import Combination
from tests.apns_http2_upstream_rig import HTTP2Rig
from tests.samples import token

ALERT, BACKGROUND = b'{"aps":{"alert":"Hi"}}', b'{"aps":{"content-available":1}}'
ACTIVITY = b'{"aps":{"event":"update","content-state":{},"timestamp":1}}'
START = b'{"aps":{"event":"start","content-state":{},"timestamp":1}}'
LARGE = b'{"a":"' + b"x" * 4096 + b'"}'
REQUESTS = RequestRules("api.push.apple.com", "com.example.news", 0.0)
KEY = Combination(REQUESTS, frozenset(), True)
MDM = b'{"mdm":"47250C9C-1B37-4381-98A9-0B8315A441C7"}'
MANAGING = Combination(
    RequestRules("api.push.apple.com", "", 0.0), frozenset({"com.apple.mgmt.External.1"}), False
)
CERTIFICATE = Combination(REQUESTS, frozenset({"com.example.news", "com.example.news.voip"}), False)


@pytest.mark.parametrize(
    ("check", "terms", "payload", "rule"),
    [
        (KEY, Terms(push_type="background", priority=Priority.URGENT), BACKGROUND, "background needs 5"),
        (KEY, Terms(), b'{"a":"' + b"x" * 4096 + b'"}', "at most 4096"),
        (KEY, Terms(topic="com example"), ALERT, "^topic: with blanks"),
        (KEY, Terms(collapse_id="a\nb"), ALERT, "^collapse_id: with control characters"),
        (KEY, Terms(collapse_id=" a"), ALERT, "^collapse_id: "),
        (KEY, Terms(channel="not base64!"), ACTIVITY, "^channel: not base64"),
        (KEY, Terms(channel="YQ==", push_type="alert"), ACTIVITY, "^push_type: alert with a channel"),
        (KEY, Terms(channel="YQ==", topic="com.example.news"), ACTIVITY, "^topic: given with a channel"),
        (KEY, Terms(channel="YQ==", collapse_id="a"), ACTIVITY, "^collapse_id: given with a channel"),
        (KEY, Terms(channel="YQ=="), START, "^payload: event start with a channel"),
        (CERTIFICATE, Terms(channel="YQ=="), ACTIVITY, "^channel: with a certificate"),
        (CERTIFICATE, Terms(), ACTIVITY, "^push_type: liveactivity with a certificate"),
        (CERTIFICATE, Terms(topic="com.example.other"), ALERT, "^topic: not one of the certificate's"),
        (CERTIFICATE, Terms(push_type="complication"), ALERT, "^topic: not one of the certificate's"),
        (KEY, Terms(push_type="mdm"), MDM, "^push_type: mdm with a provider key"),
        (CERTIFICATE, Terms(), MDM, "^push_type: mdm without an MDM topic"),
        (MANAGING, Terms(topic="com.apple.mgmt.External.2"), MDM, "^topic: not one of the certificate's"),
    ],
)
def test_what_is_refused(check: Combination, terms: Terms, payload: bytes, rule: str) -> None:
    """Each names field, shape and rule."""
    with pytest.raises(Refusal, match=rule):
        check(terms, payload)


@pytest.mark.parametrize(
    ("check", "terms", "payload"),
    [
        (KEY, Terms(), ALERT),
        (KEY, Terms(priority=Priority.URGENT), BACKGROUND),
        (KEY, Terms(push_type="background", priority=Priority.BULK), BACKGROUND),
        (KEY, Terms(push_type="voip"), b'{"a":"' + b"x" * 5000 + b'"}'),
        (KEY, Terms(collapse_id="grün"), ALERT),
        (KEY, Terms(channel="YQ=="), ACTIVITY),
        (CERTIFICATE, Terms(), ALERT),
        (MANAGING, Terms(), MDM),
        (MANAGING, Terms(push_type="mdm", topic="com.apple.mgmt.External.1"), MDM),
        (CERTIFICATE, Terms(push_type="voip"), ALERT),
        (CERTIFICATE, Terms(topic="com.example.news.voip"), ALERT),
        (Combination(REQUESTS, frozenset(), False), Terms(topic="com.example.other"), ALERT),
    ],
)
def test_what_is_taken(check: Combination, terms: Terms, payload: bytes) -> None:
    """What Apple takes; a certificate that lists no topics is believed."""
    check(terms, payload)


def test_member_by_member() -> None:
    """One payload that is too large for its push type refuses no neighbour."""
    rules = replace(APNS_RULES, check_combination=KEY)
    payloads = [ALERT, LARGE, BACKGROUND]
    submission = Submission(
        app="news", tokens=Packed.of([token(n) for n in range(3)], 2), payload=Packed.of(payloads, 2)
    )
    ((index, fault),) = rules.refused_members(submission, 5120)
    assert (index, fault.code) == (1, "TOO_LARGE")


@pytest.mark.parametrize(
    ("app", "terms", "payload", "refusal"),
    [
        ({}, {}, LARGE, "payload: 4104 bytes; at most 4096"),
        (
            {"certificate": "x.pem"},
            {},
            ACTIVITY,
            "push_type: liveactivity with a certificate; it needs a provider key (key_file)",
        ),
    ],
)
def test_one_member_through_the_gateway(
    make_rig: Callable[..., HTTP2Rig],
    app: dict[str, Any],
    terms: dict[str, Any],
    payload: bytes,
    refusal: str,
) -> None:
    """The receipt says which and why; its neighbours are sent, and it has no outcome."""
    rig = make_rig(**app)
    receipt = rig.submit(3, payload=Packed.of([ALERT, payload, ALERT], 2), **terms).result
    assert [(index, str(fault)) for index, fault in receipt.refused] == [(1, refusal)]
    rig.run(1)
    assert rig.outcomes() == dict.fromkeys([token(0), token(2)], (State.ACCEPTED, ""))
    assert [request.token for request in rig.service.received] == [token(0), token(2)]


@pytest.mark.parametrize(
    ("terms", "payload", "field"),
    [
        ({"push_type": "background", "priority": Priority.URGENT}, BACKGROUND, "priority"),
        ({"topic": "com example"}, ALERT, "topic"),
        ({"collapse_id": "a\x7f"}, ALERT, "collapse_id"),
    ],
)
def test_a_submission_through_the_gateway(
    rig: HTTP2Rig, terms: dict[str, Any], payload: bytes, field: str
) -> None:
    """Terms that no notification can have refuse the submission as a whole; nothing is sent."""
    failures: list[Failure] = []
    rig.submit(3, payload=payload, **terms).addErrback(failures.append)
    (failure,) = failures
    assert str(failure.value).startswith(f"{field}: ")
    assert failure.check(Refusal)
    rig.run(1)
    assert rig.service.received == []
    assert rig.gateway.left() == 0
