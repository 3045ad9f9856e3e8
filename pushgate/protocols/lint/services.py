"""The services whose payloads can be examined, and which of them a payload is for."""

import re
from collections.abc import Callable, Iterator
from typing import Final

import msgspec
from msgspec.structs import replace

from pushgate.model.notification_rules import NotificationRules
from pushgate.protocols.adm.rules import ADM_RULES
from pushgate.protocols.apns_rules import APNS_RULES
from pushgate.protocols.baidu.rules import BAIDU_RULES
from pushgate.protocols.fcm.rules import FCM_RULES
from pushgate.protocols.hms.rules import HARMONY_RULES, HMS_RULES
from pushgate.protocols.lint import apns, fcm, others, webpush, xml
from pushgate.protocols.lint.draft import TEMPLATE, Draft
from pushgate.protocols.lint.flaw import Flaw
from pushgate.protocols.lint.json_tree import JSONText
from pushgate.protocols.mpns.requests import ROOT
from pushgate.protocols.mpns.rules import MPNS_RULES
from pushgate.protocols.webpush.rules import WEBPUSH_RULES
from pushgate.protocols.wns.rules import WNS_RULES
from pushgate.protocols.xiaomi.rules import XIAOMI_RULES
from pushgate.protocols.xml_payload import guessed_root


class Service(msgspec.Struct, frozen=True):
    """A service.

    :param flaws: what is wrong with a payload.
    :param rules: what the gateway takes for an app of the service; any of them will do.
    :param is_json: payloads are JSON.
    """

    flaws: Callable[[Draft, JSONText], Iterator[Flaw]]
    rules: tuple[NotificationRules, ...]
    is_json: bool = True


SERVICES: Final = {
    "apns": Service(apns.flaws, (replace(APNS_RULES, channels=True),)),
    "fcm": Service(fcm.flaws, (FCM_RULES,)),
    "webpush": Service(webpush.flaws, (WEBPUSH_RULES,), is_json=False),
    "wns": Service(xml.of_wns, (WNS_RULES,), is_json=False),
    "adm": Service(others.of_adm, (ADM_RULES,)),
    "hms": Service(others.of_hms, (HMS_RULES, HARMONY_RULES)),
    "xiaomi": Service(others.of_xiaomi, (XIAOMI_RULES,)),
    "baidu": Service(others.of_baidu, (BAIDU_RULES,)),
    "mpns": Service(xml.of_mpns, (MPNS_RULES,), is_json=False),
}
"""Every service, by the name of its upstream; Apple's has several."""
OF_UPSTREAM: Final = dict.fromkeys(("apns-stream", "apns-http2", "simulator"), "apns") | {
    name: name for name in SERVICES if name != "apns"
}
"""The service that each upstream sends to."""
PLATFORMS: Final = {
    "apns": "apns",
    "fcm": "fcmv1",
    "webpush": "browser",
    "wns": "wns",
    "adm": "adm",
    "baidu": "baidu",
    "mpns": "mpns",
    "xiaomi": "xiaomi",
}
"""The platform of a hub for each service."""
_MARKS: Final = (
    ("apns", ("aps", "mdm")),
    ("webpush", ("web_push", "endpoint")),
    ("hms", ("pushOptions",)),
    ("adm", ("consolidationKey", "expiresAfter", "md5")),
    ("xiaomi", ("pass_through", "notify_type", "restricted_package_name")),
    ("fcm", ("message", "notification", "android", "webpush", "apns", "fcm_options", "data")),
    ("baidu", ("description", "custom_content")),
)
"""Keys that only payloads of a service have, those that say most first."""
_keys: Final = re.compile(r'"((?:[^"\\]|\\.){1,64}+)"\s*+:').finditer
_is_template: Final = re.compile(r"[\">'][$.%#]\(\w|\"\{\s*(?:'|[$.%]\()").search


def guess(payload: bytes) -> tuple[str, str]:
    """The service that a payload is probably for, and the platform if it is a template, "" otherwise."""
    text = payload.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    service = _of_text(text)
    if _is_template(text):
        return TEMPLATE, PLATFORMS.get(service, "apns")
    return service, ""


def _of_text(text: str) -> str:
    if text.startswith("<"):
        return "mpns" if guessed_root(text.encode()) == ROOT else "wns"
    if not text.startswith(("{", "[")):
        return "webpush" if text else "apns"
    keys = {key[1] for key in _keys(text)}
    return next((service for service, marks in _MARKS if keys.intersection(marks)), "apns")
