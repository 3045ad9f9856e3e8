"""Hubs: registrations, tags and sends, and the number of registrations that match a tag expression."""

from typing import Any, Final

from pushgate.inputs.common.hubs import permitted_hub
from pushgate.inputs.http.console.visit import Visit
from pushgate.model.errors import Forbidden
from pushgate.model.principals import Operation
from pushgate.net.http.responses import HTTPResponse, json_answer
from pushgate.plugin.hub_interface import IHub
from pushgate.protocols.notification_hubs.send_json import send_document

SENDS: Final = 50
"""Sends in an answer, of each kind."""
TAGS: Final = 15
"""Tags in an answer."""


def names(visit: Visit) -> HTTPResponse:
    """Return the hubs that the caller may read, with the app of each platform."""
    return json_answer(
        200,
        {
            "hubs": [
                {
                    "name": name,
                    "apps": {platform.value: app for platform, app in hub.apps().items()},
                    "stats": hub.stats(),
                }
                for name, hub in visit.hubs.items()
                if _sees(visit, name)
            ]
        },
    )


async def count(visit: Visit) -> HTTPResponse:
    """Return the number of registrations by platform, of those that match a tag expression, or all."""
    found = await _hub(visit).count(visit.parameters.get("expression", "").strip() or None)
    return json_answer(200, {"platforms": found, "total": sum(found.values())})


async def tags(visit: Visit) -> HTTPResponse:
    """Return tags in their order, each with the number of its registrations."""
    found = await _hub(visit).tags(visit.parameters.get("after", ""), TAGS)
    return json_answer(200, {"tags": found, "next": found[-1][0] if len(found) == TAGS else ""})


async def sends(visit: Visit) -> HTTPResponse:
    """Return the next scheduled sends and the latest sends."""
    hub = _hub(visit)
    return json_answer(
        200,
        {
            "scheduled": await _documents(hub, True),
            "latest": await _documents(hub, False),
        },
    )


async def cancel(visit: Visit) -> HTTPResponse:
    """Cancel a scheduled send."""
    hub = _hub(visit, Operation.ADMIN)
    _hub(visit, Operation.PUSH)
    return json_answer(200, {"cancelled": await hub.cancel(visit.parameters["id"])})


async def _documents(hub: IHub, scheduled: bool) -> list[dict[str, Any]]:
    return [send_document(each) for each in await hub.sends(scheduled, SENDS)]


def _hub(visit: Visit, operation: Operation = Operation.READ) -> IHub:
    return permitted_hub(visit.visitor.session, visit.hubs, visit.parameters["hub"], operation)


def _sees(visit: Visit, name: str) -> bool:
    try:
        permitted_hub(visit.visitor.session, visit.hubs, name, Operation.READ)
    except Forbidden:
        return False
    return True
