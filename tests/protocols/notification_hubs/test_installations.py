"""Installations as JSON, and patches of them."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pushgate.model.errors import Invalid
from pushgate.model.hub.platform import Platform
from pushgate.protocols.notification_hubs import json_patch
from pushgate.protocols.notification_hubs.installation_json import encode, parse, to_document
from tests.hub_samples import BROWSER, SUBSCRIPTION, installations

PHONE = {"installationId": "i", "platform": "apns", "pushChannel": "AABB"}
TEMPLATE = {"body": "b", "headers": {"h": "v"}, "expiry": "e", "tags": ["x"]}


def given_as(document, number="i"):
    """The installation of a document."""
    return parse(json.dumps(document).encode(), number)


@given(installations())
def test_there_and_back(installation):
    """What goes out says all, and can be put again."""
    assert parse(encode(installation), installation.id) == installation


def test_what_is_not_set():
    """Members without a value, or with null, mean the same as none; the id is that of the path."""
    whole = {
        **PHONE,
        "installationId": None,
        "userId": None,
        "tags": None,
        "templates": None,
        "expirationTime": "",
        "lastUpdate": "x",
        "more": 1,
    }
    found = given_as(whole)
    assert (found.id, found.handle, found.push_channel, found.expires_at) == ("i", b"\xaa\xbb", "AABB", None)
    assert found == given_as({"platform": "APNS", "pushChannel": " AABB "})
    assert to_document(found).keys() == {
        "installationId", "platform", "pushChannel", "pushChannelExpired", "expirationTime", "lastUpdate", "tags",
    }  # fmt: skip


@pytest.mark.parametrize("channel", [
    SUBSCRIPTION, json.dumps(SUBSCRIPTION),
    {"endpoint": SUBSCRIPTION["endpoint"], "keys": {"p256dh": SUBSCRIPTION["p256dh"], "auth": SUBSCRIPTION["auth"]}},
])  # fmt: skip
def test_the_channel_of_a_browser(channel):
    """It is an object, or its JSON as text; it comes back as it was given."""
    found = given_as({"platform": "browser", "pushChannel": channel})
    assert found.handle == BROWSER
    assert to_document(found)["pushChannel"] == channel


def test_the_channel_of_baidu():
    """.NET puts the user id before it."""
    assert given_as({"platform": "baidu", "pushChannel": "123-456"}).handle == b"456"
    assert given_as({"platform": "baidu", "pushChannel": "456"}).handle == b"456"


def test_times_and_platforms():
    """Dates are read in any form; fcmV1 in any case."""
    found = given_as({"platform": "FcmV1", "pushChannel": "t", "expirationTime": "11/29/2026 12:00:00"})
    assert (found.platform, found.expires_at) == (Platform.FCMV1, 1795953600.0)
    assert to_document(found)["platform"] == "fcmV1"


@pytest.mark.parametrize(("change", "field", "shape"), [
    ({"platform": "pigeon"}, "platform", "text of 6 characters"),
    ({"platform": 1}, "platform", "expected `str`, got `int`"),
    ({"pushChannel": "xyz"}, "pushChannel", "text of 3 characters"),
    ({"pushChannel": ""}, "pushChannel", "text of 0 characters"),
    ({"pushChannel": {}}, "pushChannel", "no text"),
    ({"platform": "browser"}, "pushChannel", "text that is no JSON"),
    ({"platform": "browser", "pushChannel": []}, "pushChannel", "a part is missing, or no text"),
    ({"platform": "browser", "pushChannel": {**SUBSCRIPTION, "auth": "x"}}, "pushChannel", "auth is no secret"),
    ({"installationId": "other"}, "installationId", "another one than in the path"),
    ({"tags": "a,b"}, "tags", "expected `array | null`, got `str`"),
    ({"tags": [1]}, "tags", "expected `str`, got `int`"),
    ({"templates": {"t": {}}}, "templates", "object missing required field `body`"),
    ({"expirationTime": "soon"}, "expirationTime", "text of 4 characters"),
])  # fmt: skip
def test_what_is_not_valid(change, field, shape):
    """The field is named, and what is wrong with it; not what it says."""
    with pytest.raises(Invalid) as caught:
        given_as({**PHONE, **change})
    assert (caught.value.field, caught.value.shape) == (field, shape)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b'{"platform":"apns"}', b'{"platform":' + b"[" * 5000]
)
def test_what_is_no_installation(body):
    """It is refused."""
    with pytest.raises(Invalid):
        parse(body, "i")


@pytest.mark.parametrize("number", ["", "x" * 201, "a\nb"])
def test_ids(number):
    """They are of a length, and of one line."""
    with pytest.raises(Invalid, match="installationId"):
        given_as({"platform": "apns", "pushChannel": "aa"}, number)


FULL = {
    **PHONE, "userId": "u", "tags": ["a", "b", "7"], "pushVariables": {"k": "v"}, "templates": {"t": TEMPLATE, "a/b": {"body": "c"}},
    "secondaryTiles": {"s": {"pushChannel": "x"}},
}  # fmt: skip


def patched(*operations, document=FULL):
    """The document after a patch, as a back end writes it."""
    body = json.dumps([dict(zip(("op", "path", "value"), each, strict=False)) for each in operations])
    return to_document(json_patch.apply(given_as(document), json_patch.parse(body.encode())))


@pytest.mark.parametrize(("operation", "tags"), [
    (("add", "/tags", "c"), ["a", "b", "7", "c"]),
    (("add", "/tags", "A, c"), ["a", "b", "7", "c"]),
    (("add", "/tags", '["c","d"]'), ["a", "b", "7", "c", "d"]),
    (("add", "/tags", ["c"]), ["a", "b", "7", "c"]),
    (("Add", "/Tags/", "c"), ["a", "b", "7", "c"]),
    (("add", "/tags/c"), ["a", "b", "7", "c"]),
    (("add", "/tags/-", "c"), ["a", "b", "7", "c"]),
    (("replace", "/tags", "c,d"), ["c", "d"]),
    (("replace", "/tags", []), []),
    (("replace", "/tags/B", "c"), ["a", "7", "c"]),
    (("replace", "/tags/0", "c"), ["b", "7", "c"]),
    (("remove", "/tags"), []),
    (("remove", "/tags", "B"), ["a", "7"]),
    (("remove", "/tags/B"), ["a", "7"]),
    (("remove", "/tags/7"), ["a", "b"]),
    (("remove", "/tags/1"), ["a", "7"]),
    (("remove", "/tags/none"), ["a", "b", "7"]),
    (("remove", "/tags/99"), ["a", "b", "7"]),
])  # fmt: skip
def test_tags(operation, tags):
    """A tag is named by itself, or by its place; it is there once."""
    assert patched(operation)["tags"] == tags


@pytest.mark.parametrize(("operation", "key", "value"), [
    (("replace", "/pushChannel", "CC"), "pushChannel", "CC"),
    (("replace", "/userId", "v"), "userId", "v"),
    (("remove", "/userId"), "userId", None),
    (("add", "/expirationTime", "2026-11-29"), "expirationTime", "2026-11-29T00:00:00.000Z"),
    (("replace", "/pushVariables/k", "w"), "pushVariables", {"k": "w"}),
    (("add", "/pushVariables/l", "w"), "pushVariables", {"k": "v", "l": "w"}),
    (("remove", "/pushVariables/k"), "pushVariables", None),
    (("replace", "/pushVariables", '{"m":"n"}'), "pushVariables", {"m": "n"}),
    (("remove", "/pushVariables"), "pushVariables", None),
    (("add", "/secondaryTiles/r", "{}"), "secondaryTiles", {**FULL["secondaryTiles"], "r": {}}),
    (("remove", "/secondaryTiles/s"), "secondaryTiles", None),
    (("remove", "/templates"), "templates", None),
    (("remove", "/templates/t"), "templates", {"a/b": {"body": "c"}}),
    (("remove", "/templates/a~1b"), "templates", {"t": TEMPLATE}),
    (("add", "/templates/n", '{"body":"x"}'), "templates", {**FULL["templates"], "n": {"body": "x"}}),
    (("replace", "/templates", {"n": {"body": "x"}}), "templates", {"n": {"body": "x"}}),
    (("replace", "/templates/t/body", "x"), "templates", {**FULL["templates"], "t": {**TEMPLATE, "body": "x"}}),
    (("replace", "/templates/t/headers/h", "x"), "templates", {**FULL["templates"], "t": {**TEMPLATE, "headers": {"h": "x"}}}),
    (("replace", "/templates/t/headers", '{"i":"x"}'), "templates", {**FULL["templates"], "t": {**TEMPLATE, "headers": {"i": "x"}}}),
    (("add", "/templates/t/tags", "y"), "templates", {**FULL["templates"], "t": {**TEMPLATE, "tags": ["x", "y"]}}),
    (("remove", "/templates/t/expiry"), "templates", {**FULL["templates"], "t": {"body": "b", "headers": {"h": "v"}, "tags": ["x"]}}),
])  # fmt: skip
def test_other_places(operation, key, value):
    """Every documented path, with values as texts, and as JSON where they are sent so."""
    assert patched(operation).get(key) == value


def test_members_that_were_not_there():
    """They are made."""
    operations = [
        ("add", "/tags", "c"),
        ("add", "/pushVariables/k", "v"),
        ("add", "/templates/t", '{"body":"b"}'),
        ("add", "/secondaryTiles/s", "{}"),
    ]
    found = patched(*operations, document=PHONE)
    assert (found["tags"], found["pushVariables"], found["templates"]) == (
        ["c"],
        {"k": "v"},
        {"t": {"body": "b"}},
    )


@pytest.mark.parametrize("operation", [
    ("move", "/tags", "c"), ("add", "/platform/x", "c"), ("replace", "/installationId", "j"), ("replace", "/platform", "gcm"), ("add", "", "c"),
    ("add", "/tags/a/b", "c"), ("add", "/tags", "[1]"), ("add", "/tags", "["), ("add", "/templates/n", "no json"), ("add", "/templates/n", "{}"),
    ("add", "/templates/none/body", "x"), ("add", "/templates/t/colour", "x"), ("add", "/templates/t/headers/a/b", "x"),
    ("replace", "/pushChannel", "xyz"), ("remove", "/pushChannel"), ("remove", "/templates/t/body"), ("add", "/userId/x", "c"),
    ("replace", "/pushVariables", "[]"), ("add", "/templates", "[" * 9999),
])  # fmt: skip
def test_patches_that_are_not_valid(operation):
    """They are refused as wholes."""
    with pytest.raises(Invalid):
        patched(("add", "/tags", "c"), operation)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'[{"op":"add"}]', b"\xff", json.dumps([{"op": "add", "path": "/tags"}] * 1001).encode()],
)
def test_what_is_no_patch(body):
    """It is refused."""
    with pytest.raises(Invalid):
        json_patch.parse(body)


_paths = st.sampled_from(
    [
        "/tags",
        "/tags/a",
        "/templates/t",
        "/templates/t/tags/x",
        "/pushVariables/k",
        "/userId",
        "/secondaryTiles",
    ]
)
_values = st.sampled_from(["a", "", "[]", '{"body":"b"}', '["x"]', "{}"])


def test_a_patch_has_no_list_of_any_length():
    """Each operation goes through the list: so many tags and so many operations would take seconds."""
    tags = ",".join(f"t{number}" for number in range(json_patch.MAX_TAGS + 1))
    with pytest.raises(Invalid, match="tags: 1001 tags"):
        patched(("replace", "/tags", tags), ("replace", "/tags", "a"))


@given(
    installations(),
    st.lists(st.tuples(st.sampled_from(["add", "remove", "replace"]), _paths, _values), max_size=5),
)
def test_patches_leave_an_installation(installation, operations):
    """What comes out can be put again, and is the same then."""
    try:
        once = json_patch.apply(installation, operations)
    except Invalid:
        return
    assert parse(encode(once), once.id) == once
    assert replace(once, updated_at=0.0) == once


def test_msgspec_says_types_only():
    """What the decoder says of a fault names no values, as errors must not."""
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(b'{"a":"secret"}', type=dict[str, int])
    assert "secret" not in str(caught.value)
