"""Tiny random models and their tokenizers: made in-process, offline, deterministic, in float64.

Every maker returns ``(model, tokenizer)``, or ``(model, image processor)``, in eval mode. Weights are drawn wide
(standard deviation 0.4, biases too, norm weights around 1) so that outputs are far from uniform and no two inputs look
alike. The caller's random state is restored.

Two things to know about the models whose stock code drops to float32 here and there:

* The RMSNorms of Llama, Mixtral and T5 and Mixtral's router compute in float32 whatever the model's dtype; here they
  are replaced, on the instances, by `FullPrecisionRMSNorm` and `FullPrecisionRouter`, so that float64 means float64.
  At float32 they are the same computations.
* The *eager* attention of Llama, Mixtral and ViT takes the softmax in float32, which is left so:
  ``attn_implementation="eager"`` equals ``"sdpa"`` only to about 1e-6. GPT-2, BERT and T5 have no such casts.
"""

import functools

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BertConfig,
    BertForMaskedLM,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    MarianConfig,
    MarianMTModel,
    MixtralConfig,
    MixtralForCausalLM,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessorPil,
)
from transformers.models.llama.modeling_llama import LlamaRMSNorm
from transformers.models.mixtral.modeling_mixtral import MixtralRMSNorm, MixtralTopKRouter
from transformers.models.t5.modeling_t5 import T5LayerNorm

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
TOKEN_LABELS = ("O", "B-LOC", "I-LOC")
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


class FullPrecisionRouter(MixtralTopKRouter):
    """The top k of ``softmax(W x)``, divided by their sum, in the dtype of x (the stock class computes in float32)."""

    def forward(self, hidden_states):
        logits = torch.nn.functional.linear(hidden_states.reshape(-1, self.hidden_dim), self.weight)
        chosen, indices = torch.topk(torch.nn.functional.softmax(logits, dim=-1), self.top_k, dim=-1)
        chosen /= chosen.sum(dim=-1, keepdim=True)
        return logits, chosen, indices


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
    return _make(BertForSequenceClassification, _bert_config(tokenizer), 5, attn_implementation, dtype), tokenizer


def bert_masked_lm(attn_implementation="sdpa", dtype=torch.float64):
    """BERT with its masked-language-model head, tied to the word embeddings."""
    tokenizer = bert_tokenizer()
    return _make(BertForMaskedLM, _bert_config(tokenizer), 9, attn_implementation, dtype), tokenizer


def bert_token_classifier(attn_implementation="sdpa", dtype=torch.float64):
    """BERT with a label for each token: outside, or the beginning or inside of a place."""
    tokenizer = bert_tokenizer()
    config = _bert_config(tokenizer, id2label=dict(enumerate(TOKEN_LABELS)))
    return _make(BertForTokenClassification, config, 25, attn_implementation, dtype), tokenizer


def bert_question_answering(attn_implementation="sdpa", dtype=torch.float64):
    """BERT with a start and an end logit for each token."""
    tokenizer = bert_tokenizer()
    config = _bert_config(tokenizer, id2label={0: "start", 1: "end"})
    return _make(BertForQuestionAnswering, config, 11, attn_implementation, dtype), tokenizer


def bart_seq2seq(attn_implementation="sdpa", dtype=torch.float64):
    """BART: LayerNorm last, learned positions, scaled embeddings, cross-attention; forced to begin with ``<s>``."""
    tokenizer = bart_tokenizer()
    config = _bart_config(BartConfig, tokenizer)
    model = _make(BartForConditionalGeneration, config, 12, attn_implementation, dtype)
    model.generation_config.forced_bos_token_id = tokenizer.bos_token_id
    return model, tokenizer


def marian_seq2seq(attn_implementation="sdpa", dtype=torch.float64):
    """Marian: like BART with sinusoidal positions, and embeddings scaled behind the table; starts from pad."""
    tokenizer = t5_tokenizer()
    config = _bart_config(MarianConfig, tokenizer)
    return _make(MarianMTModel, config, 13, attn_implementation, dtype), tokenizer


def t5_seq2seq(attn_implementation="sdpa", dtype=torch.float64):
    """T5 1.1: RMSNorm first, relative positions, gelu_new-gated MLP, cross-attention, no biases; starts from pad."""
    tokenizer = t5_tokenizer()
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=16,
        d_kv=4,
        d_ff=32,
        num_layers=2,
        num_heads=4,
        relative_attention_num_buckets=8,
        relative_attention_max_distance=16,
        feed_forward_proj="gated-gelu",
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.pad_token_id,
    )
    return _make(T5ForConditionalGeneration, config, 6, attn_implementation, dtype), tokenizer


def vit_classifier(attn_implementation="sdpa", dtype=torch.float64):
    """ViT: nine patches of 4 × 4 pixels behind a cls token, learned positions, LayerNorm first, gelu, three labels."""
    config = ViTConfig(
        image_size=12,
        patch_size=4,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=32,
        **_labels(),
    )
    processor = ViTImageProcessorPil(size={"height": 12, "width": 12}, image_mean=[0.5] * 3, image_std=[0.5] * 3)
    return _make(ViTForImageClassification, config, 7, attn_implementation, dtype), processor


def mixtral_lm(attn_implementation="sdpa", dtype=torch.float64, experts_implementation="eager"):
    """Mixtral: a Llama whose MLP is two of four gated experts, chosen and weighted by a router."""
    tokenizer = llama_tokenizer()
    config = MixtralConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        num_local_experts=4,
        num_experts_per_tok=2,
        max_position_embeddings=CONTEXT,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = _make(MixtralForCausalLM, config, 8, attn_implementation, dtype)
    model.set_experts_implementation(experts_implementation)
    return model, tokenizer


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


def bart_tokenizer():
    """Byte-level BPE: ``<s> text </s>``."""
    tokenizer = Tokenizer.from_str(_bpe("<s>", "</s>", "<pad>", "<mask>"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(one, tokenizer.token_to_id(one)) for one in ("<s>", "</s>")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        mask_token="<mask>",
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


def t5_tokenizer():
    """Pieces that carry the space before them as ``▁``, with ``</s>`` at the end and ``<unk>`` for the unseen."""
    tokenizer = Tokenizer.from_str(_sentence_pieces())
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", tokenizer.token_to_id("</s>"))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        model_input_names=["input_ids", "attention_mask"],
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


@functools.cache
def _sentence_pieces():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=260, special_tokens=["<pad>", "</s>", "<unk>"], show_progress=False)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return tokenizer.to_str()


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


def _bert_config(tokenizer, **extra):
    return BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=32,
        max_position_embeddings=CONTEXT,
        pad_token_id=tokenizer.pad_token_id,
        **(extra or _labels()),
    )


def _bart_config(config_class, tokenizer):
    """The settings that BART and its kin share."""
    both = {"layers": 2, "attention_heads": 4, "ffn_dim": 32}
    return config_class(
        vocab_size=len(tokenizer),
        d_model=16,
        max_position_embeddings=CONTEXT,
        scale_embedding=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id,
        decoder_start_token_id=tokenizer.pad_token_id if tokenizer.bos_token_id is None else tokenizer.eos_token_id,
        **{f"{side}_{name}": value for side in ("encoder", "decoder") for name, value in both.items()},
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
            if type(child) in (LlamaRMSNorm, MixtralRMSNorm, T5LayerNorm):
                norm = FullPrecisionRMSNorm(child.weight.shape[0], eps=child.variance_epsilon)
                setattr(module, name, norm)
            elif type(child) is MixtralTopKRouter:
                setattr(module, name, FullPrecisionRouter(model.config))


@torch.no_grad()
def _draw(model, seed):
    """Draw every parameter, each once (a tied head is the embedding), norm weights around one."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = STD * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        is_norm_weight = parameter.ndim == 1 and name.endswith("weight")
        parameter.data = (1.0 + noise if is_norm_weight else noise).to(torch.float64)
