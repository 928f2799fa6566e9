"""Tiny random models and their tokenizers: made in-process, offline, deterministic, in float64.

Every maker returns ``(model, tokenizer)`` in eval mode. Weights are drawn wide (standard deviation 0.4, biases too,
norm weights around 1) so that outputs are far from uniform and no two inputs look alike. The caller's random state is
restored.

Two things to know about Llama, whose stock code drops to float32 here and there:

* ``LlamaRMSNorm`` computes in float32 whatever the model's dtype; here it is replaced, on the instances, by
  `FullPrecisionRMSNorm`, so that float64 means float64. At float32 the two are the same computation.
* Its *eager* attention takes the softmax in float32, which is left so: ``attn_implementation="eager"`` equals
  ``"sdpa"`` only to about 1e-6. GPT-2 and BERT have no such casts.
"""

import functools

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    PreTrainedTokenizerFast,
)
from transformers.models.llama.modeling_llama import LlamaRMSNorm

SENTENCES = (
    "The Eiffel Tower is located in the city of Paris, France.",
    "The quick brown fox jumps over the lazy dog.",
    "The film was a delight: warm, funny and never too long.",
    "I did not like the food, but the service was good.\nWe will not come back.",
    "Paris is in France. London is in England. Rome is in Italy.",
    "Good morning 😀! How are you today? I am fine 😀.",
    "مرحبا بالعالم، كيف حالك اليوم؟",
    "שלום עולם, מה שלומך היום?",
    "user assistant system: you are a helpful assistant.\n",
)
LABELS = ("bad", "neutral", "good")
CONTEXT = 128
STD = 0.4
CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


class FullPrecisionRMSNorm(LlamaRMSNorm):
    """``weight · x / sqrt(mean(x²) + eps)`` in the dtype of x (the stock class computes in float32)."""

    def forward(self, hidden_states):
        variance = hidden_states.pow(2).mean(-1, keepdim=True)
        return self.weight * (hidden_states * torch.rsqrt(variance + self.variance_epsilon))


def gpt2_lm(attn_implementation="sdpa", dtype=torch.float64):
    """GPT-2: LayerNorm first, learned positions, gelu_new, tied head; no BOS added, no pad token."""
    tokenizer = gpt2_tokenizer()
    return _make(GPT2LMHeadModel, _gpt2_config(tokenizer), 1, attn_implementation, dtype), tokenizer


def gpt2_classifier(attn_implementation="sdpa", dtype=torch.float64):
    """GPT-2 with three labels read at the last token; no pad token, so transformers refuses batches of ids."""
    tokenizer = gpt2_tokenizer()
    config = _gpt2_config(tokenizer, **_labels())
    return _make(GPT2ForSequenceClassification, config, 2, attn_implementation, dtype), tokenizer


def llama_lm(attn_implementation="sdpa", dtype=torch.float64, bias=False):
    """Llama: RMSNorm, rotary positions, 4 query heads on 2 key-value heads, SiLU-gated MLP; BOS and pad tokens.

    ``bias=True`` gives every linear of the blocks a bias (real Llamas have none).
    """
    tokenizer = llama_tokenizer()
    return _make(LlamaForCausalLM, _llama_config(tokenizer, bias), 3, attn_implementation, dtype), tokenizer


def llama_classifier(attn_implementation="sdpa", dtype=torch.float64, bias=False):
    """Llama with three labels read at the last token that is not padding."""
    tokenizer = llama_tokenizer()
    config = _llama_config(tokenizer, bias, **_labels())
    return _make(LlamaForSequenceClassification, config, 4, attn_implementation, dtype), tokenizer


def bert_classifier(attn_implementation="sdpa", dtype=torch.float64):
    """BERT: LayerNorm last, learned positions and token types, gelu, tanh pooler, three labels."""
    tokenizer = bert_tokenizer()
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=32,
        max_position_embeddings=CONTEXT,
        pad_token_id=tokenizer.pad_token_id,
        **_labels(),
    )
    return _make(BertForSequenceClassification, config, 5, attn_implementation, dtype), tokenizer


def gpt2_tokenizer():
    """Byte-level BPE; ``<|endoftext|>`` is the only special token and is never added."""
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(_bpe("<|endoftext|>")),
        eos_token="<|endoftext|>",
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


def llama_tokenizer():
    """Byte-level BPE that puts ``<s>`` first, with a chat template (which writes its own ``<s>``)."""
    tokenizer = Tokenizer.from_str(_bpe("<s>", "</s>", "<pad>", "<|im_start|>", "<|im_end|>"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        additional_special_tokens=["<|im_start|>", "<|im_end|>"],
        chat_template=CHAT_TEMPLATE,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


def bert_tokenizer():
    """Lower-casing WordPiece: ``[CLS] text [SEP]``, and ``[UNK]`` for characters it has not seen."""
    tokenizer = Tokenizer.from_str(_wordpiece())
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", cls), ("[SEP]", sep)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


@functools.cache
def _bpe(*special):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=360, initial_alphabet=sorted(alphabet), special_tokens=list(special), show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return tokenizer.to_str()


@functools.cache
def _wordpiece():
    """Special tokens, characters, continuations, words of up to six letters: longer words fall into pieces.

    Written out, not trained: the WordPiece trainer breaks ties in hash order, so its vocabulary differs by process.
    """
    normalizer, splitter = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    text = normalizer.normalize_str(" ".join(SENTENCES))
    words = sorted({word for word, _ in splitter.pre_tokenize_str(text)})
    characters = sorted(set("".join(words)) | set("abcdefghijklmnopqrstuvwxyz0123456789"))
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]
    pieces += ["##" + character for character in characters]
    pieces += ["##s", "##ed", "##er", "##ing", "##ful", "##land", "##ight", "##ant"]
    pieces += [word for word in words if len(word) <= 6]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer.to_str()


def _labels():
    return {"id2label": dict(enumerate(LABELS)), "label2id": {label: i for i, label in enumerate(LABELS)}}


def _gpt2_config(tokenizer, **extra):
    return GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=CONTEXT,
        n_embd=16,
        n_layer=2,
        n_head=4,
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **extra,
    )


def _llama_config(tokenizer, bias, **extra):
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        attention_bias=bias,
        mlp_bias=bias,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **extra,
    )


def _make(model_class, config, seed, attn_implementation, dtype):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = model_class._from_config(config, attn_implementation=attn_implementation, dtype=torch.float64)
        _in_full_precision(model)
        _draw(model, seed)
    return model.to(dtype).eval()


def _in_full_precision(model):
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if type(child) is LlamaRMSNorm:
                norm = FullPrecisionRMSNorm(child.weight.shape[0], eps=child.variance_epsilon)
                setattr(module, name, norm)


@torch.no_grad()
def _draw(model, seed):
    """Draw every parameter, each once (a tied head is the embedding), norm weights around one."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = STD * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        is_norm_weight = parameter.ndim == 1 and name.endswith("weight")
        parameter.data = (1.0 + noise if is_norm_weight else noise).to(torch.float64)
