"""The dialogue of one SMTP connection: Twisted's ESMTP server with the rules of this input.

Twisted's class implements the commands, their syntax, addresses, and dot-stuffing. This module adds SIZE,
8BITMIME and PIPELINING, logins of principals, the order of commands with TLS and logins, and bounds.

Twisted's class has three faults with pipelining: it executes commands that arrived before the TLS
handshake, parses the rest of a message as commands after a line that is too long, and replies to commands
behind a message before the message itself. `SmtpConnection` passes one line at a time, which prevents all
three.
"""

import re
from base64 import b64encode
from functools import partial
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred
from twisted.mail import smtp
from twisted.mail.smtp import ESMTP, SMTPServerError

from pushgate.inputs.common.http_methods import METHODS
from pushgate.inputs.common.session import Session
from pushgate.inputs.smtp.line_reader import MAX_LINE
from pushgate.inputs.smtp.login_exchange import EXCHANGES, Exchange, decoded_response
from pushgate.inputs.smtp.message import IncomingMessage, SameMessage
from pushgate.inputs.smtp.replies import Reply, refusal_reply, reply
from pushgate.inputs.smtp.services import SmtpServices
from pushgate.model.errors import Internal, NotLoggedIn, PushgateError, Refusal, ShuttingDown, TooLarge
from pushgate.model.principals import Operation

MAX_COMMAND: Final = 2000
"""Bytes of a command at most; RFC 5321 has 512, and extensions add to that."""
MAX_FAULTS: Final = 50
"""Invalid commands since the last accepted message, after which the connection is closed."""
_ENHANCED: Final = re.compile(rb"[245]\.\d{1,3}\.\d{1,3} ")
_STATUS: Final = {
    221: b"2.0.0", 250: b"2.0.0", 451: b"4.3.0", 500: b"5.5.2", 501: b"5.5.4", 503: b"5.5.1", 550: b"5.1.1",
    553: b"5.1.3",
}  # fmt: skip
"""The enhanced status codes of Twisted's replies that lack one."""
_FAULTS: Final = range(500, 505)
_BODIES: Final = frozenset({b"7BIT", b"8BITMIME"})


class Speaker(Protocol):
    """The connection, as the dialogue uses it."""

    server: SmtpServices
    session: Session

    @property
    def secure(self) -> bool:
        """Whether it has TLS."""

    def start_tls(self) -> None:
        """Begin TLS, and drop all plaintext that was received."""

    def login(self, name: str, secret: bytes, answer: Any) -> None:
        """See `Conversation.login`."""

    def submit(self, app: str, data: bytes) -> Deferred[Reply]:
        """Submit a message; no command is read until `replied`."""

    def replied(self) -> None:
        """Resume reading: the reply to a message was sent."""

    def leave(self) -> None:
        """Read no more commands, and close when all have replies."""


class Dialogue(ESMTP):
    """See the module.

    :param speaker: its connection.
    :ivar mode: whether the next line is a command, a line of a message, or a step of a login.
    """

    timeout: Any = None  # the connection watches the time
    noisy = False
    host: Any  # bytes, whatever it is set to

    def __init__(self, speaker: Speaker) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in Twisted
        self._speaker, self._server = speaker, speaker.server
        if self._server.config.host_name is not None:
            self.host = self._server.config.host_name.encode()
        self._message: IncomingMessage | None = None
        self._app: str | None = None
        self._exchange: Exchange | None = None
        self._faults = 0
        self._greeted = False

    # called by the connection

    @property
    def in_message(self) -> bool:
        """Whether the next line belongs to a message."""
        return bool(self.mode == smtp.DATA)

    def take(self, line: bytes) -> None:
        """Handle a command, a line of a message, or a step of a login."""
        if len(line) > MAX_LINE:
            self._take_long()
        else:
            self.lineReceived(line)  # type: ignore[no-untyped-call]  # untyped in Twisted

    def say(self, answer: Reply) -> None:
        """Send a reply; after 421 the connection is closed."""
        self.sendCode(answer.code, answer.text)
        if answer.code == 421:
            self._speaker.leave()

    def begin_anew(self) -> None:
        """Reset all state, because TLS begins (RFC 3207, section 4.2)."""
        self._greeted = self.authenticated = False
        self._from, self._to, self._app, self.mode = None, [], None, smtp.COMMAND

    # replies

    def greeting(self) -> bytes:
        return bytes(self.host) + b" ESMTP pushgate, for MCMT messages"

    def sendCode(self, code: int, message: bytes = b"") -> None:
        status = _STATUS.get(code)
        if status and not _ENHANCED.match(message) and b"\n" not in message:
            message = status + b" " + message
        super().sendCode(code, message)  # type: ignore[no-untyped-call]  # untyped in Twisted
        self._faults += code in _FAULTS
        if self._faults > MAX_FAULTS:
            self._faults = 0
            self.say(reply(421, "4.7.0", "too many invalid commands"))

    def _refuse(self, code: int, status: str, text: str) -> None:
        self.say(reply(code, status, text))

    # lines

    def _take_long(self) -> None:
        if self.in_message and self._message is not None:
            self._message.line_too_long(MAX_LINE)
            return
        self.mode = smtp.COMMAND
        self._refuse(500, "5.5.2", f"a line has at most {MAX_LINE} bytes")

    def state_COMMAND(self, line: bytes) -> None:
        word = line.partition(b" ")[0].upper()
        if (
            word in METHODS
        ):  # a web page may have made a browser send this; the lines behind it are the page's
            self._server.count_closed("malformed")
            self._refuse(421, "4.7.0", "this is an SMTP server, not an HTTP server")
        elif len(line) > MAX_COMMAND and word != b"AUTH":
            self._refuse(500, "5.5.2", f"a command has at most {MAX_COMMAND} bytes")
        elif not line.isascii() or not line.decode("ascii").isprintable():
            self._refuse(500, "5.5.2", "a command must be printable ASCII")
        else:
            super().state_COMMAND(line)  # type: ignore[no-untyped-call]  # untyped in Twisted

    # commands

    def extensions(self) -> dict[bytes, list[bytes] | None]:
        found: dict[bytes, list[bytes] | None] = {
            b"PIPELINING": None,
            b"SIZE": [b"%d" % self._server.config.max_message],
            b"8BITMIME": None,
            b"ENHANCEDSTATUSCODES": None,
        }
        if self._server.starttls is not None and not self._speaker.secure:
            found[b"STARTTLS"] = None
        if self._server.logins and self._may_go_on:
            found[b"AUTH"] = list(EXCHANGES)
        return found

    def do_HELO(self, rest: bytes) -> None:
        self._hello(rest, self.host)

    def do_EHLO(self, rest: bytes) -> None:
        self._hello(rest, self.host + b"\n" + self.listExtensions())  # type: ignore[no-untyped-call]  # untyped in Twisted

    def _hello(self, rest: bytes, answer: bytes) -> None:
        if not rest:
            self._refuse(501, "5.5.4", "the name of the sender is missing")
            return
        self._helo, self._greeted = (rest, b""), True
        self._from, self._to = None, []
        super(ESMTP, self).sendCode(250, answer)  # type: ignore[no-untyped-call]  # untyped in Twisted; without a status code

    def do_NOOP(self, _rest: bytes) -> None:
        """Do nothing."""
        self.sendCode(250, b"OK")

    def do_VRFY(self, _rest: bytes) -> None:
        """Refuse to verify addresses."""
        self._refuse(252, "2.1.5", "addresses are not verified; RCPT does that")

    def do_HELP(self, _rest: bytes) -> None:
        """Name the documentation."""
        self._refuse(214, "2.0.0", "MCMT messages become notifications; docs/momentum.md")

    def do_QUIT(self, rest: bytes) -> None:
        self.sendCode(221, b"bye")
        self._speaker.leave()

    def ext_STARTTLS(self, rest: bytes) -> None:
        if rest:
            self._refuse(501, "5.5.4", "STARTTLS takes no parameter")
        elif self._speaker.secure:
            self._refuse(503, "5.5.1", "TLS is already in use")
        elif self._server.starttls is None:
            self._refuse(454, "4.7.0", "TLS is not available")
        else:
            self.sendCode(220, b"2.0.0 begin")
            self._speaker.start_tls()

    # logins

    @property
    def _may_go_on(self) -> bool:
        """Whether logins and messages are allowed: over TLS, or if only this machine can connect."""
        return self._speaker.secure or self._server.trusting

    def ext_AUTH(self, rest: bytes) -> None:
        words = rest.split()
        name = words[0].upper() if words else b""
        fault = self._auth_fault(name, len(words))
        if fault is not None:
            self.say(fault)
            return
        self._exchange, self.mode = EXCHANGES[name](), smtp.AUTH
        if len(words) == 1:
            self.sendCode(334, b64encode(self._exchange.challenge()))
        else:
            self.state_AUTH(words[1])

    def _auth_fault(self, name: bytes, words: int) -> Reply | None:
        if self.authenticated or self._from is not None:
            return reply(503, "5.5.1", "AUTH is allowed once, and before MAIL")
        if not self._may_go_on:
            return reply(538, "5.7.11", "AUTH needs TLS: STARTTLS first")
        if name not in EXCHANGES or words > 2:
            return reply(504, "5.5.4", "AUTH PLAIN or AUTH LOGIN")
        return None

    def state_AUTH(self, response: bytes) -> None:
        if response == b"*":
            self._end_login(reply(501, "5.7.0", "login cancelled"))
            return
        assert self._exchange is not None
        try:
            login = self._exchange.respond(decoded_response(response))
        except ValueError:
            self._end_login(reply(501, "5.5.2", "not a response of this mechanism in Base64"))
            return
        if login is None:
            self.sendCode(334, b64encode(self._exchange.challenge()))
            return
        self.mode, self._exchange = smtp.COMMAND, None
        self._speaker.login(*login, self._logged_in)

    def _end_login(self, answer: Reply) -> None:
        self.mode, self._exchange = smtp.COMMAND, None
        self.say(answer)

    def _logged_in(self, error: PushgateError | None) -> None:
        if error is None:
            self.authenticated = True
            self._refuse(235, "2.7.0", "logged in")
        elif isinstance(error, NotLoggedIn):
            self._refuse(535, "5.7.8", str(error))
        else:
            self.say(refusal_reply(error))

    # messages

    def do_MAIL(self, rest: bytes) -> None:
        fault = self._mail_fault(rest)
        if fault is not None:
            self.say(fault)
            return
        if self._from is None:  # otherwise MAIL is refused, and the current transaction continues
            self._app = None
        super().do_MAIL(rest)  # type: ignore[no-untyped-call]  # untyped in Twisted

    def _mail_fault(self, rest: bytes) -> Reply | None:
        """Return the reply that refuses MAIL now, or None."""
        if not self._greeted:
            return reply(503, "5.5.1", "EHLO first")
        if not self._may_go_on:
            return reply(530, "5.7.0", "STARTTLS first")
        try:
            if self._server.stopping:
                raise ShuttingDown
            self._speaker.session.permit(Operation.PUSH)
            return self._parameter_fault(self.mail_re.match(rest))
        except Refusal as refusal:
            return refusal_reply(refusal)

    def _parameter_fault(self, match: "re.Match[bytes] | None") -> Reply | None:
        """Return the reply to an invalid parameter, or None; raise `TooLarge` for a SIZE beyond the limit."""
        for word in ((match and match["opts"]) or b"").split():
            name, _, value = word.upper().partition(b"=")
            if name == b"SIZE" and value.isdigit() and len(value) <= 20:
                if int(value) > self._server.config.max_message:
                    raise TooLarge("message", int(value), self._server.config.max_message)
            elif (name, value in _BODIES) != (b"BODY", True) and name != b"AUTH":
                return reply(
                    555, "5.5.4", "parameters are SIZE=NUMBER, BODY=7BIT, BODY=8BITMIME, AUTH=ADDRESS"
                )
        return None

    def validateFrom(self, helo: object, origin: smtp.Address) -> smtp.Address:
        return origin

    def do_RCPT(self, rest: bytes) -> None:
        match = self.rcpt_re.match(rest)
        if match and match["opts"]:
            self._refuse(555, "5.5.4", "RCPT takes no parameters")
        elif len(self._to) >= self._server.config.max_recipients:
            self._refuse(
                452, "4.5.3", f"a message has at most {self._server.config.max_recipients} recipients"
            )
        else:
            super().do_RCPT(rest)  # type: ignore[no-untyped-call]  # untyped in Twisted

    def validateTo(self, user: smtp.User) -> Any:
        try:
            app = self._server.recipients.app(str(user.dest), "RCPT TO")
            self._speaker.session.permit(Operation.PUSH, app)
        except Refusal as refusal:
            self._server.count_refusal("", refusal)
            answer = refusal_reply(refusal)
            code, text = (550, b"5.1.2" + answer.text[5:]) if answer.code == 554 else answer
            raise SMTPServerError(code, text.decode("ascii")) from None
        if self._app not in (None, app):
            raise SMTPServerError(
                452, "4.5.3 a message is for one app; use another message for this recipient"
            )
        self._app = app
        return self._new_message if not self._to else SameMessage

    def _new_message(self) -> IncomingMessage:
        assert self._app is not None
        config, submit = self._server.config, partial(self._speaker.submit, self._app)
        self._message = IncomingMessage(config.max_message, self._server.reserve, submit)
        return self._message

    def receivedHeader(self, helo: object, origin: object, recipients: object) -> None:
        """Add no header: the mail is not delivered."""

    def do_DATA(self, rest: bytes) -> None:
        if rest:
            self._refuse(501, "5.5.4", "DATA takes no parameter")
        else:
            super().do_DATA(rest)  # type: ignore[no-untyped-call]  # untyped in Twisted

    def _messageHandled(self, results: Any) -> None:
        """Reply to a message; called by Twisted when it was handled for all recipients."""
        self._message, self._app = None, None
        answers = [result for _, result in results if isinstance(result, Reply)]
        answer = answers[0] if answers else refusal_reply(Internal())
        if answer.code == 250:
            self._faults = 0
        self.say(answer)
        self._speaker.replied()
