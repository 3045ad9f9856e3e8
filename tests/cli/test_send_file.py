"""``pushgate send --file``, to a gateway in a process of its own."""

import io
import json
import signal
import subprocess
import time
import tracemalloc

import pytest

from pushgate.cli.row_files import CountedLines, check_columns, csv_rows
from pushgate.cli.send_rows import PART, RowReader
from pushgate.model.errors import Invalid
from pushgate.model.target import TargetForm
from tests.cli.programs import (
    COMMAND,
    CONFIGURATION,
    DOWN,
    LIMITED,
    RunningGateway,
    end,
    heard,
    pushgate,
    records,
    start,
    wait_until,
)  # fmt: skip


def send(gateway, file, *options, stdin=None, app="demo"):
    """Send what a file has."""
    arguments = [*COMMAND, "send", "--app", app, "--file", str(file), "--to", gateway.to, "--json", *options]
    done = subprocess.run(arguments, input=stdin, text=True, capture_output=True, check=False, timeout=60)
    return done, json.loads(done.stdout) if done.stdout else None


def rows(*objects):
    """NDJSON."""
    return "".join(f"{json.dumps(each)}\n" for each in objects)


@pytest.fixture
def ndjson(tmp_path):
    """A file with good rows and bad ones between them."""
    file = tmp_path / "rows.ndjson"
    file.write_text(
        rows({"token": "aa01", "alert": "Hi"}, {"token": "xyz", "alert": "Hi"})
        + "\nnot JSON\n"
        + rows(
            {"tokens": ["aa02", "aa03"], "payload": {"aps": {"badge": 1}}, "priority": 5},
            {"token": "aa04"},
            {"token": "aa05", "alert": "Hi", "priority": "high"},
            {"token": "aa06", "payload": {"aps": {}}, "alert": "Hi"},
            {"token": "aa07", "payload": {"aps": {"alert": "x" * 3000}}},
            {"token": "aa08", "alert": "Hi", "coupon": 1},
        )
    )
    return file


def test_ndjson(gateway, ndjson):
    """Good rows are sent, bad ones are reported by line and reason, and the same again sends nothing twice."""
    done, sums = send(gateway, ndjson, "--key", "ndjson")
    assert (sums["key"], sums["accepted"], sums["repeated"], sums["refused"]) == ("ndjson", 3, 0, 7)
    assert done.returncode == 1
    faults = dict(sums["faults"])
    assert sorted(faults) == [2, 4, 6, 7, 8, 9, 10]
    assert faults[2].startswith("INVALID: token: text of 3 characters; an even number of hex digits")
    assert faults[4] == "INVALID: row: text of 8 characters; a JSON object, on a line"
    assert faults[6] == "INVALID: payload: none; payload or alert, in the row or as an option"
    assert faults[7].startswith("INVALID: row: expected `int | null`, got `str` in `priority`")
    assert faults[8] == "INVALID: payload: beside alert, title, subtitle, badge or sound; one or the other"
    assert faults[9].startswith("TOO_LARGE: payload: ")
    assert faults[10].startswith("INVALID: row: object contains unknown field `coupon`")
    assert {f"line {line}: {reason}" for line, reason in faults.items()} <= set(done.stderr.splitlines())
    assert done.stderr.splitlines()[-1] == "7 bad lines were left out"
    _, again = send(gateway, ndjson, "--key", "ndjson")
    assert (again["accepted"], again["repeated"]) == (3, 3)


def test_another_payload_for_the_rest(gateway, ndjson):
    """A row without a payload takes that of the options; what a key was used for with other content is said."""
    _, sums = send(gateway, ndjson, "--key", "ndjson-2", "--alert", "Hello")
    assert (sums["accepted"], 6 in dict(sums["faults"])) == (4, False)
    done, sums = send(gateway, ndjson, "--key", "ndjson-2", "--alert", "Good bye")
    conflicts = [line for line, reason in sums["faults"] if reason.startswith("CONFLICT")]
    assert (conflicts, done.returncode) == ([1, 6, 9], 1)


def test_csv_from_a_pipe(gateway):
    """The first row of a table names its columns; - is the standard input."""
    table = 'Token,alert,title,badge,priority\naa,"one, two",T,3,5\nbb,x\nzz,x,,,\ncc,,,1,\n'
    done, sums = send(gateway, "-", "--csv", stdin=table)
    assert (sums["accepted"], sums["refused"]) == (2, 2)
    assert sums["faults"][0] == [3, "INVALID: line: 2 columns; 5, as in the first line"]
    assert f"--key {sums['key']}" in done.stderr
    done, sums = send(gateway, "-", "--csv", stdin="handle,alert\naa,x\n")
    assert (sums, done.returncode) == (None, 1)
    (line,) = done.stderr.splitlines()  # and no advice to start it again: the same file would end the same
    known = "token, target, payload, alert, title, subtitle, badge, sound, expiration, priority, collapse_id"
    assert line.startswith(
        f"refused, INVALID: line 1, column 1: 6 characters, no known name; names of columns: {known}"
    )


@pytest.mark.parametrize(
    ("first", "fault"),
    [
        ("", "line 1: empty; names of columns: a, b"),
        ("b", "line 1: b; a column that is needed is missing; names of columns: a, b"),
        ("a,b,a", "line 1, column 3: a, for the second time; once"),
        ("a,b,00112233", "line 1, column 3: 8 characters, no known name; names of columns: a, b"),
    ],
)
def test_the_first_row_of_a_table(first, fault):
    """A fault has its place; what may be a token is not shown."""
    with pytest.raises(Invalid) as caught:
        list(
            csv_rows([first], lambda columns: check_columns(columns, ("a", "b"), lambda names: "a" in names))
        )
    assert str(caught.value) == fault


def test_a_key_that_was_used(gateway, tmp_path):
    """A refusal of many rows is one line, not one a row; all of them count."""
    file = tmp_path / "rows"
    file.write_text(rows(*[{"token": "aa"}] * (PART + 5)))
    send(gateway, file, "--key", "used", "--alert", "Hello")
    done, sums = send(gateway, file, "--key", "used", "--alert", "Good bye")
    why = "CONFLICT: key: used within 24 hours with other content; use a new key"
    assert done.stderr.splitlines() == [
        f"1,000 lines, 1 to 1000: {why}", f"5 lines, 1001 to 1005: {why}", "1,005 bad lines were left out",
    ]  # fmt: skip
    assert (sums["refused"], sums["faults"][1], len(sums["faults"])) == (PART + 5, [2, why], 20)


def test_rows_of_their_own_terms():
    """Rows of the same terms are one batch, options serve where a row says nothing, and payloads are as written."""
    reader = RowReader(TargetForm.HEX, b'{"aps":{"alert":"all"}}', {"priority": 10})
    lines = [
        '{"token": "<aa 01>"}',
        '{"target": "bb", "priority": 5, "payload": {"b" : 1,"a":2}}',
        '{"targets": ["cc"], "alert": "x", "title": "T", "sound": "s"}',
        '{"token": "dd", "priority": 5, "payload": "<toast/>"}',
        '{"token": "ee", "token": "ff", "target": "00"}',
    ]
    [part] = reader.parts(lines, table=False)
    assert (part.first, part.last) == (1, 5)
    at_once, later = part.groups.values()
    assert list(part.groups) == [(("priority", 10),), (("priority", 5),)]
    assert [(each.line, each.target) for each in at_once] == [(1, b"\xaa\x01"), (3, b"\xcc")]
    assert [each.payload for each in later] == [b'{"b" : 1,"a":2}', b"<toast/>"]
    assert json.loads(at_once[1].payload) == {"aps": {"alert": {"title": "T", "body": "x"}, "sound": "s"}}
    assert part.bad == [(5, "token: 2 of them; one of token, target, tokens and targets")]


def test_forms():
    """Where tokens are text they are; where it is not known, tokens are hex and targets text."""
    lines = [rows({"token": "ab", "alert": "x"}), rows({"target": "ab", "alert": "x"})]
    for form, expected in ((TargetForm.TEXT, [b"ab", b"ab"]), (None, [b"\xab", b"ab"])):
        [part] = RowReader(form, None, {}).parts(lines, table=False)
        assert [each.target for group in part.groups.values() for each in group] == expected


def test_half_a_surrogate_pair():
    """What is no Unicode is a bad row, and no crash."""
    lines = ['{"token": "aa", "payload": "\\ud800"}', '{"token": "aa", "alert": "\\ud800"}']
    [part] = RowReader(TargetForm.HEX, None, {}).parts(lines, table=False)
    assert [line for line, _ in part.bad] == [1, 2]


def test_parts_in_flat_memory():
    """A file is cut into parts of a thousand, always the same, and no more than one is in memory."""
    line = rows({"token": "0a" * 32, "payload": {"aps": {"alert": "x" * 500}}})

    class Long(io.StringIO):
        def __iter__(self):
            return iter([line] * 20 * PART)

    tracemalloc.start()
    counted = CountedLines(Long())
    parts = [
        (part.first, part.last, counted.taken())
        for part in RowReader(TargetForm.HEX, None, {}).parts(counted, False)
    ]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert parts[:2] == [(1, PART, PART * len(line)), (PART + 1, 2 * PART, PART * len(line))]
    assert len(parts) == 20
    assert peak < 5 * PART * len(line)


def test_killed_and_started_again(tmp_path):
    """What was killed in the middle goes on with the same key: each row is sent once."""
    sink = '[sinks.outcomes]\ntype = "jsonl"\npath = "outcomes.jsonl"\n'
    running = RunningGateway(tmp_path, CONFIGURATION.replace('"memory"', '"state"') + sink)
    text = "".join(rows({"token": f"{number:064x}"}) for number in range(5 * PART))
    options = ("--app", "other", "--alert", "x", "--key", "once", "--to", running.to, "--json")

    def outcomes():
        return [each["token"] for each in records(tmp_path / "outcomes.jsonl")]

    try:
        killed = start(*COMMAND, "send", "--file", "-", *options, stdin=subprocess.PIPE)
        killed.stdin.write(text[: len(text) // 2])
        killed.stdin.flush()
        wait_until(lambda: len(outcomes()) >= 2 * PART)
        assert end(killed, signal.SIGKILL)[0] == -signal.SIGKILL
        file = tmp_path / "rows"
        file.write_text(text)
        done = pushgate("send", "--file", str(file), *options)
        sums = json.loads(done.stdout)
        assert (sums["accepted"], sums["repeated"], sums["refused"]) == (5 * PART, 2 * PART, 0)
        wait_until(lambda: len(outcomes()) >= 5 * PART)
        assert sorted(outcomes()) == [f"{number:064x}" for number in range(5 * PART)]
    finally:
        running.stop()


def test_ctrl_c(gateway):
    """Ctrl-C ends it while it waits for a pipe, and it says how to go on."""
    options = ("--app", "demo", "--to", gateway.to, "--alert", "x", "--key", "stopped")
    process = start(*COMMAND, "send", "--file", "-", *options, stdin=subprocess.PIPE)
    process.stdin.write(rows({"token": "xyz"}, *[{"token": "ab"}] * (PART - 1)))
    process.stdin.flush()
    assert heard(process, "line 1: INVALID: token")
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    _, said = process.communicate()
    assert "with --key stopped and the same file it goes on, and nothing is sent twice" in said


def test_a_full_queue(certificates):
    """While the gateway takes no more it says so within seconds, and does not end."""
    (certificates / "rows").write_text(rows(*[{"token": f"{number:04x}"} for number in range(20)]))
    full = DOWN.replace('state_dir = "memory"', 'state_dir = "memory"\nqueue_limit = 10')
    running = RunningGateway(certificates, full)
    options = ("--app", "demo", "--to", running.to, "--alert", "x")
    try:
        began = time.monotonic()
        process = start(*COMMAND, "send", "--file", str(certificates / "rows"), *options)
        said = iter(process.stderr.readline, "")
        assert next(line for line in said if "waiting: " in line)
        assert time.monotonic() - began < 30
        end(process, signal.SIGINT)
    finally:
        running.process.kill()  # an orderly stop waits for what is queued
        running.stop()
    assert process.returncode == 130


def test_what_ends_it(gateway, tmp_path):
    """An app that is not there, a file that is not there, a key that is too long: one error, not one a line."""
    file = tmp_path / "rows"
    file.write_text(rows({"token": "aa"}) * 3)
    done, sums = send(gateway, file, "--alert", "x", app="nobody")
    assert (sums, done.returncode) == (None, 1)
    assert done.stderr.splitlines()[-1] == "refused, UNKNOWN_APP: app: 'nobody' is not configured"
    done, _ = send(gateway, tmp_path / "no", "--alert", "x")
    assert done.stderr == f"{tmp_path / 'no'}: No such file or directory\n"
    done, _ = send(gateway, file, "--alert", "x", "--key", "k" * 201)
    assert done.stderr == "refused, INVALID: key: 201 bytes; at most 200 for a file\n"
    both = pushgate("send", "--app", "demo", "--file", str(file), "--token", "aa", "--alert", "x")
    assert (both.returncode, "one of --token, --channel and --file" in both.stderr) == (2, True)


def test_a_login_that_may_only_push(tmp_path):
    """Without the right to read, tokens are hex and the rows are sent all the same."""
    made = json.loads(pushgate("secret", "shop", "--append", str(tmp_path / "shop.hash"), "--json").stdout)
    (tmp_path / "secret").write_text(made["secret"])
    (tmp_path / "rows").write_text(rows({"token": "aa"}))
    running = RunningGateway(tmp_path, LIMITED)
    login = ("--login", "shop", "--secret-file", str(tmp_path / "secret"))
    try:
        done, sums = send(running, tmp_path / "rows", "--alert", "x", *login)
    finally:
        running.stop()
    assert (sums["accepted"], done.returncode) == (1, 0)
