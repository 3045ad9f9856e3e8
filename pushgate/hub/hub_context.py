"""What the parts of one hub share: its name and configuration, its database, and the gateway it sends by."""

from collections.abc import Mapping, Sequence

from pushgate.hub.settings import HubTable
from pushgate.hub.store.interface import IDatabase
from pushgate.model.errors import Invalid
from pushgate.model.hub.platform import Platform
from pushgate.model.metrics import Metrics
from pushgate.plugin.interfaces import Context, IGateway


class HubContext:
    """See the module.

    :param owner: the id of this gateway, among those that share the database.
    :ivar table: the configuration; a reload puts another one in its place.
    """

    def __init__(
        self,
        name: str,
        table: HubTable,
        database: IDatabase,
        gateway: IGateway,
        context: Context,
        owner: str,
    ) -> None:
        self.name, self.table, self.database, self.gateway = name, table, database, gateway
        self.clock, self.wall, self.jitter = context.reactor, context.wall, context.jitter
        self.metrics: Metrics = context.metrics
        self.owner = owner

    @property
    def input_name(self) -> str:
        """What the gateway calls the hub, as the input of its notifications and as a sink."""
        return f"hubs.{self.name}"

    def app(self, platform: Platform) -> str:
        """The app that sends to a platform.

        :raises Invalid: there is none.
        """
        apps = self.table.apps()
        if platform not in apps:
            have = ", ".join(sorted(apps)) or "none"
            raise Invalid("platform", f"{platform} has no app in this hub", f"one that has: {have}")
        return apps[platform]

    def platforms(self) -> Mapping[str, Sequence[Platform]]:
        """The platforms that each app sends to; apps that are not there any more are left out."""
        found: dict[str, list[Platform]] = {}
        for platform, app in self.table.apps().items():
            if self.gateway.has_app(app):
                found.setdefault(app, []).append(platform)
        return found
