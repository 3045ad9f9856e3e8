"""Access tokens for an id and a secret: OAuth's client credentials (RFC 6749 4.4)."""

from pathlib import Path
from typing import Any

from pushgate.model.text_file import secret_in
from pushgate.net.table_files import TableFiles
from pushgate.plugin.interfaces import Context
from pushgate.protocols.oauth import client_credentials
from pushgate.upstreams.common.http_push.access_token import AccessToken
from pushgate.upstreams.common.http_push.token_service import TokenService


def read_secret(files: TableFiles, key: str, path: Path) -> str | None:
    """The secret in a file of the configuration, None after a fault.

    :param key: of the file.
    """
    secret = files.parsed(key, path, secret_in)
    return None if secret is None else secret.decode("utf-8", "replace")


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
