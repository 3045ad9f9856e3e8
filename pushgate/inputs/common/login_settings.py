"""The keys of inputs whose callers log in with a secret."""

from pydantic import Field

from pushgate.inputs.common.login_throttle import LIMIT
from pushgate.plugin.settings import ListeningTable


class LoginTable(ListeningTable):
    """The keys of every input with logins.

    :param login_failures: after so many failed logins of one address, without 15 minutes between two of them,
        each further one ends its connection; 0: no limit.
    """

    login_failures: int = Field(default=LIMIT, ge=0)
