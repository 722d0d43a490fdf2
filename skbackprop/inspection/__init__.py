"""Looking inside a network: plots of what it has learned, and every number that its steps compute.

The displays need matplotlib (``pip install -e ".[plot]"``).
"""

from ._diagram import NetworkDisplay
from ._hidden_units import HiddenUnitsDisplay
from ._input_gradients import InputGradientDisplay
from ._latent_space import LatentSpaceDisplay
from ._loss_curve import LossCurveDisplay
from ._record import Recording, record
from ._trace import StepTrace, trace_step

__all__ = [
    "HiddenUnitsDisplay",
    "InputGradientDisplay",
    "LatentSpaceDisplay",
    "LossCurveDisplay",
    "NetworkDisplay",
    "Recording",
    "StepTrace",
    "record",
    "trace_step",
]
