"""What a command says of a gateway that it cannot use, and of an output that it cannot write to."""

import select
import socket
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.programs import (
    COMMAND,
    CONFIGURATION,
    DOWN,
    LIMITED,
    RunningGateway,
    end,
    heard,
    pushgate,
    start,
)

SEND = ("send", "--app", "demo", "--token", "0a1b2c3d", "--alert", "hello")


def test_a_certificate_that_is_not_trusted(certificates):
    """At once, with what to do; a file of authorities is as good as a directory."""
    tls = CONFIGURATION + f'certificate = "{certificates / "gate.pem"}"\n'
    running = RunningGateway(certificates, tls)
    port = running.to.rpartition(":")[2]
    try:
        done = pushgate(*SEND, "--to", f"tls:localhost:{port}:trustRoots={certificates / 'other.pem'}")
        why, advice = done.stderr.splitlines()  # a wait would have a line before these
        assert why.endswith(
            "is not trusted: its certificate is not trusted: no known authority signed it, or its time is over"
        )
        assert "trustRoots=FILE" in advice
        assert (done.stdout, done.returncode) == ("", 1)
        good = pushgate(*SEND, "--to", f"tls:localhost:{port}:trustRoots={certificates / 'ca.pem'}")
        assert (good.stderr, good.returncode) == ("", 0)
    finally:
        running.stop()


def test_a_wait_has_a_line():
    """A host that does not answer is not waited for in silence."""
    with socket.socket() as full:  # its queue of connections is full: a further one waits
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        others = [socket.socket() for _ in range(4)]
        for each in others:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        process = start(*COMMAND, *SEND, "--to", f"127.0.0.1:{port}")
        try:
            assert process.stderr.readline() == f"no connection to 127.0.0.1:{port} yet; trying for 10 s\n"
        finally:
            end(process)
            for each in others:
                each.close()


def test_a_port_of_something_else():
    """A server that speaks another protocol is named as that, whatever it answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer():
            with suppress(OSError):  # when the test closes the server
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(1000)
                        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        answering = threading.Thread(target=answer, daemon=True)
        answering.start()
        done = pushgate("status", "--to", f"127.0.0.1:{port}")
        server.shutdown(socket.SHUT_RDWR)
        answering.join(5)
    assert done.stderr.splitlines()[-1].endswith(
        f"its answer is not AMP; is 127.0.0.1:{port} the AMP input of a gateway?"
    )
    assert (done.stdout, done.returncode) == ("", 1)


def test_an_open_circuit(certificates):
    """What holds a notification up stands behind its state; to have no outcome yet is no fault of the command."""
    running = RunningGateway(certificates, DOWN)
    try:
        running.until_refused("demo")
        done = pushgate(*SEND, "--to", running.to, "--wait", "0.01")
        state = done.stdout.splitlines()[1]
        assert state.startswith(
            "queued: waits in the gateway; no outcome after 0.01 s; the last connection of demo failed: refused"
        )
        assert done.returncode == 0
    finally:
        running.stop()


def test_who_may_not(tmp_path):
    """A caller without a login reads how to log in; one that may only push, that it has been accepted."""
    secret = (
        pushgate("secret", "shop", "--append", str(tmp_path / "shop.hash")).stdout.splitlines()[1].strip()
    )
    (tmp_path / "secret").write_text(secret)
    running = RunningGateway(tmp_path, LIMITED)
    try:
        done = pushgate(*SEND, "--to", running.to)
        assert done.stderr == (
            "refused, FORBIDDEN: push: not allowed without a login;"
            " log in with --login NAME --secret-file FILE\n"
        )
        login = ("--login", "shop", "--secret-file", str(tmp_path / "secret"))
        done = pushgate(*SEND, "--to", running.to, *login)
        assert done.returncode == 0
        _, accepted = done.stdout.splitlines()
        assert accepted == "accepted; what becomes of it may not be read: read: not allowed to shop"
    finally:
        running.stop()


def test_watching_a_gateway_that_goes_and_comes(tmp_path):
    """Each is a line on standard error."""
    running = RunningGateway(tmp_path)
    watcher = start(*COMMAND, "watch", "--to", running.to, "--json")
    try:
        while not select.select([watcher.stdout], [], [], 0)[0]:
            pushgate(*SEND, "--to", running.to)
        running.stop()
        assert "it closed the connection; outcomes are missed" in heard(watcher, "no connection: ")
        running.restart()
        assert heard(watcher, "connected again")
    finally:
        end(watcher)
        running.stop()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(
    "command", [("tokens", "export", "--app", "demo"), ("plugins",), ("tokens", "list", "--app", "demo")]
)
def test_an_output_that_is_full(gateway, tmp_path, command):
    """One line says so; no traceback."""
    tokens = tmp_path / "tokens"
    tokens.write_text("0fff 1600000000 imported\n")
    where = () if command == ("plugins",) else ("--to", gateway.to)
    pushgate("tokens", "import", "--app", "demo", str(tokens), "--to", gateway.to)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, *command, *where], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.stderr, done.returncode) == ("the output cannot be written: No space left on device\n", 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ("send", "--app", "demo", "--token", "0a", "--alert", b"caf\xe9"),
        ("tokens", "forget", "--app", b"\xff", "0a"),
        ("trace", b"\xff"),
    ],
)
def test_what_is_no_text(arguments):
    """Bytes that are not UTF-8 are an error of use, whatever takes them."""
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, check=False)
    assert b"it is no UTF-8 text" in done.stderr
    assert (done.stdout, done.returncode) == (b"", 2)
    assert b"Traceback" not in done.stderr
