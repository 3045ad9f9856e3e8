"""The headers of a send: what is sent to which devices, and when."""

import re
from collections.abc import Mapping
from typing import Final

from pushgate.model.errors import Invalid, TooLarge
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import SendRequest
from pushgate.protocols.notification_hubs.handles import browser_handle
from pushgate.protocols.notification_hubs.platform_names import parse_format
from pushgate.protocols.notification_hubs.times import parse

FORMAT: Final = "ServiceBusNotification-Format"
TAGS: Final = "ServiceBusNotification-Tags"
HANDLE: Final = "ServiceBusNotification-DeviceHandle"
SCHEDULE: Final = "ServiceBusNotification-ScheduleTime"
APNS_EXPIRY: Final = ("ServiceBusNotification-Apns-Expiry", "ServiceBusNotification-ApnsExpiry")
"""The time after which APNs is to drop a notification; the documents spell it in two ways."""
PASSED_ON: Final = (
    "apns-", "x-apns-", "x-wns-", "x-windowsphone-", "x-notificationclass", "x-messageid", "x-baidu-",
)  # fmt: skip
"""What the names of headers begin with that go on to the push service."""
MAX_HEADER: Final = 4096
"""Characters of the value of such a header."""
MAX_HEADERS: Final = 32
_clean: Final = re.compile(r"[\t -~]*").fullmatch

Headers = Mapping[str, str]
"""The headers of a request, by name in lower case."""


def parse_send(headers: Headers, body: bytes) -> SendRequest:
    """A send to all devices that the expression of its headers finds.

    :raises Invalid: a header is missing, or breaks its rule.
    :raises TooLarge: of a header that is passed on.
    """
    expression = headers.get(TAGS.lower(), "").strip()
    return SendRequest(
        body=body,
        platform=parse_format(_needed(headers, FORMAT), FORMAT),
        expression=expression or None,
        headers=passed_on(headers),
    )


def parse_direct(headers: Headers, body: bytes) -> SendRequest:
    """A send to the one device that its headers name.

    :raises Invalid: a header is missing, or breaks its rule.
    :raises TooLarge: of a header that is passed on.
    """
    platform = native(headers)
    handle = _needed(headers, HANDLE)
    if platform is Platform.BROWSER and not handle.startswith("{"):
        keys = _needed(headers, "P256DH"), _needed(headers, "Auth")
        handle = browser_handle(handle, *keys, HANDLE).decode()
    return SendRequest(body=body, platform=platform, handles=(handle,), headers=passed_on(headers))


def schedule_time(headers: Headers) -> float:
    """The Unix seconds that a send is scheduled for.

    :raises Invalid: the header is missing, or no time.
    """
    return parse(SCHEDULE, _needed(headers, SCHEDULE))


def native(headers: Headers) -> Platform:
    """The platform of a direct send.

    :raises Invalid: there is none, or it is by templates, which only registrations have.
    """
    platform = parse_format(_needed(headers, FORMAT), FORMAT)
    if platform is None:
        raise Invalid(FORMAT, "template", "a platform: what is sent to handles goes by no templates")
    return platform


def passed_on(headers: Headers) -> dict[str, str]:
    """The headers that go on to the push service.

    ``X-Apns-Priority`` becomes ``apns-priority``, and the time of APNs' expiry ``apns-expiration`` in Unix
    seconds, unless they are there by these names too.

    :raises Invalid: one has other characters than ASCII's printable ones, or they are too many.
    :raises TooLarge: one is longer than `MAX_HEADER`.
    """
    found = {name: value.strip() for name, value in headers.items() if name.startswith(PASSED_ON)}
    if len(found) > MAX_HEADERS:
        raise Invalid("headers", f"{len(found)} that are passed on", f"at most {MAX_HEADERS}")
    for name, value in found.items():
        if len(value) > MAX_HEADER:
            raise TooLarge(name, len(value), MAX_HEADER)
        if not _clean(value):
            raise Invalid(name, f"text of {len(value)} characters", "printable ASCII")
    for name in [name for name in found if name.startswith("x-apns-")]:
        found.setdefault(name.removeprefix("x-"), found.pop(name))
    for name in APNS_EXPIRY:
        if headers.get(name.lower()):
            found.setdefault("apns-expiration", str(int(parse(name, headers[name.lower()]))))
    return found


def _needed(headers: Headers, name: str) -> str:
    value = headers.get(name.lower(), "").strip()
    if not value:
        raise Invalid(name, "missing or empty", "this request needs it")
    return value
