"""What a record of the inside of a model says of its input, its targets and how it was made."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import Float

from whence.methods.base import Method, layout_of, origin_of_target
from whence.records import TargetValue, Token
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Readout


def provenance_of(
    subject: Subject, inputs: Inputs, target: Any, readouts: Sequence[Readout], method: Method
) -> dict[str, Any]:
    """Where one input's numbers come from; the cost is the method's."""
    return subject.provenance() | {
        "target": origin_of_target(inputs, target),
        **layout_of(inputs, readouts),
        **inputs.about,
        **asdict(method.cost(len(inputs), len(readouts))),
        "generated": inputs.generated,
        "text": inputs.text,
        "caveat": method.caveat,
    }


def target_values(
    readouts: Sequence[Readout], values: Float[np.ndarray, " row"], method: Method
) -> tuple[TargetValue, ...]:
    """What each row explains, and its value."""
    baseline = 0.0 if method.complete else None
    return tuple(
        TargetValue(readout.label, readout.position, float(value), baseline, readout.unit)
        for readout, value in zip(readouts, values, strict=True)
    )


def states_of(inputs: Inputs, extra: int) -> tuple[Token, ...]:
    """The tokens, behind as many states of the model's own."""
    own = tuple(Token(f"state {i}", None, role="model", special=True) for i in range(extra))
    return own + inputs.tokens
