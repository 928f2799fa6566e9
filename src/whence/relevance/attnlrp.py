"""AttnLRP."""

from dataclasses import dataclass
from typing import ClassVar

from whence.relevance import operation_rules as rule
from whence.relevance.engine import RelevanceMethod
from whence.relevance.rule_set import RuleSet

ATTNLRP = RuleSet(
    "attnlrp",
    {
        "activation": rule.identity,
        "product": rule.uniform_product,
        "matmul": rule.uniform_matmul,
        "softmax": rule.taylor_softmax,
        "attention": rule.uniform_attention,
        "layer_norm": rule.frozen_layer_norm,
        "rms_norm": rule.frozen_rms_norm,
        "group_norm": rule.frozen_group_norm,
        "normalize": rule.frozen_normalize,
        "reciprocal": rule.frozen_reciprocal,
        "quotient": rule.frozen_divisor,
        "system": rule.frozen_system,
    },
)


@dataclass(frozen=True)
class AttnLRP(RelevanceMethod):
    """Layer-wise relevance propagation with rules for attention: relevance also flows through the attention weights.

    Formula: R_i = Σ_d x_{i,d} · g_{i,d}, g the gradient under the rules: ε → 0 for linear maps and sums, identity for
    activations and normalisations, half to each factor of a product of two live tensors, Taylor for softmax.
    Source: Achtibat et al. 2024, "AttnLRP", ICML, section 3, Propositions 3.1 to 3.4; rules by operation.
    Shapes and units: one score a token and target, in the target's unit; `baseline_value` is 0.
    Cost: one forward pass, one backward pass for each target row; long inputs are computed twice to save memory.
    Does not claim: exact conservation (biases, learned positions and the softmax rule absorb relevance; the residual
    says how much), nor implementation invariance: halving products depends on how they are bracketed (You et al. 2025).

    >>> AttnLRP().cost(tokens=10, rows=3)
    Cost(forwards=1, backwards=3)
    """

    key: ClassVar[str] = "attnlrp"
    rule_set: ClassVar[RuleSet] = ATTNLRP
    caveat: ClassVar[str] = (
        "AttnLRP distributes the value by rules: biases, positions and the softmax rule take a share that no token "
        "gets (the residual), and a first token that attention rests on can gather relevance that is not about it."
    )
