"""CP-LRP."""

from dataclasses import dataclass
from typing import ClassVar

from whence.relevance import operation_rules as rule
from whence.relevance.attnlrp import ATTNLRP
from whence.relevance.engine import RelevanceMethod
from whence.relevance.rule_set import RuleSet

CP_LRP = RuleSet(
    "cp_lrp",
    {
        **ATTNLRP.table,
        "product": rule.gated_product,
        "softmax": rule.frozen_softmax,
        "attention": rule.frozen_attention,
        "routing": rule.frozen_routing,
    },
)


@dataclass(frozen=True)
class CPLRP(RelevanceMethod):
    """Layer-wise relevance propagation that conserves: attention weights, gates and routers are held constant.

    Formula: R_i = Σ_d x_{i,d} · g_{i,d}, g the gradient under the rules: relevance crosses attention by its values
    alone, R_V[i] = Σ_j A[j,i] V[i] / O[j] · R_O[j]; a gated product by what is gated, a mixture by its experts;
    identity for activations and normalisations, ε → 0 for linear maps and sums.
    Source: Voita et al. 2021, "Analyzing the Source and Target Contributions to Predictions in Neural Machine
    Translation"; with the rules for gates and normalisations of the CP-LRP that Achtibat et al. 2024 compare with.
    Shapes and units: one score a token and target, in the target's unit; `baseline_value` is 0.
    Cost: one forward pass, one backward pass for each target row; long inputs are computed twice to save memory.
    Does not claim: that queries and keys do not matter. It says what was carried over, not why attention chose it. Sums
    to the value but for what biases and positions absorb, which the record names.

    >>> CPLRP().cost(tokens=10, rows=3)
    Cost(forwards=1, backwards=3)
    """

    key: ClassVar[str] = "cp_lrp"
    rule_set: ClassVar[RuleSet] = CP_LRP
    caveat: ClassVar[str] = (
        "CP-LRP takes attention weights and gates as given: it shows which tokens' content reached the prediction, not "
        "what made attention look there."
    )
