"""What holds for each of the databases of a hub."""

import pytest
from twisted.internet.defer import gatherResults
from zope.interface.verify import verifyObject

from pushgate.database.interface import IDatabase
from pushgate.hub.store import registration_queries, registrations
from pushgate.model.hub.registration import RegistrationQuery
from pushgate.model.store_down import StoreDown
from tests.hub_store_rig import DatabaseTestCase, registration


def handles(session):
    """All handles."""
    page = registration_queries.page(session, RegistrationQuery(top=1000))
    return sorted(each.handle for each in page.registrations)


def create_and_fail(session, handle):
    """A write that gives up in the middle."""
    registrations.create(session, registration(handle, f"tag of {handle}"))
    raise ZeroDivisionError


class AnyDatabase(DatabaseTestCase):
    """Tests of either: `database` starts a new one, `again` one on what an earlier one kept."""

    def test_it_provides_the_interface(self):
        """Both are interchangeable."""
        verifyObject(IDatabase, self.database())

    async def test_what_was_written_is_read(self):
        """Once a write has fired, every read sees it."""
        database = self.database()
        kept = await database.write(registrations.create, registration(b"x", "t"))
        assert await database.read(registrations.get, kept.id) == kept

    async def test_a_write_that_raises_undoes_itself_and_nothing_else(self):
        """Of many at the same time those that fail leave no trace, their tags included."""
        database = self.database()
        good = [database.write(registrations.create, registration(b"%d" % n, f"t{n}")) for n in range(20)]
        bad = [database.write(create_and_fail, b"bad") for _ in range(5)]
        await gatherResults(good)
        for each in bad:
            with pytest.raises(ZeroDivisionError):
                await each
        assert await database.read(handles) == sorted(b"%d" % n for n in range(20))
        await database.write(registrations.create, registration(b"bad", "tag of b'bad'", "t3"))
        found = await database.read(registration_queries.page, RegistrationQuery(tag="tag of b'bad'"))
        assert [each.handle for each in found.registrations] == [b"bad"]

    async def test_many_writes_to_the_same_row_are_all_done(self):
        """Those that change the same at the same time are done one after the other."""
        database = self.database()
        kept = await database.write(registrations.create, registration())
        await gatherResults([database.write(registrations.put, kept) for _ in range(30)])
        assert (await database.read(registrations.get, kept.id)).etag == "31"

    async def test_a_stopped_database_refuses(self):
        """What came before is done; what comes later fails."""
        database = self.database()
        before = database.write(registrations.create, registration())
        await database.stop()
        await before
        for ask in (database.read, database.write):
            with pytest.raises(StoreDown):
                await ask(handles)
        await database.stop()

    async def test_it_is_opened_again(self):
        """What is kept outlives the process."""
        first = self.database()
        await first.write(registrations.create, registration(b"x"))
        await first.stop()
        assert await self.again(first).read(handles) == [b"x"]
