"""One forward pass of a few tokens, watched: which modules run, in which order, on what shapes."""

import inspect
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from whence.errors import UnsupportedError
from whence.subjects.session import session

_SIDE = 64
"""Pixels a side of the image for models of any size."""


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a module: its place in the order of all calls, the shapes of the hidden state given and returned."""

    module: nn.Module
    order: int
    given: tuple[int, ...]
    returned: tuple[int, ...]


@dataclass(eq=False)
class Watched:
    """The calls of a forward pass by module, in order."""

    calls: dict[nn.Module, list[Call]] = field(default_factory=dict)

    def linears(self, block: nn.Module) -> Iterator[tuple[str, Call]]:
        """The path inside the block and the call of each linear map in it, in order of the calls."""
        inside = {module: path for path, module in block.named_modules() if path}
        linear = {path for module, path in inside.items() if module in self.calls and linear_weight(module) is not None}
        found = [
            (path, call)
            for module, path in inside.items()
            if path in linear and not any(path.startswith(f"{outer}.") for outer in linear)
            for call in self.calls[module]
        ]
        yield from sorted(found, key=lambda pair: pair[1].order)

    def has_linear(self, block: nn.Module) -> bool:
        """Whether a linear map is called inside the block (not the block itself)."""
        return any(True for _ in self.linears(block))


def linear_weight(module: nn.Module) -> Tensor | None:
    """The matrix of a linear map, whatever its class; None for any other module."""
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor) or isinstance(module, nn.Embedding):
        return None
    return weight if weight.ndim == 2 or isinstance(module, nn.Linear) else None


def hidden_place(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | str | None:
    """Where the hidden state is among a module's arguments: the first tensor of floating point numbers."""
    for i, value in enumerate(args):
        if _is_hidden(value):
            return i
    names = sorted(kwargs, key=lambda name: name != "hidden_states")
    return next((name for name in names if _is_hidden(kwargs[name])), None)


def hidden_of(output: Any) -> Tensor | None:
    """The hidden state among what a module returned: the tensor, or the first of a tuple or list."""
    first = output[0] if isinstance(output, tuple | list) and output else output
    return first if _is_hidden(first) else None


def with_hidden(output: Any, hidden: Tensor) -> Any:
    """What a module returned, with another hidden state in its place."""
    if isinstance(output, list):
        return [hidden, *output[1:]]
    return (hidden, *output[1:]) if isinstance(output, tuple) else hidden


def watch(model: Any) -> Watched:
    """The calls of one small forward pass, without gradient; the model is left as it was."""
    watched = Watched()
    thread, count = threading.get_ident(), 0

    def note(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        nonlocal count
        place, returned = hidden_place(args, kwargs), hidden_of(output)
        if place is None or returned is None or threading.get_ident() != thread:
            return
        given = args[place] if isinstance(place, int) else kwargs[place]
        watched.calls.setdefault(module, []).append(Call(module, count, tuple(given.shape), tuple(returned.shape)))
        count += 1

    members = {m for group in model.modules() if isinstance(group, nn.ModuleList) for m in group}
    seen = [m for m in model.modules() if m in members or linear_weight(m) is not None]
    handles = []
    try:
        with session(model), torch.no_grad():
            inputs = few_tokens(model)
            handles = [module.register_forward_hook(note, with_kwargs=True) for module in seen]
            model(**inputs)
    except (RuntimeError, ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
        raise UnsupportedError(
            f"{type(model).__name__} could not be run on a few tokens, which shows where its layers are: "
            f"{type(error).__name__}: {error}"
        ) from error
    finally:
        for handle in handles:
            handle.remove()
    return watched


def few_tokens(model: Any) -> dict[str, Any]:
    """The smallest input the model takes: four token ids, the last an end token, or an image of zeros."""
    config, device = model.config, next(model.parameters()).device
    if getattr(model, "main_input_name", "input_ids") == "pixel_values":
        seen = getattr(config, "vision_config", config)
        side = getattr(seen, "image_size", _SIDE)
        height, width = side if isinstance(side, list | tuple) else (side, side)
        shape = (1, getattr(seen, "num_channels", 3), height, width)
        return {"pixel_values": torch.zeros(shape, device=device, dtype=model.dtype)}
    text = config.get_text_config()
    end = getattr(text, "eos_token_id", None)
    end = end[0] if isinstance(end, list) else end
    last = getattr(text, "vocab_size", 7) - 1
    ids = [min(3, last), min(4, last), min(5, last), end if isinstance(end, int) and 0 <= end <= last else min(6, last)]
    inputs: dict[str, Any] = {"input_ids": torch.tensor([ids], device=device)}
    if config.is_encoder_decoder:
        inputs["decoder_input_ids"] = inputs["input_ids"].clone()
    takes = inspect.signature(model.forward).parameters
    return inputs | ({"use_cache": False} if "use_cache" in takes else {})


def _is_hidden(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and value.ndim >= 2
