"""Amazon Device Messaging, on Twisted."""

from typing import Final

from pydantic import Field

from pushgate.plugin.interfaces import Context, IWork
from pushgate.plugin.settings import HostName
from pushgate.protocols.adm.rules import ADM_RULES, MAX_PAYLOAD
from pushgate.protocols.adm.service import HOST, AdmService
from pushgate.upstreams.common.http_push.client_credentials import access_token, read_secret
from pushgate.upstreams.common.http_push.server import server_at
from pushgate.upstreams.common.http_push.settings import HTTPSAddress, SecretTable
from pushgate.upstreams.common.http_push.upstream import HTTPPushUpstream

TOKENS: Final = f"https://{HOST}/auth/O2/token"
"""Amazon's token service."""


class AdmTable(SecretTable):
    """One security profile of Amazon's; see `SecretTable`."""

    RULES = ADM_RULES
    host: HostName = HOST
    token_url: HTTPSAddress = TOKENS
    connections: int = Field(default=8, ge=1, le=64)
    max_payload: int = Field(default=MAX_PAYLOAD, ge=1, le=MAX_PAYLOAD)


def _upstream(app: str, config: AdmTable, work: IWork, context: Context) -> HTTPPushUpstream:
    trust, secret = read_secret(app, config, "client_secret_file")
    credential = config.client_id, secret
    tokens = access_token(app, config.token_url, credential, "messaging:push", trust, context, config.proxy)
    server = server_at(config, trust, AdmService, tokens, f"apps.{app}.client_secret_file", context)
    return HTTPPushUpstream(app, config, server, work, context)


plug_in = AdmTable, _upstream
