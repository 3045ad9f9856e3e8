"""``pushgate secret``, and what is made with it: logins at a gateway in a process of its own."""

import json
import stat

import pytest
import trustme

from pushgate.model.secret_hash import SecretHash
from tests.cli.programs import CONFIGURATION, TWISTD, RunningGateway, pushgate, start

GUARDED = (
    CONFIGURATION
    + """
certificate = "gate.pem"
client_authorities = "ca.pem"
[principals.shop]
secret_file = "shop.hash"
apps = ["demo"]
[principals.ops]
certificate = "CN=ops,O=Example"
"""
)


def test_a_secret():
    """It is shown with the line for the file, which fits; each is another one."""
    said = [pushgate("secret", "shop").stdout.splitlines() for _ in range(2)]
    for lines in said:
        secret, hashed = lines[1].strip(), SecretHash.parse(lines[3].strip())
        assert hashed.fits(secret.encode())
        assert len(secret) == 43
    assert not set(said[0][1::2]) & set(said[1][1::2])


def test_files(tmp_path):
    """The line is appended to a file that only its owner can read."""
    file = tmp_path / "shop"
    made = [json.loads(pushgate("secret", "shop", "--append", str(file), "--json").stdout) for _ in range(2)]
    assert file.read_text().splitlines() == [each["hash"] for each in made]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    failed = pushgate("secret", "shop", "--append", str(tmp_path / "no" / "file"))
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert "No such file or directory" in failed.stderr


@pytest.mark.parametrize("before", ["# of the shop", "# of the shop\n", ""])
def test_a_last_line_without_an_end(tmp_path, before):
    """What an editor left without a line end is ended first; neither line is lost."""
    file = tmp_path / "shop"
    file.write_text(before)
    made = json.loads(pushgate("secret", "shop", "--append", str(file), "--json").stdout)
    assert file.read_text().splitlines() == [*before.splitlines(), made["hash"]]
    assert file.read_text().endswith("\n")


def test_a_name_that_cannot_be():
    """A principal's name follows the rule of all names."""
    done = pushgate("secret", "a b")
    assert "1 to 64 of A-Z a-z 0-9 . _ -, and not . or .." in done.stderr
    assert done.returncode == 2


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A gateway that asks who comes, and the files for it."""
    folder = tmp_path_factory.mktemp("guarded")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    (folder / "roots").mkdir()
    authority.cert_pem.write_to_path(str(folder / "roots" / "ca.pem"))
    server = authority.issue_cert("localhost", "127.0.0.1")
    server.private_key_and_cert_chain_pem.write_to_path(str(folder / "gate.pem"))
    done = pushgate("secret", "shop", "--append", str(folder / "shop.hash"), "--json")
    (folder / "secret").write_text(json.loads(done.stdout)["secret"] + "\n")
    (folder / "wrong").write_text("wrong")
    running = RunningGateway(folder, GUARDED)
    running.folder = folder
    running.tls = f"tls:localhost:{running.to.rpartition(':')[2]}:trustRoots={folder / 'roots'}"
    yield running
    running.stop()


def send(guarded, *options, app="demo"):
    """Send through the input with TLS."""
    return pushgate(
        "send", "--app", app, "--token", "0a1b", "--alert", "hi", "--wait", "0", "--to", guarded.tls, *options
    )


def test_a_login(guarded):
    """With name and secret, it works as ever."""
    done = send(guarded, "--login", "shop", "--secret-file", str(guarded.folder / "secret"))
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ([], "refused, FORBIDDEN: login: the caller is not logged in; log in first, with --login NAME --secret-file FILE"),
        (["--login", "shop", "--secret-file", "wrong"], "refused, FORBIDDEN: login: no principal of this name has this secret"),
        (["--login", "shop", "--secret-file", "secret"], "refused, FORBIDDEN: app: not one that shop may use"),
    ],
)  # fmt: skip
def test_refusals(guarded, options, line):
    """A line that says why; the log has no secret."""
    options = [str(guarded.folder / each) if each in ("wrong", "secret") else each for each in options]
    done = send(guarded, *options, app="other")
    assert line in done.stderr
    assert done.returncode == 1
    assert (guarded.folder / "secret").read_text().strip() not in guarded.log()
    assert (guarded.folder / "shop.hash").read_text().strip() not in guarded.log()


def test_half_a_login(guarded):
    """A name without a secret is a mistake, as is a file that is not there."""
    assert "go together" in send(guarded, "--login", "shop").stderr
    done = send(guarded, "--login", "shop", "--secret-file", "/nowhere")
    assert "--secret-file /nowhere: No such file or directory" in done.stderr


def test_a_start_that_is_refused(tmp_path):
    """An input that others can reach without TLS and principals ends the start with a line for each key."""
    file = tmp_path / "pushgate.toml"
    file.write_text(CONFIGURATION.format(port=0).replace(":interface=127.0.0.1", ""))
    process = start(*TWISTD, "pushgate", "--config", str(file), cwd=tmp_path)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 78
    assert err.splitlines() == [
        (
            f"pushgate: {file}: inputs.amp.certificate: missing; other machines can reach 'tcp:0', so it needs TLS, "
            "or inputs.amp.insecure = true"
        ),
        (
            f"pushgate: {file}: principals: missing; other machines can reach 'tcp:0' (inputs.amp.listen), "
            "so callers must log in, or inputs.amp.insecure = true"
        ),
    ]
