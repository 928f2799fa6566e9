"""Every error `whence` raises on purpose, under one root.

    WhenceError
    ├── LoadError          a model that cannot be loaded
    ├── InputError         a text, chat, continuation or option that cannot be explained
    │   └── UnknownNameError   a name that is not in the registry
    ├── TargetError        a target that does not name one number of the output
    ├── UnsupportedError   a method that cannot serve this subject
    ├── CallError          a function or server that failed, or did not return what it should
    ├── NonFiniteError     scores that came out NaN or infinite
    └── MissingExtraError  an optional dependency that is not installed

A message says what happened, what was got, what was wanted, and what to do next.
`WhenceWarning` is the category of every warning.
"""


class WhenceError(Exception):
    """The root of every error raised by `whence` on purpose."""


class LoadError(WhenceError):
    """A model or tokenizer could not be loaded as asked."""


class InputError(WhenceError):
    """The input, or an option that goes with it, cannot be explained as given."""


class UnknownNameError(InputError):
    """A method, model or view was asked for by a name that nobody registered."""


class TargetError(WhenceError):
    """The target does not name exactly one number of the model's output."""


class UnsupportedError(WhenceError):
    """This method cannot serve this subject."""


class CallError(WhenceError):
    """A function or a server that is explained failed when it was called, or did not return what it should."""


class NonFiniteError(WhenceError):
    """A method produced NaN or infinite numbers; they are never returned."""


class MissingExtraError(WhenceError):
    """An optional dependency is needed and not installed."""

    def __init__(self, package: str, extra: str, purpose: str):
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed. "
            f"Install it with: pip install {package} (it is what whence's extra {extra!r} stands for)."
        )


class WhenceWarning(UserWarning):
    """Something the user should know that is not an error."""
