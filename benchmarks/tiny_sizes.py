"""How to make any configuration of transformers tiny: sizes by the field's name, and what single types need besides."""

from collections.abc import Mapping
from typing import Any

WIDTH, HEADS, KEY_VALUE_HEADS, HEAD, INNER, VOCABULARY, POSITIONS = 64, 4, 2, 16, 96, 99, 128
LAYERS = 2

_SIZES: Mapping[str, int] = {
    """hidden_size d_model n_embd embed_dim hidden_dim dim emb_dim word_embed_proj_dim cross_attention_hidden_size
    encoder_hidden_size decoder_hidden_size lru_width out_hidden_size pooler_hidden_size output_dim d_latents
    hidden_size_global input_embedding_size output_embedding_size dim_model true_hidden_size projection_dim
    adapter_in_dim adapter_out_dim adapter_input_size projector_input_dim projector_output_dim
    intra_bottleneck_size""": WIDTH,
    """num_attention_heads n_head n_heads num_heads encoder_attention_heads decoder_attention_heads index_n_heads
    num_encoder_attention_heads num_decoder_attention_heads linear_num_value_heads linear_num_heads
    swa_num_attention_heads""": HEADS,
    "num_key_value_heads linear_num_key_heads swa_num_key_value_heads num_global_key_value_heads": KEY_VALUE_HEADS,
    """head_dim d_kv qk_rope_head_dim qk_nope_head_dim v_head_dim linear_key_head_dim linear_value_head_dim
    linear_head_dim index_head_dim dim_head mamba_d_head mamba_headdim mamba_head_dim global_head_dim
    attention_head_size swa_head_dim swa_v_head_dim kv_channels""": HEAD,
    "qk_head_dim": 2 * HEAD,
    "rotary_dim": HEAD // 2,
    """intermediate_size moe_intermediate_size shared_expert_intermediate_size d_ff encoder_ffn_dim decoder_ffn_dim
    ffn_dim ffn_hidden_size n_inner shared_intermediate_size shared_experts_intermediate_size d_inner mlp_dim
    dense_intermediate_size expert_ffn_hidden_size feed_forward_size dim_ff intermediate_size_mlp
    moe_shared_expert_intermediate_size""": INNER,
    "q_lora_rank kv_lora_rank o_lora_rank embedding_rank adapter_rank": 24,
    "embedding_size emb_size d_embedding": 32,
    "num_experts n_routed_experts num_local_experts moe_num_experts num_moe_experts num_routed_experts n_experts": 4,
    "num_experts_per_tok num_experts_per_token moe_topk moe_top_k moe_k index_topk": 2,
    """n_group num_expert_group topk_group n_shared_experts num_shared_experts first_k_dense_replace num_dense_layers
    moe_num_shared_experts""": 1,
    "vocab_size vocab_size_per_layer_input decoder_vocab_size entity_vocab_size": VOCABULARY,
    "hidden_size_per_layer_input entity_emb_size": 16,
    "max_position_embeddings n_positions max_seq_len max_2d_position_embeddings": POSITIONS,
    "sliding_window local_attention window_size attention_window_size sliding_window_size time_step_rank": 4,
    "mamba_d_state state_size ssm_state_size mamba_n_heads mamba_num_heads": 8,
    "image_size": 64,
    "num_kv_shared_layers": 0,
}
SIZES: Mapping[str, int] = {name: size for names, size in _SIZES.items() for name in names.split()}
"""The tiny size of a field, where the type's own default is a whole number."""

LAYER_COUNTS = (
    "num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers", "decoder_layers", "num_encoder_layers",
    "num_decoder_layers", "l_layers", "x_layers", "r_layers", "num_blocks", "num_layers_per_stack",
)  # fmt: skip
"""Fields that count layers."""

WHERE_NONE: Mapping[str, int] = {
    "head_dim": HEAD,
    "num_key_value_heads": HEADS,
    "num_experts_per_tok": 2,
    "vocab_size": VOCABULARY,
}
"""Fields whose default is None, yet which the model wants to know."""

_INDEXER = {
    "indexer_n_heads": 4,
    "indexer_kv_heads": 1,
    "indexer_head_dim": HEAD,
    "indexer_budget": 8,
    "indexer_compress_ratio": 4,
}
EXCEPTIONS: Mapping[str, Mapping[str, Any]] = {
    "canine": {"num_hash_buckets": VOCABULARY},
    "cohere_compass_text": {"rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 10000.0}}},
    "cpmant": {"prompt_length": 2, "prompt_types": 4, "segment_types": 4},
    "dbrx": {"attn_config": {"rope_theta": 10000.0, "kv_n_heads": KEY_VALUE_HEADS, "clip_qkv": 8.0}},
    "donut-swin": {"embed_dim": 48, "hidden_size": 384, "window_size": 2},
    "dots1": {"n_routed_experts": 4, "n_shared_experts": 1},
    "fsmt": {"src_vocab_size": VOCABULARY, "tgt_vocab_size": VOCABULARY},
    "gemma4_assistant": {"text_config": {"hidden_size_per_layer_input": 0, "vocab_size_per_layer_input": 0}},
    "layoutlmv3": {"coordinate_size": 8, "shape_size": 16, "visual_embed": False},
    "granitemoehybrid": {"num_hidden_layers": 2, "layer_types": ["linear_attention", "full_attention"]},
    "lfm2_moe": {"num_hidden_layers": 2, "layer_types": ["conv", "full_attention"]},
    "efficientnet": {"hidden_dim": 1280, "width_coefficient": 1.0, "depth_coefficient": 0.5},
    "lilt": {"hidden_size": 96},
    "longformer": {"attention_window": [4, 4]},
    "mamba2": {"num_heads": 8},
    "mistral4": {"head_dim": 2 * HEAD},
    "nemo_speechlm": {"audio_config": {"diarization_config": {"head_config": {"audio_hidden_size": WIDTH}}}},
    "qwen4_exp": {"text_config": _INDEXER},
    "qwen4_exp_text": _INDEXER,
    "reformer": {"axial_pos_embds_dim": [32, 32], "axial_pos_shape": [4, 4]},
    "rwkv": {"attention_hidden_size": WIDTH},
    "shieldgemma2": {"mm_tokens_per_image": 4, "yes_token_index": 10, "no_token_index": 11},
    "squeezebert": {"embedding_size": WIDTH},
    "swin": {"embed_dim": 48, "hidden_size": 384, "window_size": 2},
    "swinv2": {"embed_dim": 48, "hidden_size": 384, "window_size": 2},
    "t5": {"decoder_start_token_id": 0},
    "xmod": {"default_language": "en_XX"},
    "zamba": {"num_hidden_layers": 4, "layers_block_type": ["linear_attention", "hybrid"] * 2},
}
"""What single types need besides, by model type."""

INPUT_MODULES: Mapping[str, str] = {
    "canine": "char_embeddings",
    "musicgen_decoder": "embed_tokens.0",
    "musicgen_melody_decoder": "embed_tokens.0",
    "perceiver": "input_preprocessor.embeddings",
}
"""The end of the name of the module whose output is the input's embeddings, where the model does not say."""

EXTRA_INPUTS: Mapping[str, Mapping[str, tuple[int, ...]]] = {
    "lxmert": {"visual_feats": (1, 3, 2048), "visual_pos": (1, 3, 4)},
    "voxtral_realtime": {"encoder_inputs_embeds": (1, 48, WIDTH)},
}
"""Inputs besides the text without which a type does not run, and their shapes."""

_REASONS: Mapping[str, str] = {
    "gemma4_assistant gemma4_unified_assistant": (
        "a draft model, which runs on the key and value states of the model it serves and on nothing else"
    ),
    "hrm_text": "its own forward runs all but the last of its cycles without gradients, and cuts what they carry",
    "reformer": "its reversible blocks run again inside a custom backward pass, in training mode only, beyond any rule",
    "yoso": "its attention is one custom autograd function of queries, keys and values, whose parts no rule sees",
    "bailing_hybrid kimi_linear": (
        "its delta rule inverts a matrix step by step, and the identity matrix added to it takes a part of the values"
    ),
}
REASONS: Mapping[str, str] = {kind: reason for kinds, reason in _REASONS.items() for kind in kinds.split()}
"""Why a type is not run or does not conserve; shown for those that do not."""
