"""``learning_rate="auto"``: what the trial finds, what it costs, and that it leaves no other trace."""

import pickle
from math import inf

import numpy as np
import pytest
import scipy.sparse as sp
from helpers import ESTIMATORS, Observer, fit_quietly, make_data, same_bits, snapshot, trained_by, weights_of
from sklearn.base import clone
from sklearn.datasets import make_classification, make_friedman1
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropAutoencoder, BackpropClassifier, BackpropRegressor, _kernel
from skbackprop._callbacks import CallbackSupportMixin
from skbackprop._training.step_size import TAUS
from skbackprop.inspection import trace_step

SETTINGS = [
    {},
    dict(momentum=0.9),
    dict(momentum=0.9, nesterovs_momentum=True, batch_size=3),
    dict(solver="adam", batch_size=8, learning_rate_schedule="cosine"),
    dict(sampling="shuffle", alpha=0.01, learning_rate_schedule="invscaling"),
    dict(dropout=0.2, alpha=0.01),
    dict(batch_size=7, dropout=0.2, sampling="shuffle"),
    dict(early_stopping=True, n_iter_no_change=2),
    dict(hidden_layer_sizes=(), activation="tanh"),
]
each_setting = pytest.mark.parametrize("settings", SETTINGS, ids=str)
each_estimator = pytest.mark.parametrize("estimator", ESTIMATORS)


def auto(estimator, **settings):
    """An estimator whose trial has learned enough after 8 · 0.2 epochs for its result to count."""
    parameters = dict(hidden_layer_sizes=(6,), learning_rate="auto", max_iter=40, random_state=3)
    return estimator(**parameters | settings)


def data_of(estimator, n=200):
    X, y = make_data(estimator, n=n)
    return np.round(X, 1), y


def found(model):
    return model.learning_rate_, model.learning_rate_trial_


@each_setting
@each_estimator
@pytest.mark.parametrize("layout", [np.asarray, sp.csr_array])
def test_the_training_is_that_with_the_step_size_found(estimator, settings, layout):
    X, y = data_of(estimator)
    for weight in (None, np.arange(len(y)) % 4, np.random.default_rng(0).random(len(y))):
        model = fit_quietly(auto(estimator, **settings), layout(X), y, sample_weight=weight)
        fixed = clone(model).set_params(learning_rate=model.learning_rate_)
        assert same_bits(model, fit_quietly(fixed, layout(X), y, sample_weight=weight))
        assert pickle.dumps(model._rng) == pickle.dumps(fixed._rng)
        assert fixed.learning_rate_ == model.learning_rate_
        assert fixed.learning_rate_trial_ is None


def test_an_autoencoder_has_it_too():
    X, _ = make_data(BackpropRegressor, n=100)
    model = fit_quietly(BackpropAutoencoder(learning_rate="auto", max_iter=30, random_state=0), X)
    fixed = fit_quietly(clone(model).set_params(learning_rate=model.learning_rate_), X)
    assert same_bits(model, fixed)


@each_estimator
def test_from_start_weights_of_the_users(estimator):
    X, y = data_of(estimator)
    start = weights_of(fit_quietly(auto(estimator, learning_rate=0.01, random_state=9), X, y))
    start = dict(coefs_init=start[:2], intercepts_init=start[2:])
    drawn, model = fit_quietly(auto(estimator), X, y), fit_quietly(auto(estimator), X, y, **start)
    assert found(model) != found(drawn)
    assert same_bits(model, fit_quietly(auto(estimator, learning_rate=model.learning_rate_), X, y, **start))


# ---- what does not matter ----


@each_setting
@each_estimator
@pytest.mark.parametrize("layout", [np.asarray, sp.csr_array])
def test_repeated_rows_in_any_order_are_whole_weights(estimator, settings, layout):
    X, y = data_of(estimator)
    weight = np.random.default_rng(1).integers(0, 4, size=len(y))
    weighted = fit_quietly(auto(estimator, **settings), layout(X), y, sample_weight=weight)
    rows = np.random.default_rng(2).permutation(np.repeat(np.arange(len(y)), weight))
    repeated = fit_quietly(auto(estimator, **settings), layout(X[rows]), y[rows])
    assert found(repeated) == found(weighted)
    assert same_bits(repeated, weighted)


# momentum and Adam's means wait where all samples of a step are 0 in a sparse column
@pytest.mark.parametrize("settings", [s for s in SETTINGS if not {"momentum", "solver"} & s.keys()], ids=str)
@each_estimator
def test_dense_and_sparse_rows_are_the_same_but_for_rounding(estimator, settings):
    X, y = data_of(estimator)
    dense = fit_quietly(auto(estimator, **settings), X, y)
    sparse = fit_quietly(auto(estimator, **settings), sp.csr_array(X), y)
    assert dense.learning_rate_ == sparse.learning_rate_
    trials = zip(dense.learning_rate_trial_.values(), sparse.learning_rate_trial_.values(), strict=True)
    for losses, others in trials:
        np.testing.assert_allclose(losses, others, rtol=1e-6)


@each_estimator
@pytest.mark.parametrize("sampling", ["uniform", "shuffle"])
def test_the_order_of_rows_with_any_weights_does_not_matter(estimator, sampling):
    X, y = data_of(estimator)
    weight = np.random.default_rng(1).random(len(y))
    rows = np.random.default_rng(2).permutation(len(y))
    model = fit_quietly(auto(estimator, sampling=sampling), X, y, sample_weight=weight)
    shuffled = fit_quietly(auto(estimator, sampling=sampling), X[rows], y[rows], sample_weight=weight[rows])
    assert found(model) == found(shuffled)


@pytest.mark.parametrize("settings", [{}, dict(dropout=0.3), dict(batch_size=4)], ids=str)
def test_the_length_of_calls_does_not_matter(settings):
    X, y = data_of(BackpropRegressor)
    whole = fit_quietly(auto(BackpropRegressor, **settings), X, y)
    chunked = fit_quietly(trained_by(_kernel.steps, auto(BackpropRegressor, **settings), chunk=8), X, y)
    assert found(chunked) == found(whole)


@pytest.mark.skipif(not hasattr(CallbackSupportMixin, "set_callbacks"), reason="scikit-learn has no callbacks")
@each_estimator
def test_who_watches_does_not_matter(estimator, capsys):
    X, y = data_of(estimator)
    alone, watched = auto(estimator), auto(estimator, verbose=True)
    fit_quietly(alone, X, y)
    fit_quietly(watched.set_callbacks(Observer(lambda epoch: None)), X, y, X_val=X[:9], y_val=y[:9])
    assert found(alone) == found(watched)
    assert same_bits(alone, watched)
    first, *epochs = capsys.readouterr().out.splitlines()
    assert first == f"Trial of step sizes: learning_rate = {watched.learning_rate_:.3g}"
    assert len(epochs) == watched.n_iter_


# ---- what it costs ----


class Counted:
    """The kernel's `steps`, which counts the samples of steps and of measurements."""

    def __init__(self):
        self.steps, self.measured = 0, 0

    def __call__(self, network, samples, rows, tau, *how):
        if tau:
            self.steps += len(rows)
        else:
            self.measured += len(rows)
        return _kernel.steps(network, samples, rows, tau, *how)


@pytest.mark.parametrize("n", [30, 500])
@pytest.mark.parametrize("batch_size", [1, 32, 1000])
@pytest.mark.parametrize("max_iter", [1, 7, 40, 200, 300])
def test_the_kernel_takes_less_than_a_tenth_of_the_training_s_samples(n, batch_size, max_iter):
    X, y = data_of(BackpropRegressor, n=n)
    counts = []
    for learning_rate in ("auto", 0.001):
        counted = Counted()
        model = auto(BackpropRegressor, batch_size=batch_size, max_iter=max_iter, n_iter_no_change=inf)
        fit_quietly(trained_by(counted, model.set_params(learning_rate=learning_rate)), X, y)
        counts.append(counted)
    with_trial, training = counts
    assert training.steps == n * max_iter
    trial = with_trial.steps - training.steps
    measured = with_trial.measured - training.measured
    assert trial + measured <= training.steps / 10
    if max_iter >= 40 and n == 500 and batch_size != 32:  # no tenth of a batch is left over
        assert trial + measured > 0.97 * min(max_iter, 200) * n / 10
        assert measured <= trial


def test_a_trial_in_batches_makes_whole_batches():
    X, y = data_of(BackpropRegressor, n=500)
    sizes = set()

    def steps(network, samples, rows, tau, *how):
        if tau in TAUS:
            sizes.add(len(rows))
        return _kernel.steps(network, samples, rows, tau, *how)

    fit_quietly(trained_by(steps, auto(BackpropRegressor, batch_size=16, max_iter=40)), X, y)
    assert sizes == {48}  # 500 · 40 / 10 / 22 = 90.9, less the 31 that are held out, is 59


def test_the_best_candidates_run_longest():
    X, y = data_of(BackpropRegressor)
    trial = fit_quietly(auto(BackpropRegressor), X, y).learning_rate_trial_
    assert tuple(trial) == TAUS
    assert sorted(map(len, trial.values())) == [1] * 6 + [2] * 2 + [4, 8]
    ranked = sorted(TAUS, key=lambda tau: trial[tau][0])
    assert {tau for tau in TAUS if len(trial[tau]) > 1} == set(ranked[:4])


# ---- what it finds ----


def regression():
    X, y = make_friedman1(1000, noise=1.0, random_state=11)
    return X, (y - y.mean()) / y.std()


def classification():
    return make_classification(1000, 12, n_informative=6, n_classes=3, class_sep=1.5, random_state=11)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("settings", [{}, dict(activation="relu"), dict(solver="adam", batch_size=16)], ids=str)
@pytest.mark.parametrize(("estimator", "data"), [(BackpropRegressor, regression), (BackpropClassifier, classification)])
def test_what_it_finds_is_better_than_a_thirtieth_and_thirty_times_as_much(estimator, data, settings):
    X, y = data()
    X = StandardScaler().fit_transform(X)
    model = fit_quietly(auto(estimator, hidden_layer_sizes=(30,), max_iter=50, **settings), X[:600], y[:600])
    score = model.score(X[600:], y[600:])
    assert score > 0.75
    for factor in (1 / 30, 30):
        other = clone(model).set_params(learning_rate=factor * model.learning_rate_)
        assert other.fit(X[:600], y[:600]).score(X[600:], y[600:]) < score - 0.02


@each_estimator
@pytest.mark.parametrize("settings", [{}, dict(momentum=0.5), dict(activation="relu"), dict(solver="adam")], ids=str)
def test_where_a_trial_tells_nothing_it_is_the_usual_step_size(estimator, settings):
    usual = 0.001 if estimator is BackpropRegressor else 0.002
    if "solver" not in settings:
        default = estimator().learning_rate
        usual = default * {"momentum": 0.5, "activation": 0.2}.get(next(iter(settings), None), 1)
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(200, 4)), rng.integers(2, size=200)
    model = fit_quietly(auto(estimator, **settings), *noise)
    assert model.learning_rate_ == pytest.approx(usual)
    assert len(model.learning_rate_trial_) == 10
    # no trial: too few epochs, equal rows
    for model in (
        fit_quietly(auto(estimator, max_iter=1, **settings), *make_data(estimator)),
        fit_quietly(auto(estimator, **settings), np.ones((9, 2)), np.ones(9, dtype=int)),
    ):
        assert model.learning_rate_ == pytest.approx(usual)
        assert model.learning_rate_trial_ == {}


def test_the_usual_step_sizes_are_the_defaults():
    for estimator in (*ESTIMATORS, BackpropAutoencoder):
        assert estimator._usual_step_sizes[0] == estimator().learning_rate


@each_estimator
def test_constant_targets(estimator):
    X, _ = make_data(estimator)
    model = fit_quietly(auto(estimator), X, np.full(len(X), 1))
    assert model.learning_rate_ == estimator().learning_rate


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_candidates_that_diverge_are_out():
    X, y = regression()
    model = auto(BackpropRegressor, activation="relu", max_iter=200).fit(1000 * X, 1000 * y)
    trial = model.learning_rate_trial_
    assert trial[TAUS[-1]] == [inf]
    assert 0 < model.learning_rate_ < 1
    assert np.isfinite(model.predict(1000 * X)).all()


def test_classes_of_one_sample_and_few_rows():
    X = np.arange(12.0).reshape(6, 2)
    model = fit_quietly(auto(BackpropClassifier, max_iter=100), X, [0, 1, 2, 3, 3, 3])
    assert model.learning_rate_ > 0


def test_a_long_training_is_counted_as_one_of_200_epochs():
    X, y = data_of(BackpropRegressor)
    short, long = (fit_quietly(auto(BackpropRegressor, max_iter=n, tol=10), X, y) for n in (200, 20_000))
    assert found(short) == found(long)


# ---- going on, and other step sizes ----


@each_estimator
def test_a_training_that_goes_on_keeps_what_was_found(estimator):
    X, y = data_of(estimator)
    model = fit_quietly(auto(estimator, warm_start=True), X, y)
    fixed = fit_quietly(clone(model).set_params(learning_rate=model.learning_rate_), X, y)
    first = found(model)
    for step in (lambda m: fit_quietly(m, X[:150], y[:150]), lambda m: m.partial_fit(X[100:], y[100:])):
        step(model)
        step(fixed)
        assert found(model) == first
        assert same_bits(model, fixed)
    again = fit_quietly(pickle.loads(pickle.dumps(model)), X, y)
    assert found(again) == first
    assert same_bits(again, fit_quietly(fixed, X, y))
    assert found(fit_quietly(model.set_params(warm_start=False), X, y)) == first  # a trial of its own, the same


@each_estimator
def test_a_training_that_goes_on_without_a_step_size_has_a_trial(estimator):
    X, y = data_of(estimator)
    model = fit_quietly(auto(estimator, learning_rate=lambda epoch: 0.001, warm_start=True), X, y)
    assert found(model) == (None, None)
    fit_quietly(model.set_params(learning_rate="auto"), X, y)
    assert model.learning_rate_ > 0
    assert len(model.learning_rate_trial_) == 10


@each_estimator
def test_the_attribute_for_other_step_sizes(estimator):
    X, y = make_data(estimator)
    settings = dict(max_iter=3, random_state=0)
    assert found(fit_quietly(estimator(learning_rate=1e-3, **settings), X, y)) == (1e-3, None)
    assert found(estimator(learning_rate=np.float32(0.25), **settings).partial_fit(X, y, **classes(y))) == (0.25, None)
    assert found(fit_quietly(estimator(learning_rate=lambda epoch: 0.1, **settings), X, y)) == (None, None)
    for learning_rate in (0.1, "auto"):
        model = fit_quietly(estimator(learning_rate=learning_rate, solver="lbfgs", **settings), X, y)
        assert found(model) == (None, None)


def classes(y):
    return {"classes": np.unique(y)} if y.dtype.kind == "i" else {}


@each_estimator
def test_partial_fit_before_a_fit_takes_the_usual_step_size(estimator):
    X, y = make_data(estimator)
    model, fixed = auto(estimator), auto(estimator, learning_rate=estimator().learning_rate)
    for part in (slice(30), slice(10, 40)):
        model.partial_fit(X[part], y[part], **classes(y))
        fixed.partial_fit(X[part], y[part], **classes(y))
        assert found(model) == found(fixed) == (estimator().learning_rate, None)
        assert same_bits(model, fixed)


@each_estimator
@pytest.mark.parametrize("learning_rate", ["Auto", "constant", ""])
def test_other_words_are_refused(estimator, learning_rate):
    X, y = make_data(estimator)
    with pytest.raises(ValueError, match="The 'learning_rate' parameter"):
        estimator(learning_rate=learning_rate).fit(X, y)


def test_one_step_is_traced_with_what_was_found():
    X, y = data_of(BackpropRegressor)
    model = fit_quietly(auto(BackpropRegressor), X, y)
    assert trace_step(model, X[0], y[0]).tau == model.learning_rate_


# ---- interrupts ----


@each_estimator
@pytest.mark.parametrize("call", [1, 2, 30, 43])
def test_an_interrupt_in_the_trial_leaves_the_estimator_as_it_was(estimator, call):
    X, y = data_of(estimator)
    calls = []

    def steps(*args):
        calls.append(0)
        if len(calls) == call:
            raise KeyboardInterrupt
        return _kernel.steps(*args)

    unfitted = trained_by(steps, auto(estimator))
    with pytest.raises(KeyboardInterrupt):
        unfitted.fit(X, y)
    assert not hasattr(unfitted, "coefs_")
    calls[:] = [0] * 1_000
    fitted = fit_quietly(unfitted, X, y)
    before = snapshot(fitted)
    calls.clear()
    with pytest.raises(KeyboardInterrupt):
        fitted.fit(X[:, :2], y)
    assert snapshot(fitted) == before
