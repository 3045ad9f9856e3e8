"""Dead devices leave the database of a hub, and what has expired."""

import pytest
from msgspec.structs import replace

from pushgate.hub.store import (
    installations,
    pruning,
    purging,
    registration_queries,
    registrations,
    sends,
    targets,
)
from pushgate.model.hub.errors import EtagMismatch
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import RegistrationQuery
from pushgate.model.hub.send import SendRequest
from tests.hub_store_rig import installation, installation_template, registration, template

APNS, ADM = Platform.APNS, Platform.ADM


def of(session, **query):
    """The registrations that a query finds."""
    return list(registration_queries.page(session, RegistrationQuery(**query)).registrations)


def test_all_registrations_of_a_dead_handle_are_deleted(session):
    """With and without a template; the same handle on another platform, and other handles, stay."""
    registrations.create(session, registration(b"dead", "t"))
    registrations.create(session, registration(b"dead", "t", template=template()))
    other = registrations.create(session, registration(b"dead", "t", platform=ADM))
    alive = registrations.create(session, registration(b"alive", "t"))
    assert pruning.prune(session, [(APNS, b"dead", session.now() + 1), (APNS, b"unknown", 4e9)]) == 2
    assert of(session) == [other, alive]
    assert {each.id for each in of(session, tag="t")} == {other.id, alive.id}


def test_a_registration_that_is_younger_than_the_death_stays(session):
    """A device that has given its handle since then is alive."""
    kept = registrations.create(session, registration())
    assert pruning.prune(session, [(APNS, b"device", kept.updated_at)]) == 0
    assert of(session) == [kept]


def test_an_installation_stays_and_is_marked(session):
    """Its push channel has expired, it has no registrations; a put revives it."""
    installations.put(session, installation(templates={"x": installation_template()}))
    assert pruning.prune(session, [(APNS, b"\xab" * 8, session.now() + 1)]) == 2
    assert installations.get(session, "phone").push_channel_expired
    assert of(session) == []
    installations.put(session, installation())
    assert len(of(session)) == 1


def test_a_new_handle_takes_the_place_of_the_old_one(session):
    """Registrations keep their ids and their device; an installation's document has the new one too."""
    one = registrations.create(session, registration(b"old", "t", platform=ADM))
    installations.put(session, installation(platform=ADM, handle=b"old", push_channel="old"))
    before = targets.page(session, None, ADM, False, 0, 9).targets[0].device
    assert pruning.replace_handle(session, ADM, b"old", b"new") == 2
    assert {each.handle for each in of(session)} == {b"new"}
    assert of(session, tag="t")[0].id == one.id
    assert targets.page(session, None, ADM, False, 0, 9).targets[0].device == before
    kept = installations.get(session, "phone")
    assert (kept.handle, kept.push_channel) == (b"new", "new")


@pytest.mark.parametrize("known", [False, True])
def test_a_new_handle_is_a_change_of_the_registration(session, known):
    """A device that has read the registration before cannot write the old handle back over it."""
    mine = registrations.create(session, registration(b"old", "t"))
    if known:
        registrations.create(session, registration(b"new"))
    pruning.replace_handle(session, APNS, b"old", b"new")
    with pytest.raises(EtagMismatch):
        registrations.put(session, registration(b"old", "t", id=mine.id), mine.etag)
    assert of(session, tag="t")[0].handle == b"new"


def test_a_new_handle_that_is_known_already_is_one_device(session):
    """The registrations of both handles are those of one device then, which is met once."""
    registrations.create(session, registration(b"old", "t"))
    registrations.create(session, registration(b"new", "u"))
    assert pruning.replace_handle(session, APNS, b"old", b"new") == 1
    page = targets.native_page(session, None, APNS, 0, 10)
    assert (page.handles, page.skipped) == ((b"new",), 1)
    assert len(of(session, tag="t")) == len(of(session, tag="u")) == 1
    assert pruning.replace_handle(session, APNS, b"old", b"new") == 0


def test_an_apple_installation_has_its_new_handle_in_hex(session):
    """The push channel is the text form of the handle."""
    installations.put(session, installation())
    pruning.replace_handle(session, APNS, b"\xab" * 8, b"\x01\xff")
    assert installations.get(session, "phone").push_channel == "01ff"


def test_what_has_expired_is_purged(session):
    """Registrations and installations with all that belongs to them; nothing else."""
    past = session.now() - 1
    for number in range(3):
        registrations.create(session, registration(b"%d" % number, "t", expires_at=past))
    stays = registrations.create(session, registration(b"stays", "t", expires_at=past + 1000))
    installations.put(session, installation("old", expires_at=past))
    installations.put(session, installation("new", tags=("t",)))
    assert not purging.purge(session)
    assert session.execute("SELECT COUNT(*) FROM installation") == [(1,)]
    assert registration_queries.total(session) == 2
    assert session.execute("SELECT COUNT(*) FROM registration_tag") == [(3,)]
    assert stays in of(session)


def test_devices_without_registrations_are_forgotten(session, monkeypatch):
    """Some at a time; those with registrations, native or by a template, stay."""
    monkeypatch.setattr(purging, "ROWS", 2)
    gone = [registrations.create(session, registration(b"%d" % number)) for number in range(5)]
    stays = registrations.create(session, registration(b"stays"))
    registrations.create(session, registration(b"templated", template=template()))
    for each in gone:
        registrations.delete(session, each.id)
    after = 0
    while unused := purging.unused_devices(session, after):
        assert len(unused) <= 2
        assert purging.purge_devices(session, unused)
        after = unused[-1]
    assert sorted(session.execute("SELECT handle FROM device")) == [(b"stays",), (b"templated",)]
    assert registrations.put(session, replace(stays, tags=("x",))).handle == b"stays"


def test_no_device_is_forgotten_while_a_send_goes_on(session):
    """It could register again under a new number, and be met twice."""
    sends.add(session, "s", SendRequest(body=b"{}", platform=Platform.APNS))
    registrations.delete(session, registrations.create(session, registration(b"1")).id)
    assert not purging.purge_devices(session, purging.unused_devices(session, 0))
    assert session.execute("SELECT COUNT(*) FROM device") == [(1,)]


@pytest.mark.parametrize("rows", [1, 2, 500])
def test_a_purge_is_done_in_parts(session, monkeypatch, rows):
    """Each call is short, and says whether there may be more."""
    monkeypatch.setattr(purging, "ROWS", rows)
    for number in range(3):
        registrations.create(session, registration(b"%d" % number, expires_at=1.0))
    while purging.purge(session):
        pass
    assert registration_queries.total(session) == 0
