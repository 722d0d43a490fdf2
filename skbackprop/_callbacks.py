"""Support for scikit-learn's callbacks, which it has from version 1.9 on."""

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
        """Takes the place of scikit-learn's; estimators then have no `set_callbacks`."""


__all__ = ["CallbackSupportMixin", "Checkpoint", "callback_tasks"]


@contextmanager
def callback_tasks(estimator, X, y, sample_weight, partial):
    """One task for the fit, with a subtask for each epoch.

    Parameters
    ----------
    estimator : estimator
        With or without callbacks set.
    X, y, sample_weight
        The arguments of fit.
    partial : bool
        Whether this is partial_fit, which has no tasks.

    Yields
    ------
    epoch_done : callable or None
        To be called after each epoch with a function that returns the fitted attributes; returns whether a callback has
        asked for the training to stop. None without callbacks.
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
    """A callback that saves the estimator during `fit`, so that training can be resumed after the process is killed.

    The file holds the whole estimator, including its random stream and moments, as written by `joblib.dump`. It is
    written under a temporary name and then renamed, so at any time the file is either complete or absent. If the
    process is killed, a ``.part`` file may be left beside it, which can be deleted. The callbacks themselves are not
    saved.

    This needs scikit-learn 1.9 or later. With earlier versions, call `partial_fit`, which trains for one epoch, and
    `joblib.dump` in a loop; that has no early stopping.

    Parameters
    ----------
    path : str or path-like
        The file, in an existing folder. Fits that run at the same time need different files.
    every : int, default=1
        Number of epochs between saves. The end of a fit is always saved.

    Raises
    ------
    ImportError
        If scikit-learn is older than 1.9.

    Notes
    -----
    To resume, load the file, set the callback again, and fit with `warm_start` for the remaining
    ``max_iter - n_iter_`` epochs. This also works if the resumed fit is killed in turn. If no epochs remain, the fit
    was complete; but a fit that was ended by its stopping rule would continue to train.

    On the same data, the weights are then bit for bit those of an uninterrupted fit. This holds for "sgd" and "adam",
    batches, momentum, dropout, sample weights, the "constant" and "invscaling" schedules, and a `learning_rate` that is
    a function of the epoch (which must be importable to be saved). In all other cases training resumes well, but the
    weights differ:

    - "cosine" and "coslog4" have `max_iter` as their period, which is different in the resumed fit. Pass the same
      curve as a function instead.
    - The stopping rule only sees the losses of the resumed fit and may stop later. The same goes for "adaptive", which
      lowers τ by that rule; the τ already reached is kept.
    - `early_stopping` draws new held-out samples, unless `X_val` is given, and keeps the best weights since the file
      was loaded.
    - "lbfgs" starts with a new approximation of the Hessian.

    Examples
    --------
    The same script starts the training and resumes it after the process is killed.

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
                "Checkpoint needs scikit-learn 1.9 or later, which has callbacks. With earlier versions, call "
                "partial_fit, which trains for one epoch, and joblib.dump in a loop"
            )
        if not (isinstance(every, Integral) and every > 0):
            raise ValueError(f"every must be an integer > 0; got {every!r}")
        self.path = Path(path)
        self.every = every

    def setup(self, estimator, context):
        """Raise before training, not after its first epochs, if the folder does not exist.

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
            The estimator that is being fitted.
        context : sklearn.callback.CallbackContext
            The task of the fit or of an epoch.
        """

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        """Save the estimator every `every` epochs and at the end.

        Parameters
        ----------
        estimator : estimator
            The estimator that is being fitted.
        context : sklearn.callback.CallbackContext
            The task of the fit or of an epoch.
        fitted_estimator : estimator, default=None
            A copy, fitted up to this epoch.
        """
        if context.task_name != "epoch" or (context.task_id + 1) % self.every == 0:
            self._save(fitted_estimator)

    def _save(self, estimator):
        estimator = copy.copy(estimator)  # other callbacks get the same object
        for name in [name for name in vars(estimator) if name[0] == "_" and "callback" in name]:
            delattr(estimator, name)
        # one name per thread, since several may save at the same time
        part = self.path.with_name(f"{self.path.name}.{os.getpid()}-{threading.get_ident()}.part")
        try:
            with open(part, "wb") as file:
                joblib.dump(estimator, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, self.path)
        finally:
            part.unlink(missing_ok=True)
