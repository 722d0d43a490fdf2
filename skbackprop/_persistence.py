"""Saved estimators record their version, which is checked when they are loaded."""

import inspect

from ._training.progress import fitted_names, upgraded

__all__ = ["VersionedState"]


class VersionedState:
    """An estimator whose pickled state records the version of this package.

    A state saved by an older version is brought up to date where that needs no guessing: parameters added since get
    their defaults, and fitted attributes that are now stored differently are converted. If a fitted attribute is
    missing, or the state has a parameter that this version does not know, loading raises an error that names the
    version that saved the estimator.
    """

    #: Fitted attributes other than those of `Progress`; set by subclasses.
    _encoding_attributes = ()

    def __getstate__(self):
        from . import __version__

        return {**super().__getstate__(), "_skbackprop_version": __version__}

    def __setstate__(self, state):
        from . import __version__

        state = dict(state)
        if "loss_curve_" in state:
            state["loss_curve_"] = list(state["loss_curve_"])  # it grows in place, so a shallow copy needs its own
        version = state.pop("_skbackprop_version", "an unknown version")
        if version != __version__:
            state = self._of_this_version(state, version)
        super().__setstate__(state)

    def _of_this_version(self, state, version):
        from . import __version__

        parameters = inspect.signature(type(self).__init__).parameters
        missing = []
        if "coefs_" in state:
            state = upgraded(state)
            missing = [name for name in (*fitted_names(), *self._encoding_attributes) if name not in state]
        unknown = [key for key in state if not (key.startswith("_") or key.endswith("_") or key in parameters)]
        if missing or unknown:
            what = f"lacks {', '.join(missing)}" if missing else f"has the parameter {', '.join(unknown)}"
            raise ValueError(
                f"this {type(self).__name__} was saved by skbackprop {version} and {what}, which skbackprop "
                f"{__version__} {'needs' if missing else 'does not know'}; load it with the version that saved it or "
                "fit it again"
            )
        return {key: p.default for key, p in parameters.items() if p.default is not p.empty} | state
