"""Sends with an official client, unmodified, as fast as it can.

Usage: service_clients.py firebase|pywebpush PORT CREDENTIAL TARGETS COUNT, with the authority in
REQUESTS_CA_BUNDLE and SSL_CERT_FILE.
Prints seconds and CPU seconds for all.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.services import MESSAGE

EACH = 500
"""Messages of one call; firebase-admin takes no more."""


def firebase(port: int, credential: str, targets: list[str], count: int) -> None:
    """firebase-admin over HTTP/2."""
    import firebase_admin
    from firebase_admin import messaging

    service: Any = messaging._MessagingService
    service.FCM_URL = service.FCM_URL.replace("https://fcm.googleapis.com", f"https://localhost:{port}")
    firebase_admin.initialize_app(firebase_admin.credentials.Certificate(credential))
    said = json.loads(MESSAGE)["notification"]

    async def send() -> None:
        for at in range(0, count, EACH):
            part = [targets[index % len(targets)] for index in range(at, min(count, at + EACH))]
            notification = messaging.Notification(**said)
            made = [messaging.Message(token=each, notification=notification) for each in part]
            answers = await messaging.send_each_async(made)
            assert answers.failure_count == 0, answers.responses[0].exception

    asyncio.run(send())


def pywebpush(_: int, credential: str, targets: list[str], count: int) -> None:
    """pywebpush, on one session."""
    import requests
    from pywebpush import webpush

    session = requests.Session()
    for index in range(count):
        subscription = json.loads(targets[index % len(targets)])
        webpush(
            subscription, MESSAGE, vapid_private_key=credential, ttl=60,
            vapid_claims={"sub": "mailto:ops@example.org"}, requests_session=session,
        )  # fmt: skip


CLIENTS: dict[str, Callable[[int, str, list[str], int], None]] = {
    "firebase": firebase,
    "pywebpush": pywebpush,
}

if __name__ == "__main__":
    kind, port, credential, file, count = sys.argv[1:]
    targets = Path(file).read_text().split("\n")
    began, cpu = time.monotonic(), time.process_time()
    CLIENTS[kind](int(port), credential, targets, int(count))
    print(time.monotonic() - began, time.process_time() - cpu, flush=True)
