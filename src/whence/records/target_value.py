"""The number of the output that one row of scores explains."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class TargetValue:
    """What one row of scores explains, and its value.

    `label` is the token, class or contrast; `position` the place in the sequence the predicted token takes, counted
    in tokens, None for a prediction about the whole text; `value` the model's output in `unit`; `baseline_value`
    the output the scores are measured from, None where the method has no such reference.
    """

    label: str
    position: int | None
    value: float
    baseline_value: float | None
    unit: str

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        return asdict(self)


def first_labels(targets: Sequence[TargetValue]) -> str:
    """The labels of the first three rows, as a record's repr names them.

    >>> first_labels([TargetValue(" Paris", 1, 2.0, 0.0, "logit")])
    "' Paris'"
    """
    return ", ".join(repr(target.label) for target in targets[:3]) + (", ..." if len(targets) > 3 else "")
