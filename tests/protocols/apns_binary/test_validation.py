"""What is wrong with a notification by itself, and what a service answers."""

from twisted.trial.unittest import SynchronousTestCase

from pushgate.protocols.apns_binary.error_response import ErrorResponse
from pushgate.protocols.apns_binary.frames import Frame, MalformedFrame
from pushgate.protocols.apns_binary.status import ErrorStatus
from pushgate.protocols.apns_binary.validation import error_response, find_fault

GOOD = Frame(2, b"token", b"{}", 7)


class FaultTests(SynchronousTestCase):
    def test_what_is_wrong(self):
        """The first fault in the order of the notification's parts; a good one has none."""
        for frame, status in (
            (GOOD, None),
            (Frame(2, b"t" * 100, b"p" * 2048, 7), None),
            (Frame(2, b"", b"", 7), ErrorStatus.MISSING_TOKEN),
            (Frame(2, b"token", b"", 7), ErrorStatus.MISSING_PAYLOAD),
            (Frame(2, b"t" * 101, b"p" * 2049, 7), ErrorStatus.INVALID_TOKEN_SIZE),
            (Frame(2, b"token", b"p" * 2049, 7), ErrorStatus.INVALID_PAYLOAD_SIZE),
            (MalformedFrame("frame of 5000 bytes"), ErrorStatus.PROTOCOL_ERROR),
        ):
            self.assertEqual(find_fault(frame, 2048), status)

    def test_it_is_answered_with_its_identifier(self):
        """0 when it has none, or none that could be read."""
        for frame, identifier in (
            (GOOD, 7),
            (Frame(1, b"token", b"{}", 8), 8),
            (Frame(2, b"token", b"{}"), 0),
            (MalformedFrame("item 4 of 2 bytes", 9), 9),
        ):
            self.assertEqual(error_response(frame, ErrorStatus.UNKNOWN), ErrorResponse(255, identifier))

    def test_what_has_no_answer(self):
        """The simple command, and a byte that is no command."""
        self.assertIsNone(error_response(Frame(0, b"", b"{}"), ErrorStatus.MISSING_TOKEN))
        self.assertIsNone(error_response(MalformedFrame("command 71", mute=True), ErrorStatus.PROTOCOL_ERROR))
