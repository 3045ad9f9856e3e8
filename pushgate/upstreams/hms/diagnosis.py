"""What may be wrong with an app on Push Kit. See `IDiagnosable`."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from pushgate.model.finding import Finding
from pushgate.net.diagnosis.files import FileChecks
from pushgate.plugin.examination import Examination
from pushgate.protocols.hms.service_account import parse_account
from pushgate.upstreams.common.diagnosis.http_service import FilesFound, Plan, diagnose_service, secret_plan
from pushgate.upstreams.common.diagnosis.request import Impossible
from pushgate.upstreams.hms.server import hms_server
from pushgate.upstreams.hms.settings import HmsTable

_REFUSED: Final = frozenset({"80100001", "80100003", "80300002", "80300007"})
_ANDROID: Final = Impossible(b"impossible", b'{"data":1}', _REFUSED)
_HARMONY: Final = Impossible(b"impossible", b'{"payload":{"data":1}}', _REFUSED)
_ADVICE: Final = "take the JSON file as Huawei gave it: API Console, Credentials, Service account key"


def diagnose(app: str, config: HmsTable, examination: Examination) -> AsyncIterator[Finding]:
    """The findings, in either version."""
    server = partial(hms_server, app, config, examination.context)
    path = config.service_account_file
    if path is None:
        plan = secret_plan(config, "app_secret_file", server, _ANDROID, config.token_url)
    else:
        plan = Plan(files=partial(_files, path), server=server, impossible=_HARMONY)
    return diagnose_service(app, config, examination, plan)


def _files(path: Path, checks: FileChecks) -> FilesFound:
    account = checks.parsed("service_account_file", path, parse_account, _kind)
    if account is not None:
        what = f"service_account_file: {account.sub_account}, of the project {account.project}"
        checks.well("push-kit-account", what)
    return FilesFound()


def _kind(data: bytes) -> tuple[str, str]:
    """What fails with a file that holds no service account that can be used."""
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "push-kit-account-json", _ADVICE
    fields = {"project_id", "key_id", "sub_account", "private_key"}
    is_whole = isinstance(found, dict) and fields <= found.keys()
    return ("push-kit-account-key" if is_whole else "push-kit-account-fields"), _ADVICE
