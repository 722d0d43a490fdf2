"""Docstrings: their examples run, and they follow numpydoc."""

import doctest
import importlib.util
import inspect
import pkgutil
import pydoc

import pytest
from numpydoc.validate import validate

import skbackprop
import skbackprop.inspection
from skbackprop._callbacks import CallbackSupportMixin

#: Modules that can only be imported with an extra, and what that brings.
EXTRA = {"skbackprop.onnx": "skl2onnx"}
MODULES = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(skbackprop.__path__, "skbackprop.")
    if module.name not in EXTRA or importlib.util.find_spec(EXTRA[module.name])
]
EXAMPLES = [test for module in [skbackprop, *MODULES] for test in doctest.DocTestFinder().find(module) if test.examples]

#: Not wanted everywhere: an extended summary, See Also, an example. What is returned may have a name, descriptions may
#: start with a formula, and a summary with a noun ("Probabilities of ...") that numpydoc takes for a verb.
NOT_WANTED = {"ES01", "SA01", "EX01", "RT02", "RT04", "PR08", "SS05"}
#: Functions and classes that users do not see may have a docstring that is one formula.
WANTED_INSIDE = {"GL01", "GL02", "GL03", "GL05", "GL06", "GL07", "GL08", "SS03", "SS06", "PR02", "PR03", "PR10"}


def members(owner):
    """Names of the public methods and properties that a class of this package defines, itself or in a base class."""
    for cls in inspect.getmro(owner):
        if cls.__module__.startswith("skbackprop"):
            yield from (f"{owner.__module__}.{owner.__name__}.{name}" for name in vars(cls) if name[0] != "_")


def is_documented(thing):
    return inspect.isclass(thing) or inspect.isroutine(thing)


PUBLIC = sorted(
    name
    for package in (skbackprop, skbackprop.inspection)
    for thing in (getattr(package, name) for name in package.__all__)
    for name in {f"{package.__name__}.{thing.__name__}", *(members(thing) if inspect.isclass(thing) else [])}
)
INSIDE = sorted(
    f"{module.__name__}.{name}"
    for module in MODULES
    for name in getattr(module, "__all__", [name for name in vars(module) if name[0] != "_"])
    if is_documented(thing := getattr(module, name)) and getattr(thing, "__module__", "") == module.__name__
)


@pytest.mark.filterwarnings("ignore:Maximum iterations:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda test: test.name)
def test_example(example):
    if ".inspection" in example.name:
        pytest.importorskip("matplotlib")
    if example.name.endswith("Checkpoint") and not hasattr(CallbackSupportMixin, "set_callbacks"):
        pytest.skip("scikit-learn has no callbacks")
    output = []
    doctest.DocTestRunner().run(example, out=output.append)
    assert not output, "".join(output)


def test_each_class_has_an_example():
    """Each estimator, and each public name of the inspection package."""
    assert {test.name.split(".")[-1] for test in EXAMPLES} >= {*skbackprop.__all__, *skbackprop.inspection.__all__}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_docstring(name):
    assert not [error for error in validate(name)["errors"] if error[0] not in NOT_WANTED]


@pytest.mark.parametrize("name", INSIDE)
def test_docstring_inside(name):
    assert not [error for error in validate(name)["errors"] if error[0] in WANTED_INSIDE]


WITH_DEFAULTS = [f"skbackprop.{name}" for name in skbackprop.__all__] + [
    name for name in PUBLIC if name.split(".")[-1] in ("from_estimator", "from_estimators", "plot")
]


@pytest.mark.parametrize("name", WITH_DEFAULTS)
def test_defaults_in_the_docstring(name):
    """What the docstring gives as a default is the default."""
    thing = pydoc.locate(name)
    for parameter in inspect.signature(thing).parameters.values():
        if parameter.default is parameter.empty:
            continue
        default = f'"{parameter.default}"' if isinstance(parameter.default, str) else repr(parameter.default)
        line = next(line for line in inspect.getdoc(thing).splitlines() if line.startswith(f"{parameter.name} :"))
        shown = line.partition("default=")[2]
        assert shown in (default, default.replace("0.0001", "1e-4"), default.replace("e-0", "e-")), line
