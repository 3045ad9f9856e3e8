"""What may be submitted for an app on the binary stream, by its certificate."""

import pytest
from cryptography.x509.oid import NameOID
from OpenSSL.crypto import X509
from twisted.internet.ssl import Certificate

from pushgate.model.errors import Invalid
from pushgate.model.notification import Terms
from pushgate.upstreams.apns_binary.rules import mdm_topic, rules_of
from pushgate.upstreams.common.credentials import Credentials
from tests.protocols.apns_http2.test_certificate_grants import made

UID = "com.apple.mgmt.External.0b8315a4"


def credentials(uid):
    """Those of an app whose certificate has this UID in its subject."""
    certificate = Certificate(X509.from_cryptography(made([(NameOID.USER_ID, uid)])))
    return Credentials(None, certificate)


def test_the_topic_is_in_the_certificate():
    """That of an MDM push certificate is its UID; another certificate has none."""
    assert mdm_topic(credentials(UID)) == UID
    assert mdm_topic(credentials("com.example.news")) is None
    assert mdm_topic(Credentials(None)) is None


def test_terms():
    """An MDM push needs such a certificate, and goes to its topic only; other pushes are as they were."""
    for_mdm, for_news = rules_of(UID), rules_of(None)
    for_news.check_terms(Terms(push_type="alert", topic="com.example.news"))
    for terms in (Terms(push_type="mdm"), Terms(push_type="mdm", topic=UID), Terms(topic="x")):
        for_mdm.check_terms(terms)
    with pytest.raises(Invalid, match=r"^push_type: .* com\.apple\.mgmt\."):
        for_news.check_terms(Terms(push_type="mdm"))
    with pytest.raises(Invalid, match=r"^topic: "):
        for_mdm.check_terms(Terms(push_type="mdm", topic="com.apple.mgmt.External.other"))
