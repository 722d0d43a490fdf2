# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The compiled kernel: the lecture's algorithm, one chunk of drawn samples at a time.

The algorithm itself is in ``steps.h``, which reads like docs/backpropagation.md, section 3: forward pass, backprop,
update. This module is its Python interface: it checks that the arrays fit together, passes on pointers and releases the
GIL. It keeps no state between calls. What a call does depends only on its arguments, and it changes the network's
parameters in place.

If the arrays do not fit together, a call raises and changes nothing. Two things are not checked here: how a Network and
a Rule lay out their own arrays, and where the `indices` and `indptr` of a CSR matrix point, which is checked once per
fit, before the first call.
"""

import os

import numpy as np
from scipy.sparse import issparse

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t, int64_t, uint16_t

cdef extern from "types.h":
    double EXP_MAX_FLOAT, EXP_MAX_DOUBLE, NO_MEMORY
    int NOISE_OF_INPUT
    ctypedef struct network_t:
        ptrdiff_t L
        const ptrdiff_t *M
        const ptrdiff_t *stride
        const ptrdiff_t *W
        const ptrdiff_t *b
        const int *activation
        int loss
        double quantile
    ctypedef struct rule_t:
        int code
        ptrdiff_t batch_size
        double tau, alpha, momentum, beta_2, epsilon
        void *first
        void *second
        int64_t t
        void *gradient
        const double *dropout
        const uint16_t *noise
        int threads
    int LOSS_ONLY, GRADIENT_ONLY, SGD
    ctypedef struct samples_t:
        const void *X
        const void *indices
        const void *indptr
        int wide_indices
        ptrdiff_t longest_row
        const void *Y
        const int32_t *codes
        const double *weights
    ctypedef double (*training_t)(
        const network_t *, const rule_t *, void *, double *, const samples_t *, const int64_t *, ptrdiff_t
    ) noexcept nogil
    ctypedef struct layers_t:
        ptrdiff_t L
        const ptrdiff_t *M
        const int *activation
        const void *const *W
        const void *const *b
    ctypedef int (*prediction_t)(
        const layers_t *, const samples_t *, ptrdiff_t, int, void *
    ) noexcept nogil

cdef extern from "threads.h":
    void forget_teams() noexcept nogil

cdef extern from "levels.h":
    ctypedef struct level_t:
        const char *name
        training_t steps[2]
        training_t steps_by_rule[2]
        training_t batches[2]
        prediction_t predict[2]
        void (*activation_float)(const float *, float *, float *, ptrdiff_t, int) noexcept nogil
        void (*activation_double)(const double *, double *, double *, ptrdiff_t, int) noexcept nogil
    const level_t *LEVELS
    int n_levels() noexcept nogil

ctypedef fused real:
    float
    double

#: The processor levels that the kernel is compiled for and this machine supports; the last is the best.
AVAILABLE_LEVELS = tuple([LEVELS[k].name.decode() for k in range(n_levels())])
cdef int level = n_levels() - 1

#: Name of the type -> the largest argument of the exponential; larger ones are capped to it.
EXP_MAX = {"float32": EXP_MAX_FLOAT, "float64": EXP_MAX_DOUBLE}


def _forget_teams():
    forget_teams()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_teams)


def use_level(name=None):
    """Choose the processor level that the kernel uses from now on, in the whole process.

    This is meant for tests and benchmarks. The best level is used by default.

    Parameters
    ----------
    name : str, default=None
        One of ``AVAILABLE_LEVELS``; None changes nothing.

    Returns
    -------
    str
        The level used before.
    """
    global level
    before = AVAILABLE_LEVELS[level]
    if name is not None:
        if name not in AVAILABLE_LEVELS:
            raise ValueError(f"this machine supports the levels {AVAILABLE_LEVELS}; got {name!r}")
        level = AVAILABLE_LEVELS.index(name)
    return before


def steps(
    network, samples, const int64_t[::1] draws not None, double tau, double alpha=0.0, rule=None, noise=None,
    int threads=1,
):
    """Make one step on each drawn sample, or batch of samples, in the order of the draws.

    Parameters
    ----------
    network : Network
        Its parameters are changed in place.
    samples : Samples
        X and the targets, of the network's type. X is finite.
    draws : ndarray of int64
        The rows i_t: one per step, or as many as the rule's `batch_size`.
    tau : float
        The step size. With 0, the loss is measured, without dropout, and nothing changes.
    alpha : float, default=0.0
        The L2 penalty: each step uses the gradient of f_i plus ``alpha * W``.
    rule : Rule, default=None
        How gradients become steps; its moments are changed in place. None means the lecture's plain steps.
    noise : ndarray of uint16 of shape (n_draws, rule.n_noise), default=None
        For each draw and every layer l with ``rule.dropout[l] > 0``: four numbers for the input, from which those of
        its values are made, or one per unit of a hidden layer, including padding. A value or unit is left out of the
        draw if its number is less than ``rule.dropout[l] * 2**16``.
    threads : int, default=1
        How many threads may be at work in all calls of the kernel during this one. Large batches use them, and steps
        of one sample with a wide hidden layer; the result has the same bits for any number.

    Returns
    -------
    float
        The sum of f_i over the draws, each taken with the weights before its own step.
    """
    cdef rule_t how = rule_t(SGD, 1, tau, alpha, 0, 0, 0, NULL, NULL, 0, NULL, NULL, NULL, threads)
    cdef const uint16_t[:, ::1] numbers
    cdef const double[::1] dropout
    if tau == 0:
        how.code, how.batch_size = LOSS_ONLY, max(2, len(draws))
    if rule is None or tau == 0:
        return _train(network, samples, draws, how, None, None)
    how.code, how.batch_size, how.t = rule.code, rule.batch_size, rule.t
    how.momentum, how.beta_2, how.epsilon = rule.momentum, rule.beta_2, rule.epsilon
    if noise is not None:
        numbers, dropout = noise, rule.dropout
        if dropout.shape[0] != len(network.stride) - 1:
            raise ValueError("the rule was made for another network")
        if numbers.shape[0] != draws.shape[0] or numbers.shape[1] != noise_of_a_draw(network, rule.dropout):
            raise ValueError(f"noise has shape {noise.shape} for {len(draws)} draws")
        if noise.size:
            how.noise, how.dropout = &numbers[0, 0], &dropout[0]
    total = _train(network, samples, draws, how, rule.moments, rule.gradient)
    rule.t += (draws.shape[0] + how.batch_size - 1) // how.batch_size
    return total


def noise_of_a_draw(network, dropout):
    """How many random numbers one draw takes.

    Parameters
    ----------
    network : Network
        The layers.
    dropout : ndarray of float64 of shape (L,)
        Of layers 0 to L - 1.

    Returns
    -------
    int
        The length of a row of `noise` in `steps`.
    """
    numbers = [NOISE_OF_INPUT, *network.stride[1 : len(network.stride) - 1]]
    return int(sum([n for n, p in zip(numbers, dropout, strict=True) if p > 0]))


def gradient(network, samples, const int64_t[::1] draws not None, int threads=1, out=None):
    """The gradient of the sum of f_i over some rows.

    Parameters
    ----------
    network : Network
        It is not changed.
    samples : Samples
        X and the targets, of the network's type.
    draws : ndarray of int64
        The rows.
    threads : int, default=1
        As in `steps`.
    out : ndarray, default=None
        Where G is written; None makes a new array.

    Returns
    -------
    f : float
        The sum of f_i.
    G : ndarray
        Its gradient, a vector like the network's parameters.
    """
    G = np.empty_like(network.params) if out is None else out
    G.fill(0)
    cdef rule_t how = rule_t(GRADIENT_ONLY, max(2, len(draws)), 0, 0, 0, 0, 0, NULL, NULL, 0, NULL, NULL, NULL, threads)
    return _train(network, samples, draws, how, None, G), G


cdef double _train(network, samples, const int64_t[::1] draws, rule_t how, moments, G) except *:
    """Call the kernel for the network's type."""
    if network.params.dtype == "float32":
        return _train_real[float](network.params, network, samples, draws, how, moments, G)
    return _train_real[double](network.params, network, samples, draws, how, moments, G)


cdef double _train_real(
    real[::1] params, network, samples, const int64_t[::1] draws, rule_t how, moments, G
) except *:
    cdef const ptrdiff_t[::1] M = network.M, stride = network.stride, W = network.W_at, b = network.b_at
    cdef const int[::1] activation = network.activation_codes
    cdef double[::1] scale = network.scale
    cdef network_t net = network_t(
        M.shape[0] - 1, &M[0], &stride[0], &W[0], &b[0], &activation[0], network.loss_code, network.quantile
    )
    cdef real[:, ::1] first_and_second
    cdef real[::1] batch_gradient
    if moments is not None:
        first_and_second = moments
        if first_and_second.shape[0] and first_and_second.shape[1] != params.shape[0]:
            raise ValueError("the rule was made for another network")
        if first_and_second.shape[0] > 0:
            how.first = &first_and_second[0, 0]
        if first_and_second.shape[0] > 1:
            how.second = &first_and_second[1, 0]
    if G is not None:
        batch_gradient = G
        if batch_gradient.shape[0] != params.shape[0]:
            raise ValueError("the rule was made for another network")
        how.gradient = &batch_gradient[0]

    cdef samples_t rows = _rows(samples, params, M[0], M[net.L])
    cdef ptrdiff_t n_rows = samples.X.shape[0]
    cdef training_t train = LEVELS[level].steps[real is double]
    if how.batch_size > 1:
        train = LEVELS[level].batches[real is double]
    elif how.code != SGD:
        train = LEVELS[level].steps_by_rule[real is double]
    cdef double total
    with nogil:
        _check_draws(draws, &rows, n_rows, M[net.L])
        total = train(&net, &how, &params[0], &scale[0], &rows, &draws[0], draws.shape[0])
    if total == NO_MEMORY:
        raise MemoryError("no memory for the samples' z, a and delta")
    return total


cdef samples_t _matrix(matrix, const real *typed) except *:
    """Pointers into the arrays of X, which live as long as it does; their type is that of `typed`."""
    cdef const real[:, ::1] X
    cdef const real[::1] data
    cdef const int32_t[::1] indices, indptr
    cdef const int64_t[::1] wide_indices, wide_indptr
    cdef samples_t rows = samples_t(NULL, NULL, NULL, 0, 0, NULL, NULL, NULL)
    if isinstance(matrix.data, memoryview):
        X = matrix
        rows.X = &X[0, 0]
        return rows
    data = matrix.data
    rows.X = &data[0]
    if matrix.indices.dtype == "int64":
        wide_indices, wide_indptr = matrix.indices, matrix.indptr
        rows.wide_indices = 1
        rows.indices, rows.indptr = &wide_indices[0], &wide_indptr[0]
    else:
        indices, indptr = matrix.indices, matrix.indptr
        rows.indices, rows.indptr = &indices[0], &indptr[0]
    return rows


cdef samples_t _rows(samples, real[::1] params, ptrdiff_t n_inputs, ptrdiff_t n_outputs) except *:
    """Pointers into the arrays of `samples`, valid as long as it lives; their type is that of `params`."""
    cdef const real[:, ::1] Y
    cdef const int32_t[::1] codes
    cdef const double[::1] weights
    n_rows, n_features = samples.X.shape
    if n_features != n_inputs:
        raise ValueError(f"X has {n_features} features, the network {n_inputs} inputs")
    cdef samples_t rows = _matrix(samples.X, &params[0])
    if rows.indptr != NULL:
        rows.longest_row = samples.longest_row
    if samples.targets.ndim == 1:
        codes = samples.targets
        rows.codes = &codes[0]
    else:
        Y = samples.targets
        rows.Y = &Y[0, 0]
        if Y.shape[1] != n_outputs:
            raise ValueError(f"y has {Y.shape[1]} columns, the network {n_outputs} outputs")
    if samples.weights is not None:
        weights = samples.weights
        rows.weights = &weights[0]
    if samples.targets.shape[0] != n_rows or (samples.weights is not None and weights.shape[0] != n_rows):
        raise ValueError(f"X has {n_rows} rows; targets and weights must have as many")
    return rows


cdef int _check_draws(
    const int64_t[::1] draws, const samples_t *rows, ptrdiff_t n_rows, ptrdiff_t n_outputs
) except -1 nogil:
    """Raise unless every draw is a row and every target an output."""
    cdef ptrdiff_t t
    for t in range(draws.shape[0]):
        if not 0 <= draws[t] < n_rows:
            with gil:
                raise IndexError(f"draws[{t}] is {draws[t]}; X has {n_rows} rows")
        if rows.Y == NULL and not 0 <= rows.codes[draws[t]] < n_outputs:
            with gil:
                raise ValueError(f"targets[{draws[t]}] is {rows.codes[draws[t]]}; the network has {n_outputs} outputs")
    return 0


def forward(X, coefs, intercepts, activations, out, int threads=1):
    """The forward pass of many samples, by the weights of a fitted estimator.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, M_0)
        The samples.
    coefs, intercepts : list of ndarray
        W^l transposed, of shape (M_{l-1}, M_l), and b^l of the layers.
    activations : sequence of int
        The positions of the layers' activations in ``skbackprop._network.ACTIVATIONS``.
    out : ndarray of shape (n_samples, M_L)
        Where a^L is written; its type is that of the computation.
    threads : int, default=1
        As in `steps`.
    """
    if out.dtype == "float32":
        _forward[float](X, coefs, intercepts, activations, out, threads)
    else:
        _forward[double](X, coefs, intercepts, activations, out, threads)


cdef _forward(X, coefs, intercepts, activations, real[:, ::1] out, int threads):
    """The forward pass in the type of `out`."""
    cdef ptrdiff_t L = len(coefs), k
    cdef const real[:, ::1] W
    cdef const real[::1] b
    dtype = np.float64 if real is double else np.float32
    coefs = [np.ascontiguousarray(w, dtype=dtype) for w in coefs]
    intercepts = [np.ascontiguousarray(w, dtype=dtype) for w in intercepts]
    if not issparse(X):
        X = np.ascontiguousarray(X, dtype=dtype)
    elif X.indices.dtype != X.indptr.dtype:
        X = type(X)((X.data, X.indices.astype(np.int64), X.indptr.astype(np.int64)), shape=X.shape)
    cdef ptrdiff_t[::1] M = np.array([X.shape[1]] + [len(w) for w in intercepts], dtype=np.intp)
    cdef int[::1] codes = np.array([0] + list(activations), dtype=np.intc)
    cdef size_t[::1] W_at = np.zeros(L + 1, dtype=np.uintp), b_at = np.zeros(L + 1, dtype=np.uintp)
    if codes.shape[0] != L + 1 or M.shape[0] != L + 1 or (out.shape[0], out.shape[1]) != (X.shape[0], M[L]):
        raise ValueError("activations, intercepts and out must fit the coefs")
    for k in range(L):
        W, b = coefs[k], intercepts[k]
        if W.shape[0] != M[k] or W.shape[1] != M[k + 1]:
            raise ValueError(f"coefs[{k}] has shape {coefs[k].shape}; it must be {(M[k], M[k + 1])}")
        W_at[k + 1], b_at[k + 1] = <size_t>&W[0, 0], <size_t>&b[0]
    if not out.shape[0]:
        return
    cdef layers_t net = layers_t(L, &M[0], &codes[0], <const void *const *>&W_at[0], <const void *const *>&b_at[0])
    cdef samples_t rows = _matrix(X, &out[0, 0])
    cdef int done
    with nogil:
        done = LEVELS[level].predict[real is double](&net, &rows, out.shape[0], threads, &out[0, 0])
    if not done:
        raise MemoryError("no memory for the samples' z and a")


def activation(const real[::1] z, int code):
    """An activation and its derivative, as computed by the kernel.

    Parameters
    ----------
    z : ndarray
        The inputs of the units.
    code : int
        The position of the activation in ``skbackprop._network.ACTIVATIONS``.

    Returns
    -------
    a, da : tuple of memoryviews of z's type
        sigma(z) and sigma'(z).
    """
    a, da = np.empty_like(z), np.empty_like(z)
    cdef real[::1] a_view = a, da_view = da
    if z.shape[0]:
        if real is float:
            LEVELS[level].activation_float(&z[0], &a_view[0], &da_view[0], z.shape[0], code)
        else:
            LEVELS[level].activation_double(&z[0], &a_view[0], &da_view[0], z.shape[0], code)
    return a, da
