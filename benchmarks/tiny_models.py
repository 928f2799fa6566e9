"""Tiny random models of any type that transformers ships, with every additive constant zero."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.models.auto import modeling_auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from tiny_sizes import EXCEPTIONS, HEAD, HEADS, INPUT_MODULES, LAYER_COUNTS, LAYERS, SIZES, VOCABULARY, WHERE_NONE


@dataclass(frozen=True)
class Task:
    """A task, and the part of the names of transformers' tables for it."""

    name: str
    table: str

    @property
    def types(self) -> dict[str, Any]:
        """Model type -> class name, as transformers has them."""
        return dict(getattr(modeling_auto, f"MODEL_FOR_{self.table}_MAPPING_NAMES"))


TASKS = {
    task.name: task
    for task in (
        Task("causal-lm", "CAUSAL_LM"),
        Task("masked-lm", "MASKED_LM"),
        Task("sequence-classification", "SEQUENCE_CLASSIFICATION"),
        Task("token-classification", "TOKEN_CLASSIFICATION"),
        Task("question-answering", "QUESTION_ANSWERING"),
        Task("seq2seq", "SEQ_TO_SEQ_CAUSAL_LM"),
        Task("image-classification", "IMAGE_CLASSIFICATION"),
    )
}

ADDITIVE = re.compile(
    r"(^|[._])(bias|beta|b|dt_bias|r_w_bias|r_r_bias|r_s_bias|seg_embed|\w*_bias\d*|bias_\w+|latents|cls_token\w*|mask_token|"
    r"distillation_token|register_tokens|class_embedding|\w*pos(ition)?_embed\w*)$"
)
"""Parameters that are added to or stand beside what comes from the input; attention sinks weigh, and may stay."""


POSITIONS = re.compile(r"pos_encoding$")
"""Buffers of positions to be added."""
COMPUTED_POSITIONS = re.compile(r"(?<!RoFormer)Sinusoidal\w*Position")
"""Modules that compute positions to be added."""
WITHIN_ATTENTION = re.compile(r"relative|rel_|RoFormer")
"""Positions that only weigh: relative ones, and those that turn queries and keys."""
MULTIPLIED = re.compile(r"(gamma|scale|lambda)[^.]*$")
"""Vectors beside norm weights that multiply."""


def tiny_model(model_type: str, task: Task, dtype: torch.dtype = torch.float64) -> PreTrainedModel:
    """A random model of two layers or so in eval mode, all its additive constants zero."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = tiny_config(model_type, task)
        found = getattr(modeling_auto, f"MODEL_FOR_{task.table}_MAPPING")[type(config)]
        model_class = found[0] if isinstance(found, tuple) else found
        model = model_class._from_config(_own_part(config, model_class))
        _draw(model)
    return model.to(dtype).eval()


def tiny_config(model_type: str, task: Task) -> PreTrainedConfig:
    """The type's default configuration made tiny, sub-configurations with it."""
    exceptions = dict(EXCEPTIONS.get(model_type, {}))
    config = _shrink(CONFIG_MAPPING[model_type], exceptions)
    if task.name == "causal-lm" and "is_decoder" in config.to_dict():
        config.is_decoder = True
    return config


def _own_part(config: PreTrainedConfig, model_class: type[PreTrainedModel]) -> PreTrainedConfig:
    """The sub-configuration that the model class is made from, where it is a part of the type's."""
    for part in (config, *(getattr(config, name) for name in config.sub_configs)):
        if type(part) is model_class.config_class:
            return part
    return config


def _shrink(config_class: type[PreTrainedConfig], exceptions: Mapping[str, Any]) -> PreTrainedConfig:
    try:
        default = config_class()
    except ValueError:
        default = config_class(**exceptions)
    plain = default.to_dict()
    layers = next((plain[name] for name in LAYER_COUNTS if isinstance(plain.get(name), int)), None)
    lists = {
        k: v for k, v in plain.items() if isinstance(v, list) and v and len(v) == layers and not isinstance(v[0], dict)
    }
    count = max([LAYERS, *(len(set(map(str, v))) for v in lists.values())])
    values = {k: v for k, v in exceptions.items() if k not in config_class.sub_configs}
    for name, value in plain.items():
        sub = getattr(default, name, None) if name in config_class.sub_configs else None
        if isinstance(sub, PreTrainedConfig):
            values[name] = _shrink(type(sub), exceptions.get(name, {}))
        elif name not in values:
            tiny = _kinds(value, count) if name in lists else _tiny(name, value, plain, count)
            if tiny is not None and tiny != value:
                values[name] = tiny
    return config_class(**values)


def _tiny(name: str, value: Any, plain: Mapping[str, Any], layers: int) -> Any:
    """The field's tiny value, None where it may stay."""
    if value is None:
        return WHERE_NONE.get(name)
    if name == "num_key_value_heads" and value == plain.get("num_attention_heads"):
        return HEADS
    if isinstance(value, int) and not isinstance(value, bool):
        if name in LAYER_COUNTS:
            return layers
        if name in SIZES:
            return min(SIZES[name], value) if value > 0 else None
    if name == "image_size" and isinstance(value, list | tuple):
        return [SIZES[name]] * len(value)
    if name == "depths" and isinstance(value, list):
        return [min(2, n) if isinstance(n, int) else n for n in value]
    if name in ("rope_parameters", "rope_scaling") and isinstance(value, dict):
        return _shrink_rope(value)
    if re.search(r"token_(id|ids|index)$", name):
        known = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
        others = sorted(n for n in plain if re.search(r"token_(id|ids|index)$", n) and n not in known)
        token = known[name] if name in known else len(known) + others.index(name)
        return [token] if isinstance(value, list) else token
    return None


def _kinds(per_layer: list[Any], count: int) -> list[Any]:
    """One layer of each kind, in order, and then the last kind again."""
    kinds = list({str(kind): kind for kind in per_layer}.values())
    return (kinds + [kinds[-1]] * count)[:count]


def _shrink_rope(rope: dict[str, Any]) -> dict[str, Any]:
    if rope and all(v is None or isinstance(v, dict) for v in rope.values()):
        return {kind: v and _shrink_rope(v) for kind, v in rope.items()}
    rope = dict(rope)
    if "partial_rotary_factor" in rope:
        rope["partial_rotary_factor"] = max(0.5, rope["partial_rotary_factor"])
    if "mrope_section" in rope:
        half = int(HEAD * rope.get("partial_rotary_factor", 1)) // 2
        rope["mrope_section"] = [half - 2 * (half // 3), half // 3, half // 3]
    return rope


@torch.no_grad()
def _draw(model: nn.Module) -> None:
    """Matrices at random, norm weights around one, additive constants and embeddings of anything but tokens zero."""
    tokens = {id(embedding) for embedding in token_embeddings(model)}
    for path, module in model.named_modules():
        kind = type(module).__name__
        beside = "Embedding" in kind and id(module) not in tokens and not _looks_tokens_up(path, module)
        beside = beside and not WITHIN_ATTENTION.search(f"{path} {kind}")
        if COMPUTED_POSITIONS.search(kind) and id(module) not in tokens:
            module.register_forward_hook(lambda _module, _args, output: torch.zeros_like(output))
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.is_floating_point():
                _draw_parameter(f"{path}.{name}", parameter, beside)
        for name, buffer in module.named_buffers(recurse=False):
            if POSITIONS.search(name):
                buffer.zero_()


def _draw_parameter(name: str, parameter: nn.Parameter, beside: bool) -> None:
    if beside or (ADDITIVE.search(name) and not WITHIN_ATTENTION.search(name.rpartition(".")[2])):
        parameter.zero_()
    elif parameter.ndim >= 2:
        fan_in = parameter.shape[-1] if parameter.ndim == 3 else parameter[0].numel()
        parameter.normal_(std=(1.5 if parameter.ndim == 4 else 1.0) * fan_in**-0.5)
    elif name.endswith("weight") or MULTIPLIED.search(name):
        parameter.normal_(1.0, 0.1)
    elif not parameter.any():
        parameter.normal_(std=0.5)


def token_embeddings(model: nn.Module) -> list[nn.Module]:
    """The modules that look tokens up: the encoder's, the decoder's, and what is looked up for every layer."""
    end = INPUT_MODULES.get(model.config.model_type)
    found = [module for path, module in model.named_modules() if end is not None and path.endswith(end)]
    if found:
        return found
    for path, module in model.named_modules():
        if _looks_tokens_up(path, module):
            found.append(module)
        if isinstance(module, PreTrainedModel):
            with suppress(NotImplementedError):
                found.append(module.get_input_embeddings())
    return [module for module in dict.fromkeys(found) if isinstance(module, nn.Module)]


def _looks_tokens_up(path: str, module: nn.Module) -> bool:
    return getattr(module, "num_embeddings", None) == VOCABULARY and not re.search(r"position|type", path)
