"""What a hub makes of the gateway's reports."""

import msgspec
import pytest

from pushgate.hub.outcomes.names import refusal_name
from pushgate.hub.outcomes.reports import find
from pushgate.hub.sending.page import template_groups
from pushgate.hub.store.targets import Target
from pushgate.hub.templates.properties import Properties
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.errors import Forbidden, Invalid, TooLarge
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Template
from pushgate.model.outcome import DeadToken, State
from pushgate.testing import outcome

PLATFORMS = {"news": (Platform.FCMV1, Platform.GCM)}


def found(*reports, dead=lambda app, token: None, name=""):
    """What is found; the outcomes of the samples are of the input ``""``."""
    return find(reports, name, PLATFORMS, dead)


def test_reports_of_other_apps_and_inputs_say_nothing():
    """Of others' notifications only the dead devices count."""
    assert not found(outcome(app="chat"), name="hubs.main")
    assert not found(outcome(), name="hubs.main")
    death = DeadTokenEntry(b"t", 5, DeadReason.GONE)
    other = found(outcome(State.REJECTED, tokens=(b"t",)), dead=lambda *_: death, name="hubs.main")
    assert not other.reported
    assert other.deaths == [(Platform.FCMV1, b"t", 5.0), (Platform.GCM, b"t", 5.0)]


def test_a_death_in_the_second_of_a_registration():
    """A refusal says when within its second the handle was dead, so that what came before it goes."""
    death = DeadTokenEntry(b"t", 46, DeadReason.INVALID_TOKEN)
    refused = msgspec.structs.replace(outcome(State.REJECTED, tokens=(b"t",)), at=46.6)
    assert found(refused, dead=lambda *_: death).deaths[0][2] == 46.6
    for other in (
        msgspec.structs.replace(refused, at=47.0),
        msgspec.structs.replace(refused, state=State.SUPPRESSED),
    ):
        assert found(other, dead=lambda *_: death).deaths[0][2] == 46.0


def test_outcomes_of_an_app_that_a_reload_has_taken_away():
    """They are counted all the same, or their send would never end."""
    (reported,) = found(outcome(State.ACCEPTED, app="gone", tokens=(b"t",))).reported
    assert (reported.name, reported.platform, reported.count) == ("Success", None, 1)
    assert not found(outcome(State.REJECTED, app="gone", tokens=(b"t",))).reported[0].entries


def test_a_doubted_death_waits():
    """It is counted, for a later look, and nothing is deleted."""
    death = DeadTokenEntry(b"t", 5, DeadReason.INVALID_TOKEN, doubted=True)
    doubted = found(outcome(State.REJECTED, tokens=(b"t", b"u")), dead=lambda *_: death)
    assert (doubted.doubted, doubted.deaths) == (2, [])


def test_the_feedback_of_the_push_service():
    """A dead token is a death on every platform of the app, and an entry of feedback."""
    report = DeadToken("news", b"t", 7, 9.0, "apns-stream")
    dead = found(report)
    assert dead.deaths == [(Platform.FCMV1, b"t", 7.0), (Platform.GCM, b"t", 7.0)]
    assert [(each.platform, each.at, each.name) for each in dead.feedback] == [
        (Platform.FCMV1, 9.0, "ExpiredChannel"),
        (Platform.GCM, 9.0, "ExpiredChannel"),
    ]


def test_a_handle_with_another_in_its_place():
    """The notification succeeded; the new handle is on record, and takes the place of the old one."""
    report = outcome(State.REPLACED, tokens=(b"old",))

    replaced = found(msgspec.structs.replace(report, replacement=b"new"))
    assert replaced.replaced == [(Platform.FCMV1, b"old", b"new"), (Platform.GCM, b"old", b"new")]
    (reported,) = replaced.reported
    assert (reported.name, reported.entries[0].new_handle) == ("Success", b"new")
    assert not found(report).replaced


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (TooLarge("payload", 2, 1), "InvalidNotificationSize"),
        (Invalid("token", "x", "y"), "BadChannel"),
        (Invalid("payload", "x", "y"), "InvalidNotificationFormat"),
        (Forbidden("no"), "InvalidNotificationFormat"),
    ],
)
def test_what_is_refused_has_a_name(error, name):
    """The one that a push service's answer of this kind has."""
    assert refusal_name(error) == name


def test_a_template_may_not_become_too_large():
    """What no push service takes is a fault of its device, not of the page."""
    body = '{"aps":{"alert":"$(text)"}}'
    target = Target(device=1, handle=b"t", platform=Platform.APNS, template=Template(body=body))
    groups, (fault,) = template_groups([target], Properties({"text": "x" * 65535}), 0.0)
    assert groups == []
    assert isinstance(fault.error, TooLarge)
