"""scikit-learn's callbacks, where it has them (1.9 and later)."""

import copy
import os
import threading
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path

import joblib

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:
        """Stands for scikit-learn's: without it estimators have no `set_callbacks`."""


__all__ = ["CallbackSupportMixin", "Checkpoint", "callback_tasks"]


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


class Checkpoint:
    """A callback that saves the estimator while it is fitted, so that a killed training can go on.

    The file is a whole estimator, random stream and moments included, as `joblib.dump` writes it. It is written
    beside its place and then put there in one move: whenever the process is killed, the file is the last epoch saved,
    or absent, and never a part of one. A kill may leave a ``.part`` beside it, to be deleted. The callbacks themselves
    are not saved.

    Needs callbacks, which scikit-learn has from version 1.9 on. Without them, write a loop that calls `partial_fit`,
    which trains for an epoch, and `joblib.dump`; it has no early stopping.

    Parameters
    ----------
    path : str or path-like
        The file, in a folder that exists. Each fit that runs at the same time needs a file of its own.
    every : int, default=1
        Save after each so many epochs. The end of a fit is always saved.

    Raises
    ------
    ImportError
        With a scikit-learn that has no callbacks.

    Notes
    -----
    To go on, load the file and fit with `warm_start` for the epochs that are left, which are ``max_iter - n_iter_``,
    also when that training is killed in turn. None are left where the fit had done them all; a fit that its stopping
    rule had ended would train on.

    On the same data, and with the callback set again, the weights are bit for bit those of the fit that was not killed:
    for "sgd" and "adam", batches, momentum, dropout, sample weights, "constant" and "invscaling" schedules, and a
    `learning_rate` that is a function of the epoch (which has to be importable, to be saved). For the rest, training
    goes on well, but not to the bit:

    - "cosine" has `max_iter` as its period, which is another for the epochs left: give the same curve as a function.
    - The stopping rule looks at the losses of the new fit alone: it may come later than without the kill. So it is with
      "adaptive", which lowers τ by the same rule; the τ reached is kept.
    - `early_stopping` draws other held-out samples, unless `X_val` is given; and what it keeps as the best is the best
      since the file was loaded.
    - "lbfgs" starts a new approximation of the Hessian.
    - Fits on several BLAS threads, with ``batch_size > 1``, differ by rounding anyway.

    Examples
    --------
    The same script starts a training, and goes on with it after a kill.

    >>> import tempfile
    >>> from pathlib import Path
    >>> import joblib
    >>> from sklearn.datasets import load_iris
    >>> from skbackprop import BackpropClassifier, Checkpoint
    >>> X, y = load_iris(return_X_y=True)
    >>> path = Path(tempfile.mkdtemp()) / "model.joblib"
    >>> if path.exists():
    ...     model = joblib.load(path)
    ...     model.set_params(warm_start=True, max_iter=model.max_iter - model.n_iter_)
    ... else:
    ...     model = BackpropClassifier((20,), max_iter=300, random_state=0)
    >>> model = model.set_callbacks(Checkpoint(path, every=10)).fit(X, y)
    >>> bool((joblib.load(path).predict(X) == model.predict(X)).all())
    True
    """

    def __init__(self, path, every=1):
        if CallbackSupportMixin.__module__ == __name__:
            raise ImportError(
                "Checkpoint needs callbacks, which scikit-learn has from version 1.9 on. Without them, write a loop "
                "that calls partial_fit, which trains for an epoch, and joblib.dump"
            )
        if not (isinstance(every, Integral) and every > 0):
            raise ValueError(f"every must be an integer > 0; got {every!r}")
        self.path = Path(path)
        self.every = every

    def setup(self, estimator, context):
        """Refuse a folder that is not there before the training, not after its first epochs.

        Parameters
        ----------
        estimator : estimator
            The estimator that is about to be fitted.
        context : sklearn.callback.CallbackContext
            The task of the fit.
        """
        if not self.path.absolute().parent.is_dir():
            raise FileNotFoundError(f"the folder of the checkpoint {str(self.path)!r} does not exist")

    def teardown(self, estimator, context):
        """Do nothing.

        Parameters
        ----------
        estimator : estimator
            The estimator that was fitted.
        context : sklearn.callback.CallbackContext
            The task of the fit.
        """

    def on_fit_task_begin(self, estimator, context):
        """Do nothing.

        Parameters
        ----------
        estimator : estimator
            The estimator that is fitted.
        context : sklearn.callback.CallbackContext
            The task of the fit, or of an epoch.
        """

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        """Save the estimator after every so many epochs and at the end.

        Parameters
        ----------
        estimator : estimator
            The estimator that is fitted.
        context : sklearn.callback.CallbackContext
            The task of the fit, or of an epoch.
        fitted_estimator : estimator, default=None
            A copy that is fitted as far as the training has come.
        """
        if context.task_name != "epoch" or (context.task_id + 1) % self.every == 0:
            self._save(fitted_estimator)

    def _save(self, estimator):
        estimator = copy.copy(estimator)  # other callbacks get the same one
        for name in [name for name in vars(estimator) if name[0] == "_" and "callback" in name]:
            delattr(estimator, name)
        # a name for each thread, for several could save at the same time
        part = self.path.with_name(f"{self.path.name}.{os.getpid()}-{threading.get_ident()}.part")
        try:
            with open(part, "wb") as file:
                joblib.dump(estimator, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, self.path)
        finally:
            part.unlink(missing_ok=True)
