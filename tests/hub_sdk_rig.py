"""A hub input over TLS, to which unmodified SDKs are pointed."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import trustme
from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from pushgate.inputs.hub.settings import HubInputTable
from pushgate.plugins.builtin import hub as factory
from pushgate.testing import FakeHub, RecordingGateway, context
from tests.hub_clients import connection_string, javascript

PYTHON_CLIENT = Path(__file__).parent / "notification_hubs_client.py"


class HubSDKTestCase(TestCase):
    """An input with one hub, ``main``.

    :ivar hub: a `FakeHub`.
    :ivar connection: what SDKs are given.
    :ivar ca: the file of the certificate that they are to trust.
    """

    timeout = 80

    async def start(self, **options):
        """Begin to listen; `options` are keys of the input's table."""
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        authority = trustme.CA()
        self.ca = self.directory / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca))
        certificate = self.directory / "server.pem"
        chain = authority.issue_cert("localhost").private_key_and_cert_chain_pem
        chain.write_to_path(str(certificate))
        self.hub = FakeHub(wall=time.time)
        listen = "tcp:0:interface=127.0.0.1"
        table = HubInputTable(type="hub", listen=listen, certificate=certificate, hubs=["main"], **options)
        surroundings = context(reactor, now=time.time() - reactor.seconds(), hubs={"main": self.hub})
        self.context = surroundings
        self.input = factory.input("hub", table, RecordingGateway(), surroundings)
        await self.input.start()
        self.addCleanup(self.input.stop)
        self.port = int(self.input.addresses()[0].rpartition(":")[2])
        self.connection = connection_string(self.port, "Full", "full-key")

    async def try_calls(self, *calls):
        """What each call of the SDK for JavaScript gave, or its error."""
        return await javascript(self.connection, "main", list(calls), self.ca)

    async def call(self, *calls):
        """What each call gave; none may fail."""
        results = await self.try_calls(*calls)
        self.assertEqual([each for each in results if "value" not in each], [])
        return [each["value"] for each in results]

    async def python(self, *calls, debug=0):
        """What each call of the SDK for Python gave."""
        task = {"connection": self.connection, "hub": "main", "calls": list(calls), "debug": debug}
        return await deferToThread(self._run_python, task)

    def _run_python(self, task):
        # An environment may name authorities of its own: both names have to be overwritten.
        trust = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"), str(self.ca))
        done = subprocess.run(
            [sys.executable, str(PYTHON_CLIENT)],
            input=json.dumps(task),
            env={**os.environ, **trust},
            capture_output=True,
            text=True,
            timeout=50,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])
