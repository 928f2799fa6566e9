"""LRP with the epsilon rule alone."""

from dataclasses import dataclass
from typing import ClassVar

from whence.relevance import operation_rules as rule
from whence.relevance.attnlrp import ATTNLRP
from whence.relevance.engine import RelevanceMethod
from whence.relevance.rule_set import RuleSet

LRP_EPSILON = RuleSet(
    "lrp_epsilon",
    {
        **dict.fromkeys(ATTNLRP.table, rule.gradient),
        "activation": rule.identity_but_for_powers,
        "variance": rule.gradient,
    },
).with_linear(epsilon=1e-6)


@dataclass(frozen=True)
class LRPEpsilon(RelevanceMethod):
    """The naive baseline: the epsilon rule on linear maps, activations passed, all else by its plain gradient.

    Formula: R_i = Σ_j x_i w_ij / (z_j + ε sign z_j) · R_j with ε = 10⁻⁶ (or as given) for linear maps; R_x = R_y for
    activations; softmax, products and normalisations by gradient × input, R_i = x_i Σ_j ∂y_j/∂x_i · R_j/y_j.
    Source: Bach et al. 2015, "On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance
    Propagation" (ε rule), taken to Transformers as it stands.
    Shapes and units: one score a token and target, in the target's unit; `baseline_value` is 0.
    Cost: one forward pass, one backward pass for each target row; long inputs are computed twice to save memory.
    Does not claim: conservation. Products and attention double relevance, normalisations cancel it (Ali et al. 2022,
    section 3), and the residual shows it: here to be compared with, not to be relied on.

    >>> LRPEpsilon().cost(tokens=10, rows=3)
    Cost(forwards=1, backwards=3)
    """

    epsilon: float | None = 1e-6

    key: ClassVar[str] = "lrp_epsilon"
    rule_set: ClassVar[RuleSet] = LRP_EPSILON
    caveat: ClassVar[str] = (
        "LRP-ε has no rules for attention, gates and normalisations: relevance is doubled and cancelled on the way, so "
        "that its scores need not add up to anything near the value."
    )
