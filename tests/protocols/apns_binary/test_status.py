"""Apple's status codes, and what each means for a notification."""

import pytest

from pushgate.protocols.apns_binary.status import DEAD, OF_THE_CERTIFICATE, PERMANENT, ErrorStatus, reason

NAMES = {
    0: "NoError",
    1: "ProcessingError",
    2: "MissingToken",
    3: "MissingTopic",
    4: "MissingPayload",
    5: "InvalidTokenSize",
    6: "InvalidTopicSize",
    7: "InvalidPayloadSize",
    8: "InvalidToken",
    10: "Shutdown",
    128: "ProtocolError",
    255: "Unknown",
}


@pytest.mark.parametrize("code", range(256))
def test_every_byte_has_a_name(code):
    """Apple's codes have Apple's names; an undefined one keeps its number instead of failing."""
    assert reason(code) == NAMES.get(code, f"Status{code}")


def test_the_codes_are_apples():
    """The table of the Binary Provider API, 9 missing, 128 included."""
    assert {int(status) for status in ErrorStatus} == set(NAMES)


def test_what_is_refused_for_good():
    """Sending the same again helps with no other code: 0, 1, 10, 255 and undefined ones are temporary."""
    assert {code for code in range(256) if code in PERMANENT} == {2, 3, 4, 5, 6, 7, 8, 128}


def test_only_the_token_kills_the_token():
    """A missing token is our own mistake, and a topic is the certificate's: neither says a device is gone."""
    assert set(DEAD) == {5, 8}
    assert set(OF_THE_CERTIFICATE) == {3, 6}
    assert DEAD | OF_THE_CERTIFICATE < PERMANENT
