"""Changes that an administrator makes in the console."""

from typing import Final

import msgspec
from twisted.logger import Logger

from pushgate.inputs.common.json_terms import decoded
from pushgate.inputs.http.console.visit import Visit
from pushgate.net.http.responses import HTTPResponse, json_answer

_log = Logger()


class _Rate(msgspec.Struct, forbid_unknown_fields=True):
    rate: float


_decode: Final = msgspec.json.Decoder(_Rate).decode


def pace(visit: Visit) -> HTTPResponse:
    """Change the rate of an app until the next restart; the change is logged with the principal's name."""
    app, given = visit.parameters["app"], decoded(_decode, visit.body, "body", ())
    visit.parts.gateway.pace_app(app, given.rate)
    _log.info(
        "input {name}: {principal} set the rate of {app} to {rate:g} notifications a second, by the console",
        name=visit.parts.name,
        principal=visit.visitor.name,
        app=app,
        rate=given.rate,
    )
    return json_answer(200, {"rate": given.rate})
