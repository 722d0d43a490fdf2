"""Saved estimators: the same bits after loading, the same bits when training goes on, small files, clear errors."""

import copy
import io
import pickle
import subprocess
import sys
import textwrap

import joblib
import numpy as np
import pytest
from helpers import fit_quietly, make_data, same_bits
from sklearn.base import clone

import skbackprop
from skbackprop import BackpropAutoencoder, BackpropClassifier, BackpropRegressor


def by_pickle(model):
    return pickle.loads(pickle.dumps(model))


def by_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


def by_cloudpickle(model):
    return pickle.loads(pytest.importorskip("cloudpickle").dumps(model))


def by_skops(model):
    """Trusting the estimator's own class, and nothing else."""
    skops = pytest.importorskip("skops.io")
    data = skops.dumps(model)
    own = f"{type(model).__module__}.{type(model).__name__}"
    assert skops.get_untrusted_types(data=data) == [own]
    return skops.loads(data, trusted=[own])


every_way = pytest.mark.parametrize("saved", [by_pickle, by_joblib, by_cloudpickle, by_skops, copy.deepcopy])

MODELS = [
    BackpropClassifier((5,)),
    BackpropClassifier((5, 3), ["tanh", "relu"], loss="log_loss", learning_rate_schedule="adaptive"),
    BackpropClassifier((5,), solver="adam", batch_size=4, learning_rate=0.001, class_weight={0: 1.0, 1: 2.0, 2: 1.0}),
    BackpropClassifier((5,), momentum=0.9, nesterovs_momentum=True, dropout=0.5, learning_rate=0.01),
    BackpropClassifier((), sampling="shuffle", alpha=0.01),
    BackpropRegressor((5,), momentum=0.9, learning_rate_schedule="cosine"),
    BackpropRegressor((5,), solver="lbfgs"),
    BackpropRegressor((5,), early_stopping=True, scoring="neg_mean_absolute_error"),
    BackpropAutoencoder(),
]


@every_way
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_loads_to_the_bit_and_goes_on_to_the_bit(model, dtype, saved):
    X, y = make_data(model, dtype=dtype)
    model = fit_quietly(clone(model).set_params(max_iter=3, warm_start=True), X, y)
    loaded = saved(model)
    assert same_bits(loaded, model)
    assert loaded.transform(X).tobytes() == model.transform(X).tobytes()
    assert type(loaded) is type(model)
    fit_quietly(model, X, y)
    fit_quietly(loaded, X, y)
    assert same_bits(loaded, model)
    if hasattr(model, "partial_fit"):
        assert same_bits(loaded.partial_fit(X, y), model.partial_fit(X, y))


@every_way
def test_multilabel_and_strings(saved):
    X, y = make_data(BackpropClassifier)
    for labels in (np.array(["no", "yes", "é"])[y], np.column_stack([y > 0, y > 1])):
        model = fit_quietly(BackpropClassifier((3,), max_iter=2), X, labels)
        assert np.array_equal(saved(model).predict(X), model.predict(X))


@every_way
def test_an_unfitted_one(saved):
    model = BackpropClassifier((7,), learning_rate=0.3)
    assert saved(model).get_params() == model.get_params()
    assert not hasattr(saved(model), "coefs_")


@pytest.mark.parametrize(
    "parameters, vectors",
    [
        (dict(), 1),
        (dict(solver="lbfgs"), 1),
        (dict(momentum=0.9), 2),
        (dict(solver="adam"), 3),
        (dict(early_stopping=True), 1),
    ],
)
def test_no_larger_than_what_training_needs_to_go_on(parameters, vectors):
    """The weights once, and once for each moment of the solver; no padding of the 100 features' 33 units to 40."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 100)), rng.integers(2, size=50)
    model = fit_quietly(BackpropClassifier((33,), max_iter=2, **parameters), X, y)
    n_weights = sum(w.size for w in model.coefs_ + model.intercepts_)
    padding = 1.3 if vectors > 1 else 1.0  # a moment is padded like the kernel's weights
    assert len(pickle.dumps(model)) < 8 * n_weights * (1 + (vectors - 1) * padding) + 3000


# ---- versions -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[by_pickle, by_skops])
def saved_by_another(request, monkeypatch):
    """A function that saves a model as another version would have, and gives what loads it with this one."""
    package = {by_pickle: pickle, by_skops: None}[request.param] or pytest.importorskip("skops.io")

    def save(model, version):
        with monkeypatch.context() as patch:
            patch.setattr(skbackprop, "__version__", version)
            data = package.dumps(model)
        trusted = {} if package is pickle else {"trusted": ["skbackprop._classifier.BackpropClassifier"]}
        return lambda: package.loads(data, **trusted)

    return save


@pytest.fixture
def fitted():
    X, y = make_data(BackpropClassifier)
    return fit_quietly(BackpropClassifier((3,), max_iter=2, dropout=0.25), X, y)


def test_a_parameter_that_came_later_gets_its_default(fitted, saved_by_another):
    del fitted.dropout
    assert saved_by_another(fitted, "0.0.9")().dropout == 0


@pytest.mark.parametrize("attribute", ["_rng", "loss_curve_", "classes_"])
def test_what_an_older_version_lacks_is_named(fitted, saved_by_another, attribute):
    delattr(fitted, attribute)
    load = saved_by_another(fitted, "0.0.9")
    with pytest.raises(ValueError, match=f"saved by skbackprop 0.0.9 and lacks {attribute}, .* or fit it again"):
        load()


def test_what_a_newer_version_has_is_named(fitted, saved_by_another):
    fitted.shiny = True
    load = saved_by_another(fitted, "9.0")
    with pytest.raises(ValueError, match=r"saved by skbackprop 9.0 and has the parameter shiny, .* does not know"):
        load()


def test_attributes_of_the_users_own_are_kept(fitted):
    fitted.note = "mine"
    assert by_pickle(fitted).note == copy.copy(fitted).note == "mine"


# ---- no surprises ---------------------------------------------------------------------------------------------------


def test_fitting_and_predicting_touch_nothing_else():
    """No file is written, no connection opened, no process started, no code compiled or run from data."""
    script = """
        import sys
        import numpy as np
        from skbackprop import BackpropAutoencoder, BackpropClassifier, BackpropRegressor

        X = np.random.default_rng(0).normal(size=(50, 4))
        models = [BackpropClassifier(), BackpropRegressor(solver="lbfgs"), BackpropAutoencoder(early_stopping=True)]

        def work():
            for model in models:
                model.set_params(max_iter=2).fit(X, X[:, 0] > 0).transform(X)
                repr(model)
            models[0].predict(X), models[1].predict(X), models[0].partial_fit(X, X[:, 0] > 0)

        def watch(event, args):
            write = event == "open" and not (isinstance(args[1], str) and set(args[1]) <= set("rbt"))
            if watching and (write or event.partition(".")[0] in ("socket", "subprocess", "exec", "compile", "os")):
                print(event, args)

        watching = False
        work()  # what SciPy and scikit-learn load at their first use, they have loaded
        sys.addaudithook(watch)
        watching = True
        work()
        open("/dev/null", "w").close()  # the hook is awake
    """
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines() == ["open ('/dev/null', 'w', 524865)"]
