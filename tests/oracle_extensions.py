"""What the kernel can do beyond the lecture, in plain NumPy: oracle.py with other activations and losses, a penalty,
sample weights, dropout, batches and other rules for the step.

With logistic units and the squared error it equals oracle.py (test_oracle.py).
"""

import numpy as np
from oracle import sigma, sigma_prime
from scipy.special import erf


def normal_cdf(z):
    return (1 + erf(z / np.sqrt(2))) / 2


def normal_density(z):
    return np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


#: name -> (σ, σ'), both functions of z
ACTIVATIONS = {
    "identity": (lambda z: z, lambda z: np.ones_like(z)),
    "logistic": (sigma, sigma_prime),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(0, z), lambda z: (z > 0) * 1.0),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1, 0.01)),
    "softplus": (lambda z: np.log1p(np.exp(z)), sigma),
    "silu": (lambda z: z * sigma(z), lambda z: sigma(z) * (1 + z * (1 - sigma(z)))),
    "gelu": (lambda z: z * normal_cdf(z), lambda z: normal_cdf(z) + z * normal_density(z)),
    "exp": (np.exp, np.exp),
}


def softmax(z):
    return np.exp(z) / np.exp(z).sum()


def loss(name, a, y, quantile=0.5):
    """f_i as a function of the outputs."""
    e = a - y
    if name == "squared_error":
        return (e**2).sum()
    if name == "binary_log_loss":
        return -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum()
    if name == "absolute_error":
        return np.abs(e).sum()
    if name == "huber":
        return np.where(np.abs(e) <= 1, e**2, 2 * np.abs(e) - 1).sum()
    if name == "quantile":
        return np.where(e > 0, (1 - quantile) * e, -quantile * e).sum()
    if name == "poisson":
        return (np.where(y > 0, y * np.log(np.where(y > 0, y, 1) / a), 0) - y + a).sum()
    return -(y * np.log(a)).sum()


def loss_gradient(name, a, y, quantile=0.5):
    """∇f_i(a^L)."""
    e = a - y
    return {
        "squared_error": 2 * e,
        "absolute_error": np.sign(e),
        "huber": 2 * np.clip(e, -1, 1),
        "quantile": np.where(e > 0, 1 - quantile, np.where(e < 0, -quantile, 0)),
        "poisson": 1 - y / np.where(a == 0, 1, a),
    }[name]


def output_delta(name, activation, z, a, y, quantile=0.5):
    """δ^L = ∇f_i(a^L) ⊙ σ'(z^L), which for both log losses is a^L − y."""
    if name in ("binary_log_loss", "multinomial_log_loss"):
        return a - y
    return loss_gradient(name, a, y, quantile) * ACTIVATIONS[activation][1](z)


def one_sample(W, b, x, y, activations, loss_name, weight=1, masks=None, quantile=0.5):
    """f_i and its gradients ∇W^l, ∇b^l. masks: the factors by which dropout multiplies a^0, ..., a^(L-1)."""
    L = len(W)
    # forward pass
    a, z = [x if masks is None else masks[0] * x], [None]
    for l in range(1, L + 1):
        z.append(W[l - 1] @ a[l - 1] + b[l - 1])
        activation = softmax if activations[l - 1] == "softmax" else ACTIVATIONS[activations[l - 1]][0]
        a.append(activation(z[l]))
        if masks is not None and l < L:
            a[l] = masks[l] * a[l]
    # backprop
    delta = [None] * (L + 1)
    delta[L] = weight * output_delta(loss_name, activations[-1], z[L], a[L], y, quantile)
    for l in range(L - 1, 0, -1):
        delta[l] = (W[l].T @ delta[l + 1]) * ACTIVATIONS[activations[l - 1]][1](z[l])
        if masks is not None:
            delta[l] = masks[l] * delta[l]
    return (
        weight * loss(loss_name, a[L], y, quantile),
        [np.outer(d, a) for d, a in zip(delta[1:], a, strict=False)],
        delta[1:],
    )


def extended_backpropagation(
    W, b, X, Y, draws, tau, activations, loss_name="squared_error", alpha=0.0, weights=None, quantile=0.5
):
    """One sample per step: w <- w - τ (∇w + alpha w) for the weights; no penalty for the biases.

    W[l-1], b[l-1] are W^l and b^l; both are changed in place. Returns the f_i of each step.
    """
    losses = []
    for i in draws:
        weight = 1 if weights is None else weights[i]
        f, grad_W, grad_b = one_sample(W, b, X[i], Y[i], activations, loss_name, weight, quantile=quantile)
        losses.append(f)
        for l in range(len(W)):
            W[l] -= tau * (grad_W[l] + alpha * W[l])
            b[l] -= tau * grad_b[l]
    return np.array(losses)


def batches(
    W,
    b,
    X,
    Y,
    draws,
    tau,
    activations,
    loss_name="squared_error",
    alpha=0.0,
    weights=None,
    quantile=0.5,
    *,
    batch_size,
    rule="sgd",
    momentum=0.9,
    beta_2=0.999,
    epsilon=1e-8,
    masks=None,
    lazy=False,
):
    """Mini-batches with the rules as stated in their papers. masks[t][l]: the dropout factors of draw t.

    lazy: as with sparse samples, only the columns of W^1 move whose input is nonzero somewhere in the batch; only the
    plain rule shrinks all weights. Returns the f_i of each draw.
    """
    losses, t = [], 0
    v, m = ([np.zeros_like(w) for w in W + b] for _ in range(2))
    for start in range(0, len(draws), batch_size):
        batch = range(start, min(start + batch_size, len(draws)))
        G = [np.zeros_like(w) for w in W + b]
        for k in batch:
            i = draws[k]
            weight = 1 if weights is None else weights[i]
            f, *gradients = one_sample(
                W, b, X[i], Y[i], activations, loss_name, weight, None if masks is None else masks[k], quantile
            )
            losses.append(f)
            for g, own in zip(G, gradients[0] + gradients[1], strict=True):
                g += own / len(batch)
        t += 1
        touched = np.any([X[draws[k]] * (1 if masks is None else masks[k][0]) != 0 for k in batch], axis=0)
        for p, (w, g) in enumerate(zip(W + b, G, strict=True)):
            here = (slice(None), touched) if lazy and p == 0 and rule != "sgd" else ...
            g = (g + alpha * w * (p < len(W)))[here]
            if rule == "sgd":
                w[here] -= tau * g
            elif rule == "momentum":  # Sutskever et al. 2013, equations 1 and 2
                v[p][here] = momentum * v[p][here] - tau * g
                w[here] += v[p][here]
            elif rule == "nesterov":  # Bengio et al. 2013, equation 7: w is theirs plus momentum times v
                before = v[p][here].copy()
                v[p][here] = momentum * before - tau * g
                w[here] += -momentum * before + (1 + momentum) * v[p][here]
            else:  # Kingma, Ba 2015, algorithm 1, with its end-of-section-2 order of computation
                m[p][here] = momentum * m[p][here] + (1 - momentum) * g
                v[p][here] = beta_2 * v[p][here] + (1 - beta_2) * g**2
                tau_t = tau * np.sqrt(1 - beta_2**t) / (1 - momentum**t)
                w[here] -= tau_t * m[p][here] / (np.sqrt(v[p][here]) + epsilon)
    return np.array(losses)
