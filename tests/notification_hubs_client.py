"""Calls notificationhubs-rest-python, unmodified, as a program of its own.

Reads a task as JSON: the connection string, the hub's name, and calls in their order, each a method and its
arguments by name, in which ``scheduled_time`` is Unix seconds and ``tags`` may be a list. Prints a list of what
each gave, in the last line: the status, or the text of its error.
"""

import json
import sys
from datetime import UTC, datetime

from notificationhubs_rest_python.NotificationHub import AzureNotificationHub


def arguments(given):
    """The arguments of a call, as the SDK wants them."""
    if "scheduled_time" in given:
        given["scheduled_time"] = datetime.fromtimestamp(given["scheduled_time"], UTC)
    if isinstance(given.get("tags"), list):
        given["tags"] = set(given["tags"])
    return given


def main():
    """Do the task."""
    task = json.load(sys.stdin)
    client = AzureNotificationHub(task["connection"], task["hub"], task.get("debug", 0))
    results = []
    for method, given in task["calls"]:
        try:
            status, _ = getattr(client, method)(**arguments(given))
        except Exception as error:
            results.append({"error": str(error)})
        else:
            results.append({"status": status})
    sys.stdout.write(json.dumps(results) + "\n")


if __name__ == "__main__":
    main()
