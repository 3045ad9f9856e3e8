"""Entries of error details and of PNS feedback: a ``PnsFeedback`` document a line."""

from typing import Final

from pushgate.model.hub.feedback import PnsFeedback
from pushgate.protocols.notification_hubs.handles import write_handle
from pushgate.protocols.notification_hubs.platform_names import TARGET_NAMES
from pushgate.protocols.notification_hubs.registration_xml import CONNECT, INSTANCE
from pushgate.protocols.notification_hubs.times import written
from pushgate.protocols.notification_hubs.xml_text import escape

_HEAD: Final = f'<PnsFeedback xmlns="{CONNECT}" xmlns:i="{INSTANCE}">'


def line(entry: PnsFeedback) -> bytes:
    """An entry, with its line end. What is not known is left out."""
    new = entry.new_handle
    texts = {
        "FeedbackTime": written(entry.at),
        "NotificationSystemError": entry.name,
        "Platform": TARGET_NAMES[entry.platform],
        "PnsHandle": write_handle(entry.platform, entry.handle),
        "RegistrationId": entry.registration_id,
        "InstallationId": entry.installation_id,
        "NotificationId": entry.send_id,
        "NewPnsHandle": write_handle(entry.platform, new) if new else "",
    }
    inside = "".join(f"<{name}>{_in_line(text)}</{name}>" for name, text in texts.items() if text)
    return f"{_HEAD}{inside}</PnsFeedback>\n".encode()


def _in_line(text: str) -> str:
    return escape(text).replace("\n", "&#10;")
