"""The platforms of a hub: the kinds of devices, each with a push service of its own."""

from enum import StrEnum

from pushgate.model.target import TargetForm


class Platform(StrEnum):
    """The platforms, by their keys in ``[hubs.NAME]``, which name the app that sends to each."""

    APNS = "apns"
    FCMV1 = "fcmv1"
    GCM = "gcm"
    WNS = "wns"
    MPNS = "mpns"
    ADM = "adm"
    BAIDU = "baidu"
    BROWSER = "browser"
    XIAOMI = "xiaomi"

    @property
    def form(self) -> TargetForm:
        """How the handles of its devices are written as text: Apple's in hex, all others as they are."""
        return TargetForm.HEX if self is Platform.APNS else TargetForm.TEXT
