"""The databases of a hub themselves: transactions, threads, and what goes wrong."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from twisted.internet import reactor
from twisted.internet.defer import FirstError, gatherResults
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs

from pushgate.database.migrations import migrate
from pushgate.database.sqlite import SqliteDatabase, SqliteSession
from pushgate.hub.store import registrations, send_work, sends
from pushgate.hub.store.postgresql import PostgresqlDatabase
from pushgate.hub.store.postgresql_connection import PostgresqlSession, ServerAddress
from pushgate.hub.store.schema import HUB_SCHEMA, STEPS
from pushgate.model.errors import CannotStart, Invalid
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import SendRequest, SendState
from pushgate.model.store_down import StoreDown
from tests import hub_database_rules
from tests.hub_database_rules import handles
from tests.hub_store_rig import fresh_address, registration
from tests.postgresql_rig import refusing_server


class TestSqlite(hub_database_rules.AnyDatabase):
    """A file."""

    def database(self):
        return self.sqlite()

    def again(self, earlier):
        return self.sqlite(earlier._file)

    async def test_a_full_disk_is_an_answer_and_undoes_the_write(self):
        """The write fails with nothing done; once there is room the same goes through."""
        database = self.sqlite()

        def limit(session, pages):
            return session.execute(f"PRAGMA max_page_count = {pages}")

        (pages,) = (await database.read(lambda session: session.execute("PRAGMA page_count")))[0]
        await database.write(limit, pages)
        large = [registration(b"%d" % number, "x" * 100) for number in range(1000)]
        with pytest.raises(StoreDown, match="full"):
            await database.write(registrations.import_many, large)
        assert await database.read(handles) == []
        self.flushLoggedErrors()
        await database.write(limit, 1 << 30)
        await database.write(registrations.import_many, large)

    async def test_reads_go_on_while_a_write_runs(self):
        """A read neither waits for a long write nor sees half of it."""
        database = self.sqlite()
        go_on = threading.Event()

        def slow(session):
            registrations.create(session, registration(b"slow"))
            assert go_on.wait(30)

        writing = database.write(slow)
        assert await database.read(handles) == []
        go_on.set()
        await writing
        assert await database.read(handles) == [b"slow"]

    def test_a_later_schema_is_left_alone(self):
        """A program that is older than the file does not start, and says so."""
        file = Path(self.mktemp()) / "hub.sqlite"
        file.parent.mkdir()
        SqliteDatabase(file, self.context, HUB_SCHEMA, "hubs.main.store")
        database = SqliteDatabase(file, self.context, HUB_SCHEMA, "hubs.main.store")
        database.start()
        self.addCleanup(database.stop)
        with sqlite3.connect(file) as connection:
            connection.execute("UPDATE schema_version SET version = 99")
        with pytest.raises(CannotStart, match=r"hubs.main.store: .*later version \(schema 99"):
            SqliteDatabase(file, self.context, HUB_SCHEMA, "hubs.main.store").start()

    def test_a_file_of_something_else_is_left_alone(self):
        """Another program's database, or no database at all."""
        for number, content in enumerate([b"no database" * 100, None]):
            file = Path(self.mktemp() + str(number))
            if content is None:
                with sqlite3.connect(file) as connection:
                    connection.execute("CREATE TABLE theirs (x)")
            else:
                file.write_bytes(content)
            before = file.read_bytes()
            with pytest.raises(CannotStart, match="nothing was changed"):
                SqliteDatabase(file, self.context, HUB_SCHEMA).start()
            assert file.read_bytes() == before

    def test_a_directory_that_cannot_be_written_is_a_fault(self):
        """The place is a file."""
        Path("occupied").write_text("x")
        with pytest.raises(CannotStart, match="must be a file"):
            SqliteDatabase(Path("occupied") / "hub.sqlite", self.context, HUB_SCHEMA).start()

    def test_an_older_schema_becomes_a_current_one(self):
        """The steps that are missing are done, the others are not repeated."""
        session = SqliteSession(sqlite3.connect(":memory:", isolation_level=None), time.time)
        migrate(session, STEPS[:1])
        registrations.create(session, registration(b"x"))
        assert migrate(session, STEPS) == 1
        assert migrate(session, STEPS) == len(STEPS)
        assert handles(session) == [b"x"]

    def test_a_send_of_an_older_schema_goes_on_where_it_was(self):
        """With the page that was planned; one that has ended is not begun again."""
        session = SqliteSession(sqlite3.connect(":memory:", isolation_level=None), time.time)
        migrate(session, STEPS[:3])
        request = msgspec.json.encode(SendRequest(body=b"{}", platform=Platform.APNS))
        for send_id, resolved in (("open", 0), ("ended", 1)):
            session.execute(
                "INSERT INTO send (id, request, state, accepted_at, due_at, cursor, planned_end, planned_last,"
                " planned_by, resolved) VALUES (?, ?, 'Processing', 1, 1, 7, 9, 1, 'one', ?)",
                (send_id, request, resolved),
            )
        migrate(session, STEPS)
        found = send_work.claim(session, "one", 60, [])
        assert (found.send.id, found.platform, found.after) == ("open", Platform.APNS, 7)
        assert found.plan == send_work.Plan(9, True, "one")
        assert send_work.claim(session, "one", 60, [found.lane]) is None
        send_work.give_back(session, found, Platform.APNS, "one", 1e10)
        assert send_work.claim(session, "one", 60, [], [Platform.APNS]) is None
        assert send_work.claim(session, "one", 60, []).plan == found.plan

    async def test_a_writer_that_is_killed_leaves_whole_transactions(self):
        """A process that dies in the middle of an import has done all of a chunk or nothing of it."""
        file = Path(self.mktemp()) / "hub.sqlite"
        await self.sqlite(file).stop()
        program = (
            "import sys, time, pathlib\n"
            "from pushgate.database.sqlite import SqliteSession, _connect, _transaction\n"
            "from pushgate.hub.store import registrations\n"
            "from tests.hub_store_rig import registration\n"
            "connection = _connect(pathlib.Path(sys.argv[1]))\n"
            "session = SqliteSession(connection, time.time)\n"
            "for chunk in range(10**6):\n"
            "    with _transaction(connection):\n"
            "        registrations.import_many(session, [registration(b'%d.%d' % (chunk, n), 'all', f'c{chunk}')"
            " for n in range(50)])\n"
            "    print(chunk, flush=True)\n"
        )  # fmt: skip
        home = Path(__file__).parent.parent.parent
        running = subprocess.Popen(
            [sys.executable, "-c", program, str(file.absolute())],
            stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(home)}, cwd=home,
        )  # fmt: skip
        for _ in range(5):
            last = int(running.stdout.readline())
        running.send_signal(signal.SIGKILL)
        last = max([last, *map(int, running.stdout.read().split())])
        running.wait()
        running.stdout.close()
        counted = await self.sqlite(file).read(
            lambda session: session.execute(
                "SELECT name, COUNT(*) FROM tag JOIN registration_tag ON tag = id GROUP BY name"
            )
        )
        whole = {name: number for name, number in counted if name != "all"}
        assert set(whole.values()) == {50}
        assert last + 1 <= len(whole) <= last + 2
        assert dict(counted)["all"] == 50 * len(whole)


@pytest.mark.usefixtures("_server")
class TestPostgresql(hub_database_rules.AnyDatabase):
    """A server."""

    @pytest.fixture
    def _server(self, postgresql):
        self.server = postgresql

    def database(self):
        return self.postgresql(self.server)

    def again(self, earlier):
        return self.postgresql(self.server, address=earlier._address)

    async def test_two_lanes_of_a_send_that_end_at_a_time_end_it(self):
        """Each transaction sees the other lane as it was before: one of them is tried again."""
        database = self.postgresql(self.server, connections=2)
        began = threading.Barrier(2)
        await database.write(sends.add, "s", SendRequest(body=b"{}"))
        first = await database.write(send_work.claim, "one", 60, [])
        plan = send_work.Plan(1, False, "one")
        parting = [send_work.NewLane(Platform.ADM, None, "", 1800.0)]
        await database.write(send_work.advance, first, "one", send_work.DonePage(plan, (), parting), 60)
        lanes = [replace(first, after=1), await database.write(send_work.claim, "one", 60, [first.lane])]
        assert lanes[1].platform is Platform.ADM
        tries = []

        def end(session, lane):
            tries.append(lane.lane)
            session.execute("SELECT number FROM lane")
            if len(tries) <= 2:
                began.wait(30)
            page = send_work.DonePage(send_work.Plan(2, True, "one"))
            return send_work.advance(session, lane, "one", page, 60)

        found = await gatherResults([database.write(end, lane) for lane in lanes])
        assert None not in found
        assert len(tries) == 3
        assert (await database.read(sends.find, "s")).state is SendState.NO_TARGET_FOUND

    async def test_a_server_that_goes_away_is_an_answer_and_comes_back_by_itself(self):
        """Nothing of what failed is done; the next piece of work finds the server again."""
        database = self.database()
        await database.write(registrations.create, registration(b"1"))
        self.server.stop(signal.SIGQUIT)
        try:
            for ask in (database.read(handles), database.write(registrations.create, registration(b"2"))):
                with pytest.raises(StoreDown):
                    await ask
        finally:
            self.server.start()
        self.flushLoggedErrors()
        await database.write(registrations.create, registration(b"3"))
        assert await database.read(handles) == [b"1", b"3"]

    async def test_a_connection_that_is_cut_between_two_jobs_is_not_noticed(self):
        """A restart of the server in a quiet time costs nothing but a new connection."""
        database = self.postgresql(self.server, connections=1)
        await database.write(registrations.create, registration(b"1"))
        self.server.stop()
        self.server.start()
        await database.write(registrations.create, registration(b"2"))
        assert await database.read(handles) == [b"1", b"2"]

    async def test_a_connection_that_is_cut_in_the_middle_leaves_nothing_half_done(self):
        """The transaction is undone as a whole, and done anew on another connection."""
        database = self.postgresql(self.server, connections=1)
        await database.read(handles)
        tries = []

        def cut(session):
            tries.append(session)
            registrations.create(session, registration(b"half"))
            if len(tries) == 1:
                (backend,) = session.execute("SELECT pg_backend_pid()")[0]
                self.server.sql(f"SELECT pg_terminate_backend({backend})")
            return registrations.create(session, registration(b"other half"))

        await database.write(cut)
        assert len(tries) == 2
        assert await database.read(handles) == [b"half", b"other half"]

    async def test_a_commit_whose_answer_was_lost_is_looked_up(self):
        """The connection goes while the commit is under way: what became of it decides the answer."""
        import psycopg

        database = self.postgresql(self.server, connections=1)

        def lost(session, committed):
            connection, commit = session.connection, session.connection.commit

            def breaking():
                if committed:
                    commit()
                connection.pgconn.finish()
                raise psycopg.OperationalError("the connection is lost")

            connection.commit = breaking
            return registrations.create(session, registration(b"%d" % committed)).handle

        assert await database.write(lost, True) == b"1"
        with pytest.raises(StoreDown, match="nothing was done"):
            await database.write(lost, False)
        assert await database.read(handles) == [b"1"]

    async def test_a_commit_that_the_next_server_knows_nothing_of_is_an_answer(self):
        """After a failover to a server that is behind; the thread works on."""
        import psycopg

        database = self.postgresql(self.server, connections=1)

        def lost(session):
            connection = session.connection

            def breaking():
                connection.pgconn.finish()
                raise psycopg.OperationalError("the connection is lost")

            connection.commit = breaking
            session.execute("SELECT pg_current_xact_id()")

        def fate(session, number):
            raise psycopg.errors.InvalidParameterValue(f"transaction ID {number} is in the future")

        self.patch(PostgresqlSession, "fate", fate)
        with pytest.raises(StoreDown, match="is not known"):
            await database.write(lost)
        assert await database.read(handles) == []

    async def test_two_gateways_share_one_database(self):
        """What one writes the other reads; both may bring the schema up to date at the same time."""
        address = fresh_address(self.server)
        one, two = (self.postgresql(self.server, address=address) for _ in range(2))
        kept = [
            db.write(registrations.create, registration(b"%d" % n, "t")) for n, db in enumerate([one, two])
        ]
        await gatherResults(kept)
        assert await one.read(handles) == await two.read(handles) == [b"0", b"1"]

    async def test_text_that_it_does_not_take_is_refused(self):
        """PostgreSQL has no NUL in texts; that is the caller's error."""
        database = self.database()
        with pytest.raises(Invalid):
            await database.write(registrations.create, registration(b"x", "a\0b"))
        assert await database.read(handles) == []

    async def test_a_server_that_is_away_at_the_start(self):
        """It is waited for: until it is there all is refused and one line says why, then the schema is made."""
        address = fresh_address(self.server)
        self.server.stop()
        try:
            with capturedLogs() as events:
                database = self.postgresql(self.server, address=address)
                for ask in [database.read(handles) for _ in range(5)]:
                    with pytest.raises(StoreDown, match="cannot be reached; nothing was done"):
                        await ask
        finally:
            self.server.start()
        assert [event["log_level"].name for event in events] == ["error"]
        assert "No such file" in events[0]["error"]
        await self.found_again(database)
        assert await database.read(handles) == []
        await database.write(registrations.create, registration(b"1"))
        await database.stop()
        assert await self.postgresql(self.server, address=address).read(handles) == [b"1"]

    async def found_again(self, database):
        """Ask until the pause after the last failure is over; one line says that it is there."""
        with capturedLogs() as events:
            for _ in range(50):
                try:
                    await gatherResults([database.read(handles) for _ in range(5)], consumeErrors=True)
                    break
                except FirstError:
                    await deferLater(reactor, 0.1)
        assert ["is reached" in event["log_format"] for event in events] == [True]

    async def test_a_server_that_turns_out_to_be_of_no_use(self):
        """What would have stopped the start is an answer too, each time."""
        address = fresh_address(self.server)
        await self.postgresql(self.server, address=address).stop()
        self.server.sql(f"UPDATE {address.schema}.schema_version SET version = 99")
        self.server.stop()
        try:
            database = self.postgresql(self.server, address=address)
        finally:
            self.server.start()
        with capturedLogs() as events:
            for _ in range(2):
                with pytest.raises(StoreDown):
                    await database.read(handles)
        assert events == []  # a minute has not passed since the first line

    def test_a_server_that_does_not_take_connections_yet(self):
        """One that starts, or that nothing is heard of, is waited for; a password it refuses stops the start."""
        for code, faults in (("57P03", 0), ("28P01", 1), (None, 0)):
            with refusing_server(code) as port:
                url = f"postgresql://hub@127.0.0.1:{port}/hub?sslmode=disable&gssencmode=disable"
                assert len(self.faults(url)) == faults, code

    def test_what_is_wrong_in_the_configuration(self):
        """The gateway does not start, and names the key."""
        url = self.server.url
        for wrong, word in (
            (url.replace("/postgres?", "/nothere?"), "does not exist"),
            (url.replace("hub@", "somebody@"), "does not exist"),
            (f"{url}&colour=red", "colour"),
            ("postgresql://hub@127.0.0.1:1/hub?sslmode=verify-full&sslrootcert=/none", ""),
        ):
            assert all(word in fault for fault in self.faults(wrong)), wrong
        with self.server.access("local all all scram-sha-256"):
            [fault] = self.faults(url.replace("hub@", "hub:wrong@"))
        assert "password authentication failed" in fault

    def test_names(self):
        """One that does not exist is wrong; when names cannot be looked up it may be right."""

        def failing(code):
            def fail(*_, **__):
                raise socket.gaierror(code, "no")

            return fail

        assert len(self.faults(f"postgresql://hub@{'x' * 64}.example/hub")) == 1
        for code, faults in ((socket.EAI_NONAME, 1), (socket.EAI_AGAIN, 0)):
            self.patch(socket, "getaddrinfo", failing(code))
            assert len(self.faults("postgresql://hub@database.example/hub")) == faults

    def faults(self, url):
        """The lines with which a gateway does not start."""
        database = PostgresqlDatabase(ServerAddress(url, "x"), 2, self.context, "hubs.main.store")
        faults = []
        try:
            self.started(database)
        except CannotStart as error:
            faults = error.faults
        assert all(line.startswith("hubs.main.store: ") for line in faults)
        return faults

    async def test_a_later_schema_is_left_alone(self):
        """A program that is older than the schema does not start, and says so."""
        address = fresh_address(self.server)
        await self.postgresql(self.server, address=address).stop()
        self.server.sql(f"UPDATE {address.schema}.schema_version SET version = 99")
        with pytest.raises(CannotStart, match="later version"):
            PostgresqlDatabase(address, 2, self.context).start()
