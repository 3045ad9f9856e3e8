"""The commands about hubs as methods."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import msgspec
from twisted.internet.defer import Deferred

from pushgate.client.chunks import Payload, payload_bytes
from pushgate.protocols.amp.commands import CallHub, SendToTags

Ask = Callable[..., Deferred[dict[str, Any]]]
"""Calls a command: its class, whether it may be repeated, its arguments."""


class HubSend(msgspec.Struct, frozen=True):
    """What a hub answered to a send.

    :param state: such as ``Enqueued`` or ``Scheduled``.
    :param results: of a test send, what became of it at each device: `platform`, `handle`,
        `registration_id`, `outcome` in words and `succeeded`.
    """

    id: str
    state: str
    results: tuple[dict[str, Any], ...] = ()


class HubClient:
    """One hub. Each method returns a Deferred, which a coroutine can await; values are those of JSON.

    Registrations are dictionaries with `platform` and `handle`, and may have `id`, `tags`, `template` (with
    `body`, `name`, `headers`, `expiry`, `priority`), `push_variables` and `expires_at`.
    """

    def __init__(self, name: str, ask: Ask) -> None:
        self._name, self._ask = name, ask

    def send(
        self,
        format: str,  # noqa: A002 - the contract's word
        payload: Payload,
        *,
        expression: str | None = None,
        headers: Mapping[str, str] | None = None,
        schedule: int | None = None,
        test: bool = False,
    ) -> Deferred[HubSend]:
        """Send to the devices that a tag expression finds, or to all; fires once the hub has it on record.

        Not repeated by itself when the connection is lost: then it fails with `FateUnknown`.

        :param format: ``apple``, ``fcmv1`` and so on; or ``template``, for every platform.
        :param payload: what the push service takes; for templates a dict of texts.
        :param headers: such as ``apns-collapse-id``, that go on to the push service.
        :param schedule: Unix seconds when it is to be sent.
        :param test: to ten devices at most, and wait for what becomes of it.
        """
        asked = self._ask(
            SendToTags,
            False,
            hub=self._name,
            format=format,
            expression=expression,
            payload=payload_bytes(payload),
            headers=None if headers is None else msgspec.json.encode(dict(headers)),
            schedule=schedule,
            test=test or None,
        )
        return asked.addCallback(_sent)

    def call(self, method: str, *, repeatable: bool = True, **arguments: Any) -> Deferred[dict[str, Any]]:
        """Call one of the methods that the contract lists under `CallHub`.

        :param repeatable: it may be sent again when the connection is lost before the answer.
        :param arguments: those that are None are left out.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        asked = self._ask(
            CallHub, repeatable, hub=self._name, method=method, arguments=msgspec.json.encode(given)
        )
        return asked.addCallback(lambda answer: msgspec.json.decode(answer["answer"], type=dict))

    def details(self, id: str) -> Deferred[dict[str, Any]]:  # noqa: A002 - the contract's word
        """The state of a send, and its outcomes by platform."""
        return self.call("details", id=id)

    def cancel(self, id: str) -> Deferred[bool]:  # noqa: A002 - the contract's word
        """Cancel a scheduled send; fires with False when it has begun."""
        return self.call("cancel", repeatable=False, id=id).addCallback(
            lambda answer: bool(answer["cancelled"])
        )

    def sends(self, *, scheduled: bool = False, limit: int = 100) -> Deferred[list[dict[str, Any]]]:
        """The latest sends, or those that are scheduled next."""
        return self.call("sends", scheduled=scheduled, limit=limit).addCallback(_part, "sends")

    def count(self, expression: str | None = None) -> Deferred[dict[str, int]]:
        """How many registrations a tag expression finds, by platform."""
        return self.call("count", expression=expression).addCallback(_part, "platforms")

    async def tags(self) -> AsyncIterator[tuple[str, int]]:
        """Every tag in its order, with the number of its registrations."""
        after, more = "", True
        while more:
            page = await self.call("tags", after=after, limit=1000)
            for tag, count in page["tags"]:
                yield tag, count
            after = page["next"]
            more = bool(after)

    async def registrations(
        self, *, tag: str | None = None, platform: str | None = None, handle: str | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Every registration, or those with a `tag`, of a `platform`, or with a `handle` of it."""
        after, more = "", True
        while more:
            page = await self.call(
                "registrations", after=after, limit=100, tag=tag, platform=platform, handle=handle
            )
            for registration in page["registrations"]:
                yield registration
            after = page["next"]
            more = bool(after)

    def put_registration(
        self, registration: Mapping[str, Any], if_match: str | None = None
    ) -> Deferred[dict[str, Any]]:
        """Keep a registration: with an id in the place of an earlier one, without one under a new id."""
        return self.call(
            "put_registration",
            repeatable=bool(registration.get("id")) and if_match is None,
            registration=dict(registration),
            if_match=if_match,
        )

    def delete_registration(self, id: str, if_match: str | None = None) -> Deferred[None]:  # noqa: A002 - the contract's word
        """Delete a registration."""
        return self.call("delete_registration", repeatable=False, id=id, if_match=if_match).addCallback(_none)

    def installation(self, id: str) -> Deferred[dict[str, Any]]:  # noqa: A002 - the contract's word
        """The installation with this id."""
        return self.call("installation", id=id)

    def put_installation(self, installation: Mapping[str, Any]) -> Deferred[None]:
        """Keep an installation, under its `installationId`."""
        number = installation.get("installationId")
        return self.call("put_installation", id=number, installation=dict(installation)).addCallback(_none)

    def delete_installation(self, id: str) -> Deferred[None]:  # noqa: A002 - the contract's word
        """Delete an installation, if there is one."""
        return self.call("delete_installation", id=id).addCallback(_none)

    def import_entries(self, entries: Sequence[Mapping[str, Any] | str]) -> Deferred[dict[str, Any]]:
        """Keep registrations and installations, and texts with registrations as Azure exports them.

        At most 1,000, and 60,000 bytes of JSON, at a time. Fires with `imported`, their number, and with
        `refused`: index, code and reason of each other one. May be repeated: of one id the last counts.
        """
        return self.call("import", entries=list(entries))


def _sent(answer: dict[str, Any]) -> HubSend:
    results = msgspec.json.decode(answer.get("results") or b"[]", type=list[dict[str, Any]])
    return HubSend(answer["id"], answer["state"], tuple(results))


def _part(answer: dict[str, Any], name: str) -> Any:
    return answer[name]


def _none(_: object) -> None:
    """What a change fires with."""
