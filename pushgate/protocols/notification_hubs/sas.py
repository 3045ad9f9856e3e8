"""Shared access signatures: who signed a request, for which address, and until when.

``SharedAccessSignature sr=ADDRESS&sig=SIGNATURE&se=EXPIRY&skn=RULE``, the fields in any order. What is signed
is the address as it stands there, percent-encoded in any way, so it is never encoded anew.
"""

import hmac
import re
from base64 import b64encode
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import Final
from urllib.parse import quote, unquote, unquote_to_bytes

import msgspec

from pushgate.model.errors import Invalid

SCHEME: Final = "SharedAccessSignature"
RULE: Final = "SharedAccessSignature with the fields sr, sig, se and skn, each once"
MAX: Final = 8192
"""Characters of a header at most."""
_SECONDS: Final = re.compile("[0-9]{1,12}", re.ASCII).fullmatch
_ADDRESS: Final = re.compile(r"(?:[a-z]+://)?([^/?#]*)([^?#]*)").match
_USUAL_PORT: Final = ":443"


class Signature(msgspec.Struct, frozen=True):
    """What an ``Authorization`` header says.

    :param rule: the name of the rule whose key was used.
    :param address: what it is for, decoded and in lower case.
    :param expires_at: Unix seconds.
    :param signed: the bytes that the key signed.
    :param digest: their HMAC, in Base64.
    """

    rule: str
    address: str
    expires_at: int
    signed: bytes
    digest: bytes

    def is_by(self, keys: Iterable[bytes]) -> bool:
        """Whether one of these keys made it. All are tried, each in constant time."""
        return _made_by(tuple(keys), self.signed, self.digest)

    def covers(self, hosts: Iterable[str], path: str) -> bool:
        """Whether it is for this address, or for one above it.

        :param hosts: the names under which the server is reached, with their ports.
        :param path: as the request spells it, encoded, without its query.
        """
        found = _ADDRESS(self.address)
        assert found is not None  # it matches every text
        host, above = found[1].removesuffix(_USUAL_PORT), found[2].rstrip("/")
        if all(host != each.lower().removesuffix(_USUAL_PORT) for each in hosts):
            return False
        path = path.lower().rstrip("/")
        return path == above or path.startswith(f"{above}/") or unquote(path) == above


@lru_cache(maxsize=64)  # back ends send the same one until it expires, or for a second
def parse(header: str) -> Signature:
    """Read an ``Authorization`` header.

    :raises Invalid: it is no shared access signature.
    """
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != SCHEME.lower() or len(header) > MAX:
        raise Invalid("authorization", f"{len(header)} characters of another kind", RULE)
    fields: dict[str, str] = {}
    for field in rest.strip().split("&"):
        name, _, value = field.partition("=")
        if name in fields:
            raise Invalid("authorization", "a field given twice", RULE)
        fields[name] = value
    return _signature(fields)


@lru_cache(maxsize=64)  # as `parse`
def _made_by(keys: tuple[bytes, ...], signed: bytes, digest: bytes) -> bool:
    good = False
    for key in keys:
        good |= hmac.compare_digest(_digest(key, signed), digest)
    return good


def sign(address: str, key: bytes, expires_at: int, rule: str) -> str:
    """Make an ``Authorization`` header, as the .NET SDK does.

    :param address: a URL.
    :param expires_at: Unix seconds.
    """
    resource = re.sub("%..", lambda code: code[0].lower(), quote(address.lower(), safe=""))
    digest = _digest(key, f"{resource}\n{expires_at}".encode())
    signature = re.sub("%..", lambda code: code[0].lower(), quote(digest, safe=""))
    return f"{SCHEME} sr={resource}&sig={signature}&se={expires_at}&skn={quote(rule, safe='')}"


def _signature(fields: dict[str, str]) -> Signature:
    for name in ("sr", "sig", "se", "skn"):
        if not fields.get(name):
            raise Invalid("authorization", f"no {name}", RULE)
    resource, expiry = fields["sr"], fields["se"]
    if not _SECONDS(expiry):
        raise Invalid("authorization", f"se: text of {len(expiry)} characters", "Unix seconds")
    return Signature(
        rule=unquote(fields["skn"]),
        address=unquote(resource).lower(),
        expires_at=int(expiry),
        signed=f"{resource}\n{expiry}".encode("utf-8", "surrogateescape"),
        digest=unquote_to_bytes(fields["sig"]),
    )


def _digest(key: bytes, signed: bytes) -> bytes:
    return b64encode(hmac.digest(key, signed, sha256))
