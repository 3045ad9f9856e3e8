"""What may be wrong with an app on FCM. See `IDiagnosable`."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Final

import msgspec

from pushgate.model.finding import Finding
from pushgate.net.diagnosis.files import FileChecks
from pushgate.plugin.examination import Examination
from pushgate.protocols.fcm.assertion import parse_account
from pushgate.upstreams.common.diagnosis.http_service import FilesFound, Plan, diagnose_service
from pushgate.upstreams.common.diagnosis.request import Impossible
from pushgate.upstreams.fcm.server import fcm_server
from pushgate.upstreams.fcm.settings import FcmTable

_IMPOSSIBLE: Final = Impossible(
    b"impossible", b'{"data":{"from":"nobody"}}', frozenset({"INVALID_ARGUMENT", "UNREGISTERED"})
)
_ADVICE: Final = "take the JSON file as Google gave it: Project settings, Service accounts"


def diagnose(app: str, config: FcmTable, examination: Examination) -> AsyncIterator[Finding]:
    """The findings; the service is asked to check a message only, which could not be sent anyway."""
    server = partial(fcm_server, app, config, examination.context, True)
    plan = Plan(files=partial(_files, config), server=server, impossible=_IMPOSSIBLE)
    return diagnose_service(app, config, examination, plan)


def _files(config: FcmTable, checks: FileChecks) -> FilesFound:
    key, path = "service_account_file", config.service_account_file
    account = checks.parsed(key, path, parse_account, _kind)
    if account is None:
        return FilesFound()
    checks.well("service-account", f"{key}: {account.email}, of the project {account.project}")
    if config.project is not None and config.project != account.project:
        checks.warn(
            "service-account-project",
            f"project is {config.project}, and the service account is of {account.project}",
            "it may send only if it was given a role in the other project",
            "remove project, or give the service account the role there",
        )
    return FilesFound(token_url=account.token_uri)


def _kind(data: bytes) -> tuple[str, str]:
    """What fails with a file that holds no service account that can be used."""
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "service-account-json", _ADVICE
    if not isinstance(found, dict) or found.get("type") != "service_account":
        return "service-account-type", _ADVICE
    return ("service-account-key" if "private_key" in found else "service-account-fields"), _ADVICE
