"""Tiny random models of many architectures, by name, and what their maps must say."""

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageClassification,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
)

_LLAMA_LIKE = {
    "vocab_size": 40,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 32,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_BERT_LIKE = {
    "vocab_size": 40,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 32,
    "pad_token_id": 0,
}
_GPT2_LIKE = {"vocab_size": 40, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 32, "n_inner": 24}
_ENDS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}

CAUSAL = {
    "llama": _LLAMA_LIKE,
    "gpt2": _GPT2_LIKE | _ENDS,
    "gpt_neox": _BERT_LIKE | _ENDS,
    "opt": _BERT_LIKE | _ENDS | {"ffn_dim": 24, "word_embed_proj_dim": 16},
    "bloom": {"vocab_size": 40, "hidden_size": 16, "n_layer": 2, "n_head": 4} | _ENDS,
    "falcon": {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4} | _ENDS,
    "phi": _LLAMA_LIKE,
    "gptj": {"vocab_size": 40, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_inner": 24, "rotary_dim": 4} | _ENDS,
    "gemma2": _LLAMA_LIKE | {"query_pre_attn_scalar": 8},
    "gemma3_text": _LLAMA_LIKE | {"query_pre_attn_scalar": 8},
    "qwen3": _LLAMA_LIKE,
    "mixtral": _LLAMA_LIKE | {"num_local_experts": 4},
}
OTHERS = {
    "rwkv": {"vocab_size": 40, "hidden_size": 16, "attention_hidden_size": 16, "intermediate_size": 24}
    | {"num_hidden_layers": 2, "context_length": 32}
    | _ENDS,
    "nemotron_h": _LLAMA_LIKE
    | {"layers_block_type": ["mamba", "attention", "mlp"], "num_hidden_layers": 3}
    | {"mamba_num_heads": 4, "mamba_head_dim": 8, "ssm_state_size": 8, "n_groups": 2, "chunk_size": 8},
    "jetmoe": _LLAMA_LIKE | {"kv_channels": 4, "num_local_experts": 2, "num_experts_per_tok": 1},
}
CLASSIFIERS = {
    "bert": _BERT_LIKE,
    "distilbert": {"vocab_size": 40, "dim": 16, "hidden_dim": 24, "n_layers": 2, "n_heads": 4} | {"pad_token_id": 0},
    "modernbert": _BERT_LIKE | _ENDS | {"cls_token_id": 1, "sep_token_id": 2},
    "roberta": _BERT_LIKE | _ENDS | {"pad_token_id": 1},
    "deberta-v2": _BERT_LIKE | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
}
SEQ2SEQ = {
    "t5": {"vocab_size": 40, "d_model": 16, "d_ff": 24, "d_kv": 4, "num_layers": 2, "num_heads": 4}
    | {"pad_token_id": 0, "eos_token_id": 2, "decoder_start_token_id": 0},
    "bart": {"vocab_size": 40, "d_model": 16, "encoder_ffn_dim": 24, "decoder_ffn_dim": 24, "encoder_layers": 2}
    | {"decoder_layers": 2, "encoder_attention_heads": 4, "decoder_attention_heads": 4, "max_position_embeddings": 32}
    | _ENDS
    | {"decoder_start_token_id": 2, "forced_eos_token_id": 2},
}
IMAGES = {
    "vit": {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4}
    | {"image_size": 16, "patch_size": 8},
    "dinov2": {"hidden_size": 16, "mlp_ratio": 2, "num_hidden_layers": 2, "num_attention_heads": 4}
    | {"image_size": 16, "patch_size": 8},
}
MIXTURES = {"mixtral", "jetmoe"}
_CLASSES = (
    (CAUSAL, AutoModelForCausalLM),
    (OTHERS, AutoModelForCausalLM),
    (CLASSIFIERS, AutoModelForSequenceClassification),
    (SEQ2SEQ, AutoModelForSeq2SeqLM),
    (IMAGES, AutoModelForImageClassification),
)


def tiny_model(name: str, **changes):
    """A random model of this type, always the same: float64, but for mixtures, whose kernels have none."""
    options, auto = next((table[name], auto) for table, auto in _CLASSES if name in table)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = auto.from_config(AutoConfig.for_model(name, **(options | changes)))
    return (model if name in MIXTURES else model.double()).eval()
