"""Installations in the database of a hub, and the registrations that follow from them."""

import pytest
from msgspec.structs import replace

from pushgate.hub.store import installations, registration_queries, registrations
from pushgate.hub.store.derived_registrations import derived
from pushgate.model.errors import Invalid
from pushgate.model.hub.errors import UnknownResource
from pushgate.model.hub.registration import RegistrationQuery
from tests.hub_store_rig import installation, installation_template


def of(session, **query):
    """The registrations that a query finds."""
    return registration_queries.page(session, RegistrationQuery(**query)).registrations


def test_an_installation_stands_for_a_native_registration_and_one_for_each_template():
    """Each has the tags of the installation and its implicit ones; a template's has the template's besides."""
    one = installation(
        "Phone", tags=("A", "a", "b"), user_id="me", push_variables={"k": "v"},
        templates={"main": installation_template('{"x": 1}', "B", "c")},
    )  # fmt: skip
    native, by_template = derived(one)
    assert native.template is None
    assert native.tags == ("A", "b", "$InstallationId:{Phone}", "$UserId:{me}")
    assert by_template.template.name == "main"
    assert by_template.tags == (*native.tags, "c")
    assert {each.installation_id for each in (native, by_template)} == {"Phone"}
    assert native.push_variables == by_template.push_variables == {"k": "v"}


def test_ids_that_no_tag_can_name_give_no_tags():
    """Such an installation is reached by its other tags."""
    (native,) = derived(installation("with blank", tags=("a",), user_id="a b"))
    assert native.tags == ("a",)


def test_an_expired_push_channel_has_no_registrations():
    """Nothing is sent to an installation whose handle is dead."""
    assert derived(installation(push_channel_expired=True)) == ()


def test_an_installation_is_read_back(session):
    """The document is kept as it was put, but for the time."""
    one = installation(tags=("a",), templates={"t": installation_template()}, secondary_tiles="{}")
    kept = installations.put(session, one)
    assert kept == replace(one, updated_at=kept.updated_at)
    assert installations.get(session, "phone") == kept


def test_a_put_replaces_and_keeps_the_ids_of_what_stays(session):
    """A template that is gone takes its registration along; the others keep their ids and change their ETags."""
    templates = {"x": installation_template("{}", "tx"), "y": installation_template()}
    installations.put(session, installation(tags=("a",), templates=templates))
    before = {each.template and each.template.name: each for each in of(session)}
    del templates["y"]
    installations.put(session, installation(tags=("b",), templates=templates, handle=b"new"))
    after = {each.template and each.template.name: each for each in of(session)}
    assert before.keys() - after.keys() == {"y"}
    assert {name: each.id for name, each in after.items()} == {name: before[name].id for name in after}
    assert all(each.etag == "2" and each.handle == b"new" for each in after.values())
    assert of(session, tag="a") == ()
    assert len(of(session, tag="b")) == 2


def test_the_implicit_tag_finds_it(session):
    """``$InstallationId:{id}`` and ``$UserId:{id}`` work like tags, without regard to case."""
    installations.put(session, installation("Phone", user_id="Me"))
    assert len(of(session, tag="$installationid:{phone}")) == len(of(session, tag="$UserId:{me}")) == 1


def test_a_change_reads_and_writes_at_once(session):
    """`change` gives the current document and keeps what comes back; what raises changes nothing."""
    installations.put(session, installation(tags=("a",)))
    kept = installations.change(session, "phone", lambda old: replace(old, tags=(*old.tags, "b"), id="other"))
    assert kept.tags == ("a", "b")
    assert installations.get(session, "phone") == kept
    with pytest.raises(ZeroDivisionError):
        installations.change(session, "phone", lambda _: 1 / 0)
    assert len(of(session, tag="b")) == 1
    with pytest.raises(UnknownResource):
        installations.change(session, "nothing", lambda old: old)


def test_a_new_handle_revives_it_and_other_changes_do_not(session):
    """A push channel that expired counts as good again once it is another, or is put again."""
    installations.put(session, installation())
    installations.keep(session, installation(push_channel_expired=True))
    assert installations.change(session, "phone", lambda old: replace(old, tags=("a",))).push_channel_expired
    assert of(session) == ()
    changed = installations.change(session, "phone", lambda old: replace(old, handle=b"new"))
    assert not changed.push_channel_expired
    assert len(of(session)) == 1
    installations.keep(session, installation(push_channel_expired=True))
    assert not installations.put(session, installation(push_channel_expired=True)).push_channel_expired


def test_a_deleted_installation_takes_its_registrations_along(session):
    """Others stay; deleting what is not there says so."""
    installations.put(session, installation("a", tags=("t",)))
    installations.put(session, installation("b", tags=("t",)))
    assert installations.delete(session, "a")
    assert not installations.delete(session, "a")
    assert [each.installation_id for each in of(session, tag="t")] == ["b"]
    with pytest.raises(UnknownResource):
        installations.get(session, "a")


def test_an_expired_installation_is_not_there(session):
    """Nor are its registrations."""
    installations.put(session, installation(expires_at=session.now() - 1))
    with pytest.raises(UnknownResource):
        installations.get(session, "phone")
    assert of(session) == ()


def test_registrations_of_an_installation_are_not_written(session):
    """They change with their installation only."""
    installations.put(session, installation())
    (one,) = of(session)
    for work in (registrations.put, lambda s, r: registrations.delete(s, r.id)):
        with pytest.raises(Invalid, match="installation"):
            work(session, one)
    with pytest.raises(Invalid, match="installation"):
        registrations.import_many(session, [one])
