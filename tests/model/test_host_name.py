"""What is a host's name."""

import pytest

from pushgate.model.host_name import is_host_name


@pytest.mark.parametrize(
    "name", ["a", "a.example", "a.example.", "a_b-c.example", "10.0.0.1", "::1", "a" * 63, "1a"]
)
def test_names(name: str) -> None:
    """Names with their dots, hyphens and underscores; addresses of either kind."""
    assert is_host_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "a..b",
        "-a",
        "a-",
        "a b",
        "a:1",
        "[::1]",
        "https://a",
        "10.0.0.256",
        "1",
        "a" * 64,
        "a." * 127 + "a",
    ],
)
def test_what_is_none(name: str) -> None:
    """What no resolver takes, and what has more in it than a host."""
    assert not is_host_name(name)
