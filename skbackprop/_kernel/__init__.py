"""The compiled kernel: the lecture's loop in C, for every type and processor, and its Python interface.

`kernel` makes the steps, `rows` hashes the samples, and `threads` says how many threads there may be. Nothing here
imports anything else from the package.
"""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)  # see skbackprop/__init__.py

from .kernel import AVAILABLE_LEVELS, EXP_MAX, activation, forward, gradient, noise_of_a_draw, steps, use_level
from .rows import add_csr, add_dense
from .threads import allowed_threads, one_blas_thread

__all__ = [
    "AVAILABLE_LEVELS",
    "EXP_MAX",
    "activation",
    "add_csr",
    "add_dense",
    "allowed_threads",
    "forward",
    "gradient",
    "noise_of_a_draw",
    "one_blas_thread",
    "steps",
    "use_level",
]
