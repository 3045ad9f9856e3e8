"""A request at the REST injector."""

from typing import Final

from msgspec.structs import replace

from pushgate.inputs.common.session_request import SessionRequest
from pushgate.model.errors import NotLoggedIn, PushgateError
from pushgate.net.http.request import AnswerState
from pushgate.net.http.responses import HTTPResponse, error_answer, error_fields, json_line

CHALLENGE: Final = (b"www-authenticate", b'Basic realm="pushgate"')


class InjectorRequest(SessionRequest):
    """See `SessionRequest`. Its errors have a ``status``, as all answers of the injector do."""

    def refuse(self, error: PushgateError) -> None:
        """Answer with an error, or abort an answer that has begun."""
        if self._answer is AnswerState.NONE:
            self.answer(failed_answer(error))
        else:
            super().refuse(error)


def failed_answer(error: PushgateError) -> HTTPResponse:
    """Make the response to a request that was refused as a whole."""
    answer = replace(error_answer(error), body=json_line({"status": "failure"} | error_fields(error)))
    return replace(answer, headers=(CHALLENGE,)) if isinstance(error, NotLoggedIn) else answer
