"""A send that cannot be sent is refused, and the refusal says why."""

import pytest

from pushgate.hub.hub_context import HubContext
from pushgate.hub.sending.acceptance import Acceptance
from pushgate.hub.settings import HubTable
from pushgate.model.errors import Invalid, TooLarge
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import SendRequest
from pushgate.testing import RecordingGateway
from pushgate.testing.context import EPOCH, context
from tests.hub_rig import MemoryDatabase

ACCEPTANCE = Acceptance(
    HubContext(
        "main", HubTable(apns="news", max_handles=3), MemoryDatabase(lambda: EPOCH), RecordingGateway("news"),
        context(), "one",
    )
)  # fmt: skip


def request(**keys):
    """A native send that is accepted, with changes."""
    return SendRequest(**{"body": b"{}", "platform": Platform.APNS} | keys)


@pytest.mark.parametrize(
    ("keys", "field"),
    [
        ({"body": b"[]"}, "payload"),
        ({"platform": Platform.WNS}, "platform"),
        ({"expression": "a &&"}, "expression"),
        ({"expression": "a", "handles": ("aa",)}, "expression"),
        ({"headers": {"apns-priority": "x"}}, "apns-priority"),
        ({"headers": {"apns-push-type": "x"}}, "push_type"),
        ({"scheduled_for": EPOCH + 8 * 86400}, "schedule time"),
        ({"handles": ("aa", "xyz")}, "handle 2"),
        ({"platform": None, "body": b"[]"}, "body"),
        ({"platform": None, "body": b'{"a": 1}'}, "body"),
        ({"platform": None, "handles": ("aa",)}, "handles"),
    ],
)
def test_what_is_against_a_rule_is_refused(keys, field):
    """The field is named."""
    with pytest.raises(Invalid) as caught:
        ACCEPTANCE.check(request(**keys))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("keys", "field"),
    [
        ({"body": b" " * 65537}, "body"),
        ({"body": b'{"a":"' + b"x" * 2048 + b'"}'}, "payload"),
        ({"handles": ("aa", "bb", "cc", "dd")}, "handles"),
    ],
)
def test_what_is_too_large_is_refused(keys, field):
    """Beyond 64 KB in any case, and beyond what the push service takes."""
    with pytest.raises(TooLarge) as caught:
        ACCEPTANCE.check(request(**keys))
    assert caught.value.field == field


def test_what_is_right_is_kept_as_it_is():
    """Handles that mean the same are one."""
    plain = request(expression="a || b", scheduled_for=EPOCH + 7 * 86400, headers={"apns-topic": "t"})
    assert ACCEPTANCE.check(plain) == plain
    direct = ACCEPTANCE.check(request(handles=("aA", "bb", "AA")))
    assert direct.handles == ("aA", "bb")
    assert ACCEPTANCE.targets(direct) == [b"\xaa", b"\xbb"]
    template = request(platform=None, body=b'{"a": "b"}')
    assert ACCEPTANCE.check(template) == template
