"""Engine 2: layer-wise relevance propagation as rules on operations, for any architecture; one file a rule set.

`rules` opens a rule set for the forward pass of any torch module; `attribute` reads the relevance off.
"""

from whence.relevance.call import Call, Rule
from whence.relevance.mode import RuleMode, attribute, rules
from whence.relevance.rule_set import RuleSet

__all__ = ["Call", "Rule", "RuleMode", "RuleSet", "attribute", "rules"]
