"""``pushgate hub``, to a gateway in a process of its own."""

import csv
import io
import json
import re
import sqlite3
import subprocess
import time

import pytest

from pushgate.cli.hub.options import FORMATS, Time
from pushgate.protocols.notification_hubs.platform_names import TARGET_NAMES, TEMPLATE
from tests.cli.programs import COMMAND, CONFIGURATION, RunningGateway, pushgate, start

ENTRY = (
    '<AppleRegistrationDescription xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect">'
    "<RegistrationId>7-8-9</RegistrationId><Tags>from_azure</Tags><DeviceToken>AB00</DeviceToken>"
    "</AppleRegistrationDescription>"
)
HUB = (
    CONFIGURATION.replace('"memory"', '"state"')
    + """
[hubs.main]
apns = "demo"
[hubs.other]
apns = "other"
"""
)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A gateway with the hubs `main` and `other`."""
    gateway = RunningGateway(tmp_path_factory.mktemp("hub"), HUB)
    yield gateway
    gateway.stop()


def hub(running, action, *options, name="main", stdin=None):
    """Run an action on a hub."""
    arguments = [*COMMAND, "hub", action, "--hub", name, "--to", running.to, *options]
    done = subprocess.run(arguments, input=stdin, text=True, capture_output=True, check=False, timeout=60)
    # On a busy machine it may say that it waits.
    done.stderr = "".join(line for line in done.stderr.splitlines(True) if "waiting: no answer" not in line)
    return done


def test_a_send(running):
    """A device that was registered with a tag is sent to by it; the send and the tag are listed."""
    made = hub(running, "register", "--platform", "apns", "--handle", "aa01", "--tag", "news", "--tag", "eu")
    number = made.stdout.strip()
    assert (made.stderr, made.returncode) == ("", 0)
    assert json.loads(hub(running, "show", number).stdout)["tags"] == ["news", "eu"]
    assert hub(running, "count", "news && !us").stdout == "apns\t1\nall\t1\n"
    assert hub(running, "tags").stdout == "eu\t1\nnews\t1\n"
    tested = hub(running, "send", "--tags", "news", "--alert", "Hi", "--test")
    assert re.fullmatch(rf"\w+  \w+\napns\taa01\t{number}\t.+\n", tested.stdout), tested
    assert tested.returncode == 0
    sent = json.loads(hub(running, "send", "--tags", "us", "--alert", "Hi", "--json").stdout)
    assert sent["state"] == "Enqueued"
    assert json.loads(hub(running, "details", sent["id"], "--json").stdout)["expression"] == "us"
    assert sent["id"] in hub(running, "sends").stdout
    assert hub(running, "unregister", number).stdout == f"{number} is deleted\n"
    assert hub(running, "unregister", number).returncode == 1


def test_later(running):
    """A scheduled send is listed as such, and is cancelled once."""
    sent = hub(running, "send", "--property", "text=Hi", "--header", "apns-priority=5", "--schedule", "+1h")
    number, state = sent.stdout.split()
    assert state == "Scheduled"
    assert hub(running, "sends", "--scheduled").stdout.startswith(f"{number}\tScheduled\t")
    [listed] = json.loads(hub(running, "sends", "--scheduled", "--json").stdout)["sends"]
    assert abs(listed["scheduled_for"] - time.time() - 3600) < 60
    assert hub(running, "details", number).stdout.startswith(f"{number}  Scheduled  ")
    assert hub(running, "cancel", number).returncode == 0
    again = hub(running, "cancel", number)
    assert (again.stdout, again.returncode) == (f"{number} is not scheduled any more\n", 1)


def test_files(running, tmp_path):
    """What one hub exports another imports, as lines and as a table."""
    full = {
        "platform": "apns", "handle": "BB", "tags": ["a", "b"],
        "template": {"body": '{"aps":{"alert":"$(x)"}}', "headers": {"apns-priority": "5"}},
        "push_variables": {"v": "1"}, "expires_at": 4e9,
    }  # fmt: skip
    lines = f'\ufeff{json.dumps(full)}\n\n{{"platform":"apns","handle":"cc"}}\n'
    done = hub(running, "import", stdin=lines)
    assert (done.stdout, done.stderr, done.returncode) == ("2 entered\n", "", 0)
    exported = hub(running, "export").stdout
    for name in ("out.csv", "out.json"):
        file = str(tmp_path / name)
        assert hub(running, "export", file).returncode == 0
        assert hub(running, "import", file, name="other").stdout == "2 entered\n"
        found = [json.loads(line) for line in hub(running, "export", name="other").stdout.splitlines()]
        kept = [{k: v for k, v in each.items() if k in {*full, "template"}} for each in found]
        expected = [json.loads(line) for line in exported.splitlines()]
        assert [each["handle"] for each in found] == ["BB", "CC"]
        assert kept == [{k: v for k, v in each.items() if k in {*full, "template"}} for each in expected]
        # The same again adds nothing.
        assert hub(running, "import", file, name="other").stdout == "2 entered\n"
        assert hub(running, "count", name="other").stdout == "apns\t2\nall\t2\n"
        for each in found:
            hub(running, "unregister", each["id"], name="other")
    rows = list(csv.DictReader(io.StringIO(hub(running, "export", "--csv").stdout)))
    assert [row["tags"] for row in rows] == ["a,b", ""]


def test_installations(running, tmp_path):
    """They are moved whole, from one hub to another; what Azure has exported is read as it is."""
    phone = {
        "installationId": "phone-1", "platform": "apns", "pushChannel": "FF01", "tags": ["moved"],
        "templates": {"t": {"body": '{"aps":{"alert":"$(x)"}}'}},
    }  # fmt: skip
    assert hub(running, "import", stdin=f"{json.dumps(phone)}\n{ENTRY}\n<x/>\n").stdout == "2 entered\n"
    assert hub(running, "count", "moved").stdout == "apns\t2\nall\t2\n"
    assert json.loads(hub(running, "show", "7-8-9").stdout)["tags"] == ["from_azure"]
    file = str(tmp_path / "all.json")
    hub(running, "export", file)
    done = hub(running, "import", file, name="other")
    assert (done.returncode, ", 2 of installations left out" in done.stdout) == (0, True)
    assert hub(running, "count", "moved || from_azure", name="other").stdout == "apns\t3\nall\t3\n"


def test_errors(running):
    """What a push service said against a device is listed with the details of the send."""
    hub(running, "register", "--platform", "apns", "--handle", "dead01", "--tag", "buried")
    sent = json.loads(hub(running, "send", "--tags", "buried", "--alert", "x", "--json").stdout)
    deadline = time.monotonic() + 30
    while not (found := json.loads(hub(running, "details", sent["id"], "--errors", "--json").stdout))[
        "errors"
    ]:
        assert time.monotonic() < deadline
    assert (found["errors"][0]["handle"], found["errors"][0]["outcome"]) == ("DEAD01", "BadChannel")
    assert "apns\tDEAD01\t" in hub(running, "details", sent["id"], "--errors").stdout
    assert json.loads(hub(running, "jobs", "--json").stdout) == {"jobs": []}


def test_a_database_that_keeps_an_import_waiting(running, tmp_path):
    """A line says so within seconds, and the import goes on when the database does."""
    file = tmp_path / "devices"
    file.write_text('{"platform": "apns", "handle": "aa77"}\n')
    store = sqlite3.connect(running.file.parent / "state" / "hubs" / "main.sqlite", isolation_level=None)
    store.execute("BEGIN IMMEDIATE")
    try:
        process = start(*COMMAND, "hub", "import", "--hub", "main", "--to", running.to, str(file))
        line = "waiting: no answer for 2 s; the hub's database may be busy or away\n"
        assert process.stderr.readline() == line
    finally:
        store.execute("ROLLBACK")
        store.close()
    out, said = process.communicate(timeout=60)
    assert (out, said, process.returncode) == ("1 entered\n", "", 0)


def test_many(running):
    """More than fit into one command; a line that never fits is refused by its number."""
    lines = [
        json.dumps({"platform": "apns", "handle": f"{number:064x}", "tags": ["many"]})
        for number in range(6000)
    ]
    lines.insert(5, json.dumps({"platform": "apns", "handle": "aa", "tags": ["x" * 70_000]}))
    done = hub(running, "import", stdin="\n".join(lines), name="other")
    assert done.stdout == "6,000 entered\n"
    assert done.stderr.splitlines()[0].startswith("line 6: line: 70")
    assert hub(running, "count", "many", name="other").stdout == "apns\t6,000\nall\t6,000\n"


def test_bad_lines(running):
    """They are listed by number, with the rule; the others are entered, and the status is 1."""
    table = 'platform,handle,tags\napns,dd,"x,y"\napns,zz,\napns\npager,aa,\n'
    done = hub(running, "import", "--csv", stdin=table, name="other")
    assert (done.stdout, done.returncode) == ("1 entered\n", 1)
    faults = done.stderr.splitlines()
    assert [fault.partition(": ")[0] for fault in faults[:-1]] == ["line 3", "line 4", "line 5"]
    assert faults[-1] == "3 bad lines were left out"
    lines = "{\n[]\n" + '{"platform":"apns","handle":"ee","installation":"i"}\n' + "x\n" * 30
    said = json.loads(hub(running, "import", "--json", stdin=lines).stdout)
    assert (said["entered"], said["installations"], said["refused"]) == (0, 1, 32)
    assert hub(running, "import", "--csv", stdin="a,b\n").returncode == 1


@pytest.mark.parametrize(
    ("zone", "said", "seconds"),
    [
        ("Asia/Tokyo", "2026-11-30 08:00", 1795993200), ("America/New_York", "2026-11-30T08:00:00", 1796043600),
        ("Asia/Tokyo", "2026-11-30T08:00:00Z", 1796025600), ("UTC", "2026-11-30T08:00+09:00", 1795993200),
    ],
)  # fmt: skip
def test_a_time_of_a_schedule(zone, said, seconds, monkeypatch):
    """A date and time without a zone is of the machine's, in which `hub sends` shows it."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert Time().convert(said, None, None) == seconds
    finally:
        monkeypatch.undo()
        time.tzset()


def test_refusals(running):
    """What cannot be meant is said before anything is sent; what the gateway refuses is a line."""
    for options in (
        (), ("--payload", "{}"), ("--alert", "x", "--payload", "{}"), ("--alert", "x", "--format", "windows"),
        ("--property", "x"), ("--alert", "x", "--test", "--schedule", "1"),
    ):  # fmt: skip
        assert hub(running, "send", *options).returncode == 2
    done = hub(running, "send", "--alert", "x", name="nope")
    assert (done.stderr, done.returncode) == ("refused, NOT_FOUND: hub: not known, or deleted\n", 1)
    done = hub(running, "import", stdin="x\n", name="nope")
    assert done.stderr == "refused, NOT_FOUND: hub: not known, or deleted\n"
    assert hub(running, "count", "a &&").stderr.startswith("refused, INVALID: ")


def test_a_key(tmp_path):
    """It is in a file for its owner, as the configuration reads it; another one is not written over it."""
    file = tmp_path / "hub.key"
    done = pushgate("hub", "key", str(file), "--rule", "Full", "--host", "hub.example.com:443")
    [made] = file.read_text().splitlines()
    expected = f"Endpoint=sb://hub.example.com:443/;SharedAccessKeyName=Full;SharedAccessKey={made}\n"
    assert (done.stdout, file.stat().st_mode & 0o777, len(made)) == (expected, 0o600, 44)
    again = pushgate("hub", "key", str(file))
    assert (again.stderr, again.returncode) == (f"{file}: File exists\n", 1)
    assert file.read_text() == f"{made}\n"
    for _ in range(2):
        rotated = json.loads(pushgate("hub", "key", str(file), "--rotate", "--json").stdout)
        first, second = file.read_text().splitlines()
        assert (rotated["connection_string"].rpartition("SharedAccessKey=")[2], second) == (first, made)
        made = first
    assert file.stat().st_mode & 0o777 == 0o600
    said = json.loads(pushgate("hub", "key", str(tmp_path / "other"), "--json").stdout)
    assert said["connection_string"].startswith("Endpoint=sb://localhost:7221/;")


def test_formats():
    """Those that can be chosen are those that hubs have."""
    assert set(FORMATS) == {*TARGET_NAMES.values(), TEMPLATE}
