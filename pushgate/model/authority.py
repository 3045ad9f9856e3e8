"""A host and a port as URLs have them: RFC 3986, section 3.2. Pure."""


def bracketed(host: str) -> str:
    """A host; an IPv6 address, whose colons would be taken for that before a port, in brackets."""
    return f"[{host}]" if ":" in host else host


def authority(host: str, port: int) -> str:
    """``host:port``."""
    return f"{bracketed(host)}:{port}"
