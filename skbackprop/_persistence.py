"""What a saved estimator says of its version, and what loading makes of it."""

import inspect

__all__ = ["VersionedState"]


class VersionedState:
    """An estimator whose pickled state names the version of this package.

    A state of an older version is brought up to date where that can be done without guessing: parameters that came
    later get their defaults. Where a fitted attribute is missing that predictions or training need, or a newer version
    has a parameter that this one does not know, loading raises, and says which version saved the estimator.
    """

    #: What a fitted estimator cannot do without; the subclass says.
    _needed_when_fitted = ()

    def __getstate__(self):
        from . import __version__

        return {**super().__getstate__(), "_skbackprop_version": __version__}

    def __setstate__(self, state):
        from . import __version__

        state = dict(state)
        version = state.pop("_skbackprop_version", "an unknown version")
        if version != __version__:
            state = self._of_this_version(state, version)
        super().__setstate__(state)

    def _of_this_version(self, state, version):
        from . import __version__

        parameters = inspect.signature(type(self).__init__).parameters
        missing = [key for key in self._needed_when_fitted if "coefs_" in state and key not in state]
        unknown = [key for key in state if not (key.startswith("_") or key.endswith("_") or key in parameters)]
        if missing or unknown:
            what = f"lacks {', '.join(missing)}" if missing else f"has the parameter {', '.join(unknown)}"
            raise ValueError(
                f"this {type(self).__name__} was saved by skbackprop {version} and {what}, which skbackprop "
                f"{__version__} {'needs' if missing else 'does not know'}: load it with the version that saved it, or "
                "fit it again"
            )
        return {key: p.default for key, p in parameters.items() if p.default is not p.empty} | state
