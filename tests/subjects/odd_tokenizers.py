"""Tokenizers that do something odd to spaces, offsets or control tokens, over the tiny GPT-2's vocabulary."""

from tokenizers import Tokenizer, pre_tokenizers, processors
from transformers import PreTrainedTokenizer, PreTrainedTokenizerFast

import tiny


def byte_level(add_prefix_space=False, post_processor=None):
    """A byte-level tokenizer over the tiny GPT-2's vocabulary."""
    pipeline = Tokenizer.from_str(tiny.gpt2_tokenizer().backend_tokenizer.to_str())
    pipeline.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
    if post_processor is not None:
        pipeline.post_processor = post_processor
    return PreTrainedTokenizerFast(
        tokenizer_object=pipeline,
        eos_token="<|endoftext|>",
        model_max_length=tiny.CONTEXT,
        clean_up_tokenization_spaces=False,
    )


class Letters(PreTrainedTokenizer):
    """A tokenizer in Python, which keeps no offsets: one token a character."""

    def __init__(self, **options):
        characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .,!?"
        self.pieces = ["<unk>", "<eos>", *characters]
        super().__init__(unk_token="<unk>", eos_token="<eos>", **options)

    @property
    def vocab_size(self):
        return len(self.pieces)

    def get_vocab(self):
        return {piece: i for i, piece in enumerate(self.pieces)} | self.added_tokens_encoder

    def _tokenize(self, text, **options):
        return list(text)

    def _convert_token_to_id(self, token):
        return self.pieces.index(token) if token in self.pieces else 0

    def _convert_id_to_token(self, index):
        return self.pieces[index]

    def convert_tokens_to_string(self, tokens):
        return "".join(tokens)


def with_eos():
    return byte_level(
        post_processor=processors.TemplateProcessing(single="$A <|endoftext|>", special_tokens=[("<|endoftext|>", 0)])
    )


TOKENIZERS = {
    "byte-level": byte_level,
    "trims offsets": lambda: byte_level(post_processor=processors.ByteLevel(trim_offsets=True)),
    "adds a prefix space": lambda: byte_level(add_prefix_space=True),
    "appends EOS": with_eos,
    "without offsets": Letters,
}
