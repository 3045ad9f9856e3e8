"""The running gateway, as the doctor finds it: asked where its configuration says, with or without a login."""

import json
import socket
from types import SimpleNamespace

import pytest

from pushgate.cli.doctor.running import amp_input
from pushgate.inputs.amp.server import AmpTable
from pushgate.inputs.line.server import LineTable
from pushgate.plugin.settings import InputTable
from tests.cli.programs import DOWN, LIMITED, RunningGateway, pushgate

AMP, LINE = SimpleNamespace(name="amp"), SimpleNamespace(name="line")


def amp(listen, **keys):
    return AMP, AmpTable(type="amp", listen=listen, **keys)


@pytest.mark.parametrize(
    ("listen", "to"),
    [
        ("tcp:7215:interface=127.0.0.1", "127.0.0.1:7215"),
        ("tcp:port=7300", "127.0.0.1:7300"),
        ("tcp:7215:interface=192.0.2.7", "192.0.2.7:7215"),
        ("tcp6:7215:interface=\\:\\:", "[::1]:7215"),
        ("unix:/run/gate.sock", "unix:/run/gate.sock"),
        ("tcp:0:interface=127.0.0.1", None),
        ("systemd:domain=INET:index=0", None),
        ("ssl:7215:privateKey=a:certKey=b", None),
    ],
)
def test_where_it_is_asked(listen, to):
    """The address of the AMP input is one that can be connected to; none where it does not follow from the text."""
    assert amp_input([amp(listen)]) == to


def test_of_several_inputs(tmp_path):
    """The first AMP input that can be reached as it is; one with TLS needs a name and an authority."""
    line = LINE, LineTable(type="line", listen="tcp:7218:interface=127.0.0.1")
    secured = amp("tcp:7215", certificate=tmp_path / "gate.pem")
    assert amp_input([line, secured, amp("tcp:7216:interface=127.0.0.1")]) == "127.0.0.1:7216"
    assert amp_input([line, secured]) is None
    assert amp_input([(AMP, InputTable(type="amp"))]) is None


def doctor(gateway, *options):
    """The findings about the running gateway: level, check and what."""
    done = pushgate("doctor", "--config", str(gateway.file), "--json", *options, cwd=gateway.file.parent)
    found = [each for each in json.loads(done.stdout)["findings"] if each["part"] == "the running gateway"]
    return [(each["level"], each["check"], each["what"]) for each in found]


def test_a_gateway_that_runs(gateway):
    """It is found by its configuration; with --app only what is about this app and the process."""
    found = doctor(gateway)
    assert found[0] == ("ok", "running", f"a gateway answers at {gateway.to}")
    assert ("ok", "sink", "sinks.log: it is up to date") not in found  # it has no sink
    subjects = {what.partition(":")[0] for _, check, what in found if check == "circuit"}
    assert subjects == {"apps.demo", "apps.other"}
    subjects = {
        what.partition(":")[0] for _, check, what in doctor(gateway, "--app", "other") if check == "circuit"
    }
    assert subjects == {"apps.other"}


def test_offline(gateway):
    """Without the network nothing is asked."""
    assert doctor(gateway, "--offline") == [("ok", "running", "not looked at, without the network")]


def test_a_gateway_with_a_push_service_that_is_down(tmp_path, certificates):
    """What a running gateway knows is a finding, with the cause, beside what can be seen from outside."""
    running = RunningGateway(tmp_path, DOWN)
    try:
        found = doctor(running)
    finally:
        running.stop()
    [(level, what)] = [
        (level, what) for level, check, what in found if check == "circuit" and what.startswith("apps.demo: ")
    ]
    assert level in {"warning", "failure"}
    assert "refused" in what
    # The same, when it is gone: no failure by itself.
    [(level, check, what)] = doctor(running)
    assert (level, check) == ("warning", "running")
    assert what.startswith(f"no gateway at {running.to}: ")


def test_a_port_of_another_program(tmp_path):
    """When no gateway answers, an address in use is another program's, which would keep one from starting."""
    with socket.create_server(("127.0.0.1", 0)) as line, socket.create_server(("127.0.0.1", 0)) as bound:
        port, free = line.getsockname()[1], bound.getsockname()[1]
        bound.close()
        file = tmp_path / "gateway.toml"
        file.write_text(
            f'[gateway]\nstate_dir = "memory"\n[inputs.amp]\ntype = "amp"\nlisten = "tcp:{free}:interface=127.0.0.1"\n'
            f'[inputs.line]\ntype = "line"\nlisten = "tcp:{port}:interface=127.0.0.1"\n'
        )
        found = doctor(SimpleNamespace(file=file))
    assert [(level, check) for level, check, _ in found] == [
        ("warning", "running"),
        ("warning", "address-taken"),
    ]
    assert found[1][2] == f"inputs.line.listen: 127.0.0.1:{port} is in use, and no gateway answers"


def test_a_gateway_that_asks_for_a_login(tmp_path):
    """A refusal is told from a gateway that is not there, and says how to get further."""
    pushgate("secret", "shop", "--append", str(tmp_path / "shop.hash"), cwd=tmp_path)
    closed = LIMITED.replace('[principals.anonymous]\noperations = ["read"]\n', "")
    running = RunningGateway(tmp_path, closed)
    try:
        [(level, check, what)] = doctor(running)
    finally:
        running.stop()
    assert (level, check) == ("warning", "running")
    assert what.startswith(f"a gateway answers at {running.to}, and refuses: ")


def test_an_address_that_is_not_known(gateway):
    """--to is taken before the configuration; an endpoint that is none is said to be."""
    [(level, check, what)] = doctor(gateway, "--to", "nonsense:1:2")
    assert (level, check) == ("warning", "running")
    assert "--to nonsense:1:2: no endpoint" in what
