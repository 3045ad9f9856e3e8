"""What a push through the APNs HTTP/2 input costs: CPU of the gateway for a request, its spool on the disk.

Requests as a provider sends them, each to another device, over TLS: a provider token that is verified,
topic, push type, priority, expiration. The gateway answers when a request is accepted, and sends it on over
the binary protocol to a far end that takes everything. With --ids each request brings its own apns-id.

    python -m bench.apns_input [--requests 100000] [--connections 4] [--window 300] [--rounds 3] [--ids]
"""

import argparse
import selectors
import socket
import ssl
import struct
import subprocess
import threading
import time
import uuid
from pathlib import Path

import jwt
import psutil
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hpack import Encoder, NeverIndexedHeaderTuple
from hyperframe.frame import DataFrame, HeadersFrame, SettingsFrame, WindowUpdateFrame

from bench.parts import (
    PAYLOAD,
    free_port,
    gateway_config,
    python,
    running,
    spread,
    tokens,
    twistd,
    wait_for_port,
    workspace,
)
from pushgate.net.http.http2_frames import PREFACE
from pushgate.simulator.certificates import Certificates

TOPIC = "com.example.news"
_HEAD = struct.Struct(">BHBBL")
Header = tuple[bytes, bytes]


def provider_token(directory: Path) -> str:
    """A provider token; its public key is in `directory`."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (directory / "ABC123DEFG.pem").write_bytes(pem)
    claims = {"iss": "DEF123GHIJ", "iat": int(time.time())}
    return jwt.encode(claims, key, "ES256", headers={"kid": "ABC123DEFG"})


def requests(count: int, first: int, bearer: str, ids: bool) -> list[bytes]:
    """So many requests of one connection, as they go on the wire."""
    encoder, made = Encoder(), []
    expiration = b"%d" % (time.time() + 3600)
    for number, token in enumerate(tokens(count, first)):
        fields: list[Header] = [
            (b":method", b"POST"),
            (b":scheme", b"https"),
            (b":authority", b"localhost"),
            NeverIndexedHeaderTuple(b":path", b"/3/device/" + token.hex().encode()),
            (b"authorization", b"bearer " + bearer.encode()),
            (b"apns-topic", TOPIC.encode()),
            (b"apns-push-type", b"alert"),
            (b"apns-priority", b"10"),
            (b"apns-expiration", expiration),
        ]
        if ids:
            fields.append(NeverIndexedHeaderTuple(b"apns-id", str(uuid.uuid4()).encode()))
        stream = 2 * number + 1
        head = HeadersFrame(stream, encoder.encode(fields), flags=["END_HEADERS"])
        made.append(head.serialize() + DataFrame(stream, PAYLOAD, flags=["END_STREAM"]).serialize())
    return made


class Answers:
    """Counts the answers in what a connection receives."""

    def __init__(self) -> None:
        self.count = 0
        self._rest = b""

    def take(self, data: bytes) -> None:
        """Take bytes in any pieces; fail at an answer that is no success."""
        data = self._rest + data
        at = 0
        while len(data) - at >= _HEAD.size:
            high, low, kind, flags, _ = _HEAD.unpack_from(data, at)
            end = at + _HEAD.size + (high << 16 | low)
            if end > len(data):
                break
            if kind == 1:
                assert flags & 1, "a request was refused"
                self.count += 1
            assert kind not in {3, 7}, "the connection or a stream was ended"
            at = end
        self._rest = data[at:]


def load(port: int, trust: str, wire: list[bytes], window: int) -> None:
    """Send requests on one connection, so many without an answer at a time, until all have theirs."""
    context = ssl.create_default_context(cafile=trust)
    context.set_alpn_protocols(["h2"])
    with context.wrap_socket(
        socket.create_connection(("localhost", port)), server_hostname="localhost"
    ) as peer:
        peer.sendall(
            PREFACE
            + SettingsFrame(0).serialize()
            + WindowUpdateFrame(0, window_increment=1 << 30).serialize()
        )
        peer.setblocking(False)
        answers, sent, pending = Answers(), 0, memoryview(SettingsFrame(0, flags=["ACK"]).serialize())
        with selectors.DefaultSelector() as selector:
            selector.register(peer, selectors.EVENT_READ)
            while answers.count < len(wire):
                more = min(len(wire), answers.count + window)
                if not pending and more - sent >= min(window // 4, len(wire) - sent):
                    pending, sent = memoryview(b"".join(wire[sent:more])), more
                try:
                    if pending:
                        pending = pending[peer.send(pending) :]
                except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                    pass
                try:
                    answers.take(peer.recv(1 << 18))
                except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                    selector.select(0.002 if pending else 1.0)


def measure(
    gateway: "subprocess.Popen[str]", port: int, trust: str, wires: list[list[bytes]], window: int
) -> tuple[float, float]:
    """Microseconds of CPU for a request, and requests a second."""
    process = psutil.Process(gateway.pid)
    before, began = process.cpu_times(), time.monotonic()
    threads = [threading.Thread(target=load, args=(port, trust, wire, window)) for wire in wires]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, count = time.monotonic() - began, sum(map(len, wires))
    time.sleep(1.0)  # what was accepted is sent on
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    return used / count * 1e6, count / took


def run(directory: Path, certificates: Certificates, far_port: int, arguments: argparse.Namespace) -> None:
    """Run a gateway, and push through it."""
    port, keys = free_port(), directory / "keys"
    keys.mkdir()
    bearer = provider_token(keys)
    state = str(directory / "state")
    config = gateway_config(directory, certificates, far_port, free_port(), state, max_payload=4096)
    config.write_text(
        f'{config.read_text()}[inputs.apple]\ntype = "apns-http2"\n'
        f'listen = "tcp:{port}:interface=127.0.0.1"\n'
        f'certificate = "{certificates.server}"\nprovider_keys = "{keys}"\nanswer = "{arguments.answer}"\n'
        f'topics = {{ "{TOPIC}" = "news" }}\n'
    )
    with running(*twistd("pushgate", "--config", config), log=directory / "gateway.log") as gateway:
        wait_for_port(port, gateway)
        costs, rates = [], []
        for number in range(arguments.rounds + 1):
            share = arguments.requests // arguments.connections if number else 1000
            first = number * arguments.requests
            wires = [
                requests(share, first + each * share, bearer, arguments.ids)
                for each in range(arguments.connections)
            ]
            cost, rate = measure(gateway, port, str(certificates.ca), wires, arguments.window)
            if number:  # the first one warms it up
                costs.append(cost)
                rates.append(rate)
        print(spread("CPU of the gateway for a request", costs, " us", ".1f"))
        print(spread("requests", rates, "/s", ".0f"))
        print(f"memory of the gateway: {psutil.Process(gateway.pid).memory_info().rss / 1e6:.0f} MB")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--window", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ids", action="store_true")
    parser.add_argument("--answer", choices=["accepted", "outcome"], default="accepted")
    arguments = parser.parse_args()
    with workspace() as (directory, certificates):
        far_port = free_port()
        with running(*python("far_end.py", far_port, certificates.server)) as far_end:
            wait_for_port(far_port, far_end)
            run(directory, certificates, far_port, arguments)


if __name__ == "__main__":
    main()
