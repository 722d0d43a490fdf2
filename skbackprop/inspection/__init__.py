"""Pictures of a fitted network, drawn by matplotlib (``pip install "skbackprop[plot]"``)."""

from ._hidden_units import HiddenUnitsDisplay
from ._input_gradients import InputGradientDisplay
from ._latent_space import LatentSpaceDisplay
from ._loss_curve import LossCurveDisplay
from ._network import NetworkDisplay

__all__ = ["HiddenUnitsDisplay", "InputGradientDisplay", "LatentSpaceDisplay", "LossCurveDisplay", "NetworkDisplay"]
