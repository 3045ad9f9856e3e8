"""An upstream whose targets are channel URIs: a route for each host of them."""

from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from pushgate.model.notification import Delivery
from pushgate.model.notification_rules import NotificationRules
from pushgate.plugin.context import Context
from pushgate.plugin.upstream_interface import IDeclaresRules, IWork
from pushgate.protocols.http_push.channel_uri import ChannelRules
from pushgate.protocols.http_push.origin import Origin
from pushgate.upstreams.common.http_push.routed_upstream import RoutedUpstream
from pushgate.upstreams.common.http_push.server import Server
from pushgate.upstreams.common.http_push.settings import RoutedTable
from pushgate.upstreams.common.http_push.upstream import HTTPPushUpstream


@implementer(IDeclaresRules)
class ChannelUpstream(RoutedUpstream):
    """Everything goes to the table's `host`, if it has one.

    :param channels: which targets there are.
    :param server: makes the server of an origin.
    :ivar rules: what may be submitted for this app.
    """

    def __init__(
        self,
        app: str,
        table: RoutedTable,
        channels: ChannelRules,
        rules: NotificationRules,
        server: Callable[[Origin], Server],
        work: IWork,
        context: Context,
    ) -> None:
        self.rules = rules
        given = Origin(table.host, table.port) if table.host else None

        def origin_of(target: bytes) -> Origin:
            return given or channels.parse(target).origin

        def route(origin: Origin, work: Any) -> HTTPPushUpstream:
            return HTTPPushUpstream(app, table, server(origin), work, context)

        careful = table.delivery is Delivery.AT_MOST_ONCE
        super().__init__(origin_of, route, work, context, careful)
