"""What every mode that intercepts calls of torch functions needs: whose turn it is, and calls in one form."""

import threading
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from torch.overrides import TorchFunctionMode

from whence.relevance.call import Call
from whence.relevance.liveness import any_live
from whence.relevance.operations import IN_PLACE, INPLACE_ARGUMENT, Function

_TENSOR_ARGUMENTS = (
    "input", "tensor1", "batch1", "mat1", "other", "mat2", "vec", "vec2", "tensor", "exponent", "tensor2", "batch2",
)  # fmt: skip
"""The names torch gives its functions' operands, in the order they have by position."""


class _Thread(threading.local):
    """Whether a rule is at work in this thread: what it calls is its own business, and no mode's further out."""

    busy = False


_thread = _Thread()


class Interception(TorchFunctionMode):
    """A mode that answers calls on live tensors by `_live`, and hears of all others by `_constant`.

    While it is at work in a thread, calls of that thread are its own business and no mode's further out.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """The result of one call."""
        kwargs = {} if kwargs is None else kwargs
        if _thread.busy:
            return func(*args, **kwargs)
        _thread.busy = True
        try:
            if any_live(args) or (kwargs and any_live(kwargs.values())):
                return self._live(func, args, kwargs)
            return self._constant(func, args, kwargs, func(*args, **kwargs))
        finally:
            _thread.busy = False

    def _taken_apart(self, parts: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The call in operations that this mode is handed one by one."""
        _thread.busy = False
        try:
            with self:
                return parts(*args, **kwargs)
        finally:
            _thread.busy = True

    @abstractmethod
    def _live(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result of a call on a live tensor."""

    @abstractmethod
    def _constant(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
        """The result of a call on no live tensor, marked as such."""


def in_order(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments with the first tensors by position, however they were given."""
    named = [kwargs[name] for name in _TENSOR_ARGUMENTS if name in kwargs]
    if not named:
        return args, kwargs
    return (*args, *named), {name: value for name, value in kwargs.items() if name not in _TENSOR_ARGUMENTS}


def not_in_place(func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
    """The call that makes a new tensor of what this one would overwrite, None if it overwrites nothing."""
    if func in IN_PLACE:
        return Call(IN_PLACE[func], args, kwargs)
    place = INPLACE_ARGUMENT.get(func)
    if place is None:
        return None
    told = args[place] if len(args) > place else kwargs.get("inplace", False)
    if not told:
        return None
    without = {name: value for name, value in kwargs.items() if name != "inplace"}
    return Call(func, (*args[:place], *([False] if len(args) > place else []), *args[place + 1 :]), without)
