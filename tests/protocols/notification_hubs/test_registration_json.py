"""Registrations as JSON."""

import json

import pytest

from pushgate.model.errors import Invalid
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration, Template
from pushgate.protocols.notification_hubs.registration_json import parse, to_document
from tests.hub_samples import BROWSER, URI

HANDLES = dict.fromkeys(Platform, b"a-handle") | {
    Platform.APNS: b"\xaa\x01", Platform.BROWSER: BROWSER, Platform.WNS: URI.encode(), Platform.BAIDU: b"77",
}  # fmt: skip
TEMPLATE = Template(body="{}", name="t", headers={"apns-priority": "5"}, expiry="0", priority="5")


@pytest.mark.parametrize("platform", Platform)
def test_there_and_back(platform):
    """What is written is read as the same, but for what the hub sets by itself."""
    plain = Registration(platform=platform, handle=HANDLES[platform])
    full = Registration(
        id="1-2-3",
        platform=platform,
        handle=HANDLES[platform],
        tags=("a", "b"),
        template=TEMPLATE,
        push_variables={"x": "1"},
        properties={"BaiduUserId": "u"},
        expires_at=1.9e9,
    )
    for each in (plain, full):
        assert parse(json.dumps(to_document(each)).encode()) == each


def test_what_is_the_hubs():
    """The ETag, the time of the last update and the installation are written, and not taken back."""
    kept = Registration(
        platform=Platform.APNS, handle=b"\xaa", etag="4", updated_at=5.0, installation_id="phone"
    )
    document = to_document(kept)
    assert (document["etag"], document["updated_at"], document["installation"]) == ("4", 5.0, "phone")
    assert parse(json.dumps(document).encode()) == Registration(platform=Platform.APNS, handle=b"\xaa")


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (b"{", "registration"),
        (b"[]", "registration"),
        (b"[" * 100_000, "registration"),
        (b'{"platform":"apns","handle":"aa","tag":"x"}', "registration"),
        (b'{"platform":"pager","handle":"secret"}', "platform"),
        (b'{"platform":"apns","handle":"secret"}', "handle"),
        (b'{"platform":"fcmv1","handle":7}', "handle"),
        (b'{"platform":"apns","handle":"aa","tags":["x",1]}', "tags"),
        (b'{"platform":"apns","handle":"aa","template":{}}', "template"),
    ],
)
def test_refusals(document, field):
    """The field is named, and no value comes out."""
    with pytest.raises(Invalid) as caught:
        parse(document)
    assert caught.value.field == field
    assert "secret" not in str(caught.value)
