"""What jobs need of the registrations of a hub."""

from collections.abc import Sequence
from typing import Protocol

from twisted.internet.defer import Deferred

from pushgate.database.interface import Session
from pushgate.model.hub.job import JobType
from pushgate.model.hub.registration import Registration, RegistrationPage


class Registrar(Protocol):
    """Changes and reads registrations. All but `applied` run in a thread of the database."""

    def apply(self, session: Session, kind: JobType, registration: Registration) -> str:
        """Do with a registration what an import of this kind does; return its id.

        :raises Refusal: it is not done, and nothing was changed.
        """

    def page(self, session: Session, after: str, limit: int) -> RegistrationPage:
        """Registrations behind the end of an earlier page, "" for the first ones; installations' too."""

    def total(self, session: Session) -> int:
        """How many there are; a guess is good enough."""

    def applied(self, kind: JobType, registrations: Sequence[Registration]) -> "Deferred[None]":
        """Called in the reactor's thread once changes are safe, with the registrations as they were given."""
