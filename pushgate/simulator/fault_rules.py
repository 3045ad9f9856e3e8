"""The rules of a fault script, as they are written in TOML or JSON, and the check of them.

A rule is a table: what it matches, the key `act`, and the options of that act.

Every rule may match by `connection` (the nth accepted since the script was set, from 1), by `probability`
(0 to 1), and fire at most `times` (0: always). The rules about notifications of the binary protocol also
match by `token` (a prefix in hex) and by `frame` (the nth on its connection, from 1; 0: as soon as the
connection is up). All that is given must hold. Those about requests are in `request_rules`.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from pushgate.model.errors import PushgateError
from pushgate.plugin.config_errors import fault_lines
from pushgate.plugin.settings import Table
from pushgate.simulator.request_rules import RequestRule
from pushgate.simulator.rule_conditions import Byte, EndAction, HexBytes, Match, Seconds


class FrameMatch(Match):
    """Conditions of rules about notifications."""

    token: HexBytes | None = None
    frame: int | None = Field(default=None, ge=0)

    @field_validator("frame")
    @classmethod
    def _no_token_before_a_frame(cls, frame: int | None, info: ValidationInfo) -> int | None:
        if frame == 0 and info.data.get("token") is not None:
            raise ValueError("0 is before any notification: leave out token, or count from 1")
        return frame


class EndingAction(FrameMatch):
    """Options of all acts that end the connection; whatever comes later on it is discarded.

    :param delay: seconds until it is done.
    :param linger: read and discard until the other side has closed, as the real service does; without it
        the connection is closed with unread data and without TCP_NODELAY, which can destroy the answer.
    """

    delay: Seconds = 0.0
    linger: bool = True


class AnswerAction(EndingAction):
    """Options of all acts that answer.

    :param identifier: named in the answer instead of the right one.
    :param split: sizes of the pieces the answer is sent in; what is left follows as one more.
    :param garbage: sent after the answer.
    :param command: the first byte of the answer instead of 8.
    :param end: what is done after the answer.
    :param lost: the answer is not sent.
    """

    identifier: int | None = Field(default=None, ge=0, le=0xFFFFFFFF)
    split: list[Annotated[int, Field(ge=1)]] = []
    garbage: HexBytes = b""
    command: Byte = 8
    end: Annotated[EndAction, Field(strict=False)] = EndAction.CLOSE
    lost: bool = False


class Reject(AnswerAction):
    """Refuse the notification with `status`."""

    act: Literal["reject"]
    status: Byte


class Shutdown(AnswerAction):
    """Answer with status 10, naming the last notification accepted; this one is not."""

    act: Literal["shutdown"]


class Close(EndingAction):
    """Close without an answer; the notification is not accepted."""

    act: Literal["close"]


class Reset(FrameMatch):
    """Reset the connection without an answer; the notification is not accepted."""

    act: Literal["reset"]
    delay: Seconds = 0.0


class HalfClose(FrameMatch):
    """Close the writing side without an answer and go on reading, to discard it."""

    act: Literal["half-close"]
    delay: Seconds = 0.0


class Stall(FrameMatch):
    """Accept the notification, then read nothing for a time."""

    act: Literal["stall"]
    duration: Seconds


class Accept(FrameMatch):
    """Do nothing: exempts the notification from the rules below."""

    act: Literal["accept"]


class ConnectionMatch(Match):
    """Conditions of rules about connections.

    :param service: ``push``, the binary one, ``http2``, or ``services``, the port of all others;
        `connection` counts those to it.
    """

    service: Literal["push", "http2", "services"] = "push"


class TlsAlert(ConnectionMatch):
    """Answer the TLS handshake with a fatal alert; 44 is "certificate revoked"."""

    act: Literal["tls-alert"]
    alert: Byte = 44


class Refuse(ConnectionMatch):
    """Drop the connection before TLS, and every other for `duration`, from the last attempt if `extend`."""

    act: Literal["refuse"]
    duration: Seconds
    extend: bool = True


class CutFeedback(Match):
    """End the feedback stream after `tuples` whole ones and `keep` bytes of the next.

    `connection` counts those to the feedback service.
    """

    act: Literal["cut-feedback"]
    tuples: int = Field(default=0, ge=0)
    keep: int = Field(default=3, ge=1)


FrameRule = Reject | Shutdown | Close | Reset | HalfClose | Stall | Accept
ConnectionRule = TlsAlert | Refuse
Rule = Annotated[FrameRule | RequestRule | ConnectionRule | CutFeedback, Field(discriminator="act")]


class BadScript(PushgateError):
    """A fault script breaks the rules for rules.

    :param faults: one line each, naming the rule by its index from 0, the key, what is wrong and what is
        allowed: ``script[1].status: 300; must be at most 255``.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class ScriptTable(Table):
    """A script as a document."""

    script: list[Rule]


def parse_rules(tables: object) -> list[Rule]:
    """Rules from a list of tables; raise `BadScript` naming every fault."""
    data = {"script": tables}
    try:
        return ScriptTable.model_validate(data).script
    except ValidationError as error:
        lines = fault_lines("", (), error, model=ScriptTable, data=data)
        raise BadScript([line.removeprefix(": ") for line in lines]) from None
