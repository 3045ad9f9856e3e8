"""What a gateway says of its process."""

import os
import re
from pathlib import Path

from pushgate import __version__
from pushgate.service.process_facts import ProcessFacts, disk_space, open_files


def test_facts(tmp_path):
    """Versions of what it runs on, room on the disk of its state, and open files with their limit."""
    facts = ProcessFacts(tmp_path).read()
    assert facts["versions"]["pushgate"] == __version__
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", facts["versions"]["twisted"])
    assert facts["versions"]["openssl"].startswith("OpenSSL ")
    assert 0 <= facts["disk"]["free"] <= facts["disk"]["total"]
    assert 2 < facts["files"]["open"] <= facts["files"]["limit"]


def test_in_memory():
    """A gateway that keeps nothing on a disk has no disk to run full."""
    assert ProcessFacts(None).read()["disk"] is None


def test_files_are_counted():
    """A file that is opened is one more; so it is where the system gives the directory no size."""
    before = open_files()
    with Path(os.devnull).open():
        assert open_files() == before + 1


def test_a_system_that_does_not_tell(tmp_path):
    """A directory that cannot be read is nothing known, not nothing used."""
    assert open_files(tmp_path / "none") is None
    assert disk_space(tmp_path / "none") is None


def test_entries_are_counted_where_a_directory_has_no_size(tmp_path):
    """Earlier Linuxes give the directory of descriptors no size: its entries are counted."""

    class Directory(type(tmp_path)):
        def stat(self):
            return os.stat_result([0] * 10)

    for name in "abc":
        (tmp_path / name).touch()
    assert open_files(Directory(tmp_path)) == 3
