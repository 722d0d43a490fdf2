"""Bad input: one clear ValueError that names the culprit, and the estimator stays as it was."""

import numpy as np
import pytest
import scipy.sparse as sp
from faults import every_estimator, new
from helpers import ESTIMATORS, fit_quietly, make_data, same_bits, snapshot
from sklearn.exceptions import NotFittedError

from skbackprop import BackpropClassifier, BackpropRegressor

X, Y_CLASS = make_data(BackpropClassifier)
_, Y_REAL = make_data(BackpropRegressor)


def target(estimator):
    return Y_CLASS if estimator is BackpropClassifier else Y_REAL


def fitted(estimator, **kwargs):
    return fit_quietly(estimator((5,), max_iter=3, random_state=0, **kwargs), X, target(estimator))


def assert_refused(model, match, X, y, sample_weight=None, methods=("fit", "partial_fit"), fresh=True, **kwargs):
    """Each method raises a ValueError that matches; nothing of the estimator changes, and it can still be used."""
    for method in methods:
        for estimator in [model, model.__class__(**model.get_params())] if fresh else [model]:
            before = snapshot(estimator)
            with pytest.raises(ValueError, match=match):
                getattr(estimator, method)(X, y, sample_weight=sample_weight, **kwargs)
            assert snapshot(estimator) == before
    if hasattr(model, "coefs_"):
        assert np.isfinite(model.transform(make_data(model)[0])).all()


def with_value(a, value):
    a = a.astype(np.float64)
    a[3] = value
    return a


def first_call(estimator, method):
    return {"classes": [0, 1, 2]} if estimator is BackpropClassifier and method == "partial_fit" else {}


# ---- parameters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_layer_sizes", 0),
        ("hidden_layer_sizes", -1),
        ("hidden_layer_sizes", (5, 0)),
        ("hidden_layer_sizes", (5, -3)),
        ("hidden_layer_sizes", (5.5,)),
        ("hidden_layer_sizes", 5.5),
        ("hidden_layer_sizes", "5"),
        ("hidden_layer_sizes", ("5",)),
        ("hidden_layer_sizes", [[5]]),
        ("hidden_layer_sizes", None),
        ("hidden_layer_sizes", {5, 6}),
        ("hidden_layer_sizes", {5: 6}),
        ("hidden_layer_sizes", np.array(5.0)),
        ("activation", "sigmoid"),
        ("activation", "exp"),
        ("activation", "softmax"),
        ("activation", None),
        ("activation", ["relu", "tanh"]),
        ("activation", []),
        ("activation", ["sigmoid"]),
        ("activation", [None]),
        ("activation", [["relu"]]),
        ("activation", {"relu"}),
        ("activation", np.array("sigmoid")),
        ("output_activation", "relu"),
        ("output_activation", "sigmoid"),
        ("output_activation", None),
        ("loss", "hinge"),
        ("loss", None),
        ("learning_rate", 0),
        ("learning_rate", 0.0),
        ("learning_rate", -0.1),
        ("learning_rate", np.nan),
        ("learning_rate", np.inf),
        ("learning_rate", "constant"),
        ("learning_rate", None),
        ("max_iter", 0),
        ("max_iter", -1),
        ("max_iter", 2.5),
        ("sampling", "importance"),
        ("sampling", None),
        ("alpha", -1e-9),
        ("alpha", np.nan),
        ("alpha", np.inf),
        ("alpha", None),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("dropout", np.nan),
        ("dropout", "0.5"),
        ("dropout", None),
        ("dropout", [0.2]),
        ("dropout", [0.2, 0.5, 0.5]),
        ("dropout", [0.2, 1.0]),
        ("dropout", [0.2, "0.5"]),
        ("dropout", [[0.2, 0.5]]),
        ("dropout", {0.2, 0.5}),
        ("tol", -1e-9),
        ("tol", np.nan),
        ("tol", None),
        ("n_iter_no_change", 0),
        ("n_iter_no_change", 2.5),
        ("n_iter_no_change", -np.inf),
        ("warm_start", "yes"),
        ("random_state", "seed"),
        ("random_state", -1),
        ("verbose", "loud"),
    ],
)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_parameters(estimator, name, value):
    y, match = target(estimator), f"{name}|[Ss]eed" if name == "random_state" else name
    model = fitted(estimator)
    good = model.get_params()
    assert_refused(model.set_params(**{name: value}), match, X, y, methods=["fit"])
    new = estimator(**{name: value})
    assert_refused(new, match, X, y, methods=["partial_fit"], fresh=False, **first_call(estimator, "partial_fit"))
    fit_quietly(model.set_params(**good), X, y)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", -0.1),
        ("learning_rate", np.nan),
        ("loss", "hinge"),
        ("activation", "sigmoid"),
        ("alpha", -1.0),
        ("dropout", [0.5]),
    ],
)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_parameters_changed_between_two_calls_of_partial_fit(estimator, name, value):
    model = fitted(estimator).set_params(**{name: value})
    assert_refused(model, name, X, target(estimator), methods=["partial_fit"], fresh=False)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_an_array_of_one_size_or_name_is_one(estimator):
    model = estimator(np.array(5), np.array("tanh"), max_iter=3, random_state=0)
    assert same_bits(fit_quietly(model, X, target(estimator)), fitted(estimator, activation="tanh"))


@pytest.mark.parametrize("output_activation", ["logistic", "softmax", "identity"])
def test_a_classifier_has_no_other_outputs(output_activation):
    assert_refused(BackpropClassifier(output_activation=output_activation), "output_activation", X, Y_CLASS)


@pytest.mark.parametrize("class_weight", ["unbalanced", 1.0, [1, 1, 1]])
def test_class_weight_of_another_kind(class_weight):
    assert_refused(BackpropClassifier(class_weight=class_weight), "class_weight", X, Y_CLASS)


@pytest.mark.parametrize(
    "class_weight", [{0: -1, 1: 1, 2: 1}, {0: np.nan, 1: 1, 2: 1}, {0: np.inf, 1: 1, 2: 1}, {0: 0, 1: 0, 2: 0}]
)
def test_class_weight_of_bad_values(class_weight):
    model = fitted(BackpropClassifier).set_params(class_weight=class_weight)
    assert_refused(model, "class.weight", X, Y_CLASS, fresh=False)


def test_balanced_has_no_partial_fit():
    for model in (BackpropClassifier(), fitted(BackpropClassifier)):
        model.set_params(class_weight="balanced")
        assert not hasattr(model, "partial_fit")
        with pytest.raises(AttributeError, match="no attribute 'partial_fit'") as caught:
            model.partial_fit(X, Y_CLASS, classes=[0, 1, 2])
        assert 'class_weight="balanced" cannot be known' in str(caught.value.__cause__)


def test_class_weight_on_multilabel():
    Y = (X[:, :2] > 0).astype(int)
    for class_weight in ("balanced", {0: 1, 1: 2}):
        model = BackpropClassifier(class_weight=class_weight)
        assert_refused(model, "class_weight.*multilabel", X, Y, methods=["fit"])
    model.set_params(class_weight={0: 1, 1: 2})
    assert_refused(model, "class_weight.*multilabel", X, Y, methods=["partial_fit"], classes=[0, 1])


# ---- X and y -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("layout", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_values_that_are_not_finite(estimator, method, layout, value):
    y = target(estimator)
    model, bad = fitted(estimator), X.copy()
    bad[3, 2] = value
    kwargs = {"methods": [method], "fresh": False}
    assert_refused(model, "X contains (NaN|infinity)", layout(bad), y, **kwargs)
    assert_refused(model, "y contains (NaN|infinity)", X, with_value(y, value), **kwargs)
    assert_refused(model, "weight.* contains (NaN|infinity)", X, y, with_value(np.ones(40), value), **kwargs)
    for predict in (model.predict, model.transform, model.activations):
        with pytest.raises(ValueError, match=r"X contains (NaN|infinity)"):
            predict(layout(bad))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_shapes(estimator, method):
    y = target(estimator)
    model = fitted(estimator)
    kwargs = {"methods": [method], "fresh": False}
    assert_refused(model, "2D array", X[0], y[:1], **kwargs)
    assert_refused(model, "dim 3|dim 2", X[np.newaxis], y, **kwargs)
    assert_refused(model, "inconsistent numbers of samples", X, y[:-1], **kwargs)
    assert_refused(model, "0 sample", X[:0], y[:0], **kwargs)
    assert_refused(model, "0 feature", X[:, :0], y, **kwargs)
    assert_refused(model, "sample_weight.shape", X, y, np.ones(39), **kwargs)
    assert_refused(model, "[Ss]ample.weight", X, y, np.ones((40, 2)), **kwargs)
    assert_refused(model, "y", X, None, **kwargs)
    assert_refused(model, "dim 3|dim 2", X, np.ones((40, 2, 2)), **kwargs)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_another_number_of_features(estimator):
    model = fitted(estimator)
    for other in (X[:, :3], np.hstack([X, X]), sp.csr_array(X[:, :3])):
        assert_refused(model, "features", other, target(estimator), methods=["partial_fit"], fresh=False)
        before = snapshot(model)
        for method in (model.predict, model.transform, model.activations):
            with pytest.raises(ValueError, match="features"):
                method(other)
        assert snapshot(model) == before


@pytest.mark.parametrize(
    ("weight", "match"),
    [
        (-np.ones(40), "negative"),
        (with_value(np.ones(40), -1e-9), "negative"),
        (np.zeros(40), "[Ss]ample.weight"),
    ],
)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_weights(estimator, weight, match):
    assert_refused(fitted(estimator), match, X, target(estimator), weight, methods=["fit"])
    assert_refused(fitted(estimator), match, X, target(estimator), weight, methods=["partial_fit"], fresh=False)
    fresh = estimator()
    assert_refused(fresh, match, X, target(estimator), weight, ["partial_fit"], **first_call(estimator, "partial_fit"))
    assert not hasattr(fresh, "classes_")


@pytest.mark.parametrize(
    "X_bad", [np.full((40, 4), "a"), np.full((40, 4), None), X + 1j], ids=["text", "None", "complex"]
)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_x_that_is_not_numbers(estimator, X_bad):
    model = fitted(estimator)
    assert_refused(model, "X|convert|[Cc]omplex", X_bad, target(estimator), fresh=False)


def broken_csr(**changes):
    """A CSR matrix whose arrays were changed after it was built."""
    matrix = sp.csr_array(np.round(X))
    for name, change in changes.items():
        change(getattr(matrix, name))
    return matrix


def put(place, value):
    def change(a):
        a[place] = value

    return change


@pytest.mark.parametrize(
    "matrix",
    [
        broken_csr(indices=put(5, 4)),
        broken_csr(indices=put(5, 2**30)),
        broken_csr(indices=put(0, -1)),
        broken_csr(indices=put(-1, 10**6)),
    ],
    ids=["too large", "far too large", "negative", "last"],
)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_csr_with_an_index_out_of_range(estimator, matrix):
    """It would read and write foreign memory."""
    model = fitted(estimator)
    matrix.has_canonical_format = True  # do not let scipy sort it out by chance
    assert_refused(model, r"X is not a valid CSR matrix: .*ind(ex|ices)", matrix, target(estimator), fresh=False)


NNZ = broken_csr().nnz


@pytest.mark.parametrize(
    "matrix",
    [
        broken_csr(indptr=put(-1, NNZ + 1)),
        broken_csr(indptr=put(0, 3)),
        broken_csr(indptr=put(5, NNZ)),
        broken_csr(indptr=put(5, NNZ + 1)),
        broken_csr(indptr=put(5, -1)),
        broken_csr(indptr=put(5, 0)),
    ],
    ids=["beyond the end", "not from 0", "rises and falls", "rises beyond the end", "negative", "falls"],
)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_csr_with_row_ends_out_of_order(estimator, matrix):
    model = fitted(estimator)
    matrix.has_canonical_format = True
    assert_refused(model, "X is not a valid CSR matrix", matrix, target(estimator), fresh=False)


# ---- regression targets --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output_activation", "bad"),
    [
        ("logistic", -1e-9),
        ("logistic", 1 + 1e-9),
        ("tanh", -1.1),
        ("tanh", 1.1),
        ("exp", -1e-9),
        ("softplus", -1e-9),
    ],
)
def test_y_outside_the_range_of_the_outputs(output_activation, bad):
    model = fitted(BackpropRegressor, output_activation=output_activation)
    assert_refused(model, f"output_activation='{output_activation}'", X, with_value(Y_REAL, bad))
    Y = np.column_stack([Y_REAL, with_value(Y_REAL, bad)])
    assert_refused(BackpropRegressor(output_activation=output_activation), output_activation, X, Y)


def test_y_beyond_float32():
    model = BackpropRegressor()
    assert_refused(model, "y has values that float32", X.astype(np.float32), with_value(Y_REAL, 1e39))


def test_y_that_is_text():
    model = fitted(BackpropRegressor)
    assert_refused(model, "could not convert|y", X, np.array(["a", "b"] * 20, dtype=object), fresh=False)
    assert_refused(model, "could not convert|y|text|str|dtype", X, np.array(["a", "b"] * 20), fresh=False)


def test_another_number_of_outputs():
    model = fitted(BackpropRegressor, warm_start=True)
    assert_refused(model, "shapes", X, np.column_stack([Y_REAL, Y_REAL]), fresh=False)


# ---- classes -------------------------------------------------------------------------------------------------------


def test_y_that_is_no_class():
    assert_refused(fitted(BackpropClassifier), "continuous", X, Y_REAL, fresh=False)
    assert_refused(BackpropClassifier(), "continuous", X, Y_REAL, methods=["fit"])


def test_several_columns_of_labels():
    Y = np.column_stack([Y_CLASS, Y_CLASS])
    assert_refused(BackpropClassifier(), "MultiOutputClassifier", X, Y, methods=["fit"])
    assert_refused(fitted(BackpropClassifier), "MultiOutputClassifier", X, Y, fresh=False)


def test_the_first_partial_fit_needs_the_classes():
    assert_refused(BackpropClassifier(), "classes", X, Y_CLASS, methods=["partial_fit"])


def test_unseen_classes_in_partial_fit():
    model = BackpropClassifier(random_state=0).partial_fit(X, Y_CLASS, classes=[0, 1, 2])
    assert_refused(model, "classes", X, Y_CLASS + 1, methods=["partial_fit"], fresh=False)
    assert_refused(model, "classes", X[:1], [7], methods=["partial_fit"], fresh=False)
    assert_refused(model, "classes", X, Y_CLASS, methods=["partial_fit"], fresh=False, classes=[0, 1, 2, 3])
    assert_refused(BackpropClassifier(), "classes", X, Y_CLASS, methods=["partial_fit"], classes=[0, 1])
    model.partial_fit(X, Y_CLASS)


def test_labels_of_another_type_in_partial_fit():
    model = BackpropClassifier(random_state=0).partial_fit(X, Y_CLASS, classes=[0, 1, 2])
    assert_refused(model, "classes", X, np.array(["0", "1", "2"])[Y_CLASS], methods=["partial_fit"], fresh=False)


def test_multilabel_and_single_label_do_not_mix():
    Y = (X[:, :3] > 0).astype(int)
    model = BackpropClassifier(random_state=0).partial_fit(X, Y_CLASS, classes=[0, 1, 2])
    assert_refused(model, "multilabel", X, Y, methods=["partial_fit"], fresh=False)
    model = BackpropClassifier(random_state=0).partial_fit(X, Y, classes=[0, 1, 2])
    assert_refused(model, "multilabel", X, Y_CLASS, methods=["partial_fit"], fresh=False)
    assert_refused(model, "classes|columns|labels", X, Y[:, :2], methods=["partial_fit"], fresh=False)


# ---- warm starts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [(), (6,), (5, 5)])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_other_layers_in_a_warm_start(estimator, hidden):
    model = fitted(estimator, warm_start=True).set_params(hidden_layer_sizes=hidden)
    assert_refused(model, "hidden_layer_sizes", X, target(estimator), fresh=False)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_other_features_in_a_warm_start(estimator):
    model = fitted(estimator, warm_start=True)
    assert_refused(model, "features|shapes", X[:, :3], target(estimator), fresh=False)
    assert model.n_features_in_ == 4


@pytest.mark.parametrize("y", [Y_CLASS + 1, Y_CLASS * 2, np.minimum(Y_CLASS, 1), np.array(["a", "b", "c"])[Y_CLASS]])
def test_other_classes_in_a_warm_start(y):
    model = fitted(BackpropClassifier, warm_start=True)
    assert_refused(model, "classes", X, y, methods=["fit"], fresh=False)
    assert model.classes_.tolist() == [0, 1, 2]


# ---- not fitted ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "method"),
    [
        *((estimator, name) for estimator in ESTIMATORS for name in ("predict", "transform", "activations", "score")),
        *((BackpropClassifier, name) for name in ("predict_proba", "predict_log_proba", "decision_function")),
    ],
)
def test_not_fitted(estimator, method):
    with pytest.raises(NotFittedError):
        getattr(estimator(), method)(*([X, target(estimator)] if method == "score" else [X]))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_failed_fit_leaves_a_new_estimator_unfitted(estimator):
    model = estimator(output_activation="auto")
    for bad in ({"sample_weight": -np.ones(40)}, {"sample_weight": np.ones(3)}):
        with pytest.raises(ValueError):
            model.fit(X, target(estimator), **bad)
        assert vars(model) == vars(estimator())


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    "bad",
    [
        dict(X=None),
        dict(X="X"),
        dict(X={"a": 1}),
        dict(X=[[1.0, 2.0], [3.0]]),
        dict(X=np.full((40, 4), {}, dtype=object)),
        dict(X=sp.csr_array(np.full((40, 4), 1j))),
        dict(y=np.full(40, {}, dtype=object)),
        dict(y=sp.csr_array(np.ones((40, 1)))),
        dict(sample_weight="balanced"),
        dict(sample_weight=[1j] * 40),
        dict(sample_weight=np.full(40, None)),
    ],
    ids=str,
)
@every_estimator
def test_what_is_no_data(estimator, bad, method):
    """TypeError or ValueError, and byte for byte the estimator of before."""
    X, y = make_data(estimator)
    model = fit_quietly(new(estimator, warm_start=True), X, y)
    before = snapshot(model)
    with pytest.raises((TypeError, ValueError)):
        getattr(model, method)(**{"X": X, "y": y} | bad)
    assert snapshot(model) == before


def test_held_out_labels_of_a_kind_that_y_could_not_be_either():
    """An order among them, or a row of them, is not expected; the error comes before the training."""
    model = fitted(BackpropClassifier)
    before = snapshot(model)
    with pytest.raises(ValueError, match=r"^y_val has classes that y does not have: \[None 'a'\]"):
        model.fit(X, Y_CLASS, X_val=X[:3], y_val=np.array([None, "a", None]))
    with pytest.raises(TypeError, match="dense data is required"):
        model.fit(X, Y_CLASS, X_val=X[:3], y_val=sp.csr_matrix(Y_CLASS[:3, None]))
    assert snapshot(model) == before
