"""Huawei's service, as one app reaches it."""

from functools import partial

from pushgate.net.table_files import TableFiles
from pushgate.plugin.context import Context
from pushgate.protocols.hms.reasons import TOO_OLD
from pushgate.protocols.hms.service import HarmonyService, HmsService
from pushgate.protocols.hms.service_account import AGES, SCHEME, parse_account, signed
from pushgate.protocols.http_push.token_clock import TokenClock
from pushgate.upstreams.common.http_push.client_credentials import access_token, read_secret
from pushgate.upstreams.common.http_push.renewed_tokens import RenewedTokens
from pushgate.upstreams.common.http_push.server import Server, server_at
from pushgate.upstreams.hms.settings import HmsTable


def hms_server(app: str, config: HmsTable, context: Context) -> Server:
    """Reads the files of the table; raises `CannotStart`."""
    make = _android if config.service_account_file is None else _harmony
    return make(app, config, context)


def _android(app: str, config: HmsTable, context: Context) -> Server:
    """Version 1, whose access tokens are had for an id and a secret."""
    assert config.app_id is not None
    trust, secret = read_secret(app, config, "app_secret_file")
    tokens = access_token(app, config.token_url, (config.app_id, secret), "", trust, context, config.proxy)
    service = partial(HmsService, config.app_id)
    return server_at(config, trust, service, tokens, f"apps.{app}.app_secret_file", context)


def _harmony(app: str, config: HmsTable, context: Context) -> Server:
    """Version 3, whose tokens are signed here."""
    assert config.service_account_file is not None
    files = TableFiles(f"apps.{app}")
    trust = files.trust(config.trust)
    account = files.parsed("service_account_file", config.service_account_file, parse_account)
    files.check()
    assert account is not None
    tokens = RenewedTokens(TokenClock(partial(signed, account), AGES, SCHEME), TOO_OLD)
    service = partial(HarmonyService, account.project)
    return server_at(config, trust, service, tokens, f"apps.{app}.service_account_file", context)
