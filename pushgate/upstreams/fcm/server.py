"""Google's service, as one app reaches it."""

from pushgate.net.table_files import TableFiles
from pushgate.plugin.context import Context
from pushgate.protocols.fcm.assertion import assertion, parse_account
from pushgate.protocols.fcm.requests import FcmRequests
from pushgate.protocols.fcm.service import FcmService
from pushgate.protocols.oauth import jwt_bearer
from pushgate.upstreams.common.http_push.access_token import AccessToken
from pushgate.upstreams.common.http_push.server import Server, server_at
from pushgate.upstreams.common.http_push.token_service import TokenService
from pushgate.upstreams.fcm.settings import FcmTable


def fcm_server(app: str, config: FcmTable, context: Context, is_checked_only: bool = False) -> Server:
    """Reads the files of the table; raises `CannotStart`.

    :param is_checked_only: messages are checked by the service and sent to no device.
    """
    files = TableFiles(f"apps.{app}")
    trust = files.trust(config.trust)
    account = files.parsed("service_account_file", config.service_account_file, parse_account)
    files.check()
    assert account is not None
    tokens = TokenService(
        account.token_uri,
        trust,
        lambda wall: jwt_bearer(assertion(account, int(wall))),
        context,
        config.proxy,
    )
    requests = FcmRequests(config.project or account.project, config.validate_only or is_checked_only)
    return server_at(
        config,
        trust,
        lambda authority: FcmService(authority, requests, config.message_ids),
        AccessToken(app, tokens.fetch, context.wall),
        f"apps.{app}.service_account_file",
        context,
    )
