"""The programs that come by each input in `bench.inputs`: other people's, or of the contract alone."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.broker import Broker
from bench.parts import HERE, python
from pushgate.simulator.certificates import Certificates

QUEUE: Final = "push"
PAYLOAD: Final = '{"aps":{"alert":"Hi"}}'
MCMT: Final = f"""\
Subject: mail
Content-Type: multipart/vnd.msys.mcmt; boundary=B

--B
Content-Type: message/rfc822

Subject: mail

mail
--B
Content-Type: message/vnd.msys.apn

X-Device-Token: @

{PAYLOAD}
--B--
"""
"""Momentum's message, with an @ for the device token."""
LOOP: Final = f"while read t; do echo 'PUSH news '$t' {PAYLOAD}'; done | nc -N 127.0.0.1 "
"""All that a shell needs."""
OLD: Final = HERE.parent / "tests" / "old_program.py"
"""Where only the server's address is given to old libraries."""
SWAKS: Final = 20
"""How many notifications go by swaks, each a process of its own."""
APIECE: Final = 20
"""How many notifications `curl` sends with a wait for their outcomes; the others are one upload of lines."""


class Ports(msgspec.Struct):
    """Where everything listens."""

    service: int
    amp: int
    http: int
    line: int
    apns: int
    feedback: int
    injector: int
    smtp: int


class Program(msgspec.Struct):
    """A program, and what it is to send.

    :param tokens: in hex, those that may not be lost.
    :param command: how it is called.
    :param content: whether what it prints says that all were taken.
    :param says: its standard input.
    :param refused: how many others, which are bad, it sends besides.
    """

    name: str
    tokens: list[str]
    command: Sequence[str]
    content: Callable[[str], bool]
    says: str = ""
    refused: int = 0


def missing() -> str | None:
    """Which program is not here; None when all are."""
    nc = shutil.which("nc")
    if not nc or b"-N" not in subprocess.run([nc, "-h"], capture_output=True, timeout=20, check=False).stderr:
        return "nc with -N is not installed (Debian: apt-get install netcat-openbsd)"
    for name in ("curl", "swaks"):
        if not shutil.which(name):
            return f"{name} is not installed (Debian: apt-get install {name})"
    return None


def all_of(
    directory: Path, certificates: Certificates, ports: Ports, broker: Broker, count: int
) -> list[Program]:
    """A program for each input, for the APNs listener two. The one that also watches comes first."""
    several = [
        by_nc(ports, devices(1, count)),
        by_curl(directory, ports, devices(2, count)),
        by_queue(directory, broker, devices(3, count)),
        by_old_library(directory, certificates, ports, "pushjack", devices(4, count), 25),
        by_old_library(directory, certificates, ports, "pyapns_frames", devices(5, count), None),
        by_injection(directory, ports, devices(7, count)),
        by_smtplib(directory, ports, devices(8, count)),
        by_swaks(directory, ports, devices(9, SWAKS)),
    ]
    total = sum(len(each.tokens) for each in several)
    return [by_amp(directory, ports, devices(6, count), total), *several]


def devices(place: int, count: int) -> list[str]:
    """Device tokens in hex, other ones for each input; the first, the last and each hundredth are dead."""
    return [
        f"{'dead' if index % 100 == 0 or index == count - 1 else '0001'}{place * 10_000_000 + index:060x}"
        for index in range(count)
    ]


def by_nc(ports: Ports, tokens: list[str]) -> Program:
    """A shell loop and nc at the line input."""
    return Program(
        "nc, line",
        tokens,
        ["sh", "-c", f"{LOOP}{ports.line}"],
        lambda out: [line[:3] for line in out.splitlines()] == ["OK "] * len(tokens),
        "".join(f"{token}\n" for token in tokens),
    )


def by_curl(directory: Path, ports: Ports, tokens: list[str]) -> Program:
    """curl at the HTTP input: an upload of lines, and a list that waits for its outcomes."""
    lines, listed = directory / "lines", directory / "list"
    lines.write_text("".join(f'{{"token":"{each}","payload":{PAYLOAD}}}\n' for each in tokens[APIECE:]))
    listed.write_text(f'{{"tokens":{json.dumps(tokens[:APIECE])},"payload":{PAYLOAD}}}')
    url = f"http://127.0.0.1:{ports.http}/v1/apps/news/notifications"
    return Program(
        "curl, HTTP",
        tokens,
        ["curl", "-sSf", "-H", "Content-Type: application/x-ndjson", "--data-binary", f"@{lines}", url,
         "--next", "-sSf", "-H", "Content-Type: application/json", "-d", f"@{listed}", f"{url}?wait=30s"],
        lambda out: all_taken(out, len(tokens)),
    )  # fmt: skip


def all_taken(out: str, count: int) -> bool:
    """Whether the HTTP input's answers say that so many were taken, and the last one how its own ended."""
    answers: list[Any] = []
    decoder, rest = json.JSONDecoder(), out
    while rest := rest.lstrip():
        answer, end = decoder.raw_decode(rest)
        answers.append(answer)
        rest = rest[end:]
    taken = sum(each["count"] for each in answers if not each["refused"])
    return taken == count and len(answers[-1]["outcomes"]) == APIECE


def by_queue(directory: Path, broker: Broker, tokens: list[str]) -> Program:
    """A publisher at the queue of the RabbitMQ input."""
    path = directory / "published"
    path.write_text("\n".join(tokens))
    return Program(
        "pika, RabbitMQ",
        tokens,
        python("outside_publisher.py", broker.port, QUEUE, path),
        lambda out: out == f"{len(tokens)} confirmed\n",
    )


def by_old_library(
    directory: Path,
    certificates: Certificates,
    ports: Ports,
    library: str,
    tokens: list[str],
    bad: int | None,
) -> Program:
    """A library of another age at the APNs listener.

    :param bad: it sends what the input refuses in place of every fiftieth, from this one on.
    """
    path = directory / library
    path.write_text("\n".join(tokens))
    spoiled = set(range(bad, len(tokens), 50)) if bad is not None else set()
    command = [OLD, library, ports.apns, ports.feedback, certificates.client, len(tokens), path]
    return Program(
        f"{library}, APNs listener",
        [token for at, token in enumerate(tokens) if at not in spoiled],
        [sys.executable, *map(str, command)],
        lambda out: len(json.loads(out).get("errors", ())) == len(spoiled),
        refused=len(spoiled),
    )


def by_injection(directory: Path, ports: Ports, tokens: list[str]) -> Program:
    """curl at the REST injector: one template, two requests."""
    url = f"http://127.0.0.1:{ports.injector}/v1.0/inject/"
    command = ["curl", "-sSf", url]
    for number, part in enumerate((tokens[::2], tokens[1::2])):
        path = directory / f"injection-{number}"
        recipients = [{"to": f"{token}@apn_example.com", "keys": {"token": token}} for token in part]
        path.write_text(json.dumps({"template": MCMT.replace("@", "<%=:token%>"), "recipients": recipients}))
        command += ["-d", f"@{path}", *(["--next", "-sSf", url] if not number else [])]
    return Program(
        "curl, REST injector", tokens, command, lambda out: out.count('"reason":"250 ') == len(tokens)
    )


def by_smtplib(directory: Path, ports: Ports, tokens: list[str]) -> Program:
    """Python's client of SMTP, which also sends every tenth message twice, as after a reply that was lost."""
    path = directory / "mails"
    path.write_text("\n".join(tokens))
    return Program(
        "smtplib, SMTP",
        tokens,
        python("outside_mailer.py", ports.smtp, path),
        lambda out: out == f"{len(tokens)} taken\n",
    )


def by_swaks(directory: Path, ports: Ports, tokens: list[str]) -> Program:
    """swaks at the SMTP input, a process a message."""
    for token in tokens:
        (directory / f"{token}.eml").write_text(MCMT.replace("@", token))
    where = f"--server 127.0.0.1 --port {ports.smtp}"
    say = f"swaks --suppress-data {where} --from a@example.com --to b@example.com"
    each = f'{say} --data @{directory}/"$t".eml'
    return Program(
        "swaks, SMTP",
        tokens,
        ["sh", "-c", f"while read t; do {each} || exit; done"],
        lambda out: out.count("250 2.0.0 OK ") == len(tokens),
        "".join(f"{token}\n" for token in tokens),
    )


def by_amp(directory: Path, ports: Ports, tokens: list[str], others: int) -> Program:
    """A program at the AMP input that also watches until everything has its outcome."""
    path = directory / "amp"
    path.write_text("\n".join(tokens))
    record = directory / "watched.json"
    total = others + len(tokens)
    return Program(
        "AMP program",
        tokens,
        python("outside_client.py", ports.amp, path, record, total),
        lambda out: "pushed" in out,
    )
