"""The registrations of a hub, as its jobs change and read them."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from pushgate.database.interface import Session
from pushgate.hub.registry import Registry
from pushgate.hub.store import registration_queries, registrations
from pushgate.model.errors import Refusal
from pushgate.model.hub.job import JobType
from pushgate.model.hub.registration import Registration, RegistrationPage, RegistrationQuery


class HubRegistrar:
    """See `Registrar`."""

    log = Logger()

    def __init__(self, hub: str, registry: Registry) -> None:
        self._hub, self._registry = hub, registry

    def apply(self, session: Session, kind: JobType, registration: Registration) -> str:
        if kind is JobType.DELETE:
            registrations.delete(session, registration.id, None)
            return registration.id
        checked = self._registry.check(registration)
        if kind is JobType.CREATE:
            return registrations.create(session, checked).id
        if kind is JobType.UPDATE:
            return registrations.put(session, checked, "*").id
        return registrations.import_many(session, [checked])[0].id

    def page(self, session: Session, after: str, limit: int) -> RegistrationPage:
        return registration_queries.page(session, RegistrationQuery(top=limit, after=after))

    def total(self, session: Session) -> int:
        return registration_queries.total(session)

    def applied(self, kind: JobType, kept: Sequence[Registration]) -> "Deferred[None]":
        return Deferred.fromCoroutine(self._applied(kind, kept))

    async def _applied(self, kind: JobType, kept: Sequence[Registration]) -> None:
        names = {JobType.CREATE: "create", JobType.DELETE: "delete"}
        self._registry.count(names.get(kind, "update"), len(kept))
        if kind is JobType.DELETE:
            return
        try:
            await self._registry.alive([self._registry.check(each) for each in kept])
        except Refusal:
            self.log.failure("hub {hub}: handles of a job count as dead still", hub=self._hub)
