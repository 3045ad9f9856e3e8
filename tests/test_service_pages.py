"""The pages about push services other than Apple's: their tables of answers are those of the code."""

from typing import Final

import pytest

from pushgate.protocols.adm import reasons as adm
from pushgate.protocols.baidu import reasons as baidu
from pushgate.protocols.fcm import reasons as fcm
from pushgate.protocols.hms import reasons as hms
from pushgate.protocols.http_push.answers import Answer, Follows
from pushgate.protocols.mpns import reasons as mpns
from pushgate.protocols.webpush import reasons as webpush
from pushgate.protocols.wns import reasons as wns
from pushgate.protocols.xiaomi import reasons as xiaomi
from tests.test_docs import DOCS, coded, rows, section

ANSWERS: Final[dict[str, tuple[Answer, ...]]] = {
    "fcm": fcm.ANSWERS,
    "webpush": webpush.ANSWERS,
    "wns": wns.ANSWERS,
    "adm": adm.ANSWERS,
    "hms": (*hms.ANSWERS, *hms.STATUSES),
    "baidu": baidu.ANSWERS,
    "mpns": mpns.ANSWERS,
    "xiaomi": xiaomi.ANSWERS,
}
"""The rows of each service, by its page."""
FOLLOWS: Final = {
    Follows.ACCEPTED: "`accepted`",
    Follows.REJECTED: "`rejected`",
    Follows.DEAD: "`rejected`; the target is dead, `{dead}`",
    Follows.HELD: "it waits, as does all else: circuit `{cause}`",
    Follows.RENEW_TOKEN: "sent again with a new access token",
    Follows.KEEP_TOKEN: "sent again with the same access token",
    Follows.NEW_CONNECTION: "sent again on another connection",
    Follows.DEVICE_LATER: "sent again after `device_delay`",
    Follows.LATER: "sent again after `retry_delay`",
}
"""What each conclusion is called on the pages."""


def row_of(answer: Answer) -> list[str]:
    """An answer as it stands on a page."""
    is_status = answer.reason in {"", f"HTTP{answer.status}"}
    said = f"{answer.status}" if is_status else f"{answer.status} {answer.reason}"
    follows = FOLLOWS[answer.follows].format(dead=answer.dead, cause=answer.cause)
    wait = f", {answer.wait:g} s at least without a `Retry-After`" if answer.wait else ""
    return [f"`{answer.reason if answer.reason.isdecimal() else said}`", follows + wait, answer.words]


@pytest.mark.parametrize("service", ANSWERS)
def test_answers(service: str) -> None:
    """Each row of the code's table stands on the page, in its order, and no other."""
    page = (DOCS / f"{service}.md").read_text()
    assert rows(section(page, "Answers")) == [row_of(each) for each in ANSWERS[service]]


def test_words_of_tokens() -> None:
    """What Push Kit says of a single token is on its page."""
    text = section((DOCS / "hms.md").read_text(), "What is said of a token")
    assert {*hms.OF_THE_TOKEN, *hms.OF_THE_TOKEN.values(), *hms.OF_THE_APP} <= set(coded(text))
