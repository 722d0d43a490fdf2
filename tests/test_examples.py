"""Every example of the gallery runs without a warning and draws something."""

import runpy
from pathlib import Path

import pytest

pyplot = pytest.importorskip("matplotlib.pyplot")

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("plot_*.py"))


def has_content(ax):
    """Whether anything was drawn in the axes: lines, points, pictures, bars, or a table of text."""
    return ax.has_data() or bool(ax.images or ax.patches or ax.texts)


@pytest.fixture
def clean_pyplot(monkeypatch):
    """No window, and no setting that outlives the test."""
    monkeypatch.setattr(pyplot, "show", lambda: None)
    with pyplot.rc_context():
        yield pyplot


def test_there_are_examples():
    assert EXAMPLES


def test_the_gallery_has_every_example():
    groups = runpy.run_path(str(EXAMPLES[0].parents[1] / "docs" / "_extensions" / "gallery.py"))["GROUPS"]
    assert sorted(f"plot_{name}" for names in groups.values() for name in names) == [path.stem for path in EXAMPLES]


# matplotlib 3.8 with a new pyparsing
@pytest.mark.filterwarnings(r"ignore:'\w+' (argument is )?deprecated:DeprecationWarning")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_draws(path, clean_pyplot):
    runpy.run_path(str(path), run_name="__main__")
    figures = [pyplot.figure(number) for number in pyplot.get_fignums()]
    assert figures
    for figure in figures:
        figure.canvas.draw()  # a warning of the drawing itself, as of a missing letter, is an error too
        assert figure.axes
        assert all(has_content(ax) for ax in figure.axes if ax.axison)
