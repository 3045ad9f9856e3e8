"""What the codecs of HTTP/2 cost: CPU of a request and its answer, and memory of a long connection.

python -m bench.http2_codec --codec h2 --requests 20000
python -m bench.http2_codec --codec ngh2 --requests 100000 --memory
"""

import secrets
import time
from collections.abc import Iterator

import click
import psutil
from hpack import Encoder, NeverIndexedHeaderTuple
from hyperframe.frame import DataFrame, HeadersFrame, SettingsFrame

from pushgate.net.http.codec import CodecLimits, RequestEnd, ServerCodec
from pushgate.net.http.http2_frames import PREFACE
from pushgate.net.http.http2_h2 import H2Codec
from pushgate.net.http.http2_ngh2 import Ngh2Codec

BATCH = 50
BODY = bytes(100)
CODECS = {"h2": H2Codec, "ngh2": Ngh2Codec}


def batches(requests: int) -> Iterator[bytes]:
    """The requests of an APNs provider, `BATCH` in a read."""
    encoder = Encoder()
    bearer = b"bearer " + secrets.token_hex(90).encode()
    stream = 1
    for _ in range(requests // BATCH):
        parts = []
        for _ in range(BATCH):
            fields = [
                (b":method", b"POST"),
                (b":scheme", b"https"),
                (b":authority", b"api.push.apple.com"),
                NeverIndexedHeaderTuple(b":path", b"/3/device/" + secrets.token_hex(32).encode()),
                NeverIndexedHeaderTuple(b"authorization", bearer),
                (b"apns-topic", b"com.example.news"),
                (b"apns-push-type", b"alert"),
                (b"apns-priority", b"10"),
                (b"apns-expiration", b"0"),
                NeverIndexedHeaderTuple(b"apns-id", secrets.token_hex(18).encode()),
            ]
            parts += [
                HeadersFrame(stream, encoder.encode(fields), flags=["END_HEADERS"]).serialize(),
                DataFrame(stream, BODY, flags=["END_STREAM"]).serialize(),
            ]
            stream += 2
        yield b"".join(parts)


def answer(codec: ServerCodec, data: bytes) -> int:
    """Take a read, answer what is complete; how many answers."""
    count = 0
    for event in codec.receive(data):
        if isinstance(event, RequestEnd):
            count += 1
            codec.send_head(event.stream, 200, ((b"apns-id", b"%036d" % event.stream),), True)
    codec.output()
    return count


@click.command(help=__doc__)
@click.option("--codec", type=click.Choice(list(CODECS)), default="ngh2")
@click.option("--requests", default=20_000, help="how many, on one connection")
@click.option("--memory", is_flag=True, help="print the resident size ten times on the way")
def main(codec: str, requests: int, memory: bool) -> None:
    """Run."""
    made: ServerCodec = CODECS[codec](CodecLimits())
    made.receive(PREFACE + SettingsFrame(0).serialize() + SettingsFrame(0, flags=["ACK"]).serialize())
    spent = done = 0
    shown = requests // 10
    for data in batches(requests):
        begun = time.process_time_ns()
        done += answer(made, data)
        spent += time.process_time_ns() - begun
        if memory and done % shown == 0:
            print(f"{done:>9} requests: {psutil.Process().memory_info().rss / 1e6:.1f} MB")
    print(f"{codec}: {spent / done / 1000:.1f} µs of CPU per request, {done} requests")


if __name__ == "__main__":
    main()
