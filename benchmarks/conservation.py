"""How well relevance is conserved in one model: |Σ relevance − value| / |value|, summed over all that it takes in."""

import inspect
from collections.abc import Callable, Container
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tiny_models import Task, token_embeddings
from tiny_sizes import EXTRA_INPUTS, VOCABULARY
from whence.relevance import rules

LENGTH = 12
END = 2


@dataclass(frozen=True)
class Conserved:
    """The value explained, the sum of the relevance of all inputs, and what the inputs are."""

    value: float
    total: float
    inputs: tuple[str, ...]
    dtype: torch.dtype

    @property
    def error(self) -> float:
        """|Σ relevance − value| / |value|."""
        return abs(self.total - self.value) / abs(self.value)


def conservation(model: PreTrainedModel, task: Task, rule_set: str | None = "cp_lrp") -> Conserved:
    """One forward pass under the rules (None: none), one backward pass from the output number of largest magnitude.

    Embeddings are given where the model takes them, and read off the embedding module where it wants ids; in float64,
    or in float32 where the model cannot. If none of these goes, what float32 with embeddings raises is raised.
    """
    errors: list[Exception] = []
    for dtype in (torch.float64, torch.float32):
        for by_ids in (False, True):
            try:
                return _conserved(model.to(dtype), task, rule_set, by_ids)
            except (RuntimeError, ValueError, TypeError, NotImplementedError, AttributeError, IndexError) as error:
                errors.append(error)
    raise errors[2]


def _conserved(model: PreTrainedModel, task: Task, rule_set: str | None, by_ids: bool) -> Conserved:
    leaves: dict[str, Tensor] = {}
    with torch.random.fork_rng(devices=[]), ExitStack() as stack:
        torch.manual_seed(1)
        arguments = _arguments(model, task, leaves, stack, by_ids)
        with rules(rule_set) if rule_set else nullcontext():
            output = model(**arguments)
    value = _value(output, task)
    gradients = torch.autograd.grad(value, list(leaves.values()), allow_unused=True)
    if all(gradient is None for gradient in gradients):
        raise ValueError("the output does not depend on the input embeddings")
    if not value.isfinite():
        raise ValueError(f"the model's output is {value.item()}")
    total = sum((leaf.detach() * g).sum() for leaf, g in zip(leaves.values(), gradients, strict=True) if g is not None)
    return Conserved(value.item(), float(total), tuple(leaves), model.dtype)


def _arguments(
    model: PreTrainedModel, task: Task, leaves: dict[str, Tensor], stack: ExitStack, by_ids: bool
) -> dict[str, Any]:
    """What the model is called with; `leaves` is filled with the inputs that relevance is read off."""
    takes = inspect.signature(model.forward).parameters
    arguments: dict[str, Any] = {"use_cache": False} if "use_cache" in takes else {}
    if task.name == "image-classification" and "pixel_values" in takes:
        return arguments | _image_arguments(model, leaves, takes)
    embeddings = token_embeddings(model)
    ids = torch.randint(5, min(VOCABULARY, getattr(embeddings[0], "num_embeddings", VOCABULARY)), (1, LENGTH))
    ids[0, -1] = END
    if "bbox" in takes:
        arguments["bbox"] = torch.zeros(1, LENGTH, 4, dtype=torch.long)
    if not by_ids:
        for name in ("inputs_embeds", "decoder_inputs_embeds"):
            if name in takes:
                leaves[name] = _looked_up(embeddings[0], ids.roll(len(leaves)))
    if not leaves:
        arguments["inputs" if "inputs" in takes else "input_ids"] = ids
    for name, shape in EXTRA_INPUTS.get(model.config.model_type, {}).items():
        leaves[name] = torch.randn(shape, dtype=model.dtype).requires_grad_()
    arguments |= {name: leaf.clone() for name, leaf in leaves.items()}
    for embedding in embeddings:
        stack.callback(embedding.register_forward_hook(_leaf_maker(leaves)).remove)
    return arguments


def _image_arguments(model: PreTrainedModel, leaves: dict[str, Tensor], takes: Container[str]) -> dict[str, Any]:
    config = model.config
    size = getattr(config, "image_size", None) or getattr(getattr(config, "vision_config", None), "image_size", None)
    size = size if isinstance(size, list | tuple) else (size or 64, size or 64)
    shape = (1, getattr(config, "num_channels", 3), *size)
    if "spatial_shapes" in takes:
        side = 4
        shape = (1, side * side, shape[1] * config.vision_config.patch_size**2)
    leaves["pixel_values"] = torch.randn(shape, dtype=model.dtype).requires_grad_()
    arguments = {"pixel_values": leaves["pixel_values"].clone()}
    if "spatial_shapes" in takes:
        arguments["spatial_shapes"] = torch.tensor([[side, side]])
        arguments["pixel_attention_mask"] = torch.ones(1, side * side, dtype=torch.long)
    if "input_ids" in takes:
        ids = torch.full((1, LENGTH), 20)
        ids[0, 2 : 2 + config.mm_tokens_per_image] = config.image_token_id
        leaves["inputs_embeds"] = _looked_up(model.get_input_embeddings(), ids)
        arguments |= {"inputs_embeds": leaves["inputs_embeds"].clone(), "input_ids": None}
    return arguments


def _looked_up(embedding: nn.Module, ids: Tensor) -> Tensor:
    with torch.no_grad():
        found = embedding(ids)
    return (found[0] if isinstance(found, tuple) else found).clone().requires_grad_()


def _leaf_maker(leaves: dict[str, Tensor]) -> Callable[..., Any]:
    def hook(_module: nn.Module, _args: Any, output: Any) -> Any:
        found = output[0] if isinstance(output, tuple) else output
        name = f"embeddings {len(leaves) + 1}"
        leaves[name] = found.detach().requires_grad_()
        live = leaves[name].clone()
        return (live, *output[1:]) if isinstance(output, tuple) else live

    return hook


def _value(output: Any, task: Task) -> Tensor:
    """The number of largest magnitude: of the last position's, of the classes', or of the later start positions'."""
    if task.name == "question-answering":
        numbers = (output.start_logits if "start_logits" in output else output.question_answering_score)[
            0, LENGTH // 2 :
        ]
    else:
        logits = output.logits if "logits" in output else output.last_hidden_state
        numbers = logits[0, -1] if logits.ndim == 3 else logits[0]
    return numbers.flatten()[numbers.detach().flatten().abs().argmax()]
