"""An HTTP input without a network: the base of the tests of its parts."""

import json

from pushgate.inputs.http.server import HTTPServer
from pushgate.inputs.http.settings import HTTPTable
from tests.input_rig import InputTestCase
from tests.samples import PAYLOAD, TOKEN

PUSH = "/v1/apps/news/notifications"
ONE = {"token": TOKEN.hex(), "payload": json.loads(PAYLOAD)}


class Response:
    """What came back: status, headers by their lower-case names, body."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def lines(self):
        """The JSON values of a body of lines."""
        return [json.loads(line) for line in self.body.splitlines()]


def responses(data):
    """The responses in what an input wrote, and what comes after them that is not a whole one."""
    found = []
    while b"\r\n\r\n" in data:
        head, _, rest = data.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        if first.split()[1] == "100":
            data = rest
            continue
        if first.split()[1] in ("204", "304"):
            body, data = b"", rest
        elif "content-length" in headers:
            size = int(headers["content-length"])
            body, data = rest[:size], rest[size:]
        else:
            body, ended, data = unchunked(rest)
            if not ended:
                return found, Response(int(first.split()[1]), headers, body)
        found.append(Response(int(first.split()[1]), headers, body))
    return found, data


def unchunked(data):
    """The content of chunks, whether the last one was there, and what follows it."""
    body = b""
    while b"\r\n" in data:
        size, _, rest = data.partition(b"\r\n")
        length = int(size, 16)
        body += rest[:length]
        data = rest[length + 2 :]
        if not length:
            return body, True, data
    return body, False, data


def request(method, path, body=None, version="1.1", **headers):
    """A request as it goes on the wire; a body that is no bytes becomes JSON."""
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    if method == "POST":
        headers.setdefault("content_type", "application/json")
    lines = [f"{method} {path} HTTP/{version}", "Host: localhost"]
    if body is not None and "transfer_encoding" not in headers:
        headers.setdefault("content_length", len(body))
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


def chunk(data):
    """A chunk of a body of unknown length."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST = b"0\r\n\r\n"
"""The last chunk."""


class HTTPTestCase(InputTestCase):
    """An HTTP input."""

    kind, table, factory = "http", HTTPTable, HTTPServer

    def opened(self):
        self.server.start()
        self.addCleanup(self.server.end)

    def received(self, connection=None):
        """The whole responses that came since the last look."""
        found, self.rest = responses(self.taken(connection))
        return found

    def ask(self, method, path, body=None, **headers):
        """The one response to a request."""
        [response] = self.send(request(method, path, body, **headers))
        return response

    def push(self, body=ONE, path=PUSH, **headers):
        """The one response to a submission."""
        return self.ask("POST", path, body, **headers)

    def refusal(self, response, status, code):
        """The text of an error; it must have this status and code."""
        self.assertEqual((response.status, response.json["error"]), (status, code), response.body)
        return response.json["detail"]

    def pass_time(self, seconds):
        """Let time pass as the input sees it: a sweep a second."""
        self.clock.pump([1.0] * int(seconds))
