"""The outputs that a record's rows are about, read again, in whatever unit a metric measures in."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from whence.errors import InputError, TargetError
from whence.perturbation.chances import Chance, LogChance, LogOdds
from whence.records import Attribution
from whence.records.counting import counted
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Readout, Target, as_targets

Unit = Literal["probability", "log-probability", "log-odds", "logit", "target", "decision"]
"""What the model's answer is measured in: "target" is the unit of the explanation's own target, "decision" 1 while the
model still predicts the output and 0 where it does not."""

WRITERS = ("text-generation", "text2text-generation", "fill-mask")
"""Tasks of language models."""


def check_unit(unit: str) -> None:
    """An `InputError` for a unit there is not."""
    if unit != "auto" and unit not in get_args(Unit):
        raise InputError(f"Unknown unit {unit!r}. Known: auto, {', '.join(get_args(Unit))}.")


@dataclass(frozen=True)
class Recorded(Target):
    """One target of each slot, as a record names them: its row's outputs by number, its label and its position.

    It is equal for methods that explain the same, whatever values they found: they share masked inputs.
    """

    outputs: tuple[tuple[int, ...], ...]
    names: tuple[tuple[str, int | None], ...]

    def resolve(self, subject: Subject, inputs: Inputs, slot: int, logits: Float[Tensor, "slot output"]) -> Readout:
        """The row's readout at one slot: its output as the model gives it, or the difference of two."""
        (label, position), outputs = self.names[slot], self.outputs[slot]
        if any(output >= logits.shape[-1] for output in outputs):
            raise TargetError(
                f"The record is about output {max(outputs)} of a model with more outputs than {subject.name} has "
                f"({logits.shape[-1]}). Test an explanation on the model it was made of."
            )
        if len(outputs) == 1:
            (output,) = outputs
            return Readout(slot, position, label, _native(subject), lambda z: z[..., output], output)
        first, second = outputs
        unit, read = "logit difference", _contrasted(subject)
        return Readout(
            slot,
            position,
            label,
            unit,
            lambda z: read(z)[..., first] - read(z)[..., second],
            pair=(first, second),
        )


@dataclass(frozen=True)
class Decision(Target):
    """1 while the output that another target is about is the one predicted, 0 where another is.

    Of several labels at once, 1 while its probability is at least a half; of a difference, while it is above 0.
    """

    target: Target

    def resolve(self, subject: Subject, inputs: Inputs, slot: int, logits: Float[Tensor, "slot output"]) -> Readout:
        """The decision's readout at one slot."""
        readout = self.target.resolve(subject, inputs, slot, logits)
        output, value = readout.output, readout.read

        def read(z: Tensor) -> Tensor:
            if readout.pair is not None:
                return (value(z) > 0).to(z.dtype)
            if output is None or subject.link == "identity":
                return torch.full_like(z[..., 0], torch.nan)
            if subject.link == "sigmoid":
                return (z[..., output] >= 0).to(z.dtype)
            return (z.argmax(dim=-1) == output).to(z.dtype)

        return replace(readout, unit="decision", read=read)


@dataclass(frozen=True, eq=False)
class OfEach(Target):
    """A target of its own for each of several inputs, known by the objects that they are."""

    by_input: dict[int, Target]

    def resolve(self, subject: Subject, inputs: Inputs, slot: int, logits: Float[Tensor, "slot output"]) -> Readout:
        """The readout of that input's target."""
        return self.by_input[id(inputs)].resolve(subject, inputs, slot, logits)


def asked(attribution: Attribution, inputs: Inputs, target: Any) -> list[Target]:
    """The targets that the rows of a record are of, as many as each slot has; `target` where they are functions.

    Raises `InputError` where the record cannot name them and no target is given.
    """
    rows = attribution.provenance["inputs"]["rows"]
    if target is not None:
        found = list(as_targets(target))
        if len(found) * len(inputs.slots) != len(rows):
            raise InputError(
                f"target= is {counted(len(found), 'target')} at {counted(len(inputs.slots), 'place')}, and the "
                f"explanation has {counted(len(rows), 'row')}. Give the targets that were explained."
            )
        return found
    if any(not outputs for _, outputs in rows):
        raise InputError(
            "A row of the record is about a function of the outputs, which records do not keep. Give it again: target=."
        )
    each = len(rows) // len(inputs.slots)
    named = []
    for number in range(each):
        mine = [slot * each + number for slot in range(len(inputs.slots))]
        about = [attribution.targets[i] for i in mine]
        recorded = Recorded(
            tuple(tuple(rows[i][1]) for i in mine), tuple((target.label, target.position) for target in about)
        )
        named.append(in_unit(recorded, attribution.targets[mine[0]].unit))
    return named


def in_unit(target: Target, unit: str) -> Target:
    """A target about the same output in another unit."""
    if unit == "probability":
        return Chance(target)
    if unit == "log-probability":
        return LogChance(target)
    if unit == "log-odds":
        return LogOdds(Chance(target))
    return Decision(target) if unit == "decision" else target


def unit_for(subject: Subject, unit: str, own: str) -> str:
    """The unit a metric measures in: the one asked for, or by default log-probability for a language model and the
    metric's own for others.
    """
    if unit != "auto":
        return unit
    is_value = own in ("decision", "target")
    return own if is_value or subject.task not in WRITERS else "log-probability"


def _native(subject: Subject) -> str:
    return {"probability": "probability", "log": "log-probability"}.get(subject.link, "logit")


def _contrasted(subject: Subject) -> Callable[[Tensor], Tensor]:
    """From what the model gives to the numbers whose difference is explained, as in `whence.targets.Contrast`."""
    return torch.log if subject.link == "probability" else lambda z: z
