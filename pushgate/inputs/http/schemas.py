"""What the description of the API says of requests, answers and parameters."""

from typing import Final

from pushgate.inputs.http.event_id import PATTERN as LAST_EVENT_ID
from pushgate.inputs.http.hub_schemas import PARAMETERS as HUB_PARAMETERS
from pushgate.inputs.http.hub_schemas import SCHEMAS as HUB_SCHEMAS
from pushgate.inputs.http.schema_parts import Schema, object_of, ref
from pushgate.inputs.http.send_test import VALUES
from pushgate.model.errors import REFUSALS
from pushgate.model.history import Event
from pushgate.model.notification import MAX_BATCH, MAX_EXPIRATION, MAX_RATE, Delivery, Priority
from pushgate.model.outcome import State
from pushgate.model.send_test import MOST_A_MINUTE, MOST_DEVICES
from pushgate.protocols.apns_rules import MAX_TOKEN, PUSH_TYPES

_UUID: Final[Schema] = {"type": "string", "format": "uuid"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_TOKEN: Final[Schema] = {
    "type": "string",
    "pattern": rf"^[ <>]*([0-9A-Fa-f][ <>]*[0-9A-Fa-f][ <>]*){{1,{MAX_TOKEN}}}$",
    "description": "The device token in hex.",
}
_SECONDS: Final[Schema] = {"type": ["integer", "null"], "minimum": 0, "maximum": MAX_EXPIRATION}
_PAYLOAD: Final[Schema] = {
    "type": ["object", "array", "string"],
    "description": "A JSON object. Where the push service takes text, such as XML, also an array, or a text,"
    " which stands for what it says. At most the app's max_payload bytes.",
}


def _text(limit: int) -> Schema:
    return {
        "type": ["string", "null"],
        "minLength": 1,
        "maxLength": limit,
        "format": f"utf-8-{limit}",
        "description": f"1 to {limit} bytes of UTF-8.",
    }


TERMS: Final[dict[str, Schema]] = {
    "expiration": _SECONDS | {"description": "Unix seconds after which it is worthless; 0: do not store."},
    "priority": {"enum": [*sorted(Priority, reverse=True), None], "description": "10 goes before 5."},
    "collapse_id": _text(64),
    "push_type": {"enum": [*sorted(PUSH_TYPES), None]},
    "topic": _text(255),
    "registered_at": _SECONDS | {"description": "Unix seconds when the device last gave its token."},
    "delivery": {"enum": [*Delivery, None], "description": "Instead of the app's."},
    "channel": _text(255) | {"description": "The id of a channel of the push service, in place of a token."},
}
"""The optional fields of a notification, where a bad one refuses the request."""
_MAGIC: Final[Schema] = _text(255) | {
    "type": "string",
    "description": "What a managed device gave, in place of a payload: an MDM push.",
}
_CHANNEL: Final[Schema] = TERMS["channel"] | {"type": "string"}
_OF_DEVICES: Final = {name: schema for name, schema in TERMS.items() if name != "channel"}
"""The optional fields beside a token."""
_PACING: Final[dict[str, Schema]] = {
    "rate": {
        "type": ["number", "null"],
        "minimum": 0,
        "maximum": MAX_RATE,
        "description": "Notifications a second at most, of all in this request; 0: only the app's limits it.",
    },
    "pace": _text(255)
    | {"description": "With `rate`: requests that name the same one share one rate, the one that came last."},
}
_LOOSE: Final[dict[str, Schema]] = {
    name: {"type": ["number" if name in ("expiration", "priority", "registered_at") else "string", "null"]}
    for name in TERMS
}
"""The same, where a bad one refuses one notification."""
_LOOSE_MAGIC: Final[Schema] = {"type": ["string", "null"]}


_PACE_NEEDS_RATE: Final[Schema] = {
    "if": {"required": ["pace"], "properties": {"pace": {"type": "string"}}},
    "then": {"required": ["rate"], "properties": {"rate": {"type": "number", "exclusiveMinimum": 0}}},
}
_REFUSED: Final[Schema] = {
    "type": "array",
    "description": "Those not taken: index, code, reason.",
    "items": {
        "type": "array",
        "prefixItems": [_COUNT, {"type": "string"}, {"type": "string"}],
        "minItems": 3,
        "maxItems": 3,
    },
}
_RECEIPT: Final[Schema] = {"id": _UUID, "count": _COUNT, "refused": _REFUSED}

_OUTCOME: Final[dict[str, Schema]] = {
    "id": {"type": ["string", "null"]},
    "app": {"type": "string"},
    "token": {"type": ["string", "null"]},
    "state": {"enum": [*State]},
    "status": {"type": ["integer", "null"]},
    "reason": {"type": "string"},
    "at": {"type": "number"},
    "attempts": _COUNT,
    "batch": {"type": ["string", "null"]},
    "index": {"type": ["integer", "null"]},
    "upstream": {"type": "string"},
    "corrects": {"type": "boolean"},
    "dead_since": {"type": "integer"},
    "channel": {"type": "string", "description": "Of a broadcast, which has no token."},
    "unique_id": {"type": "string", "description": "What the push service calls it."},
    "replacement": {"type": "string", "description": "With replaced: the device's new token."},
}

SCHEMAS: Final[dict[str, Schema]] = {
    "One": object_of(["token", "payload"], {"token": _TOKEN, "payload": _PAYLOAD, **_OF_DEVICES}, True),
    "Wake": object_of(
        ["token", "push_magic"],
        {"token": _TOKEN, "push_magic": _MAGIC, **_OF_DEVICES, "push_type": {"enum": ["mdm", None]}},
        True,
    ),
    "Broadcast": object_of(["channel", "payload"], {"payload": _PAYLOAD, **TERMS, "channel": _CHANNEL}, True),
    "Many": object_of(
        ["tokens", "payload"],
        {
            "tokens": {
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_BATCH,
                "items": {"type": "string"},
                "description": "Device tokens in hex; one that is not is refused by its index.",
            },
            "payload": _PAYLOAD,
            **_OF_DEVICES,
            **_PACING,
        },
        True,
    )
    | _PACE_NEEDS_RATE,
    "Several": object_of(
        ["notifications"],
        {
            "notifications": {
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_BATCH,
                "items": ref("Notification"),
                "description": "One that breaks a rule is refused by its index.",
            },
            **_PACING,
        },
        True,
    )
    | _PACE_NEEDS_RATE,
    "Notification": object_of(
        [], {"token": {"type": "string"}, "payload": {}, "push_magic": _LOOSE_MAGIC, **_LOOSE}, True
    ),
    "Receipt": object_of(
        [*_RECEIPT],
        _RECEIPT
        | {
            "first": _COUNT | {"description": "Of a piece of NDJSON: notifications before it."},
            "batches": {
                "type": "array",
                "description": "When the notifications did not fit into one batch.",
                "items": object_of(["id", "first", "count"], {"id": _UUID, "first": _COUNT, "count": _COUNT}),
            },
            "outcomes": {"type": "array", "items": ref("Outcome"), "description": "With ?wait=."},
            "devices": {"type": "array", "items": ref("TriedDevice"), "description": "With ?test."},
            "settled": {"type": "boolean", "description": "With ?test: each device has its outcome."},
            "waited": {"type": "number", "description": "With ?test: seconds."},
            "repeated": {"type": "boolean", "description": "The same was accepted before, under this key."},
        },
    ),
    "Outcome": object_of(
        ["id", "app", "token", "state", "status", "reason", "at", "attempts", "batch", "index", "upstream"],
        _OUTCOME,
    ),
    "TriedDevice": object_of(
        ["id", "app", "index", "state", "meaning", "advice", "seconds"],
        {
            **_OUTCOME,
            "state": {"enum": [*State, None], "description": "null: not known any more."},
            "meaning": {"type": "string", "description": "What the outcome means."},
            "advice": {"type": "string", "description": "What to do."},
            "seconds": {"type": ["number", "null"], "description": "Until the outcome; null: there is none."},
        },
    ),
    "Story": {
        "allOf": [
            ref("Outcome"),
            object_of(["events"], {"events": {"type": "array", "items": ref("Event")}}),
        ]
    },
    "Event": object_of(
        ["event", "at"],
        {
            "event": {"enum": ["submitted", "queued", *Event, "outcome", "correction"]},
            "at": {"type": "number"},
            "input": {"type": ["string", "null"]},
            "connection": _COUNT,
            "state": {"enum": [*State]},
            "status": {"type": ["integer", "null"]},
            "reason": {"type": "string"},
            "upstream": {"type": "string"},
        },
    ),
    "NewEnrolment": object_of(
        ["token", "push_magic"],
        {
            "token": _TOKEN,
            "push_magic": _MAGIC,
            "keep_awake": {"type": "boolean", "description": "Push every 26 h while it is silent."},
            "device": _text(255) | {"description": "What the MDM server knows the device by."},
        },
        True,
    ),
    "Enrolled": object_of(
        ["sha256", "warnings"],
        {"sha256": {"type": "string"}, "warnings": {"type": "array", "items": {"type": "string"}}},
    ),
    "CheckIn": object_of(["token"], {"token": _TOKEN}, True),
    "CheckedIn": object_of(["known"], {"known": {"type": "boolean"}}),
    "CheckOut": object_of(
        ["token"],
        {
            "token": _TOKEN,
            "push_magic": _MAGIC | {"description": "Of the enrolment that has ended."},
        },
        True,
    ),
    "CheckedOut": object_of(["known"], {"known": {"type": "boolean"}}),
    "NewChannel": object_of(
        ["message_storage_policy"], {"message_storage_policy": {"type": "integer", "enum": [0, 1]}}, True
    ),
    "NamedChannel": object_of(["channel"], {"channel": {"type": "string"}}),
    "Channels": object_of(["channels"], {"channels": {"type": "array", "items": {"type": "string"}}}),
    "Channel": object_of(
        ["channel", "message_storage_policy", "push_type"],
        {
            "channel": {"type": "string"},
            "message_storage_policy": {"type": ["integer", "null"]},
            "push_type": {"type": "string"},
        },
    ),
    "Deleted": object_of(["deleted"], {"deleted": {"type": "boolean"}}),
    "Cancelled": object_of(["cancelled"], {"cancelled": {"type": "boolean"}}),
    "Proven": object_of(["proven"], {"proven": _COUNT}),
    "DeadTokens": object_of(
        ["form", "entries", "more"],
        {
            "form": {"enum": ["hex", "text"]},
            "entries": {
                "type": "array",
                "items": object_of(
                    ["token", "since", "reason"],
                    {"token": {"type": "string"}, "since": _COUNT, "reason": {"type": "string"}},
                ),
            },
            "more": {"type": "boolean", "description": "Another page follows: after the last token of this."},
        },
    ),
    "Stats": object_of(["apps"], {"apps": {"type": "object"}}),
    "Apps": object_of(["apps"], {"apps": {"type": "object", "additionalProperties": {"type": "object"}}}),
    "Status": object_of(["status"], {"status": {"type": "string"}}),
    "Document": {"type": "object", "required": ["openapi"]},
    "Error": object_of(
        ["error", "detail"], {"error": {"enum": [*REFUSALS, "INTERNAL"]}, "detail": {"type": "string"}}
    ),
    **HUB_SCHEMAS,
}

PARAMETERS: Final[dict[str, Schema]] = {
    "app": {
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "channel": {
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,255}$"},
        "description": "A channel's id, in base64 for URLs, or percent-encoded.",
    },
    "id": {"in": "path", "required": True, "schema": _UUID},
    "wait": {
        "in": "query",
        "schema": {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m|h|d)$"},
        "description": "Answer with the outcomes when all are known, or after this time.",
    },
    "test": {
        "in": "query",
        "schema": {"enum": [*VALUES]},
        "allowEmptyValue": True,
        "description": f"A test send, to {MOST_DEVICES} devices at most, {MOST_A_MINUTE} a minute of an app."
        " The answer says what became of each device, and waits for that.",
    },
    "watched": {"in": "query", "name": "app", "schema": {"type": "string"}, "description": "One app's only."},
    "after_token": {
        "in": "query",
        "name": "after",
        "schema": {"type": "string"},
        "description": "The last token of the page before.",
    },
    "Last-Event-ID": {
        "in": "header",
        "schema": {"type": "string", "pattern": LAST_EVENT_ID},
        "description": "From behind this event on, as a ledger sink has it; 0: all that it has.",
    },
    "Idempotency-Key": {
        "in": "header",
        "schema": {"type": "string", "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
        "description": "The same key again with the same content sends nothing.",
    },
    **HUB_PARAMETERS,
}
"""Parameters by the name that routes use."""
