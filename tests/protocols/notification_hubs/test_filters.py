"""Filters: the handle of one device, as SDKs ask for it."""

import time
from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.errors import Invalid
from pushgate.model.hub.platform import Platform
from pushgate.protocols.notification_hubs.filters import parse
from tests.hub_samples import AUTH, BROWSER, ENDPOINT, POINT, URI

KEYS = f"P256DH eq '{POINT}' and Auth eq '{AUTH}'"


@pytest.mark.parametrize(("text", "platform", "handle"), [
    ("DeviceToken eq 'AABB'", Platform.APNS, b"\xaa\xbb"),
    ("  devicetoken   EQ  aabb ", Platform.APNS, b"\xaa\xbb"),
    ("GcmRegistrationId eq 'a''b'", Platform.GCM, b"a'b"),
    ("FcmV1RegistrationId eq 'a:b'", Platform.FCMV1, b"a:b"),
    ("AdmRegistrationId eq 'a'", Platform.ADM, b"a"),
    ("XiaomiRegistrationId eq 'a'", Platform.XIAOMI, b"a"),
    ("BaiduChannelId eq 456' and BaiduUserId eq '123'", Platform.BAIDU, b"456"),
    (f"ChannelUri eq '{URI}'", None, URI.encode()),
    (f"ChannelUri eq '{quote(URI, safe='')}'", None, URI.encode()),
    ("ChannelUri eq 'AABB'", Platform.APNS, b"\xaa\xbb"),
    ("ChannelUri eq 'amzn1.adm'", None, b"amzn1.adm"),
    (f"Endpoint eq '{quote(ENDPOINT, safe='')}' and {KEYS}", Platform.BROWSER, BROWSER),
])  # fmt: skip
def test_handles(text, platform, handle):
    """Quotes may be missing, and addresses encoded once more."""
    assert parse(text) == (platform, handle)


@pytest.mark.parametrize("text", [
    "", "DeviceToken", "DeviceToken ne 'AABB'", "DeviceToken eq 'xyz'", "Tags eq 'a'", "BaiduUserId eq '1'", "DeviceToken eq 'AABB' or 1 eq 1",
    f"Endpoint eq '{ENDPOINT}'", KEYS, "'; DROP TABLE registration; --",
])  # fmt: skip
def test_what_names_no_handle(text):
    """It is refused."""
    with pytest.raises(Invalid):
        parse(text)


@given(st.text())
def test_any_text_is_read_or_refused(text):
    """Nothing else happens."""
    with suppress(Invalid):
        parse(f"GcmRegistrationId eq {text}")


def test_many_blanks_take_no_time():
    """A device's key is enough to ask, so what is asked may not hold the others up."""
    begun = time.process_time()
    with pytest.raises(Invalid):
        parse(" " * 60_000)
    assert time.process_time() - begun < 0.5
