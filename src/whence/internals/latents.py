"""Relevance of what is inside the model: neurons, heads, layers and the residual stream, from one backward pass."""

import time
from collections.abc import Sequence
from typing import Any

import torch

from whence.errors import InputError
from whence.internals.account import provenance_of, states_of, target_values
from whence.internals.layers import check_layers
from whence.internals.measure import relevance_of_units
from whence.internals.taps import readings
from whence.methods.base import Method
from whence.methods.model_map import Block, ModelMap, map_of
from whence.records import Latents
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import as_targets

LATENT_KINDS = ("neuron", "head", "layer", "residual")


def latents_of(
    subject: Subject, inputs: Inputs, target: Any, kind: str, method: Method, layers: Sequence[int] | None = None
) -> Latents:
    """The relevance of all units of one kind, for each target row of one encoded input; see `whence.latents`."""
    if kind not in LATENT_KINDS:
        raise InputError(f"Unknown kind {kind!r}. Kinds are: {', '.join(LATENT_KINDS)}.")
    start = time.perf_counter()
    with torch.inference_mode(False), torch.enable_grad(), subject.session():
        found = map_of(subject.model)
        places = readings(found, kind, _chosen(found, layers))
        measured = relevance_of_units(subject, [inputs], as_targets(target), places, method)[0]
    provenance = provenance_of(subject, inputs, target, measured.readouts, method)
    return Latents(
        kind,
        tuple(unit for place in places for unit in place.units),
        states_of(inputs, measured.extra),
        target_values(measured.readouts, measured.values, method),
        measured.scores,
        method.key,
        method.params,
        provenance | {"seconds": time.perf_counter() - start},
    )


def _chosen(found: ModelMap, layers: object) -> list[Block]:
    """The blocks of the layers asked for (in every stack), or all."""
    chosen = check_layers(layers, {block.layer for block in found.blocks}, found.model)
    return [block for block in found.blocks if block.layer in chosen]
