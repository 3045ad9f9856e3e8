"""Closing a connection that the other side has closed while our producer was paused.

On a close_notify Twisted's TLS layer asks the TCP transport to close, which it does when its buffer is
empty. A buffer that empties while a producer is paused resumes the producer instead, stops writing, and
does not look at the wish to close again (`FileDescriptor.doWrite`); what the producer writes then is dropped
by the TLS layer. The connection would stay, unread, until its requests time out.
"""

from typing import Any


def finish_close(tcp: Any) -> bool:
    """Close a TCP transport that is to be closed, from the `resumeProducing` of its producer.

    :return: whether it is; then nothing can be written, and connectionLost follows.
    """
    if tcp.disconnecting:
        tcp.startWriting()  # with nothing to write and no producer paused, it closes
    return bool(tcp.disconnecting)
