"""One call of `push_batch`: many commands, one receipt."""

from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, DeferredList, DeferredSemaphore

from pushgate.client.chunks import OF_MEMBERS, Chunk, refused_part
from pushgate.client.receipt import PushReceipt, ReceiptPart, receipt_of
from pushgate.model.errors import Refusal


class BatchPush:
    """Sends chunks, several at a time, and reads no chunk before there is a free slot for it.

    The first error that is not about single notifications ends it: no further chunk is sent.

    :param send: sends one chunk.
    :param slots: the commands that may be under way.
    """

    def __init__(self, send: Callable[[Chunk], Deferred[ReceiptPart]], slots: DeferredSemaphore) -> None:
        self._send, self._slots = send, slots
        self._under_way: list[Deferred[None]] = []
        self._parts: list[ReceiptPart] = []
        self._error: Exception | None = None
        self._first_refusal: Refusal | None = None

    async def run(self, chunks: Iterator[Chunk]) -> PushReceipt:
        """The receipt for all chunks.

        :raises PartlySent: an error came after something was accepted.
        :raises Exception: the error, when nothing was.
        """
        try:
            while await self._start_next(chunks):
                pass
            await DeferredList(self._under_way)
        except CancelledError:
            for sending in self._under_way:
                sending.cancel()
            raise
        return receipt_of(self._parts, self._error, self._first_refusal)

    async def _start_next(self, chunks: Iterator[Chunk]) -> bool:
        """Start the next chunk; False when there is none, or no sense in it."""
        await self._slots.acquire()
        chunk = self._next(chunks)
        if chunk is None:
            self._slots.release()
            return False
        sending = self._send(chunk).addCallbacks(self._parts.append, self._failed, errbackArgs=(chunk,))
        self._under_way.append(sending.addBoth(self._done))
        return True

    def _next(self, chunks: Iterator[Chunk]) -> Chunk | None:
        if self._error is not None:
            return None
        try:
            return next(chunks, None)
        except Exception as error:  # noqa: BLE001 - the caller's own iterable may raise anything
            self._error = error
            return None

    def _failed(self, failure: Any, chunk: Chunk) -> None:
        error = failure.value
        if not isinstance(error, OF_MEMBERS):
            self._error = self._error or error
            return
        self._first_refusal = self._first_refusal or error
        self._parts.append(refused_part(chunk, error))

    def _done(self, _: object) -> None:
        self._slots.release()
