"""A damaged spool: refused with its name and left as it is, or all that it kept is there."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from twisted.internet.task import Clock

from pushgate.gateway.spool import batches
from pushgate.gateway.spool.spool_file import FILE
from pushgate.gateway.spool.sqlite import SqliteSpool
from pushgate.model.errors import CannotStart
from pushgate.model.metrics import Metrics
from pushgate.model.notification import Batch
from pushgate.model.packed import Packed
from pushgate.plugin.context import Context
from tests.samples import batch

EACH = Packed.of([b'{"n":%d}' % number for number in range(200)], 2)
BATCHES = [batch(200, order=order, payload=EACH if order % 2 else b"{}") for order in range(1, 13)]
often = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def started(directory: Path) -> list[Batch]:
    """What a gateway that starts on this directory finds; raise CannotStart when it does not start."""
    context = Context(reactor=Clock(), wall=lambda: 0.0, jitter=lambda: 0.0, metrics=Metrics())
    spool = SqliteSpool(directory, context)
    spool.start()
    try:
        view = batches.View(0.0, 0.0)
        kept = batches.page(spool._connection, "news", 10, 0, 1 << 30, view).kept
        return [replace(each.batch, waiting_since=0.0) for each in kept]
    finally:
        spool._connection.close()
        os.close(spool._lock)


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A spool as a crash leaves it: some commits in the file, later ones in the log beside it."""
    live, image = tmp_path_factory.mktemp("live"), tmp_path_factory.mktemp("image")
    context = Context(reactor=Clock(), wall=lambda: 0.0, jitter=lambda: 0.0, metrics=Metrics())
    spool = SqliteSpool(live, context)
    spool.start()
    for each in BATCHES:
        with spool._connection:
            batches.insert(spool._connection, [each])
        if each.order == 6:
            spool._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for file in live.glob(f"{FILE}*"):
        shutil.copy(file, image)
    spool._connection.close()
    os.close(spool._lock)
    return image


@pytest.fixture(scope="module")
def whole(image, tmp_path_factory):
    """The same after a clean stop: one file."""
    directory = tmp_path_factory.mktemp("whole")
    for file in image.glob(f"{FILE}*"):
        shutil.copy(file, directory)
    assert started(directory) == BATCHES
    assert not (directory / f"{FILE}-wal").exists()
    return directory


def examined(source: Path, tmp_path_factory, name: str, damage) -> list[Batch] | None:
    """What is found of a copy with one file damaged; None when it is refused, with its name, and untouched."""
    directory = tmp_path_factory.mktemp("damaged")
    for file in source.glob(f"{FILE}*"):
        shutil.copy(file, directory)
    content = bytearray((directory / name).read_bytes())
    damage(content)
    (directory / name).write_bytes(content)
    before = {
        file.name: file.read_bytes() for file in directory.glob(f"{FILE}*") if file.suffix != ".sqlite-shm"
    }
    try:
        return started(directory)
    except CannotStart as error:
        [line] = error.faults
        assert line.startswith(f"gateway.state_dir: {directory / FILE}: ")
        assert "\n" not in line
        for file, content in before.items():
            assert (directory / file).read_bytes() == content, "the evidence was changed"
        return None
    finally:
        shutil.rmtree(directory)


@often
@given(share=st.floats(0, 1, exclude_max=True))
def test_truncated(whole, tmp_path_factory, share):
    """A file that lost its end is refused, wherever it was cut, be it at its very beginning."""

    def cut(content):
        del content[int(len(content) * share) :]

    assert examined(whole, tmp_path_factory, FILE, cut) is None


@often
@given(share=st.floats(0, 1, exclude_max=True), noise=st.binary(min_size=1, max_size=5000))
def test_overwritten(whole, tmp_path_factory, share, noise):
    """Noise anywhere in the file is noticed, or does not matter."""

    def spoil(content):
        at = int(len(content) * share)
        content[at : at + len(noise)] = noise[: len(content) - at]

    assert examined(whole, tmp_path_factory, FILE, spoil) in (None, BATCHES)


@often
@given(share=st.floats(0, 1, exclude_max=True), noise=st.binary(min_size=0, max_size=50))
def test_the_log_beside_it(image, tmp_path_factory, share, noise):
    """Of a damaged log the commits before the damage count, in their order: SQLite cannot know of later ones."""

    def spoil(content):
        at = int(len(content) * share)
        if noise:
            content[at : at + len(noise)] = noise[: len(content) - at]
        else:
            del content[at:]

    found = examined(image, tmp_path_factory, f"{FILE}-wal", spoil)
    assert found is None or found == BATCHES[: max(6, len(found))]


def test_as_a_crash_left_it(image, tmp_path_factory):
    """Without any damage all is there."""
    assert examined(image, tmp_path_factory, FILE, lambda content: None) == BATCHES


def test_killed_while_it_was_made(tmp_path):
    """A gateway that was killed while it made its spool starts the next time."""
    (tmp_path / f"{FILE}.new").write_bytes(b"half a spool")
    assert started(tmp_path) == []
    assert [file.name for file in tmp_path.iterdir() if file.suffix == ".new"] == []
    assert started(tmp_path) == []


def test_nobody_else_may_read_it(tmp_path):
    """It holds tokens and payloads."""
    started(tmp_path)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("column", ["tokens", "payload", "terms", "live", "priority", "accepted_at"])
def test_a_row_that_was_changed(whole, tmp_path, column):
    """What a row says is checked too, not only whether it is one."""
    shutil.copy(whole / FILE, tmp_path)
    with sqlite3.connect(tmp_path / FILE) as connection:
        value = {"tokens": "zeroblob(length(tokens))", "payload": "x'7b7d20'", "terms": "x'7b7d'"}.get(
            column, 5
        )
        connection.execute(f"UPDATE batch SET {column} = {value} WHERE ord = 3")
    connection.close()
    with pytest.raises(CannotStart, match="damaged: batch 3 is not what was written"):
        started(tmp_path)


def test_a_schema_that_is_no_text(whole, tmp_path):
    """What SQLite says of it is no text either; the refusal is."""
    content = (whole / FILE).read_bytes()
    assert b"INDEX dead_doubted" in content
    (tmp_path / FILE).write_bytes(content.replace(b"INDEX dead_doubted", b"INDEX \x80ead_doubted"))
    with pytest.raises(CannotStart, match=f"{FILE}: .*nothing was changed"):
        started(tmp_path)


def test_only_the_log_is_there(image, tmp_path):
    """A spool that was moved away without its log does not get a new one beside that."""
    shutil.copy(image / f"{FILE}-wal", tmp_path)
    with pytest.raises(CannotStart, match=f"missing, but its log {FILE}-wal is there"):
        started(tmp_path)
    assert (tmp_path / f"{FILE}-wal").stat().st_size
