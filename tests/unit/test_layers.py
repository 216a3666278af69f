"""The order of the layers, read from every import: at the top, under TYPE_CHECKING and inside functions alike."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "src"
LEVELS = (
    ("errors", "zones", "datatypes", "settings", "observe"),
    ("principal", "query", "catalog"),
    ("policy",),
    ("plan",),
    ("engines", "backends"),
    ("services",),
    ("http",),
    ("surfaces",),
    ("app", ""),  # "" is the package itself, which only hands on what app makes public
    ("cli", "testing"),
)
LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names}
CONCRETE = ("memory", "sqlite", "postgres", "mysql", "mongo")
CONFINED = {
    "sqlalchemy": (
        "catalog.build",
        "catalog.declared",
        "catalog.system",
        "engines.sql",
        "engines.sqlite",
        "engines.postgres",
        "engines.mysql",
    ),
    "starlette": ("http", "surfaces", "app"),
    "sqlite3": ("engines.sqlite",),
    "pysqlite3": ("engines.sqlite",),
    "sqlcipher3": ("engines.sqlite",),
    "psycopg": ("engines.postgres",),
    "psycopg_pool": ("engines.postgres",),
    "granian": ("cli",),
    "uvloop": ("cli",),
    "jwt": ("services.identity",),
    "argon2": ("services.identity",),
    "bcrypt": ("services.identity",),
    "jinja2": ("services.identity",),
    "aiosmtplib": ("backends.mail",),
    "redis": ("backends.counters.redis",),
    "httpx2": ("backends.web", "services.identity.providers"),
    "cryptography": ("services.identity",),
    "authlib": ("services.identity.providers",),
    "lxml": ("services.identity.saml",),
    "signxml": ("services.identity.saml.signed",),
    "coincurve": ("services.identity.wallets.ethereum",),
    "Crypto": ("services.identity.wallets.ethereum",),
    "webauthn": ("services.identity.factors.relying",),
    "segno": ("services.identity.factors.totp",),
    "re2": ("query.regex",),
}
INPUT_OUTPUT = {"asyncio", "socket", "ssl", "subprocess", "threading", "multiprocessing", "http.client", "urllib.request"}
PURE = tuple(name for names in LEVELS[:4] for name in names)

Import = tuple[str, int]  # what is imported, on which line


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by its name below it: "" for the package, "plan.guard" for plan/guard.py."""
    found = {}
    for path in sorted((ROOT / "mainspring").rglob("*.py")):
        parts = path.relative_to(ROOT / "mainspring").with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text("utf-8"))


def imports(module: str) -> Iterator[Import]:
    """The absolute names `module` imports, wherever in it."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)


def _base(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = ["mainspring", *module.split(".")] if module else ["mainspring"]
    up = node.level - (modules()[module].name == "__init__.py")
    return ".".join([*package[: len(package) - up], *([node.module] if node.module else [])])


def own_imports(module: str) -> Iterator[Import]:
    """The modules of ours that `module` imports, named below the package."""
    for name, line in imports(module):
        if name == "mainspring" or name.startswith("mainspring."):
            inner = name.removeprefix("mainspring").removeprefix(".")
            while inner not in modules():
                inner = inner.rpartition(".")[0]
            yield inner, line


def top(module: str) -> str:
    return module.split(".")[0]


def within(module: str, places: tuple[str, ...]) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


def place(module: str, line: int) -> str:
    return f"{modules()[module].relative_to(ROOT)}:{line}"


def test_every_package_has_a_level() -> None:
    assert {top(module) for module in modules()} <= LEVEL.keys()


def test_nothing_imports_from_a_higher_layer() -> None:
    wrong = [
        f"{place(module, line)} imports {target}"
        for module in modules()
        for target, line in own_imports(module)
        if LEVEL[top(target)] > LEVEL[top(module)]
    ]
    assert not wrong, "\n".join(wrong)


def test_surfaces_never_import_one_another() -> None:
    wrong = [
        f"{place(module, line)} imports {target}"
        for module in modules()
        for target, line in own_imports(module)
        if top(module) == top(target) == "surfaces" and module.split(".")[1:2] != target.split(".")[1:2]
    ]
    assert not wrong, "\n".join(wrong)


def test_there_is_no_cycle() -> None:
    graph = {module: {target for target, _ in own_imports(module)} - {module} for module in modules()}
    assert find_cycle(graph) is None


def find_cycle(graph: dict[str, set[str]]) -> list[str] | None:
    """One cycle of `graph`, or None: nodes without an unvisited successor are taken off until none is left."""
    left = {node: set(targets) for node, targets in graph.items()}
    while free := [node for node, targets in left.items() if not targets & left.keys()]:
        for node in free:
            del left[node]
    if not left:
        return None
    path = [next(iter(left))]
    while True:
        following = next(target for target in left[path[-1]] if target in left)
        if following in path:
            return [*path[path.index(following) :], following]
        path.append(following)


@pytest.mark.parametrize("package", CONFINED)
def test_a_confined_package_stays_where_it_belongs(package: str) -> None:
    wrong = [
        f"{place(module, line)} imports {name}"
        for module in modules()
        for name, line in imports(module)
        if name.split(".")[0] == package and not within(module, CONFINED[package])
    ]
    assert not wrong, "\n".join(wrong)


def test_only_the_registry_imports_a_concrete_engine() -> None:
    wrong = [
        f"{place(module, line)} imports {target}"
        for module in modules()
        for target, line in own_imports(module)
        for engine in CONCRETE
        if within(target, (f"engines.{engine}",)) and not within(module, ("engines.registry", f"engines.{engine}"))
    ]
    assert not wrong, "\n".join(wrong)


def test_only_the_guard_reads_the_policies() -> None:
    wrong = [
        place(module, line)
        for module in modules()
        for target, line in own_imports(module)
        if target == "policy.registry" and 3 <= LEVEL[top(module)] <= 7 and module != "plan.guard"
    ]
    assert not wrong, "\n".join(wrong)


def test_no_wire_name_below_the_surfaces() -> None:
    below = [module for module in modules() if LEVEL[top(module)] < LEVEL["surfaces"]]
    wrong = [
        f"{place(module, number)} says {name}"
        for module in below
        for number, line in enumerate(modules()[module].read_text("utf-8").splitlines(), 1)
        for name in ("PGRST", "phx_")
        if name in line
    ]
    assert not wrong, "\n".join(wrong)


def test_the_lower_layers_do_no_input_or_output() -> None:
    wrong = []
    for module in (name for name in modules() if top(name) in PURE):
        wrong += [f"{place(module, line)} imports {name}" for name, line in imports(module) if _does_io(name)]
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.AsyncFunctionDef | ast.Await):
                wrong.append(f"{place(module, node.lineno)} is asynchronous")
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
                wrong.append(f"{place(module, node.lineno)} opens a file")
    assert not wrong, "\n".join(wrong)


def _does_io(name: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in INPUT_OUTPUT)


def test_every_module_says_what_it_is_for() -> None:
    silent = [place(module, 1) for module in modules() if not ast.get_docstring(tree(module))]
    assert not silent, "\n".join(silent)


def test_a_cycle_would_be_found() -> None:
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) in (["b", "c", "b"], ["c", "b", "c"])
    assert find_cycle({"a": {"b"}, "b": set()}) is None
