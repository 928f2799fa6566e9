"""Rules at work: active for the code inside a `with`, on this thread, on no model in particular."""

from collections.abc import Sequence
from typing import Any, overload

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import Parameter

from whence.errors import InputError
from whence.registry import resolve
from whence.relevance.absorption import Absorption
from whence.relevance.call import Call
from whence.relevance.composites import COMPOSITES
from whence.relevance.custom import rule_custom
from whence.relevance.elementwise import keep_origin
from whence.relevance.interception import Interception, in_order, not_in_place
from whence.relevance.liveness import any_live, is_live, mark_constants
from whence.relevance.operation_rules.modified import sum_of_activations
from whence.relevance.operations import (
    ACTIVATIONS,
    CASTS,
    LINEAR,
    LINEAR_IN_ONE,
    OPERATIONS,
    PRODUCTS,
    QUOTIENTS,
    SUMS,
    Function,
)
from whence.relevance.passing import KEEPS_TRAITS, PASSING, Unruled, warn_of_custom
from whence.relevance.rule_set import RuleSet
from whence.relevance.traits import adopt, forget, keep_traits, multiplied, shifted

_KEEPS_ORIGIN = PRODUCTS | QUOTIENTS | SUMS | CASTS
"""Operations that, with constants, leave an element-wise function one of the same root."""
_SIGNS = dict.fromkeys((torch.sub, Tensor.sub, Tensor.__sub__), (1.0, -1.0)) | {Tensor.__rsub__: (-1.0, 1.0)}
"""Differences -> the signs of the tensor and of the number."""
_OVERWRITES = frozenset({"__iadd__", "__isub__", "__setitem__"})


class RuleMode(Interception):
    """Applies a rule set to every torch function called inside the `with`, in the calling thread only.

    No class, module or function is changed: torch itself hands each call to the mode while it is open. Of nested
    modes the innermost rules alone.
    """

    def __init__(self, rule_set: RuleSet, unruled: Unruled, absorption: Absorption | None = None) -> None:
        super().__init__()
        self.rule_set = rule_set
        self.unruled = unruled
        self._absorption = absorption
        self._rules = {f: rule_set.table[name] for f, name in OPERATIONS.items() if name in rule_set.table}

    def again(self) -> "RuleMode":
        """A mode of the same rules, for what is computed a second time."""
        return RuleMode(self.rule_set, self.unruled, self._absorption)

    def _constant(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
        mark_constants(result, func)
        if self._absorption is not None:
            self._absorption.remember(func, result, args, kwargs)
        return result

    def _live(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for value in rule_custom((*args, *kwargs.values())):
            self.unruled.watch_custom(value)
        fresh = not_in_place(func, args, kwargs)
        if fresh is not None:
            return self._overwrite(fresh, args[0])
        result = self._apply(func, args, kwargs)
        self._remember(func, result, args)
        if self._absorption is not None:
            self._absorption.remember(func, result, args, kwargs)
        return result

    def _apply(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The call by its rule, taken apart, or as it is."""
        if func in COMPOSITES:
            args, kwargs = in_order(args, kwargs)
            applies, parts = COMPOSITES[func]
            if applies(args, kwargs):
                return self._taken_apart(parts, args, kwargs)
        rule = self._rules.get(func)
        if rule is not None:
            args, kwargs = in_order(args, kwargs)
            rule = None if func in ACTIVATIONS and _has_other_arguments(args, kwargs) else rule
        call = Call(func, args, kwargs)
        if self._absorption is not None:
            call = self._absorption.read(call)
        if rule is not None:
            return rule(call)
        result = sum_of_activations(call) if func in SUMS else call.run()
        if not _needs_no_rule(func, args):
            self.unruled.watch(result, func)
        return result

    def _remember(self, func: Function, result: Any, args: tuple[Any, ...]) -> None:
        """What is known of the result from what is known of the operands."""
        name = getattr(func, "__name__", "")
        if func in _KEEPS_ORIGIN:
            keep_origin(result, args, is_sum=func in SUMS)
            if func in SUMS:
                shifted(result, args, _SIGNS.get(func, (1.0, 1.0)))
            elif func in PRODUCTS:
                multiplied(result, args)
        elif (name in _OVERWRITES or (name.endswith("_") and not name.endswith("__"))) and isinstance(args[0], Tensor):
            forget(args[0])
        if name in KEEPS_TRAITS:
            keep_traits(result, args)

    def _overwrite(self, fresh: Call, target: Tensor) -> Tensor:
        """What the call does to its first argument, by the rule of its form that makes a new tensor."""
        before = adopt(target.clone(), target)
        after = self._apply(fresh.function, (before, *fresh.args[1:]), fresh.kwargs)
        self._remember(fresh.function, after, (before, *fresh.args[1:]))
        return adopt(target.copy_(after), after)


def _has_other_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether an activation is no function of its first argument alone, such as a power with a computed exponent."""
    return not is_live(args[0]) or any_live(args[1:]) or any_live(kwargs.values())


def _needs_no_rule(func: Function, args: tuple[Any, ...]) -> bool:
    """Whether the gradient of a call without a rule hands relevance back in proportion."""
    operation = OPERATIONS.get(func)
    if operation is None:
        return getattr(func, "__name__", "") in PASSING
    if operation == "quotient":
        return len(args) < 2 or not is_live(args[1])
    return operation in LINEAR or (operation in LINEAR_IN_ONE and sum(is_live(x) for x in args) < 2)


def rules(
    rule_set: str | RuleSet, *, epsilon: float | None = None, gamma: float = 0.0, strict: bool = False
) -> RuleMode:
    """A `with` inside which torch operations follow the rule set's rules, on any torch module.

    - `rule_set`: a registered name, such as "attnlrp", or a `RuleSet` of your own.
    - `epsilon`, `gamma`: the stabiliser of linear maps and convolutions, by default the rule set's own, and the
      preference for what agrees; see `whence.relevance.operation_rules.linear`.
    - `strict`: an `UnsupportedError`, where otherwise a warning, if relevance crosses an operation without a rule.

    Only the forward pass need run inside; the backward pass follows the rules wherever it runs. What torch hands to no
    mode is not ruled: functions compiled by `torch.jit`, `torch.func.vmap`, and a checkpoint of your own that is
    computed again outside.

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
    return RuleMode(rule_set.with_linear(epsilon, gamma), Unruled(rule_set.name, strict))


@overload
def attribute(output: Float[Tensor, ""], inputs: Tensor) -> Tensor: ...


@overload
def attribute(output: Float[Tensor, ""], inputs: Sequence[Tensor]) -> tuple[Tensor, ...]: ...


def attribute(output: Float[Tensor, ""], inputs: Tensor | Sequence[Tensor]) -> Tensor | tuple[Tensor, ...]:
    """The relevance of `inputs` for `output`, computed inside `rules`: R = x ⊙ ∂output/∂x, of the inputs' shape.

    Several inputs, such as an encoder's and a decoder's, give a tuple by one backward pass. The unit is the output's.
    Raises `InputError` if the output is not one number or does not depend on an input.
    """
    if output.numel() != 1:
        raise InputError(f"attribute() explains one number, got an output of shape {tuple(output.shape)}.")
    several = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    if any(isinstance(x, Parameter) for x in several):
        raise InputError(
            "One of the inputs is an nn.Parameter, which rules take for a weight. Explain a plain tensor in its place: "
            "x = parameter.detach().requires_grad_()."
        )
    if not all(x.requires_grad for x in several):
        raise InputError("The inputs take no gradient: call inputs.requires_grad_() before the forward pass.")
    if output.grad_fn is None:
        raise InputError(
            "The output does not depend on these inputs, or only by way of what the rules hold constant, such as a "
            "softmax under cp_lrp."
        )
    warn_of_custom(output)
    gradients = torch.autograd.grad(output.reshape(()), several, allow_unused=True)
    if any(gradient is None for gradient in gradients):
        raise InputError("The output does not depend on these inputs, or only by way of what the rules hold constant.")
    found = tuple(x.detach() * gradient for x, gradient in zip(several, gradients, strict=True))
    return found[0] if isinstance(inputs, Tensor) else found
