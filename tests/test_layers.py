"""The layers: which folder may import which, and rules of writing that no other tool checks."""

import ast
import io
import re
import sys
import tokenize
import tomllib
from functools import cache, lru_cache, wraps
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIMIT = 25
"""Lines of code of one function at most, its docstring, comments and blank lines not counted."""

BUILT_ON = {
    "model": set(),
    "protocols": {"model"},
    "plugin": {"model"},
    "plugins": {"plugin"},
    "net": {"model", "plugin"},
    "gateway": {"model", "plugin"},
    "database": {"model", "plugin"},
    "hub": {"model", "plugin", "protocols", "database"},
    "mdm": {"model", "plugin", "protocols", "database"},
    "client": {"model", "protocols", "net"},
    "simulator": {"model", "plugin", "protocols", "net"},
    "inputs": {"model", "plugin", "protocols", "net"},
    "upstreams": {"model", "plugin", "protocols", "net"},
    "sinks": {"model", "plugin", "protocols", "net"},
    "service": {"model", "plugin", "plugins", "net", "gateway", "hub", "mdm"},
    "testing": {"model", "protocols", "plugin", "gateway", "hub", "simulator"},
    "cli": {"model", "protocols", "plugin", "net", "hub", "client", "service"},
}
"""The folders of pushgate/, and which others each may import. The table reads upwards: no folder is built on a
later one."""

APART = {"inputs", "upstreams", "sinks"}
"""Folders whose parts know themselves and ``common``, and no other part."""

EXCEPTIONS = {
    # The embedded default upstream brings its push service along.
    ("pushgate.upstreams.simulator", "pushgate.simulator"),
    ("pushgate.upstreams.simulator", "pushgate.upstreams.apns_binary"),
}
"""Single modules that may import one folder, or one part of their own, more."""

PURE = {
    "model": {"msgspec"},
    "protocols.adm": {"msgspec"},
    "protocols.apns_binary": {"msgspec"},
    "protocols.apns_http2": {"msgspec", "jwt", "cryptography", "pyasn1"},
    "protocols.apns_push_types": {"msgspec"},
    "protocols.es256_key": {"cryptography"},
    "protocols.fcm": {"msgspec", "jwt", "cryptography"},
    "protocols.baidu": {"msgspec"},
    "protocols.hms": {"msgspec", "jwt", "cryptography"},
    "protocols.http_push": {"msgspec"},
    "protocols.lint": {"msgspec"},
    "protocols.lost_in_flight": {"msgspec"},
    "protocols.momentum": {"msgspec"},
    "protocols.mdm_push": {"msgspec"},
    "protocols.mpns": {"msgspec"},
    "protocols.oauth": {"msgspec"},
    "protocols.outcome_words": {"msgspec"},
    "protocols.rsa_key": {"cryptography"},
    "protocols.telemetry_names": {"msgspec"},
    "protocols.webhook_signature": set(),
    "protocols.wns": {"msgspec"},
    "protocols.xiaomi": {"msgspec"},
    "protocols.xml_payload": set(),
    "protocols.webpush": {"msgspec", "jwt", "cryptography"},
    "client.address": {"msgspec"},
    "client.event_reader": {"msgspec"},
    "client.operations": set(),
    "plugin.settings": {"pydantic", "pydantic_core"},
    "inputs.amp.stats_page": {"msgspec"},
    "mdm.diagnosis": {"msgspec"},
    "mdm.queued_pushes": set(),
    "mdm.schedule": set(),
    "net.http.alpn": set(),
    "net.http.client_codec": {"msgspec"},
    "net.http.codec": {"msgspec"},
    "net.http.http1_client": {"h11", "msgspec"},
    "net.http.http2": set(),
    "net.http.http2_client": {"msgspec"},
    "net.http.http2_client_h2": {"h2", "hpack"},
    "net.http.http2_client_ngh2": {"ngh2"},
    "net.http.http2_frames": set(),
    "net.http.http2_h2": {"h2", "hpack"},
    "net.http.http2_lenient": set(),
    "net.http.http2_ngh2": {"ngh2"},
    "net.http.http2_requests": set(),
    "net.http.http2_server": {"msgspec"},
    "cli.status.rows": set(),
    "cli.top.samples": {"msgspec"},
    "gateway.traffic": set(),
    "gateway.queue.priority_queue": {"msgspec"},
    "gateway.queue.rate_groups": set(),
    "gateway.queue.watermarks": set(),
    "gateway.queue.send_filter": set(),
    "gateway.dead_tokens.index": set(),
    "gateway.dead_tokens.environment_guard": {"msgspec"},
    "gateway.outcomes.tracker": {"msgspec"},
    "hub.registration_rules": {"msgspec"},
    "inputs.http.console.app_state": set(),
    "inputs.http.console.headers": set(),
    "inputs.http.console.latest": {"msgspec"},
    "inputs.http.console.point": {"msgspec"},
    "inputs.http.console.totals": {"msgspec"},
    "hub.outcomes.names": {"msgspec"},
    "hub.outcomes.reports": {"msgspec"},
    "hub.sending.formatting": {"msgspec"},
    "hub.sending.page": {"msgspec"},
    "hub.tag_expressions": {"msgspec"},
    "hub.templates": {"msgspec", "defusedxml"},
    "protocols.notification_hubs": {"msgspec", "defusedxml"},
    "upstreams.apns_http2.combination": {"msgspec"},
    "upstreams.apns_http2.settings": {"pydantic"},
    "upstreams.common.circuit_breaker": {"msgspec"},
    "upstreams.common.handshake_limit": set(),
    "upstreams.common.spare_demand": set(),
}
"""What is pure, folders and single modules of pushgate/, and the libraries that each may use."""
IMPURE = {
    "asyncio", "datetime", "logging", "os", "random", "sched", "secrets", "select", "signal", "socket",
    "subprocess", "threading", "time",
}  # fmt: skip


def name_of(path):
    """The dotted name of the module in this file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def python_files(*folders):
    """Every Python file of these folders of the checkout."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def of_each(paths):
    """Make a check of one file a test of all of these: a case for each would cost more than the checks."""

    def decorate(check):
        @wraps(check, assigned=("__module__", "__name__", "__qualname__", "__doc__"))
        def test():
            faults = []
            for path in paths:
                try:
                    check(path)
                except AssertionError as error:
                    faults.append(f"{path.relative_to(ROOT)}: {error}")
            assert not faults, "\n".join(faults)

        del test.__wrapped__  # pytest would ask for the argument of what it wraps
        return test

    return decorate


MODULES = python_files("pushgate")
PATHS = {name_of(path): path for path in MODULES}
OURS = PATHS.keys()
EVERYWHERE = python_files("pushgate", "twisted", "plugins", "bench", "tests")
TESTS = [path for path in python_files("tests") if path.name.startswith("test_")]
every_module, every_file, every_test = of_each(MODULES), of_each(EVERYWHERE), of_each(TESTS)


@lru_cache(maxsize=1)
def tree_of(path):
    """The syntax tree of a file. All of them would be millions of objects, which slow every later test down."""
    return ast.parse(path.read_bytes())


@cache
def imports(path):
    """The modules that a file imports, wherever in it, modules imported from packages by their whole name."""
    found = set()
    for node in ast.walk(tree_of(path)):
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


def folder_of(module):
    """The folder directly in pushgate/ of one of our modules; "" of the package itself, which is the version.

    ``python -m pushgate`` is the command, so its module counts as one of ``cli``.
    """
    return module.partition(".")[2].partition(".")[0].replace("__main__", "cli")


def part_of(module):
    """The part of `inputs`, `upstreams` or `sinks` that a module belongs to: a package or a single file."""
    return ".".join(module.split(".")[:3])


def imports_of_ours(module):
    """Which of our modules a module imports, for types or not, the version left out."""
    return {name for name in imports(PATHS[module]) if name in OURS and name not in {module, "pushgate"}}


def libraries_of(module):
    """The libraries a pure module may use; None of a module that need not be pure."""
    name = module.removeprefix("pushgate.")
    return next((PURE[each] for each in PURE if f"{name}.".startswith(f"{each}.")), None)


def circles(graph):
    """The nodes of a graph that can be reached from themselves."""
    reached = {}
    for node in graph:
        seen, todo = set(), list(graph[node])
        while todo:
            if (each := todo.pop()) not in seen:
                seen.add(each)
                todo.extend(graph[each])
        reached[node] = seen
    return {node for node in graph if node in reached[node]}


@every_module
def test_every_module_has_a_folder(path):
    """A module stands in one of the folders of the table."""
    assert folder_of(name_of(path)) in {"", *BUILT_ON}


def test_the_table_reads_upwards():
    """Each folder is built on earlier ones only, so that imports run one way."""
    order = list(BUILT_ON)
    assert [one for one in order if not BUILT_ON[one] <= set(order[: order.index(one)])] == []


def test_the_page_names_every_folder():
    """docs/architecture.md says of every folder what it is for."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = {each.strip("`/") for each in re.findall(r"`[a-z_]+/`", page)}
    assert BUILT_ON.keys() - named == set()


@every_module
def test_folders_import_what_they_are_built_on(path):
    """A folder imports the folders it is built on, never one beside it: inputs know no sinks."""
    module = name_of(path)
    folder = folder_of(module)
    allowed = (
        BUILT_ON.get(folder, set()) | {folder} | {folder_of(to) for name, to in EXCEPTIONS if name == module}
    )
    assert {name for name in imports_of_ours(module) if folder_of(name) not in allowed} == set()


@every_module
def test_parts_know_only_themselves_and_what_is_common(path):
    """One input imports no other: what two of them need is in ``common``. Likewise upstreams and sinks."""
    module = name_of(path)
    folder = folder_of(module)
    if folder in APART:
        beside = {part_of(name) for name in imports_of_ours(module) if folder_of(name) == folder}
        excepted = {to for name, to in EXCEPTIONS if name == module}
        assert beside - excepted - {part_of(module), f"pushgate.{folder}.common"} == set()


def test_nothing_imports_in_a_circle():
    """Modules that know one another can only be read, tested and moved together; types count too."""
    graph = {module: imports_of_ours(module) for module in OURS}
    assert circles(graph) == set()


def test_the_check_for_circles_finds_them():
    """The rule above sees circles of any length, and lets chains be."""
    assert circles({1: {2}, 2: {3}, 3: {1}, 4: {1}, 5: set()}) == {1, 2, 3}


@of_each([path for path in MODULES if libraries_of(name_of(path)) is not None])
def test_pure_modules_have_no_clock_no_chance_and_no_network(path):
    """Values, policies and the wire take time and chance as arguments: of others they use next to nothing."""
    libraries = {name.split(".")[0] for name in imports(path)} - {"pushgate"}
    assert libraries & IMPURE == set()
    assert libraries - sys.stdlib_module_names - libraries_of(name_of(path)) == set()


@of_each(python_files("pushgate", "plugins", "twisted", "bench"))
def test_no_module_imports_a_tap(path):
    """A tap puts everything together: a module that imported it would depend on everything."""
    assert [name for name in imports(path) if name.startswith("pushgate.") and name.endswith(".tap")] == []


@of_each(python_files("pushgate", "plugins", "twisted"))
def test_the_reactor_is_imported_where_the_process_is_made(path):
    """Everything else is given a clock and a network, so that a test can give it others."""
    at_home = path.name == "tap.py" or path.is_relative_to(ROOT / "pushgate" / "cli")
    assert at_home or "twisted.internet.reactor" not in imports(path)


@of_each(python_files("plugins", "tests/pigeon_post"))
def test_examples_import_the_public_face(path):
    """The examples of plug-ins import `pushgate.plugin`, which is all that they need, and nothing below it."""
    assert {name for name in imports(path) if name.startswith("pushgate")} <= {"pushgate.plugin"}


def test_coverage_counts_every_pure_module():
    """The rule of 100 % of branches holds for all pure modules, new ones included."""
    include = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["coverage"]["run"]["include"]
    counted = {path for pattern in include for path in ROOT.glob(pattern)}
    assert {path for path in MODULES if libraries_of(name_of(path)) is not None} <= counted


def comments(path):
    """The comments of a file, with their line numbers."""
    tokens = tokenize.tokenize(io.BytesIO(path.read_bytes()).readline)
    return [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]


SILENCER = re.compile(
    r"#\s*(noqa|type:\s*ignore|pragma:\s*no cover|pyright:|mypy:|ruff:\s*noqa)", re.IGNORECASE
)
REASONED = re.compile(r"#\s*(noqa: [A-Z]+\d+(, ?[A-Z]+\d+)*|type: ignore\[[\w, -]+\])\s+(-|#)\s*\w.*")


@every_file
def test_a_silenced_tool_has_a_reason(path):
    """`noqa` and `type: ignore` name the rule and give a reason; nothing is left out of the coverage."""
    if not SILENCER.search(path.read_text("utf-8")):
        return  # telling comments from strings takes long
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
    return [
        node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def docstring_lines(node):
    """The numbers of the lines of a function's docstring."""
    if ast.get_docstring(node, clean=False) is None:
        return set()
    return set(range(node.body[0].lineno, node.body[0].end_lineno + 1))


@every_module
def test_functions_are_short(path):
    """A function fits on half a screen: up to 25 lines of code, its head included."""
    long = [node for node in functions(path) if node.end_lineno - node.lineno >= LIMIT]
    lines = code_lines(path) if long else set()
    sizes = [
        (node.name, len((lines & set(range(node.lineno, node.end_lineno + 1))) - docstring_lines(node)))
        for node in long
    ]
    assert [(name, size) for name, size in sizes if size > LIMIT] == []


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


@cache
def shared_classes():
    """The classes of the files beside the tests, by name: tests derive from them."""
    others = [other for other in python_files("tests") if other not in TESTS]
    return {
        name: node for other in others for name, node in classes_of(ast.parse(other.read_bytes())).items()
    }


@every_test
def test_no_asynchronous_test_passes_unrun(path):
    """Only trial's `TestCase` awaits an `async def` test; `SynchronousTestCase` passes it unrun."""
    assert unawaited_tests(tree_of(path), shared_classes()) == []


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


def test_every_tls_client_verifies_host_names_in_one_place():
    """Twisted's own options take a certificate that has no readable name for one that matches."""
    for path in MODULES:
        text = path.read_text("utf-8")
        if name_of(path) != "pushgate.net.client_tls":
            assert "optionsForClientTLS(" not in text
            assert "wrapClientTLS" not in text
