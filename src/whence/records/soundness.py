"""What numbers a record refuses to hold."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float32

from whence.errors import InputError, NonFiniteError
from whence.records.target_value import TargetValue


def refuse_other_shapes(
    rows: int, columns: int, scores: Float32[np.ndarray, "..."], residual: Float32[np.ndarray, "..."] | None
) -> None:
    """An `InputError` if there is not one score for each target and token, one residual for each target."""
    if scores.shape != (rows, columns):
        raise InputError(f"Scores have shape {scores.shape}, wanted (targets, tokens) = {(rows, columns)}.")
    if residual is not None and residual.shape != (rows,):
        raise InputError(f"The residual has shape {residual.shape}, wanted (targets,) = {(rows,)}.")


def refuse_non_finite(
    method: str,
    targets: Sequence[TargetValue],
    scores: Float32[np.ndarray, "..."],
    residual: Float32[np.ndarray, "..."] | None,
) -> None:
    """A `NonFiniteError` for NaN or infinity in any of a record's numbers."""
    numbers: list[tuple[str, Callable[[], bool]]] = [
        ("scores", lambda: bool(np.isfinite(scores).all())),
        ("residual", lambda: residual is None or bool(np.isfinite(residual).all())),
        ("target value", lambda: all(np.isfinite(t.value) for t in targets)),
        ("baseline value", lambda: all(np.isfinite(t.baseline_value or 0.0) for t in targets)),
    ]
    for name, is_finite in numbers:
        if not is_finite():
            raise NonFiniteError(
                f"{method}: the {name} came out NaN or infinite, so there is no explanation to return. "
                f"Usual causes are float16 overflow (load with dtype='float32') and weights that hold NaN."
            )
