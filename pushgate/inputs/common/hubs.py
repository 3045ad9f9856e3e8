"""The hubs that a principal may use, at inputs whose principals are those of the configuration."""

from collections.abc import Mapping

from pushgate.inputs.common.session import Session
from pushgate.model.hub.errors import UnknownResource
from pushgate.model.principals import Operation
from pushgate.plugin.hub_interface import IHub


def permitted_hub(session: Session, hubs: Mapping[str, IHub], name: str, operation: Operation) -> IHub:
    """The hub of this name, for an operation that is allowed on each of its apps.

    What is done to a hub reaches devices of all its platforms, so that one app is not enough.

    :raises Forbidden: the operation is not allowed, or not on all its apps.
    :raises UnknownResource: there is no such hub.
    """
    session.permit(operation)
    if name not in hubs:
        raise UnknownResource("hub")
    hub = hubs[name]
    apps = set(hub.apps().values())
    for app in sorted(apps):
        session.permit(operation, app)
    if not apps:
        session.permit_all(operation)
    return hub
