"""The provider API of the simulator and HTTP/2 clients of other make, each in its own way of doing I/O."""

import socket
import ssl
from collections.abc import Callable
from typing import Any

import httpx
import ngh2
from twisted.internet.threads import deferToThread

from tests.simulator.http2_provider import TOKEN, HTTP2Case, provider_token
from tests.simulator.provider import PAYLOAD

PUSH = f"/3/device/{TOKEN}"


class ClientTests(HTTP2Case):
    async def outside(self, client: Callable[..., Any], **config: object) -> Any:
        """What a blocking client returns, which is given the port, a TLS context and headers."""
        await self.serve(**config)
        context = ssl.create_default_context(cafile=str(self.simulator.certificates.ca))
        headers = {"authorization": provider_token(self.simulator), "apns-topic": "com.example.news"}
        return await deferToThread(client, self.simulator.http2_port, context, headers)

    async def test_httpx(self) -> None:
        """httpx pushes one after the other, and sees reasons as JSON."""

        def client(port: int, context: ssl.SSLContext, headers: dict[str, str]) -> list[Any]:
            with httpx.Client(
                http2=True, verify=context, timeout=30, base_url=f"https://localhost:{port}"
            ) as session:
                good = [session.post(PUSH, content=PAYLOAD, headers=headers) for _ in range(3)]
                large = session.post(PUSH, content=b" " * 100_000, headers=headers)
                dead = session.post("/3/device/dead", content=PAYLOAD, headers=headers)
            return [*[(each.status_code, each.http_version) for each in good], large.json(), dead.json()]

        seen = await self.outside(client, dead=["dead"])
        self.assertEqual(seen[:3], [(200, "HTTP/2")] * 3)
        self.assertEqual(seen[3], {"reason": "PayloadTooLarge"})
        self.assertEqual(seen[4], {"reason": "Unregistered", "timestamp": 1_700_000_000_500})
        self.assertEqual(self.simulator.summary()["http2"]["connections"]["accepted"], 1)

    async def test_httpx_with_a_certificate(self) -> None:
        """With a client certificate nothing but the payload is needed."""

        def client(port: int, context: ssl.SSLContext, headers: dict[str, str]) -> int:
            context.load_cert_chain(self.simulator.certificates.client)
            with httpx.Client(http2=True, verify=context, timeout=30) as session:
                return session.post(f"https://localhost:{port}{PUSH}", content=PAYLOAD).status_code

        self.assertEqual(await self.outside(client), 200)

    async def test_a_foreign_certificate(self) -> None:
        """A client certificate of another authority is refused in the handshake."""

        def client(port: int, context: ssl.SSLContext, headers: dict[str, str]) -> bool:
            context.load_cert_chain(foreign.certificates.client)
            with httpx.Client(http2=True, verify=context, timeout=30) as session:
                try:
                    session.post(f"https://localhost:{port}{PUSH}", content=PAYLOAD)
                except (httpx.TransportError, ssl.SSLError):
                    return True
            return False

        await self.serve()
        foreign = self.simulator
        self.assertTrue(await self.outside(client))
        self.assertEqual(self.simulator.summary()["http2"]["connections"]["handshakes_failed"], 1)

    async def test_ngh2(self) -> None:
        """libnghttp2 fills the streams that it is allowed, as soon as it is."""

        def client(port: int, context: ssl.SSLContext, headers: dict[str, str]) -> dict[bytes, int]:
            context.set_alpn_protocols(["h2"])
            with context.wrap_socket(
                socket.create_connection(("127.0.0.1", port)), server_hostname="localhost"
            ) as sock:
                return _push_with_ngh2(sock, headers, 500)

        self.assertEqual(await self.outside(client, streams=50), {b"200": 500})
        self.assertEqual(self.simulator.received.distinct, 500)


def _push_with_ngh2(sock: ssl.SSLSocket, headers: dict[str, str], count: int) -> dict[bytes, int]:
    """How many answers of each status `count` pushes get; libnghttp2 itself holds back what is too much."""
    connection = ngh2.Connection(ngh2.Role.CLIENT, ngh2.Configuration(peer_max_concurrent_streams=1))
    connection.initiate_connection({})
    for number in range(count):
        fields = [(b":method", b"POST"), (b":scheme", b"https"), (b":path", b"/3/device/%064x" % number),
                  (b":authority", b"localhost")]  # fmt: skip
        fields += [(name.encode(), value.encode()) for name, value in headers.items()]
        connection.send_data(connection.send_request(fields), PAYLOAD, end_stream=True)
    statuses: dict[bytes, int] = {}
    while sum(statuses.values()) < count:
        sock.sendall(connection.data_to_send())
        data = sock.recv(1 << 16)
        assert data, "the connection ended"
        connection.receive_data(data)
        for event in connection.events():
            assert not isinstance(event, ngh2.StreamReset)
            if isinstance(event, ngh2.ResponseReceived):
                status = dict(event.headers)[b":status"]
                statuses[status] = statuses.get(status, 0) + 1
    return statuses
