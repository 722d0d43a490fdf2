"""One step of the algorithm, with everything that it computes."""

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
from ._page import MAX_BYTES, Setting, fragment, page_bytes, plain_name

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
        """(part of the step, symbol, formula, value), in the order of the computation."""
        layers = sorted(self.z)
        L = layers[-1]
        yield "forward pass", _symbol("a", 0), "x", self.a[0]
        for l in layers:
            yield "", _symbol("W", l), "", self.W[l]
            yield "", _symbol("b", l), "", self.b[l]
            yield "", _symbol("z", l), f"{_symbol('W', l)} {_symbol('a', l - 1)} + {_symbol('b', l)}", self.z[l]
            yield "", _symbol("a", l), f"σ({_symbol('z', l)}), {self.activations[l]}", self.a[l]
        yield "loss", "y", "", self.y
        yield "", "fᵢ", "", np.array(self.loss)
        for l in reversed(layers):
            part = "backprop" if l == L else ""
            if l in self.derivative:
                yield part, f"σ′({_symbol('z', l)})", "", self.derivative[l]
                part = ""
            if l < L:
                formula = f"[({_symbol('W', l + 1)})ᵀ {_symbol('δ', l + 1)}] ⊙ σ′({_symbol('z', l)})"
            else:
                formula = f"∇fᵢ({_symbol('a', l)}) ⊙ σ′({_symbol('z', l)})" if l in self.derivative else "∂fᵢ/∂z"
            yield part, _symbol("δ", l), formula, self.delta[l]
        for l in reversed(layers):
            W, b, delta, a = (_symbol(name, k) for name, k in (("W", l), ("b", l), ("δ", l), ("a", l - 1)))
            yield "update" if l == L else "", f"∇{W}", f"{delta} ({a})ᵀ", self.grad_W[l]
            yield "", f"new {W}", f"{W} − τ (∇{W} + α {W})" if self.alpha else f"{W} − τ ∇{W}", self.W_after[l]
            yield "", f"∇{b}", delta, self.grad_b[l]
            yield "", f"new {b}", f"{b} − τ ∇{b}", self.b_after[l]

    def _title(self):
        return f"One step, τ = {self.tau:g}" + (f", α = {self.alpha:g}" if self.alpha else "")

    def __repr__(self):
        lines = [self._title()]
        for part, symbol, formula, value in self._rows():
            if part:
                lines.append(part)
            name = f"  {symbol}" + (f" = {formula}" if formula else "")
            first, *rest = _numbers(value).splitlines()
            lines += [f"{name:38} {first}", *(f"{'':38} {line}" for line in rest)]
        return "\n".join(lines)

    def _repr_html_(self):
        return page_or_table([self], [0], self.setting, self._table())

    def _table(self):
        """The step as a table in HTML."""
        rows = ""
        for part, symbol, formula, value in self._rows():
            shape = " × ".join(map(str, value.shape)) or "1"
            numbers = f"<pre>{escape(_numbers(value))}</pre>"
            cells = "".join(f"<td>{text}</td>" for text in (symbol, formula, shape, numbers))
            rows += f"<tr><th>{part}</th>{cells}</tr>"
        head = "".join(f"<th>{name}</th>" for name in ("", "symbol", "formula", "shape", "value"))
        return (
            f'<div style="overflow-x: auto;"><table><caption>{self._title()}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        )


def page_or_table(steps, draws, setting, table):
    """The page of some steps; of a network that is too large for it, the table alone."""
    sizes = [len(step) for step in steps[0].a.values()]
    n_params = sum(W.size for W in steps[0].W.values()) + sum(sizes[1:])
    return table if page_bytes(n_params, sizes, len(steps)) > MAX_BYTES else fragment(steps, draws, setting, table)


def _symbol(name, l):
    return f"{name}{str(l).translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def _numbers(value):
    return np.array2string(value, precision=4, threshold=100, edgeitems=3, max_line_width=90)


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
