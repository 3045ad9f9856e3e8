"""What may be wrong with an app on Web Push. See `IDiagnosable`."""

from collections.abc import AsyncIterator
from typing import Final

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pushgate.model.finding import Finding
from pushgate.net.diagnosis.files import FileChecks
from pushgate.net.table_files import TableFiles
from pushgate.plugin.examination import Examination
from pushgate.protocols.webpush.vapid import parse_key, public_text
from pushgate.upstreams.common.credentials import Credentials
from pushgate.upstreams.common.diagnosis.routed import reach_hosts
from pushgate.upstreams.common.http_push.server import BOTH
from pushgate.upstreams.webpush.settings import WebPushTable

SERVICES: Final = ("fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com")
"""Where subscriptions of Chrome, Firefox and Safari lead."""
_ADVICE: Final = "make one: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"


async def diagnose(_: str, config: WebPushTable, examination: Examination) -> AsyncIterator[Finding]:
    """The findings. Nothing is sent: only a browser's subscription says where, and for which key."""
    checks = FileChecks(examination.wall())
    key = checks.parsed("vapid_key_file", config.vapid_key_file, parse_key, _kind)
    if key is not None:
        checks.well("vapid-key", f"vapid_key_file: the applicationServerKey of pages is {public_text(key)}")
    checks.trust(config.trust)
    for each in checks.findings:
        yield each
    if not examination.offline and checks.are_good:
        tls = Credentials(TableFiles("").trust(config.trust), protocols=BOTH)
        async for each in reach_hosts(config, tls, SERVICES, examination):
            yield each


def _kind(data: bytes) -> tuple[str, str]:
    """What fails with a file that holds no key for VAPID."""
    try:
        load_pem_private_key(data, None)
    except Exception:  # noqa: BLE001 - what is no key fails in many ways
        return "vapid-key-form", _ADVICE
    return "vapid-key-curve", _ADVICE
