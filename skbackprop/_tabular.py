"""tabular_pipeline: from the columns of a table to the network, with scikit-learn's own transformers."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from ._averaging import AveragedClassifier, AveragedRegressor
from ._classifier import BackpropClassifier
from ._regressor import BackpropRegressor

__all__ = ["tabular_pipeline"]

#: A number with more distinct values than this gets splines.
FEW_VALUES = 10
#: A category with more levels than this is also replaced by the mean target of each level.
FEW_LEVELS = 20
#: At most this many levels of a category, the most frequent ones, get an input of their own; the rest share one.
MOST_LEVELS = 50
#: A level needs at least this many rows to get an input of its own.
RARE = 5


# ---- which columns -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ColumnsOf:
    """Selects the columns of one kind; ColumnTransformer calls it in `fit`.

    Parameters
    ----------
    kind : {"number", "category", "date", "duration"}
        Numbers and booleans; strings, categories and everything else; dates, with or without a time; time differences.
    more_than : int, default=0
        Select only columns with more distinct values than this.
    """

    kind: str
    more_than: int = 0

    def __call__(self, X):
        """The positions of these columns in X, a data frame or an array."""
        return [
            j
            for j, column in enumerate(_columns(X))
            if _kind(column) == self.kind and (not self.more_than or _n_distinct(column) > self.more_than)
        ]


def _columns(X):
    """The columns of a pandas or polars frame, or of an array."""
    if hasattr(X, "iter_columns"):
        return X.iter_columns()
    if hasattr(X, "iloc") and X.ndim == 2:
        return [X.iloc[:, j] for j in range(X.shape[1])]
    return check_array(X, dtype=None, ensure_all_finite=False, ensure_min_samples=0, ensure_min_features=0).T


def _kind(column):
    """The kind of a column, from its type; an array of objects counts as numbers if all but the missing ones are."""
    dtype = column.dtype
    letter = dtype.kind if hasattr(dtype, "kind") else column.head(0).to_numpy().dtype.kind  # polars types have none
    if letter == "c":
        raise ValueError("Complex data not supported")
    if letter == "O" and isinstance(dtype, np.dtype) and all(isinstance(v, float | int) or v is None for v in column):
        return "number"
    return {"M": "date", "m": "duration"}.get(letter, "number" if letter in "biuf" else "category")


def _n_distinct(column):
    """The number of distinct values, not counting missing ones."""
    if _kind(column) == "number":
        values = np.unique(as_floats(column.to_frame() if hasattr(column, "to_frame") else column[:, None]))
        return len(values) - np.isnan(values).any()
    return len(set(as_text(column).flat) - {None})


# ---- what becomes of them ------------------------------------------------------------------------------------------


def as_floats(X):
    """Numbers and booleans of any type as float64, missing ones as NaN."""
    if hasattr(X, "iloc"):  # check_array would take six times as long
        return X.to_numpy(dtype=np.float64, na_value=np.nan)
    return check_array(X, dtype=np.float64, ensure_all_finite=False, ensure_min_samples=0)


def squash(z):
    """z / √(1 + (z / 3)²): close to z near 0, and never beyond ±3 (Holzmüller et al. 2024); float32."""
    # squares of numbers up to 1e6 are no problem, and 1e6 already becomes 3
    z = np.asarray(np.clip(z, -1e6, 1e6), dtype=np.float32)
    return z / np.sqrt(1 + np.square(z / 3))


class LinearSplines(SplineTransformer):
    """SplineTransformer; splines of degree 1, constant outside of the knots, are evaluated in all columns at once.

    Spline j of a column is 1 at knot j and falls to 0 at both of its neighbours. The last one of a column is left out,
    as with ``include_bias=False``.
    """

    def transform(self, X):
        """Transform each column into splines.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Numbers.

        Returns
        -------
        S : ndarray of shape (n_samples, n_features * n_splines)
            The values of each column's splines.
        """
        if (self.degree, self.extrapolation, self.include_bias, self.sparse_output) != (1, "constant", False, False):
            return super().transform(X)
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        knots = np.stack([spline.t[1:-1] for spline in self.bsplines_], axis=1).astype(X.dtype)  # not the outermost
        widths = np.maximum(np.diff(knots, axis=0), 1e-30)  # a number at which several knots lie makes a step
        splines = np.empty((*X.shape, len(widths)), dtype=X.dtype)
        before = 0
        for j, width in enumerate(widths):
            below = knots[j + 1] - X  # becomes 1 up to knot j, 0 from the next one on
            below /= width
            np.clip(below, 0, 1, out=below)
            np.subtract(below, before, out=splines[:, :, j])
            before = below
        return splines.reshape(len(X), -1)


def as_text(X):
    """Categories of any type as strings, missing ones as None."""
    cells = np.asarray(X, dtype=object)
    text = np.empty_like(cells)
    text.flat = [v if type(v) is str else None if _is_missing(v) else str(v) for v in cells.flat]
    return text


def _is_missing(v):
    """Whether a cell is None, NaN, NaT or pandas' NA, which neither equals anything nor differs from it."""
    return v is None or type(v).__name__ == "NAType" or (not isinstance(v, np.ndarray) and v != v)


def as_days(X):
    """Dates as days since the beginning of 1970 (UTC), time differences as days; float64, missing ones as NaN."""
    return np.column_stack([_days(_instants(column)) for column in _columns(X)])


def _instants(column):
    """A column of dates or time differences, in µs."""
    return np.asarray(column, dtype={"date": "datetime64[us]", "duration": "timedelta64[us]"}[_kind(column)])


def _days(instants):
    days = instants.astype(np.int64) / 86_400e6
    days[np.isnat(instants)] = np.nan
    return days


def calendar(X):
    """The month (1 to 12), day of the week (1 is Monday) and hour of each date; missing ones as NaN."""
    return np.column_stack([part for column in _columns(X) for part in _calendar(_days(_instants(column)))])


def _calendar(days):
    known = np.isfinite(days)
    day = np.floor(np.where(known, days, 0))
    parts = (
        day.astype("datetime64[D]").astype("datetime64[M]").astype(int) % 12 + 1,
        (day + 3) % 7 + 1,  # 1 January 1970 was a Thursday
        np.floor((days - day) * 24),
    )
    return [np.where(known, part, np.nan) for part in parts]


def calendar_names(transformer, names):
    """The names of the columns that `calendar` returns."""
    return np.array([f"{name}_{part}" for name in names for part in ("month", "weekday", "hour")], dtype=object)


def _function(function, names="one-to-one"):
    """A step that learns nothing in `fit`."""
    return FunctionTransformer(function, feature_names_out=names)


def _numbers(prepare=as_floats, *, indicator=True):
    """The first steps for numbers: fill in missing ones and squash large ones."""
    return [
        ("floats", _function(prepare)),
        ("impute", SimpleImputer(strategy="median", add_indicator=indicator, keep_empty_features=True)),
        ("robust", RobustScaler(quantile_range=(5, 95))),
        ("squash", _function(squash)),
    ]


def _scaled(prepare=as_floats):
    """Steps for numbers: one input for each."""
    return Pipeline([*_numbers(prepare), ("scale", StandardScaler())])


def _levels(prepare=as_text, names="one-to-one"):
    """Steps for categories: one input for each level."""
    one_hot = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        min_frequency=RARE,
        max_categories=MOST_LEVELS,
        sparse_output=False,
        dtype=np.float32,
    )
    return Pipeline([("text", _function(prepare, names)), ("onehot", one_hot)])


def _target_means(classify):
    """The mean target of each level, on fixed folds, so that only the model's `random_state` changes the result."""
    means = TargetEncoder(target_type="auto" if classify else "continuous")
    if means.shuffle == "deprecated":  # since scikit-learn 1.9
        return means.set_params(cv=KFold(5, shuffle=True, random_state=0))
    return means.set_params(random_state=0)


def _encoder(classify):
    """The step that turns a table's columns into the network's inputs."""
    splines = LinearSplines(9, degree=1, knots="quantile", include_bias=False)
    means = [
        ("text", _function(as_text)),
        ("mean", _target_means(classify)),
        ("scale", StandardScaler()),
        ("squash", _function(squash)),  # levels of one row are further away in `transform` than any in `fit`
    ]
    return ColumnTransformer(
        [
            ("numbers", _scaled(), ColumnsOf("number")),
            ("splines", Pipeline([*_numbers(indicator=False), ("splines", splines)]), ColumnsOf("number", FEW_VALUES)),
            ("categories", _levels(), ColumnsOf("category")),
            ("means", Pipeline(means), ColumnsOf("category", FEW_LEVELS)),
            ("dates", _scaled(as_days), ColumnsOf("date")),
            ("calendar", _levels(calendar, calendar_names), ColumnsOf("date")),
            ("durations", _scaled(as_days), ColumnsOf("duration")),
        ]
    )


# ---- the pipeline --------------------------------------------------------------------------------------------------

#: The parameters of each network, chosen by docs/benchmarks/tables_defaults.py.
DEFAULTS = dict(
    hidden_layer_sizes=(128, 64),
    activation="relu",
    solver="adam",
    learning_rate=0.003,
    learning_rate_schedule="coslog4",
    batch_size=32,
    sampling="shuffle",
    dropout=0.2,
    max_iter=60,
    tol=0.0005,
    early_stopping=True,
    scoring="loss",
)


def tabular_pipeline(estimator):
    """A network for tables: a Pipeline that accepts a data frame as it is.

    The inputs are made by scikit-learn's own transformers, which are chosen in `fit` by each column's type and number
    of distinct values:

    - numbers and booleans: missing ones are replaced by the median, and an additional input marks them; all are
      centred and scaled by quantiles, squashed into ±3 as z / √(1 + (z / 3)²), and standardised. Columns with more
      than ten distinct values also get a piecewise linear basis (splines of degree 1) with knots at the quantiles;
    - strings, categories and everything else: one-hot; rare levels, and those not seen in `fit`, share an input.
      Columns with more than twenty levels also get the mean target of each level, cross-fitted;
    - dates: days since 1970 as a number, and month, day of the week and hour one-hot.

    Parameters
    ----------
    estimator : {"classifier", "classification", "regressor", "regression"} or estimator
        A name stands for four of our classifiers or regressors, with parameters that suit tables, whose predictions
        are averaged (AveragedClassifier, AveragedRegressor). Each holds out a different tenth of the samples to decide
        when to stop training. An estimator, ours or any other scikit-learn compatible classifier or regressor, is used
        as it is, with all its parameters.

    Returns
    -------
    pipeline : Pipeline
        With the steps "columns", a ColumnTransformer, and "model". The model of a regression is a
        TransformedTargetRegressor that standardises y; if the loss or the output needs y in its own units ("poisson",
        or any `output_activation` but "identity"), it is the regressor itself.

    Raises
    ------
    TypeError
        For a class instead of an instance, and for anything that is neither a classifier nor a regressor.
    ValueError
        For any other string.

    Notes
    -----
    `fit` finds the columns by position. Predictions find them by name if the names are strings: the columns may then
    come in any order, and those that `fit` has not seen are ignored, as in any ColumnTransformer. A missing column is
    an error, and so is an infinite number.

    Parameters are named as usual in scikit-learn: ``model__n_jobs``, ``model__random_state`` and
    ``model__estimator__dropout`` in classification, ``model__regressor__estimator__dropout`` in regression. Sample
    weights are given as ``fit(X, y, model__sample_weight=w)``. Targets with several columns are possible if no category
    has more than twenty levels (or with ``set_params(columns__means="drop")``).

    Squashing and splines are those of Holzmüller, Grinsztajn and Steinwart, "Better by default: strong pre-tuned MLPs
    and boosted trees on tabular data" (NeurIPS 2024), and of Gorishniy, Rubachev and Babenko, "On embeddings for
    numerical features in tabular deep learning" (NeurIPS 2022). The name and the interface are
    skrub's.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skbackprop import tabular_pipeline
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"size": rng.normal(size=900), "colour": rng.choice(["red", "blue", None], 900)})
    >>> y = np.where(X["size"] + (X["colour"] == "red") > 0.5, "apple", "plum")
    >>> model = tabular_pipeline("classifier").set_params(model__random_state=0).fit(X[:600], y[:600])
    >>> model.score(X[600:], y[600:]) > 0.95
    True
    """
    if isinstance(estimator, str):
        if estimator in ("classifier", "classification"):
            estimator = AveragedClassifier(BackpropClassifier(**DEFAULTS, loss="log_loss"))
        elif estimator in ("regressor", "regression"):
            estimator = AveragedRegressor(BackpropRegressor(**DEFAULTS))
        else:
            raise ValueError(
                "estimator must be 'classifier', 'classification', 'regressor', 'regression' or an estimator; "
                f"got {estimator!r}"
            )
    if isinstance(estimator, type) and issubclass(estimator, BaseEstimator):
        raise TypeError(f"estimator must be an instance, {estimator.__name__}(), not the class itself")
    if not isinstance(estimator, BaseEstimator) or not (is_classifier(estimator) or is_regressor(estimator)):
        raise TypeError(f"estimator must be a classifier or a regressor; got {estimator!r}")
    classify = is_classifier(estimator)
    if not classify and _standardises(estimator):
        estimator = TransformedTargetRegressor(estimator, transformer=StandardScaler())
    return Pipeline([("columns", _encoder(classify)), ("model", estimator)])


def _standardises(regressor):
    """Whether the regressor may be given a standardised y."""
    if isinstance(regressor, TransformedTargetRegressor):
        return False
    regressor = getattr(regressor, "estimator", regressor)  # of an average
    loss, output = getattr(regressor, "loss", None), getattr(regressor, "output_activation", "auto")
    return loss != "poisson" and output in ("auto", "identity")
