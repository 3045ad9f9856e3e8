"""What the tests of the linter share."""

import json

from pushgate.protocols.lint.draft import Draft
from pushgate.protocols.lint.lint import lint


def examined(payload, service="apns", **terms):
    """The report on a payload; what is no text is written as JSON."""
    if not isinstance(payload, str | bytes):
        payload = json.dumps(payload)
    body = payload if isinstance(payload, bytes) else payload.encode()
    return lint(Draft(payload=body, service=service, **terms))


def found(payload, service="apns", **terms):
    """The flaws of a payload as pairs: the path, and the advice; warnings marked."""
    flaws = examined(payload, service, **terms).flaws
    return [(f"{flaw.path}?" if flaw.grade == "warning" else flaw.path, flaw.advice) for flaw in flaws]


def paths(payload, service="apns", **terms):
    """The paths of a payload's flaws, those of warnings with a question mark."""
    return [path for path, _ in found(payload, service, **terms)]
