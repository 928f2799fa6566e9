"""The AH and LN rules."""

from dataclasses import dataclass
from typing import ClassVar

from whence.relevance import operation_rules as rule
from whence.relevance.attnlrp import ATTNLRP
from whence.relevance.engine import RelevanceMethod
from whence.relevance.rule_set import RuleSet

AH_LN = RuleSet(
    "ah_ln",
    {
        **ATTNLRP.table,
        "softmax": rule.frozen_softmax,
        "attention": rule.frozen_attention,
        "routing": rule.frozen_routing,
    },
)


@dataclass(frozen=True)
class AHLN(RelevanceMethod):
    """Gradient × input with attention weights and norms' divisors held constant (the AH rule and the LN rule).

    Formula: R_i = Σ_d x_{i,d} · g_{i,d}, g the gradient with softmax and the divisors of normalisations detached;
    identity for activations, half to each factor of a gated product.
    Source: Ali et al. 2022, "XAI for Transformers: Better Explanations through Conservative Propagation", ICML, section
    3 (AH and LN rules; for the ReLU of their models gradient × input is the identity rule); gates, which came later, by
    the half rule of Jafari et al. 2024, "MambaLRP".
    Shapes and units: one score a token and target, in the target's unit; `baseline_value` is 0.
    Cost: one forward pass, one backward pass for each target row; long inputs are computed twice to save memory.
    Does not claim: that queries and keys do not matter; they get no relevance. Sums to the value but for what biases
    and positions absorb, which the record names.

    >>> AHLN().cost(tokens=10, rows=3)
    Cost(forwards=1, backwards=3)
    """

    key: ClassVar[str] = "ah_ln"
    rule_set: ClassVar[RuleSet] = AH_LN
    caveat: ClassVar[str] = (
        "The AH and LN rules take attention weights and norms as given: they show which tokens' content reached the "
        "prediction, not what made attention look there."
    )
