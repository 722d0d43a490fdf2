"""Looking inside a network: what it has learned, and what one step computes."""

from ._trace import StepTrace, trace_step

__all__ = ["StepTrace", "trace_step"]
