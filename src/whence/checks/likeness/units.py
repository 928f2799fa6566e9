"""Which units of an explanation a check compares: those the prediction can depend on and that are no control tokens."""

import numpy as np
from jaxtyping import Int

from whence.checks.base import Case
from whence.checks.likeness.ranks import similarity_by_chance
from whence.metrics.common_units import plain_units
from whence.records.counting import counted

Indices = Int[np.ndarray, " unit"]
FEWEST = 3
"""Units there must be for a ranking to be compared: with two there are only two rankings."""
_TELLING = 0.8
"""The correlation that random order must stay below for one found to tell something."""


def compared_units(case: Case, number: int) -> list[Indices]:
    """For each row of one of the case's explanations, the units that are compared."""
    inputs, record = case.inputs[number], case.attributions[number]
    units = plain_units(record, inputs)
    rows_of_slot = len(record.targets) // len(inputs.slots)
    found = []
    for row in range(len(record.targets)):
        visible = inputs.slots[row // rows_of_slot].visible
        reach = len(inputs) if visible is None else visible
        found.append(np.array([unit for unit, members in units if members[0] < reach], dtype=int))
    return found


def long_enough(case: Case, most: int) -> list[int]:
    """The first inputs of the case, at most so many, in which every row has units enough to be ranked."""
    numbers = [
        number
        for number in range(len(case.inputs))
        if all(len(units) >= FEWEST for units in compared_units(case, number))
    ]
    return numbers[:most]


def why_nothing_told(case: Case, most: int, draws: int) -> str | None:
    """Why a correlation of rankings of the case's first inputs could tell nothing, as a sentence; None if it can."""
    numbers = long_enough(case, most)
    if not numbers:
        return f"No input has {FEWEST} units to rank, control tokens aside."
    own = []
    for number in numbers:
        scores = case.attributions[number].scores.astype(float)
        own.append([(scores[row, units], scores[row, units]) for row, units in enumerate(compared_units(case, number))])
    chance = similarity_by_chance(own, draws, case.run.seed).high
    if chance < _TELLING:
        return None
    return (
        f"So few units ({counted(len(numbers), 'input')}) rank alike by chance, up to a correlation of {chance:.2f}: "
        f"nothing could be told. Give longer texts, or more of them."
    )
