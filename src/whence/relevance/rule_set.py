"""A rule set: a small table from operation to rule."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from whence.errors import InputError, UnknownNameError
from whence.relevance.call import Rule
from whence.relevance.operation_rules import linear
from whence.relevance.operations import OPERATIONS


@dataclass(frozen=True)
class RuleSet:
    """A named table from operation to rule.

    Operations are the values of `whence.relevance.operations.OPERATIONS`; `UnknownNameError` for any other. Of those
    not in the table, linear ones keep their gradient, which is the epsilon rule with ε → 0; any other keeps its
    gradient too, with a warning when relevance crosses it. `operation_rules.gradient` says that this is meant.

    >>> from whence.relevance import operation_rules as rule
    >>> RuleSet("passing", {"activation": rule.identity}).name
    'passing'
    """

    name: str
    table: Mapping[str, Rule] = field(compare=False)
    epsilon: float = 0.0

    def __post_init__(self) -> None:
        known = sorted(set(OPERATIONS.values()))
        if not isinstance(self.table, Mapping) or not all(callable(rule) for rule in self.table.values()):
            raise InputError(f"Rule set {self.name!r} wants a table from operation to rule, a function of a Call.")
        for operation in self.table:
            if operation not in known:
                near = difflib.get_close_matches(operation, known, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise UnknownNameError(
                    f"Rule set {self.name!r} has a rule for {operation!r}, which is no operation.{hint} "
                    f"Operations are: {', '.join(known)}."
                )

    def with_linear(self, epsilon: float | None = None, gamma: float = 0.0) -> "RuleSet":
        """This rule set with the epsilon and gamma of `operation_rules.linear` for linear maps and convolutions.

        Without either it is itself; with gamma alone it keeps its own `epsilon`, which only this method sets.
        """
        if epsilon is None and gamma == 0:
            return self
        epsilon = self.epsilon if epsilon is None else epsilon
        rule = linear(epsilon, gamma)
        return RuleSet(self.name, {**self.table, "linear": rule, "convolution": rule}, epsilon)
