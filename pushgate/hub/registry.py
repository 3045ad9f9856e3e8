"""The registrations and installations of a hub: checked, kept, and their handles alive again."""

from collections.abc import Sequence

from msgspec.structs import replace
from twisted.logger import Logger

from pushgate.database.interface import Session
from pushgate.hub.hub_context import HubContext
from pushgate.hub.registration_rules import check_installation, check_registration
from pushgate.hub.store import installations, registration_queries, registrations
from pushgate.model.errors import Invalid, Refusal, ShuttingDown
from pushgate.model.hub.installation import Installation
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration, RegistrationPage, RegistrationQuery
from pushgate.plugin.hub_interface import PatchOperation
from pushgate.protocols.notification_hubs.json_patch import apply


class Registry:
    """What a hub keeps of its devices."""

    log = Logger()

    def __init__(self, hub: HubContext) -> None:
        self._hub, self._database, self._gateway = hub, hub.database, hub.gateway

    async def create_id(self) -> str:
        """Give out an id."""
        made: str = await self._database.write(registrations.give_id)
        return made

    async def create(self, registration: Registration) -> Registration:
        """Keep a new registration."""
        checked = self.check(registration)
        made: Registration = await self._database.write_together(registrations.create_many, checked)
        self.count("create")
        await self.alive([made])
        return made

    async def put(self, registration: Registration, if_match: str | None) -> Registration:
        """Keep a registration in the place of an earlier one."""
        checked = self.check(registration)
        made: Registration = await self._database.write_together(registrations.put_many, (checked, if_match))
        self.count("update")
        await self.alive([made])
        return made

    async def import_many(self, given: Sequence[Registration]) -> list[Registration | Refusal]:
        """Keep many registrations under the ids that they have; see `IHub.import_registrations`."""
        checked = [self._checked(each) for each in given]
        good = [each for each in checked if isinstance(each, Registration)]
        kept: list[Registration | Refusal] = await self._database.write(_import, good) if good else []
        made = [each for each in kept if isinstance(each, Registration)]
        self.count("update", len(made))
        await self.alive(made)
        results = iter(kept)
        return [next(results) if isinstance(each, Registration) else each for each in checked]

    def _checked(self, registration: Registration) -> Registration | Refusal:
        try:
            return self.check(registration)
        except Refusal as error:
            return error

    async def find(self, registration_id: str) -> Registration:
        """The registration with this id."""
        found: Registration = await self._database.read(registrations.get, registration_id)
        self.count("get")
        return found

    async def delete(self, registration_id: str, if_match: str | None) -> None:
        """Delete a registration."""
        await self._database.write(registrations.delete, registration_id, if_match)
        self.count("delete")

    async def page(self, query: RegistrationQuery) -> RegistrationPage:
        """Some registrations."""
        found: RegistrationPage = await self._database.read(registration_queries.page, query)
        self.count("get")
        return found

    async def put_installation(self, installation: Installation) -> None:
        """Keep an installation."""
        await self._database.write(installations.put, self.check_installation(installation))
        self.count("update")
        await self._forget(installation.platform, [installation.handle])

    async def patch_installation(self, installation_id: str, operations: Sequence[PatchOperation]) -> None:
        """Change parts of an installation, all or none."""

        def change(installation: Installation) -> Installation:
            return self.check_installation(apply(installation, operations))

        changed: Installation = await self._database.write(installations.change, installation_id, change)
        self.count("update")
        await self._forget(changed.platform, [changed.handle])

    async def installation(self, installation_id: str) -> Installation:
        """The installation with this id."""
        found: Installation = await self._database.read(installations.get, installation_id)
        self.count("get")
        return found

    async def delete_installation(self, installation_id: str) -> None:
        """Delete an installation, if there is one."""
        await self._database.write(installations.delete, installation_id)
        self.count("delete")

    def check(self, registration: Registration) -> Registration:
        """Return a registration as it is kept.

        :raises Invalid: naming the field.
        :raises TooLarge: of a template.
        """
        checked = check_registration(registration, self._hub.table.max_tags)
        return replace(checked, handle=self._handle(checked.platform, checked.handle))

    def check_installation(self, installation: Installation) -> Installation:
        """Return an installation as it is kept. Raises as `check`."""
        checked = check_installation(installation, self._hub.table.max_tags)
        return replace(checked, handle=self._handle(checked.platform, checked.handle))

    def _handle(self, platform: Platform, handle: bytes) -> bytes:
        """A handle in its one form; by the rules of the app, if the platform has one here."""
        rules = self._gateway.rules(self._hub.app(platform))
        try:
            if not 1 <= len(handle) <= rules.max_target:
                raise Invalid("handle", f"{len(handle)} bytes", f"1 to {rules.max_target} bytes")
            if rules.check_target is not None:
                rules.check_target(handle)
        except Invalid as error:
            raise Invalid("handle", error.shape, error.rule) from None
        return handle if rules.canonical is None else rules.canonical(handle)

    async def alive(self, kept: Sequence[Registration]) -> None:
        """Have the gateway forget that the handles of registrations were dead."""
        by_platform: dict[Platform, list[bytes]] = {}
        for registration in kept:
            by_platform.setdefault(registration.platform, []).append(registration.handle)
        for platform, handles in by_platform.items():
            await self._forget(platform, handles)

    async def _forget(self, platform: Platform, handles: Sequence[bytes]) -> None:
        """Have the gateway forget that handles were dead: devices have just given them."""
        app = self._hub.app(platform)
        dead = [handle for handle in handles if self._gateway.dead_token(app, handle) is not None]
        if dead:
            try:
                await self._gateway.forget(app, dead)
            except ShuttingDown:
                self.log.info(
                    "hub {hub}: stopping; {count} handles count as dead still",
                    hub=self._hub.name,
                    count=len(dead),
                )

    def count(self, operation: str, times: int = 1) -> None:
        """Count operations on registrations and installations."""
        self._hub.metrics.count("pushgate_hub_registrations_total", self._hub.name, operation, times=times)


def _import(session: Session, given: Sequence[Registration]) -> list[Registration | Refusal]:
    """Keep registrations, at once if that is possible: else one by one, when some may not be changed."""
    try:
        return list(registrations.import_many(session, given))
    except Invalid:
        return [_import_one(session, each) for each in given]


def _import_one(session: Session, given: Registration) -> Registration | Refusal:
    try:
        return registrations.import_many(session, [given])[0]
    except Invalid as error:
        return error
