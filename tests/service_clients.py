"""A client of a push service as a program of its own: reads a task as JSON, prints what its library says."""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any


def firebase(task: dict[str, Any]) -> list[Any]:
    """Pushes with firebase-admin, unmodified, over HTTP/1.1 or HTTP/2."""
    import firebase_admin
    from firebase_admin import messaging

    service: Any = messaging._MessagingService
    service.FCM_URL = service.FCM_URL.replace("https://fcm.googleapis.com", task["url"])
    firebase_admin.initialize_app(firebase_admin.credentials.Certificate(task["account"]))
    messages = [
        messaging.Message(
            token=handle,
            data={"n": str(index)},
            notification=messaging.Notification(title="Hello"),
            android=messaging.AndroidConfig(ttl=3600, priority="high"),
        )
        for index, handle in enumerate(task["handles"])
    ]
    answers = (
        asyncio.run(messaging.send_each_async(messages))
        if task.get("http2")
        else messaging.send_each(messages)
    )
    said = [each.message_id or type(each.exception).__name__ for each in answers.responses]
    if topic := task.get("topic"):
        own = messaging._get_messaging_service(None)
        own._fcm_topic_url = own._fcm_topic_url.replace("https://fcm.googleapis.com", task["url"])
        joined = messaging.subscribe_to_topic(task["handles"], topic)
        left = messaging.unsubscribe_from_topic(task["handles"][:1], topic)
        said += [[joined.success_count, joined.failure_count], [left.success_count, left.failure_count]]
    return said


def firebase_messages(task: dict[str, Any]) -> list[Any]:
    """Sends messages with firebase-admin one after another, with all that it can say of each.

    A message is the arguments of its class; parts are nested as they are in Google's JSON.
    """
    import firebase_admin
    from firebase_admin import messaging

    parts = {
        "notification": messaging.Notification,
        "android": messaging.AndroidConfig,
        "android.notification": messaging.AndroidNotification,
        "webpush": messaging.WebpushConfig,
        "webpush.notification": messaging.WebpushNotification,
        "webpush.fcm_options": messaging.WebpushFCMOptions,
        "apns": messaging.APNSConfig,
        "apns.payload": messaging.APNSPayload,
        "apns.payload.aps": messaging.Aps,
        "apns.payload.aps.alert": messaging.ApsAlert,
        "fcm_options": messaging.FCMOptions,
    }

    def made(place: str, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        found = {key: made(f"{place}.{key}" if place else key, each) for key, each in value.items()}
        kind = parts.get(place, messaging.Message if not place else None)
        return found if kind is None else kind(**found)

    service: Any = messaging._MessagingService
    service.FCM_URL = service.FCM_URL.replace("https://fcm.googleapis.com", task["url"])
    firebase_admin.initialize_app(firebase_admin.credentials.Certificate(task["account"]))
    messages = [made("", each) for each in task["messages"]]
    dry = task.get("dry_run", False)
    if not task.get("http2"):
        return [messaging.send(each, dry) for each in messages]
    said = asyncio.run(messaging.send_each_async(messages, dry)).responses
    return [each.message_id or str(each.exception) for each in said]


def webpush(task: dict[str, Any]) -> list[Any]:
    """Pushes with pywebpush, unmodified."""
    import pywebpush

    said = []
    for subscription in task["subscriptions"]:
        try:
            answer = pywebpush.webpush(
                subscription,
                task["data"],
                vapid_private_key=task["key"],
                vapid_claims={"sub": "mailto:someone@example.com"},
                **task.get("options", {}),
            )
            said.append([answer.status_code, answer.headers["location"]])
        except pywebpush.WebPushException as error:
            said.append([error.response.status_code, error.response.json()["errno"]])
    return said


CLIENTS: dict[str, Callable[[dict[str, Any]], list[Any]]] = {
    "firebase": firebase,
    "firebase_messages": firebase_messages,
    "webpush": webpush,
}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(CLIENTS[sys.argv[1]](json.load(sys.stdin))))
