"""A gateway with a hub for the benchmarks: its configuration, many registrations, requests."""

import base64
import hashlib
import hmac
import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from bench.parts import tokens
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration

RULE: Final = "DefaultFullSharedAccessSignature"
KEY: Final = "a-key-of-the-benchmarks-and-of-nothing-else"


def hub_tables(directory: Path, port: int, store: str = "sqlite", app: str = "news") -> str:
    """The lines that configure a hub ``main`` on an app of APNs, and an input for it."""
    own = f"[hubs.main]\nstore = {json.dumps(store)}\napns = {json.dumps(app)}\n"
    return rules_and_input(directory, port) + own


def rules_and_input(directory: Path, port: int) -> str:
    """The lines that let a client of the benchmarks use the hub ``main``."""
    (directory / "hub.key").write_text(KEY)
    return f"""
[hubs.main.rules.{RULE}]
rights = ["listen", "send", "manage"]
key_file = {json.dumps(str(directory / "hub.key"))}
[inputs.hub]
type = "hub"
listen = "tcp:{port}:interface=127.0.0.1"
hubs = ["main"]
"""


def registrations(count: int) -> Iterator[Registration]:
    """So many native registrations of APNs with five tags each.

    Half have ``a``, a third ``b``, a fifth ``c``; the others name one of 1000 cities and of 50,000 groups.
    """
    for index, token in enumerate(tokens(count)):
        tags = [
            "a" if index % 2 else "not-a",
            "b" if index % 3 else "not-b",
            "not-c" if index % 5 else "c",
            f"city:{index % 1000}",
            f"group:{index % 50_000}",
        ]
        yield Registration(platform=Platform.APNS, handle=token, tags=tuple(tags))


class HubClient:
    """Speaks to a hub as the SDKs do."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}/main"

    def send(self, body: bytes, tags: str = "", form: str = "apple") -> str:
        """Send to all devices that have these tags, or to all; return the notification's id."""
        headers = {"ServiceBusNotification-Format": form, "Content-Type": "application/json;charset=utf-8"}
        if tags:
            headers["ServiceBusNotification-Tags"] = tags
        answer = self.request("POST", "/messages/", body, headers)
        return str(answer.headers["Location"]).partition("?")[0].rpartition("/")[2]

    def state(self, notification: str) -> str:
        """The state of a send."""
        return self.details(notification).partition("<State>")[2].partition("</State>")[0]

    def details(self, notification: str) -> str:
        """What is known of a send, as XML."""
        text: str = self.request("GET", f"/messages/{notification}").read().decode()
        return text

    def request(self, method: str, path: str, body: bytes | None = None, headers: Any = ()) -> Any:
        """A signed request; raises `urllib.error.HTTPError` for an error."""
        url = f"{self._base}{path}?api-version=2020-06"
        request = urllib.request.Request(url, body, dict(headers), method=method)
        request.add_header("Authorization", signature(url))
        return urllib.request.urlopen(request, timeout=60)


def signature(url: str) -> str:
    """The `Authorization` of a request."""
    resource, expires = quote(url.lower(), safe=""), str(int(time.time()) + 3600)
    digest = hmac.digest(KEY.encode(), f"{resource}\n{expires}".encode(), hashlib.sha256)
    signed = quote(base64.b64encode(digest), safe="")
    return f"SharedAccessSignature sr={resource}&sig={signed}&se={expires}&skn={RULE}"
