"""The plain rule gives the weights and losses of tests/data/recorded_weights.json, where it can to the last bit.

What a step computes is settled by its formulas; how it is rounded, by the order of the operations. A kernel that is
written anew should keep both, so that the same training gives the same model in every version. Two comparisons:

- by tolerance, everywhere;
- bit by bit, where the source leaves a compiler no choice: at the level `baseline` of x86-64, which cannot fuse a
  product and a sum into one operation with one rounding. The higher levels can, and which ones they fuse is for the
  compiler to choose: their bits are compared where the kernel was built by the compiler that recorded them, with the
  options of pyproject.toml.

Inputs are made of whole numbers, so that no random stream and no function of a library can change them. Where a change
of the bits is meant, `python tests/test_recorded_weights.py` records them anew.
"""

import json
import platform
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
from helpers import as_layout

from skbackprop import _kernel
from skbackprop._kernel import AVAILABLE_LEVELS, steps, use_level
from skbackprop._network import Network
from skbackprop._training.rules import Rule
from skbackprop._training.sampling import Samples

RECORD = Path(__file__).with_name("data") / "recorded_weights.json"
#: What the compiler that recorded the bits writes into a library.
COMPILER = b"GCC: (Debian 12.2.0-14+deb12u1) 12.2.0"
#: Of weights and losses, relative to the largest weight of each array, or to the loss.
BOUND = {"float64": 1e-12, "float32": 2e-5}
N, STEPS = 11, 150

ONE_LAYER = {"sizes": (5, 3), "activations": ["logistic"]}
TWO_LAYERS = {"sizes": (9, 7, 3), "activations": ["tanh", "logistic"]}
FOUR_LAYERS = {"sizes": (6, 17, 9, 5, 2), "activations": ["relu", "gelu", "silu", "identity"], "tau": 0.01}
#: W^1 is large enough for the zeros of dense samples to be looked for; half of the samples have few.
ZEROS = {"sizes": (530, 3, 2), "activations": ["logistic", "logistic"], "shares_of_zeros": (0.1, 0.9)}
CLASSES = {"sizes": (8, 20, 4), "activations": ["softplus", "softmax"], "loss": "multinomial_log_loss", "codes": True}
LABELS = {"sizes": (8, 5, 6), "activations": ["leaky_relu", "logistic"], "loss": "binary_log_loss"}
CASES = {
    "one layer": ONE_LAYER,
    "one layer, penalty": ONE_LAYER | {"alpha": 0.01},
    "one layer, CSR": ONE_LAYER | {"layout": "csr32"},
    "two layers": TWO_LAYERS,
    "two layers, penalty": TWO_LAYERS | {"alpha": 0.01},
    "two layers, penalty that folds the scale": TWO_LAYERS | {"alpha": 9.0},
    "two layers, CSR": TWO_LAYERS | {"layout": "csr32"},
    "two layers, CSR, penalty": TWO_LAYERS | {"layout": "csr32", "alpha": 0.01},
    "two layers, wide CSR, penalty": TWO_LAYERS | {"layout": "csr64", "alpha": 0.01},
    "two layers, loss weights": TWO_LAYERS | {"weighted": True},
    "two layers, codes": TWO_LAYERS | {"codes": True},
    "two layers, dropout": TWO_LAYERS | {"dropout": 0.25},
    "two layers, nothing but the loss": TWO_LAYERS | {"tau": 0.0},
    "four layers": FOUR_LAYERS,
    "four layers, penalty": FOUR_LAYERS | {"alpha": 0.01},
    "four layers, CSR, penalty": FOUR_LAYERS | {"layout": "csr32", "alpha": 0.01},
    "zeros": ZEROS,
    "zeros, penalty": ZEROS | {"alpha": 0.01},
    "classes": CLASSES,
    "classes, CSR, loss weights": CLASSES | {"layout": "csr32", "weighted": True},
    "labels": LABELS,
}


def numbers(shape, key):
    """Multiples of 2^-11 in [-1, 1), without a pattern: exact in either type."""
    k = np.arange(np.prod(shape), dtype=np.uint64) + np.uint64(1000 * key)
    mixed = (k * k * np.uint64(40503) + k * np.uint64(2654435761)) % np.uint64(2**32)
    return ((mixed >> np.uint64(20)).astype(np.float64) / 2048 - 1).reshape(shape)


def train(
    dtype,
    sizes,
    activations,
    loss="squared_error",
    layout="dense",
    alpha=0.0,
    tau=0.1,
    shares_of_zeros=(0.3,),
    codes=False,
    weighted=False,
    dropout=0.0,
):
    """The arrays W^1, ..., W^L, b^1, ..., b^L after all steps, and the sum of f_i."""
    network = Network(sizes, activations, loss, dtype)
    for l, (W, b) in enumerate(zip(network.coefs, network.intercepts, strict=True)):
        W[...] = numbers(W.shape, 2 * l) / 2.0 ** np.ceil(np.log2(len(W)) / 2)
        b[...] = numbers(b.shape, 2 * l + 1) / 4
    X = numbers((N, sizes[0]), 20)
    for i in range(N):
        X[i, (numbers(sizes[0], 21 + i) + 1) / 2 < shares_of_zeros[i % len(shares_of_zeros)]] = 0
    if codes:
        targets = (np.arange(N) * 5 % sizes[-1]).astype(np.int32)
    else:
        targets = np.abs(numbers((N, sizes[-1]), 40)).astype(dtype)
        targets = targets.round() if loss == "binary_log_loss" else targets
    samples = Samples(as_layout(X.astype(dtype), layout), targets, np.arange(N) / 8 if weighted else None)
    t = np.arange(STEPS)
    rule = noise = None
    if dropout:
        rule = Rule(network, dropout=[0, dropout])
        noise = ((numbers((STEPS, 16 if dtype == "float32" else 8), 60) + 1) * 2**15).astype(np.uint16)
    total = steps(network, samples, (t * t + t // 7) % N, tau, alpha, rule, noise)
    network.fold_scale()
    return network.coefs + network.intercepts, total


def digest(arrays):
    """A checksum of all bits."""
    return zlib.crc32(b"".join(w.tobytes() for w in arrays))


def some(w):
    """The largest absolute value of an array, and a few of its values."""
    return [float(abs(w).max()), *map(float, w.ravel()[:: -(-w.size // 3)])]


def record():
    """Write the file."""
    table = {}
    for name, case in CASES.items():
        for dtype in BOUND:
            bits = {}
            for level in reversed(AVAILABLE_LEVELS):  # the last one's values are recorded
                use_level(level)
                arrays, total = train(dtype, **case)
                bits[level] = [digest(arrays), total.hex()]
            table[f"{name}, {dtype}"] = {"loss": total, "values": list(map(some, arrays)), "bits": bits}
    lines = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in table.items()]
    RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def bits_are_settled(level):
    """Whether the kernel's level has to give the recorded bits."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return False
    library = Path(_kernel.kernel.__file__).read_bytes()
    # more than one where the linker's start files come from another
    compilers = set(re.findall(rb"GCC: \([^\0]*|clang version [^\0]*", library))
    sanitized = b"__asan_init" in library  # built with other options
    return level == "baseline" or (compilers == {COMPILER} and not sanitized)


@pytest.mark.parametrize("dtype", BOUND)
@pytest.mark.parametrize("name", CASES)
def test_the_plain_rule_gives_the_recorded_weights(name, dtype, level):
    arrays, total = train(dtype, **CASES[name])
    recorded = json.loads(RECORD.read_text())[f"{name}, {dtype}"]
    assert total == pytest.approx(recorded["loss"], rel=BOUND[dtype])
    for w, values in zip(arrays, recorded["values"], strict=True):
        np.testing.assert_allclose(some(w), values, rtol=0, atol=BOUND[dtype] * values[0])
    if bits_are_settled(level):
        checksum, loss = recorded["bits"][level]
        assert digest(arrays) == checksum
        if "softmax" not in CASES[name]["activations"]:  # its loss takes a logarithm from the C library
            assert total.hex() == loss


if __name__ == "__main__":
    record()
