"""Fake enrolments of managed devices."""

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from pushgate.model.enrolment import Enrolled, Enrolment, EnrolmentRequest
from pushgate.plugin.mdm_interface import IEnrolments
from pushgate.protocols.mdm_push import token_hash


@implementer(IEnrolments)
class MemoryEnrolments:
    """Keeps the last enrolment of each token, and sends no pushes.

    :ivar kept: the requests, by token.
    :ivar checked_out: the tokens that `check_out` was called with and knows.
    :ivar warnings: of the answer to `enrol`.
    :ivar found: the answer of `find`.
    :ivar error: every call fails with it while it is set.
    """

    def __init__(self) -> None:
        self.kept: dict[bytes, EnrolmentRequest] = {}
        self.checked_out: set[bytes] = set()
        self.warnings: tuple[str, ...] = ()
        self.found: list[Enrolment] = []
        self.error: Exception | None = None

    def enrol(self, request: EnrolmentRequest) -> Deferred[Enrolled]:
        if self.error is None:
            self.kept[request.token] = request
            self.checked_out.discard(request.token)
        return self._answer(Enrolled(token_hash(request.token), self.warnings))

    def check_in(self, token: bytes) -> Deferred[bool]:
        return self._answer(token in self.kept)

    def check_out(self, token: bytes, push_magic: str | None = None) -> Deferred[bool]:
        kept = self.kept.get(token)
        known = kept is not None and push_magic in {None, kept.push_magic}
        if self.error is None and known:
            self.checked_out.add(token)
        return self._answer(known)

    def find(self, beginning: bytes) -> Deferred[list[Enrolment]]:
        return self._answer([
            each for each in self.found if token_hash(each.token).startswith(beginning.hex())
        ])  # fmt: skip

    def diagnose(self, token: bytes) -> Deferred[dict[str, Any]]:
        return self._answer({"sha256": token_hash(token), "summary": "fake", "enrolment": None, "causes": []})

    def _answer(self, value: Any) -> Deferred[Any]:
        return succeed(value) if self.error is None else fail(self.error)
