"""One table of the tiny models with an LRP twin: what goes in, what is explained, and the twin's relevance of it."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

import tiny
from reference.lrp import lrp_bert, lrp_gpt2, lrp_llama, lrp_mixtral
from reference.lrp_t5 import lrp_t5
from reference.lrp_vit import lrp_vit
from reference.messages import RULES

TEXT = "Paris is in 😀 France.\nמה"
PREFIX = "London is in"
OUTPUT = 2


@dataclass(frozen=True)
class Twin:
    """The value explained, the relevance of each input by its keyword, and what was absorbed, by name."""

    value: float
    relevance: dict
    absorbed: dict


MAKERS = {
    "llama": tiny.llama_lm,
    "llama-bias": lambda **options: tiny.llama_lm(bias=True, **options),
    "llama-classifier": tiny.llama_classifier,
    "gpt2": tiny.gpt2_lm,
    "gpt2-classifier": tiny.gpt2_classifier,
    "bert": tiny.bert_classifier,
    "t5": tiny.t5_seq2seq,
    "vit": tiny.vit_classifier,
    "mixtral": tiny.mixtral_lm,
}


def inputs_of(model, tokenizer):
    """The model's inputs by keyword, a batch of one, as leaves that carry a gradient."""
    if model.config.model_type == "vit":
        return {"pixel_values": torch.tensor(pixels())[None].requires_grad_()}
    words = model.get_input_embeddings().weight.detach()
    leaves = {"inputs_embeds": words[tokenizer(TEXT)["input_ids"]][None].requires_grad_()}
    if model.config.is_encoder_decoder:
        leaves["decoder_inputs_embeds"] = words[prefix_ids(model, tokenizer)][None].requires_grad_()
    return leaves


def value_of(model, leaves):
    """The logit of output 2: of the last token, or of the classifier."""
    logits = model(**leaves).logits
    return logits[0, OUTPUT] if logits.ndim == 2 else logits[0, -1, OUTPUT]


@cache
def twin(name, rule_set) -> Twin:
    """The twin of one tiny model under one rule set."""
    model, tokenizer = MAKERS[name]()
    rules, absorbed = RULES[rule_set], {}
    kind = model.config.model_type
    if kind == "vit":
        relevance = {"pixel_values": lrp_vit(model, pixels(), OUTPUT, rules, absorbed)}
    elif kind == "t5":
        ids = tokenizer(TEXT)["input_ids"], prefix_ids(model, tokenizer)
        both = lrp_t5(model, *ids, -1, OUTPUT, rules, absorbed)
        relevance = dict(zip(("inputs_embeds", "decoder_inputs_embeds"), both, strict=True))
    else:
        walk = {"llama": lrp_llama, "gpt2": lrp_gpt2, "bert": lrp_bert, "mixtral": lrp_mixtral}[kind]
        relevance = {"inputs_embeds": walk(model, tokenizer(TEXT)["input_ids"], -1, OUTPUT, rules, absorbed)}
    with torch.no_grad():
        value = float(value_of(model, inputs_of(model, tokenizer)))
    return Twin(value, relevance, absorbed)


def prefix_ids(model, tokenizer):
    """A decoder's start token and the target prefix, without its end."""
    return [model.config.decoder_start_token_id, *tokenizer(PREFIX)["input_ids"][:-1]]


def pixels():
    """An image of 3 channels and 12 × 12 pixels of either sign."""
    return np.random.default_rng(0).normal(size=(3, 12, 12))
