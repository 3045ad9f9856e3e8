"""Containers: directories for the files of jobs, which callers put and get under signed addresses."""

import os
import secrets
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Final
from uuid import uuid4

from zope.interface import implementer

from pushgate.model.errors import Invalid, ServiceFailed
from pushgate.model.hub.errors import UnknownResource
from pushgate.plugin.hub_interface import IContainers
from pushgate.protocols.notification_hubs.blob_signature import check_container, check_name, permits, split

KEY_FILE: Final = ".key"
"""The name of the key's file beside the containers; it is none that a container can have."""
KEY_SIZE: Final = 32
_DENIED: Final = "its signature does not permit this, or has expired; ask for another"


@implementer(IContainers)
class Containers:
    """The containers of one hub.

    :param hub: its name.
    :param base: the directory in which the hub has its own; None: there are no containers, until `use`.
    """

    def __init__(self, hub: str, base: Path | None) -> None:
        self._hub = hub
        self._directory = None if base is None else base / hub
        self._key = b""

    def use(self, base: Path) -> None:
        self._directory, self._key = base / self._hub, b""

    def key(self) -> bytes:
        if not self._key:
            self._key = (
                secrets.token_bytes(KEY_SIZE) if self._directory is None else _kept_key(self._directory)
            )
        return self._key

    def make(self) -> str:
        if self._directory is None:
            raise ServiceFailed("containers: no directory for them; set blob_dir of the hub's input")
        name = uuid4().hex
        (self._directory / name).mkdir(parents=True, mode=0o700)
        return name

    def path(self, container: str, name: str) -> Path:
        return self._container(container) / check_name(name)

    def files(self, container: str, prefix: str, after: str, limit: int) -> list[tuple[str, Path]]:
        top = self._container(container)
        found = sorted(
            (path.relative_to(top).as_posix(), path)
            for path in top.rglob("*")
            if not path.name.startswith(".") and path.is_file()
        )
        return [each for each in found if each[0].startswith(prefix) and each[0] > after][:limit]

    def remove_old(self, before: float, named: Collection[str]) -> int:
        """Remove containers in which nothing was written since; return how many.

        :param before: Unix seconds.
        :param named: containers to keep whatever their age.
        """
        if self._directory is None or not self._directory.is_dir():
            return 0
        old = [
            path
            for path in self._directory.iterdir()
            if path.is_dir() and path.name not in named and _newest(path) < before
        ]
        for path in old:
            shutil.rmtree(path)
        return len(old)

    def resolve(self, field: str, address: str, permission: str, now: float) -> tuple[str, str]:
        """The container that a signed address is about, and the name of the file, "" for none.

        :param field: named by errors.
        :param permission: what it must permit.
        :param now: Unix seconds.
        :raises Invalid: it is none of this hub's, or does not permit it.
        """
        try:
            place, parameters = split(address)
            self._container(place.container)
        except (Invalid, UnknownResource):
            raise Invalid(
                field, f"text of {len(address)} characters", "the address of a container of this hub"
            ) from None
        if place.hub.lower() != self._hub.lower():
            raise Invalid(field, "the address of another hub's container", "one of this hub's")
        if not permits(place, parameters.get, permission, now, self.key()):
            raise Invalid(field, "the address of a container", _DENIED)
        return place.container, place.name

    def place(self, address: str) -> tuple[str, str]:
        """The container and the file of an address that was resolved before; it may have expired."""
        place, _ = split(address)
        return place.container, place.name

    def _container(self, name: str) -> Path:
        path = None if self._directory is None else self._directory / check_container(name)
        if path is None or not path.is_dir():
            raise UnknownResource("container")
        return path


def _newest(directory: Path) -> float:
    """When something in a directory was written last, Unix seconds."""
    return max(path.stat().st_mtime for path in (directory, *directory.rglob("*")))


def _kept_key(directory: Path) -> bytes:
    """The key in a directory, made when there is none; of those that make it at a time one wins."""
    path = directory / KEY_FILE
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = directory / f"{KEY_FILE}-{uuid4().hex}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_SIZE))
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()
