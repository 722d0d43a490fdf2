"""Steps as one page of HTML: the numbers, the script that shows them, and a table where scripts do not run."""

import base64
import json
import re
import uuid
from dataclasses import dataclass
from html import escape
from importlib.resources import files

import numpy as np
from scipy.sparse import issparse

__all__ = ["MAX_BYTES", "Setting", "document", "fragment", "page_bytes", "plain_name", "styled"]

#: A page whose numbers take more bytes is not made.
MAX_BYTES = 30 * 2**20
#: Samples whose losses the page computes, at most; of more, evenly spaced ones and those that are drawn.
MAX_SAMPLES = 500


@dataclass
class Setting:
    """What the page shows around the steps: the samples, the loss and all names.

    Parameters
    ----------
    samples : Samples
        The training samples, as the kernel takes them.
    loss : str
        The kernel's name of the loss.
    quantile : float
        Of the loss "quantile".
    features : list of str
        The names of the network's inputs.
    outputs : list of str
        The names of its outputs.
    classes : list of str
        The names of the classes; none where there are none.
    epoch_length : int
        Number of steps in an epoch.
    """

    samples: object
    loss: str
    quantile: float
    features: list
    outputs: list
    classes: list
    epoch_length: int = 1


def plain_name(name):
    """A name that matplotlib would draw, as plain text: $x_{12}$ as x₁₂, an escaped $ as $."""
    formula = re.fullmatch(r"\$(x|\\hat\{y\})(?:_\{(\d+)\})?\$", name)
    if formula is None:
        return name.replace(r"\$", "$")
    symbol, number = formula.groups()
    return ("x" if symbol == "x" else "ŷ") + (number or "").translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def page_bytes(n_params, sizes, n_steps):
    """About how many bytes the numbers of so many steps take in the page."""
    return (n_params * (n_steps + 1) + 4 * sum(sizes[1:]) * n_steps) * 4 * 4 // 3


def fragment(steps, draws, setting, table):
    """The HTML of some successive steps, to stand inside a page or a notebook.

    Its numbers are those of the traces, rounded to single precision.

    Parameters
    ----------
    steps : list of StepTrace
        Each begins at the weights at which the one before ended.
    draws : sequence of int
        Their i_t: rows of ``setting.samples``.
    setting : Setting
        What is shown around the steps.
    table : str
        HTML for where scripts do not run.

    Returns
    -------
    str
        A div of class "skb-stepper".
    """
    name = f"skb-{uuid.uuid4().hex[:12]}"
    data = json.dumps(_data(steps, draws, setting), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return styled(
        table,
        f'<script type="application/json">{data.replace("<", chr(92) + "u003c")}</script>'
        f'<script>{_source("js")}\nskbackpropStepper(document.getElementById("{name}"));</script>',
        name,
    )


def styled(table, scripts="", name=""):
    """A table in the page's style, with what takes its place where scripts run."""
    identity = f' id="{name}"' if name else ""
    return (
        f'<div class="skb-stepper"{identity}><style>{_source("css")}</style>'
        f'<div class="skb-static">{table}</div>{scripts}</div>'
    )


def document(body, title):
    """A whole HTML document around a fragment."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,"></head>'
        f'<body class="skb-page">{body}</body></html>\n'
    )


def _data(steps, draws, setting):
    """What the script reads; arrays are little-endian float32 in base64."""
    first, layers = steps[0], sorted(steps[0].z)
    samples = setting.samples
    rows = _shown_rows(len(samples), draws)
    X = samples.X[rows]
    targets = samples.targets[rows]
    if targets.ndim == 1:
        targets = np.eye(len(first.y))[targets]
    nothing = {l: np.full(len(first.z[l]), np.nan) for l in layers}  # a softmax has no σ'
    params = [_flat(step.W[l], step.b[l]) for step in steps for l in layers]
    params += [_flat(steps[-1].W_after[l], steps[-1].b_after[l]) for l in layers]
    values = [
        _flat(step.z[l], step.a[l], {**nothing, **step.derivative}[l], step.delta[l]) for step in steps for l in layers
    ]
    place = {row: k for k, row in enumerate(rows.tolist())}
    return {
        "sizes": [len(first.a[0]), *(len(first.z[l]) for l in layers)],
        "activations": [first.activations[l] for l in layers],
        "loss": setting.loss,
        "quantile": setting.quantile,
        "alpha": first.alpha,
        "features": setting.features,
        "outputs": setting.outputs,
        "classes": setting.classes,
        "n": len(samples),
        "epoch": setting.epoch_length,
        "rows": None if len(rows) == len(samples) else rows.tolist(),
        "draws": [place[int(row)] for row in draws],
        "tau": _base64([step.tau for step in steps]),
        "before": _base64([step.loss for step in steps]),
        "after": _base64([step.loss_after for step in steps]),
        "params": _base64(np.concatenate(params)),
        "values": _base64(np.concatenate(values)),
        "X": _base64(X.toarray() if issparse(X) else X),
        "Y": _base64(targets),
        "weights": None if samples.weights is None else _base64(samples.weights[rows]),
    }


def _source(kind):
    """The script or the style sheet, without comments and most of the space between its words, a fifth of it."""
    source = files(__package__).joinpath(f"stepper.{kind}").read_text("utf-8")
    source = re.sub(r"^\s*(/\*.*?\*/|//[^\n]*)\n", "", source, flags=re.MULTILINE | re.DOTALL)
    source = re.sub(r"^\s+", "", source, flags=re.MULTILINE)
    return re.sub(r"(?<=[{;,(])\n", "", source)


def _shown_rows(n, draws):
    """All rows, or where there are many an even choice of them and all that are drawn."""
    if n <= MAX_SAMPLES:
        return np.arange(n)
    return np.union1d(np.linspace(0, n - 1, MAX_SAMPLES).astype(np.int64), draws)


def _flat(*arrays):
    return np.concatenate([array.ravel() for array in arrays])


def _base64(array):
    with np.errstate(over="ignore"):  # a number beyond float32 is shown as infinite
        return base64.b64encode(np.asarray(array, dtype="<f4").tobytes()).decode()
