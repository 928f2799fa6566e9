"""Rules for non-linear functions of one tensor, element by element."""

from typing import Any

from whence.relevance.call import Call
from whence.relevance.elementwise import is_curved, root_of, set_origin, shared_root
from whence.relevance.liveness import is_live
from whence.relevance.operation_rules.modified import function_of, with_gradient
from whence.relevance.operations import POWERS, RECIPROCALS, ROOTS, SQUARES, ZERO_PRESERVING


def identity(call: Call) -> Any:
    """Element-wise y = f(x): relevance passes unchanged, R_x = R_y (AttnLRP, section 3.3; gradient y/x).

    A negative power, 1/x^a, of what is not itself an activation is a norm's divisor, and held constant; a square root
    is on the way to one, and left to its gradient.
    """
    x = call.args[0]
    if x.is_complex():
        return call.run()
    if call.function in POWERS and not is_curved(x) and isinstance(call.args[1], int | float) and call.args[1] < 0:
        return call.value()
    if call.function in ROOTS and not is_curved(x):
        return call.run()
    y = call.value()
    if _is_bounded_beside_zero(call) and root_of(x) is x:
        ratio = (y / x.detach()).nan_to_num_(nan=0.0)
        return set_origin(with_gradient(y, x, ratio), x, curved=True)
    return function_of(root_of(x), y)


def _is_bounded_beside_zero(call: Call) -> bool:
    """Whether f(0) = 0 and f(x)/x stays bounded, so that the division needs no stabiliser."""
    if call.function in POWERS:
        return isinstance(call.args[1], int | float) and call.args[1] >= 1
    return call.function in ZERO_PRESERVING or call.function in SQUARES


def gradient(call: Call) -> Any:
    """Any y = f(x): first-order Taylor without its bias, R_i = x_i Σ_j ∂y_j/∂x_i · R_j/y_j, which is the gradient.

    Conserves for what is homogeneous of degree one, and for nothing else: a product of two live tensors doubles
    relevance, a normalisation cancels it (Ali et al. 2022, section 3). In a table it says that this is meant. The steps
    of a written-out activation are none of these: what they make together gets the identity rule.
    """
    live = [x for x in call.args[:2] if is_live(x)]
    root = shared_root(live)
    if root is None or (len(live) < 2 and call.function not in RECIPROCALS):
        return call.run()
    if any(is_curved(x) for x in live):
        y = call.value()
        return function_of(root, y) if y.shape == root.shape else call.run()
    y = call.run()
    return set_origin(y, root, curved=True) if len(live) > 1 and y.shape == root.shape else y


def identity_but_for_powers(call: Call) -> Any:
    """Element-wise y = f(x): relevance passes unchanged, but powers and roots keep their gradient, R_x = a R_y for x^a.

    For rule sets in which normalisations, which are written with powers, have no rule. A power that is a step of a
    written-out activation is still part of it.
    """
    x = call.args[0]
    if call.function not in POWERS | ROOTS | SQUARES or not is_live(x) or is_curved(x):
        return identity(call)
    y = call.run()
    raised = call.function in SQUARES or (call.function in POWERS and isinstance(call.args[1], int | float))
    return set_origin(y, x, curved=True) if raised and (call.function in SQUARES or call.args[1] > 0) else y
