"""The files in ``etc/container``: each in its form, and each command of the image run as a container runs it.

No container engine is needed. Where root may unshare namespaces, the root directory of the image is made of the wheel
and mounts, read-only, and each command is process 1 of its own, as the image's user; elsewhere it is a child.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dockerfile_parse import DockerfileParser

from pushgate import __version__
from pushgate.service.config.reader import GatewayTable, config_from
from pushgate.service.lifecycle import ENDING
from pushgate.service.plugin_registry import find
from pushgate.simulator.settings import SimulatorTable
from tests.process import ROOT

HERE = ROOT / "etc" / "container"
COMPOSE = yaml.safe_load((HERE / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
CONTAINERFILE = HERE / "Containerfile"
DEADLINE = 60.0
pytestmark = pytest.mark.timeout(180)


def instructions() -> dict[str, str]:
    """The last of each instruction of the image that is kept, without its options."""
    parser = DockerfileParser(fileobj=CONTAINERFILE.open("rb"))
    stages = [index for index, each in enumerate(parser.structure) if each["instruction"] == "FROM"]
    return {each["instruction"]: each["value"] for each in parser.structure[stages[-1] :]}


IMAGE = instructions()
ENTRYPOINT, COMMAND = json.loads(IMAGE["ENTRYPOINT"]), json.loads(IMAGE["CMD"])
HEALTH = json.loads(IMAGE["HEALTHCHECK"].partition("CMD ")[2])
USER = int(IMAGE["USER"].partition(":")[0])


# what the files say


def test_hadolint() -> None:
    """hadolint has nothing to say against the Containerfile."""
    program = Path(sysconfig.get_path("scripts")) / "hadolint"
    done = subprocess.run([program, CONTAINERFILE], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_yamllint() -> None:
    """yamllint has nothing to say against any YAML file in etc/."""
    rules = "{extends: default, rules: {line-length: {max: 140}, document-start: disable, braces: disable}}"
    files = [each for each in (ROOT / "etc").rglob("*") if each.suffix in {".yml", ".yaml"}]
    assert len(files) >= 6
    done = subprocess.run(
        [sys.executable, "-m", "yamllint", "--strict", "-d", rules, *files],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image() -> None:
    """A user by number who is not root, no shell between signals and twistd, one volume: the sample's state."""
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", IMAGE["USER"])
    assert json.loads(IMAGE["VOLUME"]) == ["/var/lib/pushgate"] == [IMAGE["WORKDIR"]]
    assert IMAGE["STOPSIGNAL"] == "SIGTERM"
    assert [*ENTRYPOINT, *COMMAND][-3:] == ["pushgate", "--config", "/etc/pushgate/pushgate.toml"]
    assert "--pidfile=" in ENTRYPOINT
    assert not re.search(r"secret|password|token|_key", CONTAINERFILE.read_text(), re.IGNORECASE)


def test_the_configurations() -> None:
    """Both are good, and their state is in the image's volume."""
    gateway = config_from(tomllib.loads((HERE / "pushgate.toml").read_text()), "f", find())
    simulator = SimulatorTable.model_validate(
        tomllib.loads((HERE / "simulator.toml").read_text())["simulator"]
    )
    assert str(gateway.gateway.state_dir) == str(simulator.state_dir) == IMAGE["WORKDIR"]


def test_compose() -> None:
    """What services refer to is there; ours are read-only, without rights, and have the time to drain."""
    for name, service in SERVICES.items():
        assert "image" in service, name
        for volume in service.get("volumes", ()):
            source, target, *_ = volume.split(":")
            assert target.startswith("/")
            made = source.startswith("./secrets/")  # by make-secrets
            assert made or (
                (HERE / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
            )
        assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"])
        needed = service.get("depends_on", {})
        for other, on in needed.items() if isinstance(needed, dict) else ():
            assert on["condition"] == "service_started" or "healthcheck" in SERVICES[other]
        assert set(needed) <= set(SERVICES)
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
    for name in ("gateway", "simulator"):
        service = SERVICES[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    assert (
        HERE / SERVICES["gateway"]["build"]["context"] / SERVICES["gateway"]["build"]["dockerfile"]
    ).resolve() == CONTAINERFILE
    grace = float(SERVICES["gateway"]["stop_grace_period"].removesuffix("s"))
    assert grace >= GatewayTable.model_fields["drain_timeout"].default + ENDING


def test_what_compose_names() -> None:
    """Hosts, files and ports that the configurations name are those of the compose file."""
    text = (HERE / "pushgate.toml").read_text()
    config = tomllib.loads(text)
    secrets = {f"/run/secrets/{name}" for name in SERVICES["gateway"]["secrets"]}
    assert set(re.findall(r"/run/secrets/\w+", text)) == secrets
    assert config["inputs"]["queue"]["url"] == "amqp://rabbitmq"
    assert config["hubs"]["main"]["store"] == "postgresql://pushgate@postgresql/pushgate"
    assert {"rabbitmq", "postgresql"} <= SERVICES.keys()
    [job] = yaml.safe_load((HERE / "prometheus.yml").read_text())["scrape_configs"]
    port = config["sinks"]["metrics"]["listen"].partition(":")[2]
    assert job["static_configs"] == [{"targets": [f"gateway:{port}"]}]
    assert SERVICES["simulator"]["networks"]["default"]["aliases"] == ["gateway"]
    published = {port.rpartition(":")[2] for port in SERVICES["simulator"]["ports"]}
    assert published == {
        each["listen"].partition(":")[2] for each in config["inputs"].values() if "listen" in each
    }
    [source] = yaml.safe_load((HERE / "grafana" / "datasource.yml").read_text())["datasources"]
    assert source["type"] == "prometheus"
    [provider] = yaml.safe_load((HERE / "grafana" / "dashboards.yml").read_text())["providers"]
    assert any(
        volume.split(":")[1].startswith(provider["options"]["path"])
        for volume in SERVICES["grafana"]["volumes"]
    )


def test_the_secrets(tmp_path: Path) -> None:
    """Each is long and its own, those that are there are kept, and RabbitMQ has the one that the gateway has."""
    shutil.copy(HERE / "make-secrets", tmp_path)
    subprocess.run([tmp_path / "make-secrets"], check=True, timeout=60)
    made = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    assert made.keys() == {*COMPOSE["secrets"], "rabbitmq.conf"}
    assert all(re.fullmatch("[0-9a-f]{48}", made[name]) for name in COMPOSE["secrets"])
    assert len(set(made.values())) == len(made)
    assert f"default_pass = {made['rabbitmq']}\n" in made["rabbitmq.conf"]
    subprocess.run([tmp_path / "make-secrets"], check=True, timeout=60)
    assert {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()} == made


def test_the_manifest() -> None:
    """Kubernetes runs the image as it is meant to be run: its user, its volume, its time to stop, probes at its port."""
    [text] = re.findall(
        r"^```yaml\n(.*?)^```$", (ROOT / "docs" / "containers.md").read_text(), re.MULTILINE | re.DOTALL
    )
    service, stateful, config_map = yaml.safe_load_all(text)
    pod = stateful["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert stateful["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]
    assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == USER
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert pod["terminationGracePeriodSeconds"] >= GatewayTable.model_fields["drain_timeout"].default + ENDING
    mounted = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    [claim] = stateful["spec"]["volumeClaimTemplates"]
    assert mounted.pop(claim["metadata"]["name"]) == IMAGE["WORKDIR"]
    assert mounted.keys() == {each["name"] for each in pod["volumes"]}
    config = config_from(tomllib.loads(config_map["data"]["pushgate.toml"]), "f", find())
    port = int(config.inputs["http"][1].listen.partition(":")[2])
    probes = {name: each for name, each in container.items() if name.endswith("Probe")}
    assert {name: each["httpGet"]["path"] for name, each in probes.items()} == {
        "startupProbe": "/healthz", "readinessProbe": "/readyz", "livenessProbe": "/healthz",
    }  # fmt: skip
    assert {each["httpGet"]["port"] for each in probes.values()} == {port}
    assert __version__ in container["image"]


# what the image does


UP = "import fcntl, socket; fcntl.ioctl(socket.socket(), 0x8914, b'lo'.ljust(16, b'\\0') + b'\\x41'.ljust(16, b'\\0'))"
"""Brings the loopback of a new network up."""


def may_unshare() -> bool:
    """Whether this process may make namespaces of its own, and mount in them."""
    command = ["unshare", "--mount", "--net", "--pid", "--fork", "mount", "-t", "tmpfs", "none", "/mnt"]
    return (
        bool(shutil.which("unshare") and shutil.which("nsenter"))
        and not subprocess.run(command, capture_output=True, check=False).returncode
    )


class Machine:
    """Runs containers of the image that share a network.

    :ivar isolated: as in an engine; else as children, whose paths are in `directory`.
    """

    def __init__(self, directory: Path, isolated: bool) -> None:
        self.directory, self.isolated = directory, isolated
        self.root = directory / "root"
        self.processes: list[subprocess.Popen[str]] = []
        self._make()
        if isolated:
            keeps = f"{shlex.join([sys.executable, '-c', UP])} && echo up && exec sleep 1000"
            self.network = subprocess.Popen(
                ["unshare", "--net", "sh", "-c", keeps], stdout=subprocess.PIPE, text=True
            )
            self.processes.append(self.network)
            assert self.network.stdout.readline() == "up\n"

    def _make(self) -> None:
        """The root directory of the image, from the wheel; what the wheel needs is mounted beside it."""
        venv = self.root / "opt" / "pushgate"
        wheels = self.directory / "wheel"
        for command in (
            ["-m", "build", "--wheel", "--no-isolation", "--outdir", wheels, ROOT],
            ["-m", "venv", "--without-pip", venv],
        ):
            subprocess.run([sys.executable, *map(str, command)], check=True, capture_output=True)
        [wheel] = wheels.iterdir()
        pip = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(venv / "bin" / "python"),
            "--disable-pip-version-check",
        ]
        subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", wheel], check=True)
        [packages] = venv.glob("lib/*/site-packages")
        ours = Path(sysconfig.get_path("purelib"))
        shutil.copy(Path(sysconfig.get_path("scripts")) / "twistd", venv / "bin")
        (packages / "needed.pth").write_text(f"{ours}\n")
        listed = [
            venv / "bin" / "python",
            venv / "bin" / "twistd",
            "--help",
        ]  # as root, as when the image is built
        subprocess.run(listed, cwd=self.directory, env={}, check=True, capture_output=True)
        (packages / "needed.pth").write_text("/opt/needed\n" if self.isolated else f"{ours}\n")
        at = "/opt/pushgate" if self.isolated else str(venv)
        for program in ("twistd", "pushgate"):
            lines = (venv / "bin" / program).read_text().splitlines(keepends=True)
            (venv / "bin" / program).write_text("".join([f"#!{at}/bin/python\n", *lines[1:]]))
        for name in (
            "opt/needed",
            "proc",
            "dev",
            "etc/pushgate",
            "run/secrets",
            "var/lib/pushgate",
            "simulator",
            "tmp",
        ):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        (self.root / "etc" / "hosts").write_text("127.0.0.1 localhost\n")

    def _inside(self) -> list[str]:
        return ["nsenter", f"--net=/proc/{self.network.pid}/ns/net"]

    def _mounts(self, volumes: dict[str, Path]) -> str:
        """The script that makes the container's root directory of mounts: all of it read-only, but the volume."""
        system = [each for each in ("/usr", "/lib", "/lib64", "/bin", sys.base_prefix) if Path(each).exists()]
        places = {each: each for each in system} | {"/opt/needed": sysconfig.get_path("purelib")}
        lines = ["set -e", "mount --make-rprivate /", f"mount --bind {self.root} {self.root}"]
        for target, source in places.items():
            lines += [f"mkdir -p {self.root}{target}", f"mount --bind {source} {self.root}{target}"]
            lines += [f"mount -o remount,bind,ro {self.root}{target}"]
        for device in ("null", "urandom"):
            lines += [
                f"touch {self.root}/dev/{device}",
                f"mount --bind /dev/{device} {self.root}/dev/{device}",
            ]
        for target, source in volumes.items():
            lines += [f"mount --bind {source} {self.root}{target}"]
            lines += [f"mount -o remount,bind,ro {self.root}{target}"] * (target != "/var/lib/pushgate")
        return "\n".join(
            [*lines, f"mount -o remount,bind,ro {self.root}", f"mount -t proc proc {self.root}/proc", ""]
        )

    def start(self, command: list[str], volumes: dict[str, Path], **keys: Any) -> subprocess.Popen[str]:
        """Run a command; its output is read through a file."""
        if self.isolated:
            environ = [
                "env",
                "-i",
                "PATH=/opt/pushgate/bin:/usr/bin:/bin",
                "PYTHONUNBUFFERED=1",
                "PYTHONDONTWRITEBYTECODE=1",
            ]
            chroot = ["chroot", f"--userspec={USER}:{USER}", str(self.root), *environ, *command]
            script = self._mounts(volumes) + f"cd {self.root}\nexec {shlex.join(chroot)}"
            command = [
                *self._inside(),
                "unshare",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "sh",
                "-c",
                script,
            ]
            environment = dict(os.environ)
        else:
            for inside, outside in {"/opt/pushgate": self.root / "opt" / "pushgate", **volumes}.items():
                command = [each.replace(inside, str(outside)) for each in command]
            environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        process = subprocess.Popen(command, text=True, env=environment, cwd=self.directory, **keys)
        self.processes.append(process)
        return process

    def run(self, command: list[str], volumes: dict[str, Path]) -> tuple[int, str]:
        """Run a command to its end: its exit status and output."""
        process = self.start(command, volumes, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out, _ = process.communicate(timeout=DEADLINE)
        return process.returncode, out

    def stop(self) -> None:
        """End what runs."""
        for process in reversed(self.processes):
            process.kill()
            process.wait()


class Container:
    """A container that stays: its output, its health, and signals to its process 1."""

    def __init__(self, machine: Machine, name: str, command: list[str], volumes: dict[str, Path]) -> None:
        self._machine, self.volumes = machine, volumes
        self._log, self._unhealthy = machine.directory / f"{name}.log", ""
        self.process = machine.start(command, volumes, stdout=self._log.open("w"), stderr=subprocess.STDOUT)

    def log(self) -> str:
        return self._log.read_text()

    def until(self, condition: Callable[[], object]) -> None:
        """Wait until something holds, as long as it runs."""
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, self._unhealthy + self.log()
            time.sleep(0.1)

    def healthy(self, command: list[str]) -> bool:
        code, self._unhealthy = self._machine.run(command, self.volumes)
        return code == 0

    @property
    def pid(self) -> int:
        """Its process 1, by the number that it has outside."""
        if not self._machine.isolated:
            return self.process.pid
        return int(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text())


def own(*paths: Path) -> None:
    """Give directories to the image's user."""
    for path in paths:
        path.mkdir()
        if os.getuid() == 0:
            os.chown(path, USER, USER)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A place to run containers in."""
    tmp_path.chmod(0o755)
    made = Machine(tmp_path, may_unshare())
    yield made
    made.stop()


def test_the_services(machine: Machine, tmp_path: Path) -> None:
    """With the commands and files of compose.yaml: it starts, is healthy, pushes, reloads at SIGHUP, drains at SIGTERM.

    RabbitMQ is not there: a gateway starts without it, and goes on trying. Without PostgreSQL none with a hub in it
    starts, so the hub is left out here.
    """
    places = {name: tmp_path / name for name in ("state", "simulator", "etc", "secrets")}
    own(*places.values())
    for name in SERVICES["gateway"]["secrets"]:
        (places["secrets"] / name).write_text("hunter2")
    gateway_volumes = {
        "/var/lib/pushgate": places["state"], "/simulator": places["simulator"], "/etc/pushgate": places["etc"],
        "/run/secrets": places["secrets"],
    }  # fmt: skip
    simulator_volumes = {"/var/lib/pushgate": places["simulator"], "/etc/pushgate": places["etc"]}
    for name, volumes in (("pushgate", gateway_volumes), ("simulator", simulator_volumes)):
        text = re.sub(r"(?m)^\[hubs(.+\n)+", "", (HERE / f"{name}.toml").read_text())
        for inside, outside in volumes.items() if not machine.isolated else ():
            text = text.replace(inside, str(outside))
        (places["etc"] / f"{name}.toml").write_text(text)

    simulator = Container(
        machine, "simulator", [*ENTRYPOINT, *SERVICES["simulator"]["command"]], simulator_volumes
    )
    [_, *health] = SERVICES["simulator"]["healthcheck"]["test"]
    simulator.until(lambda: simulator.healthy(health))
    gateway = Container(machine, "gateway", [*ENTRYPOINT, *COMMAND], gateway_volumes)
    gateway.until(lambda: gateway.healthy(HEALTH))
    if machine.isolated:
        status = Path(f"/proc/{gateway.pid}/status").read_text()
        assert re.search(r"^NSpid:.*\t1$", status, re.MULTILINE)
        assert re.search(rf"^Uid:(\t{USER}){{4}}$", status, re.MULTILINE)
        assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
        code, said = machine.run(["touch", "/opt/x"], gateway_volumes)
        assert (code, "Read-only file system" in said) == (1, True)
    command = ["/opt/pushgate/bin/pushgate", "send", "--app", "demo", "--token", "0a1b2c3d", "--alert", "Hi"]
    code, said = machine.run(command, gateway_volumes)
    assert (code, "accepted" in said) == (0, True), said

    file = places["etc"] / "pushgate.toml"
    file.write_text(file.read_text().replace("[gateway]\n", '[gateway]\nexpiry = "1h"\n'))
    os.kill(gateway.pid, signal.SIGHUP)
    gateway.until(lambda: "reloaded: gateway.expiry: changed" in gateway.log())
    os.kill(gateway.pid, signal.SIGTERM)
    ended = (0, -signal.SIGTERM)  # the signal that it sends itself in the end does nothing to a process 1
    assert gateway.process.wait(DEADLINE) in ended, gateway.log()
    assert "pushgate has stopped" in gateway.log()
    assert "Traceback" not in gateway.log()
    assert {"spool.sqlite", "lock"} <= {each.name for each in places["state"].iterdir()}
    os.kill(simulator.pid, signal.SIGTERM)
    assert simulator.process.wait(DEADLINE) in ended, simulator.log()


def test_without_a_configuration(machine: Machine, tmp_path: Path) -> None:
    """An image that is started without its file ends with the status of a bad configuration and one line."""
    own(tmp_path / "state")
    code, said = machine.run([*ENTRYPOINT, *COMMAND], {"/var/lib/pushgate": tmp_path / "state"})
    assert (code, said.count("cannot be read: No such file or directory")) == (78, 1), said
