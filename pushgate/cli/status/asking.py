"""Requesting the state of a gateway."""

from typing import Any

import msgspec

from pushgate.client import Client
from pushgate.model.errors import PushgateError
from pushgate.model.gateway_stats import GatewayStats, gateway_stats


class NoStats(PushgateError):
    """The answer is not the state of a gateway."""


async def asked(gateway: Client) -> tuple[dict[str, Any], GatewayStats]:
    """Return a gateway's answer to `Stats`, unchanged and as values; raise `NoStats` if it is invalid."""
    answer = await gateway.stats()
    try:
        return answer, gateway_stats(answer)
    except msgspec.ValidationError as error:
        raise NoStats(f"the gateway's state cannot be read: {error}; is it of another version?") from error
