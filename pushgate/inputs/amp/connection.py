"""One AMP connection."""

from collections.abc import Callable

from pushgate.inputs.amp.handlers import respond
from pushgate.inputs.amp.request import AmpRequest
from pushgate.inputs.amp.watcher import Watcher, Watchers
from pushgate.inputs.common.backpressure import FULL
from pushgate.inputs.common.conversation import LOGGING_IN, UNANSWERED, Conversation, ConversationState
from pushgate.inputs.common.conversation_input import ConversationServer
from pushgate.model.printable import printable
from pushgate.net.peer import peer_text
from pushgate.protocols.amp.boxes import Box, BoxReader, Malformed, box_bytes
from pushgate.protocols.amp.commands import Outcomes


class AmpConnection(Conversation):
    """Turns boxes into requests and answers into boxes.

    It does not build on `twisted.protocols.amp.AMP`, which bounds neither a box nor the commands under way,
    drops the connection at a bad argument, offers every peer a TLS handshake, and makes five Deferreds for a
    command.
    """

    question = "command"

    def __init__(self, server: ConversationServer, watchers: Watchers) -> None:
        super().__init__(server)
        self._watchers = watchers
        self._boxes = BoxReader()
        self._reading = False
        self._watcher: Watcher | None = None
        self._detach: Callable[[], None] | None = None
        self._asked: dict[bytes, Watcher] = {}
        self._last_tag = 0

    @property
    def partial(self) -> bool:
        return self._boxes.partial

    def forget(self) -> None:
        self._unwatch()

    def dataReceived(self, data: bytes) -> None:
        if self.state is ConversationState.OPEN:
            self._boxes.feed(data)
            self.read()

    # called by the commands

    def watch(self, app: str | None) -> None:
        """Report outcomes to the peer from now on, of one app or of all; a second call changes which."""
        if self._watcher is None:
            self._watcher, self._detach = self._watchers.attach(
                self._send_outcomes, self.session.sees, self._watcher_gave_up
            )
        self._watcher.app = app

    def finish(self, answer: Box | None) -> None:
        """End a request; called exactly once for each."""
        if answer is not None and self.state is not ConversationState.LOST:
            self._write(answer)
        self.answered()
        if self.state is ConversationState.LEAVING and not self.under_way:
            self.close()

    def leave(self) -> None:
        if self.state is ConversationState.OPEN:
            self.state = ConversationState.LEAVING
        if self.state is ConversationState.LEAVING and not self.under_way:
            self.close()

    # reading

    def read(self) -> None:
        if self._reading or self.state is not ConversationState.OPEN:
            return
        self._reading, progress = True, False
        try:
            while self._takes() and (box := self._boxes.next()) is not None:
                progress = True
                self._box_received(box)
        except Malformed as fault:
            self.server.count_closed("malformed")
            self.close(f"not AMP: {fault}")
        finally:
            self._reading = False
        if self.state is ConversationState.OPEN:
            self._deadline.read(progress, self._boxes.partial)

    def _takes(self) -> bool:
        return self.state is ConversationState.OPEN and not self._read_pause.held

    def _box_received(self, box: Box) -> None:
        if b"_answer" in box:
            self._asked_for(box[b"_answer"]).acknowledged()
        elif b"_error" in box:
            self._watcher_refused(self._asked_for(box[b"_error"]), box.get(b"_error_code", b""))
        elif b"_command" in box:
            self._command_received(box)
        else:
            raise Malformed("a box that is neither command nor answer")

    def _command_received(self, box: Box) -> None:
        self.asked()
        respond(AmpRequest(self, box.get(b"_ask")), box[b"_command"], box)

    # the watcher

    def _send_outcomes(self, records: bytes) -> None:
        assert self._watcher is not None
        self._last_tag += 1
        tag = b"%x" % self._last_tag
        self._asked[tag] = self._watcher
        self._write({b"_ask": tag, b"_command": Outcomes.commandName, b"outcomes": records})

    def _asked_for(self, tag: bytes) -> Watcher:
        watcher = self._asked.pop(tag, None)
        if watcher is None:
            raise Malformed("an answer to nothing that was asked")
        return watcher

    def _watcher_refused(self, watcher: Watcher, code: bytes) -> None:
        if watcher is self._watcher:
            self._unwatch()
            self._watchers.count_dropped("refused")
            self.log.warn(
                "{peer} watches no longer: it answered Outcomes with {code}",
                peer=peer_text(self.transport.getPeer()) if self.transport else "",
                code=printable(code, 100),
            )

    def _watcher_gave_up(self) -> None:
        assert self._watcher is not None
        if any(map(self._read_pause.holds, (UNANSWERED, FULL, LOGGING_IN))):
            self._watcher.extend()  # its acknowledgements may have come: they were not read
            return
        self._watchers.count_dropped("unread")
        self.close(f"it acknowledged no outcomes for {self._watchers.timeout:g} s")

    def _unwatch(self) -> None:
        if self._watcher is not None and self._detach is not None:
            self._detach()
            self._watcher.close()
            self._watcher = self._detach = None

    def _write(self, box: Box) -> None:
        self.transport.write(box_bytes(box))
