"""The house's walls: who may import whom, and rules of writing that no other tool checks."""

import ast
import io
import re
import sys
import tokenize
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIMIT = 25
"""Lines of code of one function at most, its docstring, comments and blank lines not counted."""

VALUES = {
    "errors", "packed", "notification", "span", "outcome", "record", "ledger",
    "lanes", "paced", "pacing", "pressure", "backoff", "breaker", "register", "screen", "signature", "step", "story",
    "tally", "death", "guard", "principals", "trouble",
}  # fmt: skip
CONFIGURATION = {"faults", "kinds", "lazy", "registry", "config", "changes", "credentials"}
FORMATS = {"amp_commands", "exposition"}
ROOMS = (
    dict.fromkeys(VALUES, "values")
    | dict.fromkeys(CONFIGURATION, "configuration")
    | dict.fromkeys(FORMATS, "formats")
    | {"plugin": "plugin"}
    | dict.fromkeys(("reach", "small_site"), "ports")
    | dict.fromkeys(
        (
            "gateway",
            "admission",
            "books",
            "lookup",
            "inquiry",
            "work",
            "tenancy",
            "intentions",
            "backlog",
            "outlet",
            "outbox",
            "followers",
            "flushes",
            "graveyard",
            "roster",
            "lease",
            "limits",
            "blame",
        ),
        "gateway",
    )
    | dict.fromkeys(("tap", "house", "reload", "building", "steady", "supervisor", "watchdog"), "tap")
    | {
        room: room
        for room in ("apns", "settings", "interfaces", "inputs", "sinks", "spool", "upstreams", "simulator")
    }
    | {room: room for room in ("broker", "plugins", "client", "demo", "testing", "cli")}
)
"""The room of each module and package directly in pushgate/. A new one needs a place here."""

CONTRACTS = {"values", "settings", "interfaces"}
MAY_IMPORT = {
    "values": set(),
    "apns": {"values"},
    "settings": {"values"},
    "interfaces": {"values", "settings"},
    "formats": {"values"},
    "configuration": CONTRACTS,
    "plugin": CONTRACTS,
    "ports": set(),
    "broker": CONTRACTS,
    "inputs": CONTRACTS | {"apns", "formats", "plugin", "broker", "ports"},
    "sinks": CONTRACTS | {"formats", "plugin", "broker", "ports"},
    "spool": CONTRACTS,
    "upstreams": CONTRACTS | {"apns", "plugin"},
    "simulator": CONTRACTS | {"apns", "configuration", "ports"},
    "gateway": CONTRACTS,
    "plugins": {"configuration"},
    "client": {"values", "formats"},
    "demo": {"values", "client"},
    "testing": CONTRACTS | {"configuration", "simulator"},
    "cli": set(ROOMS.values()) - {"tap"},
    "tap": set(ROOMS.values()),
}
"""Which other rooms a room knows. Each knows itself, except that nobody imports a tap."""

DOORWAYS = {
    # The embedded default upstream brings its push service along.
    ("pushgate.upstreams.simulated", "simulator"),
    # The registry looks for plug-ins in the package where they are declared.
    ("pushgate.registry", "plugins"),
}
"""Single modules that know one room more."""

PURE = {"values", "apns", "settings"}
IMPURE = {
    "asyncio", "datetime", "logging", "os", "random", "sched", "secrets", "select", "signal", "socket",
    "subprocess", "threading", "time",
}  # fmt: skip
PURE_LIBRARIES = {"values": {"msgspec"}, "apns": {"msgspec"}, "settings": {"pydantic", "pydantic_core"}}


def name_of(path):
    """The dotted name of the module in this file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def python_files(*folders):
    """Every Python file of these folders of the checkout."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def ids(value):
    """Names for test cases: the files' paths in the checkout."""
    return str(value.relative_to(ROOT))


MODULES = python_files("pushgate")
OURS = {name_of(path) for path in MODULES}
EVERYWHERE = python_files("pushgate", "twisted", "plugins", "bench", "tests")
TESTS = [path for path in python_files("tests") if path.name.startswith("test_")]
every_module = pytest.mark.parametrize("path", MODULES, ids=ids)
every_file = pytest.mark.parametrize("path", EVERYWHERE, ids=ids)
every_test = pytest.mark.parametrize("path", TESTS, ids=ids)


def imports(path):
    """The modules that a file imports, wherever in it, modules imported from packages by their whole name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide who is imported"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            known = {name for name in names if name in OURS or name == "twisted.internet.reactor"}
            found.update(known)
            if len(known) < len(names):
                found.add(node.module)
    return found


def room_of(module):
    """The room of one of our modules; None of the package pushgate itself, which holds the version only."""
    parts = module.split(".")
    return ROOMS[parts[1]] if len(parts) > 1 else None


@every_module
def test_every_module_has_a_room(path):
    """Whoever adds a module to pushgate/ says in which room it stands."""
    room_of(name_of(path))


def test_the_page_names_every_module():
    """docs/architecture.md says of every module and package where it stands."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    section = page.partition("## Who may import whom")[2].partition("\n## ")[0]
    named = {each.strip("`/") for each in re.findall(r"`[a-z_]+/?`", section)}
    assert ROOMS.keys() - named == set()


@every_module
def test_rooms_know_only_their_neighbours(path):
    """A room imports the rooms it is built on, never one beside it: inputs know no sinks."""
    module = name_of(path)
    room = room_of(module)
    allowed = MAY_IMPORT.get(room, set()) | {room, None} | {to for who, to in DOORWAYS if who == module}
    assert {
        name for name in imports(path) if name.split(".")[0] == "pushgate" and room_of(name) not in allowed
    } == set()


@pytest.mark.parametrize("path", [path for path in MODULES if room_of(name_of(path)) in PURE], ids=ids)
def test_pure_rooms_have_no_clock_no_chance_and_no_network(path):
    """Values, policies and the wire take time and chance as arguments: of others they use next to nothing."""
    libraries = {name.split(".")[0] for name in imports(path)} - {"pushgate"}
    assert libraries & IMPURE == set()
    assert libraries - sys.stdlib_module_names - PURE_LIBRARIES[room_of(name_of(path))] == set()


@pytest.mark.parametrize("path", python_files("pushgate", "plugins", "twisted", "bench"), ids=ids)
def test_nobody_imports_a_tap(path):
    """A tap puts the house together: whoever imported it would have the whole house for a dependency."""
    assert [name for name in imports(path) if name.startswith("pushgate.") and name.endswith(".tap")] == []


@pytest.mark.parametrize("path", python_files("pushgate", "plugins", "twisted"), ids=ids)
def test_the_reactor_is_imported_where_the_process_is_made(path):
    """Everything else is given a clock and a network, so that a test can give it others."""
    at_home = path.name == "tap.py" or path.is_relative_to(ROOT / "pushgate" / "cli")
    assert at_home or "twisted.internet.reactor" not in imports(path)


@pytest.mark.parametrize("path", python_files("plugins"), ids=ids)
def test_examples_use_what_a_stranger_may(path):
    """The drop-in examples import the contracts, the values and the way to declare a plug-in, no more."""
    rooms = {room_of(name) for name in imports(path) if name.startswith("pushgate")}
    assert rooms <= CONTRACTS | {"plugin"}


def test_coverage_counts_every_pure_room():
    """The rule of 100 % of branches holds for all pure rooms, new modules included."""
    include = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["coverage"]["run"]["include"]
    counted = {path for pattern in include for path in ROOT.glob(pattern)}
    assert {path for path in MODULES if room_of(name_of(path)) in PURE} <= counted


def comments(path):
    """The comments of a file, with their line numbers."""
    tokens = tokenize.tokenize(io.BytesIO(path.read_bytes()).readline)
    return [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]


SILENCER = re.compile(
    r"#\s*(noqa|type:\s*ignore|pragma:\s*no cover|pyright:|mypy:|ruff:\s*noqa)", re.IGNORECASE
)
REASONED = re.compile(r"#\s*(noqa: [A-Z]+\d+(, ?[A-Z]+\d+)*|type: ignore\[[\w, -]+\])\s+(-|#)\s*\w.*")


@every_file
def test_whoever_silences_a_tool_says_why(path):
    """`noqa` and `type: ignore` name the rule and give a reason; nothing is left out of the coverage."""
    silencers = [(line, text) for line, text in comments(path) if SILENCER.search(text)]
    assert [(line, text) for line, text in silencers if not REASONED.search(text)] == []


def code_lines(path):
    """The numbers of the lines that hold code, rather than comments or nothing."""
    layout = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    lines = set()
    for token in tokenize.tokenize(io.BytesIO(path.read_bytes()).readline):
        if token.type not in layout:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines


def functions(path):
    """Every function and method of a file."""
    tree = ast.parse(path.read_bytes())
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def docstring_lines(node):
    """The numbers of the lines of a function's docstring."""
    if ast.get_docstring(node, clean=False) is None:
        return set()
    return set(range(node.body[0].lineno, node.body[0].end_lineno + 1))


@every_module
def test_functions_are_short(path):
    """A function fits on half a screen: up to 25 lines of code, its head included."""
    lines = code_lines(path)
    sizes = {
        node.name: len((lines & set(range(node.lineno, node.end_lineno + 1))) - docstring_lines(node))
        for node in functions(path)
    }
    assert {name: size for name, size in sizes.items() if size > LIMIT} == {}


def base_names(node):
    """The names of a class's bases, without the modules they are from."""
    return {base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases}


def classes_of(tree):
    """Every class of a file by its name."""
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def awaits_its_tests(node, classes):
    """Whether a class is a `TestCase` of trial, by itself or by its bases among `classes`."""
    names = base_names(node)
    return "TestCase" in names or any(
        awaits_its_tests(classes[name], classes) for name in names & set(classes)
    )


def unawaited_tests(tree, shared):
    """The asynchronous tests of a file that would pass without having run.

    :param shared: classes of other files that may be bases here, by name.
    """
    own = classes_of(tree)
    awaiting = [node for node in own.values() if awaits_its_tests(node, shared | own)]
    awaited = {child for node in awaiting for child in node.body}
    return [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("test") and node not in awaited
    ]


@every_test
def test_no_asynchronous_test_passes_unrun(path):
    """Only trial's `TestCase` awaits an `async def` test; `SynchronousTestCase` passes it unrun."""
    others = [other for other in python_files("tests") if other not in TESTS]
    shared = {
        name: node for other in others for name, node in classes_of(ast.parse(other.read_bytes())).items()
    }
    assert unawaited_tests(ast.parse(path.read_bytes()), shared) == []


def test_the_check_for_unrun_tests_finds_them():
    """The rule above sees through base classes, and lets trial's own asynchronous tests be."""
    source = """
class Base(SynchronousTestCase): pass
class Derived(Base):
    async def test_unrun(self): ...
class Direct(unittest.SynchronousTestCase):
    async def test_unrun_too(self): ...
async def test_bare(): ...
class Waits(unittest.TestCase):
    async def test_run(self): ...
class WaitsToo(Waits):
    async def test_run_too(self): ...
    async def helper(self): ...
"""
    assert sorted(unawaited_tests(ast.parse(source), {})) == ["test_bare", "test_unrun", "test_unrun_too"]


@every_test
def test_every_test_states_its_rule(path):
    """The docstring of a test is the specification it checks."""
    tests = [node for node in functions(path) if node.name.startswith("test_")]
    assert [node.name for node in tests if not ast.get_docstring(node)] == []
