"""The lecture's backpropagation algorithm in plain NumPy, to compare the kernel with: meant to be read, not to be fast.

Squared error, logistic units, one sample per step. Symbols and equation numbers are those of docs/algorithm.md. The
rest is in oracle_extensions.py.
"""

import numpy as np


def sigma(z):
    return 1 / (1 + np.exp(-z))


def sigma_prime(z):
    return sigma(z) * (1 - sigma(z))


def backpropagation(W, b, X, Y, draws, tau):
    """Section 3: one step for each of the draws i_1, i_2, ... from the rows of X and Y.

    W and b are the lists of W^1, ..., W^L (M_l × M_{l−1}) and b^1, ..., b^L, changed in place. Returns the f_i.
    """
    L, losses = len(W), []
    W, b = [None, *W], [None, *b]  # so that W[l] is W^l
    for i in draws:
        # forward pass
        z, a = [None] * (L + 1), [X[i]] + [None] * L
        for l in range(1, L + 1):
            z[l] = W[l] @ a[l - 1] + b[l]  # (2)
            a[l] = sigma(z[l])  # (3)
        losses.append(((a[L] - Y[i]) ** 2).sum())  # (1)
        # backprop
        delta = [None] * (L + 1)
        delta[L] = 2 * (a[L] - Y[i]) * sigma_prime(z[L])  # (4)
        for l in range(L - 1, 0, -1):
            delta[l] = (W[l + 1].T @ delta[l + 1]) * sigma_prime(z[l])  # (5)
        # update, from the layer closest to the output back to the first
        for l in range(L, 0, -1):
            W[l] -= tau * np.outer(delta[l], a[l - 1])  # (6)
            b[l] -= tau * delta[l]  # (7)
    return np.array(losses)


def two_layer_network(W, V, X, Y, draws, tau):
    """Section 4: W (M × p+1) and V (K × M+1) with the biases absorbed as column 0; both are changed in place."""
    for i in draws:
        x = np.append(1.0, X[i])
        h = np.append(1.0, sigma(W @ x))
        y_hat = sigma(V @ h)
        delta = 2 * (y_hat - Y[i]) * y_hat * (1 - y_hat)
        gamma = (V[:, 1:].T @ delta) * h[1:] * (1 - h[1:])
        V -= tau * np.outer(delta, h)
        W -= tau * np.outer(gamma, x)
