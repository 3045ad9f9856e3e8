"""The description of the API, OpenAPI 3.1, made from the table of routes."""

from typing import Any, Final

import msgspec

from pushgate import __version__
from pushgate.inputs.http.schema_parts import Schema, ref
from pushgate.inputs.http.schemas import PARAMETERS, SCHEMAS

ERRORS: Final[dict[int, str]] = {
    400: "Something breaks a rule.",
    401: "Not logged in.",
    403: "Not allowed to this caller.",
    404: "Not known.",
    405: "Not with this method.",
    408: "The body comes too slowly.",
    409: "The key was used with other content, or the ETag is an earlier one's.",
    413: "Too large.",
    415: "Another kind of body.",
    429: "Too much at a time: later.",
    500: "A bug.",
    502: "The push service failed, or the hub's database.",
    503: "Shutting down: elsewhere, or later.",
}
_EVERYWHERE: Final = (400, 401, 403, 405, 413, 500)


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A route as the description has it.

    :param name: of the operation.
    :param body: schemas of which the body has one.
    :param lines: the body may be `application/x-ndjson` instead.
    :param answers: what is answered by status: content types and the schema of each.
    :param errors: statuses of errors beside those that every route has.
    :param links: names of operations that take the `id` of the answer.
    """

    method: str
    path: str
    name: str
    summary: str
    parameters: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    lines: bool = False
    answers: dict[int, dict[str, Schema]]
    errors: tuple[int, ...] = ()
    links: tuple[str, ...] = ()

    @property
    def query(self) -> list[str]:
        """The names of the parameters in the query."""
        found = [(PARAMETERS[name].get("name", name), PARAMETERS[name]["in"]) for name in self.parameters]
        return [name for name, place in found if place == "query"]


def document(routes: list[Described]) -> dict[str, Any]:
    """The whole description."""
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "pushgate",
            "version": __version__,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "secret": {"type": "http", "scheme": "bearer"},
                "name": {"type": "http", "scheme": "basic"},
            },
        },
        "security": [{}, {"secret": []}, {"name": []}],
    }


def _operation(route: Described) -> dict[str, Any]:
    described = {status: _answered(content) | _linked(route) for status, content in route.answers.items()}
    described |= {status: _error(status) for status in (*_EVERYWHERE, *route.errors)}
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "responses": {str(status): described[status] for status in sorted(described)},
    }
    if route.parameters:
        operation["parameters"] = [{"name": name, **PARAMETERS[name]} for name in route.parameters]
    if route.body:
        operation["requestBody"] = {"required": True, "content": _bodies(route)}
    return operation


def _bodies(route: Described) -> dict[str, Any]:
    schemas = [ref(name) for name in route.body]
    content: dict[str, Any] = {"application/json": {"schema": {"oneOf": schemas}}}
    if route.lines:
        content["application/x-ndjson"] = {"schema": {"type": "string"}}
    return content


def _linked(route: Described) -> dict[str, Any]:
    links = {name: {"operationId": name, "parameters": {"id": "$response.body#/id"}} for name in route.links}
    return {"links": links} if links else {}


def _answered(content: dict[str, Schema]) -> dict[str, Any]:
    return {
        "description": "Done.",
        "content": {kind: {"schema": schema} for kind, schema in content.items()},
    }


def _error(status: int) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": ERRORS[status],
        "content": {"application/json": {"schema": ref("Error")}},
    }
    if status in (429, 503):
        answer["headers"] = {
            "Retry-After": {"required": True, "schema": {"type": "integer"}, "description": "Seconds."}
        }
    return answer
