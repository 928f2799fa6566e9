"""Baselines: what an input's embeddings are compared with, by name."""

from typing import Literal, get_args

import torch

from whence.errors import InputError, UnsupportedError
from whence.methods.values import Embeds
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject

Baseline = Literal["zero", "pad", "mask", "unk", "eos"]
"""Every token replaced: by a zero embedding, or by the embedding of that token."""


def refuse_unknown_baseline(name: str) -> None:
    """An `InputError` if `name` is no baseline."""
    if name not in get_args(Baseline):
        raise InputError(f"Unknown baseline {name!r}. Known: {', '.join(get_args(Baseline))}.")


def baseline_embeddings(subject: Subject, inputs: Inputs, embeds: Embeds, name: Baseline) -> Embeds:
    """The baseline of one input whose own embeddings are `embeds`; `UnsupportedError` if there is no such token."""
    if name == "zero":
        return torch.zeros_like(embeds)
    token = subject.replacement_id(name)
    if token is None:
        raise UnsupportedError(f"{subject.name} has no {name} token to use as a baseline. Use baseline='zero'.")
    return subject.collate([inputs.with_ids([token] * len(inputs))]).embeds[0]
