"""Huawei's Push Kit (HMS), on Twisted."""

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
from pushgate.protocols.hms.rules import HMS_RULES
from pushgate.protocols.hms.service import HOST, HmsService
from pushgate.upstreams.common.diagnosis.http_service import diagnose_service, secret_plan
from pushgate.upstreams.common.diagnosis.request import Impossible
from pushgate.upstreams.common.http_push.client_credentials import access_token, read_secret
from pushgate.upstreams.common.http_push.server import Server, server_at
from pushgate.upstreams.common.http_push.settings import HTTPPushTable, HTTPSAddress
from pushgate.upstreams.common.http_push.upstream import HTTPPushUpstream

TOKENS: Final = "https://oauth-login.cloud.huawei.com/oauth2/v3/token"
"""Huawei's token service."""
_IMPOSSIBLE: Final = Impossible(
    b"impossible", b'{"data":1}', frozenset({"80100001", "80100003", "80300002", "80300007"})
)


class HmsTable(HTTPPushTable):
    """One app of Huawei's.

    :param app_id: its client id.
    :param app_secret_file: holds its client secret in one line.
    :param token_url: where access tokens come from.
    """

    RULES = HMS_RULES
    app_id: str = Field(min_length=1, max_length=255)
    app_secret_file: FilePath
    host: HostName = HOST
    token_url: HTTPSAddress = TOKENS
    connections: int = Field(default=8, ge=1, le=64)
    max_payload: int = Field(default=4096, ge=1, le=HMS_RULES.max_payload)

    def files(self) -> dict[str, Path]:
        return self.given("app_secret_file", "trust")


def _server(app: str, config: HmsTable, context: Context) -> Server:
    trust, secret = read_secret(app, config, "app_secret_file")
    tokens = access_token(app, config.token_url, (config.app_id, secret), "", trust, context, config.proxy)
    service = partial(HmsService, config.app_id)
    return server_at(config, trust, service, tokens, f"apps.{app}.app_secret_file", context)


def _upstream(app: str, config: HmsTable, work: IWork, context: Context) -> HTTPPushUpstream:
    return HTTPPushUpstream(app, config, _server(app, config, context), work, context)


def _diagnose(app: str, config: HmsTable, examination: Examination) -> AsyncIterator[Finding]:
    server = partial(_server, app, config, examination.context)
    plan = secret_plan(config, "app_secret_file", server, _IMPOSSIBLE, config.token_url)
    return diagnose_service(app, config, examination, plan)


plug_in = HmsTable, _upstream, _diagnose
