"""Tensors inside a model, taken during one forward pass where they can be differentiated at."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from whence.errors import UnsupportedError
from whence.methods.model_map import Block, ModelMap
from whence.methods.probe import hidden_of, hidden_place, with_hidden
from whence.records import Unit


@dataclass(frozen=True, eq=False)
class Site:
    """A place where a hidden state is taken: what goes into a module, or what comes out of it."""

    module: nn.Module
    side: Literal["in", "out"]


@dataclass(frozen=True, eq=False)
class Reading:
    """Units that are read together, and where.

    The numbers read are those of the one site, or the second's less the first's where there are two (what a block
    adds); their last axis falls into as many equal parts as there are units.
    """

    units: tuple[Unit, ...]
    sites: tuple[Site, ...]

    def activations(self, taken: Sequence[Float[Tensor, "batch token width"]]) -> Float[Tensor, "batch token unit"]:
        """A neuron's value; the Euclidean norm of what is a vector."""
        parts = self._parts(taken[-1] if len(taken) == 1 else taken[1] - taken[0])
        return parts.squeeze(-1) if self.units[0].kind == "neuron" else parts.norm(dim=-1)

    def relevance(
        self,
        taken: Sequence[Float[Tensor, "batch token width"]],
        gradient: Float[Tensor, "row batch token width"],
    ) -> Float[Tensor, "row batch token unit"]:
        """Numbers × gradient at the last site, summed over each unit's part."""
        numbers = (taken[-1] if len(taken) == 1 else taken[1] - taken[0]).detach()
        wide = torch.promote_types(numbers.dtype, torch.float32)
        return self._parts(numbers.to(wide) * gradient).sum(dim=-1)

    def _parts(self, numbers: Tensor) -> Tensor:
        return numbers.unflatten(-1, (len(self.units), -1))


def readings(found: ModelMap, kind: str, blocks: Sequence[Block]) -> list[Reading]:
    """How to read all units of one kind (heads with cross-attention heads) in these blocks, in the order they run."""
    if kind == "residual":
        return [_residual(block, behind) for block in blocks for behind in _ends(found, block)]
    if kind == "layer":
        return [
            Reading((Unit("layer", b.layer, None, b.stack),), (Site(b.module, "in"), Site(b.module, "out")))
            for b in blocks
        ]
    found.refuse_lacking(kind, blocks)
    kinds = ("head", "cross_head") if kind == "head" else (kind,)
    return [_projected(block, one) for block in blocks for one in kinds if one in block.projections]


def reading_of(found: ModelMap, unit: Unit) -> Reading:
    """How to read the units of which this is one."""
    block = found.block_of(unit)
    if unit.kind == "residual":
        return _residual(block, unit.layer > block.layer)
    if unit.kind == "layer":
        return readings(found, "layer", [block])[0]
    found.projection_of(unit)
    return _projected(block, unit.kind)


def _residual(block: Block, behind: bool) -> Reading:
    unit = Unit("residual", block.layer + behind, None, block.stack)
    return Reading((unit,), (Site(block.module, "out" if behind else "in"),))


def _ends(found: ModelMap, block: Block) -> tuple[bool, ...]:
    """In front of the block, and behind it too where it is the last of its stack."""
    last = [other for other in found.blocks if other.stack == block.stack][-1]
    return (False, True) if block is last else (False,)


def _projected(block: Block, kind: str) -> Reading:
    projection = block.projections[kind]
    count = projection.width if kind == "neuron" else projection.parts
    return Reading(_units(kind, block.layer, block.stack, count), (Site(projection.module, "in"),))


@lru_cache(maxsize=1024)
def _units(kind: str, layer: int, stack: str, count: int) -> tuple[Unit, ...]:
    """A layer's units in order; kept, for a model has tens of thousands and each reading wants them."""
    return tuple(Unit(kind, layer, index, stack) for index in range(count))


class Taps:
    """A `with` in which every hidden state that passes a site is kept, as a tensor of its own in the graph.

    A tensor handed on unchanged but by another name: the gradient at it is what the module after it sends back, and no
    rule of the operation before it is in it. Hooks are on the instances, act on the thread that opened them, and are
    removed at the end, also after an exception.
    """

    def __init__(self, sites: Sequence[Site]) -> None:
        self._sites = list(dict.fromkeys(sites))
        self._taken: dict[Site, list[Tensor]] = {site: [] for site in sites}
        self._handles: list[Any] = []
        self._thread = 0

    def __enter__(self) -> "Taps":
        self._thread = threading.get_ident()
        try:
            for site in self._sites:
                self._handles.append(self._hooked(site))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        while self._handles:
            self._handles.pop().remove()

    def taken(self, reading: Reading, batch: int) -> list[Float[Tensor, "batch token width"]]:
        """What was taken at the reading's sites, tokens of each item on an axis of their own."""
        return [tensor.reshape(batch, -1, tensor.shape[-1]) for tensor in self.tensors(reading)]

    def tensors(self, reading: Reading) -> list[Tensor]:
        """What was taken at the reading's sites, as the model shaped it; errors if that was not one tensor each."""
        for site in reading.sites:
            count = len(self._taken[site])
            if count != 1:
                raise UnsupportedError(
                    f"{type(site.module).__name__}, where {reading.units[0].name} is read, ran {count} times in one "
                    f"forward pass; its units can be told apart only where it runs once."
                )
        return [self._taken[site][0] for site in reading.sites]

    def _hooked(self, site: Site) -> Any:
        def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            place = hidden_place(args, kwargs)
            if place is None or threading.get_ident() != self._thread:
                return None
            if isinstance(place, str):
                return args, kwargs | {place: self._keep(site, kwargs[place])}
            return (*args[:place], self._keep(site, args[place]), *args[place + 1 :]), kwargs

        def after(module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
            hidden = hidden_of(output)
            if hidden is None or threading.get_ident() != self._thread:
                return None
            return with_hidden(output, self._keep(site, hidden))

        if site.side == "in":
            return site.module.register_forward_pre_hook(before, with_kwargs=True)
        return site.module.register_forward_hook(after)

    def _keep(self, site: Site, hidden: Tensor) -> Tensor:
        kept = hidden.view_as(hidden)
        self._taken[site].append(kept)
        return kept
