"""The client of a gateway's AMP input, for Twisted programs.

::

    from twisted.internet import task

    from pushgate.client import connect


    async def main(reactor):
        async with connect(reactor, "tcp:127.0.0.1:7215") as gateway:
            outcomes = await gateway.watch(app="demo")
            receipt = await gateway.push_batch("demo", tokens, {"aps": {"alert": "Hello"}}, key="hello-1")
            print(f"{receipt.accepted} accepted, {len(receipt.refused)} refused")
            async for outcome in outcomes:
                print(outcome.id, outcome.state, outcome.reason)


    task.react(main)

`Client` has the commands; each returns a Deferred, which a coroutine can await. A command that
the gateway refuses fails with the `Refusal` it raised; the other failures are `Unreachable`, `FateUnknown`,
`Internal` and, of a batch that went through in part, `PartlySent`. All are to be imported from here.
"""

from pushgate.client.client import Client, connect
from pushgate.client.hub import HubClient, HubSend
from pushgate.client.receipt import Ids, PartlySent, PushReceipt, Refused
from pushgate.client.record import Record
from pushgate.client.send_test import SendTest, TriedDevice
from pushgate.client.subscription import Subscription
from pushgate.client.terms import TermArguments
from pushgate.model.channel import Channel
from pushgate.model.enrolment import Enrolled
from pushgate.model.errors import (
    Conflict,
    FateUnknown,
    Forbidden,
    Internal,
    Invalid,
    NotFound,
    NotLoggedIn,
    Overloaded,
    PushgateError,
    Refusal,
    ServiceFailed,
    ShuttingDown,
    TooFast,
    TooLarge,
    TooOften,
    UnknownApp,
    Unreachable,
)

__all__ = [
    "Channel",
    "Client",
    "Conflict",
    "Enrolled",
    "FateUnknown",
    "Forbidden",
    "HubClient",
    "HubSend",
    "Ids",
    "Internal",
    "Invalid",
    "NotFound",
    "NotLoggedIn",
    "Overloaded",
    "PartlySent",
    "PushReceipt",
    "PushgateError",
    "Record",
    "Refusal",
    "Refused",
    "SendTest",
    "ServiceFailed",
    "ShuttingDown",
    "Subscription",
    "TermArguments",
    "TooFast",
    "TooLarge",
    "TooOften",
    "TriedDevice",
    "UnknownApp",
    "Unreachable",
    "connect",
]
