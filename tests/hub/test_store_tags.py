"""The dictionary of tags: unused ones go, and no registration loses one by that."""

import threading

import pytest
from twisted.internet.defer import gatherResults

from pushgate.hub.store import registration_queries, registrations, tags
from pushgate.model.hub.registration import RegistrationQuery
from tests.hub_store_rig import DatabaseTestCase, registration


def names(session):
    """All that there are."""
    return [name for (name,) in session.execute("SELECT name FROM tag ORDER BY name")]


def mark(session):
    """Mark all that no registration has."""
    _, unused = tags.without_registrations(session, 0)
    tags.mark_unused(session, unused)


def make_old(session):
    """Have an hour pass for all marks."""
    session.execute("UPDATE tag SET unused_since = unused_since - ?", (tags.UNUSED + 1,))


def made_unused(session, *given):
    """Tags that were used once, and are marked for long; no session remembers them."""
    registrations.delete(session, registrations.create(session, registration(b"gone", *given)).id)
    mark(session)
    make_old(session)
    session.remembered.clear()


def found(session, tag):
    """The handles that have a tag."""
    page = registration_queries.page(session, RegistrationQuery(tag=tag))
    return [each.handle for each in page.registrations]


def test_a_tag_goes_when_no_registration_has_it_for_an_hour(session):
    """Not before; those that are in use stay."""
    kept = registrations.create(session, registration(b"1", "used", "both"))
    gone = registrations.create(session, registration(b"2", "both", "unused"))
    registrations.delete(session, gone.id)
    mark(session)
    assert not tags.delete_unused(session)
    assert names(session) == ["both", "unused", "used"]
    make_old(session)
    assert not tags.delete_unused(session)
    assert names(session) == ["both", "used"]
    assert found(session, "both") == [kept.handle]


def test_a_tag_that_is_used_again_stays(session):
    """By a registration that has to look it up, and by one that remembers its number from before."""
    for is_remembered in (False, True):
        old = registrations.create(session, registration(b"old", "news"))
        registrations.delete(session, old.id)
        mark(session)
        if not is_remembered:
            session.remembered.clear()
        new = registrations.create(session, registration(b"new", "news"))
        make_old(session)
        tags.delete_unused(session)
        assert found(session, "news") == [b"new"]
        tags.delete_unused(session)
        assert session.execute("SELECT name FROM tag WHERE unused_since IS NOT NULL") == []
        registrations.delete(session, new.id)


def test_a_marked_tag_is_found_and_not_remembered(session):
    """A session that goes on for longer than the mark may not know the number of a tag that is deleted."""
    made_unused(session, "news")
    assert set(tags.find(session, ["news"])) == {"news"}
    assert "news" not in session.remembered


def test_numbers_are_remembered_for_a_while(session, monkeypatch):
    """Then they are looked up again: another gateway may have deleted the tag by then."""
    (number,) = tags.ensure(session, ["news"]).values()
    session.execute("UPDATE tag SET id = ? WHERE id = ?", (number + 1000, number))
    assert tags.find(session, ["news"]) == {"news": number}
    now = session.now()
    monkeypatch.setattr(session, "now", lambda: now + tags.MEMORY + 2)
    assert tags.find(session, ["news"]) == {"news": number + 1000}


def test_each_call_is_short(session, monkeypatch):
    """So many tags at a time; a call says whether there may be more."""
    monkeypatch.setattr(tags, "LOOKED_AT", 2)
    made_unused(session, *(f"t{number}" for number in range(5)))
    session.execute("UPDATE tag SET unused_since = NULL")
    after, seen = 0, []
    while after is not None:
        after, unused = tags.without_registrations(session, after)
        assert len(unused) <= 2
        tags.mark_unused(session, unused)
        seen += unused
    assert len(seen) == 5
    make_old(session)
    calls = [tags.delete_unused(session)]
    while calls[-1]:
        calls.append(tags.delete_unused(session))
    assert calls == [True, True, False]
    assert names(session) == []


class TestPostgresql(DatabaseTestCase):
    """Two transactions at the same moment, each of which saw the database as it was before."""

    @pytest.fixture(autouse=True)
    def _server(self, postgresql):
        self.server = postgresql

    async def _at_once(self, first):
        """Delete the tag, and register a device with it; one of them commits while the other is under way."""
        database = self.postgresql(self.server, connections=2)
        await database.write(made_unused, "news")
        both_saw, done = threading.Barrier(2), threading.Event()
        tries = {"delete": 0, "register": 0}

        def work(session, name, change, *arguments):
            tries[name] += 1
            session.execute("SELECT COUNT(*) FROM tag")
            if tries[name] == 1:
                both_saw.wait(30)
                if name != first:
                    assert done.wait(30)
            return change(session, *arguments)

        changes = {
            "delete": (tags.delete_unused,),
            "register": (registrations.create, registration(b"new", "news")),
        }
        going = {name: database.write(work, name, *change) for name, change in changes.items()}
        going[first].addCallback(lambda result: done.set())
        await gatherResults(going.values())
        assert await database.read(found, "news") == [b"new"]
        return tries

    async def test_the_registration_commits_first(self):
        """The tag is not deleted: that transaction is tried again, and finds it in use."""
        assert await self._at_once("register") == {"register": 1, "delete": 2}

    async def test_the_deletion_commits_first(self):
        """The registration saw the tag, and makes it anew all the same."""
        assert await self._at_once("delete") == {"register": 1, "delete": 1}
