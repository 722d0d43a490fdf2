"""The compiled kernel: the lecture's loop in C, for every type and processor, and its Python interface.

`kernel` makes the steps, and `rows` hashes the samples. Nothing here imports anything else from the package.
"""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)  # see skbackprop/__init__.py

from .kernel import AVAILABLE_LEVELS, EXP_MAX, activation, gradient, noise_of_a_draw, steps, use_level
from .rows import add_csr, add_dense

__all__ = [
    "AVAILABLE_LEVELS",
    "EXP_MAX",
    "activation",
    "add_csr",
    "add_dense",
    "gradient",
    "noise_of_a_draw",
    "steps",
    "use_level",
]
