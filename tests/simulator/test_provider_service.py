"""The provider API over HTTP/2, over real TLS: what it answers by itself."""

from twisted.trial.unittest import TestCase

from pushgate.simulator.service import Simulator
from tests.simulator.http2_provider import NOW, TOKEN, HTTP2Provider, call, is_uuid, provider_token
from tests.simulator.provider import PAYLOAD, make_simulator, until

UUID = "EABEAE54-14A8-11e5-b60b-1697f925ec7b"


class HTTP2Case(TestCase):
    timeout = 20
    simulator: Simulator

    async def start(self, **config: object) -> HTTP2Provider:
        """A provider with tokens, of a simulator that is started for the test."""
        await self.serve(**config)
        return await self.call()

    async def serve(self, **config: object) -> None:
        self.simulator = make_simulator(self.mktemp(), **config)
        await self.simulator.start()
        self.addCleanup(self.simulator.stop)

    async def call(self, **how: object) -> HTTP2Provider:
        provider = await call(self.simulator, **how)
        self.addCleanup(lambda: provider.gone or provider.transport.abortConnection())
        return provider


class PushTests(HTTP2Case):
    async def test_a_push(self) -> None:
        """It is answered with HEADERS alone, which repeat the id as it came, and recorded with all it has."""
        provider = await self.start()
        response = await provider.pushed(
            apns_id=UUID, apns_push_type="alert", apns_priority="5", apns_expiration="1700000001",
            apns_collapse_id="score",
        )  # fmt: skip
        self.assertEqual(response.headers, {":status": "200", "apns-id": UUID})
        self.assertEqual(response.frames, [("HEADERS", True)])
        [entry] = self.simulator.received.entries()
        self.assertEqual(
            (entry.protocol, entry.token.hex(), entry.payload, entry.apns_id, entry.topic, entry.push_type,
             entry.priority, entry.expiration, entry.collapse_id, entry.command, entry.channel, entry.connection),
            ("http2", TOKEN, PAYLOAD, UUID, "com.example.news", "alert", 5, 1700000001, "score", None, None, 1),
        )  # fmt: skip

    async def test_an_id_is_made(self) -> None:
        """A push without an id is given one, and nothing else is needed."""
        provider = await self.start()
        response = await provider.pushed()
        self.assertTrue(is_uuid(response.headers["apns-id"]))
        [entry] = self.simulator.received.entries()
        self.assertEqual(entry.apns_id, response.headers["apns-id"])
        self.assertEqual((entry.push_type, entry.priority, entry.expiration), (None, None, None))

    async def test_an_error(self) -> None:
        """HEADERS and one DATA with JSON; the id is repeated even when it is none."""
        provider = await self.start()
        response = await provider.pushed(apns_id="No-Id")
        self.assertEqual(
            response.headers, {":status": "400", "apns-id": "No-Id", "content-type": "application/json"}
        )
        self.assertEqual(response.frames, [("HEADERS", False), ("DATA", True)])
        self.assertEqual(response.body, b'{"reason":"BadMessageId"}')
        summary = self.simulator.summary()
        self.assertEqual(
            (summary["accepted"], summary["rejected"], summary["reasons"], summary["frames"]),
            (0, {"400": 1}, {"BadMessageId": 1}, 1),
        )

    async def test_a_dead_token(self) -> None:
        """410, with the time in milliseconds."""
        provider = await self.start(dead=["dead"])
        response = await provider.pushed("dead" * 16)
        self.assertEqual(response.said, (410, "Unregistered"))
        self.assertEqual(response.body, b'{"reason":"Unregistered","timestamp":1700000000500}')

    async def test_reasons(self) -> None:
        """Each thing that can be wrong with a push has its answer."""
        provider = await self.start(topics=["com.example.news"])
        for expected, response in (
            ((405, "MethodNotAllowed"), await provider.asked("GET", "/3/device/" + TOKEN)),
            ((404, "BadPath"), await provider.asked("POST", "/3/devices")),
            ((400, "MissingDeviceToken"), await provider.pushed("")),
            ((400, "BadDeviceToken"), await provider.pushed("xy")),
            ((400, "BadExpirationDate"), await provider.pushed(apns_expiration="soon")),
            ((400, "BadPriority"), await provider.pushed(apns_priority="7")),
            ((400, "BadPriority"), await provider.pushed(apns_push_type="background", apns_priority="10")),
            ((400, "InvalidPushType"), await provider.pushed(apns_push_type="letter")),
            ((400, "BadCollapseId"), await provider.pushed(apns_collapse_id="x" * 65)),
            ((400, "BadTopic"), await provider.pushed(apns_topic="a b")),
            ((400, "MissingTopic"), await provider.pushed(apns_topic="")),
            ((400, "TopicDisallowed"), await provider.pushed(apns_topic="com.example.other")),
            ((400, "InvalidPushType"), await provider.pushed(apns_push_type="voip")),
            ((400, "InvalidPushType"), await provider.pushed(
                apns_topic="com.example.news.voip", apns_push_type="alert")),
            ((400, "PayloadEmpty"), await provider.pushed(payload=b"")),
            ((400, "PayloadEmpty"), await provider.pushed(payload=b"[]")),
            ((413, "PayloadTooLarge"), await provider.pushed(payload=b"{}" + b" " * 4095)),
            ((413, "PayloadTooLarge"), await provider.pushed(payload=b"{}" + b" " * 16000)),
            ((413, "PayloadTooLarge"), await provider.pushed(
                payload=b"{}" + b" " * 5119, apns_topic="com.example.news.voip")),
            ((200, ""), await provider.pushed(
                payload=b"{}" + b" " * 5118, apns_topic="com.example.news.voip", apns_push_type="voip")),
            ((200, ""), await provider.pushed(payload=b"{}" + b" " * 4094)),
            ((200, ""), await provider.pushed(apns_push_type="background", apns_priority="5")),
        ):  # fmt: skip
            self.assertEqual(response.said, expected)
            self.assertIn("apns-id", response.headers)
        summary = self.simulator.summary()
        self.assertEqual(summary["accepted"], 3)
        self.assertEqual(summary["frames"], 3 + sum(summary["rejected"].values()))

    async def test_without_alpn(self) -> None:
        """A client that offers no ALPN and begins with the preface is served, and `host` is enough."""
        await self.serve()
        provider = await self.call(alpn=False)
        stream = provider.send(
            [(":method", "POST"), (":scheme", "https"), (":path", "/3/device/" + TOKEN), ("host", "x"),
             ("authorization", provider.authorization), ("apns-topic", "com.example.news")], PAYLOAD,
        )  # fmt: skip
        self.assertEqual((await provider.answer(stream)).status, 200)

    async def test_what_is_not_http2(self) -> None:
        """Another protocol is refused, and the simulator goes on."""
        await self.serve()
        provider = await self.call(alpn=False)
        provider.transport.write(b"POST / HTTP/1.1\r\n\r\n" * 10)
        await provider.lost
        self.assertEqual((await (await self.call()).pushed()).status, 200)

    async def test_sandbox(self) -> None:
        """There an accepted push has one id more, for Apple's console."""
        provider = await self.start(environment="sandbox")
        self.assertTrue(is_uuid((await provider.pushed()).headers["apns-unique-id"]))
        self.assertNotIn("apns-unique-id", (await provider.pushed("xy")).headers)


class TokenTests(HTTP2Case):
    async def test_no_credential(self) -> None:
        """Without certificate and token nothing is accepted, nor is it said whether the token is good."""
        await self.serve()
        provider = await self.call(token=False)
        self.assertEqual((await provider.pushed("xy")).said, (403, "MissingProviderToken"))
        self.assertEqual(provider.limits, [1])

    async def test_one_stream_before_the_first_good_token(self) -> None:
        """Further requests are refused unprocessed until one with a good token was answered."""
        provider = await self.start(streams=7)
        streams = [provider.push(flush=False) for _ in range(3)]
        provider.flush()
        self.assertEqual((await provider.answer(streams[0])).status, 200)
        await until(lambda: provider.heard[streams[2]].reset is not None and len(provider.limits) == 2)
        self.assertEqual([provider.heard[stream].reset for stream in streams], [None, 7, 7])
        self.assertEqual(provider.limits, [1, 7])
        streams = [provider.push(flush=False) for _ in range(7)]
        provider.flush()
        for stream in streams:
            self.assertEqual((await provider.answer(stream)).status, 200)
        self.assertEqual(self.simulator.received.accepted, 8)

    async def test_bad_tokens(self) -> None:
        """A token too old, of another team, or not signed is refused; the limit stays at one stream."""
        provider = await self.start()
        old, other = (
            provider_token(self.simulator, **each) for each in ({"iat": NOW - 3601}, {"iss": "OTHERTEAM1"})
        )
        self.assertEqual((await provider.pushed(authorization=old)).said, (403, "ExpiredProviderToken"))
        self.assertEqual((await provider.pushed(authorization=other)).said, (403, "InvalidProviderToken"))
        self.assertEqual(
            (await provider.pushed(authorization="bearer x")).said, (403, "InvalidProviderToken")
        )
        self.assertEqual((await provider.pushed(authorization="")).said, (403, "MissingProviderToken"))
        self.assertEqual(provider.limits, [1])

    async def test_token_updates(self) -> None:
        """A second renewal within 20 minutes is one too many; the tokens before go on."""
        provider = await self.start()
        tokens = [provider_token(self.simulator, iat=NOW - n) for n in range(3)]
        said = [(await provider.pushed(authorization=each)).said for each in (*tokens, *tokens)]
        refused = (429, "TooManyProviderTokenUpdates")
        self.assertEqual(said, [(200, ""), (200, ""), refused, (200, ""), (200, ""), refused])


class CertificateTests(HTTP2Case):
    async def test_a_certificate(self) -> None:
        """With a certificate no token, no topic and no push type is needed, and all streams are there at once."""
        await self.serve(streams=5)
        provider = await self.call(certificate=self.simulator.certificates.client)
        self.assertEqual((await provider.pushed()).status, 200)
        self.assertEqual((await provider.pushed(authorization="bearer nonsense")).status, 200)
        self.assertEqual(provider.limits, [5])

    async def test_a_certificate_of_a_topic(self) -> None:
        """It names the topic, and is for no other; push types that need tokens are not for it."""
        await self.serve()
        name = "Apple Push Services: com.example.news"
        file = self.simulator.certificates.issue_client("news.pem", name=name)
        provider = await self.call(certificate=file)
        self.assertEqual((await provider.pushed()).status, 200)
        self.assertEqual(self.simulator.received.entries()[0].topic, "com.example.news")
        self.assertEqual((await provider.pushed(apns_topic="com.example.news")).status, 200)
        for topic in (
            "com.example.other",
            "com.example.news.push-type.liveactivity",
            "com.example.news.voip",
        ):
            self.assertEqual((await provider.pushed(apns_topic=topic)).said, (400, "TopicDisallowed"))
