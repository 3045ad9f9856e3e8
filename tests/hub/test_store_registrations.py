"""Registrations in the database of a hub, in SQLite and in PostgreSQL."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pushgate.hub.store import registration_queries, registrations, tags
from pushgate.model.errors import Invalid
from pushgate.model.hub.errors import EtagMismatch, Gone, UnknownResource
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import RegistrationQuery
from tests.hub_store_rig import emptied, registration, template


def listed(session, **query):
    """All registrations that a query finds, by going through its pages."""
    found, after = [], ""
    while True:
        page = registration_queries.page(session, RegistrationQuery(**query, after=after))
        found += page.registrations
        if not (after := page.next):
            return found


def test_a_created_registration_is_read_back_as_it_was_given(session):
    """All fields come back; the id has the form that clients know; the ETag is the first."""
    given = registration(
        b"\x00\xff", "Sport", "$UserId:{me}", template=template('{"a": "$(b)"}', "main", headers={"x": "y"}),
        push_variables={"k": "v"}, properties={"BaiduUserId": "u"}, expires_at=4e9,
    )  # fmt: skip
    kept = registrations.create(session, given)
    assert re.fullmatch(r"\d+-\d+-\d", kept.id)
    assert kept == replace(given, id=kept.id, etag="1", updated_at=kept.updated_at)
    assert registrations.get(session, kept.id) == kept
    assert abs(kept.updated_at - session.now()) < 60


def test_an_id_that_was_given_out_is_good_once(session):
    """A put under a new id creates; after a delete the id is gone."""
    name = registrations.give_id(session)
    kept = registrations.put(session, registration(id=name))
    assert registrations.get(session, name) == kept
    registrations.delete(session, name)
    with pytest.raises(UnknownResource):
        registrations.get(session, name)
    with pytest.raises(Gone):
        registrations.put(session, registration(id=name))


def test_an_id_that_was_never_given_out_is_gone(session):
    """A client cannot choose ids."""
    with pytest.raises(Gone):
        registrations.put(session, registration(id="1-2-3"))


def test_each_put_changes_the_etag_and_replaces_everything(session):
    """What a put leaves out is no longer there: tags, template and handle; other registrations stay."""
    other = registrations.create(session, registration(b"other", "a", "b"))
    first = registrations.create(session, registration(b"one", "a", "b", "B", template=template()))
    second = registrations.put(session, registration(b"two", "b", "c", id=first.id))
    assert second.etag != first.etag
    assert registrations.get(session, first.id) == second
    assert listed(session, tag="a") == [other]
    assert listed(session, tag="C") == [second]
    assert listed(session, handle=b"one") == []


def test_if_match_holds(session):
    """A put or a delete under an ETag goes through only while it is the current one; "*" is any."""
    first = registrations.create(session, registration())
    second = registrations.put(session, first, first.etag)
    with pytest.raises(EtagMismatch):
        registrations.put(session, first, first.etag)
    with pytest.raises(EtagMismatch):
        registrations.delete(session, first.id, first.etag)
    third = registrations.put(session, second, "*")
    registrations.delete(session, third.id, third.etag)
    with pytest.raises(UnknownResource):
        registrations.put(session, third, "*")


def test_an_expired_registration_is_gone(session):
    """It is not read, not listed and not updated."""
    kept = registrations.create(session, registration(b"x", "t", expires_at=session.now() - 1))
    with pytest.raises(UnknownResource):
        registrations.get(session, kept.id)
    with pytest.raises(Gone):
        registrations.put(session, kept)
    assert listed(session) == listed(session, tag="t") == []


def test_a_handle_may_have_many_registrations(session):
    """Creating twice makes two, which the handle finds, on each platform by itself or on all."""
    one, two = (registrations.create(session, registration(b"h")) for _ in range(2))
    three = registrations.create(session, registration(b"h", platform=Platform.ADM, template=template()))
    assert listed(session, handle=b"h", platform=Platform.APNS) == [one, two]
    assert listed(session, handle=b"h") == [one, two, three]
    assert listed(session, platform=Platform.ADM) == [three]
    assert listed(session, handle=b"never seen") == []


@pytest.mark.parametrize("top", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("query", [{}, {"tag": "All"}, {"platform": Platform.APNS}])
def test_pages_of_every_size_list_each_once(session, top, query):
    """Going through pages meets every registration once, in its order."""
    kept = [registrations.create(session, registration(b"%d" % (n % 4), "all", str(n))) for n in range(7)]
    found = listed(session, top=top, **query)
    assert sorted(each.id for each in found) == sorted(each.id for each in kept)
    if "tag" not in query:
        assert found == kept


@pytest.mark.parametrize("after", ["x", "1.2.3", "-1", "1e3", "9" * 30, "' OR 1=1 --", "²"])
@pytest.mark.parametrize("tag", [None, "t"])
def test_a_continuation_that_is_none_is_refused(session, after, tag):
    """A continuation token that no page gave is the caller's error, not the database's."""
    with pytest.raises(Invalid, match="continuationtoken"):
        registration_queries.page(session, RegistrationQuery(tag=tag, after=after))


def test_sql_in_tags_and_handles_is_text(session):
    """Text that would be SQL is kept and found as what it is."""
    evil = "'); DROP TABLE registration; --%s?"
    kept = registrations.create(session, registration(evil.encode(), evil, id="x"))
    assert registrations.get(session, kept.id) == kept
    assert listed(session, tag=evil) == [kept]


def test_an_import_creates_and_replaces(session):
    """Ids that the file names are taken, given out or not; of two lines with one id the later counts."""
    before = registrations.create(session, registration(b"before", "old"))
    lines = [registration(b"%d" % n, "t", f"n{n}", id=f"1-{n}-1") for n in range(600)]
    lines += [registration(b"again", "again", id="1-0-1"), replace(before, tags=("new",)), registration(b"9")]
    kept = registrations.import_many(session, lines)
    assert len(kept) == len(lines)
    assert registrations.get(session, "1-0-1").handle == b"again"
    assert registrations.get(session, before.id).etag == "2"
    assert len(listed(session, tag="t")) == 599
    assert [each.id for each in listed(session, tag="new")] == [before.id]
    assert listed(session, tag="old") == []
    assert registration_queries.total(session) == 602


def test_tags_are_listed_with_their_registrations(session):
    """In their order, behind one, without those that no registration has any more."""
    kept = registrations.create(session, registration(b"1", "Zoo", "gone"))
    registrations.create(session, registration(b"2", "zoo", "bar", "Été"))
    registrations.put(session, replace(kept, tags=("Zoo",)))
    assert tags.page(session, "", 10) == [("bar", 1), ("zoo", 2), ("été", 1)]
    assert tags.page(session, "bar", 1) == [("zoo", 2)]


tag_sets = st.lists(st.sampled_from(["a", "A", "b", "c", "d"]), max_size=4).map(tuple)
changes = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([b"1", b"2"]), tag_sets, st.booleans(), st.booleans()),
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(changes)
def test_what_tags_find_follows_every_change(any_session, steps):
    """Whatever is put and deleted in which order: a tag finds the registrations that have it now."""
    session = emptied(any_session)
    model = {}
    for number, handle, names, is_template, delete in steps:
        if delete and number in model:
            registrations.delete(session, model.pop(number).id)
            continue
        new = registration(handle, *names, template=template() if is_template else None)
        if number in model:
            model[number] = registrations.put(session, replace(new, id=model[number].id))
        else:
            model[number] = registrations.create(session, new)
    for tag in "abcd":
        wanted = {each.id for each in model.values() if tag in {name.lower() for name in each.tags}}
        assert {each.id for each in listed(session, tag=tag)} == wanted
