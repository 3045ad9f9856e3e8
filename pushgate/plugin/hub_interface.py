"""The contract between a hub and the inputs that offer it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from pushgate.model.errors import Refusal
from pushgate.model.hub.access import AccessRule
from pushgate.model.hub.feedback import PnsFeedback
from pushgate.model.hub.installation import Installation
from pushgate.model.hub.job import Job, JobRequest
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration, RegistrationPage, RegistrationQuery
from pushgate.model.hub.send import Send, SendDetails, SendRequest, SendTestOutcome

PatchOperation = tuple[str, str, str]
"""``add``, ``remove`` or ``replace``, the path, and the value as text: of JSON Patch, as hubs take it."""


class IContainers(Interface):
    """The containers of a hub: directories with files for jobs, reached under signed addresses."""

    def use(base: Path) -> None:
        """Keep them in a directory of the hub's in this one, in place of one in the state directory."""

    def key() -> bytes:
        """What addresses are signed with; gateways that share the directory share it."""

    def make() -> str:
        """Make a container; returns its name. Raises `ServiceFailed` when there is no directory for it."""

    def path(container: str, name: str) -> Path:
        """The path of a file of a container, which need not exist.

        Raises `UnknownResource` when there is no such container, and `Invalid` for what is no name of a file.
        """

    def files(container: str, prefix: str, after: str, limit: int) -> list[tuple[str, Path]]:
        """Files whose names begin with `prefix`, in the order of the names, behind one. Raises as `path`."""


class IHub(Interface):
    """A hub, as inputs see it: devices register, and back ends send to them by tags.

    Every method may fail with `Invalid` or `TooLarge` for what is against a rule, `UnknownResource`,
    `EtagMismatch`, `Gone`, `Overloaded`, `ShuttingDown`, and `StoreDown` when the database is out of reach:
    then nothing was done.
    """

    name = Attribute("Its name in the configuration.")
    containers = Attribute("Its `IContainers`.")

    def apps() -> Mapping[Platform, str]:
        """Return the app of each platform that has one; it may change with a reload."""

    def rules() -> Mapping[str, AccessRule]:
        """Return the rules, by name; they change when their key files do."""

    def create_registration_id() -> "Deferred[str]":
        """Give out an id for a registration that is to come."""

    def create_registration(registration: Registration) -> "Deferred[Registration]":
        """Keep a new registration, under an id of the hub; fires with it as it is kept."""

    def put_registration(registration: Registration, if_match: str | None = None) -> "Deferred[Registration]":
        """Keep a registration under its id, in the place of an earlier one.

        :param if_match: an ETag, or "*": there must be an earlier one, with this ETag. None: create it if
            need be, if the id was given out.
        """

    def import_registrations(
        registrations: Sequence[Registration],
    ) -> "Deferred[list[Registration | Refusal]]":
        """Keep many registrations, each under its id, whether that was given out or not, or a new one.

        Of two with the same id the later counts, and one that is there already is replaced: the same import
        may be repeated. Fires with each as it is kept, or with what refuses it; the others are kept then.
        """

    def registration(registration_id: str) -> "Deferred[Registration]":
        """The registration with this id."""

    def delete_registration(registration_id: str, if_match: str | None = None) -> "Deferred[None]":
        """Delete a registration; `if_match` as for `put_registration`."""

    def registrations(query: RegistrationQuery) -> "Deferred[RegistrationPage]":
        """Some registrations, in the order in which they came; those of installations too."""

    def put_installation(installation: Installation) -> "Deferred[None]":
        """Keep an installation, in the place of the one that has its id."""

    def patch_installation(installation_id: str, operations: Sequence[PatchOperation]) -> "Deferred[None]":
        """Change parts of an installation, all or none."""

    def installation(installation_id: str) -> "Deferred[Installation]":
        """The installation with this id."""

    def delete_installation(installation_id: str) -> "Deferred[None]":
        """Delete an installation, if there is one."""

    def send(request: SendRequest) -> "Deferred[Send]":
        """Accept a send; fires once it is kept."""

    def test_send(request: SendRequest) -> "Deferred[SendTestOutcome]":
        """Send to ten devices at most, and fire when each has its outcome, or after a minute at most."""

    def cancel(send_id: str) -> "Deferred[bool]":
        """Cancel a scheduled send; False when it has begun already."""

    def details(send_id: str) -> "Deferred[SendDetails]":
        """The state of a send, and its outcomes so far."""

    def sends(scheduled: bool, limit: int) -> "Deferred[list[Send]]":
        """The sends that came last, or those that are scheduled next."""

    def feedback(
        send_id: str | None, day: str | None, after: int, limit: int
    ) -> "Deferred[list[PnsFeedback]]":
        """Entries behind a position, of one send or of one day (``MMDDYYYY``, UTC) or all."""

    def feedback_days() -> "Deferred[list[str]]":
        """The days of which there are entries, ``MMDDYYYY``, UTC."""

    def submit_job(request: JobRequest) -> "Deferred[Job]":
        """Begin a job; fires once it is kept."""

    def job(job_id: str) -> "Deferred[Job]":
        """The job with this id."""

    def jobs() -> "Deferred[list[Job]]":
        """All jobs of the last days, the latest first."""

    def count(expression: str | None) -> "Deferred[dict[str, int]]":
        """How many registrations a tag expression finds, by platform; None counts all."""

    def tags(after: str, limit: int) -> "Deferred[list[tuple[str, int]]]":
        """Tags in their order behind one, each with the number of its registrations."""

    def stats() -> dict[str, Any]:
        """Counts for metrics and for operators, ready for JSON."""
