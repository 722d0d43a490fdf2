"""tabular_pipeline: tables as they come, into the network by scikit-learn's parts."""

import datetime
import pickle
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
from helpers import fit_quietly
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler
from sklearn.utils import estimator_html_repr
from sklearn.utils.fixes import parse_version

from skbackprop import AveragedRegressor, BackpropAutoencoder, BackpropClassifier, BackpropRegressor, tabular_pipeline
from skbackprop._tabular import ColumnsOf, LinearSplines, as_days, as_text, calendar, squash

N = 120
NAMES = parse_version("1.8")  # knows polars without its __dataframe__


def hours(h):
    return datetime.timedelta(hours=float(h))


def columns(n=N, seed=0):
    """A column of each kind, as lists."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(18, 90, n).tolist()
    age[3] = None
    return {
        "age": age,
        "rooms": rng.integers(1, 6, n).tolist(),
        "owner": (rng.random(n) < 0.5).tolist(),
        "colour": [["red", "green", "blue", None][i] for i in rng.integers(4, size=n)],
        "town": [f"town {i}" for i in rng.integers(40, size=n)],
        "since": [
            datetime.datetime(2020, 1, 1) + datetime.timedelta(hours=int(h)) for h in rng.integers(40000, size=n)
        ],
        "took": [datetime.timedelta(minutes=int(m)) for m in rng.integers(500, size=n)],
    }


def frame(library="pandas", n=N, seed=0):
    return (pd if library == "pandas" else pl).DataFrame(columns(n, seed))


def classes(n=N, seed=0):
    return np.array(["no", "yes"])[(np.array(columns(n, seed)["rooms"]) > 3).astype(int)]


def amounts(n=N, seed=0):
    return 1e5 + 1e4 * np.array(columns(n, seed)["rooms"], dtype=float)


def quick(kind="classifier", **parameters):
    """The pipeline with a network that is trained for a moment."""
    estimator = {"classifier": BackpropClassifier, "regressor": BackpropRegressor}[kind]
    schedule = dict(learning_rate_schedule="coslog4", max_iter=3)  # which no warning follows
    return tabular_pipeline(estimator((4,), random_state=0, **schedule | parameters))


def inputs(X, y=None):
    """What the network would see, and the names of it."""
    encode = quick()[:-1].fit(X, np.arange(len(X)) % 2 if y is None else y)
    return encode.transform(X), encode.get_feature_names_out().tolist()


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_one_line_learns_from_a_frame_with_columns_of_every_kind(library, kind):
    X, y = frame(library), classes() if kind == "classifier" else amounts()
    model = tabular_pipeline(kind)
    model.set_params(**{name: 0 for name in model.get_params() if re.fullmatch(r"model__(.*__)?random_state", name)})
    fit_quietly(model, X, y)
    X_test, y_test = frame(library, seed=1), (classes if kind == "classifier" else amounts)(seed=1)
    assert model.score(X_test, y_test) > 0.9
    assert model.predict(X_test).shape == (N,)


def test_pandas_polars_and_arrays_of_objects_give_the_same_inputs():
    names = ["age", "rooms", "owner", "colour", "town"]
    pandas, polars = frame()[names], frame("polars")[names]
    expected, _ = inputs(pandas)
    np.testing.assert_array_equal(inputs(polars)[0], expected)
    np.testing.assert_array_equal(inputs(pandas.astype(object).to_numpy())[0], expected)


def test_numpy_arrays_of_numbers():
    X = np.random.default_rng(0).normal(size=(50, 3))
    A, names = inputs(X)
    assert A.dtype == np.float32
    assert A.flags.c_contiguous
    assert names[:3] == ["numbers__x0", "numbers__x1", "numbers__x2"]
    np.testing.assert_array_equal(inputs(X.tolist())[0], A)


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "boolean"])
def test_nullable_numbers_of_pandas_are_numbers(dtype):
    values = [0, 1, None, 1] * 10
    A, names = inputs(pd.DataFrame({"v": pd.array(values, dtype=dtype)}))
    B, other = inputs(pd.DataFrame({"v": [np.nan if v is None else float(v) for v in values]}))
    assert names == other == ["numbers__v", "numbers__missingindicator_v"]
    np.testing.assert_array_equal(A, B)


@pytest.mark.parametrize("dtype", ["string", "category", object])
def test_strings_and_categories_of_pandas_are_categories(dtype):
    values = pd.Series(["a", "b", None, "a"] * 10, dtype=dtype)
    A, names = inputs(pd.DataFrame({"v": values}))
    assert names == ["categories__v_a", "categories__v_b", "categories__v_None"]
    np.testing.assert_array_equal(A[:4], [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]])


def test_categories_that_are_numbers_are_categories():
    _, names = inputs(pd.DataFrame({"v": pd.Series([3, 1, 2, 1] * 10, dtype="category")}))
    assert names == ["categories__v_1", "categories__v_2", "categories__v_3"]


def test_arrays_of_strings_are_categories():
    _, names = inputs(np.array([["a", "1"], ["b", "2"]] * 20))
    assert names == ["categories__x0_a", "categories__x0_b", "categories__x1_1", "categories__x1_2"]


def test_the_names_of_the_inputs_say_what_each_is():
    _, names = inputs(frame())
    assert len(names) == len(set(names))
    for name in ("numbers__age", "numbers__missingindicator_age", "splines__age_sp_0", "categories__colour_red"):
        assert name in names
    for name in ("means__town", "dates__since", "calendar__since_month_2.0", "durations__took"):
        assert name in names
    assert not [name for name in names if name.startswith("splines__rooms")]  # has few values
    assert not [name for name in names if name.startswith("means__colour")]  # has few levels


def test_squash_keeps_small_numbers_and_their_order_and_has_a_limit():
    z = np.array([-1e300, -3.0, 0.0, 0.1, 3.0, 1e30, 1e300])
    np.testing.assert_allclose(squash(z), [-3, -3 / 2**0.5, 0, 0.1 / np.sqrt(1 + 0.1**2 / 9), 3 / 2**0.5, 3, 3])


@pytest.mark.parametrize("largest", [1e30, 1e300])
def test_one_absurd_number_leaves_the_others_apart(largest):
    x = np.linspace(0, 1, 101)
    x[7] = largest
    A, names = inputs(pd.DataFrame({"x": x}))
    assert np.isfinite(A).all()
    assert np.ptp(np.delete(A[:, names.index("numbers__x")], 7)) > 2
    model = quick().fit(pd.DataFrame({"x": x}), np.arange(101) % 2)
    assert np.isfinite(model.predict_proba(pd.DataFrame({"x": [-largest, 2 * largest]}))).all()


def test_a_column_of_zeros_with_a_few_large_numbers():
    x = np.zeros(100)
    x[:3] = 1e6, 2e-6, 5
    assert np.isfinite(inputs(pd.DataFrame({"x": x}))[0]).all()


def spline_data(dtype, n=300):
    """Columns whose knots differ, or coincide at the lower end or in the middle; rows beyond the knots."""
    x = np.random.default_rng(0).normal(size=n).astype(dtype)
    X = np.column_stack([x, np.round(x, 1), np.maximum(x, 0), np.minimum(x, 0.2) + np.maximum(x - 1, 0)])
    return X, np.concatenate([X, 2 * X, X / 3])


@pytest.mark.parametrize(("dtype", "error"), [(np.float64, 1e-14), (np.float32, 1e-6)])
@pytest.mark.parametrize("n_knots", [2, 3, 9])
def test_splines_are_those_of_scikit_learn(dtype, error, n_knots):
    X, X_test = spline_data(dtype)
    settings = dict(n_knots=n_knots, degree=1, knots="quantile", include_bias=False)
    S = LinearSplines(**settings).fit(X).transform(X_test)
    assert S.dtype == dtype
    np.testing.assert_allclose(S, SplineTransformer(**settings).fit(X).transform(X_test), rtol=0, atol=error)


@pytest.mark.parametrize("settings", [{"degree": 3}, {"extrapolation": "linear"}, {"include_bias": True}])
def test_other_splines_too(settings):
    X, X_test = spline_data(np.float64)
    settings = dict(n_knots=5, degree=1, include_bias=False) | settings
    expected = SplineTransformer(**settings).fit(X).transform(X_test)
    np.testing.assert_array_equal(LinearSplines(**settings).fit(X).transform(X_test), expected)


@pytest.mark.parametrize("value", [7.0, "seven", True, None, np.nan])
def test_constant_columns_and_columns_without_a_value_teach_nothing(value):
    X = pd.DataFrame({"x": [1.0, 2.0] * 20, "constant": [value] * 40})
    A, names = inputs(X)
    extra = [i for i, name in enumerate(names) if "constant" in name]
    assert extra
    assert (np.ptp(A[:, extra], axis=0) == 0).all()
    assert np.isfinite(A).all()
    assert quick().fit(X, [0, 1] * 20).predict(X).shape == (40,)


def test_missing_values_where_fit_has_seen_none():
    X = frame()[["rooms", "colour"]].fillna({"colour": "red"})
    model = quick().fit(X, classes())
    X = X.astype({"rooms": float})
    X.loc[0] = None
    assert np.isfinite(model.predict_proba(X)).all()


def test_unseen_and_rare_levels_share_an_input():
    X = pd.DataFrame({"v": ["a"] * 20 + ["b"] * 20 + ["c", "d"]})
    encode = quick()[:-1].fit(X, [0, 1] * 21)
    assert encode.get_feature_names_out().tolist() == [
        "categories__v_a",
        "categories__v_b",
        "categories__v_infrequent_sklearn",
    ]
    np.testing.assert_array_equal(
        encode.transform(pd.DataFrame({"v": ["b", "d", "new"]})), [[0, 1, 0], [0, 0, 1], [0, 0, 1]]
    )


def test_unseen_levels_where_none_is_rare_have_no_input():
    encode = quick()[:-1].fit(pd.DataFrame({"v": ["a", "b"] * 20}), [0, 1] * 20)
    np.testing.assert_array_equal(encode.transform(pd.DataFrame({"v": ["new", None]})), np.zeros((2, 2)))


def test_thousands_of_levels_make_few_inputs_and_tell_the_target():
    rng = np.random.default_rng(0)
    level = rng.integers(2000, size=6000)
    X, y = pd.DataFrame({"v": [f"level {i}" for i in level]}), (level % 2).astype(int)
    encode = quick()[:-1]
    A = encode.fit_transform(X, y)
    assert A.shape[1] <= 52
    mean = A[:, encode.get_feature_names_out().tolist().index("means__v")]
    assert np.corrcoef(mean, y)[0, 1] > 0.5
    for kind, target in (("classifier", np.array(["x", "y", "z"])[level % 3]), ("regressor", level % 2000)):
        assert fit_quietly(quick(kind), X, target).predict(X[:5]).shape == (5,)


def test_the_target_means_do_not_depend_on_the_global_random_state():
    np.random.seed(1)  # noqa: NPY002
    first = inputs(frame()[["town"]])[0]
    np.random.seed(2)  # noqa: NPY002
    np.testing.assert_array_equal(inputs(frame()[["town"]])[0], first)


def test_mixed_types_in_a_column_are_levels_by_their_text():
    X = pd.DataFrame({"v": pd.Series([1, "1", 2.5, None] * 10, dtype=object)})
    assert inputs(X)[1] == ["categories__v_1", "categories__v_2.5", "categories__v_None"]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_lists_are_levels_by_their_text(library):
    X = (pd if library == "pandas" else pl).DataFrame({"v": [[1, 2], [3], None, [1, 2]] * 10})
    assert inputs(X)[0].tolist()[:4] == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]


def test_every_kind_of_missing_cell_is_one_level():
    cells = np.array([[None, np.nan], [pd.NA, pd.NaT], ["a", 1]], dtype=object)
    assert as_text(cells).tolist() == [[None, None], [None, None], ["a", "1"]]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_dates_become_days_and_a_calendar(library):
    dates = [datetime.datetime(1970, 1, 1, 6), None, datetime.datetime(2026, 11, 24, 23, 59)]
    X = (pd if library == "pandas" else pl).DataFrame({"d": dates})
    np.testing.assert_allclose(as_days(X)[:, 0], [0.25, np.nan, 20781 + 1439 / 1440])
    np.testing.assert_array_equal(calendar(X), [[1, 4, 6], [np.nan] * 3, [11, 2, 23]])


def test_dates_with_a_time_zone_and_days_of_polars():
    X = pd.DataFrame({"d": pd.to_datetime(["2026-01-01 01:00", None]).tz_localize("Europe/Berlin")})
    np.testing.assert_array_equal(calendar(X), [[1, 4, 0], [np.nan] * 3])
    np.testing.assert_array_equal(calendar(pl.DataFrame({"d": [datetime.date(2026, 1, 4)]})), [[1, 7, 0]])


def test_dates_that_fit_has_not_seen():
    model = quick().fit(frame()[["since", "took"]], classes())
    X = pd.DataFrame({"since": pd.to_datetime(["1700-03-01", None]), "took": pd.to_timedelta([None, "9999 days"])})
    assert np.isfinite(model.predict_proba(X)).all()


# ---- bad input -----------------------------------------------------------------------------------------------------


def test_no_rows():
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        quick().fit(frame()[:0], [])
    model = quick().fit(frame(), classes())
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        model.predict(frame()[:0])


@pytest.mark.parametrize("X", [pd.DataFrame(index=range(5)), np.empty((5, 0))])
def test_no_columns(X):
    with pytest.raises(ValueError, match=r"0 feature\(s\)"):
        quick().fit(X, [0, 1, 0, 1, 0])


def test_infinite_numbers():
    with pytest.raises(ValueError, match="contains infinity"):
        quick().fit(pd.DataFrame({"x": [1.0, np.inf] * 10}), [0, 1] * 10)


def test_complex_numbers():
    with pytest.raises(ValueError, match="Complex data not supported"):
        quick().fit(pd.DataFrame({"x": [1j, 2j] * 10}), [0, 1] * 10)


def test_a_missing_column_at_prediction():
    model = quick().fit(frame(), classes())
    with pytest.raises(ValueError, match=r"columns are missing: \{'colour'\}"):
        model.predict(frame().drop(columns="colour"))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_are_found_by_name_and_new_ones_ignored(library):
    knows_polars = hasattr(pl.DataFrame, "__dataframe__") or parse_version(sklearn.__version__) >= NAMES
    if library == "polars" and not knows_polars:
        pytest.skip("this scikit-learn sees no names in the frames of this polars")
    X = frame(library)
    model = quick().fit(X, classes())
    other = X[list(X.columns[::-1])]
    other = other.assign(new=1) if library == "pandas" else other.with_columns(new=pl.lit(1))
    np.testing.assert_array_equal(model.predict_proba(other), model.predict_proba(X))


def test_another_number_of_columns_in_an_array():
    X = np.random.default_rng(0).normal(size=(40, 3))
    model = quick().fit(X, [0, 1] * 20)
    with pytest.raises(ValueError, match="4 features"):
        model.predict(np.ones((2, 4)))


def test_a_column_that_was_of_numbers_and_is_of_words():
    model = quick().fit(pd.DataFrame({"x": [1.0, 2.0] * 10}), [0, 1] * 10)
    with pytest.raises(ValueError, match="could not convert string to float: 'two'"):
        model.predict(pd.DataFrame({"x": ["two"]}))


def test_sparse_matrices():
    with pytest.raises(TypeError, match="dense data is required"):
        quick().fit(sp.csr_array(np.eye(4)), [0, 1, 0, 1])


@pytest.mark.parametrize("column", [np.arange(10.0), pd.Series(np.arange(10.0))])
def test_one_column_without_a_frame_around_it(column):
    with pytest.raises(ValueError, match=r"Expected (2D array|a 2-dimensional container)"):
        quick().fit(column, [0, 1] * 5)


def test_a_failed_fit_leaves_the_fitted_pipeline_usable():
    X = frame()
    model = quick().fit(X, classes())
    with pytest.raises(ValueError, match="inconsistent"):
        model.fit(X, classes()[:-1])


# ---- the estimator given ---------------------------------------------------------------------------------------------


def test_the_given_estimator_is_taken_as_it_is():
    estimator = BackpropClassifier((3,), learning_rate=0.123)
    model = tabular_pipeline(estimator)
    assert isinstance(model, Pipeline)
    assert model["model"] is estimator
    regressor = BackpropRegressor((3,), alpha=0.1)
    model = tabular_pipeline(regressor)["model"]
    assert isinstance(model, TransformedTargetRegressor)
    assert model.regressor is regressor


@pytest.mark.parametrize("estimator", [LogisticRegression(), RandomForestClassifier(5), Ridge()])
def test_estimators_of_others_get_the_same_inputs(estimator):
    y = amounts() if isinstance(estimator, Ridge) else classes()
    assert tabular_pipeline(estimator).fit(frame(), y).score(frame(), y) > 0.7


@pytest.mark.parametrize("settings", [dict(loss="poisson"), dict(output_activation="logistic")])
def test_targets_that_have_a_range_are_not_standardised(settings):
    y = np.random.default_rng(0).random(N)
    model = quick("regressor", **settings)
    assert isinstance(model["model"], BackpropRegressor)
    assert (fit_quietly(model, frame(), y).predict(frame()) > 0).all()


def test_nor_are_those_of_an_average():
    average = AveragedRegressor(BackpropRegressor((3,), loss="poisson"))
    assert tabular_pipeline(average)["model"] is average


def test_who_standardises_the_target_himself_may():
    given = TransformedTargetRegressor(BackpropRegressor((3,)), transformer=StandardScaler())
    assert tabular_pipeline(given)["model"] is given


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("clasifier", ValueError, "estimator must be 'classifier', .* got 'clasifier'"),
        (BackpropClassifier, TypeError, r"an instance, BackpropClassifier\(\), not the class"),
        (BackpropAutoencoder(), TypeError, "must be a classifier or a regressor; got BackpropAutoencoder"),
        (StandardScaler(), TypeError, "must be a classifier or a regressor"),
        (3, TypeError, "must be a classifier or a regressor; got 3"),
        (None, TypeError, "must be a classifier or a regressor; got None"),
    ],
)
def test_what_is_no_estimator_for_tables_is_refused(given, error, message):
    with pytest.raises(error, match=message):
        tabular_pipeline(given)


@pytest.mark.parametrize(("name", "same"), [("classifier", "classification"), ("regressor", "regression")])
def test_names_of_tasks_and_of_estimators(name, same):
    assert repr(tabular_pipeline(name)) == repr(tabular_pipeline(same))


# ---- inside scikit-learn ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_clone_pickle_and_the_same_bits_again(kind):
    X, y = frame(), classes() if kind == "classifier" else amounts()
    model = quick(kind).fit(X, y)
    expected = model.predict_proba(X) if kind == "classifier" else model.predict(X)
    for other in (clone(model).fit(X, y), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict_proba(X) if kind == "classifier" else other.predict(X), expected)


def test_searches_and_cross_validation():
    X, y = frame(), amounts()
    grid = {"model__regressor__hidden_layer_sizes": [(2,), (3,)], "columns__splines__splines__n_knots": [3, 5]}
    search = GridSearchCV(quick("regressor"), grid, cv=2).fit(X, y)
    assert set(search.best_params_) == set(grid)
    assert np.isfinite(cross_val_score(quick(), X, classes(), cv=2)).all()


@pytest.mark.parametrize("model", [quick(), tabular_pipeline("classifier")])
def test_sample_weights_reach_the_network(model):
    X, y = frame(), classes()
    weight = (y == "yes").astype(float)
    assert (model.fit(X, y, model__sample_weight=weight).predict(X) == "yes").all()


def test_probabilities_sum_to_one_as_scikit_learns_losses_ask_for():
    X, y = frame(), classes()
    model = tabular_pipeline("classifier").fit(X, y)
    assert np.isfinite(log_loss(y, model.predict_proba(X)))


def test_a_network_that_sees_one_class_alone_does_not_warn():
    """Of two distinct rows, one is held out. The log loss of the other's class is nearly 0 whatever is predicted."""
    X, y = np.array([["a"], ["b"]] * 50), [0, 1] * 50
    model = tabular_pipeline("classifier").set_params(model__random_state=0).fit(X, y)
    assert np.isfinite(model.predict_proba(X)).all()


def test_targets_of_several_columns():
    X, y = frame().drop(columns="town"), np.column_stack([amounts(), -amounts()])
    model = fit_quietly(tabular_pipeline("regressor"), X, y)
    assert model.predict(X).shape == (N, 2)


def test_frames_out_of_the_steps():
    encode = quick()[:-1].set_output(transform="pandas").fit(frame(), classes())
    assert encode.transform(frame()).columns.tolist() == encode.get_feature_names_out().tolist()


def test_the_notebook_shows_the_steps():
    html = estimator_html_repr(quick())
    assert "ColumnsOf(kind=&#x27;number&#x27;" in html or "ColumnsOf" in html
    assert "splines" in html


def test_selectors_are_equal_when_they_select_the_same():
    assert ColumnsOf("number", 10) == pickle.loads(pickle.dumps(ColumnsOf("number", 10)))
