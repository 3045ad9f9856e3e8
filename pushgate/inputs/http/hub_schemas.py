"""The description of what hubs take and answer."""

from typing import Final

from pushgate.inputs.common.hub_calls import ID_PATTERN, MAX_PAGE
from pushgate.inputs.http.schema_parts import Schema, object_of, ref
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import SendState
from pushgate.protocols.notification_hubs.handles import MAX_HANDLE
from pushgate.protocols.notification_hubs.platform_names import FORMATS
from pushgate.protocols.notification_hubs.send_headers import MAX_HEADER, MAX_HEADERS, PASSED_ON

_TEXT: Final[Schema] = {"type": "string"}
_TEXTS: Final[Schema] = {"type": "object", "additionalProperties": _TEXT}
_SECONDS: Final[Schema] = {"type": ["number", "null"], "description": "Unix seconds."}
_ID: Final[Schema] = {"type": "string", "pattern": f"^{ID_PATTERN}$"}
_HEX: Final = f"^([0-9A-Fa-f]{{2}}){{1,{MAX_HANDLE}}}$"
_WORD: Final = f"^[!-~]{{1,{MAX_HANDLE}}}$"
_OF_BAIDU: Final = f"^[!-~]{{0,{MAX_HANDLE - 1}}}[!-,.-~]$"
"""Without a dash at the end: what stands before the last one is a user id."""
_OTHERS: Final = sorted({*Platform} - {Platform.APNS, Platform.BAIDU, Platform.BROWSER})
_DEVICE: Final[Schema] = {
    "tags": {"type": "array", "items": _TEXT},
    "push_variables": _TEXTS,
    "properties": _TEXTS,
    "template": {"anyOf": [ref("HubTemplate"), {"type": "null"}]},
    "expires_at": _SECONDS,
    "etag": _TEXT,
    "updated_at": {"type": "number"},
    "installation": _TEXT,
}
_FOUND: Final[Schema] = {
    "id": _TEXT,
    "state": {"enum": [*SendState]},
    "format": {"enum": [*FORMATS]},
    "expression": {"type": ["string", "null"]},
    "scheduled_for": _SECONDS,
    "at": {"type": "number"},
    "started_at": _SECONDS,
    "ended_at": _SECONDS,
}


def _of(platforms: list[str], handle: Schema) -> Schema:
    """A registration of some platforms, whose handles are written like this."""
    own = {"platform": {"enum": platforms}, "handle": handle}
    return object_of(["platform", "handle"], {**own, **_DEVICE}, True)


SCHEMAS: Final[dict[str, Schema]] = {
    "HubSend": object_of(
        ["format", "payload"],
        {
            "format": {"enum": [*FORMATS], "description": "A push service, or template: all, by templates."},
            "payload": {
                "type": ["object", "string"],
                "description": "What the push service takes, a text for what it says; properties, all of"
                " them texts, for templates.",
            },
            "expression": {"type": ["string", "null"], "description": "Of tags; without it all devices."},
            "headers": {
                "type": ["object", "null"],
                "maxProperties": MAX_HEADERS,
                "propertyNames": {"pattern": f"^({'|'.join(PASSED_ON)})[a-z-]{{0,40}}$"},
                "additionalProperties": {"type": "string", "pattern": f"^[ -~]{{0,{MAX_HEADER}}}$"},
                "description": "They go on to the push service.",
            },
            "schedule": _SECONDS | {"description": "Unix seconds when it is to be sent."},
            "test": {"const": False, "description": "True: to ten devices at most, without a schedule."},
        },
        True,
    ),
    "HubTestSend": object_of(
        ["format", "payload", "test"],
        {
            "format": {"enum": [*FORMATS]},
            "payload": {"type": ["object", "string"]},
            "expression": {"type": ["string", "null"]},
            "test": {"const": True},
        },
        True,
    ),
    "HubSent": object_of(
        ["id", "state"],
        {
            "id": _TEXT,
            "state": {"enum": [*SendState]},
            "results": {"type": "array", "items": ref("HubResult"), "description": "Of a test send."},
        },
    ),
    "HubResult": object_of(
        ["platform", "handle", "registration", "outcome", "succeeded"],
        {
            "platform": {"enum": [*Platform]},
            "handle": _TEXT,
            "registration": _TEXT,
            "outcome": _TEXT | {"description": "In words."},
            "succeeded": {"type": "boolean"},
        },
    ),
    "HubFound": object_of([*_FOUND], _FOUND),
    "HubSends": object_of(["sends"], {"sends": {"type": "array", "items": ref("HubFound")}}),
    "HubDetails": {
        "allOf": [
            ref("HubFound"),
            object_of(
                ["outcomes", "has_errors"],
                {
                    "outcomes": {
                        "type": "object",
                        "additionalProperties": {
                            "type": "object",
                            "additionalProperties": {"type": "integer"},
                        },
                        "description": "By platform and by name.",
                    },
                    "has_errors": {"type": "boolean"},
                },
            ),
        ]
    },
    "HubTemplate": object_of(
        ["body"],
        {"body": _TEXT, "name": _TEXT, "headers": _TEXTS, "expiry": _TEXT, "priority": _TEXT},
        True,
    ),
    "HubRegistration": {
        "oneOf": [
            _of([Platform.APNS], {"type": "string", "pattern": _HEX}),
            _of([Platform.BAIDU], {"type": "string", "pattern": _OF_BAIDU}),
            _of([*_OTHERS], {"type": "string", "pattern": _WORD}),
            _of([Platform.BROWSER], {"type": "string", "format": "push-subscription"}),
        ],
        "description": "A device. Its handle has to be one of the app's push service too. What only the hub"
        " sets, from etag on, is read over.",
    },
    "HubRegistered": object_of(
        ["id", "platform", "handle"],
        {"id": _TEXT, "platform": {"enum": [*Platform]}, "handle": _TEXT, **_DEVICE},
    ),
    "HubRegistrations": object_of(
        ["registrations", "next"],
        {
            "registrations": {"type": "array", "items": ref("HubRegistered")},
            "next": _TEXT | {"description": "For `after` of the page that follows; empty on the last one."},
        },
    ),
    "HubInstallation": object_of(
        ["platform", "pushChannel"],
        {
            "platform": {"const": Platform.APNS},
            "pushChannel": {"type": "string", "pattern": _HEX},
            "userId": {"type": ["string", "null"]},
            "tags": {"type": ["array", "null"], "items": _TEXT},
            "pushVariables": {"type": ["object", "null"], "additionalProperties": _TEXT},
        },
    )
    | {"description": "As Azure has it in JSON; shown for Apple. Its id is that of the path."},
    "HubInstalled": object_of(
        ["installationId", "platform", "pushChannel"],
        {"installationId": _TEXT, "platform": _TEXT, "pushChannel": {}},
    ),
    "HubKept": object_of(["id"], {"id": _TEXT}),
    "HubTags": object_of(
        ["tags", "next"],
        {
            "tags": {
                "type": "array",
                "items": {"type": "array", "minItems": 2, "maxItems": 2},
                "description": "Each with the number of its registrations.",
            },
            "next": _TEXT,
        },
    ),
    "HubCount": object_of(
        ["platforms", "total"],
        {
            "platforms": {"type": "object", "additionalProperties": {"type": "integer"}},
            "total": {"type": "integer"},
        },
    ),
}
"""By the names of the description."""


def _query(schema: Schema, description: str = "", **more: str) -> Schema:
    return {"in": "query", "schema": schema, "description": description, **more}


PARAMETERS: Final[dict[str, Schema]] = {
    "hub": {
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "hub_id": {"in": "path", "name": "id", "required": True, "schema": _ID},
    "scheduled": _query({"enum": ["true", "false"]}, "Those that are scheduled next."),
    "limit": _query(
        {"type": "string", "pattern": "^[1-9][0-9]{0,2}$"}, f"Entries at most, 1 to {MAX_PAGE}; 100."
    ),
    "after": _query({"type": "string", "maxLength": 200}, "The `next` of the page before."),
    "tag": _query(_TEXT, "With this tag only."),
    "platform": _query({"enum": [*Platform]}, "Of this platform only."),
    "handle": _query(_TEXT, "Of this device only; with its platform."),
    "expression": _query(_TEXT, "Of tags; without it all are counted."),
    "If-Match": {
        "in": "header",
        "schema": {"type": "string", "pattern": r'^(\*|"[0-9A-Za-z]{1,20}")$'},
        "description": "Only in the place of the one with this ETag; `*`: of any.",
    },
}
"""By the name that routes use."""
