"""One app on MPNS: a route for each host of its channels."""

from pushgate.net.table_files import TableFiles
from pushgate.plugin.context import Context
from pushgate.plugin.upstream_interface import IWork
from pushgate.protocols.http_push.origin import Origin
from pushgate.protocols.mpns.channel import channel_rules
from pushgate.protocols.mpns.rules import mpns_rules
from pushgate.protocols.mpns.service import MpnsService
from pushgate.upstreams.common.connect import endpoint
from pushgate.upstreams.common.credentials import Credentials, of_identity
from pushgate.upstreams.common.http_push.authorization import NoToken
from pushgate.upstreams.common.http_push.channel_upstream import ChannelUpstream
from pushgate.upstreams.common.http_push.server import OLD, Server
from pushgate.upstreams.mpns.settings import MpnsTable


def mpns_upstream(app: str, table: MpnsTable, work: IWork, context: Context) -> ChannelUpstream:
    """Its requests go over TLS, also where a channel URI says ``http``: its host answers there, too."""
    tls, hosts = credentials(app, table), tuple(table.allow_hosts)
    channels = channel_rules(hosts)

    def server(origin: Origin) -> Server:
        return Server(
            where=origin.authority,
            endpoint=endpoint(origin.host, origin.port, tls, context.reactor, table.proxy),
            tls=tls,
            service=MpnsService(origin.authority, channels=channels),
            authorization=NoToken(),
            key=f"apps.{app}.certificate",
        )

    return ChannelUpstream(app, table, channels, mpns_rules(hosts), server, work, context)


def credentials(app: str, table: MpnsTable) -> Credentials:
    """What is shown to the service; raises `CannotStart`."""
    files = TableFiles(f"apps.{app}")
    trust, identity = files.trust(table.trust), None
    if table.certificate is not None:
        identity = files.identity(table.certificate, table.private_key, table.password_file)
    files.check()
    return Credentials(trust, protocols=OLD) if identity is None else of_identity(identity, trust, OLD)
