"""Rules at work: active for the code inside a `with`, on this thread, on no model in particular."""

import difflib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.overrides import TorchFunctionMode

from whence.errors import InputError, UnknownNameError
from whence.registry import resolve
from whence.relevance.elementwise import forget_origin, is_curved, root_of, set_origin, shared_root
from whence.relevance.liveness import any_live, is_live, mark_constants
from whence.relevance.operation_rules import Call, Rule
from whence.relevance.operations import (
    CASTS,
    IN_PLACE,
    INPLACE_ARGUMENT,
    OPERATIONS,
    PRODUCTS,
    QUOTIENTS,
    SUMS,
    Function,
)

_TENSOR_ARGUMENTS = (
    "input", "tensor1", "batch1", "mat1", "other", "mat2", "vec", "vec2", "tensor", "exponent", "tensor2", "batch2",
)  # fmt: skip
"""The names torch gives its functions' operands, in the order they have by position."""
_KEEPS_ROOT = PRODUCTS | QUOTIENTS | SUMS | CASTS
"""Operations that, with constants, leave an element-wise function one of the same root."""


@dataclass(frozen=True)
class RuleSet:
    """A named table from operation to rule; an operation not in the table keeps its gradient.

    Operations are the values of `whence.relevance.operations.OPERATIONS`; `UnknownNameError` for any other.
    """

    name: str
    table: Mapping[str, Rule] = field(compare=False)

    def __post_init__(self) -> None:
        known = sorted(set(OPERATIONS.values()))
        for operation in self.table:
            if operation not in known:
                near = difflib.get_close_matches(operation, known, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise UnknownNameError(
                    f"Rule set {self.name!r} has a rule for {operation!r}, which is no operation.{hint} "
                    f"Operations are: {', '.join(known)}."
                )


class _Thread(threading.local):
    """Whether a rule is at work in this thread: what it calls is its own business, and no mode's further out."""

    busy = False


_thread = _Thread()


class RuleMode(TorchFunctionMode):
    """Applies a rule set to every torch function called inside the `with`, in the calling thread only.

    No class, module or function is changed: torch itself hands each call to the mode while it is open. Of nested
    modes the innermost rules alone.
    """

    def __init__(self, rule_set: RuleSet) -> None:
        super().__init__()
        self.rule_set = rule_set
        self._rules = {f: rule_set.table[name] for f, name in OPERATIONS.items() if name in rule_set.table}

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """The result of one call, by its rule."""
        kwargs = {} if kwargs is None else kwargs
        if _thread.busy:
            return func(*args, **kwargs)
        _thread.busy = True
        try:
            result = self._result(func, args, kwargs)
            mark_constants(result, func, args, kwargs)
            return result
        finally:
            _thread.busy = False

    def _result(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        fresh = _not_in_place(func, args, kwargs)
        if fresh is not None and any_live(args):
            return self._overwrite(fresh, args[0])
        rule = self._rules.get(func)
        result = func(*args, **kwargs) if rule is None else rule(_call(func, args, kwargs))
        if func in _KEEPS_ROOT:
            _keep_root(func, result, args)
        elif getattr(func, "__name__", "").endswith("_") and args and isinstance(args[0], Tensor):
            forget_origin(args[0])
        return result

    def _overwrite(self, fresh: Call, target: Tensor) -> Tensor:
        """What the call does to its first argument, by the rule of its form that makes a new tensor."""
        call = Call(fresh.function, (target.clone(), *fresh.args[1:]), fresh.kwargs)
        rule = self._rules.get(fresh.function)
        result = target.copy_(call.run() if rule is None else rule(call))
        forget_origin(result)
        return result


def _call(func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """The call with its first tensors by position, however they were given."""
    named = [kwargs[name] for name in _TENSOR_ARGUMENTS if name in kwargs]
    if not named:
        return Call(func, args, kwargs)
    rest = {name: value for name, value in kwargs.items() if name not in _TENSOR_ARGUMENTS}
    return Call(func, (*args, *named), rest)


def _not_in_place(func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
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


def _keep_root(func: Function, result: Any, args: tuple[Any, ...]) -> None:
    """Remember the root of a scaled or shifted element-wise function; a shift that differs by element is a bias."""
    if func in SUMS and any(isinstance(x, Tensor) and not is_live(x) and x.numel() > 1 for x in args[:2]):
        return
    root = shared_root(args[:2])
    if root is not None and is_live(result) and result.shape == root.shape and root_of(result) is result:
        curved = any(is_curved(x) for x in args[:2] if is_live(x))
        if sum(is_live(x) for x in args[:2]) == 1 or curved or func not in SUMS:
            set_origin(result, root, curved=curved)


def rules(rule_set: str | RuleSet) -> RuleMode:
    """A `with` inside which torch operations follow the rule set's rules, on any torch module.

    Ruled are the functions in `whence.relevance.operations.OPERATIONS`; all others keep their gradient, which is right
    for what is linear in its live inputs, and for nothing else.

    `rule_set` is a registered name, such as "attnlrp", or a `RuleSet` of your own. Only the forward pass need run
    inside; the backward pass follows the rules wherever it runs.

    >>> import torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> with rules("attnlrp"):
    ...     y = torch.nn.functional.silu(x).sum()
    >>> torch.allclose(attribute(y, x).sum(), y)
    True
    """
    if isinstance(rule_set, str):
        rule_set = resolve("rules", rule_set)
    if not isinstance(rule_set, RuleSet):
        raise InputError(f"rules() takes the name of a rule set or a RuleSet, got {type(rule_set).__name__}.")
    return RuleMode(rule_set)


def attribute(output: Float[Tensor, ""], inputs: Tensor) -> Tensor:
    """The relevance of `inputs` for `output`, computed inside `rules`: R = x ⊙ ∂output/∂x, of the inputs' shape.

    The unit is the output's. Raises `InputError` if the output is not one number or does not depend on the inputs.
    """
    if output.numel() != 1:
        raise InputError(f"attribute() explains one number, got an output of shape {tuple(output.shape)}.")
    if not inputs.requires_grad or output.grad_fn is None:
        raise InputError("The output does not depend on these inputs: call inputs.requires_grad_() before the forward.")
    (gradient,) = torch.autograd.grad(output.reshape(()), inputs, allow_unused=True)
    if gradient is None:
        raise InputError("The output does not depend on these inputs, though both belong to a graph.")
    return inputs.detach() * gradient
