"""Rules at work: active for the code inside a `with`, on this thread, on no model in particular."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.overrides import TorchFunctionMode

from whence.errors import InputError
from whence.registry import resolve
from whence.relevance.elementwise import root_of, set_root, shared_root
from whence.relevance.operation_rules import Call, Rule
from whence.relevance.operations import CASTS, OPERATIONS, PRODUCTS, QUOTIENTS, SUMS, is_live

_KEEPS_ROOT = PRODUCTS | QUOTIENTS | SUMS | CASTS
"""Operations that, with constants, leave an element-wise function one of the same root."""


@dataclass(frozen=True)
class RuleSet:
    """A named table from operation to rule; an operation not in the table keeps its gradient.

    Operations are the values of `whence.relevance.operations.OPERATIONS`.
    """

    name: str
    table: Mapping[str, Rule] = field(compare=False)


class RuleMode(TorchFunctionMode):
    """Applies a rule set to every torch function called inside the `with`, in the calling thread only.

    No class, module or function is changed: torch itself hands each call to the mode while it is open.
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
        rule = self._rules.get(func)
        result = rule(Call(func, args, kwargs)) if rule is not None else func(*args, **kwargs)
        if func in _KEEPS_ROOT:
            _keep_root(result, args)
        return result


def _keep_root(result: Any, args: tuple[Any, ...]) -> None:
    root = shared_root(args[:2])
    if root is not None and is_live(result) and result.shape == root.shape and root_of(result) is result:
        set_root(result, root)


def rules(rule_set: str | RuleSet) -> RuleMode:
    """A `with` inside which every torch operation follows the rule set's rules, on any torch module.

    `rule_set` is a registered name, such as "attnlrp", or a `RuleSet` of your own. Only the forward pass need run
    inside; the backward pass follows the rules wherever it runs.

    >>> import torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> with rules("attnlrp"):
    ...     y = torch.nn.functional.silu(x).sum()
    >>> torch.allclose(attribute(y, x).sum(), y)
    True
    """
    return RuleMode(resolve("rules", rule_set) if isinstance(rule_set, str) else rule_set)


def attribute(output: Float[Tensor, ""], inputs: Tensor) -> Tensor:
    """The relevance of `inputs` for `output`, computed inside `rules`: R = x ⊙ ∂output/∂x, of the inputs' shape.

    The unit is the output's. Raises `InputError` if the output is not one number or does not depend on the inputs.
    """
    if output.numel() != 1:
        raise InputError(f"attribute() explains one number, got an output of shape {tuple(output.shape)}.")
    if not inputs.requires_grad or output.grad_fn is None:
        raise InputError("The output does not depend on these inputs: call inputs.requires_grad_() before the forward.")
    (gradient,) = torch.autograd.grad(output.reshape(()), inputs)
    return inputs.detach() * gradient
