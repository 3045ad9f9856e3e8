"""What holds for every test."""

import os
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from tests.untraced import untraced

HERE = Path(__file__).parent
MEASURED = (
    "cli/status", "cli/top", "client/test_faces.py", "gateway", "hub", "inputs/amp", "inputs/http/console", "mdm",
    "model", "net/http", "plugin", "protocols", "upstreams/apns_http2/test_combination.py",
    "upstreams/apns_http2/test_settings.py", "upstreams/common",
)  # fmt: skip
"""Where the tests of pure modules are, the only ones whose coverage is measured: that doubles what a test costs.

Each branch of a pure module is to be covered by a test of its own, not by one that happens to come along there. A
pure module that is tested elsewhere counts as not covered until that folder is added here."""

if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
    # The programs that the tests start would compile all they import, each anew: more than they cost otherwise.
    # The bytecode lies apart, so that the sources stay as they are.
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(HERE.parent / "build" / "pycache")
    sys.dont_write_bytecode = False

# The machine may be busy: how long an example takes says nothing about the rule it checks.
# The same examples in every run, so that a change is blamed for what it does; PUSHGATE_HYPOTHESIS=search looks
# for others, as often as you like.
settings.register_profile("pushgate", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("PUSHGATE_HYPOTHESIS", "pushgate"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item):
    """Trace those tests only.

    Not by the mark `no_cover`: in each process of xdist pytest-cov has two collectors, and pauses one.
    """
    if item.path.relative_to(HERE).as_posix().startswith(MEASURED):
        return (yield)
    with untraced():
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def _elsewhere(tmp_path_factory):
    """Run all tests in a directory of their own, as trial does: the checkout stays as it is.

    Temporary files too, so that nothing stays in the system's directory of a process that a test kills.
    """
    home, temporary = Path.cwd(), tmp_path_factory.mktemp("t")  # sockets have short paths
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(temporary))
        patch.setattr(tempfile, "tempdir", None)  # asked for anew
        os.chdir(tmp_path_factory.mktemp("tests"))
        yield
        os.chdir(home)


@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    """A RabbitMQ broker of the tests' own; they are skipped where there is no RabbitMQ."""
    pika = pytest.importorskip("pika", reason="pika is not installed: pip install pika")
    assert pika
    from bench.broker import missing, running_broker
    from pushgate.simulator.certificates import Certificates

    why = missing()
    if why is not None:
        pytest.skip(why)
    directory = tmp_path_factory.mktemp("broker")
    made = Certificates.in_directory(directory / "certificates")
    with running_broker(directory / "broker", (made.ca, made.server, made.server)) as started:
        started.certificates = made
        yield started


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL server of the tests' own, for this process; tests are skipped where there is none."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'psycopg[binary]'")
    from tests.postgresql_rig import PostgresqlServer, binaries

    if binaries() is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    server = PostgresqlServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def any_session(request, tmp_path_factory):
    """A session on each of the databases of a hub."""
    from tests.hub_store_rig import postgresql_session, sqlite_session

    if request.param == "sqlite":
        session = sqlite_session(tmp_path_factory.mktemp("hub"))
    else:
        session = postgresql_session(request.getfixturevalue("postgresql"))
    yield session
    session.connection.close()


@pytest.fixture
def session(any_session):
    """The same, with nothing in the database."""
    from tests.hub_store_rig import emptied

    return emptied(any_session)
