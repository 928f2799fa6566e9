"""Where a transformer's blocks, attention outputs and down projections are, found by watching one small forward pass.

No table of architectures: blocks are the outermost list of modules that each take a hidden state and give back one of
the same shape; inside a block the linear maps are told apart by the order in which they are called and by whether they
stand inside a submodule with "attn" or "attention" in its name.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from torch import nn

from whence.errors import InputError, UnsupportedError
from whence.methods.probe import Call, Watched, watch
from whence.records import Unit

_ATTENTION = re.compile(r"(?!.*norm).*(attn|attention)", re.IGNORECASE)
"""Names of submodules that attend."""
_ATTENTION_CLASS = re.compile(r"Attention\d*$")
Shape = tuple[int, ...]
_HEAD_COUNTS = ("num_heads", "num_attention_heads", "n_heads", "n_head", "num_q_heads")


@dataclass(frozen=True, eq=False)
class Projection:
    """A linear map whose input are the units: `width` numbers, in `parts` equal parts (heads; 1 for an MLP)."""

    module: nn.Module
    name: str
    width: int
    parts: int = 1


@dataclass(frozen=True, eq=False)
class Block:
    """One layer: its module, the projections found in it, and for each kind of unit it lacks the reason."""

    module: nn.Module
    name: str
    stack: str
    layer: int
    projections: dict[str, Projection]
    lacks: dict[str, str]


@dataclass(frozen=True, eq=False)
class ModelMap:
    """A model's blocks in the order they run; `model` is its class's name, for errors."""

    model: str
    blocks: tuple[Block, ...]

    def stack_of(self, unit: Unit) -> list[Block]:
        """The blocks of the unit's stack, in order; `InputError` for a stack the model does not have."""
        found = [block for block in self.blocks if block.stack == unit.stack]
        if not found:
            stacks = ", ".join(repr(s) for s in dict.fromkeys(b.stack for b in self.blocks))
            raise InputError(f"{unit.name}: {self.model} has the stacks {stacks}. Write Unit(..., stack=...).")
        return found

    def block_of(self, unit: Unit) -> Block:
        """The block that holds the unit (for a residual behind the last block, that one); errors say what there is."""
        blocks = self.stack_of(unit)
        count = len(blocks) + (unit.kind == "residual")
        if unit.layer >= count:
            raise InputError(f"There is no {unit.name}: {self.model} has {unit.kind} layers 0 to {count - 1}.")
        return blocks[min(unit.layer, len(blocks) - 1)]

    def projection_of(self, unit: Unit) -> Projection:
        """The projection that a neuron or head feeds; `UnsupportedError` where the block has none."""
        block = self.block_of(unit)
        self.refuse_lacking(unit.kind, [block])
        projection = block.projections[unit.kind]
        count = projection.width if unit.kind == "neuron" else projection.parts
        assert unit.index is not None
        if unit.index >= count:
            raise InputError(f"There is no {unit.name}: the layer has numbers 0 to {count - 1} of this kind.")
        return projection

    def refuse_lacking(self, kind: str, blocks: Sequence[Block]) -> None:
        """`UnsupportedError`, naming layers and reason, if one of the blocks has no units of this kind."""
        lacking = [block for block in blocks if kind not in block.projections]
        if not lacking:
            return
        reason = lacking[0].lacks[kind]
        same = [block for block in lacking if block.lacks[kind] == reason]
        able = [block.layer for block in self.blocks if kind in block.projections]
        rest = f" Layers that have: {able}; choose them with layers=." if able else ""
        works = ", ".join(repr(k) for k in ("neuron", "head") if all(k in b.projections for b in self.blocks))
        raise UnsupportedError(
            f"{self.model} has no units of kind {kind!r} in layer {', '.join(str(b.layer) for b in same)}: {reason}."
            f"{rest} Kinds that work on all layers: {works + ', ' if works else ''}'layer', 'residual'."
        )


_maps: WeakKeyDictionary[Any, tuple[tuple[int, ...], ModelMap]] = WeakKeyDictionary()


def map_of(model: Any) -> ModelMap:
    """The model's map; made by one forward pass of a few tokens without gradient, and kept until its modules change.

    Raises `UnsupportedError` for a model in which no blocks are found, with what was looked for.
    """
    name = type(model).__name__
    if not isinstance(model, nn.Module) or not hasattr(model, "config"):
        raise UnsupportedError(f"{name} is no transformers model: it has no layers, neurons or heads to name.")
    present = tuple(id(module) for module in model.modules())
    kept = _maps.get(model)
    if kept is None or kept[0] != present:
        kept = present, ModelMap(name, tuple(_blocks(model, watch(model))))
        _maps[model] = kept
    return kept[1]


def _blocks(model: Any, watched: Watched) -> list[Block]:
    lists = _outermost(model, watched)
    stacks = _stack_names(list(lists))
    blocks = [
        _block(model, module, f"{path}.{layer}", stacks[path], layer, watched)
        for path, modules in lists.items()
        for layer, module in enumerate(modules)
    ]
    return sorted(blocks, key=lambda block: watched.calls[block.module][0].order)


def _outermost(model: Any, watched: Watched) -> dict[str, list[nn.Module]]:
    """The lists whose members are blocks and that stand in no other block, by path."""
    found: dict[str, list[nn.Module]] = {}
    again = False
    for path, module in model.named_modules():
        inside = any(path.startswith(f"{outer}.") for outer in found)
        if not isinstance(module, nn.ModuleList) or inside or len(module) == 0:
            continue
        members = list(module)
        if all(_keeps_shape(watched.calls.get(m, [])) for m in members) and any(watched.has_linear(m) for m in members):
            if all(len(watched.calls[m]) == 1 for m in members):
                found[path] = members
            again = again or path not in found
    if not found:
        why = (
            "its blocks run several times in one pass, with shared weights"
            if again
            else "no list of modules each takes a hidden state (batch, token, hidden) and returns one of its shape"
        )
        raise UnsupportedError(f"The layers of {type(model).__name__} cannot be told apart: {why}.")
    return found


def _keeps_shape(calls: Sequence[Call]) -> bool:
    return bool(calls) and all(len(c.given) == 3 and c.given == c.returned for c in calls)


def _stack_names(paths: Sequence[str]) -> dict[str, str]:
    """ "" for a single stack; else "encoder" and "decoder" where the paths say so, or the paths themselves."""
    if len(paths) == 1:
        return {paths[0]: ""}
    names = {}
    for path in paths:
        sides = [side for part in path.split(".") for side in ("encoder", "decoder") if side in part]
        names[path] = sides[0] if sides else path
    return names if len(set(names.values())) == len(paths) else {path: path for path in paths}


def _block(model: Any, module: nn.Module, name: str, stack: str, layer: int, watched: Watched) -> Block:
    shape = watched.calls[module][0].returned
    groups: dict[str, list[tuple[str, Call]]] = {}
    for path, call in watched.linears(module):
        groups.setdefault(_attention_path(module, path), []).append((path, call))
    rest = groups.pop("", [])
    projections: dict[str, Projection] = {}
    lacks: dict[str, str] = {}
    both = getattr(model.config, "is_encoder_decoder", False) or getattr(model.config, "add_cross_attention", False)
    for kind, place in (("head", 0), ("cross_head", 1)):
        found = list(groups.items())[place : place + 1] if both else list(groups.items()) if place == 0 else []
        answer = _attention_output(model, module, found, shape) if found or place == 0 else "no cross-attention"
        _keep(kind, answer, projections, lacks)
    _keep("neuron", _down(module, rest, shape), projections, lacks)
    return Block(module, name, stack, layer, projections, lacks)


def _keep(kind: str, answer: Projection | str, projections: dict[str, Projection], lacks: dict[str, str]) -> None:
    if isinstance(answer, str):
        lacks[kind] = answer
    else:
        projections[kind] = answer


def _attention_path(block: nn.Module, path: str) -> str:
    """The path up to its first module that attends, by its name or its class; "" where none does, "." for the block."""
    if _ATTENTION_CLASS.search(type(block).__name__):
        return "."
    parts = path.split(".")
    for i, part in enumerate(parts):
        inner = block.get_submodule(".".join(parts[: i + 1]))
        if _ATTENTION.match(part) or _ATTENTION_CLASS.search(type(inner).__name__):
            return ".".join(parts[: i + 1 + isinstance(inner, nn.ModuleList)])
    return ""


def _attention_output(
    model: Any, block: nn.Module, groups: list[tuple[str, list[tuple[str, Call]]]], shape: Shape
) -> Projection | str:
    """The last linear map called inside the block's attention, or why there is none."""
    if not groups:
        return "no linear map is called inside a submodule named attention"
    if len(groups) > 1:
        return f"it has several attentions side by side ({', '.join(path for path, _ in groups)})"
    outputs = [(path, call) for path, call in groups[0][1] if _writes_to(shape, call)]
    if not outputs or outputs[-1] != groups[0][1][-1]:
        return f"the last linear map inside {groups[0][0]} does not write to the residual stream"
    path, call = outputs[-1]
    if _has_experts(block if groups[0][0] == "." else block.get_submodule(groups[0][0])):
        return f"{groups[0][0]} is a mixture of experts"
    heads = _head_count(model, block, path)
    if heads is None or call.given[-1] % heads:
        return f"the number of heads in {groups[0][0]} cannot be read off"
    return Projection(call.module, path, call.given[-1], heads)


def _head_count(model: Any, block: nn.Module, path: str) -> int | None:
    """The number of heads, from the modules around the projection, innermost first, or from the configuration."""
    parts = path.split(".")
    for depth in range(len(parts) - 1, -1, -1):
        outer = block.get_submodule(".".join(parts[:depth]))
        for name in _HEAD_COUNTS:
            count = getattr(outer, name, None)
            if isinstance(count, int) and count > 0:
                return count
    count = getattr(model.config.get_text_config(), "num_attention_heads", None)
    return count if isinstance(count, int) else None


def _down(block: nn.Module, rest: list[tuple[str, Call]], shape: Shape) -> Projection | str:
    """The later of two linear maps outside attention that read the stream and write to it, or why there are none."""
    outputs = [(path, call) for path, call in rest if _writes_to(shape, call)]
    homes = [block.get_submodule(path.rpartition(".")[0]) for path, _ in outputs[-1:]]
    if any(isinstance(child, nn.Conv1d) for home in homes for child in home.children()):
        return "it mixes tokens by a state-space layer and has no MLP"
    if _has_experts(block):
        return (
            "its MLP is a mixture of experts, whose weights are fused and which routes each token to other neurons, so "
            "there is no one down projection"
        )
    pairs = [(path, call) for path, call in outputs if any(_feeds(other, call, shape) for _, other in rest)]
    if not pairs:
        return "outside attention no pair of linear maps reads the residual stream and writes to it"
    path, call = pairs[-1]
    return Projection(call.module, path, call.given[-1])


def _writes_to(stream: Shape, call: Call) -> bool:
    """Whether the call reads and writes numbers of every token, the width written that of the residual stream."""
    flat = (stream[0] * stream[1], stream[2])
    return call.returned in (stream, flat) and call.given[:-1] == call.returned[:-1]


def _feeds(up: Call, down: Call, stream: Shape) -> bool:
    """Whether the one may make the other's input from the stream: as wide, or twice that for a gate and its value."""
    width = down.given[-1]
    return up.order < down.order and up.given[-1] == stream[-1] and up.returned[-1] in (width, 2 * width)


def _has_experts(outer: nn.Module) -> bool:
    """Whether what is inside, attention left out, is named experts or has weights of several maps in one tensor."""
    for path, module in outer.named_modules():
        if "experts" in path.split("."):
            return True
        fused = any(p.ndim == 3 and min(p.shape) > 1 for p in module.parameters(recurse=False))
        attends = path and _attention_path(outer, path)
        if fused and not attends and not isinstance(module, nn.modules.conv._ConvNd):
            return True
    return False
