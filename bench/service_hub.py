"""A hub over many services for `bench.service_neighbours`: devices that want templates, and one send to all.

As a program it fills the store before the gateway starts: ``python -m bench.service_hub STATE_DIR TASKS``;
TASKS is JSON: a list of [platform, app, file, count]. A file has a target a line.
"""

import json
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import react

from bench.hub_fill import CHUNK
from pushgate.hub.settings import HubTable
from pushgate.hub.store.database import open_database
from pushgate.hub.store.registrations import import_many
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration, Template
from pushgate.protocols.webpush.subscription import canonical
from pushgate.testing.context import context

PLATFORMS: Final = {"fcm": "fcmv1", "webpush": "browser", "wns": "wns", "adm": "adm", "baidu": "baidu"}
"""The platform of each app; hubs have none for HMS."""
BODIES: Final = {
    "fcmv1": '{"message":{"notification":{"title":"$(title)"}}}',
    "browser": '{"title":"$(title)"}',
    "wns": "<toast><visual><text id='1'>$(title)</text></visual></toast>",
    "adm": '{"data":{"title":"$(title)"}}',
    "baidu": '{"title":"$(title)","description":"x"}',
}
HEADERS: Final = {"wns": {"X-WNS-Type": "wns/toast"}}


def tables(apps: list[str]) -> str:
    """The lines that configure the hub ``main`` over these apps, but for its rules and its input."""
    return "\n".join(["[hubs.main]", *(f'{PLATFORMS[app]} = "{app}"' for app in apps)])


def registrations(tasks: list[list[Any]]) -> Iterator[Registration]:
    """The devices of all services in turn."""
    handles = [Path(file).read_bytes().split(b"\n") for _, _, file, _ in tasks]
    for index in range(max(count for *_, count in tasks)):
        for (platform, app, _, count), targets in zip(tasks, handles, strict=True):
            if index < count:
                handle = targets[index]
                template = Template(body=BODIES[platform], headers=HEADERS.get(platform, {}))
                yield Registration(
                    platform=Platform(platform),
                    handle=canonical(handle) if app == "webpush" else handle,
                    template=template,
                )


async def fill(directory: Path, tasks: list[list[Any]]) -> None:
    """Import them."""
    directory.mkdir()
    surroundings = replace(context(state_dir=directory), reactor=reactor, wall=time.time)
    platforms = {platform: app for platform, app, *_ in tasks}
    database = open_database("main", HubTable(**platforms), surroundings)
    database.start()
    new = registrations(tasks)
    while part := list(islice(new, CHUNK)):
        await database.write(import_many, part)
    await database.stop()


def main(directory: str, tasks: str) -> None:
    """Fill as the arguments say."""
    react(lambda _: Deferred.fromCoroutine(fill(Path(directory), json.loads(tasks))))


if __name__ == "__main__":
    main(*sys.argv[1:])
