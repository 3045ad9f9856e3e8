"""Baidu Cloud Push, on Twisted."""

from functools import partial
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from pushgate.plugin.interfaces import Context, IWork
from pushgate.plugin.settings import FilePath, HostName
from pushgate.protocols.baidu.rules import BAIDU_RULES
from pushgate.protocols.baidu.service import ANDROID, HOST, IOS, BaiduService
from pushgate.upstreams.common.http_push.authorization import NoToken
from pushgate.upstreams.common.http_push.client_credentials import read_secret
from pushgate.upstreams.common.http_push.server import server_at
from pushgate.upstreams.common.http_push.settings import HTTPPushTable
from pushgate.upstreams.common.http_push.upstream import HTTPPushUpstream

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


def _upstream(app: str, config: BaiduTable, work: IWork, context: Context) -> HTTPPushUpstream:
    trust, secret = read_secret(app, config, "secret_file")
    service = partial(
        BaiduService,
        config.api_key,
        secret,
        context.wall,
        device_type=IOS if config.devices == "ios" else ANDROID,
        deploy_status=_DEPLOYED[config.environment],
    )
    server = server_at(config, trust, service, NoToken(), f"apps.{app}.secret_file", context)
    return HTTPPushUpstream(app, config, server, work, context)


plug_in = BaiduTable, _upstream
