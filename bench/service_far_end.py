"""The side of every push service as cheap as can be: accepts whatever comes, over HTTP/1.1 and HTTP/2.

Usage: service_far_end.py PORT CERTIFICATE
On stdin, one command a line: ``wait N`` prints the monotonic time at which N notifications were there;
``reset`` starts counting at 0.
"""

import sys
from itertools import count
from pathlib import Path

from twisted.internet import reactor, stdio
from twisted.internet.endpoints import SSL4ServerEndpoint
from twisted.internet.ssl import CertificateOptions, PrivateCertificate

from bench.h2_far_end import Commands, Counter
from pushgate.net.http.codec import Header
from pushgate.net.http.request import ServerRequest
from pushgate.net.http.responses import HTTPResponse
from pushgate.net.http.site import HTTPSite

TOKEN = b'{"access_token":"a","expires_in":3600,"token_type":"Bearer"}'
SUCCESS = b'{"code":"80000000","result":"ok","request_id":1,"response_params":{"msg_id":"1"}}'
"""What HMS and Baidu say; ADM, WNS and MPNS say it in other places."""
STATUSES: tuple[Header, ...] = (
    (b"x-wns-status", b"received"), (b"x-notificationstatus", b"Received"),
)  # fmt: skip
MESSAGE = b'{"name":"projects/p/messages/%d"}'


class Accepting:
    """Answers, and counts notifications."""

    def __init__(self, counter: Counter) -> None:
        self._counter, self._numbers = counter, count()

    def answer(self, request: ServerRequest, body: bytes) -> HTTPResponse:
        """Of any service, or of its token service."""
        path = request.head.target
        if path == b"/token":
            return HTTPResponse(200, TOKEN)
        self._counter.add(1)
        if path.startswith(b"/v1/projects"):
            return HTTPResponse(200, MESSAGE % next(self._numbers))
        if path.startswith(b"/wpush/"):
            where: Header = (b"location", b"https://localhost/message/%d" % next(self._numbers))
            return HTTPResponse(201, b"", headers=(where,))
        return HTTPResponse(200, SUCCESS, headers=STATUSES)


def main() -> None:
    """Serve until stdin ends."""
    certificate = PrivateCertificate.loadPEM(Path(sys.argv[2]).read_text())
    options = CertificateOptions(
        privateKey=certificate.privateKey.original,
        certificate=certificate.original,
        acceptableProtocols=[b"h2", b"http/1.1"],
    )
    counter = Counter(0)
    site = HTTPSite(Accepting(counter).answer, reactor, max_body=1 << 16)
    SSL4ServerEndpoint(reactor, int(sys.argv[1]), options, interface="127.0.0.1").listen(site)
    stdio.StandardIO(Commands(counter))
    reactor.run()


if __name__ == "__main__":
    main()
