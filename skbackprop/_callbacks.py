"""scikit-learn's callbacks, where it has them (1.9 and later)."""

from contextlib import contextmanager

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:
        """Stands for scikit-learn's: without it estimators have no `set_callbacks`."""


__all__ = ["CallbackSupportMixin", "callback_tasks"]


@contextmanager
def callback_tasks(estimator, X, y, sample_weight, partial):
    """One task for a fit, and in it one for each epoch.

    Parameters
    ----------
    estimator : estimator
        With or without callbacks set.
    X, y, sample_weight
        What fit was given.
    partial : bool
        Whether it is partial_fit, which has no tasks.

    Yields
    ------
    epoch_done : callable or None
        To be called after each epoch with a function that returns the fitted attributes; it returns whether a callback
        wants the training to end. None without callbacks.
    """
    if partial or not getattr(estimator, "_skl_callbacks", None):
        yield None
        return
    data = dict(estimator=estimator, X=X, y=y)
    if sample_weight is not None:
        data["metadata"] = {"sample_weight": sample_weight}
    task = estimator._init_callback_context(max_subtasks=estimator.max_iter).call_on_fit_task_begin(**data)

    def epoch_done(fitted_attributes):
        subtask = task.subcontext(task_name="epoch").call_on_fit_task_begin(**data)
        return subtask.call_on_fit_task_end(**data, reconstruction_attributes=fitted_attributes)

    yield epoch_done
    task.call_on_fit_task_end(**data, reconstruction_attributes=dict)
