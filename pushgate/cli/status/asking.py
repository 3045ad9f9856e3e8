"""Asking a gateway how it is doing."""

from typing import Any

import msgspec

from pushgate.client import Client
from pushgate.model.errors import PushgateError
from pushgate.model.gateway_stats import GatewayStats, gateway_stats


class NoStats(PushgateError):
    """What answers is not how a gateway is doing."""


async def asked(gateway: Client) -> tuple[dict[str, Any], GatewayStats]:
    """What a gateway answers to `Stats`, as it says it and as values; raise `NoStats` for another answer."""
    answer = await gateway.stats()
    try:
        return answer, gateway_stats(answer)
    except msgspec.ValidationError as error:
        raise NoStats(f"the gateway's state cannot be read: {error}; is it of another version?") from error
