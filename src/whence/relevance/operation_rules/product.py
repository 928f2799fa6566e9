"""Rules for products of tensors that both carry relevance."""

from typing import Any

from torch import Tensor

from whence.relevance.call import Call
from whence.relevance.elementwise import shared_root
from whence.relevance.liveness import is_live
from whence.relevance.operation_rules.modified import function_of, shared_among
from whence.relevance.traits import is_gate, shift_of


def uniform_product(call: Call) -> Any:
    """y = a ⊙ b of two live tensors: half the relevance to each, R_a = R_b = R_y / 2 (AttnLRP, Prop. 3.2).

    Where a and b are functions of one tensor, so is y, and it gets the identity rule. Times a constant is linear. In
    (u + β) ⊙ b with a number β, the term β b is linear in b.
    """
    if sum(is_live(x) for x in call.args[:2]) < 2:
        return call.run()
    root = shared_root(call.args[:2])
    if root is not None:
        y = call.value()
        if y.shape == root.shape:
            return function_of(root, y)
    a, b = call.args[:2]
    return _paying(_paying(shared_among(call.run(), 2), a, b, 0.5), b, a, 0.5)


def gated_product(call: Call) -> Any:
    """y = a ⊙ σ(b): the gate, the factor made of activations, is held constant, R_a = R_y, R_b = 0.

    As attention weights are in CP-LRP, a gate says how much of a passes and is no message of its own (so the AttnLRP
    authors' CP-LRP). Where both factors are made of activations, or neither, the relevance is halved. In
    (u + β) ⊙ σ(b) with a number β, the term β σ(b) is linear in σ(b) and gets its part there.
    """
    live = [x for x in call.args[:2] if is_live(x)]
    gates = [x for x in live if is_gate(x)]
    if len(live) < 2 or len(gates) != 1 or shared_root(call.args[:2]) is not None:
        return uniform_product(call)
    (gate,) = gates
    (other,) = (x for x in live if x is not gate)
    held = [gate.detach() if x is gate else x for x in call.args[:2]]
    return _paying(Call(call.function, (*held, *call.args[2:]), call.kwargs).run(), other, gate, 1.0)


def frozen_system(call: Call) -> Any:
    """y = A⁻¹ b with A held constant: linear in b, so R_b[i] = b_i Σ_j (A⁻¹)_ji R_y[j] / y_j; an inverse alone is held.

    In gated delta networks A is made of keys and gates, as attention weights are of queries and keys.
    """
    if len(call.args) < 2:
        return call.value()
    system, *rest = call.args
    held = system.detach() if isinstance(system, Tensor) else system
    return Call(call.function, (held, *rest), call.kwargs).run()


def _paying(y: Tensor, shifted: Tensor, other: Tensor, part: float) -> Tensor:
    """`y`, with the gradient towards `other` of `part` of the shift of its fellow factor."""
    shift = shift_of(shifted)
    return y + (other - other.detach()).nan_to_num() * (part * shift) if shift else y


def uniform_matmul(call: Call) -> Any:
    """O = A B of two live tensors: the epsilon rule on each product, half to each factor (AttnLRP, Prop. 3.3).

    R_A[j,i] = Σ_p A[j,i] B[i,p] R_O[j,p] / (2 O[j,p]), and likewise for B: half the gradient to each; for an einsum of
    k live tensors a k-th.
    """
    operands = [x for value in call.args for x in (value if isinstance(value, list | tuple) else [value])]
    live = sum(is_live(x) for x in operands if isinstance(x, Tensor))
    return shared_among(call.run(), live)
