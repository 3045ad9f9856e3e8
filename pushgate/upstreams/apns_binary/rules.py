"""What may be submitted for an app on the binary stream: its certificate says whether it is for MDM."""

from msgspec.structs import replace

from pushgate.model.errors import Invalid
from pushgate.model.notification import Terms
from pushgate.model.notification_rules import NotificationRules
from pushgate.protocols.apns_http2.certificate_grants import grants
from pushgate.protocols.apns_rules import APNS_RULES
from pushgate.protocols.mdm_push import MDM, TOPIC_PREFIX, is_mdm_topic
from pushgate.upstreams.common.credentials import Credentials


def mdm_topic(credentials: Credentials) -> str | None:
    """The topic of an MDM push certificate; None of any other."""
    if credentials.certificate is None:
        return None
    topics = grants(credentials.certificate.original.to_cryptography()).topics
    return next(filter(is_mdm_topic, topics), None)


def rules_of(topic: str | None) -> NotificationRules:
    """The rules of an app.

    :param topic: that of its MDM push certificate; None: it has none.
    """

    def check(terms: Terms) -> None:
        if terms.push_type != MDM:
            return
        if topic is None:
            raise Invalid("push_type", "mdm without an MDM topic", f"a certificate for {TOPIC_PREFIX}…")
        if terms.topic not in {None, topic}:
            raise Invalid("topic", "not the certificate's", "the UID in its subject, or none at all")

    return replace(APNS_RULES, check_service_terms=check)
