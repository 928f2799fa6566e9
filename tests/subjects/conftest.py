"""Tiny models as files: saved once for each test run, copied where a test spoils them; no hub is reached."""

import json
import shutil

import numpy as np
import pytest
import torch

import tiny


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """Folders of float32 models with their tokenizers: "llama" and "bert"."""
    folders = {}
    for name, make in (("llama", tiny.llama_lm), ("bert", tiny.bert_classifier)):
        folders[name] = tmp_path_factory.mktemp("models") / name
        for part in make(dtype=torch.float32):
            part.save_pretrained(folders[name])
    return folders


@pytest.fixture
def spoilt(saved, tmp_path):
    """`spoilt("llama", config={...})`: a copy of a saved folder, some of its config (or tokenizer config) changed."""

    def copy(name, **changes):
        folder = tmp_path / f"spoilt-{name}"
        shutil.copytree(saved[name], folder)
        for file, entries in changes.items():
            path = folder / f"{file}.json"
            settings = json.loads(path.read_text()) | entries
            path.write_text(json.dumps({k: v for k, v in settings.items() if v is not None}))
        return folder

    return copy


@pytest.fixture(scope="session")
def gguf_file(tmp_path_factory):
    """The tiny Llama as llama.cpp writes it: the rows of query and key weights in the other rotary order."""
    gguf = pytest.importorskip("gguf", reason="the extra 'gguf' is not installed")
    pytest.importorskip("accelerate", reason="the extra 'gguf' is not installed")
    model, tokenizer = tiny.llama_lm(dtype=torch.float32)
    config, path = model.config, tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    heads, groups = config.num_attention_heads, config.num_key_value_heads
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(heads)
    writer.add_head_count_kv(groups)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.hidden_size // heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(config.vocab_size)
    _write_tokenizer(writer, tokenizer)
    for name, tensor in model.state_dict().items():
        rows = {"q_proj": heads, "k_proj": groups}.get(name.split(".")[-2])
        array = tensor.numpy() if rows is None else _interleaved(tensor.numpy(), rows)
        writer.add_tensor(_gguf_name(name), np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _write_tokenizer(writer, tokenizer):
    pipeline = json.loads(tokenizer.backend_tokenizer.to_str())
    pieces = [tokenizer.convert_ids_to_tokens(i) for i in range(len(tokenizer))]
    merges = [m if isinstance(m, str) else " ".join(m) for m in pipeline["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(pieces)
    writer.add_token_types([3 if piece in tokenizer.all_special_tokens else 1 for piece in pieces])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)


def _gguf_name(name):
    parts = {
        "embed_tokens": "token_embd",
        "lm_head": "output",
        "norm": "output_norm",
        "q_proj": "attn_q",
        "k_proj": "attn_k",
        "v_proj": "attn_v",
        "o_proj": "attn_output",
        "gate_proj": "ffn_gate",
        "up_proj": "ffn_up",
        "down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    words = name.split(".")
    block = f"blk.{words[2]}." if words[1] == "layers" else ""
    return f"{block}{parts[words[-2]]}.weight"


def _interleaved(weight, heads):
    halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, weight.shape[1])
    return halves.swapaxes(1, 2).reshape(weight.shape)
