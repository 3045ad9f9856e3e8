"""The webhook sink of a gateway that is killed while the receiver is down."""

import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue

import msgspec

from pushgate.cli.demo.directory import free_ports
from tests.cli.programs import CONFIGURATION, RunningGateway, end, pushgate

DURABLE = (
    CONFIGURATION.replace('"memory"', '"state"')
    + """
[sinks.backend]
type = "webhook"
url = "http://127.0.0.1:{{receiver}}/hook"
secret_file = "secret"
allow_private = true
"""
)


def receiver(port, got):
    """A receiver of webhooks in a thread, that puts each record it takes into `got`."""

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(204)
            self.end_headers()
            for line in body.splitlines():
                got.put(msgspec.json.decode(line))

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def test_told_after_the_crash(tmp_path):
    """What could not be reported before the kill is reported after the restart, when the receiver is up."""
    [port] = free_ports(1)
    (tmp_path / "secret").write_text("a secret of twenty bytes\n")
    configuration = DURABLE.replace("{{receiver}}", str(port))
    running = RunningGateway(tmp_path, configuration)
    try:
        sent = [
            pushgate("send", "--app", "demo", "--token", token, "--alert", "x", "--to", running.to)
            for token in ("0c0c", "dead0c0c")
        ]
    finally:
        end(running.process, signal.SIGKILL)
    got = SimpleQueue()
    server = receiver(port, got)
    running = RunningGateway(tmp_path, configuration)
    try:
        records = [got.get(timeout=30) for _ in sent]
        assert {(record["id"], record["state"]) for record in records} == {
            (sent[0].stdout.split()[0], "presumed"),
            (sent[1].stdout.split()[0], "rejected"),
        }
    finally:
        running.stop()
        server.shutdown()
        server.server_close()
