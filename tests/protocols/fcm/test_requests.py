"""The requests that notifications become."""

import msgspec

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.packed import Packed
from pushgate.protocols.fcm.requests import HOST, FcmRequests
from pushgate.protocols.fcm.service import FcmService
from tests.samples import batch, span

SERVICE = FcmService(HOST, FcmRequests("news-1234"))
PAYLOAD = b'{"notification":{"title":"Hi"}}'
TOKENS = [b"token:%d" % index for index in range(300)]


def bodies(sent, service=SERVICE):
    """The bodies of a slice, decoded."""
    return [msgspec.json.decode(each.body) for each in service.members(sent)]


def test_a_slice():
    """Every member has the same path and headers; its body has its own target."""
    part = BatchSlice(batch(tokens=TOKENS, payload=PAYLOAD), 255, 257)
    found = SERVICE.members(part)
    assert [(each.index, each.path, each.unlike, each.kind) for each in found] == [
        (255, b"/v1/projects/news-1234/messages:send", (), ""),
        (256, b"/v1/projects/news-1234/messages:send", (), ""),
    ]
    assert bodies(part) == [
        {
            "message": {
                "token": f"token:{index}",
                "notification": {"title": "Hi"},
                "android": {"priority": "HIGH"},
            }
        }
        for index in (255, 256)
    ]


def test_payloads_of_their_own():
    """Each message has its own, and the terms of all."""
    payloads = [b'{"data":{"n":"%d"}}' % index for index in range(3)]
    sent = span(tokens=TOKENS[:3], payload=Packed.of(payloads, 2), priority=None, collapse_id="c")
    assert [each["message"]["data"]["n"] for each in bodies(sent)] == ["0", "1", "2"]
    assert [each["message"]["token"] for each in bodies(sent)] == ["token:0", "token:1", "token:2"]
    assert {each["message"]["android"]["collapse_key"] for each in bodies(sent)} == {"c"}


def test_without_terms():
    """The message is what was submitted."""
    sent = span(tokens=[b"topic:news"], payload=PAYLOAD, priority=None)
    [member] = SERVICE.members(sent)
    assert member.body == b'{"message":{"topic":"news","notification":{"title":"Hi"}}}'


def test_to_nobody():
    """An app may have all its messages only checked."""
    service = FcmService(HOST, FcmRequests("p", validate_only=True))
    assert bodies(span(payload=PAYLOAD), service)[0]["validate_only"] is True


def test_headers():
    """Of every request, in the order that HTTP/2 asks for."""
    assert SERVICE.pseudo == (
        (b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"fcm.googleapis.com"),
    )  # fmt: skip
    assert SERVICE.fields(span(), "") == ((b"content-type", b"application/json"),)
