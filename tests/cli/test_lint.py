"""``pushgate lint``, as people call it."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.programs import COMMAND, pushgate

CONFIGURATION = """
[gateway]
state_dir = "memory"
[apps.demo]
upstream = "simulator"
max_payload = 30
[apps.other]
upstream = "simulator"
topic = "com.example.news.voip"
"""


def test_a_clean_payload():
    """It says what the payload is, where it fits, and that nothing is wrong with it."""
    done = pushgate("lint", "--alert", "hello")
    assert done.stdout.splitlines() == [
        "--alert: apns, alert, 27 bytes",
        "  fits apns-http2 (4,096), apns-http2, voip and broadcasts (5,120), apns-stream (2,048), apns-stream before iOS 8 (256)",
        "nothing is wrong with it",
    ]  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file(tmp_path):
    """Each flaw is a line that begins with file, line and column, and one that says what to write."""
    file = tmp_path / "push.json"
    file.write_text('{\n  "aps": {"alert": "x", "Badge": 1}\n}\n')
    done = pushgate("lint", "push.json", cwd=tmp_path)
    ignored = "devices ignore what is not Apple's in aps; keys of the app's own stand beside it"
    assert done.stdout.splitlines()[2:] == [
        f"push.json:2:25: error: aps.Badge: not known here, and nearly badge; {ignored}",
        "    write badge",
        "1 error",
    ]
    assert done.returncode == 1


def test_warnings():
    """They alone are no failure, unless they are meant to be one."""
    payload = ("--payload", '{"aps": {"alert": "x", "mine": 1}}')
    assert pushgate("lint", *payload).returncode == 0
    done = pushgate("lint", *payload, "--strict")
    assert (done.stdout.splitlines()[-1], done.returncode) == ("1 warning", 1)


def test_standard_input_and_json():
    """Bytes from a pipe; a program gets places and advice as fields."""
    done = subprocess.run(
        [*COMMAND, "lint", "-", "--json"],
        input=b'{"aps": {"badge": "5"}}',
        capture_output=True,
        check=False,
        timeout=60,
    )
    report = json.loads(done.stdout)
    assert (report["ok"], report["payload"], report["service"], report["size"]) == (
        False,
        "standard input",
        "apns",
        23,
    )
    assert report["sizes"][0] == {"of": "apns-http2", "limit": 4096, "fits": True, "counts": True}
    assert report["flaws"] == [
        {"grade": "error", "path": "aps.badge", "line": 1, "column": 19,
         "what": 'the text "5"; must be a whole number, 0 to remove the badge', "advice": "write 5, without quotes"}
    ]  # fmt: skip
    assert done.returncode == 1


def test_a_push_magic():
    """It makes the payload of a push of MDM, whose topic is not just any."""
    done = pushgate("lint", "--push-magic", "47250C9C-1B37", "--topic", "com.example.news")
    assert done.stdout.startswith("--push-magic: apns, mdm, 24 bytes")
    assert "--push-magic: error: --topic: a topic of MDM begins with com.apple.mgmt." in done.stdout


def test_a_template():
    """What a template is filled with is named."""
    done = pushgate("lint", "--payload", '{"aps": {"alert": "$(message)", "badge": "#(n)"}}')
    assert done.stdout.startswith(
        "--payload: template for apns, alert, 33 bytes without its properties: message, n\n"
    )
    assert done.returncode == 0
    done = pushgate("lint", "--platform", "wns", "--payload", "<toast><text>$(a</text></toast>")
    assert ") is expected here" in done.stdout
    assert done.returncode == 1


def test_an_app(tmp_path):
    """Service, topic and limit are those of the app."""
    (tmp_path / "pushgate.toml").write_text(CONFIGURATION)
    of = ("--config", "pushgate.toml", "--app")
    done = pushgate("lint", "--payload", '{"notification": {"title": "Hello"}}', *of, "demo", cwd=tmp_path)
    assert "the app's max_payload: at most 30" in done.stdout
    assert ": apns, alert, 36 bytes" in done.stdout
    assert ": apns, voip," in pushgate("lint", "--alert", "x", *of, "other", cwd=tmp_path).stdout
    done = pushgate("lint", "--alert", "x", *of, "nope", cwd=tmp_path)
    assert (done.returncode, "has no app of this name" in done.stderr) == (2, True)
    (tmp_path / "pushgate.toml").write_text("[apps.demo]\n")
    done = pushgate("lint", "--alert", "x", *of, "demo", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "apps.demo" in done.stderr


def test_an_app_on_one_version_of_its_service(tmp_path):
    """What Push Kit takes for Android is refused for an app that is for HarmonyOS."""
    (tmp_path / "pushgate.toml").write_text(
        '[gateway]\nstate_dir = "memory"\n[apps.demo]\nupstream = "hms"\nservice_account_file = "account.json"\n'
    )
    of = ("--config", "pushgate.toml", "--app", "demo")
    done = pushgate("lint", "--payload", '{"data": "x"}', *of, cwd=tmp_path)
    assert (done.returncode, "no payload, or a target" in done.stdout) == (1, True)
    assert pushgate("lint", "--payload", '{"payload": {}}', *of, cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "either a file"),
        (("x", "--alert", "y"), "either a file"),
        (("no-such-file",), "no-such-file"),
        (("--alert", "x", "--app", "demo"), "together"),
        (("--alert", "x", "--service", "pigeon"), "pigeon"),
    ],
)
def test_wrong_use(arguments, word):
    """It is a line on stderr that says what is needed."""
    done = pushgate("lint", *arguments)
    assert done.returncode
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_what_a_payload_says_does_not_move_the_cursor():
    """Names and texts of a payload are escaped."""
    done = pushgate("lint", "--payload", '{"aps": {"alert": "x", "\\u001b[2J": 1}}')
    assert "\x1b" not in done.stdout


def test_the_page(tmp_path):
    """The example of docs/lint.md says what is printed, to the letter."""
    page = (Path(__file__).parents[2] / "docs" / "lint.md").read_text()
    shown = page.partition("$ cat push.json\n")[2].partition("```")[0]
    payload, _, printed = shown.partition("$ pushgate lint push.json\n")
    (tmp_path / "push.json").write_text(payload)
    assert pushgate("lint", "push.json", cwd=tmp_path).stdout == printed
