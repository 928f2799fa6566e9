"""Rules for non-linear functions of one tensor, element by element."""

from typing import Any

from whence.relevance.call import Call
from whence.relevance.elementwise import is_curved, root_of, set_origin
from whence.relevance.liveness import any_live, is_live
from whence.relevance.operation_rules.modified import function_of
from whence.relevance.operations import POWERS, ROOTS, ZERO_PRESERVING


def identity(call: Call) -> Any:
    """Element-wise y = f(x): relevance passes unchanged, R_x = R_y (AttnLRP, section 3.3; gradient y/x).

    A negative power, 1/x^a, of what is not itself an activation is a norm's divisor, and held constant; a square root
    is on the way to one, and left to its gradient.
    """
    x = call.args[0]
    if not is_live(x) or any_live(call.args[1:]):
        return call.run()
    if call.function in POWERS and not is_curved(x) and isinstance(call.args[1], int | float) and call.args[1] < 0:
        return call.value()
    if call.function in ROOTS and not is_curved(x):
        return call.run()
    y = call.value()
    if call.function in ZERO_PRESERVING and root_of(x) is x:
        return set_origin(x * (y / x.detach()).nan_to_num_(nan=0.0), x, curved=True)
    return function_of(root_of(x), y)


def gradient(call: Call) -> Any:
    """Any y = f(x): first-order Taylor without its bias, R_i = x_i Σ_j ∂y_j/∂x_i · R_j/y_j, which is the gradient.

    Conserves for what is homogeneous of degree one, and for nothing else: a product of two live tensors doubles
    relevance, a normalisation cancels it (Ali et al. 2022, section 3). In a table it says that this is meant.
    """
    return call.run()
