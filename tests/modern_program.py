"""Pushes with aioapns, unmodified.

Usage: modern_program.py TASK, a file with JSON. Writes what the library says. Only where to connect is told to the
library; so a name server would.
"""

import asyncio
import json
import ssl
import sys
from pathlib import Path

import aioapns
import aioapns.connection


async def main(task):
    """Push all at once."""
    aioapns.connection.APNsProductionClientProtocol.APNS_SERVER = task["host"]
    aioapns.connection.APNsTLSClientProtocol.APNS_PORT = task["port"]
    client = aioapns.APNs(
        key=Path(task["key"]).read_text(),
        key_id=task["key_id"],
        team_id=task["team"],
        topic=task["topic"],
        ssl_context=ssl.create_default_context(cafile=task["ca"]),
        max_connections=2,
    )
    answers = await asyncio.gather(*(push(client, each) for each in task["pushes"]))
    sys.stdout.write(json.dumps(answers))
    client.pool.close()


async def push(client, each):
    """What becomes of one."""
    request = aioapns.NotificationRequest(
        device_token=each["token"],
        message={"aps": {"alert": each["alert"]}},
        apns_topic=each["topic"],
        push_type=aioapns.PushType.ALERT,
    )
    result = await client.send_notification(request)
    return {"status": int(result.status), "reason": result.description or "", "timestamp": result.timestamp}


asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
