"""Refuses what a web page made a browser send: a port on this machine is within the browser's reach."""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from pushgate.net.http.request import ServerRequest
from pushgate.net.http.responses import HTTPFault

_HOST: Final = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(?::[0-9]{1,5})?", re.ASCII)
_OWN_SITES: Final = frozenset({"same-origin", "none"})


class BrowserGuard:
    """Checks where a request comes from, as far as a browser says it.

    A page of another origin can send requests here that need no permission, and can have a name of its own
    lead to this machine (DNS rebinding), so that its script reads the answers. Programs send neither
    ``Origin`` nor ``Sec-Fetch-Site``, and name this machine by what it is called.

    :param local: only this machine can connect: ``Host`` has to name it.
    :param names: other names that ``Host`` may have then, such as that of a proxy in front; in lower case.
    """

    def __init__(self, local: bool = False, names: Iterable[str] = ()) -> None:
        self._local, self._names = local, frozenset(name.lower() for name in names)
        self._is_own = lru_cache(maxsize=64)(self._names_this_machine)  # programs say the same each time

    def check(self, request: ServerRequest) -> None:
        """Check the head of a request.

        :raises HTTPFault: 403 for another origin, 421 for a host that is not this one.
        """
        self.check_host(request)
        host = next(iter(request.headers(b"host")), None)
        for site in request.headers(b"sec-fetch-site"):
            if site not in _OWN_SITES:
                raise HTTPFault(403, "sec-fetch-site: requests of other sites are refused")
        for origin in request.headers(b"origin"):
            if origin.partition("://")[2] != host:
                raise HTTPFault(403, "origin: requests of other origins are refused")

    def check_host(self, request: ServerRequest) -> None:
        """Check only which host is asked: for what is no secret, and to which another site may have a link.

        :raises HTTPFault: 421 for a host that is not this one.
        """
        host = next(iter(request.headers(b"host")), None)
        if self._local and host is not None and not self._is_own(host):
            raise HTTPFault(421, "host: must name this machine, or be one of host_names")

    def _names_this_machine(self, host: str) -> bool:
        match = _HOST.fullmatch(host.strip().lower())
        if match is None:
            return False
        name = match["name"].strip("[]").removesuffix(".")
        if name in self._names or name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            return ip_address(name).is_loopback
        except ValueError:
            return False
