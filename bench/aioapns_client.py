"""Sends with aioapns, unmodified, as fast as it can.

Usage: aioapns_client.py PORT AUTHORITY KEY_FILE COUNT IN_FLIGHT
Prints the monotonic time of its first request, of its last answer, and its CPU seconds between them.
"""

import asyncio
import json
import ssl
import sys
import time
from pathlib import Path

from aioapns import APNs, NotificationRequest
from aioapns.connection import APNsProductionClientProtocol, APNsTLSClientProtocol

from bench.parts import PAYLOAD, tokens


async def send(port: str, authority: str, key: str, count: str, in_flight: str) -> None:
    """Send `count` notifications, so many at a time."""
    APNsProductionClientProtocol.APNS_SERVER, APNsTLSClientProtocol.APNS_PORT = "localhost", int(port)
    client = APNs(
        key=Path(key).read_text(), key_id="ABC123DEFG", team_id="DEF123GHIJ", topic="com.example.news",
        max_connections=1, ssl_context=ssl.create_default_context(cafile=authority),
    )  # fmt: skip
    message, gate = json.loads(PAYLOAD), asyncio.Semaphore(int(in_flight))

    async def one(token: bytes) -> bool:
        async with gate:
            request = NotificationRequest(device_token=token.hex(), message=message, time_to_live=3600)
            return bool((await client.send_notification(request)).is_successful)

    await one(bytes(32))
    began, cpu = time.monotonic(), time.process_time()
    good = sum(await asyncio.gather(*map(one, tokens(int(count)))))
    assert good == int(count), f"only {good} were accepted"
    print(began, time.monotonic(), time.process_time() - cpu, flush=True)


if __name__ == "__main__":
    asyncio.run(send(*sys.argv[1:]))
