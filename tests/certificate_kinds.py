"""Certificates of every kind of key, made by the program openssl: most of them TLS has no use for."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

HAS_OPENSSL: Final = shutil.which("openssl") is not None
KINDS: Final = {
    "rsa-512": ("genrsa", "512"),
    "rsa-1024": ("genrsa", "1024"),
    "p-192": ("ecparam", "-name", "prime192v1", "-genkey", "-noout"),
    "secp256k1": ("ecparam", "-name", "secp256k1", "-genkey", "-noout"),
    "explicit": ("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-param_enc", "explicit"),
    "rsa-pss": ("genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"),
    "p-256": ("ecparam", "-name", "prime256v1", "-genkey", "-noout"),
    "ed25519": ("genpkey", "-algorithm", "ed25519"),
}
"""The commands that make a key of each kind."""
REFUSED: Final = {
    "rsa-512": "ee key too small",
    "rsa-1024": "ee key too small",
    "p-192": "ee key too small",
    "secp256k1": "no shared cipher",
    "explicit": "an EC key with explicit parameters; must be of a named curve",
    "rsa-pss": "an RSA-PSS key; must be a plain RSA or EC key",
}
"""The reason that is given for each kind that TLS cannot use."""


def make(directory: Path, kind: str) -> Path:
    """A self-signed certificate and its key in one PEM file."""
    directory.mkdir(parents=True, exist_ok=True)
    key = run(*KINDS[kind])
    (directory / "key.pem").write_bytes(key)
    asked = run(
        "req", "-new", "-x509", "-key", str(directory / "key.pem"), "-days", "2", "-subj", "/CN=localhost"
    )
    file = directory / f"{kind}.pem"
    file.write_bytes(asked + key)
    return file


def run(*arguments: str, given: bytes = b"") -> bytes:
    """What openssl writes."""
    return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True).stdout
