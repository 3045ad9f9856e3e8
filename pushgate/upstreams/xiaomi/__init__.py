"""Xiaomi's Mi Push, on Twisted."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Final

from pydantic import Field

from pushgate.model.finding import Finding
from pushgate.plugin.context import Context
from pushgate.plugin.examination import Examination
from pushgate.plugin.settings import FilePath, HostName
from pushgate.plugin.upstream_interface import IWork
from pushgate.protocols.xiaomi.rules import XIAOMI_RULES
from pushgate.protocols.xiaomi.service import HOST, XiaomiService
from pushgate.upstreams.common.diagnosis.http_service import diagnose_service, secret_plan
from pushgate.upstreams.common.diagnosis.request import Impossible
from pushgate.upstreams.common.http_push.authorization import NoToken
from pushgate.upstreams.common.http_push.client_credentials import read_secret
from pushgate.upstreams.common.http_push.server import Server, server_at
from pushgate.upstreams.common.http_push.settings import HTTPPushTable
from pushgate.upstreams.common.http_push.upstream import HTTPPushUpstream

_IMPOSSIBLE: Final = Impossible(
    b"impossible", b"{}", frozenset({"10008", "10012", "10016", "10017", "20301", "22022"})
)


class XiaomiTable(HTTPPushTable):
    """One app of Xiaomi's.

    :param app_secret_file: holds the app's secret in one line.
    :param package: the name of the app's package, for payloads that do not say.
    """

    RULES = XIAOMI_RULES
    app_secret_file: FilePath
    package: str = Field(default="", max_length=255)
    host: HostName = HOST
    connections: int = Field(default=8, ge=1, le=64)
    max_payload: int = Field(default=4096, ge=1, le=XIAOMI_RULES.max_payload)

    def files(self) -> dict[str, Path]:
        return self.given("app_secret_file", "trust")


def _server(app: str, config: XiaomiTable, context: Context) -> Server:
    trust, secret = read_secret(app, config, "app_secret_file")
    authorization = NoToken(((b"authorization", f"key={secret}".encode()),))
    service = partial(XiaomiService, config.package)
    return server_at(config, trust, service, authorization, f"apps.{app}.app_secret_file", context)


def _upstream(app: str, config: XiaomiTable, work: IWork, context: Context) -> HTTPPushUpstream:
    return HTTPPushUpstream(app, config, _server(app, config, context), work, context)


def _diagnose(app: str, config: XiaomiTable, examination: Examination) -> AsyncIterator[Finding]:
    server = partial(_server, app, config, examination.context)
    plan = secret_plan(config, "app_secret_file", server, _IMPOSSIBLE)
    return diagnose_service(app, config, examination, plan)


plug_in = XiaomiTable, _upstream, _diagnose
