"""The rules: how each operation hands relevance back, written as a modified gradient.

With R = x · ∂/∂x throughout, a rule is what the operation's gradient is replaced by, so that relevance is the input
times what torch's ordinary backward pass delivers. All are plain torch operations, so that several target rows can
share one vectorised backward pass. Sums, residual adds, reshapes and looked-up embeddings need no rule: they are
linear, and their own gradient shares relevance in proportion, R_a = a / (a + b) · R (the epsilon rule with ε → 0).
"""

from whence.relevance.operation_rules.activation import gradient, identity, identity_but_for_powers
from whence.relevance.operation_rules.attention import (
    frozen_attention,
    frozen_softmax,
    taylor_softmax,
    uniform_attention,
)
from whence.relevance.operation_rules.linear import linear
from whence.relevance.operation_rules.normalisation import (
    frozen_divisor,
    frozen_group_norm,
    frozen_layer_norm,
    frozen_normalize,
    frozen_reciprocal,
    frozen_rms_norm,
)
from whence.relevance.operation_rules.product import frozen_system, gated_product, uniform_matmul, uniform_product
from whence.relevance.operation_rules.routing import frozen_routing

__all__ = [
    "frozen_attention",
    "frozen_divisor",
    "frozen_group_norm",
    "frozen_layer_norm",
    "frozen_normalize",
    "frozen_reciprocal",
    "frozen_rms_norm",
    "frozen_routing",
    "frozen_softmax",
    "frozen_system",
    "gated_product",
    "gradient",
    "identity",
    "identity_but_for_powers",
    "linear",
    "taylor_softmax",
    "uniform_attention",
    "uniform_matmul",
    "uniform_product",
]
