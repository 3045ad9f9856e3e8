"""What is said of inputs' addresses and certificates, and of the files that sinks write."""

import datetime
import os
import socket
from pathlib import Path

import pytest
import trustme

from pushgate.model.finding import Level
from pushgate.net.diagnosis import written_file
from pushgate.plugin.examination import Examination
from pushgate.plugins import builtin
from tests.apns_http2_input_rig import KEY_ID, Signer
from tests.doctor_rig import examination

FREE = "tcp:0:interface=127.0.0.1"


async def _collected(findings):
    return [each async for each in findings]


def found(factory, given=None, **keys):
    """The findings about a table of this kind: check and level."""
    table = factory.config.model_validate({"type": factory.name, **keys})
    collecting = _collected(factory.diagnose("it", table, given or examination(offline=True)))
    with pytest.raises(StopIteration) as ended:  # nothing here waits for anything
        collecting.send(None)
    return ended.value.value


def checks(findings):
    return {each.check: str(each.level) for each in findings}


def test_an_address_that_is_free():
    """It can be had, and is not taken: the same is said again."""
    assert [checks(found(builtin.amp, listen=FREE)) for _ in range(2)] == [{"listen": "ok"}] * 2
    assert "is free" in found(builtin.line, listen="tcp6:0:interface=\\:\\:1")[0].what


def test_an_address_in_use():
    """By the running gateway, which is as it should be, or by another program, which one can find."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        [finding] = found(builtin.amp, listen=f"tcp:{port}:interface=127.0.0.1")
    assert finding.level is Level.OK
    assert f"ss -ltnp 'sport = :{port}'" in finding.what


def test_an_address_of_another_machine():
    """An address that this machine does not have stops the start."""
    [finding] = found(builtin.amp, listen="tcp:7215:interface=192.0.2.7", insecure=True)
    assert (finding.check, finding.level) == ("listen", "failure")
    assert finding.advice == "take an address of this machine: ip address"


def test_a_port_of_the_system(monkeypatch):
    """A port below 1024 needs a capability, which is named."""

    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refused)
    [finding] = found(builtin.amp, listen="tcp:443:interface=127.0.0.1")
    assert "CAP_NET_BIND_SERVICE" in finding.advice


def test_a_place_that_is_not_known():
    """What systemd passes on is not known before the start."""
    assert checks(found(builtin.amp, listen="systemd:domain=INET:index=0")) == {"listen": "ok"}


def test_unix_sockets(tmp_path, monkeypatch):
    """A path is free, or has a socket, or something else that is in the way."""
    path = tmp_path / "gate.sock"
    assert "is free" in found(builtin.amp, listen=f"unix:{path}")[0].what
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("gate.sock")
        assert "is there" in found(builtin.amp, listen=f"unix:{path}")[0].what
    (tmp_path / "file").touch()
    assert checks(found(builtin.amp, listen=f"unix:{tmp_path}/file")) == {"listen": "failure"}
    assert checks(found(builtin.amp, listen=f"unix:{tmp_path}/none/gate.sock")) == {"listen": "failure"}


def certificate(directory: Path, days: float = 90.0, begins: float = -1.0) -> Path:
    """A file with a certificate of an authority, and its key."""
    now = datetime.datetime.now(datetime.UTC)
    issued = trustme.CA().issue_cert(
        "gate.example.com", not_after=now + datetime.timedelta(days=days),
        not_before=now + datetime.timedelta(days=begins),
    )  # fmt: skip
    path = directory / "gate.pem"
    path.touch(mode=0o600)
    issued.private_key_and_cert_chain_pem.write_to_path(str(path))
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("days", "begins", "level"),
    [(90, -1, "ok"), (20, -1, "warning"), (-1, -9, "failure"), (90, 1, "failure")],
)
def test_certificates(tmp_path, days, begins, level):
    """A listener's certificate is looked at as an app's is, and its dates as callers see them."""
    told = checks(found(builtin.http, listen=FREE, certificate=certificate(tmp_path, days, begins)))
    assert (told["certificate"], told["certificate-dates"], told["listen"]) == ("ok", level, "ok")


def test_a_key_of_another_certificate(tmp_path):
    """The key has to belong to the certificate."""
    first = certificate(tmp_path)
    (tmp_path / "other").mkdir()
    told = checks(
        found(builtin.amp, listen=FREE, certificate=first, private_key=certificate(tmp_path / "other"))
    )
    assert told == {"private-key-match": "failure", "listen": "ok"}


def test_provider_keys(tmp_path):
    """The ids of the keys are shown; a directory without any, and a file that is none, stop the start."""
    keys = tmp_path / "keys"
    table = {"listen": FREE, "app": "news", "provider_keys": str(keys)}
    _, missing = found(builtin.apns_http2_input, **table)
    assert (missing.check, missing.level) == ("provider-keys", Level.FAILURE)
    assert missing.what == f"provider_keys: {keys}: No such file or directory"
    Signer(keys)
    _, finding = found(builtin.apns_http2_input, **table)
    assert (finding.level, finding.what) == (Level.OK, f"provider_keys: tokens of {KEY_ID}")
    (keys / "OTHER.pem").write_text("no key")
    assert checks(found(builtin.apns_http2_input, **table)) == {"listen": "ok", "provider-keys": "failure"}
    assert checks(found(builtin.apns_http2_input, listen=FREE, app="news")) == {"listen": "ok"}


def test_client_authorities(tmp_path):
    """The authorities of clients' certificates are certificates themselves, and have not expired."""
    (tmp_path / "none.pem").write_text("no certificate")
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    keys = {"listen": FREE, "certificate": certificate(tmp_path)}
    (tmp_path / "old").mkdir()
    for path, check, level in (
        (tmp_path / "ca.pem", "client-authorities", "ok"),
        (tmp_path / "none.pem", "client-authorities-form", "failure"),
        (certificate(tmp_path / "old", -1, -9), "client-authorities-dates", "warning"),
    ):
        assert checks(found(builtin.amp, **keys, client_authorities=path))[check] == level
    assert (
        checks(found(builtin.amp, **keys, client_authorities=tmp_path / "no.pem"))["file-missing"]
        == "failure"
    )


@pytest.mark.parametrize("factory", [builtin.jsonl, builtin.apn_logger], ids=lambda each: each.name)
def test_files_of_sinks(factory, tmp_path):
    """A file that can be written, or that cannot: nothing is made to find out."""
    path = tmp_path / "out"
    assert checks(found(factory, path=path)) == {"file-writable": "ok", "disk": "ok"}
    assert not path.exists()
    path.touch()
    assert checks(found(factory, path=path))["file-writable"] == "ok"
    assert checks(found(factory, path=tmp_path / "none" / "out")) == {"directory": "failure"}
    assert checks(found(factory, path=tmp_path)) == {"file-kind": "failure"}


def test_a_file_of_somebody_else(tmp_path, monkeypatch):
    """A directory, or a file in it, that this user may not write."""
    monkeypatch.setattr(written_file.os, "access", lambda *_, **__: False)
    [finding] = written_file.check_written_file("path", tmp_path / "out")
    assert (finding.check, finding.what) == ("file-not-writable", f"path: this user may not write {tmp_path}")


@pytest.mark.parametrize(("free", "level"), [(10**8, "failure"), (10**9, "warning"), (10**11, "ok")])
def test_the_room_on_the_disk(tmp_path, monkeypatch, free, level):
    """A disk that is nearly full is seen before it is."""
    values = os.statvfs_result([1, 1, 10**12, 0, free, 0, 0, 0, 0, 255])
    monkeypatch.setattr(written_file.os, "statvfs", lambda _: values)
    assert written_file.check_room(tmp_path).level == level


def test_the_ledger(tmp_path):
    """It keeps its file in the state directory, which is made at the first start; in memory it keeps nothing."""

    def told(directory):
        given = examination(offline=True)
        context = type(given.context)(
            reactor=given.reactor, wall=given.context.wall, jitter=given.context.jitter,
            metrics=given.context.metrics, state_dir=directory,
        )  # fmt: skip
        return checks(found(builtin.ledger, Examination(context=context, offline=True)))

    assert told(tmp_path) == {"file-writable": "ok", "disk": "ok"}
    assert told(tmp_path / "later") == {"file-writable": "ok"}
    assert told(None) == {"memory": "warning"}
