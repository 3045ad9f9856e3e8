"""Where a broker is, as the configuration says it."""

import pytest
from pydantic import ValidationError

from pushgate.net.amqp.settings import Address, BrokerTable, parse_url


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("amqp://127.0.0.1:5672/", Address(False, (("127.0.0.1", 5672),), "/")),
        ("amqps://mq.example.com", Address(True, (("mq.example.com", 5671),), "/")),
        ("amqp://a,b:1,[::1]:2/push", Address(False, (("a", 5672), ("b", 1), ("::1", 2)), "push")),
        ("amqp://rabbit_mq/", Address(False, (("rabbit_mq", 5672),), "/")),
        ("amqp://a/%2Fpush", Address(False, (("a", 5672),), "/push")),
    ],
)
def test_urls(url: str, address: Address) -> None:
    """A URL names the nodes, the virtual host, and whether there is TLS."""
    assert parse_url(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "http://a/",
        "amqp://me:secret@a/",
        "amqp://",
        "amqp://a:0/",
        "amqp://a:99999/",
        "amqp://a/b/c",
        "amqp://a b",
        "amqp://a..b/",
        "amqp://-a/",
        "amqp://./",
        "amqp://10.0.0.256/",
    ],
)
def test_no_urls(url: str) -> None:
    """Anything else is refused, a password in a URL too, and the error does not repeat it."""
    with pytest.raises(ValueError, match="must be amqp") as caught:
        parse_url(url)
    assert "secret" not in str(caught.value)
    with pytest.raises(ValidationError):
        BrokerTable(url=url)


@pytest.mark.parametrize(
    ("url", "exposed"),
    [("amqp://localhost,127.0.0.2,[::1]/", False), ("amqps://a/", False), ("amqp://localhost,a/", True)],
)
def test_exposed(url: str, exposed: bool) -> None:
    """Without TLS only what stays on the machine cannot be read on the way."""
    assert parse_url(url).exposed is exposed


def test_people_can_read_an_address() -> None:
    """An address says all of it."""
    assert str(parse_url("amqps://a,b:1/push")) == "amqps a:5671,b:1 push"
