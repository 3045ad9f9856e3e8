"""Baidu Cloud Push, on Twisted."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from pushgate.model.finding import Finding
from pushgate.plugin.context import Context
from pushgate.plugin.examination import Examination
from pushgate.plugin.settings import FilePath, HostName
from pushgate.plugin.upstream_interface import IWork
from pushgate.protocols.baidu.rules import BAIDU_RULES
from pushgate.protocols.baidu.service import ANDROID, HOST, IOS, BaiduService
from pushgate.upstreams.common.diagnosis.http_service import diagnose_service, secret_plan
from pushgate.upstreams.common.diagnosis.request import Impossible
from pushgate.upstreams.common.http_push.authorization import NoToken
from pushgate.upstreams.common.http_push.client_credentials import read_secret
from pushgate.upstreams.common.http_push.server import Server, server_at
from pushgate.upstreams.common.http_push.settings import HTTPPushTable
from pushgate.upstreams.common.http_push.upstream import HTTPPushUpstream

_IMPOSSIBLE: Final = Impossible(b"impossible", b"", frozenset({"30602", "30605", "30608"}))
_DEPLOYED: Final = {"": 0, "development": 1, "production": 2}


class BaiduTable(HTTPPushTable):
    """One app of Baidu's.

    :param secret_file: holds the app's secret key in one line; it signs each request.
    :param devices: which devices its targets are.
    :param environment: of an app for iOS.
    """

    RULES = BAIDU_RULES
    api_key: str = Field(min_length=1, max_length=255)
    secret_file: FilePath
    devices: Literal["android", "ios"] = "android"
    environment: Literal["", "development", "production"] = ""
    host: HostName = HOST
    connections: int = Field(default=8, ge=1, le=64)
    max_payload: int = Field(default=4096, ge=1, le=BAIDU_RULES.max_payload)

    def files(self) -> dict[str, Path]:
        return self.given("secret_file", "trust")


def _server(app: str, config: BaiduTable, context: Context) -> Server:
    trust, secret = read_secret(app, config, "secret_file")
    service = partial(
        BaiduService,
        config.api_key,
        secret,
        context.wall,
        device_type=IOS if config.devices == "ios" else ANDROID,
        deploy_status=_DEPLOYED[config.environment],
    )
    return server_at(config, trust, service, NoToken(), f"apps.{app}.secret_file", context)


def _upstream(app: str, config: BaiduTable, work: IWork, context: Context) -> HTTPPushUpstream:
    return HTTPPushUpstream(app, config, _server(app, config, context), work, context)


def _diagnose(app: str, config: BaiduTable, examination: Examination) -> AsyncIterator[Finding]:
    server = partial(_server, app, config, examination.context)
    plan = secret_plan(config, "secret_file", server, _IMPOSSIBLE)
    return diagnose_service(app, config, examination, plan)


plug_in = BaiduTable, _upstream, _diagnose
