"""What the push service of the demonstration saw, asked over its control port."""

from typing import Any, Final

import msgspec
from twisted.web.client import Agent, readBody
from twisted.web.http_headers import Headers

from pushgate.cli.demo.audit import Seen
from pushgate.cli.demo.process import DemoFailed

_PAGE: Final = 10_000


class _Received(msgspec.Struct):
    token: str
    connection: int


class _Connections(msgspec.Struct):
    accepted: int


class _HTTP2(msgspec.Struct):
    connections: _Connections


class _Summary(msgspec.Struct):
    accepted: int
    complete: bool
    rejected: dict[str, int]
    connections: _Connections
    http2: _HTTP2


_summary = msgspec.json.Decoder(_Summary)
_received = msgspec.json.Decoder(_Received)


async def seen(reactor: Any, port: int) -> Seen:
    """The testimony of the simulator whose control port this is.

    :raises DemoFailed: it has not recorded all that it accepted.
    """
    summary = _summary.decode(await _get(reactor, port, "/summary"))
    received: dict[str, list[int]] = {}
    entries = 0
    while entries < summary.accepted:
        page = await _get(reactor, port, f"/received?since={entries}&limit={_PAGE}")
        records = _received.decode_lines(page)
        if not records:
            raise DemoFailed(f"the simulator accepted {summary.accepted} and has a record of {entries} only")
        entries += len(records)
        for record in records:
            received.setdefault(record.token, []).append(record.connection)
    rejected = {int(status): count for status, count in summary.rejected.items()}
    connections = summary.connections.accepted + summary.http2.connections.accepted
    return Seen(received, rejected, connections)


async def _get(reactor: Any, port: int, path: str) -> bytes:
    headers = Headers({"Accept": ["application/x-ndjson"]})
    response = await Agent(reactor).request(b"GET", f"http://127.0.0.1:{port}{path}".encode(), headers)
    body: bytes = await readBody(response)
    if response.code != 200:
        raise DemoFailed(f"the simulator answers GET {path} with {response.code}: {body[:200]!r}")
    return body
