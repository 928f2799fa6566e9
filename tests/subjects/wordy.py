"""A tokenizer of a few words, whose ids every tiny model has."""

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

_WORDS = ("The", "film", "was", "good", "and", "I", "did", "not", "like", "quick", "brown", "fox", "at", "all", "so")


def wordy_tokenizer() -> PreTrainedTokenizerFast:
    """Words apart at white space; no control tokens around a text."""
    entries = ["[PAD]", "[BOS]", "[EOS]", "[UNK]", "[MASK]", *_WORDS]
    made = Tokenizer(models.WordLevel({word: i for i, word in enumerate(entries)}, "[UNK]"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="[PAD]", mask_token="[MASK]", unk_token="[UNK]")
