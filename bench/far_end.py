"""A far end that costs next to nothing: accepts TLS, reads, counts bytes.

Usage: far_end.py PORT CERTIFICATE
On stdin, one command a line: ``wait N`` prints the monotonic time at which N bytes were there; ``reset``
starts counting at 0.
"""

import socket
import ssl
import sys
import threading
import time


class Counter:
    """Bytes read, on all connections."""

    def __init__(self) -> None:
        self.total = 0
        self.changed = threading.Condition()

    def add(self, count: int) -> None:
        with self.changed:
            self.total += count
            self.changed.notify_all()

    def wait_for(self, total: int, seconds: float = 120) -> bool:
        """Wait until so many bytes were read; False when that takes too long."""
        with self.changed:
            return self.changed.wait_for(lambda: self.total >= total, seconds)


def serve(listener: socket.socket, context: ssl.SSLContext, counter: Counter) -> None:
    """Accept connections for ever, each read by a thread."""
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=read, args=(connection, context, counter), daemon=True).start()


def read(connection: socket.socket, context: ssl.SSLContext, counter: Counter) -> None:
    """Read to the end."""
    buffer = bytearray(1 << 18)
    try:
        with context.wrap_socket(connection, server_side=True) as secure:
            while count := secure.recv_into(buffer):
                counter.add(count)
    except OSError:
        return


def main() -> None:
    """Serve until stdin ends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2])
    counter = Counter()
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    threading.Thread(target=serve, args=(listener, context, counter), daemon=True).start()
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "reset":
            counter.total = 0
        elif word == "wait":
            done = counter.wait_for(int(rest[0]))
            print(time.monotonic() if done else f"only {counter.total} bytes came", flush=True)
            continue
        print(counter.total, flush=True)


if __name__ == "__main__":
    main()
