"""What the doctor says of a hub's database: it makes nothing, and leaves nothing behind."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace
from twisted.trial.unittest import TestCase

from pushgate.hub.diagnosis import diagnose
from pushgate.hub.settings import HubTable
from pushgate.hub.store.schema import STEPS
from pushgate.plugin.checks import guarded
from tests.doctor_rig import amiss, examination
from tests.hub_store_rig import fresh_address, sqlite_session


class HubCase(TestCase):
    timeout = 60

    async def found(self, directory=None, name="main", offline=False, **keys):
        given = examination(offline=offline, timeout=10.0)
        given = replace(given, context=replace(given.context, state_dir=directory))
        return [each async for each in guarded(diagnose(name, HubTable(**keys), given), given)]


class SqliteTests(HubCase):
    def setUp(self):
        self.state = Path(self.mktemp()).absolute()
        self.hubs = self.state / "hubs"
        self.hubs.mkdir(parents=True)
        self.file = self.hubs / "main.sqlite"

    def made(self):
        """A database as a gateway leaves it."""
        session = sqlite_session(self.hubs)
        session.connection.execute("PRAGMA application_id = 0x70676862")
        path = Path(session.connection.execute("PRAGMA database_list").fetchone()[2])
        session.connection.close()
        path.rename(self.file)
        return self.file

    async def test_a_database(self):
        """Its version is said; and no file is left beside it, which another user could not write."""
        self.made()
        [found] = await self.found(self.state)
        self.assertEqual((found.check, found.level), ("hub-version", "ok"))
        self.assertIn(f"has version {len(STEPS)} of the tables", found.what)
        self.assertEqual([each.name for each in self.hubs.iterdir()], ["main.sqlite"])

    async def test_while_a_gateway_has_it_open(self):
        """It is read beside the gateway, what it has written last included."""
        self.made()
        with closing(sqlite3.connect(self.file, isolation_level=None)) as gateway:
            gateway.execute("PRAGMA journal_mode = WAL")
            gateway.execute("UPDATE schema_version SET version = 99")
            [found] = await self.found(self.state)
            self.assertEqual((found.check, found.level), ("hub-version", "failure"))
            self.assertIn("version 99", found.what)

    async def test_earlier_and_none(self):
        """An earlier version is brought up at the start, and one that is not there is made then."""
        [found] = await self.found(self.state)
        self.assertEqual((found.level, found.what), ("ok", f"{self.file} is made at the first start"))
        self.assertFalse(self.file.exists())
        with closing(sqlite3.connect(self.made(), isolation_level=None)) as writer:
            writer.execute("UPDATE schema_version SET version = 1")
        [found] = await self.found(self.state)
        self.assertIn(f"is brought to {len(STEPS)} at the next start", found.what)

    async def test_what_is_no_database(self):
        """Another program's file, and one that is none, stop the start; in memory there can be no hub."""
        with closing(sqlite3.connect(self.file)) as other:
            other.execute("CREATE TABLE theirs (x)")
        self.assertEqual(amiss(await self.found(self.state)), {"hub-store"})
        self.file.write_text("no database " * 100)
        [found] = await self.found(self.state)
        self.assertIn("not a database", found.what)
        self.assertEqual(amiss(await self.found(None)), {"hub-store"})


class PostgresqlTests(HubCase):
    @pytest.fixture(autouse=True)
    def _with_server(self, postgresql):
        self.server = postgresql

    async def test_a_server(self):
        """A schema that is not there is made at the start, and not by looking; a later version is refused."""
        name = fresh_address(self.server).schema.removeprefix("pushgate_")
        for _ in range(2):
            [found] = await self.found(name=name, store=self.server.url)
            self.assertEqual((found.check, found.level), ("hub-store", "ok"))
            self.assertIn("is made at the first start", found.what)
        self.server.sql(f"CREATE SCHEMA pushgate_{name}")
        self.server.sql(f"CREATE TABLE pushgate_{name}.schema_version (version BIGINT NOT NULL)")
        self.server.sql(f"INSERT INTO pushgate_{name}.schema_version VALUES ({len(STEPS)})")
        [found] = await self.found(name=name, store=self.server.url)
        self.assertEqual((found.check, found.level), ("hub-version", "ok"))
        self.server.sql(f"UPDATE pushgate_{name}.schema_version SET version = 99")
        self.assertEqual(amiss(await self.found(name=name, store=self.server.url)), {"hub-version"})

    async def test_no_server(self):
        """One that cannot be reached is a failure with its words; a password that cannot be read is another."""
        url = "postgresql://hub@127.0.0.1:1/hub"
        self.assertEqual(amiss(await self.found(store=url)), {"hub-store"})
        self.assertEqual(await self.found(store=url, offline=True), [])
        found = await self.found(store=url, password_file=Path("/none"))
        self.assertEqual(amiss(found), {"hub-password"})
