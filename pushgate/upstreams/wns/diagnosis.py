"""What may be wrong with an app on WNS. See `IDiagnosable`."""

from collections.abc import AsyncIterator

from pushgate.model.finding import Finding
from pushgate.net.diagnosis.files import FileChecks
from pushgate.plugin.checks import guarded
from pushgate.plugin.examination import Examination
from pushgate.upstreams.common.credentials import Credentials
from pushgate.upstreams.common.diagnosis.access_token import obtain, token_place
from pushgate.upstreams.common.diagnosis.http_service import place_of, without_secrets
from pushgate.upstreams.common.diagnosis.routed import reach_hosts
from pushgate.upstreams.common.http_push.client_credentials import access_token, read_secret
from pushgate.upstreams.common.http_push.server import OLD
from pushgate.upstreams.wns.settings import WnsTable


async def diagnose(app: str, config: WnsTable, examination: Examination) -> AsyncIterator[Finding]:
    """The findings. Nothing is sent: only a device's channel says where."""
    checks = FileChecks(examination.wall())
    secret = checks.secret("client_secret_file", config.client_secret_file)
    checks.trust(config.trust)
    for each in checks.findings:
        yield each
    if not examination.offline and checks.are_good:
        async for each in guarded(_online(app, config, examination), examination):
            yield without_secrets(each, (secret or "",))


async def _online(app: str, config: WnsTable, examination: Examination) -> AsyncIterator[Finding]:
    trust, secret = read_secret(app, config, "client_secret_file")
    tls, url = Credentials(trust, protocols=OLD), config.tokens_from
    credential = config.client_id, secret
    tokens = access_token(app, url, credential, config.scope, trust, examination.context, config.proxy)
    async for each in obtain(tokens, token_place(url, place_of(config, tls)), examination, []):
        yield each
    async for each in reach_hosts(config, tls, (), examination):
        yield each
