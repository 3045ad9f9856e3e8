"""The rules by which an input reads targets."""

from typing import Final

from pushgate.model.notification_rules import NotificationRules
from pushgate.plugin.gateway_interface import IGateway

_ANY: Final = NotificationRules()


def rules_of(gateway: IGateway, app: str) -> NotificationRules:
    """Return the rules of an app, or rules that take any text where there is none of this name.

    So a caller that may not know which apps there are learns nothing here: permission is checked later.
    """
    return gateway.rules(app) if gateway.has_app(app) else _ANY
