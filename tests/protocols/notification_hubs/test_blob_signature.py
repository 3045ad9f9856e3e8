"""Signed addresses of containers and files."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.errors import Invalid, Refusal
from pushgate.model.hub.errors import UnknownResource
from pushgate.protocols.notification_hubs.blob_signature import (
    ALL,
    LIST,
    READ,
    WRITE,
    Grant,
    Place,
    check_container,
    check_name,
    permits,
    query,
    split,
)

KEY = b"k" * 32
CONTAINER = Place("main", "c0")


def parameters(place, grant, key=KEY):
    """Those of a signed address."""
    return split(f"https://h/{place.hub}/blobs/{place.container}?{query(place, grant, key)}")[1]


def test_what_an_address_permits():
    """What it says, for every file of the container, until it expires."""
    found = parameters(CONTAINER, Grant(READ + LIST, 1000.0))
    file = Place("MAIN", "c0", "a/b.txt")
    assert permits(file, found.get, READ, 999.0, KEY)
    assert permits(CONTAINER, found.get, LIST, 999.0, KEY)
    assert not permits(file, found.get, WRITE, 999.0, KEY)
    assert not permits(file, found.get, READ, 1000.0, KEY)
    assert not permits(file, found.get, READ, 999.0, b"another")
    assert not permits(Place("other", "c0"), found.get, READ, 999.0, KEY)
    assert not permits(Place("main", "c1"), found.get, READ, 999.0, KEY)
    assert not permits(file, {}.get, READ, 999.0, KEY)


def test_an_address_of_one_file():
    """It is good for no other one, and not for the container."""
    file = Place("main", "errors", "7-1")
    found = parameters(file, Grant(READ, 1000.0, single=True))
    assert permits(file, found.get, READ, 0.0, KEY)
    assert not permits(Place("main", "errors", "7-2"), found.get, READ, 0.0, KEY)
    assert not permits(Place("main", "errors"), (found | {"sr": "c"}).get, READ, 0.0, KEY)


@given(st.sampled_from(["sr", "sp", "se", "sig"]), st.text())
def test_changed_addresses(name, text):
    """Nothing of an address can be changed."""
    found = parameters(CONTAINER, Grant(ALL, 1000.0))
    if found[name] != text:
        assert not permits(CONTAINER, (found | {name: text}).get, READ, 0.0, KEY)


def test_addresses_in_parts():
    """The file of an import stands between the container and the signature; `%2E` is a dot."""
    signed = query(CONTAINER, Grant(ALL, 1000.0), KEY)
    place, found = split(f"https://h:1/main/blobs/c0//import%20me%2Etxt?{signed}")
    assert place == Place("main", "c0", "import me.txt")
    assert permits(place, found.get, READ, 0.0, KEY)


@pytest.mark.parametrize(
    "address",
    [
        "", "https://h", "https://h/main", "https://h/main/blobs", "https://h/main/blobs/", "http://[",
        "https://h/main/jobs/c0", "https://h/main/blobs/C_0", "https://h/main/blobs/c0/../x",
        "https://h/main/blobs/c0/%2e%2e/x", "https://h/main/blobs/c0/..%2fx", "https://h/main/blobs/../c0",
        "https://h/main/blobs/%2e%2e",
    ],
)  # fmt: skip
def test_addresses_that_are_none(address):
    """No path that leads elsewhere is read as a file's."""
    with pytest.raises(Invalid):
        split(address)


@pytest.mark.parametrize("name", ["", ".", "..", ".key", "A", "a_b", "a/b", "-a", "a-", "a" * 64, "ä"])
def test_names_of_containers(name):
    """Lower case, digits and hyphens, as Azure has them: never a path, never a hidden file."""
    with pytest.raises(UnknownResource):
        check_container(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/../b", "/a", "a/", "a//b", ".a", "a/.b", "ä", "a\0", "a\\b"]
)
def test_names_of_files(name):
    """No part is empty, hidden or a step upwards."""
    with pytest.raises(Invalid):
        check_name(name)


def test_names_that_are_good():
    """Those that jobs and people use."""
    assert check_container("feedback") == "feedback"
    for name in (
        "Output.txt",
        "main/0f/Failed.txt",
        "07272016",
        "import me (not).txt".replace("(", "_")[:10],
    ):
        assert check_name(name) == name
    with pytest.raises(Invalid, match="1 to 8 parts"):
        check_name("/".join("a" * 9))


@given(st.text())
def test_rubbish_is_refused(text):
    """Nothing else than a refusal, whatever is given as an address."""
    for address in (text, f"https://h/main/blobs/c0/{text}", f"https://h/main/blobs/c0?{text}"):
        with contextlib.suppress(Refusal):
            split(address)
