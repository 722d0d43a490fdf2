"""The algorithm of lecture.md in plain NumPy, to hold the kernel against. Written for reading, not for speed."""

import numpy as np
from scipy.special import erf


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def normal_cdf(z):
    return (1 + erf(z / np.sqrt(2))) / 2


def normal_density(z):
    return np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


#: name -> (σ, σ'), both functions of z
ACTIVATIONS = {
    "identity": (lambda z: z, lambda z: np.ones_like(z)),
    "logistic": (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(0, z), lambda z: (z > 0) * 1.0),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1, 0.01)),
    "softplus": (lambda z: np.log1p(np.exp(z)), sigmoid),
    "silu": (lambda z: z * sigmoid(z), lambda z: sigmoid(z) * (1 + z * (1 - sigmoid(z)))),
    "gelu": (lambda z: z * normal_cdf(z), lambda z: normal_cdf(z) + z * normal_density(z)),
    "exp": (np.exp, np.exp),
}


def softmax(z):
    return np.exp(z) / np.exp(z).sum()


def loss(name, z, a, y):
    """f_i as a function of the outputs."""
    if name == "squared_error":
        return ((a - y) ** 2).sum()
    if name == "binary_log_loss":
        return -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum()
    return -(y * np.log(a)).sum()


def output_delta(name, activation, z, a, y):
    """δ^L = ∇f_i(a^L) ⊙ σ'(z^L), which for both log losses is a^L − y."""
    if name == "squared_error":
        return 2 * (a - y) * ACTIVATIONS[activation][1](z)
    return a - y


def backpropagation(W, b, X, Y, draws, tau, activations, loss_name="squared_error", alpha=0.0, weights=None):
    """Section 3 of the lecture. W[l-1], b[l-1] are W^l (M_l x M_{l-1}) and b^l; both are changed in place.

    Returns the f_i of each step.
    """
    L = len(W)
    losses = []
    for i in draws:
        # forward pass
        a, z = [X[i]], [None]
        for l in range(1, L + 1):
            z.append(W[l - 1] @ a[l - 1] + b[l - 1])
            sigma = softmax if activations[l - 1] == "softmax" else ACTIVATIONS[activations[l - 1]][0]
            a.append(sigma(z[l]))
        weight = 1 if weights is None else weights[i]
        losses.append(weight * loss(loss_name, z[L], a[L], Y[i]))
        # backprop
        delta = [None] * (L + 1)
        delta[L] = weight * output_delta(loss_name, activations[-1], z[L], a[L], Y[i])
        for l in range(L - 1, 0, -1):
            delta[l] = (W[l].T @ delta[l + 1]) * ACTIVATIONS[activations[l - 1]][1](z[l])
        # update
        for l in range(L, 0, -1):
            W[l - 1] -= tau * (np.outer(delta[l], a[l - 1]) + alpha * W[l - 1])
            b[l - 1] -= tau * delta[l]
    return np.array(losses)


def two_layer_network(W, V, X, Y, draws, tau):
    """Section 4: W (M x p+1) and V (K x M+1) with the biases absorbed as column 0; both are changed in place."""
    for i in draws:
        x = np.append(1.0, X[i])
        h = np.append(1.0, sigmoid(W @ x))
        y_hat = sigmoid(V @ h)
        delta = 2 * (y_hat - Y[i]) * y_hat * (1 - y_hat)
        gamma = (V[:, 1:].T @ delta) * h[1:] * (1 - h[1:])
        V -= tau * np.outer(delta, h)
        W -= tau * np.outer(gamma, x)
