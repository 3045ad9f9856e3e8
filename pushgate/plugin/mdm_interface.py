"""The contract between the enrolments of an app and the inputs that offer them."""

from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from pushgate.model.enrolment import Enrolled, Enrolment, EnrolmentRequest


class IEnrolments(Interface):
    """The managed devices of one app. Each method fails with `StoreDown` while the database is of no use."""

    def enrol(request: EnrolmentRequest) -> "Deferred[Enrolled]":
        """Keep an enrolment and begin to push; fires once it is safe. Fails with `Invalid`."""

    def check_in(token: bytes) -> "Deferred[bool]":
        """Note that the device with this token called its MDM server; fires with False when none is known."""

    def check_out(token: bytes, push_magic: str | None = None) -> "Deferred[bool]":
        """Note that the device with this token left management; fires once that is safe.

        Nothing is pushed to it by the schedule until it enrols anew. Fires with False when none is known.
        Fails with `Invalid` for a push magic that is none.

        :param push_magic: of the enrolment that has ended. When that is not the one that counts, nothing is
            changed but what is on record of that enrolment: False. None: the one that counts.
        """

    def find(beginning: bytes) -> "Deferred[list[Enrolment]]":
        """The enrolments of tokens whose SHA-256 begins so, 20 at most."""

    def diagnose(token: bytes) -> "Deferred[dict[str, Any]]":
        """What is known of a device, and why it may not have called, ready for JSON."""


class IManagedDevices(Interface):
    """All enrolments there are."""

    def check_topic(app: str, topic: str, override: bool) -> None:
        """Raise `CannotStart` when devices of this app enrolled under another topic than its certificate's.

        They cannot be reached with this certificate.

        :param override: that is meant to be so.
        """

    def of(app: str, topic: str) -> IEnrolments:
        """The enrolments of an app whose MDM push certificate has this topic."""


class IWakesDevices(Interface):
    """Optional for upstreams: the app is for MDM."""

    mdm_topic = Attribute("The UID of the MDM push certificate's subject; None when the app is not for MDM.")
