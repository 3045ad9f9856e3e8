"""A hub input whose hub has containers on disk."""

from pathlib import Path
from urllib.parse import urlsplit

from tests.hub_input_rig import HubInputTestCase


class HubFilesTestCase(HubInputTestCase):
    """See `HubInputTestCase`."""

    def setUp(self):
        super().setUp()
        self.directory = Path(self.mktemp()).absolute()
        self.hub.containers.use(self.directory)

    def target(self, address, *segments):
        """What a client requests, of a signed address, for a file of its container."""
        parts = urlsplit(address)
        return "/".join((parts.path, *segments)) + f"?{parts.query}"

    def make(self):
        """The address of a new container."""
        return self.ask("POST", "/main/containers").body.decode()

    def open(self, method, target, body=b"", turns=50, **headers):
        """The one answer to a request that is signed by its address; it may come in pieces."""
        self.write(method, target, body, authorization=None, **headers)
        for _ in range(turns):
            self.clock.advance(0)
        [answer] = self.answers()
        return answer
