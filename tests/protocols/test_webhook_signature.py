"""The signature of a webhook."""

import hashlib
import hmac

import pytest

from pushgate.protocols.webhook_signature import SIGNATURE, TIMESTAMP, sign, verify

OLD, NEW = b"an old secret of 24 bytes", b"a new secret of 24 bytes."
BODY, NOW = b'{"id":"1"}\n', 1_700_000_000


def test_what_is_signed():
    """HMAC-SHA256 over timestamp, full stop and body, in hex: what any language can compute."""
    digest = hmac.new(OLD, b'1700000000.{"id":"1"}\n', hashlib.sha256).hexdigest()
    assert sign([OLD], NOW, BODY) == f"v1={digest}"
    assert (TIMESTAMP, SIGNATURE) == ("X-Pushgate-Timestamp", "X-Pushgate-Signature")


def test_either_secret_will_do():
    """While receivers change over, requests are signed with both secrets."""
    signature = sign([OLD, NEW], NOW, BODY)
    assert verify(OLD, str(NOW), signature, BODY, NOW)
    assert verify(NEW, str(NOW), signature, BODY, NOW)
    assert not verify(b"another", str(NOW), signature, BODY, NOW)


@pytest.mark.parametrize("now", [NOW - 301, NOW + 301])
def test_old_requests(now):
    """A request that was recorded and is sent again later is not taken."""
    assert not verify(OLD, str(NOW), sign([OLD], NOW, BODY), BODY, now)
    assert verify(OLD, str(NOW), sign([OLD], NOW, BODY), BODY, now, tolerance=301)


@pytest.mark.parametrize(
    "timestamp", ["", "-5", "1e9", "\N{ARABIC-INDIC DIGIT ONE}", "9" * 5000, "1700000001"]
)
def test_other_timestamps(timestamp):
    """The timestamp is signed too; what is no number is not taken, and no reason to fail."""
    assert not verify(OLD, timestamp, sign([OLD], NOW, BODY), BODY, NOW)


@pytest.mark.parametrize("signature", ["", "v1=", "v2=00", "v1=\udcff", ",,,"])
def test_other_signatures(signature):
    """So is what is no signature, and a right one for another body."""
    assert not verify(OLD, str(NOW), signature, BODY, NOW)
    assert not verify(OLD, str(NOW), sign([OLD], NOW, BODY), BODY + b" ", NOW)
