"""The push that wakes a managed device: its payload, its topic, how long it is stored.

From Apple's "Sending notification requests to APNs" (the push type ``mdm``) and its device management
protocol: the payload is exactly ``{"mdm":"<push magic>"}``, the topic is the UID in the subject of the MDM
push certificate.
"""

import hashlib
from typing import Final

import msgspec

from pushgate.model.errors import Invalid

MDM: Final = "mdm"
"""The push type."""
MDM_TTL: Final = 7 * 86400.0
"""Seconds that an MDM push is stored by default: a device that was off for a week asks by itself."""
TOPIC_PREFIX: Final = "com.apple.mgmt."
"""What every MDM topic begins with."""
MAX_MAGIC: Final = 255
"""Bytes of a push magic at most. Devices make UUIDs, of 36."""
_RULE: Final = f"1 to {MAX_MAGIC} bytes of UTF-8, as the device gave it"
_SHOWN: Final = 10


def push_payload(push_magic: str) -> bytes:
    """The payload that wakes the device that gave this push magic.

    :raises Invalid: it is empty or too long, or holds half of a surrogate pair.
    """
    try:
        size = len(push_magic.encode())
    except UnicodeEncodeError:
        raise Invalid("push_magic", f"{len(push_magic)} characters, not all of them Unicode", _RULE) from None
    if not 1 <= size <= MAX_MAGIC:
        raise Invalid("push_magic", f"{size} bytes", _RULE)
    return msgspec.json.encode({"mdm": push_magic})


def push_type_with(push_magic: str | None, push_type: str | None) -> str | None:
    """The push type of a submission; with a push magic it is ``mdm``.

    :raises Invalid: it has a push magic and another push type.
    """
    if push_magic is None:
        return push_type
    if push_type not in {None, MDM}:
        raise Invalid("push_type", "another than mdm, with a push_magic", "a push magic makes an MDM push")
    return MDM


def is_mdm_topic(topic: str) -> bool:
    """Whether this is the topic of an MDM push certificate."""
    return topic.startswith(TOPIC_PREFIX) and len(topic) > len(TOPIC_PREFIX)


def token_hash(token: bytes) -> str:
    """The SHA-256 of a device token, in hex.

    That is ``LastPushTokenHash`` in ``logs/MCState/Shared/MDM.plist`` of a sysdiagnose.
    """
    return hashlib.sha256(token).hexdigest()


def shown_hash(token: bytes) -> str:
    """The beginning of that hash, which logs have in place of a token."""
    return token_hash(token)[:_SHOWN]
