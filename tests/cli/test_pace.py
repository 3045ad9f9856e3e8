"""``pushgate pace``, to a gateway in a process of its own."""

import json

from tests.cli.programs import pushgate


def pace(gateway, *options):
    """Change a rate."""
    return pushgate("pace", *options, "--to", gateway.to)


def test_an_app(gateway):
    """It says what holds now, in a line or in JSON, and ends with 0."""
    done = pace(gateway, "--app", "other", "12.5")
    assert (done.stdout, done.returncode) == ("app other: 12.5 a second at most\n", 0)
    done = pace(gateway, "--app", "other", "0", "--json")
    assert json.loads(done.stdout) == {"paced": True, "rate": 0.0}
    assert pace(gateway, "--app", "other", "0").stdout == "app other: no limit\n"


def test_what_cannot_be_paced(gateway):
    """An app that is not there, a batch that is done, a rate that is none: why, and exit status 1 or 2."""
    done = pace(gateway, "--app", "nobody", "5")
    assert (done.stderr.startswith("refused, UNKNOWN_APP"), done.returncode) == (True, 1)
    sent = pushgate("send", "--app", "other", "--token", "aa", "--alert", "x", "--to", gateway.to)
    number = sent.stdout.split()[0]
    done = pace(gateway, "--id", number, "5")
    assert (done.stdout, done.returncode) == (f"the batch of {number} is done\n", 1)
    assert pace(gateway, "5").returncode == pace(gateway, "--app", "other", "--", "-1").returncode == 2
