"""The commands about one hub as methods."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import msgspec
from twisted.internet.defer import Deferred

from pushgate.client.chunks import Payload, payload_bytes
from pushgate.protocols.amp.hub_commands import (
    CancelSend,
    DeleteRegistration,
    HubQuery,
    ImportRegistrations,
    PutRegistration,
    SendToTags,
)

Ask = Callable[..., Deferred[dict[str, Any]]]
"""Calls a command: its class, whether it may be repeated, and its arguments."""


class HubSend(msgspec.Struct, frozen=True):
    """A send that a hub has accepted.

    :param results: of a test send: what became of each notification.
    """

    id: str
    state: str
    results: tuple[dict[str, Any], ...] = ()


class HubClient:
    """One hub of a gateway; made by `Client.hub`.

    Its methods fail as those of `Client`, and with `NotFound` when the gateway has no such hub.
    """

    def __init__(self, name: str, ask: Ask) -> None:
        self.name, self._call = name, ask

    def send_to_tags(
        self,
        format: str,  # noqa: A002 - the contract's word
        payload: Payload,
        expression: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        schedule: int | None = None,
        test: bool = False,
    ) -> Deferred[HubSend]:
        """Send to all devices that a tag expression finds; fires once the send is kept.

        A send that is cut off fails with `FateUnknown`: it has no key by which it could be repeated.

        :param format: ``apple``, ``fcmv1``, ``windows``, …, or ``template``.
        :param payload: what the push service takes; of ``template`` the properties, texts by name.
        :param expression: None: all devices of the format.
        :param headers: for the push service, by name.
        :param schedule: Unix seconds; None: now.
        :param test: to ten devices at most; fires when each has its outcome.
        """
        arguments = {
            "format": format,
            "payload": payload_bytes(payload),
            "expression": expression,
            "headers": None if headers is None else msgspec.json.encode(dict(headers)).decode(),
            "schedule": schedule,
            "test": True if test else None,
        }
        return self._ask(SendToTags, False, **arguments).addCallback(_send)

    def cancel(self, id: str) -> Deferred[bool]:  # noqa: A002 - the contract's word
        """Cancel a scheduled send; fires with False when it has begun already."""
        return self._ask(CancelSend, False, id=id).addCallback(lambda answer: bool(answer["cancelled"]))

    def details(self, id: str) -> Deferred[dict[str, Any]]:  # noqa: A002 - the contract's word
        """The state of a send, and its ``outcomes`` by platform and name."""
        return self._query("details", id)

    def sends(self, scheduled: bool = False) -> Deferred[list[dict[str, Any]]]:
        """The sends that came last, the latest first; or those that are scheduled next."""
        asked = self._query("sends", "scheduled" if scheduled else "latest")
        return asked.addCallback(lambda found: found["sends"])

    def count(self, expression: str | None = None) -> Deferred[dict[str, int]]:
        """How many registrations a tag expression finds, by platform; None counts all."""
        return self._query("count", expression)

    async def tags(self) -> AsyncIterator[tuple[str, int]]:
        """Every tag in their order, each with the number of its registrations."""
        after, more = "", True
        while more:
            page = await self._query("tags", after)
            for tag, count in page["tags"]:
                yield tag, count
                after = tag
            more = page["more"]

    def registration(self, id: str) -> Deferred[dict[str, Any]]:  # noqa: A002 - the contract's word
        """The registration with this id, as JSON."""
        return self._query("registration", id)

    async def registrations(self) -> AsyncIterator[dict[str, Any]]:
        """Every registration as JSON, those of installations too."""
        after, more = "", True
        while more:
            page = await self._query("registrations", after)
            for each in page["registrations"]:
                yield each
            after = page["next"]
            more = bool(after)

    def put_registration(self, registration: Mapping[str, Any]) -> Deferred[str]:
        """Keep a registration under its ``id``, or as a new one without; fires with the id.

        :param registration: ``platform`` and ``handle``, and if need be ``tags``, ``template`` and the others
            that the contract names.
        """
        document = msgspec.json.encode(dict(registration))
        asked = self._ask(PutRegistration, bool(registration.get("id")), registration=document)
        return asked.addCallback(lambda answer: str(answer["id"]))

    def import_registrations(
        self, entries: Sequence[Mapping[str, Any] | str]
    ) -> Deferred[tuple[int, list[tuple[int, str, str]]]]:
        """Keep many registrations, and installations, which have an ``installationId``; texts are in XML.

        Fires with the number of those that are kept, and with index, code and reason of the others. One with
        an ``id`` takes the place of the one that has it, so that the same may be imported again.

        :param entries: at most 1,000, and not more than 65,535 bytes in JSON.
        """
        asked = self._ask(ImportRegistrations, True, entries=msgspec.json.encode(entries))
        return asked.addCallback(_imported)

    def installation(self, id: str) -> Deferred[dict[str, Any]]:  # noqa: A002 - the contract's word
        """The installation with this id, as JSON."""
        return self._query("installation", id)

    def errors(self, id: str) -> Deferred[list[dict[str, Any]]]:  # noqa: A002 - the contract's word
        """What push services said against the devices of a send, up to 100."""
        return self._query("errors", id).addCallback(lambda found: found["errors"])

    def jobs(self) -> Deferred[list[dict[str, Any]]]:
        """The imports and exports of the last days by jobs of SDKs, the latest first."""
        return self._query("jobs").addCallback(lambda found: found["jobs"])

    def delete_registration(self, id: str) -> Deferred[None]:  # noqa: A002 - the contract's word
        """Delete a registration; fails with `NotFound` when there is none."""
        return self._ask(DeleteRegistration, False, id=id).addCallback(lambda _: None)

    def _query(self, what: str, argument: str | None = None) -> Deferred[Any]:
        asked = self._ask(HubQuery, True, what=what, argument=argument)
        return asked.addCallback(lambda answer: msgspec.json.decode(answer["answer"]))

    def _ask(self, command: Any, repeatable: bool, **arguments: Any) -> Deferred[dict[str, Any]]:
        return self._call(command, repeatable, hub=self.name, **arguments)


def _send(answer: dict[str, Any]) -> HubSend:
    results = msgspec.json.decode(answer.get("results") or b"[]")
    return HubSend(answer["id"], answer["state"], tuple(results))


def _imported(answer: dict[str, Any]) -> tuple[int, list[tuple[int, str, str]]]:
    refused = msgspec.json.decode(answer["refused"], type=list[tuple[int, str, str]])
    return int(answer["imported"]), refused
