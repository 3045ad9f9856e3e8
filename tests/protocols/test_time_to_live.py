"""A notification that waited here is kept by its push service for what is left of its time, and no longer."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

from pushgate.model.history import Event, Step
from pushgate.protocols.adm.service import AdmService
from pushgate.protocols.baidu.service import BaiduService
from pushgate.protocols.fcm.requests import FcmRequests
from pushgate.protocols.fcm.service import FcmService
from pushgate.protocols.hms.service import HarmonyService, HmsService
from pushgate.protocols.wns.service import WnsService
from pushgate.protocols.xiaomi.service import XiaomiService
from tests.samples import span

ACCEPTED = 1_700_000_000
WAITED, LEFT = 400, 600


def body(name: str) -> Callable[[Any, Any], Any]:
    """A field of a JSON body, by the names on the way to it."""

    def find(member: Any, _fields: Any) -> Any:
        found = json.loads(member.body)
        for each in name.split("."):
            found = found[each]
        return found

    return find


def form(name: str) -> Callable[[Any, Any], Any]:
    """A field of a form."""
    return lambda member, _: parse_qs(member.body.decode())[name][0]


SERVICES: dict[str, tuple[Any, bytes, bytes, Callable[[Any, Any], Any], Any]] = {
    "fcm": (FcmService("h", FcmRequests("p")), b"t", b"{}", body("message.android.ttl"), "600s"),
    "wns": (
        WnsService("a.notify.windows.com"), b"https://a.notify.windows.com/?x", b"<toast/>",
        lambda _, fields: dict(fields)[b"x-wns-ttl"], b"600",
    ),
    "adm": (AdmService(), b"t", b'{"data":{}}', body("expiresAfter"), 600),
    "hms": (HmsService("1"), b"t", b'{"data":"x"}', body("message.android.ttl"), "600s"),
    "hms 3": (HarmonyService("1"), b"t", b'{"payload":{}}', body("pushOptions.ttl"), 600),
    "baidu": (BaiduService("k", "s", lambda: 0.0), b"1", b"{}", form("msg_expires"), "600"),
    "xiaomi": (XiaomiService(), b"t", b"{}", form("time_to_live"), "600000"),
}  # fmt: skip


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_left_counts(name):
    """From when it is written, not from when it was accepted."""
    service, target, payload, find, expected = SERVICES[name]
    sent = span(tokens=[target], payload=payload, expiration=ACCEPTED + WAITED + LEFT)
    sent = sent.written(Step(Event.WRITTEN, ACCEPTED + WAITED, 1))
    [member] = service.members(sent)
    assert find(member, service.fields(sent, member.kind)) == expected
