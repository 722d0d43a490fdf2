"""What the README and the pages of docs/ show works as printed."""

import re
import runpy
import sys
import tomllib
from contextlib import nullcontext
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "skbackprop"
PAGES = [
    "README.md",
    *(str(page.relative_to(ROOT)) for page in sorted(ROOT.glob("docs/**/*.md")) if "_build" not in page.parts),
]
#: A block, as it stands in the page; those of {plot} begin with options for Sphinx.
BLOCK = re.compile(r"```(?:python|\{plot\}|\{stepper\})\n((?::[^\n]*\n)*)(.*?)```", re.DOTALL)

#: Blocks that import one of these wait for it to be installed.
OF_EXTRAS = {"dask", "onnxruntime", "skl2onnx"}
EXTRAS_OF_EXAMPLES = [("stream_parquet.py", "pyarrow", "parquet"), ("distributed_search.py", "dask", "dask")]


def text(page):
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def own_style():
    """A page's changes to matplotlib's settings end with it."""
    with import_module("matplotlib").rc_context() if find_spec("matplotlib") else nullcontext():
        yield


@pytest.mark.filterwarnings("ignore:Maximum iterations:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("page", [page for page in PAGES if BLOCK.search(text(page))])
def test_examples(page, capsys, tmp_path, monkeypatch):
    """The blocks of a page, one after the other as a reader pastes them."""
    monkeypatch.chdir(tmp_path)
    names = {}
    for _, code in BLOCK.findall(text(page)):
        imported = set(re.findall(r"^ *(?:import|from) (\w+)", code, re.MULTILINE))
        if all(map(find_spec, imported & OF_EXTRAS)):
            exec(compile(code, page, "exec"), names)
    if page == "README.md":
        accuracy = float(capsys.readouterr().out.splitlines()[0])
        assert accuracy > 0.96
        assert (tmp_path / "moons.png").stat().st_size > 10_000


@pytest.mark.parametrize("page", PAGES)
def test_links(page):
    for target in re.findall(r"\]\((?!http|[./]*auto_examples)([^)#]+)", text(page)):
        file = ((ROOT / page).parent / target).resolve()
        if SOURCE in file.parents and not SOURCE.exists():  # only what is installed is there
            continue
        assert file.exists(), target


def test_the_tests_that_pages_name_are_there():
    """As reliability.md names them: the file, then some of its tests."""
    named = re.findall(r"\b(test_\w+): ((?:test_\w+(?:, (?=test_\w+[, ]))?)+)", text("docs/reliability.md"))
    assert len(named) > 30
    for file, tests in named:
        code = (ROOT / "tests" / f"{file}.py").read_text(encoding="utf-8")
        for test in tests.split(", "):
            assert f"\ndef {test}(" in code, (file, test)


def test_extras_are_installed_by_one_line_everywhere():
    """From a copy of the repository, by names that pyproject.toml has; in messages and examples, too."""
    if not SOURCE.exists():
        pytest.skip("only what is installed is there")
    extras = tomllib.loads(text("pyproject.toml"))["project"]["optional-dependencies"]
    files = [ROOT / page for page in PAGES]
    for folder, suffixes in ((SOURCE, {".py"}), (ROOT / "examples", {".py", ".rst"})):
        files += [file for file in folder.rglob("*") if file.suffix in suffixes]
    lines = [line for file in files for line in re.findall(r"pip install[^`)]*?\[[^\]]*\]\S?", file.read_text("utf-8"))]
    assert len(lines) > 10
    for line in lines:
        command, extra, _ = re.split(r"[\[\]]", " ".join(line.split()))
        assert command == 'pip install -e ".' and extra in extras, line


@pytest.mark.parametrize(("example", "module", "extra"), EXTRAS_OF_EXAMPLES)
def test_an_example_says_which_extra_it_needs(example, module, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SystemExit, match=rf'{module}.*pip install -e "\.\[{extra}\]"'):
        runpy.run_path(str(ROOT / "examples" / example))
