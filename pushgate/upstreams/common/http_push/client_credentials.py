"""Access tokens for an id and a secret: OAuth's client credentials (RFC 6749 4.4)."""

from typing import Any

from pushgate.model.text_file import secret_in
from pushgate.net.table_files import TableFiles
from pushgate.plugin.context import Context
from pushgate.protocols.oauth import client_credentials
from pushgate.upstreams.common.http_push.access_token import AccessToken
from pushgate.upstreams.common.http_push.settings import HTTPPushTable
from pushgate.upstreams.common.http_push.token_service import TokenService


def read_secret(app: str, table: HTTPPushTable, key: str) -> tuple[Any, str]:
    """Read the files of an app that has a secret: whom to trust, and the secret.

    :param key: of the secret's file.
    :raises CannotStart: with a line for each file that cannot be used.
    """
    files = TableFiles(f"apps.{app}")
    trust = files.trust(table.trust)
    secret = files.parsed(key, getattr(table, key), secret_in)
    files.check()
    assert secret is not None
    return trust, secret.decode("utf-8", "replace")


def access_token(
    app: str,
    url: str,
    credential: tuple[str, str],
    scope: str,
    trust: Any,
    context: Context,
    proxy: str | None = None,
) -> AccessToken:
    """The access token of an id and a secret.

    :param url: of the token service.
    :param credential: id and secret.
    :param scope: "" for none.
    """
    form = client_credentials(*credential, scope)
    return AccessToken(app, TokenService(url, trust, lambda _: form, context, proxy).fetch, context.wall)
