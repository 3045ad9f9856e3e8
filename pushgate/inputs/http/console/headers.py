"""Headers of every answer under ``/console/``."""

from typing import Final

from pushgate.net.http.codec import Header

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
)
"""Content-Security-Policy: nothing of another origin, and nothing in the page itself, is run or shown."""

SECURITY: Final[tuple[Header, ...]] = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
REVALIDATED: Final[tuple[Header, ...]] = ((b"cache-control", b"no-cache"),)
"""Of a page: a browser keeps it, and asks each time whether it is still the same."""
IMMUTABLE: Final[tuple[Header, ...]] = ((b"cache-control", b"public, max-age=31536000, immutable"),)
"""Of a file whose address changes with its content."""
