"""Microsoft's Push Notification Service for Windows Phone 8 and before.

From "Push Notification Service Response Codes for Windows Phone 8". Channels are at ``/mpns/``, without a
login, as those of the real service are for apps without a certificate.
"""

import re
from typing import Final
from urllib.parse import unquote

from pushgate.net.http.codec import Header
from pushgate.simulator.services.names import STATUSES, Call
from pushgate.simulator.services.service_answer import (
    Delivery,
    ServiceAnswer,
    ServiceRefusal,
    accepting,
    new_id,
)
from pushgate.simulator.services.service_request import Route, Scripted, ServiceRequest, in_path
from pushgate.simulator.services.xml_body import BadXml, root_of

_LARGEST: Final = 3072
_CLASSES: Final = {
    "token": frozenset({"1", "11", "21"}),
    "toast": frozenset({"2", "12", "22"}),
    None: frozenset({"3", "13", "23"}),
}
"""The notification classes of each target: at once, within 450 s, within 900 s."""
_ANSWERS: Final[dict[str, tuple[str, str, str]]] = {
    "": ("Received", "Connected", "Active"),
    "QueueFull": ("QueueFull", "Disconnected", "Active"),
    "Suppressed": ("Suppressed", "Connected", "Active"),
    "Expired": ("Dropped", "Connected", "Expired"),
    "Throttled": ("Dropped", "Connected", "Active"),
    "Inactive": ("Dropped", "Inactive", "N/A"),
}
"""What the headers say for each word of ours: of the notification, the device, and the subscription."""


class Mpns:
    """The service."""

    name: Final = "mpns"
    hosts = (".notify.live.net",)

    def __init__(self) -> None:
        self.routes = (Route("push", re.compile("/mpns/(?P<handle>.+)"), self._push, in_path()),)

    def refusal(self, call: Call, scripted: Scripted) -> ServiceAnswer:
        return reply(scripted.reason, scripted.status)

    def _push(self, request: ServiceRequest, found: dict[str, str]) -> ServiceAnswer:
        handle = unquote(found["handle"])
        _check(request)
        if request.is_dead(handle):
            raise ServiceRefusal(reply("Expired"))
        chosen = request.chosen("x-notificationclass", "x-windowsphone-target", "x-messageid")
        delivery = Delivery(
            service=self.name,
            handle=handle,
            payload=request.body,
            id=request.header("x-messageid") or new_id(),
            headers=chosen,
        )
        return accepting(reply("", 200), delivery)


def reply(word: str, status: int | None = None) -> ServiceAnswer:
    """An answer: its headers say what became of the notification."""
    status = status or STATUSES["mpns"][word]
    headers: tuple[Header, ...] = ()
    if word in _ANSWERS and (status == 200 or word):
        notification, device, subscription = _ANSWERS[word]
        headers = (
            (b"x-notificationstatus", notification.encode()),
            (b"x-deviceconnectionstatus", device.encode()),
            (b"x-subscriptionstatus", subscription.encode()),
        )
    reason = word or ("" if status == 200 else str(status))
    return ServiceAnswer(status=status, reason=reason, headers=headers)


def _check(request: ServiceRequest) -> None:
    """Raise `ServiceRefusal` for what is no notification."""
    target = request.header("x-windowsphone-target") or None
    kind = request.header("x-notificationclass")
    if target not in _CLASSES or kind not in _CLASSES[target]:
        raise ServiceRefusal(reply("", 400))
    if not request.body or len(request.body) > _LARGEST:
        raise ServiceRefusal(reply("", 400))
    if target is None:
        return
    try:
        root = root_of(request.body)
    except BadXml:
        raise ServiceRefusal(reply("", 400)) from None
    if request.media_type != "text/xml" or root != "Notification":
        raise ServiceRefusal(reply("", 400))
