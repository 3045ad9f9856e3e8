"""Parts that schemas of the API's description are made of."""

from typing import Any

Schema = dict[str, Any]
"""A schema of JSON Schema."""


def object_of(required: list[str], properties: Schema, closed: bool = False) -> Schema:
    """The schema of an object.

    :param closed: it has no other properties.
    """
    schema: Schema = {"type": "object", "required": required, "properties": properties}
    return schema | {"additionalProperties": False} if closed else schema


def ref(name: str) -> Schema:
    """A schema that the description has under this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def json_of(name: str) -> dict[str, Schema]:
    """An answer in JSON with this schema."""
    return {"application/json": ref(name)}


def text_of(*kinds: str) -> dict[str, Schema]:
    """An answer of one of these content types."""
    return {kind: {"type": "string"} for kind in kinds}
