"""The signature of a request: MD5 over method, address, fields in order and the secret, percent-encoded.

Baidu's "Signature algorithm" of REST 3.0. Its encoding is that of PHP's ``urlencode``.
"""

import hashlib
from collections.abc import Mapping
from urllib.parse import quote_plus


def encoded(text: str) -> str:
    """A text as it stands in a form: all but letters, digits and ``-._`` escaped, blanks as ``+``."""
    return quote_plus(text, safe="").replace("~", "%7E")


def form(fields: Mapping[str, str]) -> bytes:
    """The body of a request."""
    return "&".join(f"{encoded(name)}={encoded(value)}" for name, value in fields.items()).encode()


def sign(method: str, url: str, fields: Mapping[str, str], secret: str) -> str:
    """The value of the field ``sign``, in hex.

    :param url: without a query.
    :param fields: all others.
    """
    text = method + url + "".join(f"{name}={fields[name]}" for name in sorted(fields)) + secret
    return hashlib.md5(encoded(text).encode(), usedforsecurity=False).hexdigest()
