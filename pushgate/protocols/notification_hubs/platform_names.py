"""The names of the platforms on the wire: of sends, of telemetry and of test sends."""

from collections.abc import Mapping
from typing import Final

from pushgate.model.errors import Invalid
from pushgate.model.hub.platform import Platform

TEMPLATE: Final = "template"
"""The format of a send by templates, to all platforms."""
FORMATS: Final[Mapping[str, Platform | None]] = {
    "apple": Platform.APNS,
    "gcm": Platform.GCM,
    "fcm": Platform.GCM,
    "fcmv1": Platform.FCMV1,
    "windows": Platform.WNS,
    "windowsphone": Platform.MPNS,
    "adm": Platform.ADM,
    "baidu": Platform.BAIDU,
    "browser": Platform.BROWSER,
    "xiaomi": Platform.XIAOMI,
    TEMPLATE: None,
}
"""What ``ServiceBusNotification-Format`` may be, in lower case."""
TARGET_NAMES: Final[Mapping[Platform, str]] = {
    Platform.APNS: "apple",
    Platform.FCMV1: "fcmv1",
    Platform.GCM: "gcm",
    Platform.WNS: "windows",
    Platform.MPNS: "windowsphone",
    Platform.ADM: "adm",
    Platform.BAIDU: "baidu",
    Platform.BROWSER: "browser",
    Platform.XIAOMI: "xiaomi",
}
"""The platforms in ``TargetPlatforms``, ``ApplicationPlatform`` and ``Platform`` of PNS feedback."""
COUNT_GROUPS: Final[Mapping[Platform, str]] = {
    Platform.APNS: "ApnsOutcomeCounts",
    Platform.MPNS: "MpnsOutcomeCounts",
    Platform.WNS: "WnsOutcomeCounts",
    Platform.GCM: "GcmOutcomeCounts",
    Platform.ADM: "AdmOutcomeCounts",
    Platform.FCMV1: "FcmV1OutcomeCounts",
    Platform.BAIDU: "BaiduOutcomeCounts",
    Platform.BROWSER: "BrowserOutcomeCounts",
    Platform.XIAOMI: "XiaomiOutcomeCounts",
}
"""The elements of a telemetry document with the outcomes of each platform, in their order."""


def parse_format(text: str, field: str) -> Platform | None:
    """The platform of a format; None of ``template``. Letter case, blanks and hyphens do not count.

    :param field: named by the error.
    :raises Invalid: it is none.
    """
    name = text.strip().lower().replace(" ", "").replace("-", "")
    if name not in FORMATS:
        raise Invalid(field, f"text of {len(text)} characters", f"one of {', '.join(FORMATS)}")
    return FORMATS[name]


def parse_platform(text: str) -> Platform:
    """The platform of this name in JSON and in the configuration, in any case; raise `Invalid` for none."""
    try:
        return Platform(text.lower())
    except ValueError:
        known = ", ".join(Platform)
        raise Invalid("platform", f"text of {len(text)} characters", f"one of {known}") from None
