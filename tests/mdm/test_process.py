"""MDM as its users have it: a gateway in a process, its certificate, the client and the command."""

import json

import pytest

from pushgate.protocols.mdm_push import token_hash
from tests.cli.programs import RunningGateway, pushgate
from tests.mdm_certificate import mdm_certificate
from tests.samples import TOKEN

CONFIGURATION = """
[gateway]
state_dir = "state"
[apps.devices]
upstream = "apns-http2"
certificate = "mdm.pem"
mdm = true
host = "localhost"
port = 1
[inputs.amp]
type = "amp"
listen = "tcp:{port}:interface=127.0.0.1"
[inputs.line]
type = "line"
listen = "tcp:0:interface=127.0.0.1"
"""


def enrolled(gateway, magic):
    """Enrol over AMP, as a program does."""
    program = (
        "import sys\nfrom twisted.internet.task import react\nfrom pushgate.client import connect\n"
        "async def main(reactor):\n"
        f"    async with connect(reactor, 'tcp:{gateway.to}') as client:\n"
        f"        kept = await client.enrol('devices', {TOKEN!r}, {magic!r}, device='udid-1')\n"
        f"        print(kept.sha256, kept.warnings, await client.check_in('devices', {TOKEN!r}))\n"
        "react(lambda reactor: __import__('twisted.internet.defer').internet.defer.ensureDeferred(main(reactor)))\n"
    )
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_enrolments_outlive_the_process_and_hold_to_their_topic(tmp_path):
    """Found and diagnosed after a restart; another topic is refused until it is meant to be so."""
    mdm_certificate(tmp_path / "mdm.pem", "com.apple.mgmt.External.1")
    gateway = RunningGateway(tmp_path, CONFIGURATION)
    try:
        assert enrolled(gateway, "first") == f"{token_hash(TOKEN)} () True\n"
        assert "an earlier enrolment of this token is superseded" in enrolled(gateway, "second")
        gateway.stop()
        gateway.restart()
        asked = ("--app", "devices", "--to", gateway.to)
        done = pushgate("mdm", "find", *asked, "--sha256", token_hash(TOKEN)[:12], "--json")
        superseded, found = json.loads(done.stdout)
        assert (found["token"], found["device"], found["superseded_at"]) == (TOKEN.hex(), "udid-1", None)
        assert superseded["superseded_at"]
        assert pushgate("mdm", "find", *asked, "--sha256", token_hash(TOKEN)).stdout.count(TOKEN.hex()) == 2
        none = pushgate("mdm", "find", *asked, "--sha256", "00" * 32)
        assert (none.stderr, none.returncode) == ("no enrolment of the app has a token with this hash\n", 1)
        done = pushgate("mdm", "diagnose", *asked, "--token", TOKEN.hex())
        assert done.stdout.startswith(f"{token_hash(TOKEN)[:10]}: it called after the last push")
        assert done.stdout.count("ruled out") == 8
        said = json.loads(pushgate("mdm", "diagnose", *asked, "--token", "ab" * 32, "--json").stdout)
        assert said["summary"] == "not enrolled here"
    finally:
        gateway.stop()
    assert "first" not in gateway.log()
    assert TOKEN.hex() not in gateway.log()
    mdm_certificate(tmp_path / "mdm.pem", "com.apple.mgmt.External.2")
    with pytest.raises(AssertionError, match=r"devices have enrolled under com\.apple\.mgmt\.External\.1"):
        gateway.restart()
    gateway.file.write_text(
        gateway.file.read_text().replace("mdm = true", "mdm = true\nmdm_topic_override = true")
    )
    gateway.restart()
    try:
        said = json.loads(pushgate("mdm", "diagnose", *asked, "--token", TOKEN.hex(), "--json").stdout)
        assert said["enrolment"]["topic"] == "com.apple.mgmt.External.1"
    finally:
        gateway.stop()


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"mdm.pem": "com.example.news"}, "apps.devices.certificate: no MDM push certificate"),
        ({'state_dir = "state"': 'state_dir = "memory"'}, 'apps.devices.mdm: enrolments are kept in gateway.state_dir'),
        ({'certificate = "mdm.pem"': 'key_file = "a.p8"\nteam_id = "DEF123GHIJ"\ntopic = "a.b"\nkey_id = "ABC123DEFG"'},
         "must have certificate, an MDM push certificate"),
    ],
)  # fmt: skip
def test_what_stops_the_start(tmp_path, changed, fault):
    """Each is a line that names the key."""
    mdm_certificate(tmp_path / "mdm.pem", changed.pop("mdm.pem", "com.apple.mgmt.External.1"))
    text = CONFIGURATION
    for old, new in changed.items():
        text = text.replace(old, new)
    with pytest.raises(AssertionError, match=fault):
        RunningGateway(tmp_path, text)


def test_token_hash():
    """It needs no gateway."""
    done = pushgate("mdm", "token-hash", bytes(range(32)).hex())
    assert done.stdout == "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd\n"
    assert pushgate("mdm", "token-hash", "zz").stderr.startswith("token: text of 2 characters")
