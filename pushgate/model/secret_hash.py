"""Secrets as they are kept: salted hashes."""

import hmac
import re
from hashlib import sha256
from typing import Final, NamedTuple, Self

_HASHED: Final = re.compile(r"sha256:([0-9a-f]{32}):([0-9a-f]{64})")


class SecretHash(NamedTuple):
    """A secret as it is kept.

    One round of SHA-256, on purpose. A slow hash protects secrets that people make up, because those can be
    guessed; these are made by `pushgate secret` from 256 random bits, of which no noticeable part can be
    tried. A slow one would cost the reactor tens of milliseconds at each login and each request over HTTP,
    and let a peer with wrong secrets keep it busy. The salt hides that two files hold the
    same secret.
    """

    salt: bytes
    digest: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """What `str` wrote: ``sha256:SALT:DIGEST`` in hex; raise ValueError for anything else."""
        match = _HASHED.fullmatch(text)
        if match is None:
            raise ValueError("must be sha256:SALT:DIGEST as `pushgate secret` writes it")
        return cls(bytes.fromhex(match[1]), bytes.fromhex(match[2]))

    def __str__(self) -> str:
        return f"sha256:{self.salt.hex()}:{self.digest.hex()}"

    @classmethod
    def of(cls, secret: bytes, salt: bytes) -> Self:
        """The hash of `secret` with random `salt`."""
        return cls(salt, sha256(salt + secret).digest())

    def fits(self, secret: bytes) -> bool:
        """Whether this is the hash of `secret`, in constant time."""
        return hmac.compare_digest(sha256(self.salt + secret).digest(), self.digest)
