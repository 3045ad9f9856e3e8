"""What a provider shows of itself on a connection."""

from functools import cache

import pytest

from pushgate.protocols.apns_http2.certificate_grants import CertificateGrants
from pushgate.protocols.apns_http2.push_request import PushRequest, Refused
from pushgate.protocols.apns_http2.token_check import ProviderKey, TokenCheck
from pushgate.simulator.provider_credential import ProviderCredential
from tests.protocols.apns_http2.test_token_check import KEY_ID, NOW, PRIVATE, TEAM, bearer

BUNDLE = "com.example.news"


def of_token(**named):
    """What a connection without a certificate has shown."""
    tokens = TokenCheck({KEY_ID: ProviderKey(PRIVATE.public_key())})
    return ProviderCredential(None, tokens, "production", **named)


def of_certificate(*topics, environments=(), environment="production", **named):
    """What one with a certificate has shown."""
    return ProviderCredential(CertificateGrants(topics, environments), TokenCheck({}), environment, **named)


def refused(call, *args):
    """Status and reason of what is refused."""
    with pytest.raises(Refused) as caught:
        call(*args)
    return caught.value.answer.status, caught.value.answer.reason


def push(topic=None, push_type=None):
    """A push."""
    return PushRequest(b"\1", topic, push_type, None, None, None, None, None)


@cache
def token(age=0, team=TEAM):
    """A provider token, the same whenever it is asked for."""
    return bearer({"iss": team, "iat": int(NOW) - age})


def test_a_connection_is_of_one_team():
    """The first good token says which."""
    credential = of_token()
    assert refused(credential.check, b"bearer x", NOW) == (403, "InvalidProviderToken")
    assert not credential.proven
    credential.check(token(), NOW)
    assert credential.proven
    assert refused(credential.check, token(team="OTHERTEAM1"), NOW) == (403, "Forbidden")


def test_renewals():
    """One renewal in 20 minutes; one that is refused does not count, and tokens that were good go on."""
    credential = of_token()
    for age in (5, 4):
        credential.check(token(age), NOW)
    assert refused(credential.check, token(3), NOW) == (429, "TooManyProviderTokenUpdates")
    assert refused(credential.check, token(3), NOW + 1199) == (429, "TooManyProviderTokenUpdates")
    credential.check(token(5), NOW)
    credential.check(token(3), NOW + 1200)
    assert refused(credential.check, token(2), NOW + 1201) == (429, "TooManyProviderTokenUpdates")


def test_remembered_tokens_are_bounded():
    """Of many tokens of one connection the first ones are forgotten, and count as new again."""
    credential = of_token(update_interval=1)
    for number in range(10):
        credential.check(token(number), NOW + 2 * number)
    assert refused(credential.check, token(0), NOW + 18) == (429, "TooManyProviderTokenUpdates")
    credential.check(token(9), NOW + 18)


def test_the_environment_of_a_certificate():
    """A certificate that says which environment it is for is for no other."""
    for environments in ((), ("production",), ("sandbox", "production")):
        of_certificate(environments=environments).check(None, NOW)
    credential = of_certificate(environments=("sandbox",))
    assert refused(credential.check, None, NOW) == (403, "BadCertificateEnvironment")
    of_certificate(environments=("sandbox",), environment="sandbox").check(b"nonsense", NOW)


@pytest.mark.parametrize(
    ("credential", "request_", "topic"),
    [
        (of_token(), push(BUNDLE), BUNDLE),
        (of_token(), push(BUNDLE + ".voip"), BUNDLE + ".voip"),
        (of_token(topics=frozenset({BUNDLE})), push(BUNDLE + ".voip", "voip"), BUNDLE + ".voip"),
        (of_certificate(), push(), ""),
        (of_certificate(), push("any.app", "alert"), "any.app"),
        (of_certificate(BUNDLE), push(push_type="alert"), BUNDLE),
        (of_certificate(BUNDLE, BUNDLE + ".voip"), push(BUNDLE + ".voip", "voip"), BUNDLE + ".voip"),
        (of_certificate("com.apple.mgmt.1"), push(push_type="mdm"), "com.apple.mgmt.1"),
    ],
)
def test_topics(credential, request_, topic):
    """The topic is the given one, or the only one of the certificate."""
    assert credential.check_topic(request_) == topic


@pytest.mark.parametrize(
    ("credential", "request_", "reason"),
    [
        (of_token(), push(), "MissingTopic"),
        (of_certificate(BUNDLE, "other"), push(), "MissingTopic"),
        (of_token(), push(BUNDLE, "voip"), "InvalidPushType"),
        (of_token(), push(BUNDLE + ".voip", "alert"), "InvalidPushType"),
        (of_token(topics=frozenset({BUNDLE})), push("other"), "TopicDisallowed"),
        (of_certificate(BUNDLE), push("other"), "TopicDisallowed"),
        (of_certificate(BUNDLE), push(BUNDLE + ".voip"), "TopicDisallowed"),
        (of_certificate(), push(BUNDLE + ".location-query"), "TopicDisallowed"),
    ],
)
def test_topics_that_are_refused(credential, request_, reason):
    """A topic that is missing, of another push type, or not for this credential."""
    assert refused(credential.check_topic, request_) == (400, reason)
