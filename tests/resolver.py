"""A name resolver that says what a test wants."""

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IHostnameResolver
from zope.interface import implementer


@implementer(IHostnameResolver)
class Resolver:
    """Answers each question with the next of these addresses."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), 0

    def resolveHostName(self, receiver: Any, _: str, port: int = 0, *__: Any, **___: Any) -> Any:
        self.asked += 1
        receiver.resolutionBegan(None)
        for address in self.answers.pop(0):
            if ":" in address:
                receiver.addressResolved(IPv6Address("TCP", address, port))
            else:
                receiver.addressResolved(IPv4Address("TCP", address, port))
        receiver.resolutionComplete()
