"""``pushgate config check``."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from pushgate.cli import main
from tests.plug_ins import SINK, PlugInTestCase

ROOT = Path(__file__).parents[2]

NO_INPUT = "inputs: none; no program can submit a notification"
CROSSED = """
[apps.".."]
upstream = "simulator"
[apps.news]
upstream = "apns-stream"
certificate = "/x"
host = "https://x"
[inputs.amp]
type = "amp"
listen = "tcp:7215"
[inputs.line]
type = "line"
listen = "tcp:7215:interface=127.0.0.1"
[sinks.metrics]
type = "metrics"
listen = "tcp:7216"
[principals.shop]
certificate = "CN=shop, O=Shop A"
"""


class CheckTests(PlugInTestCase):
    def check(self, text: str, *options: str) -> tuple[Path, Result]:
        file = self.directory() / "f.toml"
        file.write_text(text)
        return file, CliRunner().invoke(main, ["config", "check", str(file), *options])

    def test_a_good_file(self) -> None:
        """A good file ends with 0 and a line for each app, input and sink."""
        _, result = self.check('[apps.trial]\nupstream = "simulator"\n[sinks.log]\ntype = "log"\n')
        self.assertEqual((result.exit_code, result.stderr.count("\n")), (0, 1))
        self.assertEqual(result.stdout, "apps\ttrial\tsimulator\nsinks\tlog\tlog\n")

    def test_a_good_file_in_json(self) -> None:
        """Programs get the same as JSON."""
        file, result = self.check('[apps.trial]\nupstream = "simulator"\n', "--json")
        self.assertEqual(
            json.loads(result.stdout),
            {
                "file": str(file),
                "ok": True,
                "warnings": [NO_INPUT],
                "apps": {"trial": "simulator"},
                "inputs": {},
                "sinks": {},
                "principals": {},
                "hubs": {},
            },
        )

    def test_who_may_enter(self) -> None:
        """A line for each principal says what it may do."""
        principal = '[principals.shop]\nsecret_file = "/x"\noperations = ["push", "admin"]\n'
        _, result = self.check(f'[apps.trial]\nupstream = "simulator"\n{principal}')
        self.assertEqual(result.stdout, "apps\ttrial\tsimulator\nprincipals\tshop\tpush,admin\n")

    def test_a_mark_at_the_beginning(self) -> None:
        """A byte order mark, which editors of Windows write, is no fault."""
        _, result = self.check('\ufeff[apps.trial]\nupstream = "simulator"\n')
        self.assertEqual((result.exit_code, result.stdout), (0, "apps\ttrial\tsimulator\n"))

    def test_a_path_that_is_none(self) -> None:
        """A NUL, which no path has, is reported like every other fault."""
        _, result = self.check('[gateway]\nstate_dir = "a\\u0000b"\n[apps.trial]\nupstream = "simulator"\n')
        self.assertEqual(result.exit_code, 1)
        self.assertIn(
            "gateway.state_dir: a string of length 3; must be the path of a directory", result.stderr
        )

    def test_a_bad_file(self) -> None:
        """A bad file ends with 1 and a line on stderr for each fault, whatever they are."""
        file, result = self.check(
            '[gateway]\nexpiry = "soon"\n[apps.news]\nupstream = "apns-stream"\nport = 70000\n'
        )
        self.assertEqual((result.exit_code, result.stdout), (1, ""))
        duration = "must be a number with its unit: 250ms, 5s, 30m, 1h, 1d"
        self.assertEqual(
            result.stderr.splitlines(),
            [
                f"{file}: gateway.expiry: a string of length 4; {duration}",
                f"{file}: apps.news.certificate: missing; required",
                f"{file}: apps.news.port: 70000; must be at most 65535",
            ],
        )

    def test_a_bad_file_in_json(self) -> None:
        """Programs get the faults as JSON, with the same exit status."""
        file, result = self.check("x = \n", "--json")
        self.assertEqual(result.exit_code, 1)
        self.assertEqual(
            json.loads(result.stdout),
            {
                "file": str(file),
                "ok": False,
                "faults": [f"{file}: line 1, column 5: not TOML; invalid value"],
            },
        )

    def test_what_is_hardly_meant(self) -> None:
        """A configuration into which nothing can be submitted is no fault: it can send what waits. A line says so."""
        file, result = self.check('[apps.trial]\nupstream = "simulator"\n')
        self.assertEqual((result.exit_code, result.stderr), (0, f"warning: {file}: {NO_INPUT}\n"))

    def test_what_shows_without_opening_anything(self) -> None:
        """Inputs that others can reach, addresses given twice, subjects with blanks, hosts and names that are none."""
        file, result = self.check(CROSSED)
        lines = result.stderr.replace(f"{file}: ", "").splitlines()
        others = "other machines can reach 'tcp:7215'"
        self.assertEqual(
            lines,
            [
                'apps."..": a name of length 2; must be 1 to 64 of A-Z a-z 0-9 . _ -, and not . or ..',
                (
                    "apps.news.host: a string of length 9; must be a host name or an IP address, without scheme, port, "
                    "brackets and blanks"
                ),
                (
                    "principals.shop.certificate: a string of length 17; must be a subject as RFC 4514 writes it, without "
                    "blanks beside , and =: CN=shop,O=Example"
                ),
                f"inputs.amp.certificate: missing; {others}, so it needs TLS, or inputs.amp.insecure = true",
                (
                    "sinks.metrics.listen: other machines can reach 'tcp:7216', and there is no login here, or "
                    "sinks.metrics.insecure = true"
                ),
                "inputs.line.listen: the address of inputs.amp.listen; must be one of its own",
            ],
        )
        _, result = self.check(CROSSED[: CROSSED.index("[principals")])
        self.assertIn(
            f"principals: missing; {others} (inputs.amp.listen), so callers must log in", result.stderr
        )

    def test_no_file(self) -> None:
        """A file that is not there is a fault like others."""
        result = CliRunner().invoke(main, ["config", "check", "no/such.toml"])
        self.assertEqual(result.exit_code, 1)
        self.assertEqual(result.stderr, "no/such.toml: cannot be read: No such file or directory\n")

    def test_a_directory_of_plug_ins(self) -> None:
        """A file may choose plug-ins of an outsider."""
        text = '[apps.trial]\nupstream = "simulator"\n[sinks.air]\ntype = "pigeon"\n'
        _, result = self.check(text)
        self.assertIn('sinks.air.type: there is no sink "pigeon"', result.stderr)
        _, result = self.check(text, "--plugins", str(self.directory(a_pigeon=SINK)))
        self.assertEqual((result.exit_code, result.stderr.count("\n")), (0, 1))

    def test_a_directory_in_the_configuration(self) -> None:
        """So may the configuration itself; a directory that is not there is a fault beside the others."""
        directory = self.directory(a_dove=SINK.replace('"pigeon"', '"dove"'))
        text = f"""
            [gateway]
            plugins = ["{directory}"]
            [apps.trial]
            upstream = "simulator"
            [sinks.air]
            type = "dove"
        """
        file, result = self.check(text)
        self.assertEqual((result.exit_code, result.stderr.count("\n")), (0, 1))
        listed = CliRunner().invoke(main, ["plugins", "--config", str(file)])
        self.assertIn("\ndove\tsink\t", listed.stdout)
        file, result = self.check(text.replace(f'["{directory}"]', '["no/such"]').replace('"dove"', '"auk"'))
        first, second = result.stderr.splitlines()
        rule = "must be the path of a directory that is there"
        self.assertEqual(first, f"{file}: gateway.plugins[0]: a string of length 7; {rule}")
        self.assertIn('sinks.air.type: there is no sink "auk"', second)

    def test_the_sample(self) -> None:
        """The sample in ``etc`` is good."""
        result = CliRunner().invoke(main, ["config", "check", str(ROOT / "etc" / "pushgate.toml")])
        self.assertEqual((result.exit_code, result.stderr), (0, ""))


class ImportMomentumTests(PlugInTestCase):
    def run_on(self, content: bytes) -> tuple[Path, Result]:
        file = self.directory() / "ecelerity.conf"
        file.write_bytes(content)
        return file, CliRunner().invoke(main, ["config", "import-momentum", str(file)])

    def test_a_stanza(self) -> None:
        """What is printed is a configuration without a fault; what has no counterpart is a line on stderr."""
        text = 'domain "a.example" { delivery_method = apn tls_certificate = "/a.pem" retry_interval = 60 }\n'
        file, result = self.run_on(text.encode())
        self.assertEqual(result.exit_code, 0)
        self.assertIn(
            f"{file}: line 1: retry_interval: no counterpart; the delay of an app's circuit", result.stderr
        )
        made = self.directory() / "pushgate.toml"
        made.write_text(result.stdout)
        checked = CliRunner().invoke(main, ["config", "check", str(made)])
        self.assertEqual((checked.exit_code, checked.stderr), (0, ""))
        self.assertEqual(checked.stdout, "apps\ta.example\tapns-http2\ninputs\tsmtp\tsmtp\n")

    def test_as_editors_write_it(self) -> None:
        """A byte order mark and ends of lines of Windows are none of the text."""
        plain = b"domain a {\n delivery_method = apn\n tls_certificate = c\n}\n"
        _, result = self.run_on(plain)
        _, windows = self.run_on(b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n"))
        self.assertEqual((windows.exit_code, windows.stdout), (0, result.stdout))

    def test_faults(self) -> None:
        """What cannot be read or translated is one line, and nothing is printed."""
        for content, words in (
            (b"domain a {", "line 1: a brace that is not closed"),
            (b"", 'no domain has delivery_method = "apn"'),
            (b"\xff", "not text in UTF-8"),
            (b"\xff\xfea\x00", "text in UTF-16; must be ASCII or UTF-8"),
        ):
            file, result = self.run_on(content)
            self.assertEqual((result.exit_code, result.stdout), (1, ""))
            self.assertEqual(result.stderr, f"{file}: {words}\n")

    def test_no_file(self) -> None:
        """So is a file that is not there."""
        result = CliRunner().invoke(main, ["config", "import-momentum", "/nowhere"])
        self.assertEqual((result.exit_code, result.stderr), (1, "/nowhere: No such file or directory\n"))
