"""The static files of the console: a fixed list that is read once."""

from hashlib import sha256
from importlib.resources import files
from typing import Final

import msgspec

from pushgate.inputs.http.console.headers import IMMUTABLE, REVALIDATED
from pushgate.inputs.http.request import HTTPRequest
from pushgate.net.http.codec import Header
from pushgate.net.http.responses import HTTPResponse

PAGES: Final = {"/console/": "index.html", "/console/login": "login.html"}
"""The pages, by their paths."""
SCRIPTS: Final = (
    "api.js", "apps.js", "charts.js", "console.js", "dead_tokens.js", "dom.js", "findings.js", "hubs.js",
    "live.js", "login.js", "notification.js", "outcomes.js", "overview.js", "test_send.js", "text.js",
    "turns.js", "uPlot.iife.min.js",
)  # fmt: skip
ASSETS: Final = (*SCRIPTS, "console.css", "icon.svg", "uPlot.min.css")
"""The files that the pages load from ``/console/static/DIGEST/``."""
_KINDS: Final = {
    "html": b"text/html; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "css": b"text/css; charset=utf-8",
    "svg": b"image/svg+xml",
}
_STATIC: Final = b"@static@"
"""The placeholder in the pages for the path of the assets."""


class StaticFile(msgspec.Struct, frozen=True):
    """One file.

    :param headers: its caching headers.
    """

    body: bytes
    kind: bytes
    etag: bytes
    headers: tuple[Header, ...]

    def answer(self, request: HTTPRequest) -> HTTPResponse:
        """Return the file, or 304 if the browser's copy is current."""
        request.more_headers = (*request.more_headers, (b"etag", self.etag), *self.headers)
        known = (request.header(b"if-none-match") or "").encode()
        if self.etag in [each.strip().removeprefix(b"W/") for each in known.split(b",")]:
            return HTTPResponse(304, b"", self.kind)
        return HTTPResponse(200, self.body, self.kind)


class StaticFiles:
    """All files by their paths. Requests are looked up here, never on the disk.

    :raises OSError: one of them is not installed.
    """

    def __init__(self) -> None:
        assets = {name: _read(name) for name in ASSETS}
        digest = sha256(b"".join(assets[name] for name in sorted(assets))).hexdigest()[:16]
        base = f"/console/static/{digest}/"
        self._files = {base + name: _file(name, body, IMMUTABLE) for name, body in assets.items()}
        for path, name in PAGES.items():
            body = _read(name).replace(_STATIC, base.removesuffix("/").encode())
            self._files[path] = _file(name, body, REVALIDATED)

    def find(self, path: str) -> StaticFile | None:
        """Return the file at this path, or None."""
        return self._files.get(path)


def _file(name: str, body: bytes, headers: tuple[Header, ...]) -> StaticFile:
    etag = b'"%b"' % sha256(body).hexdigest()[:32].encode()
    return StaticFile(body, _KINDS[name.rpartition(".")[2]], etag, headers)


def _read(name: str) -> bytes:
    return (files("pushgate.inputs.http.console") / "static" / name).read_bytes()
