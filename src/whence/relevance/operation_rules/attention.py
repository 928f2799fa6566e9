"""Rules for softmax and for attention in one fused call."""

from typing import Any

from torch import Tensor

from whence.relevance.call import Call
from whence.relevance.liveness import is_live
from whence.relevance.operation_rules.modified import shared_among


def taylor_softmax(call: Call) -> Any:
    """s = softmax(x): first-order Taylor at x, R_x = x (R_s − s Σ R_s), which is the gradient (AttnLRP, Prop. 3.1).

    Its bias Σ R_s − Σ R_x goes to no input: this rule does not conserve.
    """
    return call.run()


def frozen_softmax(call: Call) -> Any:
    """s = softmax(x) held constant: R_x = 0 (CP-LRP, Voita et al. 2021; AH rule, Ali et al. 2022).

    What the weights multiply gets all the relevance: attention passes it by its values, a router by its experts.
    """
    return call.value()


def uniform_attention(call: Call) -> Any:
    """softmax(s Q Kᵀ + mask) V as its three steps: matmul rule, Taylor rule of softmax, matmul rule.

    The softmax rule R_x = x (R_s − s Σ R_s) (AttnLRP, Prop. 3.1) is the gradient itself; the matmul rule halves the
    gradient. So V gets a half of its gradient and Q and K a quarter, and the fused kernel is kept.
    """
    query, key, value, attend = _taken_apart(call)
    if is_live(query) and is_live(key):
        query, key = shared_among(query.view_as(query), 2), shared_among(key.view_as(key), 2)
    result = attend(query, key, value)
    return shared_among(result, 2) if is_live(value) and (is_live(query) or is_live(key)) else result


def frozen_attention(call: Call) -> Any:
    """softmax(s Q Kᵀ + mask) V with the weights held constant: R_V[i] = Σ_j A[j,i] V[i] R_O[j] / O[j], R_Q = R_K = 0.

    What else the weights are made of, such as positions computed from the input, gets nothing either.

    Source: CP-LRP, Voita et al. 2021; the AH rule, Ali et al. 2022, section 3.
    """
    query, key, value = call.arguments("query", "key", "value")
    further = {name: _held(x) for name, x in call.kwargs.items() if name not in ("query", "key", "value")}
    return call.function(_held(query), _held(key), value, *map(_held, call.args[3:]), **further)


def _held(value: Any) -> Any:
    """A tensor as a constant; anything else as it is."""
    return value.detach() if isinstance(value, Tensor) else value


def _taken_apart(call: Call) -> tuple[Any, Any, Any, Any]:
    """Query, key, value, and the call as a function of them."""
    names = ("query", "key", "value")
    query, key, value = call.arguments(*names)
    rest, options = call.args[3:], {n: v for n, v in call.kwargs.items() if n not in names}
    return query, key, value, lambda q, k, v: call.function(q, k, v, *rest, **options)
