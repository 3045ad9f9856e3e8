"""A peer that vanishes from the network while its program, and its socket, live on."""

import ctypes
import socket
import struct

SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
_DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)
"""One instruction of the classic packet filter: keep 0 bytes of each packet."""


def vanish(peer: socket.socket) -> None:
    """Drop whatever comes for this socket before its TCP sees it: it acknowledges nothing any more. Linux only."""
    program = ctypes.create_string_buffer(_DROP_ALL)
    peer.setsockopt(
        socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HxxxxxxP", 1, ctypes.addressof(program))
    )


def come_back(peer: socket.socket) -> None:
    """Undo `vanish`."""
    peer.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
