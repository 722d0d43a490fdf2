"""The kernel's entry points are given what does not fit together: they raise, or work, and write nowhere else.

Under the address sanitizer (docs/contributing.md) a read or write beside an array ends the tests.
"""

import numpy as np
import scipy.sparse as sp
from hypothesis import event, given
from hypothesis import strategies as st
from strategies import problems

from skbackprop._kernel import AVAILABLE_LEVELS, gradient, noise_of_a_draw, steps, use_level
from skbackprop._training.rules import RULES, Rule
from skbackprop._training.sampling import Samples

ODD_NUMBERS = st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e-310, 1e30, -1e300, np.inf, -np.inf, np.nan])
ODD_INDICES = st.sampled_from([-(2**63), -(2**31), -1, 0, 1, 5, 6, 7, 100, 2**31, 2**62, 2**63 - 1])
WAYS = ["values"] * 5 + ["type", "shorter", "longer", "axes", "strided", "empty", "None"]
TYPES = [np.float16, np.float32, np.float64, np.int32, np.int64, np.uint8, bool, complex, object]


@st.composite
def spoilt(draw, array):
    """The array, or something like it that has another shape, type, order or content, or None."""
    array = array.copy()
    how = draw(st.sampled_from(["as it is"] * 20 + WAYS))
    if how == "values" and array.size:
        at = draw(st.integers(0, array.size - 1))
        value = draw(ODD_NUMBERS if array.dtype.kind == "f" else ODD_INDICES)
        with np.errstate(over="ignore"):
            array.flat[at] = np.array(value).astype(array.dtype)
    elif how == "type":
        array = array.astype(draw(st.sampled_from(TYPES)))
    elif how == "shorter":
        array = array[:-1].copy()
    elif how == "longer":
        array = np.concatenate([array, array[-1:]])
    elif how == "axes":
        array = draw(st.sampled_from([np.asfortranarray(array.T), array.ravel(), array[None], array[..., None]]))
    elif how == "strided":
        array = np.repeat(array, 2, axis=-1)[..., ::2]
    elif how == "empty":
        array = array[:0]
    elif how == "None":
        return None
    return array


def padding(network):
    """What of the parameters is neither weight nor bias."""
    everything = network.params.copy()
    coefs, intercepts = network.views(everything)
    for w in coefs + intercepts:
        w[...] = 0
    return everything


@given(problem=problems(), data=st.data(), level=st.sampled_from(AVAILABLE_LEVELS))
def test_steps_and_gradient(problem, data, level):
    network, samples, draws = problem
    draws = data.draw(spoilt(draws))
    targets = data.draw(spoilt(samples.targets))
    weights = samples.weights if samples.weights is None else data.draw(spoilt(samples.weights))
    X = samples.X
    if sp.issparse(X):
        values = data.draw(spoilt(X.data))
        if values is not None and len(values) >= len(X.data):
            X.data = values
    else:
        X = data.draw(spoilt(X).filter(lambda X: X is not None))
    samples = Samples(X, targets, weights)

    other, _, _ = data.draw(problems())
    dropout = [data.draw(st.sampled_from([0.0, 0.5])) for _ in network.M[1:]]
    rule = Rule(
        data.draw(st.sampled_from([network] * 5 + [other])),
        data.draw(st.sampled_from(sorted(RULES))),
        batch_size=data.draw(st.integers(1, 9)),
        dropout=dropout,
        momentum=0.9,
        beta_2=0.9,
    )
    noise = None
    if any(dropout) and draws is not None:
        rng = np.random.default_rng(0)
        noise = rng.integers(2**16, size=(draws.shape[0] if draws.ndim else 1, noise_of_a_draw(network, dropout)))
        noise = data.draw(spoilt(noise.astype(np.uint16)))
    tau, alpha = data.draw(ODD_NUMBERS), data.draw(ODD_NUMBERS)

    calls = {
        "steps": lambda: steps(network, samples, draws, tau, alpha),
        "steps by a rule": lambda: steps(network, samples, draws, tau, alpha, rule, noise),
        "gradient": lambda: gradient(network, samples, draws)[0],
    }
    name = data.draw(st.sampled_from(sorted(calls)))
    before, params = use_level(level), network.params.tobytes()
    try:
        total = calls[name]()
    except (ValueError, TypeError, IndexError, AttributeError) as error:
        event(f"{name}: {type(error).__name__}")
        assert network.params.tobytes() == params
    else:
        event(f"{name}: works")
        assert isinstance(total, float)
        if name == "gradient" or (tau == 0 and np.isfinite(X.data if sp.issparse(X) else X).all()):
            assert network.params.tobytes() == params
        elif np.isfinite(network.params).all():
            assert not padding(network).any()
    finally:
        use_level(before)
