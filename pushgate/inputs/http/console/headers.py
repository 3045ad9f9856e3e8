"""Headers of every answer under ``/console/``."""

from typing import Final

from pushgate.net.http.codec import Header

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
)
"""Content-Security-Policy: no inline scripts and styles, and nothing of other origins."""

SECURITY: Final[tuple[Header, ...]] = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
REVALIDATED: Final[tuple[Header, ...]] = ((b"cache-control", b"no-cache"),)
"""Caching headers of a page: a browser may store it and must revalidate it each time."""
IMMUTABLE: Final[tuple[Header, ...]] = ((b"cache-control", b"public, max-age=31536000, immutable"),)
"""Caching headers of a file whose path changes with its content."""
