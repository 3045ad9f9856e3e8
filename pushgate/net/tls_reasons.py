"""What OpenSSL says of a connection that failed."""

from typing import Final

from OpenSSL import SSL
from twisted.python.failure import Failure

NOT_VERIFIED: Final = "certificate verify failed"
"""OpenSSL's words for a certificate that no trusted authority has signed, or that is out of date."""


def tls_reasons(failure: Failure) -> list[str]:
    """OpenSSL's own texts; none when it is no failure of TLS.

    An `SSL.Error` holds tuples of library, function and reason.
    """
    if failure.check(SSL.Error) is None or failure.value is None:
        return []
    entries = failure.value.args[0] if failure.value.args else ()
    return [entry[-1] for entry in entries if isinstance(entry, tuple)] if isinstance(entries, list) else []
