"""Amazon Device Messaging, on Twisted."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Final

from pydantic import Field

from pushgate.model.finding import Finding
from pushgate.plugin.context import Context
from pushgate.plugin.examination import Examination
from pushgate.plugin.settings import HostName
from pushgate.plugin.upstream_interface import IWork
from pushgate.protocols.adm.rules import ADM_RULES, MAX_PAYLOAD
from pushgate.protocols.adm.service import HOST, AdmService
from pushgate.upstreams.common.diagnosis.http_service import diagnose_service, secret_plan
from pushgate.upstreams.common.diagnosis.request import Impossible
from pushgate.upstreams.common.http_push.client_credentials import access_token, read_secret
from pushgate.upstreams.common.http_push.server import Server, server_at
from pushgate.upstreams.common.http_push.settings import HTTPSAddress, SecretTable
from pushgate.upstreams.common.http_push.upstream import HTTPPushUpstream

TOKENS: Final = f"https://{HOST}/auth/O2/token"
"""Amazon's token service."""
_IMPOSSIBLE: Final = Impossible(
    b"impossible", b'{"data":{"a":1}}', frozenset({"InvalidRegistrationId", "InvalidData"})
)


class AdmTable(SecretTable):
    """One security profile of Amazon's; see `SecretTable`."""

    RULES = ADM_RULES
    host: HostName = HOST
    token_url: HTTPSAddress = TOKENS
    connections: int = Field(default=8, ge=1, le=64)
    max_payload: int = Field(default=MAX_PAYLOAD, ge=1, le=MAX_PAYLOAD)


def _server(app: str, config: AdmTable, context: Context) -> Server:
    trust, secret = read_secret(app, config, "client_secret_file")
    credential = config.client_id, secret
    tokens = access_token(app, config.token_url, credential, "messaging:push", trust, context, config.proxy)
    return server_at(config, trust, AdmService, tokens, f"apps.{app}.client_secret_file", context)


def _upstream(app: str, config: AdmTable, work: IWork, context: Context) -> HTTPPushUpstream:
    return HTTPPushUpstream(app, config, _server(app, config, context), work, context)


def _diagnose(app: str, config: AdmTable, examination: Examination) -> AsyncIterator[Finding]:
    server = partial(_server, app, config, examination.context)
    plan = secret_plan(config, "client_secret_file", server, _IMPOSSIBLE, config.token_url)
    return diagnose_service(app, config, examination, plan)


plug_in = AdmTable, _upstream, _diagnose
