"""A PostgreSQL server of the tests' own: Debian's, in a directory of its own, reached by a socket in there."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

ACCOUNTS = ("postgres", "nobody")
"""Who the server runs as when the tests run as root, which it refuses: the first that there is."""
WAIT = 60.0
"""Seconds within which the server answers, or ends."""


def binaries():
    """Where PostgreSQL's programs are; None when it is not installed."""
    found = shutil.which("initdb")
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if found is not None:
        places.append(Path(found).resolve().parent)
    return next((place for place in reversed(places) if (place / "postgres").exists()), None)


def account():
    """The keywords with which programs of the server are started."""
    if os.getuid() != 0:
        return {}
    names = {each.pw_name: each for each in pwd.getpwall()}
    user = next(names[name] for name in ACCOUNTS if name in names)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


REFUSING = """
import socket, sys
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    while True:
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(bytes.fromhex(sys.argv[1]))
"""


@contextmanager
def refusing_server(code):
    """What answers each connection as a PostgreSQL server does that refuses it; the port.

    It is a process, since libpq keeps all threads waiting while it asks whether a server is there.

    :param code: the SQLSTATE; None: it closes the connection without a word.
    """
    fields = f"SFATAL\0VFATAL\0C{code}\0Mno\0\0".encode()
    answer = b"" if code is None else b"E" + (len(fields) + 4).to_bytes(4, "big") + fields
    command = [sys.executable, "-c", REFUSING, answer.hex()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            yield int(program.stdout.readline())
        finally:
            program.kill()


class PostgresqlServer:
    """A server that is started and ended at will; what it keeps stays until `remove`."""

    def __init__(self):
        self._bin, self._account = binaries(), account()
        # Not in pytest's directory, which is closed to the server's account.
        self.directory = Path(tempfile.mkdtemp(prefix="pushgate-postgresql-", dir="/tmp"))
        if self._account:
            os.chown(self.directory, self._account["user"], self._account["group"])
        self._program = None
        self._run("initdb", "-D", self._data, "-U", "hub", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")

    @property
    def _data(self):
        return self.directory / "data"

    @property
    def url(self):
        """What a hub's `store` is."""
        return f"postgresql://hub@/postgres?host={self.directory}"

    def start(self):
        """Start it; return when it answers."""
        command = [self._bin / "postgres", "-D", self._data, "-k", self.directory, "-h", "", "-F"]
        command += ["-c", "max_connections=100", "-c", "shared_buffers=128MB", "-c", "fsync=off"]
        with (self.directory / "log").open("ab") as log:
            self._program = subprocess.Popen(
                [str(each) for each in command], stdout=log, stderr=log, cwd=self.directory, **self._account
            )
        self._wait(lambda: self._answers(), "answer")

    def stop(self, how=signal.SIGINT):
        """End it, with all connections. SIGQUIT: as in a crash."""
        if self._program is not None:
            self._program.send_signal(how)
            self._program.wait(WAIT)
            self._program = None

    @contextmanager
    def access(self, rule):
        """Have a line of `pg_hba.conf` decide who may connect, meanwhile."""
        file = self._data / "pg_hba.conf"
        before = file.read_text()
        try:
            self._reload(file, f"{rule}\n{before}")
            yield
        finally:
            self._reload(file, before)

    def _reload(self, file, text):
        file.write_text(text)
        seen = (self.directory / "log").read_text().count("reloading configuration files")
        self._program.send_signal(signal.SIGHUP)
        self._wait(
            lambda: (self.directory / "log").read_text().count("reloading configuration files") > seen,
            "read its files again",
        )

    def remove(self):
        """End it, and delete all of it."""
        with suppress(subprocess.TimeoutExpired):
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    def sql(self, statement):
        """Run a statement outside of transactions; return the rows."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _answers(self):
        import psycopg

        with suppress(psycopg.OperationalError):
            self.sql("SELECT 1")
            return True
        return False

    def _wait(self, condition, what):
        end = time.monotonic() + WAIT
        while not condition():
            assert time.monotonic() < end, (
                f"PostgreSQL does not {what}: {(self.directory / 'log').read_text()}"
            )
            time.sleep(0.05)

    def _run(self, program, *arguments):
        done = subprocess.run(
            [str(self._bin / program), *map(str, arguments)],
            capture_output=True, text=True, cwd=self.directory, timeout=WAIT, **self._account,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
