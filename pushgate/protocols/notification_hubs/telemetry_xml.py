"""The telemetry document of a send, ``NotificationDetails``: its state, and how many outcomes of each name.

SDKs read it without namespaces, so that nothing in it has a prefix; and one reads a group of counts that is
empty as a fault, so that such groups are left out. .NET's passes over what comes too early: the order is its
contract's, in which the address of errors stands between the groups it had at first and those of later years.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import SendDetails
from pushgate.protocols.notification_hubs.platform_names import COUNT_GROUPS, TARGET_NAMES, TEMPLATE
from pushgate.protocols.notification_hubs.registration_xml import CONNECT, INSTANCE
from pushgate.protocols.notification_hubs.times import written
from pushgate.protocols.notification_hubs.xml_text import escape

_HEAD: Final = f'<NotificationDetails xmlns="{CONNECT}" xmlns:i="{INSTANCE}">'

_LAST_BEFORE_ERRORS: Final = Platform.ADM


def details(found: SendDetails, location: str, errors: str) -> bytes:
    """The document.

    :param location: the address of the send.
    :param errors: the address of its error details, "" for none.
    """
    send = found.send
    texts = {
        "NotificationId": send.id,
        "Location": location,
        "State": str(send.state),
        "EnqueueTime": written(send.at),
        "StartTime": _time(send.started_at),
        "EndTime": _time(send.ended_at),
        "NotificationBody": send.request.body.decode("utf-8", "replace"),
        "Tags": send.request.expression or "",
        "TargetPlatforms": ",".join(_targets(found)),
    }
    parts = [f"<{name}>{escape(text)}</{name}>" for name, text in texts.items() if text]
    for platform in COUNT_GROUPS:
        parts.append(_group(platform, found.outcomes.get(platform, {})))
        if platform is _LAST_BEFORE_ERRORS and errors:
            parts.append(f"<PnsErrorDetailsUri>{escape(errors)}</PnsErrorDetailsUri>")
    return "".join((_HEAD, *parts, "</NotificationDetails>")).encode()


def _time(seconds: float | None) -> str:
    return "" if seconds is None else written(seconds)


def _targets(found: SendDetails) -> Iterator[str]:
    """The platforms of the send; those that its templates reached, once that is known."""
    platform = found.send.request.platform
    if platform is not None:
        yield TARGET_NAMES[platform]
        return
    yield TEMPLATE
    for each in COUNT_GROUPS:
        if found.outcomes.get(each):
            yield f"{TARGET_NAMES[each]}{TEMPLATE}"


def _group(platform: Platform, outcomes: Mapping[str, int]) -> str:
    inside = "".join(
        f"<Outcome><Name>{escape(name)}</Name><Count>{count}</Count></Outcome>"
        for name, count in sorted(outcomes.items())
        if count
    )
    group = COUNT_GROUPS[platform]
    return f"<{group}>{inside}</{group}>" if inside else ""
