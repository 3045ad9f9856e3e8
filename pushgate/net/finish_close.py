"""Closing a connection that the other side has closed while our producer was paused.

On a close_notify Twisted's TLS layer asks the TCP transport to close, which it does when its buffer is
empty. A buffer that empties while a producer is paused resumes the producer instead, stops writing, and
does not look at the wish to close again (`FileDescriptor.doWrite`); what the producer writes then is dropped
by the TLS layer. The connection would stay, unread, for as long as the peer keeps its side open. A client
need do nothing odd for this: it is enough that it closes with its last request.
"""

from typing import Any


def takes_nothing(transport: Any) -> bool:
    """Return True if what is written is dropped: the other side has ended TLS, or TCP is to be closed.

    :param transport: TLS over a transport of Twisted's, or one without TLS.
    """
    return bool(_tcp(transport).disconnecting)


def finish_close(transport: Any) -> bool:
    """Close a connection that the other side has closed, from the `resumeProducing` of its producer.

    :param transport: see `takes_nothing`.
    :return: whether it is; then nothing can be written, and connectionLost follows.
    """
    if not takes_nothing(transport):
        return False
    _tcp(transport).startWriting()  # with nothing to write and no producer paused, it closes
    return True


def _tcp(transport: Any) -> Any:
    return getattr(transport, "transport", transport)
