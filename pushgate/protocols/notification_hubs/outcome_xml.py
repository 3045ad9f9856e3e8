"""The answer to a test send, ``NotificationOutcome``: what became of it on each device."""

from typing import Final

from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import DeviceResult, SendTestOutcome
from pushgate.protocols.notification_hubs.platform_names import TARGET_NAMES
from pushgate.protocols.notification_hubs.registration_xml import CONNECT, INSTANCE
from pushgate.protocols.notification_hubs.xml_text import escape

_HEAD: Final = f'<NotificationOutcome xmlns="{CONNECT}" xmlns:i="{INSTANCE}">'


def outcome(found: SendTestOutcome) -> bytes:
    """The document. All elements are there, also those that have nothing to say."""
    succeeded = sum(each.succeeded for each in found.results)
    counts = f"<Success>{succeeded}</Success><Failure>{len(found.results) - succeeded}</Failure>"
    results = "".join(_result(each) for each in found.results)
    return f"{_HEAD}{counts}<Results>{results}</Results></NotificationOutcome>".encode()


def _result(result: DeviceResult) -> str:
    texts = {
        "ApplicationPlatform": TARGET_NAMES[result.platform],
        "PnsHandle": result.handle.upper() if result.platform is Platform.APNS else result.handle,
        "RegistrationId": result.registration_id,
        "Outcome": result.outcome,
    }
    inside = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in texts.items())
    return f"<RegistrationResult>{inside}</RegistrationResult>"
