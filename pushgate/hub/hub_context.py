"""What the parts of one hub share: its name and configuration, its database, and the gateway it sends by."""

from collections.abc import Mapping, Sequence

from pushgate.database.interface import IDatabase
from pushgate.hub.settings import HubTable
from pushgate.model.errors import Invalid
from pushgate.model.hub.platform import Platform
from pushgate.model.metrics import Metrics
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway


class HubContext:
    """See the module.

    :param owner: the id of this gateway, among those that share the database.
    :ivar table: the configuration.
    :ivar apps: its apps, by platform.
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
        self.name, self.database, self.gateway = name, database, gateway
        self.use(table)
        self.clock, self.wall, self.jitter = context.reactor, context.wall, context.jitter
        self.metrics: Metrics = context.metrics
        self.owner = owner

    def use(self, table: HubTable) -> None:
        """Go on with another configuration."""
        self.table, self.apps = table, table.apps()

    @property
    def input_name(self) -> str:
        """What the gateway calls the hub, as the input of its notifications and as a sink."""
        return f"hubs.{self.name}"

    def app(self, platform: Platform) -> str:
        """The app that sends to a platform.

        :raises Invalid: there is none.
        """
        if platform not in self.apps:
            have = ", ".join(sorted(self.apps)) or "none"
            raise Invalid("platform", f"{platform} has no app in this hub", f"one that has: {have}")
        return self.apps[platform]

    def platforms(self) -> Mapping[str, Sequence[Platform]]:
        """The platforms that each app sends to; apps that are not there any more are left out."""
        found: dict[str, list[Platform]] = {}
        for platform, app in self.apps.items():
            if self.gateway.has_app(app):
                found.setdefault(app, []).append(platform)
        return found
