"""Whether an app is for MDM, by its table and its certificate."""

from collections.abc import Iterable

from pushgate.model.errors import CannotStart
from pushgate.plugin.context import Context
from pushgate.protocols.mdm_push import TOPIC_PREFIX, is_mdm_topic
from pushgate.upstreams.common.settings import ManagedTable


def managed_topic(app: str, table: ManagedTable, topics: Iterable[str], context: Context) -> str | None:
    """The topic under which devices of an app enrol; None of an app that is not for MDM.

    :param topics: of its certificate.
    :raises CannotStart: it has no MDM push certificate, or devices have enrolled under another topic.
    """
    if not table.mdm:
        return None
    topic = next(filter(is_mdm_topic, topics), None)
    if topic is None:
        rule = f"the UID in its subject must begin with {TOPIC_PREFIX}"
        raise CannotStart([f"apps.{app}.certificate: no MDM push certificate; {rule}"])
    if context.managed_devices is not None:
        context.managed_devices.check_topic(app, topic, table.mdm_topic_override)
    return topic
