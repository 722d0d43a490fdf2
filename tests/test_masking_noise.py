"""masking_noise: features are left out of an autoencoder's input, not of its target."""

import numpy as np
import pytest
from helpers import fit_quietly, same_bits
from sklearn.datasets import load_digits

from skbackprop import BackpropAutoencoder, BackpropRegressor

X = np.random.default_rng(0).normal(size=(40, 4))


@pytest.mark.parametrize("settings", [{}, dict(batch_size=4, momentum=0.5), dict(solver="adam", learning_rate=0.01)])
def test_it_is_the_regressors_dropout_of_the_input(settings):
    settings = dict(max_iter=5, random_state=0, learning_rate=0.002) | settings
    regressor = BackpropRegressor((5, 2, 5), ["tanh", "identity", "tanh"], dropout=(0.3, 0, 0, 0), **settings)
    model = BackpropAutoencoder(hidden_layer_sizes=(5,), activation="tanh", masking_noise=0.3, **settings)
    assert same_bits(fit_quietly(model, X), fit_quietly(regressor, X, X))


def test_a_denoising_autoencoder_restores_what_is_missing():
    X = load_digits().data / 16
    settings = dict(hidden_layer_sizes=(60,), output_activation="logistic", learning_rate=0.05, max_iter=15)
    plain, denoising = (
        fit_quietly(BackpropAutoencoder(40, masking_noise=p, random_state=0, **settings), X[:1200]) for p in (0, 0.5)
    )
    rest = X[1200:]
    damaged = np.where(np.random.default_rng(0).random(rest.shape) < 0.5, 2 * rest, 0)
    errors = [np.mean((m.inverse_transform(m.transform(damaged)) - rest) ** 2) for m in (plain, denoising)]
    assert errors[1] < 0.7 * errors[0]


def test_predictions_have_no_noise():
    model = fit_quietly(BackpropAutoencoder(masking_noise=0.5, max_iter=3, random_state=0), X)
    np.testing.assert_array_equal(model.transform(X), model.transform(X))
    assert model.score(X) == model.score(X)


def test_lbfgs_has_none():
    plain, noisy = (
        fit_quietly(BackpropAutoencoder(masking_noise=p, solver="lbfgs", max_iter=3, random_state=0), X)
        for p in (0, 0.5)
    )
    assert same_bits(plain, noisy)


@pytest.mark.parametrize("value", [-0.1, 1.0, np.nan, None, "0.5", [0.5]])
def test_bad_values_are_refused(value):
    with pytest.raises(ValueError, match="masking_noise"):
        BackpropAutoencoder(masking_noise=value).fit(X)
