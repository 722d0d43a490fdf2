"""The table of the house in docs/contributing.md says what the imports say, and imports run one way."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "skbackprop"
pytestmark = pytest.mark.skipif(not PACKAGE.is_dir(), reason="only what is installed is there, not its source")

#: From the bottom up: a folder imports nothing of those after it.
FLOORS = ["_kernel", "_network", "_training", "estimators", "inspection"]


def sources():
    """Python and Cython files by the name that the table gives them."""
    files = sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.pyx")])
    return {str(f.relative_to(PACKAGE)): f for f in files if f.name != "__init__.py" or f.parent == PACKAGE}


def module_of(file, node):
    """The files that an import statement of the package names."""
    folder = file.parent
    for _ in range(node.level - 1):
        folder = folder.parent
    target = folder.joinpath(*(node.module or "").split("."))
    if target.is_dir():  # a package: what it names comes from its modules
        for alias in node.names:
            yield from owner(target, alias.name)
    else:
        yield target.with_suffix(".py")


def owner(package, name):
    """The file in which a name that a package offers is defined."""
    for suffix in (".py", ".pyx"):
        if (package / name).with_suffix(suffix).exists():
            yield (package / name).with_suffix(suffix)
            return
    init = ast.parse((package / "__init__.py").read_text())
    for node in ast.walk(init):
        if isinstance(node, ast.ImportFrom) and node.level == 1 and name in [a.asname or a.name for a in node.names]:
            source = package / node.module
            yield source.with_suffix(".pyx" if source.with_suffix(".pyx").exists() else ".py")
            return
    yield package / "__init__.py"


def imports(name, file):
    """What a file imports of the package, at its top or within functions."""
    text = file.read_text()
    if file.suffix == ".pyx":
        assert not re.search(r"^\s*(from|import) +(\.|skbackprop)", text, re.MULTILINE), name
        return set()
    found = {
        str(target.relative_to(PACKAGE))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.level
        for target in module_of(file, node)
    }
    return found - {name, "__init__.py"}  # the version is there


def table():
    """file -> files it imports, as the table has them."""
    page = (ROOT / "docs" / "contributing.md").read_text()
    rows = re.findall(r"^\| \[`([^`]+)`\]\(([^)]+)\) \| ([^|]+) \| ([^|]*) \|$", page, re.MULTILINE)
    for name, link, _, _ in rows:
        assert (ROOT / "docs" / link).resolve() == (PACKAGE / name).resolve(), name
    return {name: set(re.findall("`([^`]+)`", used)) for name, _, _, used in rows}


def floor(name):
    folder = name.split("/")[0] if "/" in name else "estimators"
    return FLOORS.index(folder)


def test_the_table_of_the_house_is_true():
    assert table() == {name: imports(name, file) for name, file in sources().items()}


def test_imports_run_one_way():
    graph = {name: imports(name, file) for name, file in sources().items()}
    list(TopologicalSorter(graph).static_order())  # raises where there is a circle
    # onnx and persistence describe estimators from outside
    assert all(floor(used) <= floor(name) for name, names in graph.items() for used in names)
