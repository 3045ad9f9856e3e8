"""A request at the REST injector."""

from typing import Final

from msgspec.structs import replace

from pushgate.inputs.common.session_request import SessionRequest
from pushgate.model.errors import NotLoggedIn, PushgateError
from pushgate.net.http.request import AnswerState
from pushgate.net.http.responses import HTTPResponse, error_answer, error_fields, json_line

CHALLENGE: Final = (b"www-authenticate", b'Basic realm="pushgate"')


class InjectorRequest(SessionRequest):
    """See `SessionRequest`. Its errors have a ``status``, as all answers here."""

    def refuse(self, error: PushgateError) -> None:
        """Answer with an error; cut short an answer that was begun."""
        if self._answer is AnswerState.NONE:
            self.answer(failed_answer(error))
        else:
            super().refuse(error)


def failed_answer(error: PushgateError) -> HTTPResponse:
    """The response to a request of which nothing was taken."""
    answer = replace(error_answer(error), body=json_line({"status": "failure"} | error_fields(error)))
    return replace(answer, headers=(CHALLENGE,)) if isinstance(error, NotLoggedIn) else answer
