"""``pushgate reload``, at a gateway in a process of its own."""

import json

from tests.cli.programs import pushgate


def reload(gateway, *options):
    """Run the command to its end."""
    return pushgate("reload", "--to", gateway.to, *options)


def test_nothing_changed(gateway):
    """A configuration that is the same is no fault, and said to be so."""
    ended = reload(gateway)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "nothing has changed\n", "")


def test_changed(gateway):
    """What changed is a line each; as JSON, a list."""
    before = gateway.file.read_text()
    gateway.file.write_text(before + '[apps.more]\nupstream = "simulator"\n')
    try:
        ended = reload(gateway, "--json")
        assert json.loads(ended.stdout) == {"ok": True, "changes": ["apps.more: added"]}
    finally:
        gateway.file.write_text(before)
    assert reload(gateway).stdout == "apps.more: removed\n"


def test_refused(gateway):
    """What is wrong is a line each on stderr, with exit status 1; as JSON, a list."""
    before = gateway.file.read_text()
    gateway.file.write_text(before + "[gate]\n[input]\n")
    try:
        ended = reload(gateway)
        reported = json.loads(reload(gateway, "--json").stdout)
    finally:
        gateway.file.write_text(before)
    faults = ended.stderr.splitlines()
    assert (ended.returncode, ended.stdout, len(faults)) == (1, "", 2)
    assert faults[0].startswith(f"{gateway.file}: gate: unknown key; ")
    assert reported == {"ok": False, "faults": faults}
