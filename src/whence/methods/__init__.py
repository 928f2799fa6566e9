"""The method classes by name: `whence.methods.IntegratedGradients(steps=64)`. Loaded when first asked for.

Every class registered as a method is here, those of third parties too. `Method` is what they all are, and what to
derive your own from; `whence.methods.base` says how.
"""

from typing import Any

from whence.registry import available, path_of, resolve


def _classes() -> dict[str, str]:
    """Class name -> registry key."""
    return {path_of("methods", key).rpartition(":")[2]: key for key in available("methods")}


def __getattr__(name: str) -> Any:
    if name == "Method":
        from whence.methods.base import Method

        return Method
    if not name.startswith("_") and name in (classes := _classes()):
        return resolve("methods", classes[name])
    raise AttributeError(f"whence.methods has no {name!r}. It has: {', '.join(__dir__())}.")


def __dir__() -> list[str]:
    return sorted([*_classes(), "Method"])
