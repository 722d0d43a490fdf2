"""One step of the algorithm, with everything that it computes."""

import re
from dataclasses import dataclass, field
from html import escape
from numbers import Real

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import get_tags

from .._kernel import gradient, steps
from .._network import forward
from .._training.sampling import Samples
from ._inspected import Inspected
from ._page import MAX_BYTES, Setting, fragment, page_bytes, plain_name, styled

__all__ = ["StepTrace", "page_or_table", "setting_of", "trace", "trace_step"]


@dataclass(repr=False)
class StepTrace:
    """Everything that one step of the algorithm computes on one sample; what `trace_step` returns.

    The dicts have the lecture's l as keys: ``a[0]`` is the sample, ``z[1]`` the input of the first layer's units,
    ``W[2]`` the M_2 × M_1 matrix of the second layer. Printed, it is a table in the order of the computation
    (:ref:`the lecture, section 3 <lecture-3>`). As the last line of a notebook's cell it is a page on which to go
    through the step, forward, backward, update, like that of a `Recording`; where scripts do not run, the table. What
    is listed below are its attributes.

    Parameters
    ----------
    y : ndarray of shape (M_L,)
        The target.
    tau : float
        The step size τ.
    alpha : float
        The L2 penalty: α W^l is added to ∇W^l in the update.
    loss : float
        f_i at the weights before the step.
    activations : dict of int to str
        Names of σ, l = 1..L.
    z : dict of int to ndarray of shape (M_l,)
        z^l = W^l a^(l-1) + b^l, l = 1..L.
    a : dict of int to ndarray of shape (M_l,)
        a^0 = x and a^l = σ(z^l), l = 1..L.
    derivative : dict of int to ndarray of shape (M_l,)
        σ'(z^l), l = 1..L; a softmax, whose outputs depend on all z, has none.
    delta : dict of int to ndarray of shape (M_l,)
        δ^l = ∂f_i / ∂z^l, l = 1..L.
    grad_W : dict of int to ndarray of shape (M_l, M_(l-1))
        ∇f_i(W^l) = δ^l (a^(l-1))ᵀ.
    grad_b : dict of int to ndarray of shape (M_l,)
        ∇f_i(b^l) = δ^l.
    W, b : dict of int to ndarray
        The weights before the step.
    W_after, b_after : dict of int to ndarray
        The weights after it: W^l − τ (∇W^l + α W^l) and b^l − τ ∇b^l.
    loss_after : float
        f_i at the weights after the step.
    setting : object
        Names and samples, for the page.

    See Also
    --------
    trace_step : Makes it.
    record : Many successive steps.

    Examples
    --------
    >>> from skbackprop import BackpropRegressor
    >>> from skbackprop.inspection import trace_step
    >>> neuron = BackpropRegressor((), output_activation="logistic").partial_fit([[0.0, 0.0]], [0.5])
    >>> step = trace_step(neuron, x=[1.0, 2.0], y=1.0, learning_rate=0.5)
    >>> step.delta[1]  # 2 (ŷ − y) ŷ (1 − ŷ) with ŷ = ½
    array([-0.25])
    >>> step.W_after[1]
    array([[0.125, 0.25 ]])
    """

    y: np.ndarray
    tau: float
    alpha: float
    loss: float
    activations: dict
    z: dict
    a: dict
    derivative: dict
    delta: dict
    grad_W: dict
    grad_b: dict
    W: dict
    b: dict
    W_after: dict
    b_after: dict
    loss_after: float
    setting: Setting = field(compare=False)

    def _rows(self):
        """The rows of the table, in the order of the computation."""
        layers = sorted(self.z)
        L = layers[-1]
        names = {l: [str(j + 1) for j in range(len(self.z[l]))] for l in layers}
        names[0], names[L] = self.setting.features, self.setting.outputs
        yield _Row("forward pass", _symbol("a", 0), "x", self.a[0], names[0])
        for l in layers:
            z = f"{_symbol('W', l)} {_symbol('a', l - 1)} + {_symbol('b', l)}"
            yield _Row("", _symbol("W", l), "", self.W[l], names[l - 1], names[l])
            yield _Row("", _symbol("b", l), "", self.b[l], names[l])
            yield _Row("", _symbol("z", l), z, self.z[l], names[l])
            yield _Row("", _symbol("a", l), f"σ({_symbol('z', l)}), {self._activation(l)}", self.a[l], names[l])
        weight = "wᵢ · " if self.setting.samples.weights is not None else ""
        loss = LOSSES[self.setting.loss].format(a=_symbol("a", L), q=self.setting.quantile)
        yield _Row("loss", "y", self._label(), self.y, names[L])
        if len(self.y) > 1:
            loss = f"−Σₖ {loss[1:]}" if loss.startswith("−") else f"Σₖ {loss}"
        yield _Row("", "fᵢ", weight + loss, np.array(self.loss))
        for l in reversed(layers):
            part, z = "backprop" if l == L else "", _symbol("z", l)
            if l < L:
                delta = f"[({_symbol('W', l + 1)})ᵀ {_symbol('δ', l + 1)}] ⊙ σ′({z})"
            elif self.setting.loss.endswith("log_loss"):
                delta = f"{weight}({_symbol('a', l)} − y)" if weight else f"{_symbol('a', l)} − y"
            else:
                delta = f"∇fᵢ({_symbol('a', l)}) ⊙ σ′({z})"
            if l in self.derivative:
                formula = DERIVATIVES[self.activations[l]].format(a=_symbol("a", l), z=z)
                yield _Row(part, f"σ′({z})", formula, self.derivative[l], names[l])
                part = ""
            yield _Row(part, _symbol("δ", l), delta, self.delta[l], names[l])
        for l in reversed(layers):
            W, b, delta, a = (_symbol(name, k) for name, k in (("W", l), ("b", l), ("δ", l), ("a", l - 1)))
            formula = f"{W} − τ (∇{W} + α {W})" if self.alpha else f"{W} − τ ∇{W}"
            part = "update" if l == L else ""
            yield _Row(part, f"∇{W}", f"{delta} ({a})ᵀ", self.grad_W[l], names[l - 1], names[l])
            yield _Row("", f"new {W}", formula, self.W_after[l], names[l - 1], names[l], old=self.W[l])
            yield _Row("", f"∇{b}", delta, self.grad_b[l], names[l])
            yield _Row("", f"new {b}", f"{b} − τ ∇{b}", self.b_after[l], names[l], old=self.b[l])
        yield _Row("after the step", "fᵢ at the new weights", "", np.array(self.loss_after), old=np.array(self.loss))

    def _activation(self, l):
        return self.activations[l].replace("_", " ")

    def _label(self):
        """The name of the sample's class, where it has one."""
        classes = self.setting.classes
        if len(classes) == 2 and len(self.y) == 1:
            return classes[int(self.y[0])]
        return classes[int(self.y.argmax())] if len(classes) == len(self.y) and self.y.sum() == 1 else ""

    def _title(self):
        return f"One step, τ = {self.tau:g}" + (f", α = {self.alpha:g}" if self.alpha else "")

    def __repr__(self):
        lines = [f"{self._title()}; * changed by it"]
        for row in self._rows():
            if row.part:
                lines.append(row.part)
            name = f"  {row.symbol}" + (f" = {row.formula}" if row.formula else "")
            first, *rest = row.lines()
            if len(name) > WIDTH:
                lines.append(name)
                name = ""
            lines += [f"{name:{WIDTH}} {first}", *(f"{'':{WIDTH}} {line}" for line in rest)]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self):
        return page_or_table([self], [0], self.setting, self._table())

    def _table(self):
        """The step as a table in HTML."""
        rows = ""
        for row in self._rows():
            if row.part:
                rows += f'<tr><th colspan="3" scope="colgroup">{row.part}</th></tr>'
            rows += f"<tr><td>{row.symbol}</td><td>{escape(row.formula)}</td><td>{row.html()}</td></tr>"
        head = "".join(f'<th scope="col">{name}</th>' for name in ("symbol", "formula", "value"))
        return (
            f'<table class="skb-step"><caption>{self._title()}. <mark>Marked</mark>: changed by it.</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )


#: f_i by the kernel's name of the loss, for one output.
LOSSES = {
    "squared_error": "({a} − y)²",
    "absolute_error": "|{a} − y|",
    "huber": "e² if |e| ≤ 1, else 2 |e| − 1; e = {a} − y",
    "quantile": "(1 − q) e if e > 0, else −q e; e = {a} − y, q = {q:g}",
    "poisson": "y log(y / {a}) − y + {a}",
    "binary_log_loss": "−[y log {a} + (1 − y) log(1 − {a})]",
    "multinomial_log_loss": "−y log {a}",
}
#: σ′(z) by the name of σ.
DERIVATIVES = {
    "identity": "1",
    "logistic": "{a} ⊙ (1 − {a})",
    "tanh": "1 − ({a})²",
    "relu": "1 if z > 0, else 0",
    "leaky_relu": "1 if z > 0, else 0.01",
    "softplus": "1 / (1 + e^−z)",
    "silu": "s + z s (1 − s), s = 1 / (1 + e^−z)",
    "gelu": "Φ(z) + z φ(z)",
    "exp": "{a}",
}
WIDTH = 36  # of the symbols and formulas of the printed table
MOST = 8  # numbers of a row, and rows of a matrix, that a table shows


@dataclass
class _Row:
    """A row of the table: a number, a vector or a matrix, with the names of its columns and rows."""

    part: str
    symbol: str
    formula: str
    value: np.ndarray
    columns: list = ()
    rows: list = ("",)
    old: np.ndarray = None

    def _cells(self):
        """(name, numbers, which of them are changed) of the head and of each row that is shown."""
        values = np.atleast_2d(self.value)
        changed = np.zeros(values.shape, dtype=bool) if self.old is None else values != np.atleast_2d(self.old)
        rows, columns = (_shown(n) for n in values.shape)
        cut = [""] * len(columns), [False] * len(columns)
        yield "", ["…" if k is None else self.columns[k] for k in columns] if len(self.columns) else [], cut[1]
        for j in rows:
            if j is None:
                yield "…", *cut
            else:
                numbers = ["…" if k is None else _number(values[j, k]) for k in columns]
                yield self.rows[j], numbers, [k is not None and bool(changed[j, k]) for k in columns]

    def lines(self):
        """As text."""
        cells = list(self._cells())
        if all(name.isdecimal() for name in cells[0][1]) and len(cells) == 2:
            cells = [("", *cells[1][1:])]  # numbered units of one row need no names
        texts = [
            [_cut(name), *(_cut(text) + "*" * mark for text, mark in zip(numbers, marks, strict=True))]
            for name, numbers, marks in cells
            if numbers
        ]
        widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
        for line in texts:
            yield "  ".join(f"{text:>{width}}" for text, width in zip(line, widths, strict=True) if width)

    def html(self):
        """As HTML: a number, or a table of numbers."""
        (_, names, _), *cells = self._cells()
        marked = [
            (name, [f"<mark>{text}</mark>" if mark else text for text, mark in zip(numbers, marks, strict=True)])
            for name, numbers, marks in cells
        ]
        if not names:
            return marked[0][1][0]
        corner = "<td></td>" if len(self.rows) > 1 or self.rows[0] else ""
        html = "".join(f"<th>{escape(name)}</th>" for name in names)
        html = f"<tr>{corner}{html}</tr>"
        for name, numbers in marked:
            first = f"<th>{escape(name)}</th>" if corner else ""
            html += f"<tr>{first}{''.join(f'<td>{text}</td>' for text in numbers)}</tr>"
        return f'<div class="skb-numbers"><table>{html}</table></div>'


def _shown(n):
    """The numbers of a row that are shown; None stands for those that are left out."""
    return [*range(n)] if n <= MOST else [*range(MOST - 2), None, n - 1]


def _number(value):
    """Four significant digits, with a proper minus: 0.2500, −6.104e−5."""
    text = "0" if value == 0 else f"{value:#.4g}".removesuffix(".")
    return re.sub(r"e\+?(-?)0*", r"e\1", text).replace("-", "−")


def _cut(name, most=14):
    return name if len(name) <= most else f"{name[: most - 1]}…"


def page_or_table(steps, draws, setting, table):
    """The page of some steps; of a network that is too large for it, the table alone."""
    sizes = [len(step) for step in steps[0].a.values()]
    n_params = sum(W.size for W in steps[0].W.values()) + sum(sizes[1:])
    if page_bytes(n_params, sizes, len(steps)) > MAX_BYTES:
        return styled(table)
    return fragment(steps, draws, setting, table)


def _symbol(name, l):
    return f"{name}{str(l).translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def trace_step(estimator, x, y=None, *, learning_rate=None):
    """Everything that the next step would compute, were it made on one given sample.

    The step is that of :ref:`the lecture, section 3 <lecture-3>`, at the fitted weights: that of ``solver="sgd"``
    without momentum and dropout, whatever the estimator's parameters are. z^l is that of predictions; f_i, the
    gradients and the new weights are those of the compiled kernel, which trains. The estimator stays as it is.

    Parameters
    ----------
    estimator : BackpropClassifier, BackpropRegressor or BackpropAutoencoder
        A fitted one; or a Pipeline that ends in one, or a search over them.
    x : array-like of shape (n_features,), or anything of one row that `predict` takes
        The sample, before the steps of a Pipeline.
    y : label or number, or array-like of shape (M_L,)
        Its label or target, as the network was given it; None for an autoencoder.
    learning_rate : float, default=None
        The step size τ; None takes that of the estimator's next epoch.

    Returns
    -------
    StepTrace
        The named arrays; in a notebook, a page on which to go through the step.

    Raises
    ------
    TypeError
        If the estimator is none of this package's, and holds none.
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If x is not one sample, y not one of the labels that were fitted, or `learning_rate` not a finite number > 0.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skbackprop import BackpropClassifier
    >>> from skbackprop.inspection import trace_step
    >>> X, y = load_iris(return_X_y=True)
    >>> model = BackpropClassifier((8,), random_state=0).fit(X, y)
    >>> step = trace_step(model, X[0], y[0])
    >>> step.grad_W[2].shape
    (3, 8)
    >>> bool((step.delta[2] == step.grad_b[2]).all())
    True
    """
    inspected = Inspected(estimator)
    model = inspected.model
    x = np.asarray(x)[np.newaxis] if not hasattr(x, "ndim") or x.ndim < 2 else x
    if x.shape[0] != 1:
        raise ValueError(f"x must be one sample; got {x.shape[0]}")
    x = inspected.inputs(x)
    if y is None and get_tags(model).target_tags.required:
        raise ValueError(f"y must be given: the label or target of x; a {type(model).__name__} needs one")
    y = np.asarray(y)
    y = y.reshape(1) if y.size == 1 and y.ndim < 2 else np.atleast_2d(y)
    dtype = model.coefs_[0].dtype
    x, y, _ = model._check_data(x, y, None, dtype, reset=False)
    targets = model._encode_more(y, dtype, name="y")
    if targets.shape[1:] not in ((), (model.n_outputs_,)):
        raise ValueError(f"y must have {model.n_outputs_} value(s); got {targets.shape[1]}")
    network = model._build_network(x, targets)
    model._check_same_shape(network)
    network.set(model.coefs_, model.intercepts_)
    if learning_rate is not None and not (isinstance(learning_rate, Real) and 0 < learning_rate < np.inf):
        raise ValueError(f"learning_rate must be a finite number > 0; got {learning_rate!r}")
    if learning_rate is None:
        learning_rate = model._schedule(model.learning_rate_)(len(model.loss_curve_), model._lowered)

    samples = Samples(x, targets)
    after = network.copy()
    steps(after, samples, np.zeros(1, dtype=np.int64), learning_rate, model.alpha)
    setting = setting_of(inspected, network, samples)
    return trace(network, setting, 0, learning_rate, model.alpha, after.folded())


def setting_of(inspected, network, samples, feature_names=None, class_names=None, epoch_length=1):
    """Names and samples for the page."""
    return Setting(
        samples=samples,
        loss=network.loss,
        quantile=network.quantile,
        features=[plain_name(name) for name in inspected.input_names(feature_names)],
        outputs=[plain_name(name) for name in inspected.output_names(class_names, feature_names)],
        classes=[plain_name(name) for name in inspected.class_names(class_names)] if inspected.is_classifier else [],
        epoch_length=epoch_length,
    )


def trace(network, setting, row, tau, alpha, params_after):
    """What a step from the weights of a network to others computes.

    Parameters
    ----------
    network : Network
        Has the weights before the step, and stays as it is.
    setting : Setting
        Has the samples.
    row : int
        The sample of the step, i_t.
    tau, alpha : float
        The step size and the L2 penalty.
    params_after : ndarray
        The parameters after the step.

    Returns
    -------
    StepTrace
    """
    samples, draws = setting.samples, np.array([row], dtype=np.int64)
    x = samples.X[[row]]
    a, z, derivative = {0: (x.toarray() if issparse(x) else x)[0]}, {}, {}
    layers = forward(x, network.coefs, network.intercepts, network.activations, keep=True)
    for l, (z_l, a_l, derivative_l) in enumerate(layers, start=1):
        z[l], a[l] = z_l[0], a_l[0]
        if derivative_l is not None:
            derivative[l] = derivative_l[0]
    W, b = _by_layer(network.coefs, network.intercepts)
    loss, G = gradient(network, samples, draws)
    grad_W, grad_b = _by_layer(*network.views(G))
    W_after, b_after = _by_layer(*network.views(params_after))
    after = network.copy()
    after.params[:] = params_after
    target = samples.targets[row]
    return StepTrace(
        y=target if samples.targets.ndim == 2 else np.eye(network.M[-1], dtype=network.params.dtype)[target],
        tau=float(tau),
        alpha=float(alpha),
        loss=loss,
        activations=dict(enumerate(network.activations, start=1)),
        z=z,
        a=a,
        derivative=derivative,
        delta=grad_b,  # the same numbers: ∇f_i(b^l) = δ^l
        grad_W=grad_W,
        grad_b=grad_b,
        W=W,
        b=b,
        W_after=W_after,
        b_after=b_after,
        loss_after=steps(after, samples, draws, 0.0),
        setting=setting,
    )


def _by_layer(coefs, intercepts):
    """Copies of the W^l, as in the lecture, and b^l, by l."""
    W = {l: W.T.copy(order="C") for l, W in enumerate(coefs, start=1)}
    return W, {l: b.copy() for l, b in enumerate(intercepts, start=1)}
