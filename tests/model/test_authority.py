"""Hosts and ports as URLs have them."""

from urllib.parse import urlsplit

import pytest

from pushgate.model.authority import authority, bracketed


@pytest.mark.parametrize("host", ["push.example.com", "192.0.2.1", "::1", "2001:db8::2"])
def test_a_url_gives_them_back(host: str) -> None:
    """The port is told apart from the address, whatever the address is."""
    parts = urlsplit(f"https://{authority(host, 443)}/")
    assert (parts.hostname, parts.port) == (host, 443)
    assert urlsplit(f"https://{bracketed(host)}/").hostname == host
