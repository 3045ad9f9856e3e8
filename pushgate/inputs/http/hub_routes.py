"""The methods and paths of hubs."""

from typing import Final

from pushgate.inputs.http import hubs
from pushgate.inputs.http.openapi import Described
from pushgate.inputs.http.route import Route, asks
from pushgate.inputs.http.schema_parts import json_of
from pushgate.model.principals import Operation

_SENDS: Final = "/v1/hubs/{hub}/notifications"
_SEND: Final = "/v1/hubs/{hub}/notifications/{id}"
_REGISTRATIONS: Final = "/v1/hubs/{hub}/registrations"
_REGISTRATION: Final = "/v1/hubs/{hub}/registrations/{id}"
_INSTALLATION: Final = "/v1/hubs/{hub}/installations/{id}"
_ASKED: Final = (404, 429, 502, 503)
"""Errors of a request without a body."""
_GIVEN: Final = (404, 408, 409, 415, 429, 502, 503)
"""Errors of a request with one."""

ROUTES: Final = (
    Route(
        hubs.takes_body(Operation.PUSH, hubs.send),
        Operation.PUSH,
        Described(
            method="POST",
            path=_SENDS,
            name="send_to_tags",
            summary="Send to the devices that a tag expression finds.",
            parameters=("hub",),
            body=("HubSend", "HubTestSend"),
            answers={200: json_of("HubSent"), 202: json_of("HubSent")},
            errors=_GIVEN,
        ),
    ),
    Route(
        asks(hubs.asked(Operation.READ, hubs.sends)),
        Operation.READ,
        Described(
            method="GET",
            path=_SENDS,
            name="sends",
            summary="The latest sends, or those that are scheduled next.",
            parameters=("hub", "scheduled", "limit"),
            answers={200: json_of("HubSends")},
            errors=_ASKED,
        ),
    ),
    Route(
        asks(hubs.asked(Operation.READ, hubs.details)),
        Operation.READ,
        Described(
            method="GET",
            path=_SEND,
            name="send_details",
            summary="The state of a send, and its outcomes by platform.",
            parameters=("hub", "hub_id"),
            answers={200: json_of("HubDetails")},
            errors=_ASKED,
        ),
    ),
    Route(
        asks(hubs.asked(Operation.PUSH, hubs.cancel)),
        Operation.PUSH,
        Described(
            method="DELETE",
            path=_SEND,
            name="cancel_send",
            summary="Cancel a scheduled send.",
            parameters=("hub", "hub_id"),
            answers={200: json_of("Cancelled")},
            errors=_ASKED,
        ),
    ),
    Route(
        asks(hubs.asked(Operation.ADMIN, hubs.registrations)),
        Operation.ADMIN,
        Described(
            method="GET",
            path=_REGISTRATIONS,
            name="registrations",
            summary="Registrations, a page at a time.",
            parameters=("hub", "tag", "platform", "handle", "limit", "after"),
            answers={200: json_of("HubRegistrations")},
            errors=_ASKED,
        ),
    ),
    Route(
        hubs.takes_body(Operation.ADMIN, hubs.create_registration),
        Operation.ADMIN,
        Described(
            method="POST",
            path=_REGISTRATIONS,
            name="create_registration",
            summary="Register a device under a new id.",
            parameters=("hub",),
            body=("HubRegistration",),
            answers={201: json_of("HubRegistered")},
            errors=_GIVEN,
        ),
    ),
    Route(
        asks(hubs.asked(Operation.ADMIN, hubs.registration)),
        Operation.ADMIN,
        Described(
            method="GET",
            path=_REGISTRATION,
            name="registration",
            summary="One registration.",
            parameters=("hub", "hub_id"),
            answers={200: json_of("HubRegistered")},
            errors=_ASKED,
        ),
    ),
    Route(
        hubs.takes_body(Operation.ADMIN, hubs.put_registration),
        Operation.ADMIN,
        Described(
            method="PUT",
            path=_REGISTRATION,
            name="put_registration",
            summary="Register a device under an id of the caller's, in the place of an earlier one.",
            parameters=("hub", "hub_id", "If-Match"),
            body=("HubRegistration",),
            answers={200: json_of("HubRegistered")},
            errors=_GIVEN,
        ),
    ),
    Route(
        asks(hubs.asked(Operation.ADMIN, hubs.delete_registration)),
        Operation.ADMIN,
        Described(
            method="DELETE",
            path=_REGISTRATION,
            name="delete_registration",
            summary="Delete a registration.",
            parameters=("hub", "hub_id", "If-Match"),
            answers={200: json_of("Deleted")},
            errors=(*_ASKED, 409),
        ),
    ),
    Route(
        asks(hubs.asked(Operation.ADMIN, hubs.installation)),
        Operation.ADMIN,
        Described(
            method="GET",
            path=_INSTALLATION,
            name="installation",
            summary="One installation.",
            parameters=("hub", "hub_id"),
            answers={200: json_of("HubInstalled")},
            errors=_ASKED,
        ),
    ),
    Route(
        hubs.takes_body(Operation.ADMIN, hubs.put_installation),
        Operation.ADMIN,
        Described(
            method="PUT",
            path=_INSTALLATION,
            name="put_installation",
            summary="Keep an installation, in the place of an earlier one.",
            parameters=("hub", "hub_id"),
            body=("HubInstallation",),
            answers={200: json_of("HubKept")},
            errors=_GIVEN,
        ),
    ),
    Route(
        asks(hubs.asked(Operation.ADMIN, hubs.delete_installation)),
        Operation.ADMIN,
        Described(
            method="DELETE",
            path=_INSTALLATION,
            name="delete_installation",
            summary="Delete an installation, if there is one.",
            parameters=("hub", "hub_id"),
            answers={200: json_of("Deleted")},
            errors=_ASKED,
        ),
    ),
    Route(
        asks(hubs.asked(Operation.READ, hubs.tags)),
        Operation.READ,
        Described(
            method="GET",
            path="/v1/hubs/{hub}/tags",
            name="tags",
            summary="The tags there are, each with the number of its registrations.",
            parameters=("hub", "limit", "after"),
            answers={200: json_of("HubTags")},
            errors=_ASKED,
        ),
    ),
    Route(
        asks(hubs.asked(Operation.READ, hubs.count)),
        Operation.READ,
        Described(
            method="GET",
            path="/v1/hubs/{hub}/count",
            name="count",
            summary="How many registrations a tag expression finds.",
            parameters=("hub", "expression"),
            answers={200: json_of("HubCount")},
            errors=_ASKED,
        ),
    ),
)
"""They are a part of the table of the input."""
