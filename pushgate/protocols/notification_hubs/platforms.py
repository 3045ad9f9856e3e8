"""The platforms as registrations in XML have them: the names of their elements, and their order.

The order is that of the .NET SDK's contracts, whose reader passes over what comes too early.
"""

from typing import Final

import msgspec

from pushgate.model.hub.platform import Platform


class Kind(msgspec.Struct, frozen=True):
    """The kind of registrations of one platform.

    :param prefix: of the name of its elements: ``AppleRegistrationDescription``.
    :param handle: the elements that make the handle; the last one alone for most.
    :param properties: further elements behind those of the handle.
    :param template: the elements of a template behind its body, in their order.
    :param headers: the elements of a template's headers: of the list, and of each.
    :param needs_headers: .NET's reader needs the list even when it is empty.
    :param template_properties: further elements of a template.
    """

    platform: Platform
    prefix: str
    handle: tuple[str, ...]
    properties: tuple[str, ...] = ()
    template: tuple[str, ...] = ("TemplateName",)
    headers: tuple[str, str] = ("Headers", "Header")
    needs_headers: bool = False
    template_properties: tuple[str, ...] = ()

    def element(self, is_template: bool) -> str:
        """The name of the element of a registration of this kind."""
        return f"{self.prefix}{'Template' if is_template else ''}RegistrationDescription"


BROWSER_FIELDS: Final = ("Endpoint", "P256DH", "Auth")
_URI: Final = ("ChannelUri",)
_TILE: Final = ("SecondaryTileName",)

KINDS: Final = {
    kind.platform: kind
    for kind in (
        Kind(
            Platform.APNS,
            "Apple",
            ("DeviceToken",),
            template=("Expiry", "TemplateName", "Priority", "ApnsHeaders"),
            headers=("ApnsHeaders", "ApnsHeader"),
        ),
        Kind(Platform.FCMV1, "FcmV1", ("FcmV1RegistrationId",)),
        Kind(Platform.GCM, "Gcm", ("GcmRegistrationId",)),
        Kind(
            Platform.WNS,
            "Windows",
            _URI,
            _TILE,
            template=("WnsHeaders", "TemplateName"),
            headers=("WnsHeaders", "WnsHeader"),
            needs_headers=True,
        ),
        Kind(
            Platform.MPNS,
            "Mpns",
            _URI,
            _TILE,
            template=("MpnsHeaders", "TemplateName"),
            headers=("MpnsHeaders", "MpnsHeader"),
            needs_headers=True,
        ),
        Kind(Platform.ADM, "Adm", ("AdmRegistrationId",)),
        Kind(
            Platform.BAIDU, "Baidu", ("BaiduUserId", "BaiduChannelId"), template_properties=("MessageType",)
        ),
        Kind(Platform.BROWSER, "Browser", BROWSER_FIELDS),
        Kind(Platform.XIAOMI, "Xiaomi", ("XiaomiRegistrationId",)),
    )
}
"""The kinds, by platform."""

ELEMENTS: dict[str, tuple[Kind, bool]] = {
    kind.element(is_template): (kind, is_template) for kind in KINDS.values() for is_template in (False, True)
}

ELEMENTS |= {
    "FcmRegistrationDescription": ELEMENTS["GcmRegistrationDescription"],
    "FcmTemplateRegistrationDescription": ELEMENTS["GcmTemplateRegistrationDescription"],
}
"""The kind of each element of a registration, and whether it is that of a template."""
ALIASES: Final = {"FcmRegistrationId": "GcmRegistrationId"}
"""Elements that mean others: the .NET SDK has two names for Google's first service."""
