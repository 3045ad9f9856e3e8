"""The client certificate of an app, read from its files."""

from pushgate.net.table_files import TableFiles
from pushgate.upstreams.common.credentials import Credentials, of_identity
from pushgate.upstreams.common.settings import ClientTlsTable


def load(app: str, table: ClientTlsTable) -> Credentials:
    """Read the files a configuration names.

    :raises CannotStart: with a line for each that cannot be used, which names app, key, file and reason.
    """
    files = TableFiles(f"apps.{app}")
    identity = files.identity(table.certificate, table.private_key, table.password_file)
    trust = files.trust(table.trust)
    files.check()
    assert identity is not None
    return of_identity(identity, trust)
