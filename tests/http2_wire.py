"""HTTP/2 frames made by hand, wrong ones too, and read back, for tests of either side."""

from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    RstStreamFrame,
)

GET = ((b":method", b"GET"), (b":scheme", b"https"), (b":path", b"/a?b"), (b":authority", b"push.example"))
POST = ((b":method", b"POST"), *GET[1:])


class Wire:
    """A peer that makes its frames by hand, wrong ones too."""

    def __init__(self):
        self.encoder = Encoder()

    def head(self, stream, fields, *flags, pieces=1, **more):
        block = self.encoder.encode(fields)
        size = -(-len(block) // pieces) or 1
        parts = [block[at : at + size] for at in range(0, len(block), size)] or [b""]
        frames = [HeadersFrame(stream, data=parts[0], flags=flags, **more)]
        frames += [ContinuationFrame(stream, data=part) for part in parts[1:]]
        frames[-1].flags.add("END_HEADERS")
        return b"".join(frame.serialize() for frame in frames)

    def request(self, stream, *more, end=True, pseudo=POST):
        return self.head(stream, (*pseudo, *more), *(["END_STREAM"] if end else []))

    def answer(self, stream, *more, status=200, end=True, **how):
        fields = ((b":status", b"%d" % status), *more)
        return self.head(stream, fields, *(["END_STREAM"] if end else []), **how)


def data(stream, body=b"", end=False, **more):
    """A DATA frame."""
    frame = DataFrame(stream, data=body, **more)
    if end:
        frame.flags.add("END_STREAM")
    if more:
        frame.flags.add("PADDED")
    return frame.serialize()


def frames_of(output):
    """The frames of what was sent."""
    found = []
    while output:
        frame, length = Frame.parse_frame_header(memoryview(output[:9]))
        frame.parse_body(memoryview(output[9 : 9 + length]))
        output = output[9 + length :]
        found.append(frame)
    return found


def resets_of(output):
    """The streams that were reset, and why."""
    return [(f.stream_id, f.error_code) for f in frames_of(output) if isinstance(f, RstStreamFrame)]


def goaways_of(output):
    """What was said of the connection's end."""
    return [(f.last_stream_id, f.error_code) for f in frames_of(output) if isinstance(f, GoAwayFrame)]
