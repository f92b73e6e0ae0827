"""The map names every module, imports point one way, pure modules stay pure, files stay short."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(ROOT.glob("gateway/**/*.py"))

# A part may import the parts below its row. Within a row of pure parts neighbours may be used too, without a circle;
# everywhere else neighbours meet in gateway.protocols, and gateway.app introduces them. The pure modules of a MIXED part
# count as a part of their own, in the row of "part.pure".
LAYERS: list[set[str]] = [
    {"__main__"},
    {"cli"},
    {"app"},
    {"own_pages"},
    {"workers"},
    {"console"},
    {"api"},
    {"web"},
    {"services"},
    {"demo"},
    {"demos"},
    {"proxy", "store", "sessions", "routes", "live_events", "replay"},
    {"logs", "keys", "ids", "access", "https", "loop", "lazy_server"},
    {
        "routes.pure", "replay.pure", "contracts", "correlation", "diagrams", "export", "redact", "settings", "problems",
        "metrics",
    },
    {"model", "errors", "protocols", "paths"},
]  # fmt: skip
MIXED = {"routes", "replay"}
PURE = {
    "model", "contracts", "correlation", "routes.pure", "replay.pure", "diagrams", "export", "redact", "settings", "problems",
    "metrics", "errors", "protocols",
}  # fmt: skip
OUTSIDE = {"samples"}  # pretend backends: they import nothing of ours, and only the command line starts them

FORBIDDEN = {
    "aiohttp", "asyncio", "getpass", "glob", "http.client", "httptools", "multiprocessing", "os", "platform", "random",
    "secrets", "selectors", "shutil", "signal", "socket", "sqlite3", "sqlite_utils", "ssl", "subprocess", "sys",
    "tempfile", "threading", "time", "urllib.request", "uuid",
}  # fmt: skip
CLOCKS = {"now", "utcnow", "today"}  # of datetime and date


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in FILES}


def part_of(module: str) -> str:
    """The second word of a module's name: its folder, or its file; the pure modules of a MIXED folder apart."""
    part = module.partition(".")[2].partition(".")[0]
    return f"{part}.pure" if part in MIXED and is_pure(module) else part


def imports_of(module: str) -> set[str]:
    """Every module that this one imports when it runs, lazily or not; what only the type checker sees is left out."""
    file = MODULES[module]
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in running(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            inner = {f"{base}.{name.name}" for name in node.names} & MODULES.keys()
            found |= inner | ({base} if len(inner) < len(node.names) else set())
    return found - {module}


def running(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those below `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        yield from running(node)


OURS = {module: {name for name in imports_of(module) if name in MODULES} for module in MODULES}


def row_of(part: str) -> int:
    return next((index for index, row in enumerate(LAYERS) if part in row), -1)


def test_every_part_has_its_row() -> None:
    parts = {part_of(module) for module in MODULES} - {""} - OUTSIDE
    assert {part for part in parts if row_of(part) < 0} == set(), "give it a row of LAYERS"


def test_imports_point_one_way() -> None:
    wrong = []
    for module, targets in OURS.items():
        here = part_of(module)
        for there in {part_of(target) for target in targets} - {"", here} - OUTSIDE:
            neighbours = row_of(here) == row_of(there)
            if row_of(there) < row_of(here) or (neighbours and not {here, there} <= PURE):
                wrong.append(f"{module} imports {there}")
    assert wrong == []


def test_the_command_line_knows_nothing_of_pages_and_api() -> None:
    """Commands and pages call the same use cases; neither borrows from the other."""
    surfaces = {"console", "api", "web"}
    wrong = {m: OURS[m] for m in MODULES if part_of(m) == "cli" and any(part_of(name) in surfaces for name in OURS[m])}
    assert wrong == {}


def test_the_samples_stand_alone() -> None:
    inward = {module for module in MODULES for name in OURS[module] if part_of(module) == "samples"} - {
        module for module in MODULES if all(part_of(name) == "samples" for name in OURS[module])
    }
    outward = {part_of(module) for module in MODULES if any(part_of(name) == "samples" for name in OURS[module])}
    assert inward == set()
    assert outward <= {"samples", "cli"}


def test_no_module_imports_itself_in_a_circle() -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module in done:
            return
        for target in sorted(OURS[module]):
            if not module.startswith(target + "."):  # a package is there before its modules are
                visit(target, (*path, module))
        done.add(module)

    for module in MODULES:
        visit(module, ())
    assert done == set(MODULES)


def first_line(module: str) -> str:
    return (ast.get_docstring(ast.parse(MODULES[module].read_text("utf-8"))) or "").partition("\n")[0]


def is_pure(module: str) -> bool:
    """What a module says of itself; those of a PURE part have to say it."""
    return re.search(r"\bPure\b[.:]", first_line(module)) is not None


@pytest.mark.parametrize("module", sorted(filter(is_pure, MODULES)))
def test_a_pure_module_touches_nothing_outside(module: str) -> None:
    foreign = {name for name in imports_of(module) if name in FORBIDDEN or name.split(".")[0] in FORBIDDEN}
    assert foreign == set()
    assert {
        name for name in OURS[module] if part_of(name) and not is_pure(name) and not is_parent(name, module)
    } == set()
    calls = [node for node in running(ast.parse(MODULES[module].read_text("utf-8"))) if isinstance(node, ast.Call)]
    assert [ast.unparse(call) for call in calls if reaches_out(call)] == []


def is_parent(package: str, module: str) -> bool:
    return module.startswith(package + ".")


def reaches_out(call: ast.Call) -> bool:
    """Whether a call opens a file or reads a clock."""
    if isinstance(call.func, ast.Name):
        return call.func.id in ("open", "input", "print")
    if isinstance(call.func, ast.Attribute):
        files = {"read_text", "read_bytes", "write_text", "write_bytes", "is_file", "is_dir", "exists", "iterdir"}
        clock = call.func.attr in CLOCKS and ast.unparse(call.func.value).split(".")[-1] in ("datetime", "date")
        return clock or call.func.attr in files
    return False


@pytest.mark.parametrize("module", sorted(MODULES))
def test_the_first_line_of_a_module_says_what_it_is(module: str) -> None:
    line = first_line(module)
    assert line, "no docstring"
    assert is_pure(module) or part_of(module) not in PURE, line
    if MODULES[module].name == "__init__.py" and part_of(module):
        assert is_pure(module) or "I/O" in line, line


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_file_can_be_read_in_one_sitting(module: str) -> None:
    assert len(MODULES[module].read_text("utf-8").splitlines()) <= 600


def test_a_class_name_means_one_thing() -> None:
    homes: dict[str, list[str]] = {}
    for module, file in MODULES.items():
        if part_of(module) in OUTSIDE:
            continue
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name.lstrip("_"), []).append(module)
    assert {name: where for name, where in homes.items() if len(where) > 1} == {}


def raised(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """The names of the exceptions that the function's own code raises."""
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Raise) and node.exc is not None:
            found.add(ast.unparse(node.exc.func if isinstance(node.exc, ast.Call) else node.exc))
    return {name for name in found if name[:1].isupper()}


def public_functions(module: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    body = ast.parse(MODULES[module].read_text("utf-8")).body
    bodies = [body, *(node.body for node in body if isinstance(node, ast.ClassDef) and not node.name.startswith("_"))]
    functions = [one for nodes in bodies for one in nodes if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    yield from (one for one in functions if one.name == "__init__" or not one.name.startswith("_"))


# Commands, calls and pages all end alike: a GatewayError becomes words and an exit code, or a problem response.
SURFACES = {"cli", "api", "console", "samples"}


@pytest.mark.parametrize("module", sorted(one for one in MODULES if part_of(one) not in SURFACES))
def test_a_docstring_names_what_its_function_raises(module: str) -> None:
    silent = {
        function.name: names
        for function in public_functions(module)
        if (names := {name for name in raised(function) if name not in (ast.get_docstring(function) or "")})
    }
    assert silent == {}


def modules_with_tests() -> set[str]:
    """Every module that has its test file, or that a test names in the Covers line of its docstring."""
    found = set()
    for file in ROOT.glob("tests/**/test_*.py"):
        found.add(str(file.relative_to(ROOT / "tests").with_name(file.stem.removeprefix("test_"))))
        text = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
        if match := re.search(r"Covers: ([\w/,\s]+)\.", text):
            found |= set(re.split(r"[,\s]+", match[1].strip()))
    return found


def test_every_module_has_its_test_or_a_test_that_names_it() -> None:
    modules = {
        str(file.relative_to(ROOT / "gateway").with_suffix("")) for file in FILES if not file.name.startswith("__")
    }
    assert modules - modules_with_tests() == set(), (
        "give it tests/..., or name it in `Covers: ...` of the test that reaches it"
    )


def test_a_test_names_only_modules_that_exist() -> None:
    modules = {str(file.relative_to(ROOT / "gateway").with_suffix("")) for file in FILES}
    named = set()
    for file in ROOT.glob("tests/**/test_*.py"):
        text = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
        if match := re.search(r"Covers: ([\w/,\s]+)\.", text):
            named |= set(re.split(r"[,\s]+", match[1].strip()))
    assert named - modules == set()


def test_the_map_names_every_module_and_only_modules_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = set(re.findall(r"`(gateway/[\w/]+\.py)`", text))
    there = {str(file.relative_to(ROOT)) for file in FILES}
    assert named - there == set(), "the map names what is not there"
    assert there - named == set(), "not on the map: make docs"


def test_the_way_in_names_files_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8").partition("<!-- modules")[0]
    named = re.findall(r"`([\w/]+\.(?:py|md))`", text)
    assert len(named) > 20, "the way in is gone"
    assert [name for name in named if not any((ROOT / base / name).exists() for base in ("", "gateway"))] == []
