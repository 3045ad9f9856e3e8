"""Shared access signatures: who signed, and for which addresses."""

import base64
import hashlib
import hmac
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.errors import Invalid
from pushgate.protocols.notification_hubs.sas import parse, sign

KEY = b"0123456789abcdef0123456789abcdef"
ADDRESS = "https://mynamespace.servicebus.windows.net/myhub/messages/?api-version=2015-01"
VECTOR = (
    "SharedAccessSignature sr=https%3a%2f%2fmynamespace.servicebus.windows.net%2fmyhub%2fmessages%2f%3fapi-version%3d2015-01"
    "&sig=yKby2PXj9i4Agcs1HIBdwLGDad%2fj53dFYxisk8on5Ho%3d&se=1700003600&skn=DefaultFullSharedAccessSignature"
)
HOST = ("mynamespace.servicebus.windows.net",)


def test_the_vector_of_the_sdk():
    """What .NET signs is what is signed here, and is known again."""
    assert sign(ADDRESS, KEY, 1700003600, "DefaultFullSharedAccessSignature") == VECTOR
    found = parse(VECTOR)
    assert (found.rule, found.expires_at) == ("DefaultFullSharedAccessSignature", 1700003600)
    assert found.is_by([b"another", KEY])
    assert found.covers(HOST, "/myhub/messages")


def by_another(address, key, order, upper):
    """A signature as other SDKs make it: fields in any order, hex in any case."""
    resource = quote_plus(address) if upper else quote(address, safe="").lower()
    digest = base64.b64encode(hmac.new(key, f"{resource}\n99".encode(), hashlib.sha256).digest())
    fields = {"sr": resource, "sig": quote_plus(digest), "se": "99", "skn": "r"}
    return "sharedaccesssignature " + "&".join(f"{name}={fields[name]}" for name in order)


@given(st.permutations(["sr", "sig", "se", "skn"]), st.booleans(), st.binary(min_size=1))
def test_fields_come_in_any_order_and_case(order, upper, key):
    """The address is verified as it was received."""
    found = parse(by_another("https://h:7221/", key, order, upper))
    assert found.is_by([key])
    assert not found.is_by([key + b"x"])
    assert not found.is_by([])
    assert found.covers(["h:7221"], "/main/registrations")


def addressed(address):
    return parse(sign(address, KEY, 99, "r"))


@pytest.mark.parametrize("address", [
    "https://h/", "https://h", "sb://h/", "http://H", "h", "https://h:443/", "https://h/hub", "https://h/Hub/",
    "https://h/hub/tags/a%20b", "https://h/hub/tags/a%20b/?api-version=2015-01", "https://h/hub/tags/a%20b#x",
    "https://h/hub/tags/a b",
])  # fmt: skip
def test_an_address_covers_what_is_below_it(address):
    """In any case, with or without a final slash, whatever its scheme, its query left out."""
    assert addressed(address).covers(["H"], "/HUB/tags/a%20b/")


@pytest.mark.parametrize("address", [
    "https://other/", "https://h:7221/", "https://h.example.com/", "https://h/hu", "https://h/hub/tags/a%20b/c",
    "https://h@other/", "https://other/h/hub", "", "https:///hub",
])  # fmt: skip
def test_other_addresses_are_not_covered(address):
    """Segments count as wholes, and hosts with their ports."""
    assert not parse(sign(address or "x", KEY, 99, "r")).covers(["h"], "/hub/tags/a%20b")


def test_any_of_the_hosts_counts():
    """A server behind a proxy has two names."""
    assert addressed("https://public.example/").covers(["127.0.0.1:7221", "public.example"], "/hub")


@pytest.mark.parametrize("header", [
    "", "Bearer abc", "SharedAccessSignature", "SharedAccessSignature sr=a&sig=b&se=1", "SharedAccessSignature sr=a&sig=&se=1&skn=r",
    "SharedAccessSignature sr=a&sr=b&sig=b&se=1&skn=r", "SharedAccessSignature sr=a&sig=b&se=soon&skn=r",
    "SharedAccessSignature sr=a&sig=b&se=-1&skn=r", "SharedAccessSignature sr=a&sig=b&se=\u0663&skn=r",
    f"SharedAccessSignature sr={'a' * 9000}&sig=b&se=1&skn=r",
])  # fmt: skip
def test_what_is_no_signature(header):
    """Each is refused with the rule, and without what it said."""
    with pytest.raises(Invalid) as caught:
        parse(header)
    assert caught.value.field == "authorization"


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    """Nothing else happens, and nothing is by a key that did not sign it."""
    try:
        found = parse(f"SharedAccessSignature {text}")
    except Invalid:
        return
    assert not found.is_by([KEY])
