"""What an HTTP server allows its peers."""

import msgspec

from pushgate.net.http.codec import CodecLimits


class HTTPBounds(msgspec.Struct, frozen=True):
    """The limits of one listener's connections; times are seconds, sizes bytes.

    :param idle_timeout: without a request under way.
    :param header_timeout: for a request's head, from its first byte.
    :param body_timeout: for a body; longer by a second for each `RATE` bytes that came.
    :param unread_timeout: for a peer to take something of an answer that waits.
    :param unsent: of answers that wait for one peer, before its further requests are refused.
    :param all_unsent: the same for all peers together.
    :param control_frames: in HTTP/2, frames that ask for work and bring nothing, in a second.
    """

    idle_timeout: float = 60.0
    header_timeout: float = 10.0
    body_timeout: float = 30.0
    unread_timeout: float = 60.0
    unsent: int = 1 << 20
    all_unsent: int = 64 << 20
    control_frames: int = 1000
    codec: CodecLimits = CodecLimits()
