"""Ids for registrations that have none, so that the same import can be repeated."""

import hashlib
import json
from typing import Any


def with_id(registration: dict[str, Any]) -> dict[str, Any]:
    """The registration, with an id: its own, or one that follows from its device and its template.

    Installations have one already.
    """
    if registration.get("id") or "installationId" in registration:
        return registration
    template = registration.get("template")
    body = template.get("body", "") if isinstance(template, dict) else ""
    platform, handle = str(registration.get("platform", "")).lower(), registration.get("handle", "")
    if platform == "apns":
        handle = str(handle).strip().lower()
    parts = json.dumps([platform, handle, body], sort_keys=True)
    return registration | {"id": f"row-{hashlib.sha256(parts.encode()).hexdigest()[:32]}"}
