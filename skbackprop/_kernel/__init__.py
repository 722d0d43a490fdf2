"""The compiled kernel: the lecture's loop in C, for every type and processor, and its Python face.

`kernel` makes the steps, `rows` hashes the samples, `threads` says how many threads
there may be. Nothing here imports anything else of the package.
"""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)  # see skbackprop/__init__.py

from .kernel import AVAILABLE_LEVELS, EXP_MAX, activation, forward, gradient, steps, use_level
from .rows import add_csr, add_dense
from .threads import allowed_threads

__all__ = [
    "AVAILABLE_LEVELS",
    "EXP_MAX",
    "activation",
    "add_csr",
    "add_dense",
    "allowed_threads",
    "forward",
    "gradient",
    "steps",
    "use_level",
]
